// Says that the server cannot be reached, in our words, and takes files that another app shares. It keeps that page, its
// style sheets and those files, which the next new chat takes out again (attachments.js). Every other request goes past
// it, and no answer, document or page of anybody is stored.
const KEPT = "offline-1";
const SHARED = "shared-1";
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

// The system posts what is shared without our cookies and tokens. The files wait here, also while the user signs in.
async function receive(request) {
  const form = await request.formData();
  const files = form.getAll("files").filter((file) => file.size);
  await caches.delete(SHARED); // what was shared before and never taken
  const cache = await caches.open(SHARED);
  for (const [at, file] of files.entries()) {
    const headers = { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name), "X-Since": Date.now() };
    await cache.put(`/share/${at}`, new Response(file, { headers }));
  }
  const words = ["title", "text", "url"].map((name) => [name, form.get(name)]).filter(([, value]) => value);
  return Response.redirect(`/?${new URLSearchParams(files.length ? [...words, ["files", files.length]] : words)}`, 303);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "POST" && new URL(request.url).pathname === "/share/") event.respondWith(receive(request));
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(page)));
  else if (request.destination === "style") event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
});
