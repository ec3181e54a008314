// Opens the associate's pages without the hub: files from the cache, pages as last seen.
// It must never answer a command, and never keep a page of somebody who has signed out.
"use strict";
const FILES = "associate-files-{{ version }}";
const PAGES = "associate-pages-{{ version }}";
const KEPT = {{ kept | tojson }};
const OWN = {{ pages | tojson }};
const OFFLINE = {{ offline | tojson }};
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => cache.addAll([...KEPT, OFFLINE])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(
    names.filter((name) => name.startsWith("associate-") && ![FILES, PAGES].includes(name)).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

// Whoever signs out leaves no page behind.
self.addEventListener("message", (event) => {
  if (event.data === "signed-out") event.waitUntil(caches.delete(PAGES));
});

async function page(request) {
  const path = new URL(request.url).pathname;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const answer = await fetch(request, { signal: stop.signal });
    if (answer.ok && !answer.redirected && OWN.includes(path)) (await caches.open(PAGES)).put(path, answer.clone());
    return answer;
  } catch {
    return (await (await caches.open(PAGES)).match(path)) || (await caches.match(OFFLINE));
  } finally { clearTimeout(timer); }
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && new URL(request.url).search) (await caches.open(FILES)).put(request, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (new URL(request.url).pathname.startsWith("/static/")) event.respondWith(file(request));
});
