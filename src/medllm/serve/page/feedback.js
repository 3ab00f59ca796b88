// What the user thinks of a sentence, or of the whole.
import { el, button, say, section } from "./dom.js";
import { post } from "./api.js";
import { texts } from "./texts.js";

const t = texts.feedback;

const send = async (body, done) => {
  try {
    await post("feedback", body);
    say(t.thanks);
    done(t.thanks);
  } catch (error) {
    say(t.failed + error.message);
    done(t.failed + error.message);
  }
};

// Gives a function that makes the buttons of a sentence.
export const sentenceRater = (session, answerId) => (number) => {
  if (!session.stores_feedback) return null;
  const box = el("span", { class: "rate", role: "group", "aria-label": t.heading });
  const marks = { right: "✓", wrong: "✗", unclear: "?" };
  for (const [rating, mark] of Object.entries(marks)) {
    const press = (event) => {
      for (const other of box.children) other.setAttribute("aria-pressed", "false");
      event.currentTarget.setAttribute("aria-pressed", "true");
      send({ answer: answerId, claim: number, rating }, () => {});
    };
    box.append(button(mark, press, { class: "small", "aria-pressed": "false", "aria-label": t.label(t.sentence[rating], number), title: t.sentence[rating] }));
  }
  return box;
};

export const wholeView = (session, answerId) => {
  if (!session.stores_feedback) return section("feedback", t.heading, el("p", { class: "hint" }, t.off));
  const comment = el("textarea", { id: "comment", rows: 2, maxlength: 4000 });
  const keep = el("input", { type: "checkbox", id: "keep" });
  const told = el("p", { class: "hint" });
  const give = (rating) => () => send({ answer: answerId, rating, comment: comment.value, with_note: keep.checked }, (words) => { told.textContent = words; });
  return section("feedback", t.heading, el("label", { for: "comment" }, t.comment), comment,
    el("p", {}, keep, " ", el("label", { for: "keep" }, t.withNote)),
    el("p", { class: "acts" }, button(t.useful, give("useful")), " ", button(t["not useful"], give("not useful"))), told);
};
