// Dropping files on a form, the progress of a large upload, and the progress of an examination.
// Without this script the same forms work; the page of an examination then reloads by itself.
import { t } from "./texts.js";
import { showLocalTimes } from "./times.js";

for (const place of document.querySelectorAll("[data-drop]")) {
  const input = place.querySelector("input[type=file]");
  showPicked(place, input);
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.toggle("over", name === "dragenter" || name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change"));
    });
  }
}

// A button and the names of what was chosen, in the page's language.
function showPicked(place, input) {
  const [row, button, names] = ["span", "span", "span"].map((tag) => document.createElement(tag));
  row.className = "picked";
  button.className = "button quiet";
  button.textContent = input.multiple ? t("choose_files") : t("choose_file");
  row.append(button, names);
  place.append(row);
  place.classList.add("ready");
  const show = () => {
    const picked = [...input.files].map((file) => file.name);
    names.textContent = picked.length > 3 ? t("files", { count: picked.length }) : picked.join(", ");
  };
  input.addEventListener("change", show);
  show();
}

const form = document.querySelector("[data-upload]");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const status = form.querySelector("[data-status]");
  const request = new XMLHttpRequest();
  const percent = (sent, whole) => (status.textContent = t("upload", { percent: Math.floor((sent / whole) * 100) }));
  request.upload.addEventListener("progress", (sent) => sent.lengthComputable && percent(sent.loaded, sent.total));
  request.addEventListener("error", () => (status.textContent = t("upload_failed")));
  request.addEventListener("load", () => {
    if (request.status < 400) location.assign(request.responseURL);
    else status.textContent = reason(request.responseText);
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.send(new FormData(form));
});

function reason(html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  return (answer.querySelector("[role=alert]") ?? answer.querySelector("main h1"))?.textContent ?? t("upload_failed");
}

const examination = document.querySelector("[data-progress]");
async function follow() {
  const state = examination.querySelector("[data-working]");
  if (state.dataset.working !== "yes") return;
  await new Promise((done) => setTimeout(done, 1000));
  try {
    const answer = await fetch(examination.dataset.progress, { cache: "no-store" });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      showLocalTimes(fresh);
      if (fresh.innerHTML !== examination.innerHTML) examination.replaceChildren(...fresh.childNodes);
      // The button's text and the results are outside this part, so reload the whole page.
      if (examination.querySelector("[data-working]").dataset.working !== "yes") return location.reload();
    }
  } catch {
    // The request failed; the next one shows whether the connection is back.
  }
  follow();
}
if (examination) follow();
