// What an answer rests on and what it lacks.
import { el, facts, section } from "./dom.js";
import { groupOf } from "./findings.js";
import { texts } from "./texts.js";

const t = texts.basis;

const missing = (answer) => {
  const kinds = new Set(answer.findings.map((f) => f.kind));
  const absent = Object.entries(t.wanted).filter(([kind]) => !kinds.has(kind)).map(([, name]) => t.noted(name));
  return [...absent, ...answer.summary.not_found.map(t.notNamed)];
};

export const basisView = (answer) => {
  const basis = answer.basis;
  const shown = Object.entries(t.rows).filter(([key]) => key in basis || key === "findings" || key === "times").map(([key, name]) => {
    if (key === "findings") return [name, String(answer.findings.filter((f) => groupOf(f) === "own").length)];
    if (key === "times") return [name, t.time(answer.times.waited_s, answer.times.road_s)];
    if (key === "threshold") return [name, `${Math.round(basis.threshold * 100)} %`];
    if (key === "index_documents") return [name, Object.entries(basis[key]).map(([kind, n]) => `${n.toLocaleString("en")} ${kind}`).join(", ")];
    return [name, el("bdi", {}, String(basis[key]))];
  });
  const lacks = missing(answer);
  return section("basis", t.heading, el("p", { class: "hint" }, t.hint), facts(shown), el("h3", {}, t.missing),
    lacks.length ? el("ul", {}, lacks.map((words) => el("li", {}, words))) : el("p", {}, t.none),
    el("h3", {}, t.evaluation), el("p", {}, t.evaluationNone),
    el("h3", {}, t.limits), el("ul", {}, (basis.limits || []).map((words) => el("li", {}, words))),
    el("h3", {}, t.intended), el("p", {}, t.intendedWords));
};
