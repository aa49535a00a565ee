"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const summary = data.summary, accounts = data.accounts;

// Everything visible is made of elements and text nodes: names from logs are never markup.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (k === "onclick") e.addEventListener("click", v); else if (v !== null && v !== undefined && v !== false) e.setAttribute(k, v);
  }
  for (const c of children) e.append(c);
  return e;
}
function svg(width, height, ...children) { const s = shape("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"}); s.append(...children); return s; }
function shape(tag, attributes, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
}
const count = n => Math.round(n).toLocaleString("en-US");
const short = n => n >= 1e9 ? (n / 1e9).toFixed(1) + " G" : n >= 1e6 ? (n / 1e6).toFixed(1) + " M" : n >= 1e4 ? (n / 1e3).toFixed(0) + " k" : count(n);
const day = t => t.slice(0, 10);
function pText(a) {
  if (!a.judged) return "";
  if (a.extrapolated) return a.p_value.toExponential(0) + " (extrapolated)";
  return (a.p_value <= a.resolution * 1.0001 && a.p_value < 1 ? "≤ " : "") + Number(a.p_value.toPrecision(2));
}

const flagged = accounts.filter(a => a.flagged);
document.getElementById("period").textContent = `${day(summary.from)} to ${day(summary.to)}, ${count(summary.exchanges)} exchanges, ${count(summary.accounts)} accounts`;

// Three sentences: what happened, how sure, what has left.
const story = document.getElementById("story");
const left = flagged.reduce((s, a) => ({prompts: s.prompts + a.exposure.novel_exchanges, tokens: s.tokens + a.exposure.output_tokens}), {prompts: 0, tokens: 0});
const together = (data.campaigns || []).filter(c => c.flagged).reduce((s, c) => s + c.members, 0);
story.append(el("p", {}, (summary.accounts_flagged === 0
  ? `None of the ${count(summary.accounts_judged)} accounts with enough traffic to judge looks${together ? " by itself" : ""} like it is distilling the model.`
  : `${count(summary.accounts_flagged)} of ${count(summary.accounts_judged)} accounts with enough traffic to judge ask the model the way a distiller does.`)
  + (together ? ` ${count(together)} accounts act as members of a campaign that does.` : "")));
story.append(el("p", {}, summary.baseline.calibrated
  ? `Judged against ${count(summary.baseline.subjects)} honest accounts of this operator, at most ${summary.false_alarms_per_10000} in 10,000 honest accounts would be flagged by chance in a month.`
  : `This run is uncalibrated: it was judged against ${summary.baseline.name === "this log" ? "the log itself" : "a shipped reference"}, so take its figures as a ranking and check the reasons.`));
if (summary.accounts_flagged > 0) story.append(el("p", {}, `The flagged accounts received ${short(left.tokens)} tokens of answers to about ${short(left.prompts)} different prompts.`));
if (summary.baseline.drifted) story.append(el("p", {class: "note"}, "The traffic has drifted from the baseline: calibrate again before acting on single accounts."));
if (summary.read.broken > 0) story.append(el("p", {class: "note"}, `${count(summary.read.broken)} of ${count(summary.read.lines)} lines could not be read; the first: ${summary.read.located[0]}`));
for (const e of summary.read.file_errors) story.append(el("p", {class: "note"}, e));

const figures = document.getElementById("figures");
for (const [value, name, alarm] of [
  [count(summary.accounts_flagged), "accounts flagged", summary.accounts_flagged > 0], [count(summary.accounts_judged), "accounts judged"],
  [short(left.prompts), "distinct prompts they asked"], [short(left.tokens), "answer tokens they took"],
  [summary.exchanges ? (100 * flagged.reduce((s, a) => s + a.exchanges, 0) / summary.exchanges).toFixed(1) + " %" : "0 %", "of all exchanges"],
  [summary.false_alarms_per_10000 + " in 10,000", "false-alarm budget a month"]]) {
  figures.append(el("div", {class: alarm ? "figure alarm" : "figure"}, el("b", {}, value), el("span", {}, name)));
}

