"use strict";
// A small plotting kit: axes with round ticks, marks as SVG, one hint for what lies nearest the pointer.
// Strangers' texts reach the page through textContent and setAttribute only.

const SVG = "http://www.w3.org/2000/svg";
const facts = JSON.parse(document.getElementById("facts").textContent);
const hint = document.getElementById("hint");
const better = (mode) => (a, b) => (mode === "max" ? a > b : a < b);

function make(tag, attributes = {}, text) {
  const node = tag in { svg: 1, g: 1, path: 1, line: 1, rect: 1, circle: 1, text: 1, title: 1 }
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function ticks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-6; n += 1) found.push(+(n * step).toPrecision(12));
  return found;
}

function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return value.toExponential(2);
  if (size >= 1e4) return Math.round(value).toLocaleString("en-US");
  return Number.isInteger(value) ? String(value) : String(+value.toPrecision(size < 1 ? 4 : 5));
}

function short(value) {
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit && (unit > 1e3 || size >= 1e4)) return `${+(value / unit).toPrecision(3)} ${name}`;
  }
  return size > 0 && size < 1e-3 ? value.toExponential(0) : String(+value.toPrecision(6));
}

function span(seconds) {
  if (seconds < 120) return `${+seconds.toPrecision(3)} s`;
  if (seconds < 7200) return `${+(seconds / 60).toPrecision(3)} min`;
  return seconds < 172800 ? `${+(seconds / 3600).toPrecision(3)} h` : `${+(seconds / 86400).toPrecision(3)} d`;
}

function timeUnit(longest) {
  const [size, name] = longest < 180 ? [1, "seconds"] : longest < 10800 ? [60, "minutes"] : longest < 259200 ? [3600, "hours"] : [86400, "days"];
  return { size, name };
}

// The range of an axis stays so small that its length is a number, too: values beyond are drawn at its ends.
const LARGEST = Number.MAX_VALUE / 4;
const fits = (value) => Math.max(-LARGEST, Math.min(LARGEST, value));

// The range of some values, with a little room; of one value, room around it.
function range(values, room = 0.05) {
  let low = Infinity, high = -Infinity;
  for (const value of values) if (value !== null && value !== undefined) { low = Math.min(low, fits(value)); high = Math.max(high, fits(value)); }
  if (low > high) return null;
  const apart = high - low > Math.max(Math.abs(high) * 1e-12, 1e-290);
  const more = apart ? (high - low) * room : Math.abs(high) > 1e-280 ? Math.abs(high) * 0.1 : 1;
  return [Math.max(low - more, -LARGEST), Math.min(high + more, LARGEST)];
}

// Where most of the values are, when a few lie so far off that nothing else could be told apart.
function core(values, best) {
  const known = values.filter((v) => v !== null && v !== undefined).map(fits).sort((a, b) => a - b);
  if (known.length < 12) return range(known);
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const width = Math.max(at(0.95) - at(0.25), (at(1) - at(0)) / 1e6, at(0.75) - at(0.05));
  const low = Math.max(at(0), best === "max" ? at(0.25) - 2.5 * width : at(0)), high = Math.min(at(1), best === "min" ? at(0.75) + 2.5 * width : at(1));
  return range([low, high]);
}

