// What all of the associate's pages share: the service worker, the bell for a new order, the camera's
// switch, the choice of orders. It must never claim an order by itself.
(() => {
  "use strict";
  const body = document.body;
  const leave = document.querySelector("form[data-leave]");

  // ---- the pages open without the hub; a page of somebody who has left is not kept
  if (navigator.serviceWorker && globalThis.isSecureContext) {
    navigator.serviceWorker.register("/associate/sw.js", { scope: "/associate" }).catch(() => {});
    const forget = () => navigator.serviceWorker.controller?.postMessage("signed-out");
    // Without the hub nobody can be signed out there; the phone shows nothing more, and the hub does it by time.
    const unheard = (event) => {
      if (body.dataset.link !== "off") return;
      event.preventDefault();
      location.replace("/associate/offline");
    };
    leave?.addEventListener("submit", (event) => { forget(); unheard(event); });
    document.addEventListener("hub:idle", (event) => { forget(); unheard(event); });
  }
  const kept = document.getElementById("kept-steps");
  if (kept) {
    const n = Object.keys(localStorage).filter((name) => name.startsWith("storehub.queue.associate.")).length;
    kept.hidden = !n;
    kept.textContent = kept.dataset.say.replace("#", n);
  }

  // ---- a new order rings, shakes, and stands in the title; a browser lets a page sound once it was touched
  const title = document.title;
  let sound = null;
  document.addEventListener("pointerdown", () => { sound ||= globalThis.AudioContext ? new AudioContext() : null; }, { capture: true });
  function ring() {
    navigator.vibrate?.([120, 80, 120]);
    body.dataset.rang = String(Number(body.dataset.rang || 0) + 1);
    if (!sound) return;
    [0, 0.18].forEach((wait, n) => {
      const tone = sound.createOscillator();
      const level = sound.createGain();
      tone.frequency.value = n ? 1175 : 880;
      level.gain.setValueAtTime(0.0001, sound.currentTime + wait);
      level.gain.exponentialRampToValueAtTime(0.25, sound.currentTime + wait + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, sound.currentTime + wait + 0.16);
      tone.connect(level).connect(sound.destination);
      tone.start(sound.currentTime + wait);
      tone.stop(sound.currentTime + wait + 0.2);
    });
  }
  let known = null;
  function bell(ids) {
    if (known && ids.some((id) => !known.has(id))) ring();
    known = new Set(ids);
    document.title = ids.length ? `(${ids.length}) ${title}` : title;
    if (ids.length) navigator.setAppBadge?.(ids.length).catch(() => {}); else navigator.clearAppBadge?.().catch(() => {});
  }

  // ---- the camera's switch; a phone remembers that it scans with it
  const reader = document.getElementById("reader");
  const camera = document.getElementById("camera");
  function film(on) {
    camera.setAttribute("aria-pressed", String(on));
    reader.closest(".lens").hidden = !on;
    if (on) delete reader.dataset.off; else reader.dataset.off = "1";
    reader.dispatchEvent(new Event("camera"));
    localStorage.setItem("associate.camera", on ? "1" : "0");
    document.dispatchEvent(new CustomEvent("associate:camera", { detail: on }));
  }
  if (reader && camera) {
    camera.addEventListener("click", () => film(camera.getAttribute("aria-pressed") !== "true"));
    addEventListener("load", () => { if (localStorage.getItem("associate.camera") === "1") film(true); });
  }
  globalThis.storehubAssociate = { bell, ring, film };

  // ---- looking up: what is scanned opens its article
  const finding = document.getElementById("finding");
  if (finding) {
    document.addEventListener("hub:scanned", (event) => {
      const { text } = event.detail;
      if (/^SH1:[BP]:/.test(text)) return;
      event.preventDefault();
      location.assign(finding.dataset.find + "?q=" + encodeURIComponent(text));
    });
  }

  // ---- the tasks: what is chosen stays chosen while the list lives
  const tasks = document.getElementById("tasks");
  if (!tasks) return;
  const chosen = new Set();
  const boxes = () => [...tasks.querySelectorAll("input[name=order_id]")];
  function show() {
    boxes().forEach((box) => { box.checked = chosen.has(box.value); });
    const n = boxes().filter((box) => box.checked).length;
    const button = document.getElementById("go-pick");
    if (!button) return;
    const say = button.dataset;
    button.querySelector("span").textContent = n === 0 ? say.next : n === 1 ? say.one : say.many.replace("#", n);
  }
  tasks.addEventListener("change", (event) => {
    if (event.target.name !== "order_id") return;
    if (event.target.checked) chosen.add(event.target.value); else chosen.delete(event.target.value);
    show();
  });
  const ids = () => [...tasks.querySelectorAll("[data-order-id]")].map((one) => one.dataset.orderId);
  body.addEventListener("htmx:afterSettle", (event) => { if (event.target === tasks) { show(); bell(ids()); } });
  bell(ids());
  show();
})();
