
// Campaigns: all of them as discs, or one as its members and the links between them; a table beside, the reasons below.
const linkKinds = [["nearness", "their requests lean away from the crowd in the same direction"], ["content", "they share prompts, openings or system prompts that few have"],
  ["identity", "they share networks or clients that few have"], ["hours", "they are active in the same hours"], ["succession", "one begins where another ends"]];
const campaigns = data.campaigns || [], rowOf = new Map(accounts.map((a, i) => [a.account, i]));
const mapSize = 460, tableRowsMax = 300;

// Evidence is the logarithm of an e-value, which honest pairs exceed at most once in that many.
const onceIn = evidence => `honest pairs show as much at most once in ${short(Math.exp(evidence))}`;
const strength = link => link.slice(2).reduce((sum, e) => sum + e, 0);
const mainKind = link => linkKinds[link.slice(2).reduce((best, e, k, all) => e > all[best] ? k : best, 0)][0];
const press = (e, act) => { e.addEventListener("click", act); e.addEventListener("keydown", k => { if (k.key === "Enter" || k.key === " ") { k.preventDefault(); act(); } }); return e; };
function table(titles, rows) {
  const heads = el("tr", {}, ...titles.map(([title, number]) => el("th", {class: number ? "number" : null, scope: "col"}, title)));
  return el("div", {class: "scroll"}, el("table", {}, el("thead", {}, heads), el("tbody", {}, ...rows)));
}
function draw(caption, drawing, ...side) {
  document.querySelector("#campaign-map figcaption").replaceChildren(...caption);
  document.querySelector("#campaign-map .drawing").replaceChildren(drawing);
  document.getElementById("campaign-side").replaceChildren(...side);
}

// Discs of an area by their members, each laid as near to the middle as those before it allow.
function discs() {
  const all = campaigns.reduce((sum, c) => sum + c.members, 0), laid = [];
  for (const [i, c] of campaigns.map((c, i) => [i, c]).sort(([, x], [, y]) => y.members - x.members)) {
    const r = Math.max(9, 0.3 * mapSize * Math.sqrt(c.members / all));
    for (let step = 0; ; ++step) {
      const away = 1.5 * Math.sqrt(step), x = away * Math.cos(2.4 * step), y = away * Math.sin(2.4 * step);
      if (laid.some(d => Math.hypot(d.x - x, d.y - y) < d.r + r + 3)) continue;
      laid.push({i, x, y, r}); break;
    }
  }
  return laid;
}
function showAll() {
  const laid = discs(), half = Math.max(mapSize / 2, ...laid.map(d => Math.hypot(d.x, d.y) + d.r + 2)), out = [];
  for (const {i, x, y, r} of laid) {
    const c = campaigns[i], label = `${c.campaign}: ${count(c.members)} accounts, ${c.verdict}, q = ${Number(c.q_value.toPrecision(2))}`;
    const g = press(shape("g", {class: "disc " + c.verdict, tabindex: 0, role: "button", "aria-label": label}), () => open(i));
    g.append(shape("title", {}, label), shape("circle", {cx: (half + x).toFixed(1), cy: (half + y).toFixed(1), r: r.toFixed(1)}));
    if (r > 14) g.append(shape("text", {x: (half + x).toFixed(1), y: (half + y + 4).toFixed(1)}, short(c.members)));
    out.push(g);
  }
  const rows = campaigns.map((c, i) => el("tr", {}, el("td", {class: "name"}, el("button", {type: "button", onclick: () => open(i)}, c.campaign)), el("td", {class: "verdict " + c.verdict}, c.verdict),
    el("td", {class: "number"}, count(c.members)), el("td", {class: "number"}, count(c.exchanges)), el("td", {class: "number"}, Number(c.q_value.toPrecision(2))),
    el("td", {class: "number"}, count(c.exposure.novel_exchanges)), el("td", {class: "number"}, short(c.exposure.output_tokens)), el("td", {}, day(c.first_seen))));
  draw(["One disc a campaign, its area by members (red: flagged, amber: watched); choose one to see inside"], svg(2 * half, 2 * half, ...out),
    table([["campaign"], ["verdict"], ["accounts", true], ["exchanges", true], ["q-value", true], ["novel prompts", true], ["answer tokens", true], ["since"]], rows));
  document.getElementById("campaign-why").replaceChildren();
}

