// The counter's own: the search box, the board that takes only what changed, steppers.
// It must never show a card that the hub did not send.
(() => {
  "use strict";
  // ---- search: what is scanned here is looked up beneath the box
  const found = document.getElementById("found");
  if (found) {
    const box = document.getElementById("find");
    const close = () => found.replaceChildren();
    document.addEventListener("hub:scanned", (event) => {
      const { text, key } = event.detail;
      event.preventDefault();
      const values = { text, found: "1", key: key || crypto.getRandomValues(new Uint32Array(3)).join("-") };
      htmx.ajax("POST", "/counter/scan", { target: "#toast", swap: "innerHTML", values });
    });
    box.addEventListener("input", () => { if (box.value.trim().length < 2) close(); });
    document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".find")) close(); });
    document.addEventListener("keydown", (event) => {
      const hits = [...found.querySelectorAll("a")];
      if (event.key === "Escape") { close(); box.value = ""; }
      if (!hits.length || !["ArrowDown", "ArrowUp"].includes(event.key) || !event.target.closest(".find")) return;
      event.preventDefault();
      const at = hits.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      (hits[at] || (at < 0 ? box : hits[0])).focus();
    });
  }

  // ---- a keyed list takes only what changed: cards that stay are not painted anew, and the hub,
  // told which drawing is shown here, sends of them their places alone (data-same)
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { target, headers } = event.detail;
    const drawing = target?.matches?.("[data-keyed]") && target.querySelector(":scope > .board")?.dataset.drawing;
    if (drawing) headers["X-Board"] = drawing;
  });
  const same = (one, other) => other.hasAttribute("data-same") || one.isEqualNode(other);
  function merge(old, fresh) {
    const known = new Map([...old.children].filter((e) => e.id).map((e) => [e.id, e]));
    let at = old.firstElementChild;
    for (const element of [...fresh.children]) {
      let kept = element.id ? known.get(element.id) : null;
      if (kept && !same(kept, element)) { kept.replaceWith(element); htmx.process(element); if (at === kept) at = element; kept = element; }
      if (!kept) { kept = element; old.insertBefore(kept, at); htmx.process(kept); }
      if (kept === at) at = at.nextElementSibling;
      else old.insertBefore(kept, at);
    }
    while (at) { const next = at.nextElementSibling; at.remove(); at = next; }
  }
  function keyed(target, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const lists = [...fresh.content.querySelectorAll(".cards[id]")];
    if (!lists.length || lists.some((list) => !document.getElementById(list.id))) return false;
    const board = target.querySelector(":scope > .board");
    const column = (card) => card?.closest(".cards")?.id;
    const missing = (card) => column(document.getElementById(card.id)) !== column(card);
    if ([...fresh.content.querySelectorAll("[data-same]")].some(missing)) {
      // What is shown is not what the hub thinks: all of it, please.
      delete board.dataset.drawing;
      setTimeout(() => htmx.trigger(target, "live"), 0);
      return true;
    }
    board.dataset.drawing = fresh.content.querySelector(".board").dataset.drawing;
    lists.forEach((list) => {
      const here = document.getElementById(list.id);
      merge(here, list);
      const count = here.parentElement.querySelector(".count");
      const now = list.parentElement.querySelector(".count");
      if (!same(count, now)) count.replaceWith(now);
    });
    fresh.content.querySelector(".board").remove();
    [...target.children].forEach((e) => { if (!e.matches(".board")) e.remove(); });
    fresh.content.querySelectorAll("[hx-swap-oob]").forEach((e) => {
      e.removeAttribute("hx-swap-oob");
      document.getElementById(e.id)?.replaceWith(e);
    });
    [...fresh.content.children].forEach((e) => { target.insertBefore(e, target.querySelector(":scope > .board")); });
    return true;
  }
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, shouldSwap } = event.detail;
    if (!shouldSwap || !target.matches?.("[data-keyed]") || xhr.status !== 200) return;
    if (keyed(target, event.detail.serverResponse)) {
      event.detail.shouldSwap = false;
      document.dispatchEvent(new CustomEvent("board:painted"));
    }
  });

  // ---- how long somebody has been waiting
  function tick() {
    document.querySelectorAll("time[data-since]").forEach((element) => {
      const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(element.dataset.since)) / 60000));
      if (minutes >= 1 && minutes < 60) element.textContent = document.body.dataset.minutes.replace("#", minutes);
    });
  }
  setInterval(tick, 10000);
  tick();

  // ---- one less, one more
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-by]");
    if (!button) return;
    event.preventDefault();
    const field = button.closest(".stepper").querySelector("input");
    field.value = Math.min(Number(field.max), Math.max(Number(field.min), Number(field.value) + Number(button.dataset.by)));
  });
})();
