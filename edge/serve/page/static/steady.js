// News push what lies below them down. Until that is seen, and for a moment after, a press of the pointer was meant for
// what lay there before: it does nothing, so that nobody answers for another hit than the one they looked at.
const HASTY_MS = 400;
let seenAt = -Infinity;

export function moved() {
  seenAt = Infinity;
  // A frame is painted after the first callback and before the second. On a busy machine that takes its time.
  requestAnimationFrame(() => requestAnimationFrame(() => (seenAt = performance.now())));
}

document.addEventListener("click", (event) => {
  // Keys press what has the focus, wherever that lies now.
  if (!event.detail || event.timeStamp - seenAt > HASTY_MS) return;
  // Answers for a hit alone: any other press that goes wrong is seen, and easily taken back.
  if (!event.target.closest("button, summary, label")?.closest("[data-hit], .verdicts")) return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });
