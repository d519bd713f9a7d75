// Times stand on the page in the site's zone, whatever the browser's is. This leaves out the day where that is today.
const zone = document.documentElement.dataset.zone;
// Swedish dates are written as ours: 2027-01-31.
const days = zone ? new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }) : null;

export function showLocalTimes(root = document) {
  if (!days) return;
  const today = days.format(new Date());
  for (const element of root.querySelectorAll("time[datetime]")) {
    const full = (element.dataset.full ??= element.textContent);
    const text = full.startsWith(today) ? full.slice(today.length).trim() : full;
    if (element.textContent !== text) element.textContent = text;
    element.title = `${full} ${zone}`;
  }
}

showLocalTimes();
setInterval(showLocalTimes, 60000);

// Paper is read on other days.
addEventListener("beforeprint", () => {
  for (const element of document.querySelectorAll("time[data-full]")) element.textContent = element.dataset.full;
});
addEventListener("afterprint", () => showLocalTimes());
