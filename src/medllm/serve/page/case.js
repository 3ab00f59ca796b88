// The case view: from a note to its answer, step by step.
import { el, byId, dateOf, fill, button, notice, say, section } from "./dom.js";
import { events, Refusal } from "./api.js";
import { basisView } from "./basis.js";
import { sentenceRater, wholeView } from "./feedback.js";
import { Corrections, findingsView, noteView } from "./findings.js";
import { NoteArea } from "./note.js";
import { Panel, claimsView, claimView, copy, hitsView, isHeld, paperSources } from "./results.js";
import { Steps } from "./steps.js";
import { texts } from "./texts.js";

const s = texts.states;

export class CaseView {
  constructor(session) {
    this.session = session;
    this.panel = new Panel();
    this.corrections = new Corrections();
    this.note = new NoteArea(session, { analyse: () => this.analyse(), stop: () => this.stop(), clear: () => this.clear(), changed: () => this.compareWithNote() });
    this.steps = new Steps();
    this.problem = el("div", { id: "problem", role: "alert" });
    this.banner = el("div", { id: "banner" });
    this.changed = el("div", { id: "changed", role: "status" });
    this.parts = Object.fromEntries(["note", "findings", "patients", "articles", "summary", "feedback", "basis"].map((name) => [name, el("div", {})]));
    this.result = el("div", { id: "result" }, el("p", { class: "none", id: "empty" }, s.empty));
    this.element = el("div", {}, this.banner, this.note.element, this.steps.element, this.problem, this.changed, this.result);
    this.running = null;
    this.reset();
  }

  reset() {
    this.asked = "";
    this.answer = null;
    this.found = { findings: [], patients: null, articles: null, evidence: [], claims: [] };
    this.panel.close();
    this.panel.evidence = [];
    this.panel.claims = [];
  }

  clear() {
    this.stop();
    this.reset();
    this.corrections.clear();
    this.note.take("");
    this.steps.hide();
    fill(this.problem);
    fill(this.result, el("p", { class: "none", id: "empty" }, s.empty));
  }

  // An answer must not be taken for that of another description.
  compareWithNote() {
    const isOther = this.asked && !this.running && this.note.text !== this.asked;
    fill(this.changed, isOther ? notice(texts.note.changed) : null);
  }

  stop() { if (this.running) this.running.abort("stopped"); }

  async analyse() {
    if (this.running) return;
    fill(this.problem);
    fill(this.note.problem);
    fill(this.changed);
    if (!this.note.text.trim()) { this.note.complain(texts.note.empty); this.note.box.focus(); return; }
    if (this.note.isTooLong) { this.note.chooseParts(); return; }
    if (this.note.text !== this.asked) this.corrections.clear();
    this.reset();
    // What the server counts from: line ends as it makes them.
    this.asked = this.note.text;
    this.shown = this.asked.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    this.corrections.markSent();
    for (const part of Object.values(this.parts)) fill(part);
    fill(this.result, Object.values(this.parts));
    await this.walk();
  }

  async walk() {
    this.running = new AbortController();
    byId("live").replaceChildren();
    this.note.stop.disabled = false;
    this.note.analyse.disabled = true;
    this.steps.start();
    try {
      await events("ask", { note: this.asked, corrections: this.corrections.body }, this.running.signal, (name, data) => this.take(name, data));
      if (!this.answer && !this.hasFailed) throw new Refusal(0, { error: s.lost });
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = null;
      this.hasFailed = false;
      this.note.stop.disabled = true;
      this.note.analyse.disabled = false;
    }
  }

  take(name, data) {
    if (name === "queued") this.steps.queued(data.place);
    else if (name === "findings") this.takeFindings(data.findings);
    else if (name === "patients") { this.found.patients = data.patients; this.steps.end("patients"); }
    else if (name === "articles") { this.found.articles = data.articles; this.steps.end("articles"); }
    else if (name === "evidence") this.takeEvidence(data.evidence);
    else if (name === "claim") this.takeClaim(data.claim);
    else if (name === "done") this.end(data);
    else if (name === "failed") { this.hasFailed = true; this.fail(new Refusal(0, data)); }
    if (name === "patients" || name === "articles") this.drawHits();
  }

  takeFindings(findings) {
    this.found.findings = findings;
    this.steps.end("findings");
    fill(this.parts.note, noteView(this.shown, findings));
    fill(this.parts.findings, findingsView(this.shown, findings, this.corrections, () => this.analyse()));
  }

  drawHits() {
    const { patients, articles, evidence } = this.found;
    if (patients) fill(this.parts.patients, hitsView("patients", patients, evidence, this.panel));
    if (articles) fill(this.parts.articles, hitsView("articles", articles, evidence, this.panel));
  }

  takeEvidence(evidence) {
    this.found.evidence = evidence;
    this.panel.evidence = evidence;
    this.drawHits();
    this.list = el("ol", { role: "list", class: "claims" });
    fill(this.parts.summary, section("summary", texts.summary.heading, el("p", { class: "hint", id: "writing" }, texts.summary.writing), this.list));
  }

