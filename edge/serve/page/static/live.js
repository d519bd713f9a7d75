// One live picture: fetch a frame with its own record, draw both in the same paint, and say how old it is.
//
// Age is capture to paint. The device sends a frame's age by its own monotonic clock; from then on this page's
// monotonic clock counts. The time of our request is included: the age shown may be slightly too great, never too small.

import { isFrozen, isLowered, isOffline, noteSlow, said } from "./strip.js";
import { ageInWords, numberText, t } from "./texts.js";

const root = document.documentElement.dataset.root;
const NOT_LIVE_MS = 2000;
const MAX_PAUSE_MS = 4000;
const SILENT_MS = 15000;
const SLOW_MS = 2000;
const COLORS = { match: "#f4b740", rejected: "#a5b2bc", face: "#e7ebee", ink: "#14100a", shade: "rgb(0 0 0 / 60%)" };

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const nextPaint = () => new Promise((done) => requestAnimationFrame(done));
const becomesVisible = () =>
  document.hidden ? new Promise((done) => document.addEventListener("visibilitychange", done, { once: true })) : null;

export class LivePicture {
  constructor(section) {
    this.section = section;
    this.canvas = section.querySelector("canvas");
    this.ageText = section.querySelector(".age-text");
    this.seen = section.querySelector(".seen");
    this.camera = section.dataset.camera;
    this.lit = section.querySelector(".lit input");
    this.litText = section.querySelector(".lit-text");
    this.born = null;
    this.frame = null;
    this.trouble = null;
  }

  wantsLit() {
    return Boolean(this.lit?.checked);
  }

  start() {
    this.lit?.addEventListener("change", () => remember(this.camera, this.lit.checked));
    if (this.lit && remembered(this.camera)) this.lit.checked = true;
    setInterval(() => this.showAge(), 200);
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
  }

  show(record, bitmap, asked) {
    this.frame?.bitmap.close();
    this.frame = { bitmap, record };
    this.born = asked + record.waited_ms - record.age_ms;
    this.draw();
    this.showAge();
    const lit = this.wantsLit() ? (record.lit ? t("lit") : isLowered() ? t("not_lit") : t("not_lit_yet")) : "";
    this.section.dataset.lit = record.lit ? "yes" : "no";
    if (this.litText && this.litText.textContent !== lit) this.litText.textContent = lit;
  }

  draw() {
    if (!this.frame) return;
    const { bitmap, record } = this.frame;
    const dpr = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.parentElement.clientWidth * dpr);
    const height = Math.round((width * record.height) / record.width);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const pen = this.canvas.getContext("2d", { alpha: false });
    pen.drawImage(bitmap, 0, 0, width, height);
    const scale = width / record.width;
    for (const face of record.faces) drawFace(pen, face, scale, dpr, width);
  }

  showAge() {
    const age = this.born === null ? Infinity : performance.now() - this.born;
    // What a frozen camera sends is new, and what it shows is not.
    const frozen = isFrozen(this.camera);
    const live = age <= NOT_LIVE_MS && !frozen;
    this.section.dataset.live = live ? "yes" : "no";
    this.section.dataset.ageMs = Number.isFinite(age) ? String(Math.round(age)) : "";
    let text = t("waiting");
    if (live) text = t("live", { seconds: numberText(age / 1000, 1) });
    else if (frozen && age <= NOT_LIVE_MS) text = t("frozen");
    else if (Number.isFinite(age)) text = t("not_live", { age: ageInWords(age) });
    if (this.trouble && !live) text += `, ${this.trouble}`;
    if (!live && this.born === null && said(`lost="${this.camera}"`)) text = t("no_picture");
    if (this.ageText.textContent !== text) this.ageText.textContent = text;
    this.describe(live);
  }

  describe(live) {
    const lost = isOffline() ? null : said(`lost="${this.camera}"`);
    const faces = live ? this.frame.record.faces.filter((face) => face.label) : [];
    const names = [...new Set(faces.filter((face) => !face.rejected).map((face) => face.label))].sort();
    const turnedDown = [...new Set(faces.filter((face) => face.rejected).map(rejection))].sort();
    const between = live && this.frame.record.faces.some((face) => face.between) ? t("between") : "";
    // Why nobody would be recognised, such as a covered lens: else an empty picture reads as all clear.
    const paused = said("pause") ?? said("blind") ?? said(`off="${this.camera}"`);
    let text = [names.length ? t("in_view", { names: names.join(", ") }) : "", ...turnedDown, between].filter(Boolean).join(" ");
    text ||= paused ?? lost ?? said("nobody") ?? t("nobody");
    if (!live) text = lost ?? t("unknown");
    if (this.seen.textContent !== text) this.seen.textContent = text;
    this.section.toggleAttribute("data-paused", live && Boolean(paused));
    this.seen.classList.toggle("signal", live && (names.length > 0 || Boolean(between || (paused ?? lost ?? said("nobody")))));
    this.seen.classList.toggle("fault", !live && Boolean(lost));
  }
}

