// Keeps commands that the hub has not confirmed yet, and sends them until it has: oldest first, each
// with one Idempotency-Key for all its tries, so that a command whose answer was lost is not done twice.
// It must never drop a command in silence, never call one done that the hub did not confirm, and
// never send what one person did in the name of another, unless that person says so.
//
//   const queue = storehubQueue("counter", { person: "ada" });
//   const told = await queue.add({ url: "/api/v1/orders/R-1/handover", body: {…}, label: "R-1" });
//   (`key`: of a try that was made before and whose answer was lost.)
//   told.state: "confirmed" (told.answer) | "refused" (told.sentence, told.status) | "waiting"
//   queue.items() → [{ id, url, body, label, by, at, state, sentence }]; queue.drop(id); queue.retry()
//   queue.adopt(id): the person who is signed in sends it as their own
//   queue.addEventListener("change" | "confirmed" | "refused", (event) => event.detail)
(() => {
  "use strict";
  const TIMEOUT = 8000;
  const FIRST = 1000;
  const LONGEST = 30000;
  const FINAL = [400, 403, 404, 409, 413, 415, 422];

  const random = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16).padStart(8, "0")).join("");

  // One entry a command: two tabs that add at once do not overwrite each other's.
  class Kept {
    constructor(prefix) { this.prefix = prefix; this.memory = new Map(); this.durable = true; }

    put(item) {
      const name = this.prefix + item.id;
      try { localStorage.setItem(name, JSON.stringify(item)); this.memory.delete(name); }
      catch { this.durable = false; this.memory.set(name, item); }
    }

    drop(id) {
      this.memory.delete(this.prefix + id);
      try { localStorage.removeItem(this.prefix + id); } catch { this.durable = false; }
    }

    all() {
      const found = new Map(this.memory);
      try {
        for (let i = 0; i < localStorage.length; i += 1) {
          const name = localStorage.key(i);
          if (name.startsWith(this.prefix)) found.set(name, JSON.parse(localStorage.getItem(name)));
        }
      } catch { this.durable = false; }
      return [...found.keys()].sort().map((name) => found.get(name));
    }
  }

  class Queue extends EventTarget {
    constructor(name, { person = "", headers = () => ({}) } = {}) {
      super();
      this.name = name;
      this.person = person;
      this.headers = headers;
      this.kept = new Kept(`storehub.queue.${name}.`);
      this.wait = FIRST;
      this.timer = 0;
      this.last = 0;
      this.running = null;
      this.csrf = document.querySelector('meta[name="csrf-token"]')?.content || "";
      addEventListener("online", () => this.retry());
      addEventListener("storage", (event) => { if (event.key?.startsWith(this.kept.prefix)) this.tell("change"); });
      document.addEventListener("visibilitychange", () => { if (!document.hidden) this.retry(); });
      document.addEventListener("htmx:sseOpen", () => this.retry());
      if (this.items().length) this.later(0);
    }

    // Is what is queued still there after the page is closed?
    get durable() { return this.kept.durable; }

    items() { return this.kept.all(); }

    // Takes a command and tries it at once; the promise tells how that first try ended.
    async add({ url, body, label = "", key = random() }) {
      const at = Math.max(Date.now(), this.last + 1);
      this.last = at;
      const item = { id: `${String(at).padStart(15, "0")}-${random()}`, key, url, body, label, by: this.person, at: new Date(at).toISOString(), state: "waiting", sentence: "" };
      this.kept.put(item);
      this.tell("change");
      const outcomes = await this.flush();
      return outcomes.get(item.id) || (await this.flush()).get(item.id) || { ...item };
    }

    drop(id) { this.kept.drop(id); this.tell("change"); }

    adopt(id) {
      const item = this.items().find((one) => one.id === id);
      if (!item) return;
      this.kept.put({ ...item, by: this.person, state: "waiting" });
      this.retry();
    }

    retry() { this.wait = FIRST; this.later(0); }

    later(ms) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.flush(), ms);
    }

    // Sends what waits, oldest first; the tries of several tabs do not cross.
    flush() {
      if (!this.running) {
        const work = () => this.send();
        const alone = navigator.locks ? navigator.locks.request(`storehub.queue.${this.name}`, work) : work();
        this.running = Promise.resolve(alone).finally(() => { this.running = null; });
      }
      return this.running;
    }

    async send() {
      const outcomes = new Map();
      for (const item of this.items()) {
        if (item.state === "refused" || item.by !== this.person) continue;
        const outcome = await this.try_(item);
        outcomes.set(item.id, outcome);
        if (outcome.state === "waiting") {
          this.later(this.wait);
          this.wait = Math.min(LONGEST, this.wait * 2);
          return outcomes;
        }
        this.wait = FIRST;
      }
      return outcomes;
    }

    async try_(item) {
      let answer = await this.post(item);
      if (answer?.status === 403 && (await this.sameSite())) answer = await this.post(item);
      if (answer === null || answer.status === 401 || !(answer.ok || FINAL.includes(answer.status))) {
        const waiting = { ...item, state: "waiting", signedOut: answer?.status === 401 };
        if (waiting.signedOut !== Boolean(item.signedOut)) { this.kept.put(waiting); this.tell("change"); }
        return waiting;
      }
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) {
        this.kept.drop(item.id);
        const done = { ...item, state: "confirmed", answer: said, status: answer.status };
        this.tell("confirmed", done); this.tell("change");
        return done;
      }
      const refused = { ...item, state: "refused", sentence: said.detail || "", status: answer.status };
      this.kept.put(refused);
      this.tell("refused", refused); this.tell("change");
      return refused;
    }

    async post(item) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), TIMEOUT);
      try {
        return await fetch(item.url, {
          method: "POST", signal: stop.signal, redirect: "error", body: JSON.stringify(item.body),
          headers: { "Content-Type": "application/json", "Idempotency-Key": item.key, "X-CSRFToken": this.csrf, "X-Person": item.by, ...this.headers() },
        });
      } catch { return null; } finally { clearTimeout(timer); }
    }

    // A page that was open while the hub began anew holds an old form token: fetch a present one.
    async sameSite() {
      try {
        const page = await (await fetch("/", { headers: { "X-Unattended": "1" }, cache: "no-store" })).text();
        const found = new DOMParser().parseFromString(page, "text/html").querySelector('meta[name="csrf-token"]')?.content;
        if (!found || found === this.csrf) return false;
        this.csrf = found;
        return true;
      } catch { return false; }
    }

    tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
  }

  globalThis.storehubQueue = (name, options) => new Queue(name, options);
})();
