// The note with its findings marked, and the findings in groups, to be corrected.
import { el, fill, button, pieces, section, Places } from "./dom.js";
import { texts } from "./texts.js";

const t = texts.findings;
const GROUPS = ["own", "negated", "other", "past", "uncertain"];

export const groupOf = (f) => {
  if (f.experiencer !== "patient") return "other";
  if (f.negated) return "negated";
  if (f.temporality === "hypothetical" || f.certainty === "uncertain") return "uncertain";
  return f.temporality === "past" || f.temporality === "resolved" ? "past" : "own";
};

const nameOf = (f) => {
  if (f.value === null) return f.normalised || f.text;
  // As the note writes it where it does: "NT-proBNP", not "nt-probnp".
  const name = f.text.toLowerCase().startsWith(f.normalised) ? f.text.slice(0, f.normalised.length) : f.normalised;
  return f.kind === "age" ? f.value_text : `${name} ${f.value_text}`;
};

const keyOf = (f) => `${f.start}-${f.end}`;

// What the user corrected: kept by place, sent with the next question.
export class Corrections {
  constructor() { this.clear(); }
  clear() { this.accepted = new Set(); this.rejected = new Map(); this.added = new Map(); this.sent = ""; }
  get body() {
    const places = (map) => [...map.values()];
    return { rejected: places(this.rejected).map(({ start, end }) => ({ start, end })), added: places(this.added) };
  }
  get isChanged() { return JSON.stringify(this.body) !== (this.sent || '{"rejected":[],"added":[]}'); }
  get count() { return this.rejected.size + this.added.size; }
  markSent() { this.sent = JSON.stringify(this.body); }
}

export const noteView = (text, findings) => {
  const places = new Places(text);
  const spans = findings.map((f, at) => ({ start: places.unit(f.start), end: places.unit(f.end), f, at }));
  const used = new Set(findings.map(groupOf));
  const legend = el("ul", { role: "list", class: "legend", "aria-label": t.noteHeading },
    GROUPS.filter((g) => used.has(g)).map((g) => el("li", {}, el("span", { class: `finding ${g}` }, t.legend[g]))));
  const seen = new Set();
  const body = el("div", { class: text.length > 2500 ? "note long" : "note", id: "note-text", dir: "auto", tabindex: text.length > 2500 ? 0 : null, role: "group", "aria-label": t.noteHeading },
    pieces(text, spans).map(({ text: part, covering }) => {
      if (!covering.length) return part;
      const inner = covering.reduce((a, b) => (b.end - b.start < a.end - a.start ? b : a));
      const first = covering.find((s) => !seen.has(s.at));
      if (first) seen.add(first.at);
      const title = covering.map((s) => `${nameOf(s.f)}: ${t.legend[groupOf(s.f)]}`).join("; ");
      return el("mark", { class: `finding ${groupOf(inner.f)}`, title, id: first ? `finding-${first.at}` : null }, part);
    }));
  return section("note", t.noteHeading, used.size ? legend : null, body);
};

const row = (f, at, corrections, changed) => {
  const key = keyOf(f);
  const name = nameOf(f);
  const isRejected = corrections.rejected.has(key);
  const isAccepted = corrections.accepted.has(key);
  const accept = () => { corrections.rejected.delete(key); corrections.accepted[isAccepted ? "delete" : "add"](key); changed(key); };
  const reject = () => {
    corrections.accepted.delete(key);
    if (f.source === "reader") corrections.added.delete(key);
    else if (isRejected) corrections.rejected.delete(key);
    else corrections.rejected.set(key, f);
    changed(key);
  };
  const state = isRejected ? t.rejected : isAccepted ? t.accepted : f.source === "reader" ? t.added : "";
  const written = f.value === null && f.normalised && !f.text.toLowerCase().includes(f.normalised) ? ` “${f.text}”` : "";
  const flag = t.flags[f.flag];
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.toLowerCase() === "a") { event.preventDefault(); accept(); }
    if (event.key.toLowerCase() === "r" || event.key === "Delete") { event.preventDefault(); reject(); }
  };
  return el("li", { class: `row${isRejected ? " gone" : ""}`, onkeydown: keys, "data-key": key },
    el("span", { class: "what" }, el("a", { href: `#finding-${at}` }, el("bdi", {}, name)), el("bdi", { class: "muted" }, written),
      flag ? [" ", el("strong", { class: `flag ${f.flag}` }, flag)] : null, state ? el("span", { class: "state" }, ` ${state}`) : null),
    el("span", { class: "acts" },
      button("✓", accept, { "aria-label": t.acceptName(name), "aria-pressed": isAccepted, title: `${t.accept} (A)`, class: "small" }),
      button("✗", reject, { "aria-label": t.rejectName(name), "aria-pressed": isRejected, title: `${t.reject} (R)`, class: "small" })));
};

