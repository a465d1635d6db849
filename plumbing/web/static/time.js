// Times of day in the reader's own zone, and what remains until a moment.
const language = document.documentElement.lang;
const hour = { hour: "numeric", minute: "2-digit" };
const clock = new Intl.DateTimeFormat(language, hour);
const dayAndClock = new Intl.DateTimeFormat(language, { weekday: "long", ...hour });
const dateAndClock = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", ...hour });
const LAST_HOUR_S = 3600;
const NEAR_MS = 6 * 24 * 3600 * 1000;

export function enhance(root) {
  for (const time of root.querySelectorAll("time[data-local-time]")) {
    const moment = new Date(time.dateTime);
    const isToday = moment.toDateString() === new Date().toDateString();
    // The name of a day says which one only for a few days.
    const isNear = Math.abs(moment - Date.now()) < NEAR_MS;
    time.textContent = (isToday ? clock : isNear ? dayAndClock : dateAndClock).format(moment);
  }
  for (const line of root.querySelectorAll("[data-countdown]")) countDown(line, new Date(line.dataset.countdown));
}

function countDown(line, end) {
  const rest = document.createElement("span");
  rest.className = "nowrap";
  // The sentence with its fixed time is enough for a screen reader; a ticking number would only interrupt.
  rest.setAttribute("aria-hidden", "true");
  line.append(" ", rest);
  const tick = () => {
    const left_s = Math.max(0, Math.round((end - Date.now()) / 1000));
    rest.textContent = left_s >= LAST_HOUR_S ? "" : `(${Math.floor(left_s / 60)}:${String(left_s % 60).padStart(2, "0")})`;
    if (left_s > 0 && line.isConnected) setTimeout(tick, 1000);
  };
  tick();
}
