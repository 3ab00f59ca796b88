// Elements out of names, attributes and text nodes: no markup is ever parsed.
export const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled" || key === "hidden") node[key] = value;
    else node.setAttribute(key === "class_" ? "class" : key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};
export const byId = (id) => document.getElementById(id);
export const fill = (node, ...children) => {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};
export const hidden = (words) => el("span", { class: "sr" }, words);
export const button = (words, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, words);
export const section = (id, heading, ...children) =>
  el("section", { id, "aria-labelledby": `${id}-heading` }, el("h2", { id: `${id}-heading` }, heading), ...children);
export const facts = (rows) => el("dl", { class: "facts" }, rows.map(([key, ...value]) => [el("dt", {}, key), el("dd", {}, ...value)]));
export const dateOf = (moment) => { const date = new Date(moment); return Number.isNaN(date.getTime()) ? moment : date.toLocaleDateString("en", { dateStyle: "long" }); };
export const notice = (...words) => el("p", { class: "notice" }, ...words);

// A line of its own for each message: of several that come at once, none is swallowed.
export const say = (words) => {
  const live = byId("live");
  live.append(el("p", {}, words));
  while (live.children.length > 40) live.firstChild.remove();
};

// The text is cut wherever a span starts or ends; each piece names the spans that cover it.
export const pieces = (text, spans) => {
  const inside = spans.filter((s) => s.start >= 0 && s.start < s.end && s.end <= text.length);
  const cuts = [...new Set([0, text.length, ...inside.flatMap((s) => [s.start, s.end])])].sort((a, b) => a - b);
  const parts = [];
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const covering = inside.filter((s) => s.start <= cuts[at] && s.end >= cuts[at + 1]);
    parts.push({ start: cuts[at], text: text.slice(cuts[at], cuts[at + 1]), covering });
  }
  return parts;
};

// The server counts characters, this language counts UTF-16 units: they differ beyond the BMP.
export class Places {
  constructor(text) {
    this.text = text;
    this.units = [0];
    let at = 0;
    for (const letter of text) this.units.push((at += letter.length));
    this.plain = at === this.units.length - 1;
  }
  unit(character) { return this.plain ? character : this.units[Math.min(character, this.units.length - 1)]; }
  character(unit) { return this.plain ? unit : this.units.indexOf(unit); }
  get length() { return this.units.length - 1; }
}

export const webAddress = (url) => {
  if (!/^https?:\/\/[^\s"'<>`\\^{|}]+$/i.test(url)) return null;
  try {
    const parsed = new URL(url);
    return parsed.hostname && !parsed.username && !parsed.password && !url.split("/")[2].includes("@") ? parsed : null;
  } catch { return null; }
};
