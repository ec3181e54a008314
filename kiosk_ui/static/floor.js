// Draws one scan's way through the hub as it happens, and the rate of observations.
// It must never invent a time: a stage that did not happen stays dark.
(() => {
  "use strict";
  const way = document.getElementById("way");
  if (!way) return;
  const STOPS = ["device", "broker", "observation", "fact", "commit", "screens"];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const pulse = document.getElementById("pulse");
  const rates = [];
  let last = null;
  let lastCount = null;
  let lastAt = 0;
  let showing = false;
  let asked = false;

  const times = (travel) => ({
    device: travel.sent_ms, broker: 0, observation: travel.writer_ms,
    fact: travel.fact_ms, commit: travel.commit_ms, screens: travel.screens_ms,
  });
  const words = (ms) => (Math.abs(ms) < 10 ? ms.toFixed(1) : String(Math.round(ms))) + " ms";

  async function look() {
    if (asked || document.hidden) return;
    asked = true;
    try {
      const answer = await fetch(way.dataset.travels, { headers: { "X-Unattended": "1" } });
      if (!answer.ok) return;
      const said = await answer.json();
      rate(said.observations);
      if (showing) return;
      const travel = said.items.find((one) => one.kind === "scan" || one.kind === "sale") || said.items[0];
      if (travel && travel.device + travel.id !== last) { last = travel.device + travel.id; show(travel); }
    } finally { asked = false; }
  }

  function rate(count) {
    const now = performance.now();
    if (lastCount !== null && now - lastAt < 900) return;
    if (lastCount !== null) {
      rates.push(Math.max(0, (count - lastCount) / ((now - lastAt) / 1000)));
      if (rates.length > 60) rates.shift();
      const value = rates[rates.length - 1];
      const place = document.getElementById("rate");
      if (place) place.textContent = value >= 10 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
      spark();
    }
    lastCount = count; lastAt = now;
  }

  function spark() {
    const svg = document.getElementById("spark");
    if (!svg || rates.length < 2) return;
    const most = Math.max(...rates, 1);
    const points = rates.map((value, i) => `${(i / (rates.length - 1) * 100).toFixed(1)} ${(28 - value / most * 25).toFixed(1)}`);
    svg.querySelector(".stroke").setAttribute("d", "M" + points.join("L"));
    svg.querySelector(".area").setAttribute("d", `M0 30L${points.join("L")}L100 30Z`);
  }

  const pause = (ms) => new Promise((done) => { setTimeout(done, still ? 0 : ms); });

  async function show(travel) {
    showing = true;
    const at = times(travel);
    const start = at.device ?? 0;
    document.getElementById("way-what").textContent =
      [travel.kind, travel.text, travel.device].filter(Boolean).join(" · ") + (travel.outcome ? ` → ${travel.outcome}` : "");
    document.getElementById("way-total").hidden = true;
    STOPS.forEach((name, i) => {
      document.getElementById(`stop-${name}`).classList.remove("lit");
      document.getElementById(`ms-${name}`).textContent = "";
      const wire = document.getElementById(`wire-${i}`);
      if (wire) wire.style.strokeDashoffset = "100";
    });
    let end = 0;
    for (let i = 0; i < STOPS.length; i += 1) {
      const name = STOPS[i];
      const known = at[name] !== null && at[name] !== undefined;
      if (i > 0) await run(i - 1);
      const happened = known || name === "device";
      document.getElementById(`stop-${name}`).classList.toggle("lit", happened);
      const label = document.getElementById(`ms-${name}`);
      if (known) { end = at[name] - start; label.textContent = i === 0 ? "0 ms" : words(end); }
      else if (!happened) label.textContent = "–";
      await pause(70);
    }
    pulse.style.opacity = "0";
    const total = document.getElementById("way-total");
    if (end > 0) { total.textContent = words(end); total.hidden = false; }
    await pause(900);
    showing = false;
  }

  function run(i) {
    const wire = document.getElementById(`wire-${i}`);
    const from = 90 + i * 188;
    if (still) { wire.style.strokeDashoffset = "0"; return Promise.resolve(); }
    return new Promise((done) => {
      const begun = performance.now();
      const step = (now) => {
        const part = Math.min(1, (now - begun) / 170);
        wire.style.strokeDashoffset = String(100 - part * 100);
        pulse.style.opacity = "1";
        pulse.setAttribute("cx", String(from + 38 + part * 112));
        if (part < 1) requestAnimationFrame(step); else done();
      };
      requestAnimationFrame(step);
    });
  }

  document.addEventListener("hub:changed", look);
  setInterval(look, 1000);
  look();
})();
