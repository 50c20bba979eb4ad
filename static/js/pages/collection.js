// The tray fetches itself again while something moves; not while nobody looks, and never while files are selected.
import { onChange } from "../lib/changes.js";
import { gettext, interpolate } from "../lib/i18n.js";
import { watchSelection } from "../ui/selection.js";

document.addEventListener("htmx:beforeRequest", (event) => {
  const tray = document.getElementById("tray");
  if (event.target !== tray || event.detail.requestConfig.verb !== "get") return;
  if (document.hidden || tray.querySelector("[name=id]:checked")) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.getElementById("tray").dispatchEvent(new Event("refresh"));
});

const selection = document.querySelector("[data-selection]");
watchSelection(
  () => document.getElementById("documents"),
  (chosen) => {
    selection.hidden = !chosen;
    selection.querySelector("[data-selection-words]").textContent = interpolate(gettext("%(n)s selected"), { n: chosen });
  },
);

// A reader of the screen hears how many are ready, from one place that stays, whenever that changes.
const status = document.querySelector("[data-announcement]");
onChange(() => {
  const words = document.querySelector("#tray [data-summary]")?.textContent.trim() ?? "";
  if (status.textContent !== words) status.textContent = words;
});
