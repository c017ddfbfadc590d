"use strict";
// The charts of a run.

const trials = facts.trials, objectives = facts.objectives;
const place = new Map(trials.number.map((n, i) => [n, i]));
const colours = { complete: "var(--blue)", pruned: "var(--amber)", failed: "var(--red)", running: "var(--green)", paused: "var(--pink)", lost: "var(--orange)" };
const winners = ["var(--blue)", "var(--orange)", "var(--green)", "var(--pink)", "var(--sky)"];
const unitOf = (metric) => facts.units[metric] || "";
const measured = (metric, value) => unitOf(metric) ? `${number(value)} ${unitOf(metric)}` : number(value);
const titled = (metric) => unitOf(metric) ? `${metric} in ${unitOf(metric)}` : metric;
const modeOf = (metric) => (objectives.find((one) => one.metric === metric) || { mode: "min" }).mode;
// A complete trial that keeps the limits: only such a trial can be the best.
const counts = (i) => trials.state[i] === "complete" && trials.within[i];
const told = (i) => `trial ${trials.number[i]} · ${trials.state[i]}${trials.failure[i] ? ` (${trials.failure[i]})` : ""}${trials.within[i] || trials.failure[i] ? "" : " · over a limit"} · ${trials.epochs[i]} epoch${trials.epochs[i] === 1 ? "" : "s"}`;
// The spread of a value over the trainings of its trial, where there are several.
const apart = (name, i) => { const spread = trials.spreads[name]?.[i]; return spread === null || spread === undefined ? "" : ` ± ${number(spread)}`; };

// Progress: all values, and the best complete one so far.

const view = { metric: objectives[0].metric, over: "trials", scope: "all" };
const progress = chart("progress", 330, (holder, height) => {
  const values = trials.values[view.metric], mode = modeOf(view.metric), timed = view.over === "time";
  const last = Math.max(1, ...trials.ended.filter((t) => t !== null)), unit = timeUnit(last);
  const ending = trials.number.map((n, i) => (timed ? (trials.ended[i] === null ? null : trials.ended[i] / unit.size) : n + 1));
  const shown = trials.number.map((_, i) => i).filter((i) => values[i] !== null && ending[i] !== null);
  if (!shown.length) return empty(holder, "no trial with a value yet");
  const across = timed ? [0, last / unit.size * 1.01] : [0, Math.max(2, ...trials.number.map((n) => n + 1)) + 0.5];
  const scope = scoped(shown, values, mode), spreads = trials.spreads[view.metric] || [];
  const wide = shown.filter((i) => view.scope === "all" && spreads[i] && values[i] >= scope[0] && values[i] <= scope[1]);
  scope[0] = Math.min(scope[0], ...wide.map((i) => values[i] - spreads[i]));
  scope[1] = Math.max(scope[1], ...wide.map((i) => values[i] + spreads[i]));
  const plot = new Plot(holder, height,
    { range: across, ticks: timed ? undefined : ticks(across[0], across[1], Math.min(10, across[1], holder.clientWidth / 65)).filter(Number.isInteger), label: timed ? `${unit.name} since the start` : "trials" },
    { range: scope, label: `${titled(view.metric)} (${mode === "max" ? "higher" : "lower"} is better)` });
  const inside = (i) => values[i] >= plot.y.range[0] && values[i] <= plot.y.range[1];
  const spots = (state) => shown.filter((i) => trials.state[i] === state && inside(i)).map((i) => [plot.px(ending[i]), plot.py(values[i])]);
  const states = Object.keys(colours).filter((state) => shown.some((i) => trials.state[i] === state));
  const radius = shown.length > 300 ? 2.2 : 3.6, within = (value) => plot.py(Math.min(plot.y.range[1], Math.max(plot.y.range[0], value)));
  for (const i of shown.filter((i) => inside(i) && spreads[i])) {
    plot.path(`M${plot.px(ending[i])} ${within(values[i] - spreads[i])}V${within(values[i] + spreads[i])}`, { stroke: "var(--faint)", "stroke-width": 1.5 });
  }
  for (const state of states) {
    const full = state === "complete";
    plot.dots(spots(state), radius, full ? { fill: colours[state], "fill-opacity": 0.55 } : { stroke: colours[state], "stroke-width": 1.2, "stroke-opacity": shown.length > 300 ? 0.55 : 0.9 });
  }
  const steps = bestLine(plot, shown, ending, values, mode, across[1]);
  plot.listen(shown.filter(inside).map((i) => ({ x: plot.px(ending[i]), y: plot.py(values[i]), text: `${told(i)}\n${view.metric} ${measured(view.metric, values[i])}${apart(view.metric, i)}` })));
  legend(holder, [...states.map((state) => [state === "complete" ? "" : "hollow", colours[state], state]), ...(steps ? [["line", "var(--ink)", "best so far"]] : [])]);
});