// Members lie on a spiral, those in the middle that lean most towards the rest.
function open(index, chosen) {
  const c = campaigns[index], n = c.accounts.length, step = 0.48 * mapSize / Math.sqrt(Math.max(n, 12)), at = i => [mapSize / 2 + step * Math.sqrt(i + 0.5) * Math.cos(2.39996 * i), mapSize / 2 + step * Math.sqrt(i + 0.5) * Math.sin(2.39996 * i)];
  const line = ([a, b]) => `M${at(a).map(v => v.toFixed(1))}L${at(b).map(v => v.toFixed(1))}`, own = chosen === undefined ? [] : c.links.filter(t => t[0] === chosen || t[1] === chosen), out = [];
  for (const [kind] of linkKinds) {
    out.push(shape("path", {class: "links " + kind, d: c.links.filter(t => mainKind(t) === kind).map(line).join("") || "M0 0"}));
    out.push(shape("path", {class: "links chosen " + kind, d: own.filter(t => mainKind(t) === kind).map(line).join("") || "M0 0"}));
  }
  const near = new Set(own.flatMap(t => [t[0], t[1]])), degree = new Array(n).fill(0);
  for (const [a, b] of c.links) { ++degree[a]; ++degree[b]; }
  c.accounts.forEach((name, i) => {
    const [x, y] = at(i), known = accounts[rowOf.get(name)];
    const dot = press(shape("circle", {class: "member" + (known && known.flagged ? " hot" : "") + (i === chosen ? " chosen" : ""), cx: x.toFixed(1), cy: y.toFixed(1), r: Math.min(7, 0.6 * step) * (near.has(i) ? 1.5 : 1)}), () => open(index, i));
    dot.append(shape("title", {}, `${name}: ${count(degree[i])} links shown`)); out.push(dot);
  });
  const rows = c.accounts.slice(0, tableRowsMax).map((name, i) => {
    const known = accounts[rowOf.get(name)];
    return el("tr", {class: i === chosen ? "chosen" : null}, el("td", {class: "name", title: name}, el("button", {type: "button", onclick: () => open(index, i)}, name)), el("td", {class: "verdict " + (known ? known.verdict : "")}, known ? known.verdict : ""),
      el("td", {class: "number"}, known ? count(known.exchanges) : ""), el("td", {class: "number"}, count(degree[i])));
  });
  const keys = linkKinds.filter(([kind]) => c.links.some(t => mainKind(t) === kind)).map(([kind]) => el("span", {class: "key " + kind}, kind));
  draw([el("button", {type: "button", onclick: showAll}, "All campaigns"), ` / ${c.campaign}: ${count(c.members)} accounts` + (n < c.members ? `, the first ${count(n)} drawn` : "") + "; links by their main reason: ", ...keys], svg(mapSize, mapSize, ...out),
    table([["account, most typical first"], ["own verdict"], ["exchanges", true], ["links", true]], rows), ...(n > tableRowsMax ? [el("p", {class: "soft"}, `The first ${count(tableRowsMax)} are listed.`)] : []));
  explain(c, index, chosen, own);
}

