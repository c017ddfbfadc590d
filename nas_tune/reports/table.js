"use strict";
// The table of trials: sorted by a click on a head, filtered by words, states and comparisons such as value>0.9.

(() => {
  const section = document.getElementById("trials"), head = section.querySelector("thead"), body = section.querySelector("tbody");
  const box = section.querySelector("input"), more = section.querySelector(".more button"), count = section.querySelector(".count");
  const page = 50;
  const columns = [
    { name: "trial", cells: trials.number },
    { name: "state", cells: trials.state.map((state, i) => (trials.failure[i] ? `${state}: ${trials.failure[i]}` : state)), state: true },
    ...objectives.flatMap((one) => [
      { name: one.metric, cells: trials.values[one.metric], down: one.mode === "max", objective: true },
      ...(trials.spreads[one.metric] ? [{ name: `${one.metric}_spread`, cells: trials.spreads[one.metric] }] : []),
    ]),
    { name: "epochs", cells: trials.epochs },
    { name: "seconds", cells: trials.seconds },
    ...Object.entries(trials.others).map(([name, cells]) => ({ name, cells })),
    { name: "architecture", cells: trials.architecture, long: true },
  ];
  for (const column of columns) {
    column.unit = unitOf(column.name.replace(/_spread$/, ""));
    column.numeric = !column.state && !column.long;
    if (column.numeric) column.text = aligned(column.cells.filter((value) => value !== null));
  }
  const texts = trials.number.map((_, i) => columns.map((column) => String(column.cells[i] ?? "")).join(" ").toLowerCase());
  const by = { column: 0, down: false }, hidden = new Set();
  let limit = page;

  // As many decimals in every row of a column, so that the points stand below each other.
  function aligned(values) {
    const most = Math.max(0, ...values.map(Math.abs)), least = Math.min(Infinity, ...values.filter((v) => v !== 0).map(Math.abs));
    if (!values.every(Number.isInteger) && (most >= 1e5 || (least < 1e-4 && most < 1e-2))) return number;
    const decimals = values.every(Number.isInteger) ? 0 : Math.min(4, Math.max(0, 3 - Math.floor(Math.log10(most || 1))));
    return (value) => value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: most >= 1e4 });
  }

  function comparison(word) {
    const found = /^([^<>=]+)(<=|>=|<|>|=)(-?[\d.]+(?:e[+-]?\d+)?)$/i.exec(word);
    if (!found) return null;
    const name = found[1].toLowerCase(), column = columns.find((one) => one.numeric && one.name.toLowerCase() === (name === "value" ? columns[2].name.toLowerCase() : name));
    if (!column) return undefined;
    const wanted = +found[3], way = found[2];
    return (i) => {
      const value = column.cells[i];
      if (value === null || value === undefined) return false;
      return way === ">" ? value > wanted : way === "<" ? value < wanted : way === ">=" ? value >= wanted : way === "<=" ? value <= wanted : value === wanted;
    };
  }

  function tests() {
    const words = box.value.replace(/\s*(<=|>=|<|>|=)\s*/g, "$1").toLowerCase().split(/\s+/).filter(Boolean);
    const made = words.map((word) => { const rule = comparison(word); return rule === null ? (i) => texts[i].includes(word) : rule; });
    box.classList.toggle("wrong", made.includes(undefined));
    return made.filter(Boolean);
  }

  function rows() {
    const rules = tests(), { cells, numeric, objective } = columns[by.column], sign = by.down ? -1 : 1;
    const found = trials.number.map((_, i) => i).filter((i) => !hidden.has(trials.state[i]) && rules.every((rule) => rule(i)));
    return found.sort((a, b) => {
      const one = cells[a] ?? null, other = cells[b] ?? null;
      if (one === null || other === null) return (one === null) - (other === null) || a - b;
      const apart = objective ? early(a) - early(b) : 0;
      return apart || sign * (numeric ? one - other : one < other ? -1 : one > other ? 1 : 0) || a - b;
    });
  }

  // A value of an earlier epoch does not compare with those of full trainings, and a trial over a limit with none: it is
  // greyed, and sorted after them.
  function early(i) { return trials.within[i] ? trials.state[i] !== "complete" : 2; }

  function cell(column, i) {
    const value = column.cells[i];
    if (column.long) return make("td", { class: "long", title: value }, value);
    if (column.numeric) return make("td", { class: column.objective && early(i) ? "right early" : "right" }, value === null ? "–" : column.text(value));
    const made = make("td"), dot = make("i", { class: "dot" });
    dot.style.background = colours[trials.state[i]] || "var(--soft)";
    made.append(dot, value);
    return made;
  }

  function show() {
    const found = rows();
    body.replaceChildren(...found.slice(0, limit).map((i) => { const row = make("tr"); row.append(...columns.map((column) => cell(column, i))); return row; }));
    [...head.querySelectorAll("th")].forEach((th, k) => {
      const sorted = k === by.column;
      th.setAttribute("aria-sort", sorted ? (by.down ? "descending" : "ascending") : "none");
      th.querySelector(".way").textContent = sorted ? (by.down ? "↓" : "↑") : "";
    });
    const all = trials.number.length;
    count.textContent = !all ? "No trial yet." : found.length === all ? `${all.toLocaleString("en-US")} trial${all === 1 ? "" : "s"}` : `${found.length.toLocaleString("en-US")} of ${all.toLocaleString("en-US")} trials`;
    if (found.length > limit) count.textContent += `; the first ${limit} are shown`;
    more.hidden = found.length <= limit;
    more.textContent = `Show all ${found.length.toLocaleString("en-US")}`;
  }

  const row = make("tr");
  columns.forEach((column, k) => {
    const th = make("th", { class: column.numeric ? "right" : "", scope: "col" }), button = make("button", { type: "button" }, column.unit ? `${column.name} (${column.unit})` : column.name);
    button.append(make("span", { class: "way" }));
    button.addEventListener("click", () => {
      by.down = by.column === k ? !by.down : Boolean(column.down);
      by.column = k;
      show();
    });
    th.append(button);
    row.append(th);
  });
  head.append(row);
  box.addEventListener("input", () => { limit = page; show(); });
  more.addEventListener("click", () => { limit = Infinity; show(); });
  const states = [...new Set(trials.state)];
  if (states.length > 1) for (const state of states) {
    const button = make("button", { type: "button", "aria-pressed": "true" }, state);
    button.addEventListener("click", () => {
      if (!hidden.delete(state)) hidden.add(state);
      button.setAttribute("aria-pressed", !hidden.has(state));
      show();
    });
    section.querySelector(".states").append(button, " ");
  }
  if (columns[2].cells.some((value) => value !== null)) Object.assign(by, { column: 2, down: Boolean(columns[2].down) });
  show();
})();
