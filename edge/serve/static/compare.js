// The slider that wipes between the enhanced face and the face as found. Without this script both are shown beside each other.
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