// The table.
const columns = [["account", "account", a => a.account], ["verdict", "verdict", a => a.verdict], ["p_value", "p-value", a => a.p_value, true],
  ["score", "score", a => a.score, true], ["exchanges", "exchanges", a => a.exchanges, true], ["novel", "novel prompts", a => a.exposure.novel_exchanges, true],
  ["tokens", "answer tokens", a => a.exposure.output_tokens, true], ["coverage", "coverage", a => a.exposure.coverage, true], ["last", "last seen", a => a.last_seen]];
let sorted = {key: null, down: false};
const rowsShownMax = 1000;
const head = document.querySelector("#accounts thead"), body = document.querySelector("#accounts tbody");
const headRow = el("tr");
for (const [key, title, , number] of columns) {
  headRow.append(el("th", {class: number ? "number" : null, scope: "col"}, el("button", {type: "button", onclick: () => { sorted = {key, down: sorted.key === key ? !sorted.down : false}; fill(); }}, title)));
}
head.append(headRow);
function fill() {
  const words = document.getElementById("find").value.toLowerCase(), only = document.getElementById("only-flagged").checked;
  let rows = accounts.map((a, i) => [a, i]).filter(([a]) => (!only || a.flagged) && (a.account.toLowerCase().includes(words) || a.verdict.includes(words)));
  if (sorted.key) {
    const value = columns.find(c => c[0] === sorted.key)[2];
    rows.sort(([a], [b]) => { const x = value(a), y = value(b); return (x < y ? -1 : x > y ? 1 : 0) * (sorted.down ? -1 : 1); });
  }
  document.getElementById("shown").textContent = `${count(rows.length)} accounts` + (rows.length > rowsShownMax ? `, the first ${count(rowsShownMax)} shown` : "");
  body.replaceChildren(...rows.slice(0, rowsShownMax).map(([a, i]) => {
    const cells = {account: el("td", {class: "name", title: a.account}, a.looks ? el("button", {type: "button", onclick: () => choose(i)}, a.account) : a.account),
      verdict: el("td", {class: "verdict " + a.verdict}, a.verdict), p_value: el("td", {class: "number"}, pText(a)), score: el("td", {class: "number"}, a.judged ? a.score.toFixed(1) : ""),
      exchanges: el("td", {class: "number"}, count(a.exchanges)), novel: el("td", {class: "number"}, count(a.exposure.novel_exchanges)), tokens: el("td", {class: "number"}, short(a.exposure.output_tokens)),
      coverage: el("td", {class: "number"}, (100 * a.exposure.coverage).toFixed(0) + " %"), last: el("td", {}, day(a.last_seen))};
    return el("tr", {"data-index": i}, ...columns.map(c => cells[c[0]]));
  }));
}
document.getElementById("find").addEventListener("input", fill);
document.getElementById("only-flagged").addEventListener("change", fill);
if (summary.accounts > accounts.length) document.getElementById("more").textContent = `The page holds the first ${count(accounts.length)} of ${count(summary.accounts)} accounts; the JSON report holds all.`;