  takeClaim(claim) {
    this.found.claims.push(claim);
    this.panel.claims = this.found.claims;
    this.list.append(claimView(claim, this.found.claims.length, this.found.evidence, this.panel, null));
    say(`${claim.text} ${isHeld(claim) ? "" : texts.summary.notHeld[claim.verdict] || claim.verdict}`);
  }

  end(answer) {
    this.answer = answer;
    this.found.evidence = answer.evidence;
    this.panel.evidence = answer.evidence;
    // The page shows and counts sentences section by section; citations and feedback go by the answer's order.
    this.panel.claims = answer.summary.claims;
    this.steps.finish(answer.state === "partial" ? "failed" : answer.state === "no evidence" ? "skipped" : "done");
    this.drawSummary(answer);
    fill(this.parts.feedback, wholeView(this.session, answer.id));
    fill(this.parts.basis, basisView(answer));
    say(answer.state === "complete" ? s.done(answer.summary.claims.length) : this.why(answer));
  }

  why(answer) {
    const { abstained, incomplete } = answer.summary;
    if (/longest length|more than it was asked/.test(incomplete)) return s.truncated;
    if (incomplete) return s.partial(incomplete.replace(/[. ]+$/, ""));
    if (!answer.patients.length && !answer.articles.length) return s.nothingFound;
    return answer.evidence.length ? `${abstained}.` : s.noEvidence(`${Math.round(this.session.threshold * 100)} %`);
  }

  drawSummary(answer) {
    const { claims, model, not_found: missing } = answer.summary;
    const t = texts.summary;
    const bad = claims.filter((claim) => !isHeld(claim)).length;
    const who = model === "extractive" ? t.extractive : t.written(model);
    const wasMended = claims.some((claim) => !this.found.claims.some((old) => old.text === claim.text));
    const isDown = answer.state === "partial" && !claims.length;
    const preface = claims.length ? el("p", { class: "hint" }, `${who} ${t.checked(bad, claims.length)}${wasMended && this.found.claims.length ? ` ${s.mended}` : ""}`) : null;
    const lacks = missing.length ? el("p", { class: "not-found" }, el("strong", {}, t.notFound), missing.flatMap((name, at) => [at ? ", " : "", el("bdi", {}, name)])) : null;
    const copied = el("span", { class: "hint", role: "status" });
    const take = async () => { copied.textContent = (await copy(answer)) ? t.copied : t.notCopied; };
    const page = el("a", { class: "button", href: `/api/v1/answers/${answer.id}/page`, download: "" }, t.download);
    fill(this.parts.summary, section("summary", t.heading,
      answer.state === "complete" ? null : el("div", { class: "notice" }, el("p", {}, this.why(answer)), isDown ? el("p", {}, s.backendDown) : null, isDown ? button(texts.errors.again, () => this.analyse()) : null),
      preface, claimsView(claims, answer.evidence, this.panel, sentenceRater(this.session, answer.id)), lacks,
      el("p", { class: "acts" }, button(t.copy, take), " ", button(t.print, () => window.print()), " ", page, " ", copied),
      claims.length ? el("p", { class: "keys" }, t.keys) : null), paperSources(answer.evidence));
  }

  fail(error) {
    const isStop = error === "stopped" || error?.name === "AbortError";
    this.steps.finish(isStop ? "stopped" : "failed");
    byId("writing")?.replaceWith(notice(isStop ? s.stopped : s.failed));
    const words = isStop ? s.stopped : error instanceof Refusal ? error.message : s.lost;
    const wait = error.retryAfter ? ` ${s.busy(error.retryAfter)}` : "";
    const kept = !isStop && this.found.patients ? ` ${s.failed}` : "";
    const hint = error.hint && !wait ? ` ${error.hint}.` : "";
    const told = `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!]$/.test(words) ? "" : "."}${hint}${wait}${kept}`;
    if (error.status === 413) { this.note.chooseParts(); return; }
    if (error.status === 401) { window.dispatchEvent(new Event("signed-out")); return; }
    const id = error.id ? texts.errors.id(error.id) : "";
    fill(this.problem, notice(told, id, " ", isStop ? null : button(texts.errors.again, () => this.analyse())));
    if (!this.found.findings.length && !this.found.patients) fill(this.result, el("p", { class: "none", id: "empty" }, s.empty));
  }

  // Called with what the library says now.
  library(found) {
    fill(this.banner, found.is_stale ? notice(s.stale(dateOf(found.changed))) : null,
      this.answer && this.answer.index_version !== found.index_version ? notice(s.indexChanged) : null);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.analyse(); return; }
    if (event.key === "Escape") { if (this.panel.isOpen) this.panel.close(); else this.stop(); return; }
    const isTyping = event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey;
    // What is selected in the note is added; without a selection the words can be typed.
    const words = event.key === "+" && !isTyping ? byId("add-words") : null;
    if (words) { event.preventDefault(); if (words.value && !getSelection().isCollapsed) words.form.requestSubmit(); else words.focus(); }
    if (!isTyping && /^[1-9]$/.test(event.key)) this.panel.open(Number(event.key), null, null);
  }
}
