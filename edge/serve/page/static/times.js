// Shows all times in the reader's own time zone. The page holds UTC; without this script it says so.
const two = (number) => String(number).padStart(2, "0");

export function showLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
    const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
    element.textContent = time.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`;
    element.title = element.dateTime;
  }
}

showLocalTimes();