class Plot {
  // `x`, `y`: {range, label, wanted, format}; positions come from px and py.
  constructor(holder, height, x, y) {
    this.width = Math.max(240, holder.clientWidth || 600);
    const narrow = this.width < 480;
    this.height = height;
    this.svg = make("svg", { viewBox: `0 0 ${this.width} ${height}`, height, role: "img" });
    holder.append(this.svg);
    const yTicks = y.ticks || ticks(y.range[0], y.range[1], height / 55), yText = yTicks.map(y.format || short);
    const left = y.left ?? 14 + 7 * Math.max(...yText.map((text) => text.length), 1);
    Object.assign(this, { left, right: this.width - 10, top: y.label ? 26 : 8, bottom: height - 40, x, y });
    const xTicks = x.ticks || ticks(x.range[0], x.range[1], (this.right - left) / (narrow ? 75 : 95));
    this.drawn = make("g");
    for (const [i, value] of yTicks.entries()) this.tickY(value, yText[i]);
    for (const value of xTicks) this.tickX(value, (x.format || short)(value));
    this.svg.append(make("line", { class: "axis", x1: left, x2: this.right, y1: this.bottom, y2: this.bottom }));
    if (x.label) this.text((left + this.right) / 2, height - 5, x.label, "middle");
    if (y.label) this.text(2, 12, y.label, "start");
    this.svg.append(this.drawn);
    this.svg.dataset.axes = [y.label, x.label].filter(Boolean).join(" against ");
  }
  px(value) { return this.left + (fits(value) - this.x.range[0]) / (this.x.range[1] - this.x.range[0]) * (this.right - this.left); }
  py(value) {
    const at = this.bottom - (fits(value) - this.y.range[0]) / (this.y.range[1] - this.y.range[0]) * (this.bottom - this.top);
    return Math.min(this.bottom + 3, Math.max(this.top - 3, at));
  }
  tickY(value, text) {
    const at = this.py(value);
    this.svg.append(make("line", { class: "grid", x1: this.left, x2: this.right, y1: at, y2: at }));
    this.text(this.left - 8, at + 4, text, "end");
  }
  tickX(value, text) {
    const at = this.px(value);
    if (this.x.lines) this.svg.append(make("line", { class: "grid", x1: at, x2: at, y1: this.top, y2: this.bottom }));
    this.text(Math.min(at, this.width - 4 * text.length), this.bottom + 17, text, "middle");
  }
  text(x, y, text, anchor, kind = "") {
    const node = make("text", { x, y, "text-anchor": anchor, class: kind }, text);
    this.svg.append(node);
    return node;
  }
  path(d, more) { const node = make("path", { d, fill: "none", ...more }); this.drawn.append(node); return node; }
  line(points, more) { return this.path(points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""), more); }
  // Many equal dots are one path: a thousand cost no more than one.
  dots(points, radius, more) {
    const r = radius, d = points.map(([x, y]) => `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`);
    return this.path(d.join(""), more);
  }
  // `marks`: {x, y (pixels), text, path?}; the nearest to the pointer is told, and its path shown.
  listen(marks, reach = 30) {
    const shown = make("g", { "pointer-events": "none" });
    this.svg.append(shown);
    const leave = () => { hint.hidden = true; shown.replaceChildren(); };
    const point = (event) => {
      const box = this.svg.getBoundingClientRect(), scale = this.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let best = null, least = reach * reach;
      for (const mark of marks) {
        const dx = mark.width ? Math.max(0, mark.x - x, x - mark.x - mark.width) : mark.x - x;
        const d = dx * dx + (mark.y - y) ** 2;
        if (d < least) { least = d; best = mark; }
      }
      shown.replaceChildren();
      if (!best) { hint.hidden = true; return; }
      if (best.path) shown.append(make("path", { d: best.path, fill: "none", stroke: "var(--ink)", "stroke-width": 2 }));
      else if (!best.width) shown.append(make("circle", { cx: best.x, cy: best.y, r: 6.5, fill: "none", stroke: "var(--ink)", "stroke-width": 2 }));
      hint.textContent = best.text;
      hint.hidden = false;
      const wide = hint.offsetWidth, tall = hint.offsetHeight;
      hint.style.left = `${Math.max(6, Math.min(event.clientX + 14, innerWidth - wide - 6))}px`;
      hint.style.top = `${event.clientY + tall + 24 > innerHeight ? event.clientY - tall - 12 : event.clientY + 16}px`;
    };
    this.svg.addEventListener("pointermove", point);
    this.svg.addEventListener("pointerdown", point);
    this.svg.addEventListener("pointerleave", leave);
  }
}

function legend(holder, entries) {
  const list = make("ul", { class: "legend" });
  for (const [kind, colour, text] of entries) {
    const item = make("li"), mark = make("i", { class: kind });
    mark.style[kind === "hollow" ? "borderColor" : "background"] = colour;
    item.append(mark, text);
    list.append(item);
  }
  if (entries.length) holder.append(list);
}

function empty(holder, text) { holder.append(make("p", { class: "empty" }, text)); }

// A row of buttons, or a list where there are many, under the name `what`; calls `chosen` with the key.
function pick(holder, what, options, chosen) {
  if (options.length < 2) return;
  if (options.length > 3) {
    const list = make("select", { "aria-label": what });
    for (const [key, text] of options) list.append(make("option", { value: key }, text));
    list.addEventListener("change", () => chosen(list.value));
    holder.append(list);
    return;
  }
  const row = make("span", { class: "pick", role: "group", "aria-label": what });
  options.forEach(([key, text], place) => {
    const button = make("button", { type: "button", "aria-pressed": place === 0 }, text);
    button.addEventListener("click", () => {
      for (const other of row.children) other.setAttribute("aria-pressed", other === button);
      chosen(key);
    });
    row.append(button);
  });
  holder.append(row);
}

// Charts are drawn again when the width changes, another choice is made, or the page goes to paper.

const charts = [];

function chart(id, height, draw) {
  const section = document.getElementById(id), holder = section.querySelector(".plot");
  const again = () => { holder.replaceChildren(); draw(holder, height, section); named(section, holder); };
  charts.push(again);
  return { section, picks: section.querySelector(".picks"), again };
}

// A picture's name for those who cannot see it: what the section is, what the axes are, and what the legend says.
function named(section, holder) {
  const svg = holder.querySelector("svg");
  if (!svg) return;
  const said = (all) => [...all].map((node) => node.textContent.trim()).filter(Boolean);
  const parts = [...said(section.querySelectorAll("h2")), ...(svg.dataset.axes ? [svg.dataset.axes] : []), ...said(section.querySelectorAll(".about")), ...said(holder.querySelectorAll(".legend li"))];
  svg.setAttribute("aria-label", parts.join("; "));
}

let drawnFor = 0, waiting = 0;
function drawAll() { drawnFor = innerWidth; for (const again of charts) again(); }
addEventListener("resize", () => { if (innerWidth !== drawnFor) { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(drawAll); } });
// When this is told the page still has the width of the window, so it first takes one that is scaled down to that of paper.
addEventListener("beforeprint", () => { document.body.classList.add("paper"); drawAll(); });
addEventListener("afterprint", () => { document.body.classList.remove("paper"); drawAll(); });
