// Zones and masks over the live picture. The form's text is the truth: each change is written there, and nothing else is
// sent. Everything works with a pointer (drag a corner, double click a side to add one) and by keyboard (arrows, Delete,
// Ctrl+Z takes a step back).

import { said } from "./strip.js";
import { t } from "./texts.js";

const root = document.documentElement.dataset.root;
const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.01;
const WIDE_STEP = 0.1;
const MIN_CORNERS = 3;
const MAX_CORNERS = 64;
const KINDS = ["mask_polygons", "include_zones", "exclude_zones"];

const box = document.getElementById("draw");
const list = document.getElementById("list");
const told = document.getElementById("told");
const text = document.querySelector("textarea[name=areas]");
const svg = box.querySelector("svg");
const canvas = box.querySelector("canvas");
const fixed = JSON.parse(box.dataset.fixed);
const max = Number(box.dataset.max);
const names = Object.fromEntries([...document.querySelectorAll("[data-add]")].map((one) => [one.dataset.add, one.dataset.name]));
const unsaved = document.getElementById("unsaved");
const back = document.getElementById("back");
let areas = read();
// What was drawn before each step that can be taken back; a drag is one step.
const steps = [];
let current = JSON.stringify(areas);
let isDragged = false;
// What is in force, or none where this page was refused: whoever leaves with anything else is asked.
const saved = document.querySelector("[role=alert]") ? null : JSON.stringify(areas);

function read() {
  try {
    const found = JSON.parse(text.value);
    return Object.fromEntries(KINDS.map((kind) => [kind, found[kind] ?? []]));
  } catch (error) {
    return Object.fromEntries(KINDS.map((kind) => [kind, []]));
  }
}

const keep = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;

