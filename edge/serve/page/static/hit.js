// One hit: pictures that say what they are, a switch between found and enhanced face, zoom of both faces together, keys
// for the verdict, and the seconds left to take it back. Without this script the faces and the buttons alone are there.
import { t } from "./texts.js";

const root = document.documentElement.dataset.root;

const SHARP_PX = 480;
const BAND = 0.055;

// Writes into the picture itself what it is, so that a saved or printed one says so, too.
async function mark(image) {
  try {
    await image.decode();
  } catch {
    return; // The picture is not there; its alternative text is.
  }
  const times = Math.max(1, Math.ceil(SHARP_PX / image.naturalWidth));
  const [width, height] = [image.naturalWidth * times, image.naturalHeight * times];
  const band = Math.round(Math.max(width * BAND, 16));
  const canvas = Object.assign(document.createElement("canvas"), { width, height: height + band });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, width, height);
  pen.fillStyle = "#14100a";
  pen.fillRect(0, height, width, band);
  pen.fillStyle = "#e7ebee";
  pen.textBaseline = "middle";
  pen.font = `${Math.round(band * 0.68)}px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillText(image.dataset.mark, band * 0.3, height + band / 2, width - band * 0.6);
  image.src = canvas.toDataURL("image/png");
  image.dataset.marked = "yes";
}
for (const image of document.querySelectorAll("[data-mark]")) mark(image);

const stack = document.querySelector("[data-compare]");
const slider = document.querySelector("#wipe");
if (stack && slider) {
  const enhanced = stack.lastElementChild;
  const toggle = document.querySelector("#enhanced-on");
  const wipe = () => {
    enhanced.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    stack.style.setProperty("--wipe", `${slider.value}%`);
    stack.classList.toggle("wiped", Number(slider.value) > 0);
    toggle.setAttribute("aria-pressed", String(Number(slider.value) > 0));
  };
  slider.parentElement.hidden = false;
  stack.classList.add("ready");
  slider.addEventListener("input", wipe);
  toggle.addEventListener("click", () => {
    slider.value = Number(slider.value) > 0 ? 0 : 100;
    wipe();
  });
  wipe();
}

for (const choice of document.querySelectorAll("[data-reference]")) {
  choice.addEventListener("click", () => {
    const shown = document.querySelector("#enrolled");
    shown.src = `${root}/api/v1/images/${choice.dataset.reference}`;
    mark(shown);
    for (const one of document.querySelectorAll("[data-reference]")) one.setAttribute("aria-pressed", String(one === choice));
  });
}

// Both faces are looked at in the same place: zoomed and moved together.
const looks = [...document.querySelectorAll(".look")];
const zoom = document.querySelector("#zoom");
if (zoom && looks.length) {
  let [x, y] = [0, 0];
  const show = () => {
    const scale = zoom.value / 100;
    const most = 50 * (1 - 1 / scale);
    [x, y] = [x, y].map((value) => Math.max(-most, Math.min(most, value)));
    for (const look of looks) {
      for (const image of look.children) image.style.transform = `scale(${scale}) translate(${x}%, ${y}%)`;
      look.classList.toggle("zoomed", scale > 1);
    }
  };
  zoom.parentElement.hidden = false;
  zoom.addEventListener("input", show);
  document.querySelector("#zoom-off").addEventListener("click", () => {
    zoom.value = 100;
    show();
  });
  for (const look of looks) {
    look.addEventListener("pointerdown", (event) => {
      if (zoom.value <= 100) return;
      event.preventDefault();
      look.setPointerCapture(event.pointerId);
    });
    look.addEventListener("pointermove", (event) => {
      if (!look.hasPointerCapture(event.pointerId)) return;
      const scale = zoom.value / 100;
      x += (event.movementX / look.clientWidth / scale) * 100;
      y += (event.movementY / look.clientHeight / scale) * 100;
      show();
    });
    look.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom.value = Number(zoom.value) - Math.sign(event.deltaY) * 20;
      show();
    }, { passive: false });
  }
}

// A double click answers once.
let isSent = false;
for (const one of document.querySelectorAll("[data-review], [data-undo]")) {
  one.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
}
addEventListener("pageshow", () => (isSent = false));

const undo = document.querySelector("[data-undo]");
if (undo) {
  const over = performance.now() + Number(undo.dataset.undo) * 1000;
  const button = undo.querySelector("button");
  const count = () => {
    const left = Math.ceil((over - performance.now()) / 1000);
    if (left <= 0) undo.remove();
    else button.textContent = t("undo", { seconds: left });
    if (left > 0) setTimeout(count, 250);
  };
  count();
}

// The faces are in view, and the verdict bar does not lie on them, however much stands above: a strip, a long name.
const bar = document.querySelector("#verdict");
function uncoverFaces() {
  const [faces, own] = [looks.map((look) => look.getBoundingClientRect()), bar.getBoundingClientRect()];
  if (!faces.length) return;
  const isBeside = own.left >= Math.max(...faces.map((face) => face.right));
  const covered = Math.max(...faces.map((face) => face.bottom)) - (isBeside ? innerHeight : own.top);
  if (covered > 0) scrollBy({ top: covered, behavior: "instant" });
}
uncoverFaces();
for (const choice of bar.querySelectorAll("details")) choice.addEventListener("toggle", uncoverFaces);

const form = document.querySelector("[data-review]");
const STORED = "edge-keys";
if (form) {
  const wish = form.querySelector("#keys-on");
  form.querySelector(".keys").hidden = false;
  wish.checked = localStorage.getItem(STORED) !== "off";
  wish.addEventListener("change", () => localStorage.setItem(STORED, wish.checked ? "on" : "off"));
  for (const choice of form.querySelectorAll("details")) {
    // Open one choice at a time, also in browsers that don't support details with a common name.
    choice.addEventListener("toggle", () => {
      if (choice.open) for (const other of form.querySelectorAll("details")) if (other !== choice) other.open = false;
    });
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (!wish.checked || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (press(event.key.toLowerCase())) event.preventDefault();
  });
}

function press(key) {
  const open = form.querySelector("details[open]");
  if (open && /^[1-9]$/.test(key)) return click(open.querySelectorAll("fieldset button")[key - 1]);
  if (key === "u") return click(document.querySelector("[data-undo] button"));
  if (key === "escape" && open) return choose(open, false);
  const target = /^[a-z]$/.test(key) ? document.querySelector(`[data-key="${key}"]`) : null;
  if (target?.tagName === "DETAILS") return choose(target, !target.open);
  return click(target);
}

function click(button) {
  button?.click();
  return Boolean(button);
}

function choose(details, isOpen) {
  details.open = isOpen;
  // Without scrolling: the faces stay where they are while the reason is chosen.
  details.querySelector(isOpen ? "fieldset button" : "summary").focus({ preventScroll: true });
  return true;
}

// After a verdict the next thing to do is at hand.
document.querySelector("[data-focus]")?.focus({ preventScroll: true });
