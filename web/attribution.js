"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

// Everything visible is made of elements and text nodes: names out of files are never markup.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) if (v !== null && v !== undefined && v !== false) e.setAttribute(k, v);
  for (const c of children) e.append(c);
  return e;
}
const count = n => Math.round(n).toLocaleString("en-US");
const pText = log10 => log10 < -300 ? "10^" + Math.round(log10) : log10 < -4 ? Math.pow(10, log10).toExponential(1) : String(Number(Math.pow(10, log10).toPrecision(2)));
const number = x => Number.isInteger(x) ? count(x) : String(Number(x.toPrecision(4)));
function table(id, columns, rows) {
  const box = document.getElementById(id);
  if (!rows.length) { box.parentElement.remove(); return; }
  box.querySelector("thead").append(el("tr", {}, ...columns.map(([title, , right]) => el("th", {class: right ? "number" : null, scope: "col"}, title))));
  box.querySelector("tbody").append(...rows.map(r => el("tr", {}, ...columns.map(([, value, right]) => el("td", {class: right ? "number" : null}, String(value(r)))))));
}

document.getElementById("period").textContent = `${data.suspect}, ${data.made.slice(0, 10)}`;
const story = document.getElementById("story");
story.append(el("p", {}, data.sentence));
for (const c of data.caveats) story.append(el("p", {class: "note"}, c));

const decisive = data.tests.filter(t => !t.supporting), best = decisive.length ? decisive.reduce((a, b) => a.log10_p <= b.log10_p ? a : b) : null;
const bad = data.verdict === "inconsistent-with-chance";
const figures = document.getElementById("figures");
for (const [value, name, alarm] of [
  [data.verdict.replaceAll("-", " "), "verdict", bad],
  [best ? (best.holm > 0 && best.log10_p > -300 ? pText(Math.log10(best.holm)) : "below 1e-300") : "", "smallest p, corrected", bad],
  [String(data.level), "level asked for", false], [count(decisive.length), "tests that count", false], [count(data.wrong_keys), "keys that marked nothing", false]]) {
  figures.append(el("div", {class: alarm ? "figure alarm" : "figure"}, el("b", {}, value), el("span", {}, name)));
}

table("tests", [["test", t => t.test], ["of", t => t.subject], ["p", t => pText(t.log10_p), true], ["corrected", t => t.supporting ? "supporting" : Number(t.holm.toPrecision(2)), true],
  ["wrong keys, p <= 0.05", t => t.wrong_keys ? (100 * t.wrong_keys["below_0.05"] / t.wrong_keys.count).toFixed(1) + " %" : "", true],
  ["wrong keys as small", t => t.wrong_keys ? `${count(t.wrong_keys.as_small)} of ${count(t.wrong_keys.count)}` : "", true],
  ["clean models, least p", t => t.clean_models.length ? pText(Math.min(...t.clean_models.map(m => m.log10_p))) : "", true]], data.tests);

const details = document.getElementById("details");
for (const t of data.tests) {
  details.append(el("h3", {}, `${t.test} (${t.subject})`), el("p", {}, `Null: ${t.null}.`));
  if (t.note) details.append(el("p", {class: "soft"}, t.note));
  details.append(el("p", {class: "soft"}, Object.entries(t.figures).map(([k, v]) => `${k.replaceAll("_", " ")} ${number(v)}`).join(", ")));
  if (t.clean_models.length) details.append(el("p", {class: "soft"}, "Clean models: " + t.clean_models.map(m => `${m.name} p = ${pText(m.log10_p)}`).join(", ")));
}
document.getElementById("plans").append(...data.plans.map(p => el("li", {}, p)));
table("marks", [["mark", m => m.label], ["key", m => m.key], ["scheme", m => `${m.scheme}, context of ${m.context} ${m.units}`], ["answers", m => count(m.answers), true],
  ["carry nothing", m => count(m.unmarked), true], ["accounts", m => count(m.accounts), true], ["from", m => m.first.slice(0, 10)], ["to", m => m.last.slice(0, 10)], ["hashes", m => count(m.filter), true]], data.evidence.marks);
table("pools", [["canary pool", p => p.label], ["canaries", p => count(p.size), true], ["issued", p => count(p.issued), true], ["committed to", p => p.committed], ["hash", p => p.hash]], data.evidence.pools);
document.getElementById("command").textContent = `${data.program}\n${data.command}`;
table("files", [["file", f => f.name], ["as", f => f.role], ["bytes", f => count(f.bytes), true], ["BLAKE2b-256", f => f.blake2b]], data.files);
