// Similar patients, articles, the summary and the panel with its sources.
import { el, byId, fill, button, hidden, pieces, section, say, webAddress, Places } from "./dom.js";
import { post } from "./api.js";
import { texts } from "./texts.js";

const t = texts.hits;
const s = texts.summary;
const FIRST = 4;
const SECTIONS = ["presentation", "work-up", "treatment", "outcome", "articles", "summary"];
export const isHeld = (claim) => claim.verdict in s.held;

export const titleOf = (hit) => hit.document.title.trim() || `${hit.passage.text.split(/\s+/).slice(0, 12).join(" ")} …` || t.untitled;

const age = (years) => {
  if (years === null) return "";
  if (years < 1 / 12) return t.age(Math.round(years * 365.25), "day");
  if (years < 2) return t.age(Math.round(years * 12), "month");
  return t.age(years >= 18 ? Math.floor(years) : Math.round(years * 10) / 10, "year");
};

const about = (d, kind = "") => {
  const types = d.publication_types.filter((name) => name.toLowerCase() !== "journal article");
  const person = [t.sex[d.sex] || "", age(d.age_years)].filter(Boolean).join(", ");
  const parts = [kind, person, d.year === null ? t.yearUnknown : String(d.year), d.source, ...types, d.licence ? t.licence(d.licence) : t.licenceUnknown];
  const shown = parts.filter(Boolean).flatMap((part, at) => [at ? "\u00a0· " : "", el("bdi", {}, part)]);
  return el("p", { class: "about" }, shown);
};

const outside = (url) => {
  const address = webAddress(url);
  if (address) return el("a", { href: address.href, class: "out", rel: "noreferrer noopener", target: "_blank" }, t.open(address.hostname));
  return url.trim() ? el("span", { class: "address" }, t.address(url)) : null;
};

const retraction = (d) => (d.retracted ? el("p", { class: "retracted" }, el("strong", {}, t.retracted), t.retractedHint) : null);

const card = (name, hit, evidence, panel) => {
  const at = evidence.findIndex((e) => e.document.id === hit.document.id && e.document.kind === hit.document.kind) + 1;
  const why = hit.why.flatMap((word, n) => [n ? ", " : "", el("bdi", {}, word)]);
  const passage = el("details", {}, el("summary", {}, t.passage, hidden(` ${t.rank}${hit.rank}`)), el("p", { class: "passage", dir: "auto" }, hit.passage.text));
  const link = outside(hit.document.url);
  return el("li", { class: "card", id: `${name}-${hit.rank}` },
    el("h3", {}, el("span", { class: "rank" }, hidden(t.rank), String(hit.rank)), " ", el("bdi", {}, titleOf(hit))),
    retraction(hit.document), about(hit.document), why.length ? el("p", { class: "why" }, t.why, why) : null,
    el("p", { class: "links" }, at ? [t.inSources, panel.link(at, null), link ? "\u00a0· " : ""] : null, link), at ? null : passage);
};

export const hitsView = (name, hits, evidence, panel) => {
  if (!hits.length) return section(name, t[name], el("p", { class: "none" }, t.none));
  const cards = hits.map((hit) => card(name, hit, evidence, panel));
  const rest = cards.slice(FIRST);
  for (const one of rest) one.hidden = true;
  const all = rest.length ? button(t.all(hits.length), () => { for (const one of rest) one.hidden = false; all.remove(); rest[0].querySelector("a, summary")?.focus(); }) : null;
  return section(name, t[name], el("p", { class: "hint" }, t[`${name}Hint`]), el("ol", { role: "list", class: "cards" }, cards), el("p", {}, all));
};

// One sentence; `rate` gives its feedback buttons once the answer has an id.
export const claimView = (claim, number, evidence, panel, rate, prefix = "") => {
  const held = isHeld(claim);
  const seen = new Set();
  const cited = claim.citations.map((c) => {
    const again = seen.has(c.number);
    seen.add(c.number);
    if (c.number < 1 || c.number > evidence.length) return [" ", el("span", { class: "unknown" }, `[${c.number}] ${s.unknownSource}`)];
    const mark = evidence[c.number - 1].document.retracted ? el("strong", { class: "withdrawn" }, ` ${t.retracted}`) : null;
    return again ? null : [" ", panel.link(c.number, claim, `${prefix}claim-${number}`), mark];
  });
  const reason = claim.reason ? ` (${claim.reason})` : "";
  const verdict = held ? el("span", { class: "held" }, hidden(s.check), s.held[claim.verdict])
    : el("span", { class: "verdict" }, el("strong", {}, s.notHeld[claim.verdict] || claim.verdict), reason);
  return el("li", { id: `${prefix}claim-${number}`, tabindex: -1 }, el("span", { class: "n" }, String(number)), " ",
    el("span", { class: held ? "said" : "said doubtful", dir: "auto" }, claim.text), cited, " ", verdict, rate ? rate(number) : null);
};

export const claimsView = (claims, evidence, panel, rate, prefix = "") => {
  const numbered = claims.map((claim, at) => [claim, at + 1]);
  return SECTIONS.map((name) => {
    const of = numbered.filter(([claim]) => claim.section === name);
    if (!of.length) return null;
    const alone = name === "summary" && of.length === claims.length;
    return [alone ? null : el("h3", {}, s.sections[name]),
      el("ol", { role: "list", class: "claims" }, of.map(([claim, n]) => claimView(claim, n, evidence, panel, rate, prefix)))];
  });
};

// The panel beside the text: every source, the cited sentence marked.
export class Panel {
  constructor() { this.evidence = []; this.claims = []; this.opener = null; }

  link(number, claim, id = "") {
    const open = (event) => { event.preventDefault(); this.open(number, claim, event.currentTarget); };
    return el("a", { class: "cite", href: "#sources", onclick: open, "aria-describedby": id || null }, "[", hidden(s.sourceWord), String(number), "]");
  }

