// The tray fetches itself again while something moves; not while nobody looks, and never under an open menu.
import { onChange } from "../lib/changes.js";

document.addEventListener("htmx:beforeRequest", (event) => {
  const tray = document.getElementById("tray");
  if (event.target !== tray || event.detail.requestConfig.verb !== "get") return;
  if (document.hidden || tray.querySelector("details[open]")) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.getElementById("tray").dispatchEvent(new Event("refresh"));
});

// A reader of the screen hears how many are ready, from one place that stays, whenever that changes.
const status = document.querySelector("[data-announcement]");
onChange(() => {
  const words = document.querySelector("#tray [data-summary]")?.textContent.trim() ?? "";
  if (status.textContent !== words) status.textContent = words;
});
