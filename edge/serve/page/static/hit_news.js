// The page of one hit stays as it is while somebody works on it. When a better picture or a verdict has come, a button
// says so and shows it; an open choice and a note that was begun are there again afterwards.
import { isShared, listen } from "./events.js";
import { refreshStrip, setOffline } from "./strip.js";
import { t } from "./texts.js";

const EVERY_MS = 5000;
const HASTY_MS = 400;
const place = document.querySelector("#hit-news");
const note = document.querySelector("[data-review] [name=note]");
let [isAsking, mustAskAgain, isGone, shownAt] = [false, false, false, 0];

async function ask() {
  const page = new URLSearchParams({ pictures: place.dataset.pictures, verdict: place.dataset.verdict });
  const signal = AbortSignal.timeout(EVERY_MS);
  const answer = await fetch(`${place.dataset.news}?${page}`, { cache: "no-store", signal });
  isGone = answer.status === 404;
  if (isGone) return say([Object.assign(document.createElement("p"), { textContent: t("hit_gone") })]);
  if (!answer.ok) return; // strip.js says when the login or the connection is gone
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  showInView(fresh.querySelector("[data-in-view]"));
  say([...fresh.querySelectorAll("a")]);
}

// One question at a time, so that no older answer replaces a newer one.
async function look() {
  mustAskAgain = true;
  if (isAsking || isGone || document.hidden) return;
  isAsking = true;
  while (mustAskAgain) {
    mustAskAgain = false;
    await ask().catch(() => {});
  }
  isAsking = false;
}

function say(news) {
  const text = news.map((one) => one.textContent).join("");
  if (place.textContent === text) return; // screen readers don't repeat what has not changed
  place.replaceChildren(...news);
  shownAt = performance.now();
}

function showInView(fresh) {
  const shown = document.querySelector("#in-view");
  if (shown.innerHTML === fresh.innerHTML) return;
  const title = shown.closest("header");
  title.style.minHeight = `${title.getBoundingClientRect().height}px`; // a shorter text moves nothing below
  shown.replaceChildren(...fresh.childNodes);
}

place.addEventListener("click", (event) => {
  if (!event.target.closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  // This click was meant for what lay here a moment ago.
  if (event.detail && performance.now() - shownAt < HASTY_MS) return;
  const open = document.querySelector("[data-review] details[open]")?.dataset.key;
  history.replaceState({ note: note?.value, open }, "");
  location.reload();
});

const { state } = history;
if (state && note) {
  history.replaceState(null, "");
  note.value = state.note ?? "";
  const choice = document.querySelector(`[data-review] details[data-key="${state.open}"]`);
  if (choice) {
    choice.open = true;
    choice.querySelector("fieldset button").focus({ preventScroll: true });
  }
}

// Where tabs can't share the stream, many open hits would take all connections to the box: these only ask now and then.
if ("events" in place.dataset && isShared) {
  listen((name) => {
    setOffline(name === "offline");
    if (name === "hello" || name === "hits") look();
    if (name !== "hits") refreshStrip();
  });
}
document.addEventListener("visibilitychange", look);
setInterval(look, EVERY_MS);
look();
