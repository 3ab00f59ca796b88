// What an answer rests on and what it lacks.
import { el, dateOf, facts, section } from "./dom.js";
import { groupOf } from "./findings.js";
import { texts } from "./texts.js";

const t = texts.basis;

const missing = (answer) => {
  const kinds = new Set(answer.findings.map((f) => f.kind));
  const absent = Object.entries(t.wanted).filter(([kind]) => !kinds.has(kind)).map(([, name]) => t.noted(name));
  return [...absent, ...answer.summary.not_found.map(t.notNamed)];
};

const number = (x) => (Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3));

// What was measured of this model, each with its n and interval; or that nothing was.
const evaluationView = (e) => {
  if (!e) return el("p", {}, t.evaluationNone);
  const others = e.others.length ? el("p", { class: "hint" }, t.evaluationOthers, e.others.flatMap((name, at) => [at ? ", " : "", el("bdi", {}, name)])) : null;
  if (!e.rows.length) return [el("p", {}, t.evaluationNotThis), others];
  const row = (r) => el("tr", {}, el("th", { scope: "row", title: r.definition }, r.part ? `${r.part}: ` : "", r.measure, r.part ? ` (${r.system})` : ""), el("td", {}, number(r.mean)),
    el("td", {}, t.interval(number(r.low), number(r.high))), el("td", {}, r.n.toLocaleString("en")), el("td", {}, r.floor === null ? "–" : number(r.floor)));
  return [el("p", { class: "hint" }, t.evaluationOf(e.title, e.date, e.sources.join(", "))),
    el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": t.evaluation }, el("table", { id: "evaluation" }, el("thead", {}, el("tr", {}, t.columns.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, e.rows.map(row)))),
    others, el("ul", {}, e.limits.map((words) => el("li", {}, words)))];
};

export const basisView = (answer) => {
  const basis = answer.basis;
  const shown = Object.entries(t.rows).filter(([key]) => key in basis || key === "findings" || key === "times").map(([key, name]) => {
    if (key === "findings") return [name, String(answer.findings.filter((f) => groupOf(f) === "own").length)];
    if (key === "times") return [name, t.time(answer.times.waited_s, answer.times.road_s)];
    if (key === "threshold") return [name, `${Math.round(basis.threshold * 100)} %`];
    if (key === "index_documents") return [name, Object.entries(basis[key]).map(([kind, n]) => `${n.toLocaleString("en")} ${kind}`).join(", ")];
    if (key === "index_made") return [name, dateOf(basis[key])];
    return [name, el("bdi", {}, String(basis[key]))];
  });
  const lacks = missing(answer);
  return section("basis", t.heading, el("p", { class: "hint" }, t.hint), facts(shown), el("h3", {}, t.missing),
    lacks.length ? el("ul", {}, lacks.map((words) => el("li", {}, words))) : el("p", {}, t.none),
    el("h3", {}, t.evaluation), evaluationView(basis.evaluation),
    el("h3", {}, t.limits), el("ul", {}, (basis.limits || []).map((words) => el("li", {}, words))),
    el("h3", {}, t.intended), el("p", {}, t.intendedWords));
};
