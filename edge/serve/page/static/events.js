// The event stream, one for all tabs of this browser: a browser opens few connections to one host, and each stream keeps
// one. The tab that holds the lock listens and tells the others; when it is closed, the next one takes over.
const WARN_AFTER_MS = 4000;
// Where a proxy shows this box under a path; two boxes at one host must not hear each other.
const root = document.documentElement.dataset.root;
const NAME = `edge-events${root}`;

// Whether all tabs share one stream; browsers allow it over HTTPS and on the machine itself alone.
export const isShared = Boolean(navigator.locks && window.BroadcastChannel);

// `hear` is called with hello, hits, health or offline.
export function listen(hear) {
  if (!isShared) return open(hear);
  const channel = new BroadcastChannel(NAME);
  channel.addEventListener("message", (event) => hear(event.data));
  const tell = (name) => {
    channel.postMessage(name);
    hear(name);
  };
  navigator.locks.request(NAME, () => new Promise(() => open(tell)));
  // Fetch what happened since this page was made.
  hear("hello");
}

function open(hear) {
  const events = new EventSource(`${root}/events`);
  let warning;
  for (const name of ["hello", "hits", "health"]) {
    events.addEventListener(name, () => {
      warning = clearTimeout(warning);
      hear(name);
    });
  }
  events.addEventListener("error", () => {
    // A reconnect takes two seconds; only a longer break is shown.
    warning ??= setTimeout(() => hear("offline"), WARN_AFTER_MS);
    if (events.readyState === EventSource.CLOSED) {
      clearTimeout(warning);
      hear("offline");
      setTimeout(open, 3000, hear);
    }
  });
}
