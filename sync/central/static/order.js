// Looks every two seconds whether the store said something new, and shows it in place.
"use strict";
const EVERY_MS = 2000;
let timer = 0;
async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("article.order");
      const shown = document.querySelector("article.order");
      if (fresh && shown && fresh.dataset.state !== shown.dataset.state) {
        shown.replaceWith(fresh);
        document.title = page.title;
        document.getElementById("said").textContent = fresh.querySelector("h1").textContent;
      }
    }
  } catch {
    // No line: what is shown stays, and the next look may succeed.
  }
  timer = setTimeout(look, EVERY_MS);
}
timer = setTimeout(look, EVERY_MS);
addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});
