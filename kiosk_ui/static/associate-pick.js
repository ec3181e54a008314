// A round of picking on the phone: one line at a time, at once, also where the hub can't be heard.
// What is shown is the hub's wave plus the steps that wait in the queue. It must never show a step as
// confirmed that the hub did not confirm, and never ask the associate to wait for the hub.
(() => {
  "use strict";
  const page = document.getElementById("picking");
  const say = (name, values = {}) => Object.entries(values).reduce((text, [key, value]) => text.replaceAll(`{${key}}`, value), page.dataset[name] || "");
  const $ = (id) => document.getElementById(id);
  const me = page.dataset.person;
  const KEPT = `storehub.wave.${me}`;
  const DOUBT_MS = 1500;
  const queue = globalThis.storehubQueue("associate", { person: me });
  const empty = { orders: [], lines: [], waiting: [] };
  let wave = load();
  let dirty = false;
  let asking = false;
  let left = false;
  let chosen = "";
  let seen = { key: "", code: "" };
  let swapping = null;
  let jump = "";
  let undoable = "";
  let asked = null;

  const key = (line) => `${line.order_id}/${line.line_id}`;
  function load() { try { return JSON.parse(localStorage.getItem(KEPT)) || empty; } catch { return empty; } }
  function keep() { try { localStorage.setItem(KEPT, JSON.stringify(wave)); } catch { /* the page still has it */ } }

  // ---- the hub's wave, and the steps that it does not know yet
  const step = (item) => { const found = /\/orders\/([^/]+)\/(\w+)$/.exec(item.url); return found && { order_id: decodeURIComponent(found[1]), what: found[2], body: item.body }; };
  const mine = () => queue.items().filter((item) => item.by === me);
  const unsent = () => mine().filter((item) => item.state !== "refused");

  function now() {
    const lines = wave.lines.map((line) => ({ ...line, unsure: 0 }));
    const gone = new Set();
    const laid = new Set();
    for (const item of unsent()) {
      const { order_id, what, body } = step(item) || {};
      if (what === "stage" && body.lines) body.lines.forEach((id) => laid.add(`${order_id}/${id}`));
      else if (what === "stage" || what === "cancel") gone.add(order_id);
      const line = lines.find((one) => one.order_id === order_id && one.line_id === body.line_id);
      if (!line) continue;
      line.unsure += 1;
      if (body.reason === "PICK_LATER") { line.later = true; continue; }
      if (what === "pick") { line.picked += body.qty; line.later = false; }
      line.pending -= body.qty;
    }
    const orders = wave.orders.filter((order) => !gone.has(order.order_id));
    const open = lines.filter((line) => !gone.has(line.order_id) && !line.substitute_for);
    open.sort((one, other) => Number(one.later) - Number(other.later));
    return { orders, laid, lines: open, all: lines, todo: open.filter((line) => line.pending > 0) };
  }

  // A command's answer is the order as it stood after it; an older one says nothing new.
  function merge(order) {
    const at = wave.orders.findIndex((one) => one.order_id === order?.order_id);
    if (at < 0 || order.version < wave.orders[at].version) return;
    if (order.state !== "PICKING") {
      wave.orders.splice(at, 1);
      wave.lines = wave.lines.filter((line) => line.order_id !== order.order_id);
    } else {
      const { version, suggested_shelf, suggested_shelves } = order;
      Object.assign(wave.orders[at], { version, suggested_shelf, suggested_shelves });
      for (const line of order.lines) {
        const known = wave.lines.find((one) => one.order_id === order.order_id && one.line_id === line.line_id);
        if (known) Object.assign(known, { picked: line.picked, short: line.short, substituted: line.substituted, canceled: line.canceled, pending: line.pending });
        else wave.lines.push({ ...line, order_id: order.order_id, short_code: order.short_code, gtins: [], allowed: [], picture: "" });
      }
    }
    keep();
  }

  async function ask() {
    if (left) return;
    if (unsent().length) { dirty = true; return; }
    if (asking) { dirty = true; return; }
    asking = true; dirty = false;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 8000);
    try {
      const answer = await fetch(page.dataset.wave, { headers: { "X-Unattended": "1" }, redirect: "error", cache: "no-store", signal: stop.signal });
      if (answer.ok) {
        const said = await answer.json();
        // Somebody else signed in at this device: their round is not shown here, and asked for no more.
        if (said.person !== me) { left = true; location.replace(page.dataset.signin); return; }
        if (!unsent().length) {
          // The token is this session's: it is used, and not kept.
          const { csrf, ...round } = said;
          wave = round; queue.csrf = csrf; keep(); globalThis.storehubAssociate.bell(said.waiting);
        } else dirty = true;
      }
      page.dataset.heard = "yes";
    } catch { page.dataset.heard = "no"; } finally { clearTimeout(timer); asking = false; }
    render();
    if (dirty && !unsent().length) ask();
  }

  // ---- what the associate does: each step is kept, shown at once, and sent until it is confirmed
  function act(order_id, what, body, label) {
    const sent = queue.add({ url: `/api/v1/orders/${encodeURIComponent(order_id)}/${what}`, body, label });
    render();
    setTimeout(render, DOUBT_MS + 100);
    return sent;
  }

  function current() {
    const { todo } = now();
    return todo.find((line) => key(line) === chosen) || todo[0];
  }

  function pick(line, qty, more) {
    act(line.order_id, "pick", { line_id: line.line_id, qty, ...more }, `${line.name} · ${line.short_code}`);
    undoable = line.order_id;
    navigator.vibrate?.(60);
    tell(say("picked", { n: qty, name: line.name, code: line.short_code }), "done");
  }

  function short(line, qty, reason) {
    act(line.order_id, "short", { line_id: line.line_id, qty, reason }, `${line.name} · ${line.short_code}`);
    undoable = reason === "PICK_LATER" ? "" : line.order_id;
    chosen = "";
    tell(reason === "PICK_LATER" ? "" : say("shorted", { n: qty, name: line.name }), "calm");
  }

  function substitute(line, sku, name, qty) {
    act(line.order_id, "substitute", { line_id: line.line_id, sku, qty }, `${name} · ${line.short_code}`);
    undoable = line.order_id;
    tell(say("substituted", { what: name, name: line.name }), "done");
  }

  const named = (part) => part.kind ? say("part", { code: part.short_code, kind: say(part.kind) }) : part.short_code;
  function stage(order, shelf) {
    act(order.order_id, "stage", order.more ? { shelf, lines: order.lines } : order.kind ? { shelf, split: true } : { shelf }, order.short_code);
    if (!order.more) act(order.order_id, "ready", {}, order.short_code);
    navigator.vibrate?.(60);
    undoable = "";
    tell(say("staged", { code: named(order), shelf: shelf.replace(/^SH1:S:/, "") }), "done");
  }

  // ---- what a scan means here
  function gtin(text) {
    const bare = text.replace(/^\][A-Za-z]\d/, "");
    if (/^\d{8,14}$/.test(bare)) return bare.padStart(14, "0");
    const found = /^(?:\(01\)|01)(\d{14})/.exec(bare) || /\/01\/(\d{8,14})/.exec(bare);
    return found ? found[1].padStart(14, "0") : "";
  }
  const fits = (line, text) => line.sku === text || line.gtins.includes(gtin(text));

  const known = (text) => now().all.find((one) => fits(one, text)) || null;

  async function meaning(text, symbology) {
    try {
      const answer = await fetch(`${page.dataset.read}?${new URLSearchParams({ text, symbology: symbology || "" })}`, { redirect: "error", signal: AbortSignal.timeout(4000) });
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  }

  document.addEventListener("hub:scanned", (event) => {
    const { text, symbology } = event.detail;
    if (/^SH1:[BP]:/.test(text)) return;
    event.preventDefault();
    scanned(text.trim(), symbology);
  });

  async function scanned(text, symbology) {
    const shelf = $("sheet-shelf").open ? shelving : null;
    document.querySelectorAll("dialog[open]").forEach((sheet) => { if (!swapping) sheet.close(); });
    if (text.startsWith("SH1:S:")) { shelved(text, shelf); return; }
    if (text.startsWith("SH1:O:")) { opened(text); return; }
    if (swapping) {
      const line = swapping;
      const allowed = line.allowed.find((one) => fits(one, text));
      swapped(line, allowed || await meaning(text, symbology) || known(text), text);
      return;
    }
    const line = current();
    if (!line) { said(text, await meaning(text, symbology), null); return; }
    // Pieces of this round need nobody's word; weights and strangers are asked about.
    const here = line.unit === "gram" ? null : known(text);
    if (here && fits(line, text)) { take(line, text, 1); return; }
    const what = here || await meaning(text, symbology) || known(text);
    if (what?.sku === line.sku) { take(line, text, line.unit === "gram" ? Math.min(what.weight_g || line.pending, line.pending) : 1); return; }
    said(text, what, line);
  }

  function take(line, code, qty) {
    seen = { key: key(line), code };
    pick(line, qty, { code });
  }

  // The wrong one: what it is, and where on this round it belongs.
  function said(text, what, line) {
    navigator.vibrate?.([60, 60, 200]);
    const other = what?.sku && now().todo.find((one) => one.sku === what.sku);
    if (what?.sku && line) tell(say("wrong", { what: what.name, name: line.name }), "refused", other && key(other));
    else if (what?.sku) tell(what.name, "calm");
    else tell(what?.sentence || say(what ? "unknown" : "unasked", { code: text.slice(0, 40) }), "refused");
  }

  function swapped(line, what, text) {
    const qty = units("swap", line);
    swapping = null;
    $("sheet-swap").close();
    if (!what?.sku) said(text, what, line);
    else if (what.sku === line.sku) take(line, text, 1);
    else if (line.allowed.length && !line.allowed.some((one) => one.sku === what.sku)) tell(say("notallowed", { what: what.name }), "refused");
    else substitute(line, what.sku, what.name, qty);
  }

  function complete() {
    const { orders, lines } = now();
    return orders.filter((order) => !lines.some((line) => line.order_id === order.order_id && line.pending > 0));
  }
  // What is put on a shelf at once: an order, or of one with goods of several kinds each kind. The
  // last of them takes all that lies nowhere yet, so that nothing which the hub added is left.
  function parts(orders) {
    const { all, laid } = now();
    return orders.flatMap((order) => {
      const waits = (id) => !laid.has(`${order.order_id}/${id}`) && all.some((line) => line.order_id === order.order_id && line.line_id === id && line.picked > 0);
      const each = (order.suggested_shelves || []).filter((part) => part.lines.some(waits));
      if ((order.suggested_shelves || []).length < 2 || !each.length) return [order];
      return each.map((part) => ({ ...order, kind: part.kind, suggested_shelf: part.shelf, lines: part.lines.filter(waits), more: each.length > 1 }));
    });
  }
  const found = (order) => now().all.some((line) => line.order_id === order.order_id && line.picked > 0);

  function shelved(text, order) {
    let ready = order ? [order] : parts(complete().filter(found));
    const own = ready.filter((one) => one.kind && one.kind === wave.shelves?.[text.replace(/^SH1:S:/, "").toUpperCase()]);
    if (own.length) ready = own;
    if (!ready.length) { tell(say("nocomplete"), "refused"); return; }
    if (ready.length === 1) { stage(ready[0], text); return; }
    $("which-title").textContent = say("which", { shelf: text.replace(/^SH1:S:/, "") });
    $("which").replaceChildren(...ready.map((one) => {
      const button = document.createElement("button");
      button.type = "button"; button.className = "btn big wide"; button.textContent = named(one);
      button.addEventListener("click", () => { $("sheet-which").close(); stage(one, text); });
      return button;
    }));
    open("which");
  }

  async function opened(text) {
    const here = wave.orders.find((order) => text === "SH1:O:" + order.order_id);
    if (here) {
      const line = now().todo.find((one) => one.order_id === here.order_id);
      if (line) { chosen = key(line); render(); } else sheetFor(here);
      return;
    }
    const what = await meaning(text);
    if (!what) { tell(say("nohub"), "refused"); return; }
    if (what.kind !== "order") { tell(what.sentence, "refused"); return; }
    if (!["RESERVED", "RECEIVED"].includes(what.state)) { tell(say("elsewhere"), "refused"); return; }
    const done = await act(what.order_id, "claim", {}, what.order_id);
    if (done.state === "confirmed") { tell(say("claimed", { code: done.answer.short_code }), "done"); ask(); }
  }

  // ---- sheets
  let shelving = null;
  const units = (name, line) => Math.min(line.pending, Math.max(1, Number($("sheet-" + name).querySelector("[name=qty]")?.value || line.pending)));
  function open(name, line) {
    const sheet = $("sheet-" + name);
    // What a sheet was opened for, whatever the hub says meanwhile.
    asked = line ? key(line) : "";
    sheet.querySelectorAll("input").forEach((field) => { field.value = ""; });
    const about = sheet.querySelector(".about");
    if (about && line) about.textContent = line.name ? `${line.name} · ${line.short_code}` : line.short_code;
    const qty = sheet.querySelector("[name=qty]");
    if (qty) { qty.max = line.pending; qty.value = line.pending; qty.closest(".units").hidden = line.pending < 2; }
    sheet.showModal();
  }
  const still = () => now().todo.find((line) => key(line) === asked);
  function sheetFor(order) { shelving = order; open("shelf", order); }

  document.querySelectorAll("[data-sheet]").forEach((button) => button.addEventListener("click", () => {
    const line = current();
    if (!line) return;
    if (button.dataset.sheet === "swap") { swap(line); return; }
    open(button.dataset.sheet, line);
  }));
  $("later").addEventListener("click", () => { const line = current(); if (line) short(line, line.pending, "PICK_LATER"); });
  document.querySelectorAll("[data-hand]").forEach((button) => button.addEventListener("click", () => {
    const line = still(); const qty = line && units("hand", line);
    $("sheet-hand").close();
    if (line) pick(line, qty, { by_hand: button.dataset.hand });
  }));
  document.querySelectorAll("[data-short]").forEach((button) => button.addEventListener("click", () => {
    const line = still(); const qty = line && units("short", line);
    $("sheet-short").close();
    if (line) short(line, qty, button.dataset.short);
  }));
  document.querySelectorAll("[data-step]").forEach((button) => button.addEventListener("click", () => {
    const field = button.parentElement.querySelector("input");
    field.value = Math.min(Number(field.max), Math.max(1, Number(field.value) + Number(button.dataset.step)));
  }));
  function typed(name, then) {
    const sheet = $("sheet-" + name);
    const field = sheet.querySelector("input[name=code], input[name=shelf]");
    const go = () => { const text = field.value.trim(); if (text) then(text, sheet); };
    sheet.querySelector("[data-typed], [data-swapped], [data-shelved]").addEventListener("click", go);
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); go(); } });
  }
  typed("hand", (text, sheet) => { sheet.close(); scanned(text); });
  typed("swap", (text) => scanned(text));
  typed("shelf", (text, sheet) => { sheet.close(); if (shelving) shelved(text, shelving); });
  $("sheet-swap").addEventListener("close", () => { swapping = null; });

  function swap(line) {
    if (line.substitutes === "never") { tell(say("never"), "refused"); return; }
    open("swap", line);
    swapping = line;
    $("sheet-swap").querySelector(".about").textContent = say(line.allowed.length ? "swaptap" : "swapscan", { name: line.name });
    $("allowed").replaceChildren(...line.allowed.map((one) => {
      const row = $("t-allowed").content.cloneNode(true);
      row.querySelector("img").src = one.picture;
      row.querySelector(".name").textContent = one.name;
      row.querySelector(".where").textContent = one.where || "";
      row.querySelector("button").addEventListener("click", () => swapped(line, { sku: one.sku, name: one.name }, one.sku));
      return row;
    }));
  }

  // ---- what is shown
  function tell(text, tone, to) {
    const box = $("said");
    box.hidden = !text;
    box.className = `banner ${tone}`;
    box.firstElementChild.textContent = text;
    jump = to || "";
    $("goto").hidden = !jump;
    render();
  }
  $("goto").addEventListener("click", () => { chosen = jump; tell("", "calm"); });
  $("undo").addEventListener("click", async () => {
    const order_id = undoable;
    undoable = "";
    const done = await act(order_id, "undo", {}, wave.orders.find((one) => one.order_id === order_id)?.short_code || order_id);
    if (done.state === "confirmed") { tell(say("undone"), "calm"); ask(); }
  });
  $("rest-here").addEventListener("click", () => {
    const line = current();
    if (line && seen.key === key(line)) pick(line, line.pending, { code: seen.code });
  });
  $("open-camera").addEventListener("click", () => globalThis.storehubAssociate.film(true));
  document.addEventListener("associate:camera", render);

  function render() {
    const { orders, lines, todo } = now();
    const line = current();
    if (line && chosen && key(line) !== chosen) chosen = "";
    const all = lines.reduce((sum, one) => sum + one.ordered, 0);
    const left = todo.reduce((sum, one) => sum + one.pending, 0);
    $("progress-words").textContent = orders.length ? `${say("progress", { done: all - left, all })} · ${orders.length === 1 ? say("order") : say("orders", { n: orders.length })}` : "";
    $("progress").max = all || 1;
    $("progress").value = all - left;
    showLine(line);
    showStaging(line);
    showRest(lines);
    showQueue();
    $("done").hidden = Boolean(orders.length);
    // Beside a refusal it would seem to take that back.
    $("undo").hidden = !undoable || $("said").classList.contains("refused") || unsent().length > 0 || !orders.some((one) => one.order_id === undoable);
    document.querySelector(".upcoming").hidden = lines.length < 2;
  }

  function showLine(line) {
    const box = $("line");
    box.hidden = !line;
    $("bar").hidden = !line;
    if (!line) return;
    if (box.dataset.key !== key(line)) { box.dataset.key = key(line); box.classList.remove("fresh"); void box.offsetWidth; box.classList.add("fresh"); }
    const place = line.place;
    box.querySelector(".place span").textContent = place ? [place.aisle, place.name || place.place].filter(Boolean).join(" · ") : say("noplace");
    const image = box.querySelector("img");
    if (image.getAttribute("src") !== line.picture) image.src = line.picture;
    box.querySelector(".what").textContent = line.name;
    box.querySelector(".sku").textContent = line.sku;
    box.querySelector(".price").textContent = line.price || "";
    box.querySelector(".take b").textContent = say(line.unit === "gram" ? "grams" : "take", { n: line.pending });
    box.querySelector(".code").textContent = line.short_code;
    const on = $("camera").getAttribute("aria-pressed") === "true";
    page.classList.toggle("filming", on);
    const rest = seen.key === key(line);
    $("rest-here").hidden = !rest;
    $("rest-here").textContent = line.pending === 1 ? say("last") : say("rest", { n: line.pending });
    $("open-camera").hidden = rest || on;
  }

  function showStaging(line) {
    const done = complete();
    const ready = [...parts(done.filter(found)), ...done.filter((order) => !found(order))];
    $("staging").replaceChildren(...ready.map((order) => {
      const row = $("t-staging").content.cloneNode(true);
      const any = found(order);
      const shelf = order.suggested_shelf;
      row.querySelector("article").dataset.order = order.order_id;
      row.querySelector("article").classList.toggle("small", Boolean(line));
      row.querySelector("h2").textContent = say(any ? "complete" : "empty", { code: named(order) });
      row.querySelector(".where").hidden = !any;
      const put = row.querySelector(".put");
      put.hidden = !any || !shelf;
      put.querySelector("span").textContent = say("put", { shelf });
      put.addEventListener("click", () => stage(order, shelf));
      row.querySelector(".other").hidden = !any;
      row.querySelector(".other").addEventListener("click", () => sheetFor(order));
      const cancel = row.querySelector(".cancel");
      cancel.hidden = any;
      cancel.addEventListener("click", () => act(order.order_id, "cancel", { reason: "OUT_OF_STOCK" }, order.short_code));
      return row;
    }));
  }

  function showRest(lines) {
    $("rest").replaceChildren(...lines.map((line) => {
      const row = $("t-rest").content.cloneNode(true);
      const button = row.querySelector("button");
      row.querySelector("li").classList.toggle("resolved", line.pending <= 0);
      row.querySelector("img").src = line.picture;
      row.querySelector(".name").textContent = line.name;
      row.querySelector(".where").textContent = [line.place ? line.place.name || line.place.place : "", line.short_code, line.later ? say("later") : ""].filter(Boolean).join(" · ");
      row.querySelector(".qty").textContent = `${line.picked}/${line.ordered}`;
      row.querySelector(".unsure").hidden = !line.unsure;
      button.disabled = line.pending <= 0;
      button.addEventListener("click", () => { chosen = key(line); document.querySelector(".upcoming").open = false; render(); scrollTo(0, 0); });
      return row;
    }));
  }

  function showQueue() {
    const items = queue.items();
    const late = unsent().filter((item) => Date.now() - Date.parse(item.at) > DOUBT_MS);
    const out = late.some((item) => item.signedOut);
    const foreign = items.filter((item) => item.by !== me).length;
    const box = $("doubt");
    box.hidden = !late.length && !foreign;
    box.dataset.waiting = String(unsent().length);
    box.querySelector("span").textContent = [
      out ? say("signedout", { n: late.length }) : late.length ? say("doubt", { n: late.length }) : "",
      foreign ? say("foreign", { n: foreign }) : "",
      late.length && !queue.durable ? say("fragile") : "",
    ].filter(Boolean).join(" ");
    const enter = box.querySelector("a");
    enter.hidden = !out;
    enter.href = page.dataset.signin;
    $("refusals").replaceChildren(...mine().filter((item) => item.state === "refused").map((item) => {
      const row = $("t-refusal").content.cloneNode(true);
      const { what } = step(item) || {};
      row.querySelector("b").textContent = say("refused", { what: item.label, sentence: item.sentence });
      row.querySelector(".todo").textContent = page.dataset["todo" + (what || "")[0]?.toUpperCase() + (what || "").slice(1)] || "";
      row.querySelector("button").addEventListener("click", () => { queue.drop(item.id); ask(); });
      return row;
    }));
  }

  queue.addEventListener("confirmed", (event) => {
    const { order_id, body } = step(event.detail) || {};
    const line = wave.lines.find((one) => one.order_id === order_id && one.line_id === body.line_id);
    if (line) line.later = body.reason === "PICK_LATER";
    merge(event.detail.answer);
  });
  queue.addEventListener("refused", (event) => {
    navigator.vibrate?.([60, 60, 200]);
    dirty = true;
    const { order_id, what } = step(event.detail) || {};
    if (what !== "stage") return;
    // Without its shelf an order is not ready either: one refusal says it.
    mine().filter((item) => item.state !== "refused" && step(item)?.order_id === order_id && step(item)?.what === "ready").forEach((item) => queue.drop(item.id));
  });
  queue.addEventListener("change", () => { render(); if (dirty && !unsent().length) ask(); });
  document.addEventListener("hub:changed", (event) => { if (event.detail.topics.some((topic) => topic.startsWith("pickup"))) ask(); });
  document.addEventListener("htmx:sseOpen", () => ask());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  render();
  ask();
})();
