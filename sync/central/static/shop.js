// Live search and a basket; without it the page works by its plain quantity fields.
"use strict";
const form = document.getElementById("shop");
const list = document.getElementById("products");
const box = document.getElementById("q");
const basket = new Map();
const WORDS = JSON.parse(form.dataset.words);
const lang = document.documentElement.lang;
const chosen = new URLSearchParams(location.search).get("lang");
form.classList.add("live");

function say(name, values) {
  return WORDS[name].replace(/\{(\w+)\}/g, (_, part) => values[part]);
}

function money(minor, currency) {
  const whole = new Intl.NumberFormat(lang, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return new Intl.NumberFormat(lang, { style: "currency", currency }).format(minor / 10 ** whole);
}
function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
function stepper(product) {
  const held = make("span", "stepper");
  const less = make("button", "", "−");
  const count = make("output", "", String(basket.get(product.sku)?.qty ?? 0));
  const more = make("button", "", "+");
  less.type = more.type = "button";
  less.setAttribute("aria-label", say("less", product));
  more.setAttribute("aria-label", say("more", product));
  less.addEventListener("click", () => change(product, -1));
  more.addEventListener("click", () => change(product, +1));
  held.append(less, count, more);
  return held;
}
function change(product, by) {
  const qty = Math.min(99, Math.max(0, (basket.get(product.sku)?.qty ?? 0) + by));
  if (qty) basket.set(product.sku, { ...product, qty });
  else basket.delete(product.sku);
  draw();
}
function draw() {
  const lines = document.getElementById("lines");
  lines.replaceChildren();
  let total = 0;
  let currency = "EUR";
  for (const product of basket.values()) {
    const line = make("li");
    const what = make("span", "what");
    what.append(make("strong", "", product.name));
    const field = make("input");
    field.type = "hidden";
    field.name = `qty:${product.sku}`;
    field.value = String(product.qty);
    line.append(what, stepper(product), field);
    if (product.price !== null) {
      total += product.price * product.qty;
      currency = product.currency;
      line.append(make("span", "price", money(product.price * product.qty, currency)));
    }
    lines.append(line);
  }
  document.getElementById("empty").hidden = basket.size > 0;
  const sum = document.getElementById("total");
  sum.hidden = basket.size === 0;
  sum.querySelector("strong").textContent = money(total, currency);
  document.getElementById("place").disabled = basket.size === 0;
  for (const item of list.children) mark(item);
  clearTimeout(offering);
  offering = setTimeout(offer, 150);
}
// Which stores have the basket: one that has none of it is not offered while another has.
let offering = 0;
let latest = 0;
async function offer() {
  const stores = document.getElementById("store");
  const asked = new URLSearchParams([...basket].map(([sku, { qty }]) => [sku, qty]));
  const mine = ++latest;
  let found = {};
  try {
    if (basket.size) found = (await (await fetch(`/offers?${asked}`)).json()).stores ?? {};
  } catch {
    // Without an answer every store is offered; the store itself decides in any case.
  }
  if (mine !== latest) return;
  const rank = (option) => ["has", "asks", "lacks"].indexOf(found[option.value] ?? "asks");
  const others = Object.values(found).some((word) => word !== "lacks");
  for (const option of stores.options) {
    option.dataset.name ??= option.textContent;
    const word = found[option.value];
    option.textContent = word ? say(word, { store: option.dataset.name }) : option.dataset.name;
    option.disabled = word === "lacks" && others;
  }
  const picked = stores.selectedOptions[0];
  if (picked?.disabled) {
    const best = [...stores.options].sort((one, other) => rank(one) - rank(other))[0];
    stores.value = best.value;
    document.getElementById("offered").textContent =
      say("picked", { first: picked.dataset.name, second: best.dataset.name });
  }
}
function productOf(item) {
  const { sku, name, price, currency } = item.dataset;
  return { sku, name, price: price === "" ? null : Number(price), currency };
}
function mark(item) {
  const product = productOf(item);
  item.querySelector(".plain-qty")?.remove();
  item.querySelector(".add")?.remove();
  item.querySelector(".stepper")?.remove();
  const inBasket = basket.has(product.sku);
  item.classList.toggle("in-basket", inBasket);
  if (inBasket) {
    item.append(stepper(product));
    return;
  }
  const add = make("button", "add", WORDS.add);
  add.type = "button";
  add.setAttribute("aria-label", say("add_one", product));
  add.addEventListener("click", () => change(product, +1));
  item.append(add);
}
function card(found) {
  const item = make("li", "product");
  Object.assign(item.dataset, {
    sku: found.sku, name: found.name, price: found.price_minor ?? "", currency: found.currency,
  });
  const tile = make("span", `tile hue-${found.hue}`, found.letter);
  tile.setAttribute("aria-hidden", "true");
  const what = make("span", "what");
  what.append(make("strong", "", found.name), make("small", "", found.brand || found.category));
  item.append(tile, what, make("span", "price", found.price || "–"));
  mark(item);
  return item;
}
let asked = 0;
async function find() {
  const mine = ++asked;
  const said = document.getElementById("found");
  try {
    const answer = await fetch(`/products?q=${encodeURIComponent(box.value)}${chosen ? `&lang=${encodeURIComponent(chosen)}` : ""}`);
    const { items } = await answer.json();
    if (mine !== asked) return;
    list.replaceChildren(...items.map(card));
    said.textContent = items.length ? "" : say("nothing", { query: box.value });
  } catch {
    said.textContent = WORDS.unreachable;
  }
}
let waiting = 0;
box.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, 120);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    find();
  }
});
for (const item of document.getElementById("lines").children) {
  basket.set(item.dataset.sku, { ...productOf(item), qty: Number(item.dataset.qty) });
}
draw();