// The capability map, an area a square: the darker, the more of the campaign's exchanges.
function mapOf(c) {
  const side = Math.ceil(Math.sqrt(c.areas.length)), most = Math.max(1, ...c.areas), squares = [];
  for (const [i, n] of c.areas.entries()) {
    const square = shape("rect", {x: 6 * (i % side), y: 6 * Math.floor(i / side), width: 5, height: 5, "fill-opacity": n ? (0.15 + 0.85 * Math.sqrt(n / most)).toFixed(2) : 0.04});
    square.append(shape("title", {}, `area ${i}: ${count(n)} exchanges`));
    squares.push(square);
  }
  return el("figure", {}, el("figcaption", {}, `Exchanges by area of the capability map: ${c.areas.filter(n => n).length} of ${c.areas.length} areas`), svg(6 * side, 6 * side, ...squares));
}

function explain(c, index, chosen, own) {
  const parts = [el("h3", {}, `Why ${c.campaign} is taken for one`)], why = el("ul", {});
  parts.push(el("p", {class: "soft"}, `${count(c.exchanges)} exchanges from ${day(c.first_seen)} to ${day(c.last_seen)}: ${count(c.exposure.novel_exchanges)} novel prompts, ${short(c.exposure.output_tokens)} answer tokens, ${(100 * c.exposure.coverage).toFixed(0)} % of the capability map; ` +
    `p = ${Number(c.p_value.toPrecision(2))}${c.extrapolated ? " (extrapolated)" : ""}, q = ${Number(c.q_value.toPrecision(2))}`));
  parts.push(el("p", {}, `What left through it is ${c.exposure.beside.words}.`), mapOf(c));
  for (const r of c.why) why.append(el("li", {}, `${r.kind} ${r.strength.toFixed(2)}: ${r.explanation}`));
  parts.push(why);
  if (chosen !== undefined) {
    const name = c.accounts[chosen], row = rowOf.get(name), links = el("ul", {});
    parts.push(el("h3", {}, "Why ", row !== undefined && accounts[row].looks ? el("button", {type: "button", onclick: () => choose(row)}, name) : name, " is linked to others"));
    const said = new Set();
    for (const t of own.slice().sort((x, y) => strength(y) - strength(x))) {
      const other = t[0] === chosen ? t[1] : t[0], kinds = linkKinds.map(([kind], k) => [kind, t[2 + k]]).filter(([, e]) => e >= 0.05).sort((x, y) => y[1] - x[1]);
      for (const [kind] of kinds) said.add(kind);
      links.append(el("li", {}, el("button", {type: "button", onclick: () => open(index, other)}, c.accounts[other]), `: ${kinds.map(([kind, e]) => `${kind} ${e.toFixed(1)}`).join(", ")}; ${onceIn(strength(t))}`));
    }
    if (!own.length) parts.push(el("p", {class: "soft"}, "No link: it joined because it leans the way the others do, further than honest accounts."));
    else parts.push(el("p", {class: "soft"}, linkKinds.filter(([kind]) => said.has(kind)).map(([kind, text]) => `${kind}: ${text}`).join("; ") + ". Figures are natural logarithms of evidence, and add up."), links);
  }
  document.getElementById("campaign-why").replaceChildren(...parts);
}

if (data.campaigns) {
  const caught = campaigns.filter(c => c.flagged), sum = f => caught.reduce((s, c) => s + f(c), 0);
  document.getElementById("campaigns").hidden = false;
  document.getElementById("campaigns-story").textContent = caught.length === 0 ? "No accounts were found that act as one harvest." + (campaigns.length ? ` ${count(campaigns.length)} groups are watched.` : "")
    : `${count(sum(c => c.members))} accounts act as ${caught.length === 1 ? "one harvest" : count(caught.length) + " harvests"}: together they asked ${count(sum(c => c.exposure.novel_exchanges))} novel prompts and received ${short(sum(c => c.exposure.output_tokens))} tokens of answers.`;
  if (data.campaigns_found > campaigns.length) document.getElementById("campaigns-story").append(` The page holds the first ${count(campaigns.length)} of ${count(data.campaigns_found)}; the JSON report holds all.`);
  if (campaigns.length) { document.querySelector("#campaigns .beside").hidden = false; showAll(); }
}
