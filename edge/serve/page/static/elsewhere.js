// Pages beside Now: the sound of unreviewed hits goes on there, too.
import { attend } from "./alarm.js";
import { isOn } from "./sound.js";

const root = document.documentElement.dataset.root;

const EVERY_MS = 5000;
let newest = null;

async function look() {
  const answer = await fetch(`${root}/now/hits`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = [...fresh.querySelectorAll("[data-hit]")];
  const arrived = newest === null ? [] : rows.filter((row) => row.dataset.hit > newest);
  newest = rows[0]?.dataset.hit ?? "";
  attend(rows, arrived);
}

async function lookForEver() {
  for (;;) {
    if (isOn()) await look().catch(() => {}); // strip.js says when the connection is gone
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}
lookForEver();
