// Shows the fleet anew every fifteen seconds, in place, while somebody looks.
"use strict";
const EVERY_MS = 15000;
let timer = 0;
async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["#fleet", ".tagline"]) {
        const fresh = page.querySelector(part);
        const shown = document.querySelector(part);
        // Nothing is pulled away from under a finger or a keyboard's focus.
        if (fresh && shown && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
      }
    }
  } catch {
    // No line: what is shown stays, with its time.
  }
  timer = setTimeout(look, EVERY_MS);
}
timer = setTimeout(look, EVERY_MS);
addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});
