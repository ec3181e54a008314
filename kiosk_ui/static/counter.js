// The counter's own: the signature pad, steppers, and telling the hub that a handover is open here.
// It must never keep a signature: what was drawn goes with the form and is gone with the page.
(() => {
  "use strict";
  const csrf = document.querySelector('meta[name="csrf-token"]').content;

  // ---- a handover that is open here is seen at the other screens
  const HERE_EVERY = 30000;
  function tell(url) {
    fetch(url, { method: "POST", keepalive: true, headers: { "X-CSRFToken": csrf, "X-Unattended": "1" } }).catch(() => {});
  }
  const open = document.getElementById("handover");
  if (open) {
    setInterval(() => { if (!document.hidden && document.getElementById("do-handover")) tell(open.dataset.here); }, HERE_EVERY);
    addEventListener("pagehide", () => tell(open.dataset.away));
  }

  // ---- one less, one more
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-by]");
    if (!button) return;
    event.preventDefault();
    const field = button.closest(".stepper").querySelector("input");
    field.value = Math.min(Number(field.max), Math.max(Number(field.min), Number(field.value) + Number(button.dataset.by)));
  });

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