const adder = (text, corrections, changed) => {
  const places = new Places(text);
  const problem = el("p", { class: "problem", role: "alert" });
  const words = el("input", { type: "text", id: "add-words", autocomplete: "off", "aria-describedby": "add-problem" });
  problem.id = "add-problem";
  const kind = el("select", { id: "add-kind" }, Object.entries(t.kinds).map(([value, label]) => el("option", { value }, label)));
  const add = (event) => {
    event.preventDefault();
    const wanted = words.value.trim();
    const at = wanted ? text.toLowerCase().indexOf(wanted.toLowerCase()) : -1;
    if (at < 0) { problem.textContent = t.notThere; return; }
    const start = places.character(at), end = places.character(at + wanted.length);
    corrections.added.set(`${start}-${end}`, { start, end, kind: kind.value });
    corrections.rejected.delete(`${start}-${end}`);
    changed("add");
  };
  // What is selected in the note is what is to be added.
  document.onselectionchange = () => {
    const selected = document.getSelection();
    const box = document.getElementById("note-text");
    if (box && selected && !selected.isCollapsed && box.contains(selected.anchorNode)) words.value = selected.toString().trim();
  };
  return el("form", { class: "adder", onsubmit: add }, el("label", { for: "add-words" }, t.addLabel), words,
    el("label", { for: "add-kind", class: "sr" }, t.kind), kind, el("button", { type: "submit" }, t.add), problem);
};

export const findingsView = (text, read, corrections, again) => {
  const box = section("findings", t.heading);
  const draw = (focus) => {
    const places = new Places(text);
    const known = new Set(read.map(keyOf));
    const own = [...corrections.added.entries()].filter(([key]) => !known.has(key)).map(([, { start, end, kind }]) => {
      const words = text.slice(places.unit(start), places.unit(end));
      return { start, end, kind, text: words, normalised: words.toLowerCase(), value: null, unit: "", flag: "", source: "reader", negated: false, experiencer: "patient", temporality: "present", certainty: "certain" };
    });
    const all = [...read, ...own, ...[...corrections.rejected.values()].filter((f) => !known.has(keyOf(f)))];
    const numbered = all.map((f, at) => [f, at]);
    const groups = GROUPS.map((g) => {
      const of = numbered.filter(([f]) => groupOf(f) === g);
      return of.length ? el("div", { class: g === "own" ? "group wide" : "group" }, el("h3", {}, t.groups[g]),
        el("ul", { role: "list", class: "rows" }, of.map(([f, at]) => row(f, at, corrections, draw)))) : null;
    });
    const changed = corrections.isChanged
      ? el("p", { class: "again" }, `${t.corrected(corrections.count)} `, button(t.again, again, { id: "again", class: "main" })) : null;
    fill(box, el("h2", { id: "findings-heading" }, t.heading), el("p", { class: "hint" }, t.hint),
      all.length ? el("div", { class: "groups" }, groups) : el("p", { class: "none" }, t.none), adder(text, corrections, draw), changed);
    if (focus === "add") document.getElementById("add-words")?.focus();
    else if (focus) box.querySelector(`[data-key="${focus}"] button`)?.focus();
  };
  draw();
  return box;
};
