// Reads barcodes with this device's camera: frame by frame, accepted by the shared rules, sent once.
// It must never send a picture anywhere: frames stay in this page.
(() => {
  "use strict";
  const page = document.getElementById("reader");
  const video = document.getElementById("lens");
  const marks = document.getElementById("marks");
  const told = document.getElementById("told");
  const begin = document.getElementById("begin");
  const torch = document.getElementById("torch");
  const photo = document.getElementById("photo");
  const LONGEST_SIDE = 4096;
  const { Acceptance } = globalThis.storehubAcceptance;
  // The Barcode Detection API's names, and those of the rules.
  const NAMES = {
    ean_13: "EAN-13", upc_a: "UPC-A", code_128: "Code128", qr_code: "QR", data_matrix: "DataMatrix",
    databar: "DataBar", databar_expanded: "DataBarExp", upc_e: "UPC-E", ean_8: "EAN-8", itf: "ITF", code_39: "Code39",
  };
  const EVERY_MS = 70;
  let detector = null;
  let reading = null;
  let stream = null;
  let running = 0;
  let starting = false;

  function tell(name, tone) {
    told.textContent = name ? page.dataset[name] || name : "";
    told.hidden = !name;
    page.dataset.state = tone || name || "on";
  }

  function chosen() {
    const also = [...document.querySelectorAll("[data-also]:checked")].map((box) => box.value);
    return Object.keys(NAMES).filter((format) => also.includes(format) || !["upc_e", "ean_8", "itf", "code_39"].includes(format));
  }

  // The browser's own reader where it knows the bars; else zxing, served by this hub.
  async function prepare() {
    const wanted = chosen();
    reading = new Acceptance(wanted.map((format) => NAMES[format]));
    const own = globalThis.BarcodeDetector;
    if (own && page.dataset.reader !== "zxing") {
      const can = await own.getSupportedFormats();
      if (can.includes("ean_13") && can.includes("code_128") && can.includes("qr_code")) {
        page.dataset.engine = "native";
        return new own({ formats: wanted.filter((format) => can.includes(format)) });
      }
    }
    const api = globalThis.BarcodeDetectionAPI;
    api.prepareZXingModule({ overrides: { locateFile: (name) => (name.endsWith(".wasm") ? page.dataset.wasm : name) } });
    page.dataset.engine = "zxing";
    return new api.BarcodeDetector({ formats: wanted });
  }

  async function start() {
    if (stream || starting) return;
    if (!globalThis.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      tell("insecure", "refused");
      const secure = document.getElementById("secure");
      if (secure) secure.hidden = false;
      return;
    }
    starting = true;
    begin.hidden = true;
    tell("starting", "starting");
    try {
      detector = await prepare();
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
      });
      if (page.dataset.off) { stop(); tell("", "off"); return; }
      video.srcObject = stream;
      await video.play();
      const [track] = stream.getVideoTracks();
      track.addEventListener("ended", () => { stop(); tell("gone", "refused"); begin.hidden = false; });
      torch.hidden = !track.getCapabilities?.().torch;
      tell("", "on");
      look(++running);
    } catch (error) {
      stop();
      const names = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing", OverconstrainedError: "missing", NotReadableError: "busy", AbortError: "busy" };
      tell(names[error.name] || "broken", "refused");
      begin.hidden = false;
    } finally { starting = false; }
  }

  function stop() {
    running += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    marks.replaceChildren();
  }

  // One frame after the other; a page that is hidden, or started again, ends the older loop.
  async function look(mine) {
    if (mine !== running) return;
    const began = performance.now();
    try {
      const codes = await detector.detect(video);
      if (mine !== running) return;
      draw(codes);
      reading.see(codes.map(seen), performance.now() / 1000).forEach(send);
    } catch (error) {
      if (error.name !== "InvalidStateError") { stop(); tell("broken", "refused"); begin.hidden = false; return; }
    }
    setTimeout(() => look(mine), Math.max(10, EVERY_MS - (performance.now() - began)));
  }

  function seen(code) {
    const box = code.boundingBox;
    return {
      symbology: NAMES[code.format] || code.format,
      text: code.rawValue,
      place: [box.x + box.width / 2, box.y + box.height / 2],
      size: Math.max(box.width, box.height),
    };
  }

  function draw(codes) {
    marks.setAttribute("viewBox", `0 0 ${video.videoWidth || 1} ${video.videoHeight || 1}`);
    marks.replaceChildren(...codes.map((code) => {
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
      shape.setAttribute("points", code.cornerPoints.map((p) => `${p.x},${p.y}`).join(" "));
      return shape;
    }));
  }

  // Where what is read goes: this hub, as the person who is signed in, once.
  async function send(read) {
    navigator.vibrate?.(40);
    page.dataset.sent = String(Number(page.dataset.sent || 0) + 1);
    // A page that knows what a scan means there takes it (a listener that prevents the default).
    if (!document.dispatchEvent(new CustomEvent("hub:scanned", { detail: read, cancelable: true }))) return;
    const where = document.querySelector("#found [data-order]");
    const values = {
      text: read.text,
      symbology: read.symbology,
      order_id: where ? where.dataset.order : "",
      key: crypto.getRandomValues(new Uint32Array(3)).join("-"),
    };
    await htmx.ajax("POST", page.dataset.post, { target: "#found", swap: "innerHTML", values });
  }

  // A photo of a shelf: every code on it, looked up and nothing more. It needs no secure page.
  async function fromPhoto(file) {
    const whole = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(whole.width, whole.height));
    const picture = scale === 1 ? whole : await createImageBitmap(whole, { resizeWidth: Math.round(whole.width * scale), resizeHeight: Math.round(whole.height * scale), resizeQuality: "high" });
    const codes = await (detector || await prepare()).detect(picture);
    const read = codes.map((code) => [code.rawValue, NAMES[code.format] || code.format]);
    await htmx.ajax("POST", page.dataset.many, { target: "#found", swap: "innerHTML", values: { codes: JSON.stringify(read) } });
  }
  photo?.addEventListener("change", async () => {
    const [file] = photo.files;
    if (!file) return;
    photo.disabled = true;
    try { await fromPhoto(file); } catch { tell("unreadable", page.dataset.state); } finally { photo.disabled = false; photo.value = ""; }
  });

  begin.addEventListener("click", start);
  torch.addEventListener("click", async () => {
    const on = torch.getAttribute("aria-pressed") !== "true";
    await stream?.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: on }] });
    torch.setAttribute("aria-pressed", String(on));
  });
  document.querySelectorAll("[data-also]").forEach((box) => {
    box.checked = localStorage.getItem("scan-" + box.value) === "1";
    box.addEventListener("change", async () => {
      localStorage.setItem("scan-" + box.value, box.checked ? "1" : "0");
      if (stream) { stop(); await start(); }
    });
  });
  // A page with its own switch for the camera sets data-off and tells of a change.
  page.addEventListener("camera", () => { if (page.dataset.off) { stop(); tell("", "off"); } else start(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") stop(); else if (page.dataset.state !== "refused" && !page.dataset.off) start();
  });
  addEventListener("pagehide", stop);
  if (!page.dataset.off) start();
})();
