// Answers in the server's place while it is away: one page without a word of anybody, and its files.
"use strict";
const KEPT = "without the server";
const PAGE = "/offline";

async function load() {
  const page = await fetch(PAGE, { cache: "no-store" });
  if (!page.ok) throw new TypeError(`${PAGE}: ${page.status}`);
  const files = new Set((await page.clone().text()).match(/\/static\/[\w./-]+\?[0-9a-f]+/g));
  const cache = await caches.open(KEPT);
  for (const file of files) if (!(await cache.match(file))) await cache.add(file);
  await cache.put(PAGE, page);
  for (const { url } of await cache.keys()) {
    const path = url.slice(location.origin.length);
    if (path !== PAGE && !files.has(path)) await cache.delete(url);
  }
}

async function answer(request) {
  const patience = new AbortController(), timer = setTimeout(() => patience.abort(), 8000);
  try {
    const found = await fetch(request, { signal: patience.signal });
    // what comes slowly comes all the same
    clearTimeout(timer);
    if (found.status < 502 || found.status > 504) return found;
  } catch { /* nobody answered */ }
  return (await caches.match(PAGE)) ?? Response.error();
}

addEventListener("install", (event) => event.waitUntil(load().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.data === "load" && event.waitUntil(load()));
addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || request.method !== "GET") return;
  if (pathname.startsWith("/static/")) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  else if (request.mode === "navigate") event.respondWith(answer(request));
});
