// Sounds for hits that nobody has reviewed: each sounds when it comes, and again until somebody has, as its status says.
import { isOn, play } from "./sound.js";

const SOUNDS = { rising: "urgent", calm: "normal" };
const ORDER = ["notice", "normal", "urgent"];
const CHECK_EVERY_MS = 500;
const soundedAt = new Map();
let rows = [];

// `list` are the rows of hits as they stand now; `arrived` those that came just now, which sound at once.
export function attend(list, arrived = []) {
  rows = list.filter((row) => SOUNDS[row.dataset.sound]);
  const now = performance.now();
  for (const row of rows) if (!soundedAt.has(row.dataset.hit)) soundedAt.set(row.dataset.hit, now);
  for (const row of arrived) soundedAt.set(row.dataset.hit, -Infinity);
  ring();
}

function isDue(row) {
  const [at, repeat] = [soundedAt.get(row.dataset.hit), Number(row.dataset.repeat)];
  return at === -Infinity || (repeat > 0 && performance.now() - at >= repeat * 1000);
}

function ring() {
  const due = rows.filter(isDue);
  if (!due.length) return;
  for (const row of due) soundedAt.set(row.dataset.hit, performance.now());
  const worst = Math.max(...due.map((row) => ORDER.indexOf(row.dataset.severity)));
  const loudest = due.find((row) => ORDER.indexOf(row.dataset.severity) === worst);
  if (isOn()) ringOnce(SOUNDS[loudest.dataset.sound]);
}

// One of all the open pages sounds, not each of them.
function ringOnce(sound) {
  if (!navigator.locks) return play(sound);
  return navigator.locks.request("edge-sound", { ifAvailable: true }, async (lock) => {
    if (lock && (await play(sound))) await new Promise((done) => setTimeout(done, 900));
  });
}

// What came while the browser kept the sound back is heard now.
document.addEventListener("unmuted", () => {
  for (const row of rows) soundedAt.set(row.dataset.hit, -Infinity);
  ring();
});
setInterval(ring, CHECK_EVERY_MS);
