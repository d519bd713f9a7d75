// The strip on top of every page: asked for again now and then, and the first to know that the connection is gone.
// What is not live any more then goes grey, and says so.
import { moved } from "./steady.js";
import { showLocalTimes } from "./times.js";

const root = document.documentElement.dataset.root;

const EVERY_MS = 10000;
const OFFLINE_MS = 3000;
const PATIENCE_MS = 5000;
const SLOW_PATIENCE_MS = 15000;
const offline = document.querySelector("#offline");

export function setOffline(isOffline) {
  document.documentElement.toggleAttribute("data-offline", isOffline);
  if (offline.hidden === isOffline) moved();
  offline.hidden = !isOffline;
}

export const isOffline = () => !offline.hidden;

// What the strip says that concerns a live picture, such as `pause`; null where it says nothing.
export const said = (what) => document.querySelector(`#strip [data-${what}]`)?.dataset.said ?? null;

// Whether a camera sends the same pictures again and again.
export const isFrozen = (camera) => Boolean(document.querySelector(`#strip [data-frozen="${camera}"]`));

// Whether the box gives something up, being hot or behind; the lightened view goes first.
export const isLowered = () => Boolean(document.querySelector('#strip [data-condition="lowering"]'));

// Live pictures that come slowly leave little room for anything else: that is no lost connection.
let slowAt = -Infinity;
export const noteSlow = () => (slowAt = performance.now());
const patience = () => (performance.now() - slowAt < SLOW_PATIENCE_MS ? SLOW_PATIENCE_MS : PATIENCE_MS);

export async function refreshStrip() {
  const strip = document.querySelector("#strip");
  try {
    const answer = await fetch(`${root}/now/conditions`, { cache: "no-store", signal: AbortSignal.timeout(patience()) });
    if (answer.status === 401) return location.reload();
    setOffline(false);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    showLocalTimes(fresh);
    // What somebody has unfolded stays open, with the focus where it was.
    const [unfolded, folds] = [strip.querySelector("details[open]"), strip.querySelector("summary")];
    if (unfolded) fresh.querySelector("details")?.setAttribute("open", "");
    const hasFocus = folds !== null && folds === document.activeElement;
    // Nobody loses the button under their finger, and screen readers don't repeat what has not changed.
    if (strip.innerHTML.trim() === fresh.innerHTML.trim()) return;
    const height = strip.offsetHeight;
    strip.replaceChildren(...fresh.childNodes);
    if (hasFocus) strip.querySelector("summary")?.focus({ preventScroll: true });
    if (strip.offsetHeight !== height) moved();
  } catch {
    setOffline(true);
  }
}

async function followForEver() {
  for (;;) {
    await new Promise((done) => setTimeout(done, isOffline() ? OFFLINE_MS : EVERY_MS));
    if (!document.hidden) await refreshStrip();
  }
}
document.addEventListener("visibilitychange", () => document.hidden || refreshStrip());
followForEver();
