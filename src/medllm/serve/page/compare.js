// Two models on the same evidence, side by side, blind until rated.
import { el, fill, button, notice, say } from "./dom.js";
import { post } from "./api.js";
import { Panel, claimsView } from "./results.js";
import { texts } from "./texts.js";

const t = texts.compare;

const side = (name, summary, evidence, panel) => {
  const why = summary.incomplete ? texts.states.partial(summary.incomplete) : summary.abstained ? `${summary.abstained}.` : "";
  const box = el("section", { class: "side", "aria-labelledby": `${name}-heading` }, el("h2", { id: `${name}-heading` }, t[name]),
    why ? notice(why) : null, claimsView(summary.claims, evidence, panel, null, `${name}-`));
  return box;
};

export class CompareView {
  constructor(session, note) {
    this.session = session;
    this.panel = new Panel();
    this.box = el("textarea", { id: "compare-note", rows: 7, spellcheck: "false", autocomplete: "off", value: note });
    this.go = button(t.go, () => this.compare(), { class: "main", id: "compare-go" });
    this.result = el("div", { id: "compared" });
    this.element = el("div", {}, el("h1", {}, t.heading), el("p", { class: "hint" }, t.hint), el("label", { for: "compare-note" }, texts.note.label), this.box,
      el("p", { class: "acts" }, this.go), this.result);
  }

  async compare() {
    if (!this.box.value.trim()) { fill(this.result, notice(texts.note.empty)); return; }
    this.go.disabled = true;
    this.panel.close();
    fill(this.result, el("p", { role: "status", class: "hint" }, t.working));
    try {
      const found = await post("compare", { note: this.box.value });
      this.panel.evidence = found.evidence;
      this.panel.claims = [...found.left.claims, ...found.right.claims];
      this.draw(found);
    } catch (error) {
      fill(this.result, notice(`${error.message}. ${error.hint || ""}`));
    } finally { this.go.disabled = false; }
  }

  draw(found) {
    const told = el("p", { role: "status" });
    const marks = el("p", { class: "acts", role: "group", "aria-label": t.question }, Object.entries(t.choices).flatMap(([better, words]) =>
      [button(words, () => this.rate(found.id, better, marks, told)), " "]));
    fill(this.result, el("div", { class: "sides" }, side("left", found.left, found.evidence, this.panel), side("right", found.right, found.evidence, this.panel)),
      el("section", { "aria-labelledby": "question" }, el("h2", { id: "question" }, t.question), marks, told));
  }

  async rate(id, better, marks, told) {
    try {
      const names = await post(`compare/${id}/rating`, { better });
      marks.remove();
      told.textContent = `${t.reveal(names.left, names.right)} ${names.stored ? texts.feedback.thanks : t.notStored}`;
      say(told.textContent);
    } catch (error) { told.textContent = error.message; }
  }
}
