// The handover's page: it is open here, its form and what was chosen there, the signature pad.
// It must never keep a signature: what was drawn goes with the form and is gone with the page.
(() => {
  "use strict";
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  const open = document.getElementById("handover");

  // ---- a handover that is open here is seen at the other screens
  const HERE_EVERY = 30000;
  function tell(url) {
    fetch(url, { method: "POST", keepalive: true, headers: { "X-CSRFToken": csrf, "X-Unattended": "1" } }).catch(() => {});
  }
  setInterval(() => { if (!document.hidden && document.getElementById("do-handover")) tell(open.dataset.here); }, HERE_EVERY);
  addEventListener("pagehide", () => tell(open.dataset.away));
  // What a person chose is not drawn anew (app.js); who else has it open is still said.
  const chosen = (event) => event.target.closest("form.handover")?.toggleAttribute("data-hold", true);
  open.addEventListener("change", chosen);
  open.addEventListener("click", (event) => { if (event.target.closest("[data-by]")) chosen(event); });
  document.addEventListener("hub:changed", async (event) => {
    const form = open.querySelector("form[data-hold]");
    const ours = open.dataset.live.split(" ");
    if (!form || !event.detail.topics.some((topic) => ours.includes(topic))) return;
    const answer = await fetch(open.getAttribute("hx-get"), { headers: { "X-Unattended": "1" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("others")?.replaceChildren(...fresh.getElementById("others").childNodes);
    // Where nothing is left to hand over there is nothing to choose either.
    if (!fresh.querySelector("form.handover")) form.removeAttribute("data-hold");
  });

  // ---- without the hub: what the form says is queued (counter-away.js)
  const away = globalThis.storehubAway;
  document.addEventListener("submit", (event) => {
    if (!away.lost() || !event.target.matches("form.handover")) return;
    event.preventDefault(); event.stopImmediatePropagation();
    const fields = new FormData(event.target);
    const ticked = fields.getAll("take").map((id) => taken(event.target, fields, id));
    const left = ticked.filter((one) => !away.waiting(one));
    if (!ticked.length) away.tell(open.dataset.none);
    else if (ticked.some((one) => one.none)) away.tell(open.dataset.nounits);
    else if (!left.length) away.twice();
    // The answer of a try may have been lost with the hub: the same key makes it one handover.
    else away.ask(left, { code: fields.get("proof") === "code" ? fields.get("code") : null, key: fields.get("key"), chosen: fields.get("proof") });
  }, true);
  // One ticked order as the form's own command asks for it (kiosk_ui/counter/handover.py).
  function taken(form, fields, order_id) {
    const prefix = `qty:${order_id}:`;
    const named = [...fields].filter(([name]) => name.startsWith(prefix)).map(([name, text]) => ({ line_id: name.slice(prefix.length), qty: Number(text) }));
    const lines = named.filter((line) => line.qty);
    const body = {
      ...(lines.length ? { lines } : {}), ...(fields.get("confirmed") ? { confirmed: true } : {}),
      ...(fields.get("collected_by") ? { collected_by: fields.get("collected_by") } : {}), ...(fields.get("age_checked") ? { age_checked: true } : {}),
    };
    const shown = form.querySelector(`[data-parcel="${CSS.escape(order_id)}"]`);
    const things = [...shown.querySelectorAll("[data-line]")].map((one) => one.cloneNode(true)).filter((one) => {
      const line = lines.find((found) => found.line_id === one.dataset.line);
      if (line) one.querySelector(".count").firstChild.data = line.qty;
      return line || !named.length;
    });
    return { order_id, short_code: shown.querySelector(".code").textContent, shelf: shown.querySelector(".shelf-huge").textContent, body, things, none: named.length > 0 && !lines.length };
  }

  // ---- the signature pad: strokes as numbers from 0 to 1000 across
  let strokes = [];
  let stroke = null;
  const pad = () => document.getElementById("pad");
  const point = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    const scale = 1000 / box.width;
    const inside = (value) => Math.min(1000, Math.max(0, Math.round(value * scale)));
    return [inside(event.clientX - box.left), inside(event.clientY - box.top)];
  };
  function keep() {
    const canvas = pad();
    const field = canvas?.closest("form").querySelector("[name=strokes]");
    if (!field) return;
    field.value = strokes.length ? JSON.stringify(strokes) : "";
    // A refresh must not wipe what is being signed (app.js).
    canvas.toggleAttribute("data-hold", strokes.length > 0);
  }
  function wipe() {
    strokes = [];
    const canvas = pad();
    canvas?.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    keep();
  }
  document.addEventListener("pointerdown", (event) => {
    if (event.target.id !== "pad") return;
    event.preventDefault();
    event.target.setPointerCapture(event.pointerId);
    stroke = point(event, event.target);
    strokes.push(stroke);
  });
  document.addEventListener("pointermove", (event) => {
    if (!stroke || event.target.id !== "pad") return;
    const [x, y] = point(event, event.target);
    const ink = event.target.getContext("2d");
    ink.lineWidth = 5; ink.lineCap = "round"; ink.strokeStyle = "#14181a";
    ink.beginPath(); ink.moveTo(stroke[stroke.length - 2], stroke[stroke.length - 1]); ink.lineTo(x, y); ink.stroke();
    stroke.push(x, y);
  });
  ["pointerup", "pointercancel"].forEach((name) => document.addEventListener(name, () => { if (stroke) { stroke = null; keep(); } }));
  document.addEventListener("click", (event) => { if (event.target.closest("#sign-again")) wipe(); });
  document.addEventListener("htmx:afterSwap", () => { if (!pad()) strokes = []; });
})();
