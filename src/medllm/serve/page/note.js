// The note area: typing, samples, files, and choosing parts of what is too long.
import { el, fill, button, hidden, notice, pieces, Places } from "./dom.js";
import { post } from "./api.js";
import { samples } from "./samples.js";
import { texts } from "./texts.js";

const t = texts.note;
const s = texts.states;
const length = (text) => new Places(text).length;

export class NoteArea {
  constructor(session, act) {
    this.session = session;
    this.box = el("textarea", { id: "note-input", rows: 9, spellcheck: "false", autocomplete: "off", "aria-describedby": "note-hint note-count", oninput: () => { this.count(); act.changed(); } });
    this.counter = el("p", { id: "note-count", class: "count" });
    this.problem = el("div", { id: "note-problem", role: "alert" });
    this.analyse = button([t.analyse, el("kbd", {}, t.analyseKey)], act.analyse, { class: "main", id: "analyse" });
    this.stop = button([t.stop, el("kbd", {}, t.stopKey)], act.stop, { id: "stop", disabled: true });
    const sample = el("select", { id: "sample", onchange: (event) => { this.take(samples[event.target.value]); event.target.value = ""; } },
      el("option", { value: "" }, t.choose), t.samples.map((name, at) => el("option", { value: at }, name)));
    const file = el("input", { type: "file", id: "file", accept: ".txt,.md,text/plain", onchange: (event) => { this.read(event.target.files[0]); event.target.value = ""; } });
    this.preview = el("div", { id: "preview" });
    this.element = el("section", { id: "enter", "aria-labelledby": "enter-heading" }, el("h1", { id: "enter-heading" }, t.heading),
      el("p", { class: "hint", id: "note-hint" }, t.hint), el("label", { for: "note-input", class: "sr" }, t.label), this.box, this.counter,
      el("div", { class: "acts" }, this.analyse, " ", this.stop, " ", button(t.clear, act.clear, { id: "clear" }), " ", button(texts.remove.button, () => this.removeIdentifiers(), { id: "remove" })),
      el("div", { class: "acts more" }, el("label", { for: "sample" }, t.sample), " ", sample, " ", el("label", { for: "file" }, t.file), " ", file), this.preview, this.problem);
    this.acceptDrops();
    this.count();
  }

  get text() { return this.box.value; }
  get isTooLong() { return length(this.text) > this.session.max_note_characters; }

  take(text) {
    this.box.value = text;
    this.count();
    fill(this.problem);
    this.box.focus();
  }

  count() {
    this.counter.textContent = t.count(length(this.text), this.session.max_note_characters);
    this.counter.classList.toggle("warn", this.isTooLong);
  }

  complain(...words) { fill(this.problem, notice(...words)); }

  async read(file) {
    if (!file) return;
    if (file.size > 8 * this.session.max_note_characters) { this.complain(t.tooLarge); return; }
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      if (text.includes("\0")) throw new TypeError();
      this.take(text.replace(/^\ufeff/, ""));
    } catch { this.complain(t.notText); }
  }

  acceptDrops() {
    const over = (event) => { event.preventDefault(); this.box.classList.add("drop"); };
    this.box.addEventListener("dragover", over);
    this.box.addEventListener("dragleave", () => this.box.classList.remove("drop"));
    this.box.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) { this.box.classList.remove("drop"); return; }
      event.preventDefault();
      this.box.classList.remove("drop");
      this.read(event.dataTransfer.files[0]);
    });
  }

  // Shows what would stand in the place of each identifier; the user takes it or leaves it.
  async removeIdentifiers() {
    const t = texts.remove;
    fill(this.problem);
    try {
      const asked = this.text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
      const done = await post("deidentify", { note: asked });
      const places = new Places(asked);
      const spans = done.replaced.map((r) => ({ start: places.unit(r.start), end: places.unit(r.end), r }));
      const shown = pieces(asked, spans).map(({ text, covering }) => !covering.length ? text
        : [el("del", {}, hidden(t.was), text), " ", el("ins", {}, hidden(t.becomes), covering[0].r.replacement)]);
      const take = button(t.take, () => { fill(this.preview); this.take(done.text); }, { class: "main" });
      const leave = button(t.leave, () => { fill(this.preview); this.box.focus(); });
      fill(this.preview, el("section", { "aria-labelledby": "preview-heading" }, el("h2", { id: "preview-heading", tabindex: -1 }, t.heading),
        el("p", { class: "hint" }, done.replaced.length ? `${t.found(done.replaced.length)} ${t.hint}` : t.none),
        el("p", { class: "note", dir: "auto" }, shown), el("p", { class: "acts" }, done.replaced.length ? [take, " "] : null, leave)));
      document.getElementById("preview-heading").focus();
    } catch (error) { this.complain(`${error.message}. ${error.hint || ""}`); }
  }

  // The user chooses what to leave out; nothing is cut without them.
  chooseParts() {
    const most = this.session.max_note_characters;
    const parts = this.parts(most);
    const left = el("p", { role: "status" });
    const use = button(t.analyse, () => this.take(chosen().join("\n\n")), { class: "main" });
    use.textContent = s.useParts;
    const boxes = parts.map((part, at) => el("input", { type: "checkbox", id: `part-${at}`, checked: true, onchange: () => show() }));
    const chosen = () => parts.filter((_, at) => boxes[at].checked);
    const show = () => {
      const n = length(chosen().join("\n\n"));
      left.textContent = s.left(n, most);
      use.disabled = n > most || n === 0;
    };
    const rows = parts.map((part, at) => el("li", {}, boxes[at], " ", el("label", { for: `part-${at}` },
      el("strong", {}, s.part(at + 1, length(part))), ": ", el("bdi", {}, `${part.slice(0, 120)}${part.length > 120 ? " …" : ""}`))));
    fill(this.problem, el("div", { class: "notice" }, el("strong", {}, s.tooLong), el("p", {}, s.tooLongHint(length(this.text), most)),
      el("ul", { role: "list", class: "parts" }, rows), left, use));
    show();
    boxes[0]?.focus();
  }

  // Paragraphs, joined to at most some forty parts; one without breaks is cut by length.
  parts(most) {
    const size = Math.max(400, Math.ceil(Math.min(this.text.length / 40, most / 2)));
    const pieces = this.text.split(/\n\s*\n/).flatMap((p) => (p.length <= size ? [p] : p.match(new RegExp(`[^]{1,${size}}(?:\\s|$)|[^]{1,${size}}`, "g"))));
    const parts = [];
    for (const piece of pieces.map((p) => p.trim()).filter(Boolean)) {
      if (parts.length && parts.at(-1).length + piece.length < size) parts[parts.length - 1] += `\n\n${piece}`;
      else parts.push(piece);
    }
    return parts;
  }
}