  get isOpen() { return document.documentElement.classList.contains("open"); }

  open(number, claim, opener) {
    const hit = this.evidence[number - 1];
    if (!hit) return;
    if (opener || !this.isOpen) this.opener = opener || document.activeElement;
    const close = button(texts.sources.close, () => this.close(), { id: "close" });
    const bar = el("div", { class: "bar" }, el("h2", { id: "sources-heading" }, texts.sources.heading), close);
    const body = el("div", { class: "sources" }, el("p", { class: "keys" }, s.keys), this.source(hit, number, claim));
    fill(byId("sources-place"), el("section", { id: "sources", "aria-labelledby": "sources-heading" }, bar, body));
    this.steadily(opener, () => document.documentElement.classList.add("open"));
    const mark = byId("sources").querySelector("mark.current") || byId("source-now");
    mark.focus({ preventScroll: true });
    const box = byId("sources");
    box.scrollTop += mark.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
    if (opener) this.uncover(opener);
  }

  // Keeps what is being read where it is while the page makes room for the panel.
  steadily(element, change) {
    const before = element?.getBoundingClientRect().top;
    change();
    if (element) window.scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
  }

  uncover(element) {
    const room = byId("sources").getBoundingClientRect();
    const floor = room.left > 1 ? window.innerHeight : room.top;
    const line = element.getBoundingClientRect();
    if (line.bottom > floor || line.top < 0) window.scrollBy({ top: line.bottom - floor + 24, behavior: "instant" });
  }

  source(hit, number, claim) {
    const own = claim ? claim.citations.filter((c) => c.number === number) : [];
    const all = this.claims.flatMap((c) => c.citations).filter((c) => c.number === number);
    const places = new Places(hit.passage.text);
    const begin = hit.passage.start;
    const inside = (c) => c.end > c.start && c.start >= begin && c.end <= hit.passage.end;
    const span = (c) => ({ start: places.unit(c.start - begin), end: places.unit(c.end - begin), is: own.some((o) => o.start === c.start && o.end === c.end) });
    const spans = [...all, ...own].filter(inside).map(span);
    const marked = pieces(hit.passage.text, spans).map(({ text, covering }) => !covering.length ? text
      : el("mark", { class: covering.some((c) => c.is) ? "cited current" : "cited", tabindex: -1 }, text));
    const outsideIt = own.some((c) => c.end > c.start && !inside(c));
    const whole = el("div", {});
    const kind = hit.document.kind === "patients" ? texts.sources.patient : texts.sources.article;
    return el("article", { class: "current", "aria-labelledby": "source-now" },
      el("h3", { id: "source-now", tabindex: -1 }, hidden(texts.sources.source), el("span", { class: "rank" }, `[${number}]`), " ", el("bdi", {}, titleOf(hit))),
      retraction(hit.document), about(hit.document, kind), el("p", { class: "passage", dir: "auto" }, marked),
      el("p", { class: "links" }, outside(hit.document.url)),
      button(texts.sources.whole, () => this.whole(hit, own, whole), { id: "whole" }), outsideIt ? el("p", { class: "hint" }, texts.sources.elsewhere) : null, whole);
  }

  async whole(hit, own, into) {
    fill(into, el("p", { class: "hint" }, texts.sources.loading));
    try {
      const found = await post("documents/read", { id: hit.document.id });
      const places = new Places(found.text);
      const spans = own.filter((c) => c.end > c.start).map((c) => ({ start: places.unit(c.start), end: places.unit(c.end) }));
      fill(into, el("p", { class: "passage", dir: "auto" }, pieces(found.text, spans).map(({ text, covering }) => covering.length ? el("mark", { class: "cited current" }, text) : text)));
    } catch (error) {
      fill(into, el("p", { class: "notice" }, error.status === 404 ? texts.sources.gone : error.message));
    }
  }

  close() {
    if (!this.isOpen) return;
    const back = this.opener?.isConnected ? this.opener : null;
    this.steadily(back, () => document.documentElement.classList.remove("open"));
    fill(byId("sources-place"));
    if (this.opener && this.opener.isConnected) this.opener.focus({ preventScroll: true });
    this.opener = null;
  }
}

// On paper there is no panel: every source stands below the summary.
export const paperSources = (evidence) => el("section", { class: "paper", "aria-hidden": "true" }, el("h2", {}, texts.sources.heading), evidence.map((hit, at) =>
  el("article", {}, el("p", {}, el("strong", {}, `[${at + 1}] ${titleOf(hit)}`)), about(hit.document), el("p", { class: "address" }, hit.document.url), el("p", { class: "passage" }, hit.passage.text))));

export const plainText = (answer) => {
  const lines = answer.summary.claims.map((c) => {
    const cited = [...new Set(c.citations.map((x) => x.number))].map((n) => `[${n}]`).join("");
    return `${c.text} ${cited}${isHeld(c) ? "" : ` (${s.notHeld[c.verdict] || c.verdict})`}`;
  });
  const left = [answer.summary.abstained, answer.summary.incomplete ? texts.states.partial(answer.summary.incomplete) : ""].filter(Boolean);
  const sources = answer.evidence.map((hit, at) => `[${at + 1}] ${[titleOf(hit), hit.document.year, hit.document.source, hit.document.url, hit.document.retracted ? t.retracted : ""].filter(Boolean).join(", ")}`);
  return [...lines, ...left, "", texts.sources.heading, ...sources, "", texts.limits].join("\n");
};

export const copy = async (answer) => {
  try { await navigator.clipboard.writeText(plainText(answer)); say(s.copied); return true; } catch { say(s.notCopied); return false; }
};
