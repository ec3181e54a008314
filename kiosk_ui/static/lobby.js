// The wall screen: fetches both lists when an order changed, calls what became ready, turns pages.
// It must never stop trying: nobody stands beside it with a keyboard.
(() => {
  "use strict";
  const body = document.body;
  const place = document.getElementById("codes");
  const away = document.getElementById("away");
  const TURN = 8000; // a page is read in this time
  const CALL = 20000; // how long a code that became ready stands out
  const AGAIN = 3000;
  const CALM = 10000; // a hub that starts again is back before anybody is told

  const readyNow = () => [...place.querySelectorAll(".ready [data-code]")].map((one) => one.dataset.code);
  let ready = new Set(readyNow());
  const called = new Map(); // code → until when it stands out

  // ---- both lists
  let busy = false;
  let more = false;
  async function look() {
    if (busy) { more = true; return; }
    busy = true;
    try {
      const answer = await fetch(body.dataset.codes, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.text());
      heard();
    } catch {
      lost();
    } finally {
      busy = false;
      if (more) { more = false; setTimeout(look, 300); }
    }
  }
  function show(html) {
    const turns = ["preparing", "ready"].map(turned);
    place.innerHTML = html;
    const now = readyNow();
    const fresh = now.filter((code) => !ready.has(code));
    ready = new Set(now);
    const until = Date.now() + CALL;
    fresh.forEach((code) => called.set(code, until));
    mark();
    ["preparing", "ready"].forEach((side, n) => turn(side, side === "ready" && fresh.length ? 0 : turns[n]));
    if (fresh.length) call(fresh);
  }
  function mark() {
    const now = Date.now();
    for (const [code, until] of called) if (until <= now) called.delete(code);
    place.querySelectorAll(".ready [data-code]").forEach((one) => one.classList.toggle("new", called.has(one.dataset.code)));
  }
  function call(codes) {
    const say = document.getElementById("called");
    say.textContent = codes.map((code) => say.dataset.say.replace("{code}", code)).join(" ");
    chime();
  }

  // ---- pages take turns
  const sheets = (side) => [...place.querySelectorAll(`.${side} .sheet`)];
  const turned = (side) => Math.max(0, sheets(side).findIndex((one) => !one.hidden));
  function turn(side, wanted) {
    const all = sheets(side);
    if (!all.length) return;
    const n = wanted % all.length;
    all.forEach((one, at) => { one.hidden = at !== n; });
    place.querySelectorAll(`.${side} .turn i`).forEach((dot, at) => dot.classList.toggle("on", at === n));
  }
  setInterval(() => { mark(); ["preparing", "ready"].forEach((side) => turn(side, turned(side) + 1)); }, TURN);

  // ---- sound: two calm notes; a browser that wants a touch first says so
  let audio = null;
  const sound = document.getElementById("sound");
  function wake() {
    audio = audio || new AudioContext();
    audio.resume().then(() => { sound.hidden = audio.state === "running"; });
    sound.hidden = audio.state === "running";
  }
  function chime() {
    if (!audio || audio.state !== "running") return;
    [[659.25, 0], [880, 0.22]].forEach(([pitch, at]) => {
      const tone = audio.createOscillator();
      const loud = audio.createGain();
      const start = audio.currentTime + at;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0, start);
      loud.gain.linearRampToValueAtTime(0.35, start + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.001, start + 0.9);
      tone.connect(loud).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 1);
    });
    body.dataset.chimed = String(Number(body.dataset.chimed || 0) + 1);
  }
  sound.addEventListener("click", wake);
  wake();

  // ---- the stream: opened again by hand, because a browser gives up on an answer such as 503
  let stream = null;
  let after = body.dataset.stream;
  function listen() {
    if (stream) stream.close();
    stream = new EventSource(after);
    const hear = (event) => { if (event.lastEventId) after = "/api/v1/events?after=" + encodeURIComponent(event.lastEventId); };
    stream.onopen = () => { heard(); look(); };
    stream.addEventListener("changed", (event) => {
      hear(event);
      if (JSON.parse(event.data).topics.some((topic) => topic.split(":")[0] === "pickup")) look();
    });
    stream.addEventListener("reset", (event) => { hear(event); look(); });
    stream.onerror = () => { stream.close(); lost(); setTimeout(listen, AGAIN + Math.random() * 1000); };
  }
  let silent = 0;
  function lost() { body.dataset.link = "wait"; if (!silent) silent = setTimeout(() => { body.dataset.link = "off"; away.hidden = false; }, CALM); }
  function heard() { clearTimeout(silent); silent = 0; away.hidden = true; body.dataset.link = "on"; }
  listen();
  // What no event tells: promises come nearer, and a screen that slept wakes up.
  setInterval(look, 30000);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") look(); });

  const clock = document.getElementById("clock");
  const tell = () => { clock.textContent = new Date().toLocaleTimeString(document.documentElement.lang + "-u-nu-latn", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }); };
  tell();
  setInterval(tell, 5000);
})();