// One request for all cameras of the page: a browser opens few connections to one host, over all its tabs.
export async function fetchForEver(pictures) {
  const after = new Map();
  let pause = 0;
  for (;;) {
    await becomesVisible();
    const tell = (trouble) => pictures.forEach((picture) => (picture.trouble = trouble));
    try {
      tell((await fetchOnce(pictures, after, () => tell(t("slow_connection")))) ? t("slow_connection") : null);
      pause = 0;
    } catch (error) {
      tell(t("no_connection"));
      pause = Math.min(MAX_PAUSE_MS, pause * 2 || 250);
      await sleep(pause);
    }
  }
}

// An answer may take as long as it needs while more of it comes: a slow network is not a broken one. `slow` is called
// with each piece of one that takes long.
async function fetchPatiently(address, slow) {
  const control = new AbortController();
  let silence;
  const wait = () => {
    clearTimeout(silence);
    silence = setTimeout(() => control.abort(), SILENT_MS);
  };
  wait();
  try {
    const answer = await fetch(address, { cache: "no-store", signal: control.signal });
    const [began, pieces] = [performance.now(), []];
    for (const reader = answer.body?.getReader(); reader; ) {
      const { done, value } = await reader.read();
      if (done) break;
      wait();
      pieces.push(value);
      if (performance.now() - began > SLOW_MS) slow();
    }
    return new Response(pieces.length ? new Blob(pieces) : null, answer);
  } finally {
    clearTimeout(silence);
  }
}

// Show what comes next; returns whether it came slowly.
async function fetchOnce(pictures, after, tellSlow) {
  let isSlow = false;
  const slow = () => {
    isSlow = true;
    noteSlow();
    tellSlow();
  };
  const asked = performance.now();
  const seen = [...after].map(([camera, frame]) => `${camera}:${frame}`).join(",");
  const lit = pictures.filter((one) => one.wantsLit()).map((one) => one.camera).join(",");
  const query = [seen && `after=${seen}`, lit && `lit=${lit}`].filter(Boolean).join("&");
  const address = `${root}/live/frames${query ? `?${query}` : ""}`;
  const answer = await fetchPatiently(address, slow);
  if (answer.status === 401) location.reload();
  if (answer.status === 204) return isSlow;
  if (!answer.ok) throw new Error(`frames: ${answer.status}`);
  const parts = await answer.formData();
  const records = parts.getAll("record").map((text) => JSON.parse(text));
  const bitmaps = await Promise.all(parts.getAll("picture").map((data) => createImageBitmap(data)));
  await nextPaint();
  for (const [index, record] of records.entries()) {
    after.set(record.camera, record.frame_id);
    const picture = pictures.find((one) => one.camera === record.camera);
    if (picture) picture.show(record, bitmaps[index], asked);
    else bitmaps[index].close();
  }
  return isSlow;
}

// Which cameras are lightened is kept for this window alone; `?view=lit` in the address turns it on for all.
const key = (camera) => `edge-lit-${camera}`;
const remember = (camera, on) => sessionStorage.setItem(key(camera), on ? "yes" : "no");
const remembered = (camera) => {
  const kept = sessionStorage.getItem(key(camera));
  return kept ? kept === "yes" : new URLSearchParams(location.search).get("view") === "lit";
};

const rejection = (face) => t("rejected_in_view", { name: face.label, time: face.rejected });

function colorOf(face) {
  if (face.rejected) return COLORS.rejected;
  return face.label ? COLORS.match : COLORS.face;
}

function drawFace(pen, face, scale, dpr, width) {
  const [x1, y1, x2, y2] = face.box.map((edge) => edge * scale);
  pen.lineJoin = "round";
  // A dark line under the bright one keeps the box visible on any picture.
  for (const [color, px] of [[COLORS.shade, 4], [colorOf(face), face.label ? 2.5 : 1.5]]) {
    pen.strokeStyle = color;
    pen.lineWidth = px * dpr;
    pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
  if (face.label) drawLabel(pen, face, x1, y1, y2, dpr, width);
}

function drawLabel(pen, face, x1, y1, y2, dpr, width) {
  const small = 11 * dpr;
  const large = 14 * dpr;
  const pad = 6 * dpr;
  const font = getComputedStyle(document.body).fontFamily;
  const [name, tag] = [face.label, face.rejected ? t("rejected", { time: face.rejected }) : t("possible_match")];
  pen.font = `600 ${large}px ${font}`;
  const nameWidth = pen.measureText(name).width;
  pen.font = `400 ${small}px ${font}`;
  const tagWidth = Math.min(Math.max(nameWidth, pen.measureText(tag).width) + 2 * pad, width);
  const tagHeight = small + large + 2.5 * pad;
  const x = Math.max(0, Math.min(x1, width - tagWidth));
  const y = y1 - tagHeight - 2 * dpr >= 0 ? y1 - tagHeight - 2 * dpr : y2 + 2 * dpr;
  pen.fillStyle = colorOf(face);
  pen.fillRect(x, y, tagWidth, tagHeight);
  pen.fillStyle = COLORS.ink;
  pen.textBaseline = "top";
  pen.fillText(tag, x + pad, y + pad, tagWidth - 2 * pad);
  pen.font = `600 ${large}px ${font}`;
  pen.fillText(name, x + pad, y + pad + small + 0.5 * pad, tagWidth - 2 * pad);
}
