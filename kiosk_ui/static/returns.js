// Returns: what a scan means here, and where goods go by their reason.
// It must never count a unit that the hub did not find on the order.
(() => {
  "use strict";
  const BADGE = "SH1:B:";
  let last = Promise.resolve();

  // Scans wait for each other: the second one counts on what the first one left.
  document.addEventListener("hub:scanned", (event) => {
    const { text } = event.detail;
    if (text.startsWith(BADGE)) return;
    event.preventDefault();
    last = last.then(() => take(text)).catch(() => {});
  });

  function take(text) {
    const form = document.getElementById("bring-back");
    if (form && !text.startsWith("SH1:")) {
      const values = { ...Object.fromEntries(new FormData(form)), text };
      return htmx.ajax("POST", form.dataset.count, { target: "#take", swap: "innerHTML", values });
    }
    const found = document.getElementById("brought") ? "#brought" : "#toast";
    return htmx.ajax("POST", "/counter/returns/look", { target: found, swap: "innerHTML", values: { text } });
  }

  // Why it comes back says where it goes; whoever looks at it may say otherwise afterwards.
  document.addEventListener("change", (event) => {
    const goes = event.target.dataset?.goes;
    if (!goes) return;
    event.target.form.querySelector(`[name=disposition][value=${goes}]`).checked = true;
  });
})();
