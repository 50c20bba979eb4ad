// What every page of the frame can do.
import { onChange } from "../lib/changes.js";
import "../ui/blurred.js";
import "../ui/install.js";
import "../ui/conversation-entries.js";
import "../ui/dialogs.js";
import "../ui/menu.js";
import "../ui/notices.js";
import "../ui/palette.js";
import "../ui/sidebar.js";
import "../ui/shortcuts.js";

// A form that was not accepted comes back with the page: the focus goes to the first field to correct.
const wrong = document.querySelector("main [aria-invalid=true]");
if (wrong) wrong.focus();
else if (matchMedia("(pointer: fine)").matches) document.querySelector("main [data-first]")?.focus(); // elsewhere a keyboard would cover the page

// Where tabs are wider than the screen, the current one is in sight.
for (const tab of document.querySelectorAll(":is(.tabs, .queues) [aria-current=page]")) {
  const list = tab.closest("ul, nav");
  const [whole, part] = [list, tab].map((one) => one.getBoundingClientRect());
  list.scrollLeft += part.left - whole.left - (whole.width - part.width) / 2; // in the middle
}

// Skipping to the content leaves the address as it is: a form sent from there would come back to the fragment, not the field.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

// The address may have changed without a reload, as after the first question of a chat: a form leads back to the present one.
document.addEventListener("submit", ({ target }) => {
  const field = target.querySelector("[data-present-url]");
  if (field) field.value = location.pathname + location.search;
});

// The server groups conversations by day, and does not know where the reader is.
document.cookie = `timezone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

// Moments are written in UTC by the server, which does not know where the reader is; a relative one says the exact time on hover.
const { lang } = document.documentElement;
const LOCALE = lang === "en" ? "en-GB" : lang || undefined; // as the server writes them: 3 December 2026, 14:05
const local = new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeStyle: "short" });
const showLocalTimes = () => {
  for (const moment of document.querySelectorAll("time[data-local]")) moment.textContent = local.format(new Date(moment.dateTime));
  for (const moment of document.querySelectorAll("time[data-exact]")) moment.title = local.format(new Date(moment.dateTime));
};
showLocalTimes();
onChange(showLocalTimes);
