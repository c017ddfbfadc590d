"use strict";
// The charts of compared runs: a colour a group, the best group first.

const palette = ["var(--blue)", "var(--orange)", "var(--green)", "var(--pink)", "var(--amber)", "var(--sky)", "var(--ink)", "var(--faint)"];
const groups = facts.groups, colour = new Map(groups.map((group, k) => [group.name, palette[k % palette.length]]));
const titled = facts.unit ? `${facts.metric} in ${facts.unit}` : facts.metric;
const measured = (value) => facts.unit ? `${number(value)} ${facts.unit}` : number(value);
const direction = `${titled} (${facts.mode === "max" ? "higher" : "lower"} is better)`;
const names = (holder) => legend(holder, groups.map((group) => ["line", colour.get(group.name), group.name]));

// Best so far, by trials or by time; all of it, or the end, where groups that are close can be told apart.

const view = { over: "trials", scope: "all" };
const courses = chart("courses", 360, (holder, height) => {
  const timed = view.over === "time", shown = facts.runs.filter((run) => run.steps.length);
  if (!shown.length) return empty(holder, "no complete trial yet");
  const longest = Math.max(...shown.map((run) => (timed ? run.steps.at(-1)[1] : run.steps.at(-1)[0])), timed ? 0.1 : 2), unit = timeUnit(longest);
  const at = (step) => (timed ? step[1] / unit.size : step[0]), end = timed ? longest / unit.size : longest;
  const across = [0, end * 1.01];
  const plot = new Plot(holder, height,
    { range: across, ticks: timed ? undefined : ticks(0, end, Math.min(10, end, holder.clientWidth / 65)).filter(Number.isInteger), label: timed ? `${unit.name} since the first trial` : "trials" },
    { range: scoped(shown), label: `best so far: ${direction}` });
  for (const group of timed ? [] : [...groups].reverse()) shade(plot, group);
  const marks = [];
  for (const run of shown) {
    const several = groups.find((group) => group.name === run.group).runs > 1, points = stairs(run.steps.map((step) => [plot.px(at(step)), plot.py(step[2])]));
    plot.line(points, { stroke: colour.get(run.group), "stroke-width": several ? 1 : 2, "stroke-opacity": several ? 0.5 : 1, "stroke-linejoin": "round" });
    const path = points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    for (const step of run.steps) marks.push({ x: plot.px(at(step)), y: plot.py(step[2]), path, text: `${run.name} · ${run.group}\nafter ${step[0]} trials, ${span(step[1] ?? 0)}: ${measured(step[2])}` });
  }
  for (const group of timed ? [] : groups.filter((one) => one.band.length)) {
    plot.line(stairs(group.band.map(([x, mean]) => [plot.px(x), plot.py(mean)])), { stroke: colour.get(group.name), "stroke-width": 2.6, "stroke-linejoin": "round" });
  }
  plot.listen(marks);
  names(holder);
});

function stairs(points) {
  return points.flatMap(([x, y], k) => (k ? [[x, points[k - 1][1]], [x, y]] : [[x, y]]));
}

function shade(plot, group) {
  if (!group.band.length) return;
  const low = stairs(group.band.map(([x, , least]) => [plot.px(x), plot.py(least)])), high = stairs(group.band.map(([x, , , most]) => [plot.px(x), plot.py(most)]));
  const d = [...low, ...high.reverse()].map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  plot.drawn.append(make("path", { d: `${d}Z`, fill: colour.get(group.name), "fill-opacity": 0.13 }));
}

function scoped(runs) {
  const all = runs.flatMap((run) => run.steps.map((step) => step[2]));
  if (view.scope === "all") return range(all);
  const ends = runs.map((run) => run.steps.at(-1)[2]), [low, high] = range(ends, 0.6);
  return range([Math.max(low, Math.min(...all)), Math.min(high, Math.max(...all))]);
}
pick(courses.picks, "range", [["all", "all values"], ["end", "the end"]], (scope) => { view.scope = scope; courses.again(); });
pick(courses.picks, "across", [["trials", "by trials"], ["time", "by time"]], (over) => { view.over = over; courses.again(); });

// What is compared: a dot a run, or a trial, in a row a group.

chart("samples", 0, (holder) => {
  const filled = groups.filter((group) => group.sample.length);
  if (!filled.length) return empty(holder, "no complete trial yet");
  const values = filled.flatMap((group) => group.sample.map(([value]) => value)), step = 46;
  const letters = Math.max(5, Math.floor((holder.clientWidth || 600) * 0.28 / 7));
  const label = (name) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);
  const plot = new Plot(holder, filled.length * step + 50, { range: range(values), label: direction, lines: true },
    { range: [-0.5, filled.length - 0.5], ticks: filled.map((_, k) => filled.length - 1 - k), format: (k) => label(filled[filled.length - 1 - k].name) });
  const marks = [];
  filled.forEach((group, k) => {
    const y = plot.py(filled.length - 1 - k), many = group.sample.length > 60;
    // Spread by a fixed pattern, so that dots of one value stay apart and a redrawing moves none.
    const spots = group.sample.map(([value, name], n) => ({ x: plot.px(value), y: y + ((n * 0.618034) % 1 - 0.5) * step * 0.5, text: `${name} · ${group.name}\n${facts.metric} ${measured(value)}` }));
    plot.dots(spots.map((spot) => [spot.x, spot.y]), many ? 2.2 : 4, { fill: colour.get(group.name), "fill-opacity": many ? 0.4 : 0.6 });
    const sorted = group.sample.map(([value]) => value).sort((a, b) => a - b), half = (sorted.length - 1) / 2;
    const middle = facts.about === "seeds" ? sorted.reduce((a, b) => a + b, 0) / sorted.length : (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
    plot.path(`M${plot.px(middle).toFixed(1)} ${(y - step * 0.36).toFixed(1)}v${(step * 0.72).toFixed(1)}`, { stroke: "var(--ink)", "stroke-width": 2.2 });
    marks.push(...spots);
  });
  plot.listen(marks);
});

drawAll();
