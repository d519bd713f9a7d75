// The page "Now": live pictures, and news that arrive without a reload. The event stream says only that something changed;
// what changed is then asked for, so that a lost event or a reconnect loses nothing.
import { attend } from "./alarm.js";
import { listen } from "./events.js";
import { LivePicture, fetchForEver } from "./live.js";
import { showControls } from "./sound.js";
import { moved } from "./steady.js";
import { refreshStrip, setOffline } from "./strip.js";
import { t } from "./texts.js";
import { showLocalTimes } from "./times.js";

const root = document.documentElement.dataset.root;
const HEALTH_EVERY_MS = 15000;
const HITS_EVERY_MS = 5000;
const news = document.querySelector("#news");

async function refresh(address, id) {
  const place = document.getElementById(id);
  if (!place) return;
  const answer = await fetch(address, { cache: "no-store" });
  if (answer.status === 401) location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  showLocalTimes(fresh);
  // Screen readers don't repeat what has not changed.
  if (place.innerHTML.trim() === fresh.innerHTML.trim()) return;
  const [before, order, focus] = [newest(place), hits(place), focused(place)];
  place.replaceChildren(...fresh.childNodes);
  focus?.();
  if (hits(place) !== order) moved();
  const arrived = [...place.querySelectorAll("[data-hit]")].filter((hit) => hit.dataset.hit > before);
  if (arrived.length) announce(arrived);
  if (id === "latest") attend(hitRows(), arrived);
  showCount();
}

const hits = (place) => [...place.querySelectorAll("[data-hit]")].map((hit) => hit.dataset.hit).join();

// Gives the focus back to the hit that has it, once its row has been made anew: who works by keyboard goes on from there.
function focused(place) {
  const [hit, { tagName }] = [place.contains(document.activeElement) && document.activeElement.closest("[data-hit]"), document.activeElement];
  if (!hit) return null;
  return () => {
    const row = `[data-hit="${hit.dataset.hit}"]`;
    (place.querySelector(`${row} ${tagName}`) ?? place.querySelector(`${row} a`))?.focus({ preventScroll: true });
  };
}

const hitRows = () => [...document.querySelectorAll("#latest [data-hit]")];

// Ids are ordered by time, so a hit that moved up because another was erased is not new.
const newest = (place) => place.querySelector("[data-hit]")?.dataset.hit ?? "";

function announce(arrived) {
  for (const hit of arrived) hit.classList.add("fresh");
  if (news) news.textContent = t("new_hit", { name: arrived[0].querySelector("strong").textContent });
}

const title = document.title;

// The count stays in the title until somebody has looked at the hits.
function showCount() {
  const count = Number(document.querySelector("[data-unseen]")?.dataset.unseen ?? 0);
  document.title = count ? `(${count > 99 ? "99+" : count}) ${title}` : title;
}

const refreshQuietly = (address, id) => refresh(address, id).catch(() => {});

function refreshHealth() {
  refreshQuietly(`${root}/now/health`, "health");
  refreshStrip();
}

function hear(name) {
  setOffline(name === "offline");
  if (name === "hello" || name === "hits") refreshQuietly(`${root}/now/hits`, "latest");
  if (name === "hello" || name === "health") refreshHealth();
  // Another answer means that the login has ended: reload the page.
  if (name === "offline") refreshHealth();
}

const pictures = [...document.querySelectorAll("[data-camera]")].map((section) => new LivePicture(section));
for (const picture of pictures) picture.start();
if (pictures.length) fetchForEver(pictures);
listen(hear);
showControls();
showCount();
attend(hitRows());
setInterval(refreshHealth, HEALTH_EVERY_MS);
// Nothing is sent when somebody has gone out of view.
setInterval(() => refreshQuietly(`${root}/now/hits`, "latest"), HITS_EVERY_MS);

// "Seen" without leaving the live picture.
document.querySelector("#latest")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const sent = new URLSearchParams(new FormData(event.target, event.submitter));
  try {
    await fetch(event.target.action, { method: "POST", body: sent, redirect: "manual" });
  } finally {
    refreshQuietly(`${root}/now/hits`, "latest");
  }
});
