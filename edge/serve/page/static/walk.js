// The page of a walk while a station is being measured: its changing part is asked for again until the time is over.
// Without this script the page reloads by itself.
const walk = () => document.querySelector("#walk");

async function follow() {
  while (walk().dataset.measuring === "yes") {
    await new Promise((done) => setTimeout(done, 1000));
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", headers: { Accept: "text/html" } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) continue;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#walk");
      if (fresh === null) return location.reload();
      walk().replaceWith(fresh);
    } catch {
      // The request failed; the strip says that the connection is gone, and the next one may succeed.
    }
  }
}
follow();
