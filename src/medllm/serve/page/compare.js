// Two models on the same evidence, side by side, blind until rated.
import { el, fill, button, notice, say } from "./dom.js";
import { events, post, Refusal } from "./api.js";
import { Panel, claimsView, claimView } from "./results.js";
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
    this.stop = button([texts.note.stop, el("kbd", {}, texts.note.stopKey)], () => this.halt(), { id: "compare-stop", disabled: true });
    this.result = el("div", { id: "compared" });
    this.element = el("div", {}, el("h1", {}, t.heading), el("p", { class: "hint" }, t.hint), el("label", { for: "compare-note" }, texts.note.label), this.box,
      el("p", { class: "acts" }, this.go, " ", this.stop), this.result);
  }

  halt() { this.running?.abort("stopped"); }

  async compare() {
    if (this.running) return;
    if (!this.box.value.trim()) { fill(this.result, notice(texts.note.empty)); return; }
    this.running = new AbortController();
    this.go.disabled = true;
    this.stop.disabled = false;
    this.panel.close();
    this.begin();
    try {
      await events("compare", { note: this.box.value }, this.running.signal, (name, data) => this.take(name, data));
      if (!this.found) throw new Refusal(0, { error: texts.states.lost });
    } catch (error) {
      const isStop = error === "stopped" || error?.name === "AbortError";
      const words = isStop ? texts.states.stopped : `${error instanceof Refusal ? error.message : texts.states.lost}. ${error.hint || ""}`;
      this.told.replaceWith(notice(words));
      say(words);
    } finally { this.running = null; this.go.disabled = false; this.stop.disabled = true; }
  }

  // Nothing of it is read out until it can be rated: two voices at once help nobody.
  begin() {
    this.found = null;
    this.panel.evidence = [];
    this.panel.claims = [];
    this.lists = { left: el("ol", { role: "list", class: "claims" }), right: el("ol", { role: "list", class: "claims" }) };
    this.told = el("p", { role: "status", class: "hint" }, `${t.working} ${t.streaming}`);
    const writing = (name) => el("section", { class: "side", "aria-labelledby": `${name}-heading` }, el("h2", { id: `${name}-heading` }, t[name]), this.lists[name]);
    fill(this.result, this.told, el("div", { class: "sides" }, writing("left"), writing("right")));
  }

  take(name, data) {
    if (name === "evidence") this.panel.evidence = data.evidence;
    else if (name === "claims") {
      for (const side of ["left", "right"]) {
        this.panel.claims.push(data[side]);
        this.lists[side].append(claimView(data[side], data.number, this.panel.evidence, this.panel, null, `${side}-`));
      }
    } else if (name === "done") {
      this.found = data;
      this.panel.evidence = data.evidence;
      this.panel.claims = [...data.left.claims, ...data.right.claims];
      this.draw(data);
      say(t.question);
    } else if (name === "failed") throw new Refusal(0, data);
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
      told.textContent = `${t.reveal(t.who(names.left), t.who(names.right))} ${names.stored ? texts.feedback.thanks : t.notStored}`;
      say(told.textContent);
    } catch (error) { told.textContent = error.message; }
  }
}
