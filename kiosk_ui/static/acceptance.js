// Decides when what a phone's camera reads frame after frame counts as one scan: the rules of
// devices/scanners/acceptance.py, held to it by a test that runs the same frames through both.
// It must never accept what stands in a single frame of bars, and never send one item twice while
// it lies before the lens.
(() => {
  "use strict";
  const NEEDED = {
    "EAN-13": 2, "UPC-A": 2, "Code128": 2, "DataBar": 2, "DataBarExp": 2, "DataBarExpStk": 2,
    "QR": 1, "DataMatrix": 1,
    "UPC-E": 3, "EAN-8": 3, "ITF": 3, "Code39": 3,
  };
  const OPT_IN = ["UPC-E", "EAN-8", "ITF", "Code39"];
  const WINDOW = 10;
  const QUIET_S = 1.5;
  const UNKNOWN_EXTRA = 1;

  const key = (read) => read.symbology + "\n" + read.text;
  const equal = (one, other) => one.symbology === other.symbology && one.text === other.text;

  // Two codes overlap when their middles lie within half of the smaller one's side.
  function samePlace(one, other) {
    const away = Math.max(Math.abs(one.place[0] - other.place[0]), Math.abs(one.place[1] - other.place[1]));
    return away < 0.5 * Math.min(one.size, other.size);
  }

  class Acceptance {
    // `symbologies`: those in OPT_IN are read only when named.
    constructor(symbologies) {
      this.symbologies = new Set(symbologies || Object.keys(NEEDED).filter((name) => !OPT_IN.includes(name)));
      this.frames = [];
      this.lastSeen = new Map();
    }

    // Feed every frame that was looked at: [{symbology, text, place: [x, y], size, known}].
    // Returns the reads that became scans. `atS` only grows (seconds).
    see(reads, atS) {
      const here = reads.filter((read) => this.symbologies.has(read.symbology));
      this.frames.push(here);
      while (this.frames.length > WINDOW) this.frames.shift();
      const accepted = [];
      for (const read of here) {
        const last = this.lastSeen.get(key(read));
        if (last !== undefined && atS - last < QUIET_S) this.lastSeen.set(key(read), atS);
        else if (this.enough(read)) { this.lastSeen.set(key(read), atS); accepted.push(read); }
      }
      for (const [name, last] of this.lastSeen) if (atS - last >= QUIET_S) this.lastSeen.delete(name);
      return accepted;
    }

    // Nothing moves: what lies before the lens is still there, read or not.
    hold(atS) { for (const name of this.lastSeen.keys()) this.lastSeen.set(name, atS); }

    enough(read) {
      const needed = NEEDED[read.symbology] + (read.known === false ? UNKNOWN_EXTRA : 0);
      let same = 0;
      let others = 0;
      for (const frame of this.frames) {
        if (frame.some((one) => equal(one, read))) same += 1;
        if (frame.some((one) => !equal(one, read) && samePlace(one, read))) others += 1;
      }
      return same >= needed && same >= 2 * others;
    }
  }

  globalThis.storehubAcceptance = { NEEDED, OPT_IN, WINDOW, QUIET_S, UNKNOWN_EXTRA, Acceptance };
})();