// Plots.
function figure(title, drawing) { return el("figure", {}, el("figcaption", {}, title), drawing); }
function bars(values, labels, hot) {
  const w = 420, h = 150, top = Math.max(1, ...values), step = (w - 30) / values.length, out = [];
  values.forEach((v, i) => {
    const height = (h - 30) * v / top, b = shape("rect", {class: hot && hot(i) ? "bar hot" : "bar", x: 25 + i * step + 1, y: h - 20 - height, width: Math.max(1, step - 2), height});
    b.append(shape("title", {}, `${labels(i)}: ${count(v)}`)); out.push(b);
  });
  const every = Math.ceil(values.length / 6);
  for (let i = 0; i < values.length; i += every) out.push(shape("text", {x: 25 + i * step, y: h - 6}, labels(i)));
  out.push(shape("line", {class: "axis", x1: 25, x2: w - 5, y1: h - 20, y2: h - 20}), shape("text", {x: 0, y: 12}, short(top)));
  return svg(w, h, ...out);
}
function sizes(pairs) {
  if (!pairs.length) return null;
  const low = pairs[0][0], high = pairs[pairs.length - 1][0], values = new Array(high - low + 1).fill(0);
  for (const [bin, n] of pairs) values[bin - low] = n;
  return bars(values, i => short(Math.pow(2, (i + low) / 2)));
}
function week(hours) {
  const top = Math.max(1, ...hours), out = [], names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  hours.forEach((n, i) => { const c = shape("rect", {class: "bar hot", opacity: (n / top).toFixed(3), x: 34 + (i % 24) * 16, y: 4 + Math.floor(i / 24) * 16, width: 15, height: 15}); c.append(shape("title", {}, `${names[Math.floor(i / 24)]} ${i % 24}:00 UTC: ${count(n)}`)); out.push(c); });
  names.forEach((n, i) => out.push(shape("text", {x: 0, y: 15 + i * 16}, n)));
  for (let h = 0; h < 24; h += 6) out.push(shape("text", {x: 34 + h * 16, y: 128}, h + ":00"));
  return svg(420, 134, ...out);
}
function calendar(days) {
  const first = days[0][0], out = [];
  for (const [d, mask] of days) for (let h = 0; h < 24; ++h) if (mask >> h & 1) { const c = shape("rect", {class: "bar hot", x: 34 + (d - first) * 13, y: 4 + h * 5, width: 12, height: 4}); c.append(shape("title", {}, new Date(d * 864e5).toISOString().slice(0, 10) + ` ${h}:00 UTC`)); out.push(c); }
  out.push(shape("text", {x: 0, y: 12}, "0:00"), shape("text", {x: 0, y: 124}, "23:00"), shape("text", {x: 34, y: 138}, new Date(first * 864e5).toISOString().slice(0, 10)));
  return svg(420, 142, ...out);
}
function overLooks(a) {
  const w = 420, h = 150, p = a.looks.map(l => -Math.log10(Math.max(l.p_value, 1e-12))), limit = -Math.log10(summary.threshold), top = Math.max(limit * 1.2, ...p), out = [];
  const x = i => 40 + (w - 60) * (a.looks.length < 2 ? 0.5 : i / (a.looks.length - 1)), y = v => h - 22 - (h - 34) * v / top;
  out.push(shape("line", {class: "limit", x1: 34, x2: w - 8, y1: y(limit), y2: y(limit)}), shape("text", {x: 40, y: y(limit) - 4}, "flagged above"));
  if (p.length > 1) out.push(shape("polyline", {class: "line", points: p.map((v, i) => `${x(i)},${y(v)}`).join(" ")}));
  p.forEach((v, i) => { const c = shape("circle", {class: v >= limit ? "dot hot" : "dot", cx: x(i), cy: y(v), r: 4}); c.append(shape("title", {}, `${day(a.looks[i].time)}, ${count(a.looks[i].exchanges)} exchanges: p = ${a.looks[i].p_value}`)); out.push(c, shape("text", {x: x(i) - 8, y: h - 6}, short(a.looks[i].exchanges))); });
  out.push(shape("text", {x: 0, y: 12}, "1e-" + top.toFixed(0)), shape("text", {x: 8, y: h - 20}, "1"));
  return svg(w, h, ...out);
}

