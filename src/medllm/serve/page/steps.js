// The four steps with their times.
import { el, fill } from "./dom.js";
import { texts } from "./texts.js";

const t = texts.steps;
const NAMES = ["findings", "patients", "articles", "summary"];

export class Steps {
  constructor() {
    this.rows = Object.fromEntries(NAMES.map((name) => [name, { state: el("span", { class: "step-state" }), time: el("span", { class: "step-time" }), line: el("li", {}) }]));
    for (const name of NAMES) fill(this.rows[name].line, el("a", { class: "step-name", href: `#${name}` }, t.names[name]), " ", this.rows[name].state, " ", this.rows[name].time);
    this.queue = el("p", { class: "hint", role: "status" });
    this.element = el("section", { id: "steps", "aria-label": t.heading, hidden: true }, el("ol", { role: "list", class: "steps" }, NAMES.map((name) => this.rows[name].line)), this.queue);
  }

  start() {
    this.element.hidden = false;
    this.begun = performance.now();
    this.at = 0;
    for (const name of NAMES) this.set(name, "waiting", "");
    this.set(NAMES[0], "running", "");
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), 100);
  }

  set(name, state, time) {
    const row = this.rows[name];
    row.line.dataset.state = state;
    row.state.textContent = t[state];
    row.time.textContent = time;
  }

  tick() {
    const name = NAMES[this.at];
    if (name) this.rows[name].time.textContent = t.seconds((performance.now() - this.begun) / 1000);
  }

  queued(place) {
    this.queue.textContent = t.queued(place);
  }

  end(name, state = "done") {
    this.queue.textContent = "";
    this.set(name, state, t.seconds((performance.now() - this.begun) / 1000));
    this.begun = performance.now();
    this.at = NAMES.indexOf(name) + 1;
    if (this.at < NAMES.length) this.set(NAMES[this.at], "running", "");
  }

  finish(state) {
    clearInterval(this.timer);
    this.queue.textContent = "";
    const name = NAMES[this.at];
    if (name) this.set(name, state, t.seconds((performance.now() - this.begun) / 1000));
    this.at = NAMES.length;
  }

  hide() { clearInterval(this.timer); this.element.hidden = true; }
}
