// One hit: the slider between enhanced and found face, keys for the verdict, and the seconds left to take it back.
// Without this script both faces are shown, and the verdict is given with buttons alone.
import { t } from "./texts.js";

const stack = document.querySelector("[data-compare]");
const slider = document.querySelector("#wipe");
if (stack && slider) {
  const found = stack.lastElementChild;
  const wipe = () => {
    found.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    stack.style.setProperty("--wipe", `${slider.value}%`);
  };
  slider.hidden = false;
  stack.classList.add("ready");
  slider.addEventListener("input", wipe);
  wipe();
}

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
  const target = /^[a-z]$/.test(key) ? form.querySelector(`[data-key="${key}"]`) : null;
  if (target?.tagName === "DETAILS") return choose(target, !target.open);
  return click(target);
}

function click(button) {
  button?.click();
  return Boolean(button);
}

function choose(details, isOpen) {
  details.open = isOpen;
  details.querySelector(isOpen ? "fieldset button" : "summary").focus();
  return true;
}
