"""The preview's page, script and style as text; it must never hold anything of a store."""

from typing import Final

# `$KEY` is the key of the page's own link: its parts are fetched with the same one.
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Camera preview</title>
<link rel="stylesheet" href="preview.css$KEY">
</head>
<body>
<main>
  <h1>What the camera sees</h1>
  <p id="trouble" role="status"></p>
  <div class="picture">
    <img id="frame" alt="The newest frame">
    <svg id="marks" aria-hidden="true"></svg>
  </div>
  <dl>
    <div><dt>Frames a second</dt><dd id="per_second">–</dd></div>
    <div><dt>Time for one</dt><dd id="ms">–</dd></div>
    <div><dt>Light</dt><dd id="light">–</dd></div>
    <div><dt>Sharpness</dt><dd id="sharpness">–</dd></div>
    <div><dt>Scene</dt><dd id="moving">–</dd></div>
  </dl>
  <h2>Scans</h2>
  <ol id="scans"></ol>
</main>
<script src="preview.js$KEY"></script>
</body>
</html>
"""
SCRIPT: Final = """'use strict';
const key = location.search;
const part = (id) => document.getElementById(id);
const NS = 'http://www.w3.org/2000/svg';

function mark(code) {
  const shape = document.createElementNS(NS, 'polygon');
  shape.setAttribute('points', code.corners.map((c) => c.join(',')).join(' '));
  const label = document.createElementNS(NS, 'text');
  label.setAttribute('x', code.corners[0][0]);
  label.setAttribute('y', code.corners[0][1] - 8);
  label.textContent = code.symbology + ' ' + code.text;
  return [shape, label];
}

function judged(name, value, low, high) {
  const word = value < low ? ' (too low)' : value > high ? ' (too high)' : '';
  part(name).textContent = value + word;
}

function draw(state) {
  part('trouble').textContent = state.trouble || '';
  if (!state.width) return;
  const marks = part('marks');
  marks.setAttribute('viewBox', '0 0 ' + state.width + ' ' + state.height);
  marks.replaceChildren(...state.codes.flatMap(mark));
  part('per_second').textContent = state.per_second;
  part('ms').textContent = state.ms + ' ms';
  judged('light', state.light, 50, 215);
  judged('sharpness', state.sharpness, 60, Infinity);
  part('moving').textContent = state.moving ? 'moving' : 'still';
  part('scans').replaceChildren(...state.scans.map((scan) => {
    const line = document.createElement('li');
    const flag = scan.sold === false ? '  · not sold here' : '';
    line.textContent = scan.at + '  ' + scan.symbology + '  ' + scan.text + flag;
    return line;
  }));
}

let turn = 0;
async function step() {
  try {
    const answer = await fetch('state.json' + key);
    draw(await answer.json());
    turn += 1;
    part('frame').src = 'frame.jpg' + (key ? key + '&' : '?') + 'n=' + turn;
  } catch (gone) {
    part('trouble').textContent = 'The camera process does not answer.';
  }
  setTimeout(step, 200);
}
step();
"""

STYLE: Final = """:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1, h2 { font-size: 1.25rem; margin: 1rem 0 .5rem; }
#trouble { color: #b3261e; min-height: 1.5em; margin: 0; }
.picture { position: relative; background: #222; }
.picture img, .picture svg { display: block; width: 100%; }
.picture svg { position: absolute; inset: 0; height: 100%; }
polygon { fill: none; stroke: #00c853; stroke-width: 4; }
text { fill: #00c853; font-size: 24px; paint-order: stroke; stroke: #000; stroke-width: 4px; }
dl { display: flex; flex-wrap: wrap; gap: 1.5rem; margin: 1rem 0; }
dt { font-size: .85rem; opacity: .75; }
dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
ol { list-style: none; padding: 0; font-variant-numeric: tabular-nums; white-space: pre; }
"""
