// Shows times as the reader's clock has them, and every two seconds what the store said anew.
"use strict";
const EVERY_MS = 2000;
let timer = 0;
function tell(root) {
  const today = new Date().toDateString();
  for (const shown of root.querySelectorAll("time[datetime]")) {
    const at = new Date(shown.dateTime);
    const far = at.toDateString() !== today;
    shown.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
      hour: "2-digit", minute: "2-digit", ...(far && { weekday: "short", day: "numeric", month: "short" }),
    }).format(at);
  }
}
function typing(article) {
  // What somebody is writing is not taken from under their thumb.
  const fields = article.querySelectorAll("input:not([type=hidden]):not([type=radio]):not([type=checkbox]), textarea");
  const chosen = article.querySelector(".scores :checked, .chips :checked");
  return chosen !== null || [...fields].some((field) => field.value !== field.defaultValue || field === document.activeElement);
}
async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("article.order");
      const shown = document.querySelector("article.order");
      if (fresh && shown && fresh.dataset.state !== shown.dataset.state && !typing(shown)) {
        for (const open of shown.querySelectorAll("details[open][data-keep]")) {
          fresh.querySelector(`details[data-keep=${open.dataset.keep}]`)?.setAttribute("open", "");
        }
        tell(fresh);
        shown.replaceWith(fresh);
        document.title = page.title;
        document.getElementById("said").textContent = fresh.querySelector("h1").textContent;
      }
    }
  } catch {
    // No line: what is shown stays, and the next look may succeed.
  }
  plan();
}
function plan() {
  clearTimeout(timer);
  if (document.querySelector("article.order[data-live]")) timer = setTimeout(look, EVERY_MS);
}
tell(document);
plan();
addEventListener("visibilitychange", () => {
  if (!document.hidden && document.querySelector("article.order[data-live]")) {
    clearTimeout(timer);
    look();
  }
});