// All values; or those from the worst best-so-far on, where what happens at the top can be told apart.
function scoped(shown, values, mode) {
  const all = core(shown.map((i) => values[i]), mode), complete = shown.filter(counts).map((i) => values[i]);
  if (view.scope === "all" || complete.length < 2) return all;
  const top = [...complete].sort((a, b) => (mode === "max" ? b - a : a - b)).slice(0, Math.max(2, Math.ceil(complete.length / 2)));
  return range(top, 0.15);
}

function bestLine(plot, shown, ending, values, mode, end) {
  const better_ = better(mode), points = [];
  let best = null;
  for (const i of shown.filter(counts).sort((a, b) => ending[a] - ending[b])) {
    if (best !== null && !better_(values[i], best)) continue;
    if (best !== null) points.push([plot.px(ending[i]), plot.py(best)]);
    best = values[i];
    points.push([plot.px(ending[i]), plot.py(best)]);
  }
  if (best === null) return false;
  points.push([plot.px(end), plot.py(best)]);
  plot.line(points, { stroke: "var(--ink)", "stroke-width": 2, "stroke-linejoin": "round" });
  return true;
}
pick(progress.picks, "objective", objectives.map((one) => [one.metric, one.metric]), (metric) => { view.metric = metric; progress.again(); });
pick(progress.picks, "range", [["all", "all values"], ["top", "the top"]], (scope) => { view.scope = scope; progress.again(); });
pick(progress.picks, "across", [["trials", "by trials"], ["time", "by time"]], (over) => { view.over = over; progress.again(); });

// Learning curves: all of them faintly, the best in colour, the rungs.

const metrics = Object.keys(facts.curves.metrics);
let learnt = metrics[0];
const learning = chart("curves", 320, (holder, height) => {
  if (!metrics.length) return empty(holder, "no metric that changes from epoch to epoch yet");
  const lines = Object.entries(facts.curves.metrics[learnt]).map(([n, values]) => {
    const epochs = facts.curves.epochs[n];
    return { n: +n, points: values.map((v, k) => [epochs[k], v]).filter(([, v]) => v !== null) };
  }).filter((line) => line.points.length);
  const ends = lines.flatMap((line) => line.points.map(([e]) => e)), lastEpoch = Math.max(...ends, facts.max_epochs);
  const whole = ticks(1, Math.max(2, lastEpoch), 8).filter(Number.isInteger);
  const plot = new Plot(holder, height,
    { range: [Math.min(1, ...ends) - (lastEpoch > 1 ? 0.15 : 0.5), Math.max(2, lastEpoch) + 0.15], label: "epoch", ticks: whole[0] === 1 ? whole : [1, ...whole] },
    { range: core(lines.flatMap((line) => line.points.map(([, v]) => v)), modeOf(learnt)), label: titled(learnt) });
  for (const rung of facts.curves.rungs) plot.drawn.append(make("line", { class: "rung", x1: plot.px(rung), x2: plot.px(rung), y1: plot.top, y2: plot.bottom }));
  const shape = (line) => line.points.map(([e, v], k) => `${k ? "L" : "M"}${plot.px(e).toFixed(1)} ${plot.py(v).toFixed(1)}`).join("");
  const single = (line) => line.points.length === 1;
  const faint = lines.filter((line) => !facts.best.includes(line.n)), opacity = lines.length > 200 ? 0.14 : lines.length > 60 ? 0.3 : 0.5;
  plot.path(faint.map(shape).join(""), { stroke: "var(--soft)", "stroke-width": 1, "stroke-opacity": opacity });
  plot.dots(faint.filter(single).map((line) => [plot.px(line.points[0][0]), plot.py(line.points[0][1])]), 2, { fill: "var(--soft)", "fill-opacity": opacity });
  const top = facts.best.map((n) => lines.find((line) => line.n === n)).filter(Boolean);
  [...top.entries()].reverse().forEach(([k, line]) => {
    plot.path(shape(line), { stroke: winners[k], "stroke-width": 2, "stroke-linejoin": "round" });
    plot.dots([line.points.at(-1)].map(([e, v]) => [plot.px(e), plot.py(v)]), 3.2, { fill: winners[k] });
  });
  plot.listen(lines.flatMap((line) => line.points.map(([e, v]) => ({ x: plot.px(e), y: plot.py(v), path: single(line) ? undefined : shape(line), text: `${told(place.get(line.n))}\nepoch ${e}: ${learnt} ${measured(learnt, v)}` }))));
  legend(holder, top.map((line, k) => ["line", winners[k], `trial ${line.n}`]));
});
pick(learning.picks, "metric", metrics.map((name) => [name, name]), (name) => { learnt = name; learning.again(); });

