// Sounds are computed here, without a file: three rising notes if urgent, else two calm ones. Off until switched on.
const NOTES = {
  urgent: [[880, 0], [1175, 0.14], [1568, 0.28], [880, 0.56], [1175, 0.7], [1568, 0.84]],
  normal: [[660, 0], [880, 0.18]],
};
const STORED = "edge-sound";
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
  const [wish, needs] = [panel.querySelector("#sound-on"), panel.querySelector("#sound-needs")];
  panel.hidden = false;
  wish.checked = isOn();
  wish.addEventListener("change", async () => {
    localStorage.setItem(STORED, wish.checked ? "on" : "off");
    needs.hidden = !wish.checked || (await unlock());
  });
  for (const test of panel.querySelectorAll("[data-sound]")) {
    test.addEventListener("click", async () => (needs.hidden = await play(test.dataset.sound)));
  }
  if (isOn()) unlock().then((isFree) => (needs.hidden = isFree));
}