function element(name, values, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

const asPoints = (corners) => corners.map(([x, y]) => `${x},${y}`).join(" ");
const sentence = (kind, number, corner, [x, y]) =>
  t("zone_corner", { area: `${names[kind]} ${number + 1}`, corner: corner + 1, x: Math.round(x * 100), y: Math.round(y * 100) });

const isSaved = () => JSON.stringify(areas) === saved;

function tellSaved() {
  const said = isSaved() ? "" : t("zone_unsaved");
  if (unsaved.textContent !== said) unsaved.textContent = said;
}

function note() {
  const now = JSON.stringify(areas);
  if (now !== current && !isDragged) {
    steps.push(current);
    current = now;
  }
  back.disabled = !steps.length;
}

function stepBack() {
  if (!steps.length || isDragged) return;
  current = steps.pop();
  areas = JSON.parse(current);
  told.textContent = t("zone_back");
  changed(document.activeElement.dataset.corner);
}

function changed(focus) {
  text.value = JSON.stringify(areas);
  note();
  draw();
  tellSaved();
  if (focus) svg.querySelector(`[data-corner="${focus}"]`)?.focus();
}

function draw() {
  svg.replaceChildren();
  for (const kind of KINDS) {
    for (const corners of fixed[kind] ?? []) element("polygon", { class: `area fixed ${kind}`, points: asPoints(corners) }, svg);
    areas[kind].forEach((corners, number) => drawArea(kind, number, corners));
  }
  drawList();
}

function drawArea(kind, number, corners) {
  const shape = element("polygon", { class: `area ${kind}`, points: asPoints(corners) }, svg);
  shape.addEventListener("dblclick", (event) => addCorner(kind, number, place(event)));
  corners.forEach((corner, index) => {
    const key = `${kind}-${number}-${index}`;
    const label = sentence(kind, number, index, corner);
    const values = { class: `corner ${kind}`, tabindex: 0, role: "button", "aria-label": label, "data-corner": key };
    // A corner is a line without length with a round end: its size does not follow the picture's shape.
    const mark = element("path", { ...values, d: `M ${corner[0]} ${corner[1]} h 0.0001` }, svg);
    mark.addEventListener("keydown", (event) => press(event, kind, number, index));
    mark.addEventListener("pointerdown", (event) => drag(event, kind, number, index));
  });
}

function drawList() {
  list.replaceChildren();
  for (const kind of KINDS) {
    areas[kind].forEach((corners, number) => {
      const row = document.createElement("li");
      row.className = kind;
      const name = document.createElement("span");
      name.textContent = t("zone_row", { area: `${names[kind]} ${number + 1}`, count: corners.length });
      const more = button(t("zone_corner_add"), () => addCorner(kind, number, null));
      const gone = button(t("zone_remove"), () => {
        areas[kind].splice(number, 1);
        told.textContent = t("zone_removed", { area: `${names[kind]} ${number + 1}` });
        changed();
        (list.querySelector("button") ?? document.querySelector("[data-add]")).focus();
      });
      for (const one of [more, gone]) one.setAttribute("aria-label", `${one.textContent}: ${names[kind]} ${number + 1}`);
      row.append(name, more, gone);
      list.append(row);
    });
  }
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

function place(event) {
  const frame = svg.getBoundingClientRect();
  return [keep((event.clientX - frame.left) / frame.width), keep((event.clientY - frame.top) / frame.height)];
}

// A new corner goes into the side whose middle is nearest; without a place, into the middle of the last side.
function addCorner(kind, number, at) {
  const corners = areas[kind][number];
  if (corners.length >= MAX_CORNERS) {
    told.textContent = t("zone_corners_full", { count: MAX_CORNERS });
    return;
  }
  const middles = corners.map(([x, y], i) => {
    const [x2, y2] = corners[(i + 1) % corners.length];
    return [(x + x2) / 2, (y + y2) / 2];
  });
  let side = corners.length - 1;
  if (at) {
    const far = middles.map(([x, y]) => (x - at[0]) ** 2 + (y - at[1]) ** 2);
    side = far.indexOf(Math.min(...far));
  }
  corners.splice(side + 1, 0, (at ?? middles[side]).map(keep));
  changed(`${kind}-${number}-${side + 1}`);
}

function move(kind, number, index, [x, y]) {
  areas[kind][number][index] = [keep(x), keep(y)];
}

function press(event, kind, number, index) {
  const [x, y] = areas[kind][number][index];
  const step = event.shiftKey ? WIDE_STEP : STEP;
  const to = { ArrowLeft: [x - step, y], ArrowRight: [x + step, y], ArrowUp: [x, y - step], ArrowDown: [x, y + step] }[event.key];
  if (to) {
    move(kind, number, index, to);
    told.textContent = sentence(kind, number, index, areas[kind][number][index]);
  } else if (event.key === "Delete" && areas[kind][number].length > MIN_CORNERS) {
    areas[kind][number].splice(index, 1);
    index = Math.max(0, index - 1);
  } else if (event.key === "Delete") {
    told.textContent = t("zone_corners");
    return;
  } else {
    return;
  }
  event.preventDefault();
  changed(`${kind}-${number}-${index}`);
}

function drag(event, kind, number, index) {
  event.preventDefault();
  const follow = (moved) => {
    move(kind, number, index, place(moved));
    changed(`${kind}-${number}-${index}`);
  };
  const stop = () => {
    isDragged = false;
    note();
    document.removeEventListener("pointermove", follow);
    document.removeEventListener("pointerup", stop);
    document.removeEventListener("pointercancel", stop);
  };
  isDragged = true;
  svg.querySelector(`[data-corner="${kind}-${number}-${index}"]`).focus();
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerup", stop);
  document.addEventListener("pointercancel", stop);
}

function add(kind) {
  if (areas[kind].length >= max) {
    told.textContent = t("zone_full", { count: max });
    return;
  }
  // Each new area lies a little beside the others, so that none hides another.
  const aside = 0.05 * (Object.values(areas).flat().length % 7);
  const [from, to] = [0.35, 0.65].map((edge) => Math.round((edge + aside) * 100) / 100);
  areas[kind].push([[from, from], [to, from], [to, to], [from, to]]);
  changed(`${kind}-${areas[kind].length - 1}-0`);
}

// What is wrong with the camera: its picture may be old, or there is none.
function tellAge(words) {
  const age = document.getElementById("age");
  if (age.textContent !== words) age.textContent = words;
}

async function follow() {
  let after = "";
  const pen = canvas.getContext("2d", { alpha: false });
  for (;;) {
    try {
      const address = `${root}/live/${box.dataset.camera}/frame.jpg${after}`;
      const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (answer.status === 401) location.reload();
      if (answer.ok && answer.status !== 204) {
        after = `?after=${answer.headers.get("X-Frame-Id")}`;
        const bitmap = await createImageBitmap(await answer.blob());
        if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
        if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
        pen.drawImage(bitmap, 0, 0);
        bitmap.close();
        box.dataset.frame = answer.headers.get("X-Frame-Id");
      }
      tellAge(said(`lost="${box.dataset.camera}"`) ?? "");
    } catch (error) {
      tellAge(t("no_connection"));
    }
    await new Promise((done) => setTimeout(done, 200));
  }
}

for (const one of document.querySelectorAll("[data-add]")) one.addEventListener("click", () => add(one.dataset.add));
back.addEventListener("click", () => {
  stepBack();
  if (back.disabled) document.querySelector("[data-add]").focus();
});
addEventListener("keydown", (event) => {
  // In the text the browser's own undo holds.
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.target === text) return;
  event.preventDefault();
  stepBack();
});
function take() {
  areas = read();
  draw();
  tellSaved();
}

// Drawn while it is typed: once somebody presses Save, nothing may move away under the pointer.
text.addEventListener("input", take);
text.addEventListener("change", () => {
  take();
  note();
});
let isSent = false;
text.form.addEventListener("submit", () => (isSent = true));
addEventListener("beforeunload", (event) => {
  if (!isSent && !isSaved()) event.preventDefault();
});
for (const id of ["draw", "tools", "list"]) document.getElementById(id).hidden = false;
draw();
tellSaved();
follow();