// The front of two objectives, or of the value and what an architecture costs.

const column = (name) => trials.values[name] || trials.others[name] || [];
const axes = objectives.length > 1 ? objectives.map((one) => one.metric) : facts.costs.filter((name) => name in trials.others);
const pairs = objectives.length > 1
  ? axes.flatMap((a, i) => axes.slice(i + 1).map((b) => [b, a])) : axes.map((cost) => [cost, objectives[0].metric]);
let pair = pairs[0];
const tradeoff = chart("tradeoff", 320, (holder, height, section) => {
  if (!pair) return section.remove();
  const [xName, yName] = pair, xs = column(xName), ys = column(yName), xMode = modeOf(xName), yMode = modeOf(yName);
  const shown = trials.number.map((_, i) => i).filter((i) => xs[i] !== null && ys[i] !== null && trials.state[i] !== "failed");
  if (!shown.length) return empty(holder, "no trial with a value yet");
  const plot = new Plot(holder, height, { range: range(shown.map((i) => xs[i])), label: `${titled(xName)} (${xMode === "max" ? "higher" : "lower"} is better)`, lines: true },
    { range: core(shown.map((i) => ys[i]), yMode), label: `${titled(yName)} (${yMode === "max" ? "higher" : "lower"} is better)` });
  const spot = (i) => [plot.px(xs[i]), plot.py(ys[i])];
  const complete = shown.filter(counts), rest = shown.filter((i) => !counts(i));
  const front = frontOf(complete, xs, ys, xMode, yMode);
  plot.dots(rest.map(spot), 2.6, { stroke: "var(--faint)", "stroke-width": 1.1 });
  plot.dots(complete.map(spot), 3.4, { fill: "var(--blue)", "fill-opacity": 0.45 });
  plot.line(front.flatMap((i, k) => (k ? [[plot.px(xs[i]), plot.py(ys[front[k - 1]])], spot(i)] : [spot(i)])), { stroke: "var(--orange)", "stroke-width": 1.8 });
  plot.dots(front.map(spot), 4.4, { fill: "var(--orange)" });
  plot.listen(shown.map((i) => ({ x: spot(i)[0], y: spot(i)[1], text: `${told(i)}\n${yName} ${measured(yName, ys[i])}${apart(yName, i)}\n${xName} ${measured(xName, xs[i])}${apart(xName, i)}` })));
  legend(holder, [["", "var(--orange)", "front"], ["", "var(--blue)", "complete"], ...(rest.length ? [["hollow", "var(--faint)", trials.within.every(Boolean) ? "not complete" : "not complete, or over a limit"]] : [])]);
});
pick(tradeoff.picks, "axes", pairs.map(([x, y], k) => [k, objectives.length > 1 ? `${y} / ${x}` : x]), (k) => { pair = pairs[k]; tradeoff.again(); });

// From the best in x to the best in y; of several that are equal in x only the best in y.
function frontOf(rows, xs, ys, xMode, yMode) {
  const xBetter = better(xMode), yBetter = better(yMode), found = [];
  const ordered = [...rows].sort((a, b) => (xs[a] === xs[b] ? (yBetter(ys[a], ys[b]) ? -1 : 1) : xBetter(xs[a], xs[b]) ? -1 : 1));
  for (const i of ordered) if (!found.length || yBetter(ys[i], ys[found.at(-1)])) found.push(i);
  return found;
}

// Importance: a bar with its interval, in colour where chance alone would hardly do it.

