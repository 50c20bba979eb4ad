// New notices: the badge counts them, a line on the page names them, and the browser shows them where the user switched
// that on. Pages with a socket hear of them at once, others ask once a minute.
import { gettext } from "../lib/i18n.js";
import { readStored, store } from "../lib/storage.js";
import { headers } from "../net/headers.js";
import { addToast } from "./toast.js";

const EVERY_MS = 60_000;
const bell = document.querySelector("[data-notices]");
const button = document.querySelector("[data-notify-switch]");
let since = bell?.dataset.now;
let pending = null;

const isOn = () => readStored("notify") === "on" && window.Notification?.permission === "granted";

// Another tab may ask too: the tag makes the browser show it once.
async function notify({ id, title, url }) {
  const worker = await navigator.serviceWorker?.getRegistration();
  worker?.showNotification("Openbook", { body: title, tag: `notice-${id}`, data: { url } });
}

const toast = ({ title, url }) => addToast(Object.assign(document.createElement("a"), { href: url, textContent: title }), gettext("Dismiss"));

function show(notice) {
  if (document.hidden) {
    if (isOn()) notify(notice);
    else toast(notice); // seen when the user comes back
  } else if (new URL(notice.url, location).pathname === location.pathname) {
    fetch(`/notices/${notice.id}/seen/`, { method: "POST", headers }).then(checkNotices);
  } else toast(notice);
}

async function fetchNotices() {
  const answer = await fetch(`/notices/new/?since=${since}`, { headers }).catch(() => null);
  if (!answer?.ok) return; // signed out, or without a line: the next page says so
  const { count, now, notices } = await answer.json();
  since = now;
  bell.querySelector(".badge").hidden = count === 0;
  bell.querySelector("[data-count]").textContent = count;
  notices.reverse().forEach(show);
}

function checkNotices() {
  pending ??= fetchNotices().finally(() => (pending = null));
}

function updateSwitch() {
  if (!button) return;
  button.hidden = !("Notification" in window && "serviceWorker" in navigator);
  button.textContent = isOn() ? button.dataset.off : button.dataset.on;
  button.setAttribute("aria-pressed", String(isOn()));
}

async function toggle() {
  const enable = !isOn();
  if (enable && (await Notification.requestPermission()) !== "granted") {
    document.querySelector("[data-notify-refused]").hidden = false;
    return;
  }
  store("notify", enable ? "on" : "off");
  updateSwitch();
}

if (bell) {
  document.addEventListener("notice:new", checkNotices);
  setInterval(checkNotices, EVERY_MS);
  button?.addEventListener("click", toggle);
  updateSwitch();
}
