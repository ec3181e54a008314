// Live updates, promise timers, keyboard-wedge scanners and automatic sign-out for all screens.
// It must never hold truth: what it shows comes from the hub, and is fetched again when it changed.
(() => {
  "use strict";
  const body = document.body;
  const csrf = document.querySelector('meta[name="csrf-token"]').content;

  // ---- requests
  body.addEventListener("htmx:configRequest", (event) => {
    const headers = event.detail.headers;
    headers["X-CSRFToken"] = csrf;
    if (event.detail.triggeringEvent?.type === "live") headers["X-Unattended"] = "1";
  });
  body.addEventListener("htmx:responseError", (event) => {
    const request = event.detail.xhr;
    if (request.status === 401) return;
    toast(request.responseText, true);
  });
  body.addEventListener("htmx:sendError", () => unheard(true));

  function toast(html, isMarkup) {
    const place = document.getElementById("toast");
    const holder = document.createElement("div");
    if (isMarkup && html.trimStart().startsWith("<div")) holder.innerHTML = html;
    else {
      holder.className = "banner refused";
      holder.textContent = isMarkup ? body.dataset.failed : html;
    }
    place.replaceChildren(holder);
    setTimeout(() => holder.remove(), 7000);
  }

  // ---- live: one stream a page; elements with data-live="topic …" fetch themselves again
  const LEAST = 120;
  const waiting = new WeakMap();
  const keeps = new Map();

  // A finger on a button, or a step under way, must not lose its button to a refresh.
  let pressed = false;
  document.addEventListener("pointerdown", () => { pressed = true; }, true);
  ["pointerup", "pointercancel"].forEach((name) => document.addEventListener(name, () => {
    setTimeout(() => { pressed = false; }, 60);
  }, true));
  // A form that a person has opened (details.hold) keeps what is being filled in.
  const held = (element) => pressed || element.querySelector(".htmx-request, details.hold[open], [data-hold]") !== null;

  function refresh(element) {
    const now = performance.now();
    const state = waiting.get(element) || { last: 0, timer: 0, busy: false, again: false };
    waiting.set(element, state);
    if (state.busy) { state.again = true; return; }
    if (state.timer) return;
    const least = Number(element.dataset.least || LEAST);
    const wait = Math.max(0, state.last + least - now);
    const go = () => {
      if (held(element)) { state.timer = setTimeout(go, 120); return; }
      state.timer = 0; state.last = performance.now(); state.busy = true;
      htmx.trigger(element, "live");
      setTimeout(() => { state.busy = false; }, 4000);
    };
    if (wait === 0) go(); else state.timer = setTimeout(go, wait);
  }
  body.addEventListener("htmx:afterRequest", (event) => {
    const state = waiting.get(event.detail.elt);
    if (!state) return;
    state.busy = false;
    if (state.again) { state.again = false; refresh(event.detail.elt); }
    if (event.detail.successful) unheard(false);
  });
  body.addEventListener("htmx:beforeSwap", (event) => {
    const own = event.detail.requestConfig?.triggeringEvent?.type !== "live";
    if (!own && held(event.detail.elt)) {
      event.detail.shouldSwap = false;
      waiting.get(event.detail.elt).again = true;
      return;
    }
    document.querySelectorAll("[data-keep-scroll]").forEach((e) => keeps.set(e.id, e.scrollTop));
  });
  body.addEventListener("htmx:afterSettle", () => {
    keeps.forEach((top, id) => { const e = document.getElementById(id); if (e) e.scrollTop = top; });
    keeps.clear();
    tick();
  });

  function matches(wanted, topics) {
    return wanted.split(" ").some((want) => want === "*" || topics.some(
      (topic) => topic === want || topic.startsWith(want + ":")));
  }
  body.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault();
    const { type, data } = event.detail;
    unheard(false);
    if (type === "reset") { location.reload(); return; }
    const said = JSON.parse(data);
    if (type === "state") { states(said); return; }
    document.dispatchEvent(new CustomEvent("hub:changed", { detail: { topics: said.topics, at: Date.now() } }));
    document.querySelectorAll("[data-live]").forEach((element) => {
      if (matches(element.dataset.live, said.topics)) refresh(element);
    });
  });
  body.addEventListener("htmx:sseOpen", () => { body.dataset.link = "on"; unheard(false); });
  body.addEventListener("htmx:sseError", () => { body.dataset.link = "off"; later(); });

  let silence = 0;
  function later() { if (!silence) silence = setTimeout(() => unheard(body.dataset.link === "off"), 3000); }
  function unheard(is) {
    if (!is) { clearTimeout(silence); silence = 0; }
    const banner = document.getElementById("unheard");
    if (banner.hidden === is) document.dispatchEvent(new CustomEvent(is ? "hub:lost" : "hub:heard"));
    banner.hidden = !is;
  }

  let shown = "";
  function states(said) {
    const text = JSON.stringify(said.sync?.state) + said.line;
    const away = !["online", "up", "alone"].includes(said.sync?.state);
    document.getElementById("offline").hidden = !away;
    if (shown && shown !== text) {
      document.querySelectorAll('[data-live~="sync"], [data-live="*"]').forEach(refresh);
    }
    shown = text;
  }

  // ---- promise timers: the server renders them, the page lets them tick
  const SOON = 15;
  function span(minutes) {
    const say = body.dataset;
    if (minutes < 60) return say.minutes.replace("#", minutes);
    if (minutes < 1440) return say.hours.replace("##", minutes % 60).replace("#", Math.floor(minutes / 60));
    return say.days.replace("#", Math.floor(minutes / 1440));
  }
  function tick() {
    const now = Date.now();
    document.querySelectorAll("time[data-promise]").forEach((element) => {
      const left = Date.parse(element.dataset.promise) - now;
      const minutes = Math.floor(Math.abs(left) / 60000);
      const kind = left < 0 ? "late" : minutes < SOON ? "soon" : "on-time";
      const text = left < 0 ? element.dataset.late.replace("#", span(Math.max(1, minutes))) : span(minutes);
      const label = element.querySelector("span") || element;
      if (label.textContent !== text) label.textContent = text;
      const card = element.closest(".timed");
      if (card && !card.classList.contains(kind)) {
        card.classList.remove("on-time", "soon", "late"); card.classList.add(kind);
      }
      const chip = element.closest(".chip");
      if (chip) { chip.classList.toggle("late", kind === "late"); chip.classList.toggle("soon", kind === "soon"); }
    });
  }
  setInterval(tick, 10000);

  // ---- a keyboard-wedge scanner types fast and ends with Enter: any screen understands it
  const FAST = 80;
  let typed = "";
  let lastKey = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const now = event.timeStamp;
    if (now - lastKey > FAST) typed = "";
    lastKey = now;
    if (event.key === "Enter") {
      const text = typed; typed = "";
      const field = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select");
      const plain = field && !field.matches("[data-scan]");
      if (text.length < 4 || (plain && field.value.indexOf(text) < 0)) return;
      event.preventDefault(); event.stopPropagation();
      if (field && typeof field.value === "string" && field.value.endsWith(text)) field.value = field.value.slice(0, -text.length);
      scanned(text);
    } else if (event.key.length === 1) typed += event.key;
  }, true);

  // A page that knows what a scan means there takes it (a listener that prevents the default).
  function scanned(text, key) {
    const left = document.dispatchEvent(new CustomEvent("hub:scanned", { detail: { text, key }, cancelable: true }));
    if (!left) return Promise.resolve();
    const to = document.querySelector("[data-scan-to]");
    if (to && !text.startsWith("SH1:")) {
      const values = { text, key: key || crypto.getRandomValues(new Uint32Array(3)).join("-") };
      return htmx.ajax("POST", to.dataset.scanTo, { target: to, swap: "innerHTML", values });
    }
    const where = document.querySelector("[data-order]");
    const values = { text, order_id: where ? where.dataset.order : "", key: key || crypto.getRandomValues(new Uint32Array(3)).join("-") };
    return htmx.ajax("POST", "/counter/scan", { target: "#toast", swap: "innerHTML", values });
  }

  // ---- a scanner that is paired with this screen: what it reads acts here as if it was typed.
  // Each scan is taken once, by the tab that is looked at; a page that is being left takes none.
  const screen = body.dataset.screen;
  let taking = false;
  let more = false;
  let leaving = false;
  addEventListener("pagehide", () => { leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  body.addEventListener("htmx:afterRequest", (event) => {
    const said = event.detail.xhr;
    if (said && (said.getResponseHeader("HX-Redirect") || said.getResponseHeader("HX-Refresh"))) leaving = true;
  });
  async function take(rung) {
    if (!screen || leaving || document.visibilityState !== "visible") return;
    if (taking) { more = true; return; }
    taking = true;
    try {
      do {
        more = false;
        const headers = { "X-CSRFToken": csrf };
        if (!rung) headers["X-Unattended"] = "1";
        const answer = await fetch("/scan/next", { method: "POST", headers });
        if (answer.status !== 200) continue;
        const scan = await answer.json();
        more = true;
        await scanned(scan.text, scan.key);
      } while (more && !leaving);
    } catch { unheard(true); } finally { taking = false; }
  }
  document.addEventListener("hub:changed", (event) => {
    if (screen && event.detail.topics.includes("screen:" + screen)) take(true);
  });
  document.addEventListener("visibilitychange", () => take(false));
  addEventListener("load", () => take(false));

  // ---- PIN pad
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-pin]");
    if (!key) return;
    const field = document.getElementById("pin");
    const what = key.dataset.pin;
    if (what === "back") field.value = field.value.slice(0, -1);
    else if (field.value.length < 12) field.value += what;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // ---- automatic sign-out: the server decides; the page only stops showing
  const limit = Number(body.dataset.signout || 0) * 1000;
  // Who signs out leaves no board behind (counter-away.js).
  if (!limit && body.dataset.shell === undefined) {
    ["last", "who"].forEach((name) => { try { localStorage.removeItem("storehub.counter." + name); } catch { /* not allowed to keep anything */ } });
  }
  // Nor does the phone keep pages of somebody who left by another page (associate/sw.js).
  if (location.pathname === "/signin" && globalThis.caches) {
    caches.keys().then((names) => names.filter((name) => name.startsWith("associate-pages")).forEach((name) => caches.delete(name)));
  }
  if (limit) {
    let touched = Date.now();
    ["pointerdown", "keydown", "hub:scanned"].forEach((name) => document.addEventListener(name, () => { touched = Date.now(); }, { passive: true }));
    setInterval(() => {
      if (Date.now() - touched <= limit) return;
      // Without the hub nobody can sign in again: what the counter keeps is shown, and nobody's name.
      if (body.dataset.link === "off" && body.querySelector("#away")) {
        localStorage.removeItem("storehub.counter.who");
        // Only its worker has that page now; over plain HTTP there is none, and this page forgets by itself.
        if (navigator.serviceWorker?.controller) location.assign("/counter/away");
        else document.dispatchEvent(new CustomEvent("hub:nobody"));
      } else if (document.dispatchEvent(new CustomEvent("hub:idle", { cancelable: true }))) location.assign("/signin?out=1&next=" + encodeURIComponent(location.pathname));
    }, 5000);
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form) form.requestSubmit();
  });
  tick();
})();
