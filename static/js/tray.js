// The tray fetches itself again while something moves; not while nobody looks, and never under an open menu.
document.addEventListener("htmx:beforeRequest", (event) => {
  const tray = document.getElementById("tray");
  if (event.target !== tray || event.detail.requestConfig.verb !== "get") return;
  if (document.hidden || tray.querySelector("details[open]")) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.getElementById("tray").dispatchEvent(new Event("refresh"));
});
