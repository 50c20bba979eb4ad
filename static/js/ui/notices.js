// New notices: the badge counts them, a line on the page names them, and the browser shows them where the user switched
// that on. Pages with a socket hear of them at once, others ask once a minute.
import { gettext } from "../lib/i18n.js";
import { headers } from "../net/headers.js";

const EVERY_MS = 60_000;
const place = document.querySelector("[data-notices]");
const toasts = document.querySelector(".messages");
const button = document.querySelector("[data-notify-switch]");
let since = place?.dataset.now;
let asking = null;

const on = () => {
  try {
    return localStorage.getItem("notify") === "on" && window.Notification?.permission === "granted";
  } catch {
    return false; // storage may be forbidden
  }
};

// Another tab may ask too: the tag makes the browser show it once.
async function notify({ id, title, url }) {
  const worker = await navigator.serviceWorker?.getRegistration();
  worker?.showNotification("Openbook", { body: title, tag: `notice-${id}`, data: { url } });
}

function toast({ title, url }) {
  const line = document.createElement("div");
  line.className = "notice";
  const link = Object.assign(document.createElement("a"), { href: url, textContent: title });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "undo", textContent: gettext("Dismiss") });
  close.addEventListener("click", () => line.remove());
  const words = document.createElement("p");
  words.append(link);
  line.append(words, close);
  toasts.append(line);
}

function show(notice) {
  if (document.hidden) {
    if (on()) notify(notice);
    else toast(notice); // seen when the user comes back
  } else if (new URL(notice.url, location).pathname === location.pathname) {
    fetch(`/notices/${notice.id}/seen/`, { method: "POST", headers }).then(check);
  } else toast(notice);
}

async function fetchNotices() {
  const answer = await fetch(`/notices/new/?since=${since}`, { headers }).catch(() => null);
  if (!answer?.ok) return; // signed out, or without a line: the next page says so
  const { count, now, notices } = await answer.json();
  since = now;
  place.querySelector(".badge").hidden = count === 0;
  place.querySelector("[data-count]").textContent = count;
  notices.reverse().forEach(show);
}

function check() {
  asking ??= fetchNotices().finally(() => (asking = null));
}

function dress() {
  if (!button) return;
  button.hidden = !("Notification" in window && "serviceWorker" in navigator);
  button.textContent = on() ? button.dataset.off : button.dataset.on;
  button.setAttribute("aria-pressed", String(on()));
}

async function toggle() {
  const wanted = !on();
  if (wanted && (await Notification.requestPermission()) !== "granted") {
    document.querySelector("[data-notify-refused]").hidden = false;
    return;
  }
  try {
    localStorage.setItem("notify", wanted ? "on" : "off");
  } catch {
    // storage may be forbidden
  }
  dress();
}

if (place) {
  document.addEventListener("notice:new", check);
  setInterval(check, EVERY_MS);
  button?.addEventListener("click", toggle);
  dress();
}