let weighed = 0;
const importance = chart("importance", 0, (holder, _, section) => {
  const one = facts.importance[weighed], about = section.querySelector(".about");
  const sentences = [`From ${one.source}`, ...(one.sample ? [] : [`Chance by a model${one.tested < one.trials ? ` of the first ${one.tested} of them` : ""}, since the trials were chosen`]), one.selection, one.advice];
  about.textContent = one.decisions.length ? sentences.filter(Boolean).map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`).join(" ") : "";
  if (!one.decisions.length) return empty(holder, one.advice);
  const rows = one.decisions.slice(0, 12), width = Math.max(240, holder.clientWidth), step = 27;
  const label = Math.min(width * 0.42, 16 + 7.2 * Math.max(...rows.map((row) => row.decision.length)));
  const letters = Math.floor((label - 12) / 7), most = Math.max(...rows.map((row) => row.high));
  const svg = make("svg", { viewBox: `0 0 ${width} ${rows.length * step + 6}`, height: rows.length * step + 6, role: "img" });
  holder.append(svg);
  const at = (value) => label + value / most * (width - label - 58);
  rows.forEach((row, k) => {
    const y = k * step + 17, name = row.decision.length > letters ? `…${row.decision.slice(1 - letters)}` : row.decision;
    const group = make("g");
    group.append(make("title", {}, `${row.decision}: ${(100 * row.importance).toFixed(1)} % (${(100 * row.low).toFixed(1)} to ${(100 * row.high).toFixed(1)} in 90 % of resamples); chance alone: p = ${row.p.toPrecision(2)}; ${row.values} values seen${row.active < 0.995 ? `, active in ${(100 * row.active).toFixed(0)} % of the trials` : ""}`));
    group.append(make("text", { x: label - 8, y: y + 4, "text-anchor": "end", class: "strong" }, name));
    group.append(make("rect", { x: label, y: y - 8, width: at(row.importance) - label, height: 16, rx: 3, fill: row.stands_out ? "var(--blue)" : "var(--faint)", "fill-opacity": row.stands_out ? 0.85 : 0.6 }));
    group.append(make("path", { d: `M${at(row.low)} ${y}H${at(row.high)}M${at(row.low)} ${y - 4}v8M${at(row.high)} ${y - 4}v8`, stroke: "var(--ink)", "stroke-width": 1.3 }));
    group.append(make("text", { x: width, y: y + 4, "text-anchor": "end" }, `${(100 * row.importance).toFixed(0)} %`));
    svg.append(group);
  });
  const more = one.decisions.length - rows.length, sure = one.pairs.filter((pair) => pair.stands_out).slice(0, 4);
  legend(holder, [["square", "var(--blue)", "more than chance (p < 0.05)"], ["square", "var(--faint)", "could be chance"], ...(more > 0 ? [["", "transparent", `and ${more} more (nas-tune explain)`]] : [])]);
  const together = sure.map((pair) => `${pair.one} with ${pair.other} (${(100 * pair.share).toFixed(0)} % of the variance, p = ${pair.p.toPrecision(2)})`);
  holder.append(make("p", { class: "more" }, sure.length ? `Interactions of two decisions, beyond their main effects: ${together.join("; ")}.` : "Shares are main effects of single decisions; no interaction of two was found."));
});
pick(importance.picks, "objective", facts.importance.map((one, k) => [k, one.metric]), (k) => { weighed = k; importance.again(); });

// Workers: who was busy with what, and when.

chart("timeline", 0, (holder) => {
  const { lanes, bars } = facts.timeline;
  if (!bars.length) return empty(holder, "no trial has been at work yet");
  const unit = timeUnit(Math.max(1, ...bars.map((bar) => bar[3]))), last = Math.max(...bars.map((bar) => bar[3])) / unit.size || 1;
  const step = Math.max(7, Math.min(30, 260 / lanes.length)), height = lanes.length * step + 56, width = holder.clientWidth || 600;
  const letters = Math.max(5, Math.floor(width * 0.24 / 7));
  const clipped = lanes.map((lane) => (lane.length > letters ? `…${lane.slice(1 - letters)}` : lane));
  const every = Math.ceil(15 / step), shown = lanes.map((_, k) => lanes.length - 1 - k).filter((k) => (lanes.length - 1 - k) % every === 0);
  const plot = new Plot(holder, height, { range: [0, last * 1.005], label: `${unit.name} since the start`, lines: true },
    { range: [-0.5, lanes.length - 0.5], ticks: shown, format: (k) => clipped[lanes.length - 1 - k] });
  const thick = Math.max(2, Math.min(18, (plot.bottom - plot.top) / lanes.length - 3)), marks = [];
  const states = Object.keys(colours).filter((state) => bars.some((bar) => trials.state[place.get(bar[0])] === state));
  for (const state of states) {
    const d = [];
    for (const [n, lane, start, end] of bars) {
      if (trials.state[place.get(n)] !== state) continue;
      const x = plot.px(start / unit.size), long = Math.max(1, plot.px(end / unit.size) - x - (bars.length > 400 ? 0.2 : 1)), y = plot.py(lanes.length - 1 - lane);
      d.push(`M${x.toFixed(1)} ${(y - thick / 2).toFixed(1)}h${long.toFixed(1)}v${thick.toFixed(1)}h${-long.toFixed(1)}z`);
      marks.push({ x, y, width: long, text: `${told(place.get(n))}\n${lanes[lane]}: ${span(end - start)} from ${span(start)}`, path: d.at(-1) });
    }
    plot.path(d.join(""), { fill: colours[state], "fill-opacity": 0.75 });
  }
  plot.listen(marks, 12);
  legend(holder, states.map((state) => ["square", colours[state], state]));
});

drawAll();
