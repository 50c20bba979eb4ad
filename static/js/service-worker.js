// Says that the server cannot be reached, in our words. It keeps that page and its style sheets, and nothing else ever:
// every other request goes past it, and no answer, document or page of anybody is stored.
const KEPT = "offline-1";
const page = `/offline/${new URL(location).searchParams.get("lang")}/`;

self.addEventListener("install", (event) => event.waitUntil(fetchAll()));
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));

async function fetchAll() {
  const answer = await fetch(page, { credentials: "omit" });
  if (!answer.ok) throw new Error(`${page}: ${answer.status}`);
  const sheets = [...(await answer.clone().text()).matchAll(/href="([^"]+\.css)"/g)].map((found) => found[1]);
  await caches.delete(KEPT); // of the release, or the language, before
  const cache = await caches.open(KEPT);
  await cache.put(page, answer);
  await cache.addAll(sheets);
  await self.skipWaiting();
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(event.notification.data.url));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(page)));
  else if (request.destination === "style") event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
});
