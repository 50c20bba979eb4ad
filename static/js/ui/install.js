// Installed as an app, and without a line to the server, a page of ours says so (service-worker.js).
if ("serviceWorker" in navigator) {
  const { lang } = document.documentElement;
  navigator.serviceWorker.register(`/service-worker.js?lang=${lang}`).catch(() => {}); // a browser that does not allow it goes without
}
