// The counter's service worker: without the hub its pages are the kept shell, which shows the last
// board (counter-away.js). VERSION stands above, put there by the hub.
// It must never keep a page of the hub's: those hold names. Only the shell and static files are kept.
const CACHE = `storehub-counter-${VERSION}`;
const SHELL = "/counter/away";
const PATIENCE = 5000;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    const page = await fetch(SHELL, { cache: "no-store", credentials: "same-origin" });
    if (!page.ok) throw new Error("no shell");
    const html = await page.clone().text();
    await cache.put(SHELL, page);
    const parts = new Set([...html.matchAll(/(?:href|src)="(\/static\/[^"#]+)/g)].map((found) => found[1].replaceAll("&amp;", "&")));
    await cache.addAll([...parts]);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("storehub-counter-") && name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

async function page(request) {
  const late = new Promise((_, fail) => { setTimeout(() => fail(new Error("late")), PATIENCE); });
  try { return await Promise.race([fetch(request), late]); } catch {
    return (await (await caches.open(CACHE)).match(SHELL)) || Response.error();
  }
}

async function file(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  let fresh;
  // A font that the style sheet names has no version in its address; what is kept is the same file.
  try { fresh = await fetch(request); } catch { return (await cache.match(request, { ignoreSearch: true })) || Response.error(); }
  if (fresh.ok && new URL(request.url).searchParams.has("v")) await cache.put(request, fresh.clone());
  return fresh;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname.startsWith("/counter")) event.respondWith(page(request));
  else if (pathname.startsWith("/static/")) event.respondWith(file(request));
});
