// The counter without its hub: keeps the last board (goods and shelves, nobody's name), shows it
// read-only, and queues handovers by code until the hub confirms them.
// It must never call a handover done that the hub has not confirmed, never give one order twice at
// this screen, and never keep the board of somebody who signed out.
(() => {
  "use strict";
  const place = document.getElementById("away");
  if (!place) return;
  const LAST = "storehub.counter.last";
  const WHO = "storehub.counter.who";
  const SHIFT = 12 * 3600 * 1000;
  const KEEP_EVERY = 15000;
  let shell = document.body.dataset.shell !== undefined;
  const say = place.dataset;

  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const write = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* a full disk: the page still works */ } };

  // ---- who is signed in: what is queued is theirs
  const who = shell ? read(WHO) : { id: say.person, name: say.name, at: Date.now() };
  if (!shell) write(WHO, who);
  let fresh = who && Date.now() - who.at < SHIFT;
  const queue = storehubQueue("counter", { person: fresh ? who.id : "" });

  // ---- the last board
  let last = read(LAST);
  if (last && Date.now() - Date.parse(last.as_of) > SHIFT) { last = null; localStorage.removeItem(LAST); }
  let due = 0;
  async function keep() {
    due = 0;
    try {
      const answer = await fetch("/counter/last", { headers: { "X-Unattended": "1" } });
      if (!answer.ok || answer.redirected) return;
      last = await answer.json();
      write(LAST, last);
    } catch { /* the hub is away: what was kept stays */ }
  }
  const keepSoon = (ms) => { if (!due) due = setTimeout(keep, ms); };
  if (!shell) {
    keepSoon(1200);
    document.addEventListener("hub:changed", (event) => { if (event.detail.topics.includes("pickup")) keepSoon(KEEP_EVERY); });
  }

  // ---- lost and found
  let lost = shell;
  document.addEventListener("hub:lost", () => { lost = true; show(); });
  document.addEventListener("hub:heard", () => {
    if (lost) { lost = false; queue.retry(); show(); }
  });
  document.addEventListener("htmx:sseOpen", () => {
    if (shell) queue.flush().finally(() => location.replace("/counter"));
  });
  function show() {
    document.body.classList.toggle("lost", lost);
    document.getElementById("away-banner").hidden = !lost;
    document.getElementById("away-as-of").textContent = last ? new Date(last.as_of).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "–";
    document.getElementById("away-nobody").hidden = !lost || Boolean(fresh);
    document.querySelector("#away-banner form").hidden = !fresh;
    if (shell) board();
    unsent();
  }

  // ---- nobody touched this page and no worker has another: it becomes the shell, and names nobody
  document.addEventListener("hub:nobody", () => {
    if (shell) return;
    shell = true; fresh = false; lost = true;
    queue.person = "";
    dialog.close();
    const stays = "#away, #away-banner, #unsent, #away-give, #offline, #unheard, template";
    [...place.parentElement.children].forEach((element) => { if (!element.matches(stays)) element.remove(); });
    document.querySelectorAll(".rail form").forEach((form) => form.remove());
    document.getElementById("toast").replaceChildren();
    document.body.classList.add("full");
    place.parentElement.append(clone("away-board"));
    show();
  });

  // ---- building from templates: every word stands in the page, in its language
  const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const put = (element, part, text) => {
    const spot = element.querySelector(`[data-is="${part}"]`);
    if (text === null || text === undefined || text === "") spot.remove(); else spot.textContent = text;
  };
  const ordered = (one, other) => (one.promise_at || "9").localeCompare(other.promise_at || "9");
  const waiting = (order) => queue.items().find((item) => item.state !== "refused" && item.body && item.url === url(order));
  const url = (order) => `/api/v1/orders/${encodeURIComponent(order.order_id)}/handover`;

  function board() {
    document.querySelectorAll("[data-away-states]").forEach((list) => {
      const states = list.dataset.awayStates.split(" ");
      const found = (last?.orders || []).filter((order) => states.includes(order.state)).sort(ordered);
      list.replaceChildren(...found.map((order) => {
        const card = clone("away-card");
        put(card, "code", order.short_code);
        put(card, "shelf", order.shelf);
        put(card, "units", order.units + " ×");
        put(card, "queued", waiting(order) ? say.queued : "");
        const button = card.querySelector("button");
        if (fresh && order.state === "READY_FOR_PICKUP") button.addEventListener("click", () => open(order, null)); else button.parentElement.remove();
        return card;
      }));
      list.closest(".column").querySelector(".count").textContent = found.length;
    });
  }

  // ---- what the hub has not confirmed
  const told = new Map();
  function unsent() {
    const list = document.getElementById("unsent-list");
    const items = [...told.values(), ...queue.items()];
    document.getElementById("unsent").hidden = !items.length;
    list.replaceChildren(...items.map((item) => {
      const row = clone("unsent-row");
      row.dataset.state = item.state;
      put(row, "label", item.label);
      const mine = item.by === queue.person;
      put(row, "state", item.state === "confirmed" ? say.confirmed : item.state === "refused" ? item.sentence || say.refused : item.signedOut || !mine ? say.signin : say.waiting);
      put(row, "at", new Date(item.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
      const [seen, adopt] = row.querySelectorAll("button");
      seen.hidden = item.state === "waiting";
      seen.addEventListener("click", () => { told.delete(item.id); queue.drop(item.id); unsent(); });
      adopt.hidden = item.state !== "waiting" || mine || !fresh || lost;
      adopt.addEventListener("click", () => queue.adopt(item.id));
      return row;
    }));
  }
  queue.addEventListener("confirmed", (event) => { told.set(event.detail.id, event.detail); unsent(); });
  queue.addEventListener("change", () => { if (shell) board(); unsent(); });

  // ---- the pickup code: read and checked here, as the hub will check it again
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  function parsed(text) {
    try {
      const raw = bytes(text.slice("SH1:O:".length));
      const content = raw.slice(0, -64);
      const [, key, store, order_id] = JSON.parse(new TextDecoder().decode(content));
      return { key, store, order_id, content, signature: raw.slice(-64) };
    } catch { return null; }
  }
  // true, false, or null where this browser cannot tell
  async function genuine(code) {
    const key = last?.keys[code.key];
    if (!key || !crypto.subtle) return null;
    try {
      const known = await crypto.subtle.importKey("raw", bytes(key), "Ed25519", false, ["verify"]);
      return await crypto.subtle.verify("Ed25519", known, code.signature, code.content);
    } catch { return null; }
  }

  document.addEventListener("hub:scanned", (event) => {
    if (!lost) return;
    event.preventDefault(); event.stopImmediatePropagation();
    scanned(event.detail.text.replace(/^\][A-Za-z][0-9]/, "").trim());
  }, true);

  async function scanned(text) {
    if (!last) return tell(say.nothing);
    if (!text.startsWith("SH1:O:")) {
      const found = last.orders.find((order) => order.short_code === text.toUpperCase() || order.order_id === text);
      return found ? open(found, null) : tell(say.unknown);
    }
    const code = parsed(text);
    if (!code) {
      const plain = last.orders.find((order) => order.order_id === text.slice("SH1:O:".length));
      return plain ? open(plain, null) : tell(say.unreadable);
    }
    const is = await genuine(code);
    if (is === false) return tell(say.forged);
    if (code.store !== last.store) return tell(say.elsewhere);
    const order = last.orders.find((one) => one.order_id === code.order_id);
    return order ? open(order, is ? text : null) : tell(say.unknown);
  }

  // ---- what leads to a page of the hub's opens what is known here instead
  const byId = (id) => last?.orders.find((order) => order.order_id === id);
  document.addEventListener("click", (event) => {
    const link = lost ? event.target.closest("a.cover, a.arrival") : null;
    if (!link) return;
    event.preventDefault();
    const order = byId(decodeURIComponent(link.pathname.split("/").pop()));
    if (order) open(order, null); else tell(say.unknown);
  }, true);

  // ---- the handover
  const dialog = document.getElementById("away-give");
  function tell(sentence) {
    const holder = clone("away-told");
    put(holder, "sentence", sentence);
    dialog.querySelector("[data-is=body]").replaceChildren(holder);
    dialog.querySelector("form").hidden = true;
    if (!dialog.open) dialog.showModal();
  }

  let giving = [];
  let proving = {};
  function open(order, code) {
    const theirs = last.orders.filter((one) => one.group === order.group && one.state === "READY_FOR_PICKUP");
    const left = theirs.filter((one) => !waiting(one));
    if (order.state !== "READY_FOR_PICKUP") return tell(say.notready);
    if (!left.some((one) => one.order_id === order.order_id)) return tell(say.twice);
    return ask(left.map((one) => ({ ...one, body: {}, things: one.lines.map(thing) })), { code });
  }
  function thing(line) {
    const shown = clone("away-thing");
    shown.querySelector("img").src = line.picture;
    put(shown, "qty", line.qty);
    put(shown, "name", line.name);
    return shown;
  }
  // What is handed over: the whole of what is known here, or what was chosen in the hub's form.
  function ask(parcels, proof) {
    if (!fresh) return tell(say.nobody);
    giving = parcels;
    proving = proof;
    dialog.querySelector("[data-is=body]").replaceChildren(...giving.map((one) => {
      const parcel = clone("away-parcel");
      put(parcel, "shelf", one.shelf || "–");
      put(parcel, "code", one.short_code);
      parcel.querySelector("ul").replaceChildren(...one.things);
      return parcel;
    }));
    const form = dialog.querySelector("form");
    form.reset();
    form.hidden = false;
    const { code, chosen } = proof;
    const age = Math.max(0, ...giving.map((one) => one.age_min || 0));
    const check = form.querySelector("[data-is=age]");
    check.hidden = age === 0;
    check.querySelector("input").required = age > 0;
    check.querySelector("span").textContent = say.age.replace("#", age);
    form.querySelector("[data-is=proven]").hidden = !code;
    const kinds = form.querySelector("fieldset");
    kinds.hidden = Boolean(code);
    kinds.disabled = Boolean(code);
    kinds.querySelectorAll("input").forEach((kind) => { kind.checked = kind.value === chosen; });
    if (!dialog.open) dialog.showModal();
    if (code) document.getElementById("away-do").focus();
    return undefined;
  }
  dialog.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    const { code, key, chosen } = proving;
    const seen = fields.get("proof");
    const proof = code ? { kind: "code", value: code } : { kind: "id_seen", value: seen };
    const checked = fields.get("age") ? { age_checked: true } : {};
    giving.forEach((order) => {
      // With another proof than the form's it is another command: the hub refuses a whole order's
      // second handover by itself, and of a part only the key keeps it from being given twice.
      const same = key && (code || seen === chosen || order.body.lines) ? { key } : {};
      queue.add({ url: url(order), body: { proof, ...(order.age_min ? checked : {}), ...order.body }, label: order.short_code, ...same });
    });
    dialog.close();
    show();
  });
  dialog.querySelector("[data-is=close]").addEventListener("click", () => dialog.close());
  const typed = document.getElementById("away-code");
  typed.closest("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = typed.value.trim();
    typed.value = "";
    if (text) scanned(text);
  });

  // The handover's page asks here for what its form says (handover.js).
  globalThis.storehubAway = { lost: () => lost, waiting, ask, tell, twice: () => tell(say.twice) };
  show();

  // ---- the shell is kept where the browser allows it: on localhost and over HTTPS
  if (!shell && "serviceWorker" in navigator && isSecureContext) {
    navigator.serviceWorker.register("/counter/worker.js", { scope: "/counter" }).catch(() => {});
  }
})();
