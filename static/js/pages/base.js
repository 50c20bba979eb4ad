// What every page of the frame can do.
import "../ui/blurred.js";
import "../ui/install.js";
import "../ui/conversation-entries.js";
import "../ui/menu.js";
import "../ui/notices.js";
import "../ui/palette.js";
import "../ui/sidebar.js";
import "../ui/shortcuts.js";

// The server groups conversations by day, and does not know where the reader is.
document.cookie = `timezone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

// Moments are written in UTC by the server, which does not know where the reader is.
const local = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "long", timeStyle: "short" });
for (const moment of document.querySelectorAll("time[data-local]")) moment.textContent = local.format(new Date(moment.dateTime));
// A relative time says the exact one on hover.
for (const moment of document.querySelectorAll("time[data-exact]")) moment.title = local.format(new Date(moment.dateTime));