function choose(index, quietly) {
  const a = accounts[index], box = document.getElementById("detail");
  for (const row of body.children) row.classList.toggle("chosen", Number(row.dataset.index) === index);
  const facts = `${count(a.exchanges)} exchanges from ${day(a.first_seen)} to ${day(a.last_seen)}; ` + (a.flagged_at ? `flagged on ${day(a.flagged_at)} after ${count(a.flagged_after)} exchanges; ` : "") +
    `p-value ${pText(a)}; q-value ${Number(a.q_value.toPrecision(2))}` + (a.organization ? `; organisation ${a.organization}` : "");
  const parts = [el("h2", {}, a.account), el("p", {class: "soft"}, facts)];
  if (a.label) parts.push(el("p", {}, `Labelled ${a.label.label} until ${day(a.label.until)}: ${a.label.why}`));
  parts.push(el("h3", {}, "Why: each signal's share of the score (red speaks for distillation, green against)"));
  const grid = el("div", {class: "shares"}), top = Math.max(1, ...a.signals.map(s => Math.abs(s.share)));
  for (const s of a.signals.filter(s => Math.abs(s.share) >= 0.05).sort((x, y) => Math.abs(y.share) - Math.abs(x.share)).slice(0, 14)) {
    const width = (s.share > 0 ? 66 : 33) * Math.abs(s.share) / top, bar = el("i", {class: s.share > 0 ? "for" : "against"});
    bar.style.left = (s.share > 0 ? 33.3 : 33.3 - width) + "%"; bar.style.width = width + "%";
    grid.append(el("div", {}, s.label), el("div", {class: "bar", role: "img", "aria-label": `share ${s.share.toFixed(2)}`}, bar), el("div", {class: "why"}, `${s.share > 0 ? "+" : ""}${s.share.toFixed(1)}: ${s.explanation}`));
  }
  parts.push(grid);
  const plots = el("div", {class: "plots"});
  if (a.looks.length) plots.append(figure("p-value at each look (exchanges in the period)", overLooks(a)));
  if (a.details) {
    plots.append(figure("Hours of the week", week(a.details.hours_of_week)));
    if (a.details.active_days.length) plots.append(figure("Active hours of each day", calendar(a.details.active_days)));
    const output = sizes(a.details.output_tokens), words = sizes(a.details.prompt_words);
    if (output) plots.append(figure("Answer length, tokens", output));
    if (words) plots.append(figure("Prompt length, words", words));
  } else parts.push(el("p", {class: "soft"}, `Histograms are kept for the first ${count(data.details_max)} accounts.`));
  parts.push(el("h3", {}, "When and how long"), plots);
  box.replaceChildren(...parts); box.hidden = false;
  if (!quietly) box.scrollIntoView({behavior: "smooth", block: "start"});
}

// All accounts: volume against score, and the p-values, which are flat for honest accounts.
const judged = accounts.filter(a => a.judged);
{
  const w = 420, h = 240, out = [], xs = judged.map(a => Math.log10(Math.max(1, a.exchanges))), ys = judged.map(a => a.score);
  const x0 = Math.min(1, ...xs), x1 = Math.max(3, ...xs), y0 = Math.min(-2, ...ys), y1 = Math.max(4, ...ys), x = v => 34 + (w - 44) * (v - x0) / (x1 - x0), y = v => h - 24 - (h - 34) * (v - y0) / (y1 - y0);
  judged.slice().reverse().forEach(a => { const c = shape("circle", {class: a.flagged ? "dot hot" : "dot", cx: x(Math.log10(Math.max(1, a.exchanges))).toFixed(1), cy: y(a.score).toFixed(1), r: a.flagged ? 4 : 2.5}); c.append(shape("title", {}, `${a.account}: ${count(a.exchanges)} exchanges, score ${a.score.toFixed(1)}`)); out.push(c); });
  for (let v = Math.ceil(x0); v <= x1; ++v) out.push(shape("text", {x: x(v) - 8, y: h - 8}, short(10 ** v)));
  for (let v = Math.ceil(y0 / 2) * 2; v <= y1; v += 2) out.push(shape("text", {x: 4, y: y(v) + 4}, v), shape("line", {class: "axis", x1: 30, x2: w - 8, y1: y(v), y2: y(v)}));
  document.getElementById("plot-volume").append(el("figcaption", {}, "Score against exchanges (red: flagged)"), svg(w, h, ...out.reverse()));
  document.getElementById("plot-p").append(el("figcaption", {}, "p-values of all accounts"), bars(summary.p_value_histogram, i => (i / 20).toFixed(2), i => i === 0));
}
fill();
if (flagged.length) choose(0, true);
