// Sounds are computed here, without a file: three rising notes if urgent, else two calm ones. Off until switched on.
const NOTES = {
  urgent: [[880, 0], [1175, 0.14], [1568, 0.28], [880, 0.56], [1175, 0.7], [1568, 0.84]],
  normal: [[660, 0], [880, 0.18]],
};
const STORED = "edge-sound";
const muted = document.querySelector("#muted");
let context = null;

export const isOn = () => localStorage.getItem(STORED) === "on";

export async function unlock() {
  context ??= new AudioContext();
  // Before the first click, a browser neither plays nor refuses; it waits.
  await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 300))]);
  return context.state === "running";
}

export async function play(severity) {
  if (!(await unlock())) return false;
  for (const [pitch, at] of NOTES[severity] ?? NOTES.normal) note(pitch, context.currentTime + 0.02 + at);
  const page = document.documentElement.dataset;
  page.sounded = severity;
  page.soundings = Number(page.soundings ?? 0) + 1;
  return true;
}

// Browsers keep the sound of a page back until somebody clicks or presses a key there: until then the page says so.
// The place of the notice is taken from the start, so nothing moves when it comes or goes.
async function tellIfMuted() {
  if (!muted) return;
  muted.hidden = !isOn();
  muted.classList.toggle("heard", muted.hidden || (await unlock()));
}

async function unmute() {
  if (muted.classList.contains("heard")) return;
  await tellIfMuted();
  if (muted.classList.contains("heard")) document.dispatchEvent(new Event("unmuted"));
}

if (muted && window.AudioContext) {
  muted.classList.add("heard");
  tellIfMuted();
  for (const name of ["click", "keydown"]) document.addEventListener(name, unmute);
}

function note(pitch, at) {
  const tone = new OscillatorNode(context, { type: "triangle", frequency: pitch });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.4, at + 0.015);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.13);
  tone.connect(loudness).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.15);
}

export function showControls() {
  const panel = document.querySelector("#sound");
  if (!panel || !window.AudioContext) return;
  const wish = document.querySelector("#sound-on");
  panel.hidden = wish.parentElement.hidden = false;
  wish.checked = isOn();
  wish.addEventListener("change", () => {
    localStorage.setItem(STORED, wish.checked ? "on" : "off");
    tellIfMuted();
  });
  for (const test of panel.querySelectorAll("[data-sound]")) {
    test.addEventListener("click", () => play(test.dataset.sound));
  }
}
