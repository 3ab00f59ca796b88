// What is indexed; adding and deleting.
import { el, fill, button, dateOf, facts, notice, say, section } from "./dom.js";
import { get, post, upload } from "./api.js";
import { texts } from "./texts.js";

const t = texts.library;
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

const years = (counts) => {
  const rows = Object.entries(counts).sort(([a], [b]) => b - a);
  if (!rows.length) return null;
  const most = Math.max(...rows.map(([, n]) => n));
  const line = ([year, n]) => el("tr", {}, el("th", { scope: "row" }, year), el("td", {}, n.toLocaleString("en")), el("td", {}, el("meter", { min: 0, max: most, value: n, "aria-label": `${year}: ${n}` })));
  return el("details", { open: rows.length <= 12 }, el("summary", {}, t.years), el("table", {},
    el("thead", {}, el("tr", {}, [t.year, t.documents, ""].map((h) => h ? el("th", { scope: "col" }, h) : el("td", {})))), el("tbody", {}, rows.map(line))));
};

const jobView = (box) => {
  const told = el("p", { role: "status" });
  const stop = button(t.cancel, null, { class: "cancel" });
  const bar = el("progress", { "aria-label": t.add });
  const problems = el("div", {});
  fill(box, el("p", {}, bar, " ", stop), told, problems);
  return async (job) => {
    stop.onclick = () => post(`jobs/${job.id}/cancel`, {}).catch((error) => { told.textContent = error.message; });
    while (job.state === "waiting" || job.state === "running") {
      told.textContent = `${t.jobStates[job.state]}: ${job.what === "add" ? t.progress(job) : ""}`;
      await pause(300);
      job = await get(`jobs/${job.id}`);
    }
    bar.remove(); stop.remove();
    const words = job.what === "add" ? t.progress(job) : t.deleted(job.deleted);
    told.textContent = `${t.jobStates[job.state]}. ${job.error ? `${job.error}. ${job.hint}` : words}`;
    if (job.problems.length) fill(problems, el("p", {}, t.problems), el("ul", {}, job.problems.map((p) => el("li", {}, p))));
    return job;
  };
};

const follow = async (box, start, after) => {
  const watch = jobView(box);
  try {
    await watch(await start());
    await after();
  } catch (error) {
    fill(box, notice(`${error.message}. ${error.hint || ""}`));
    say(error.message);
  }
};

const addForm = (refresh) => {
  const file = el("input", { type: "file", id: "add-file", required: true });
  const kind = el("select", { id: "add-kind-of" }, [["auto", t.auto], ["articles", t.articles], ["patients", t.patients]].map(([value, label]) => el("option", { value }, label)));
  const box = el("div", {});
  const go = (event) => {
    event.preventDefault();
    const chosen = file.files[0];
    if (!chosen) return;
    const format = /\.(txt|md)$/i.test(chosen.name) ? "text" : "auto";
    follow(box, () => upload(`documents/add?kind=${kind.value}&format=${format}`, chosen), refresh);
  };
  return section("add", t.add, el("p", { class: "hint" }, t.addHint), el("form", { onsubmit: go, class: "stack" },
    el("label", { for: "add-file" }, t.file), file, el("label", { for: "add-kind-of" }, t.kindOf), kind, el("p", {}, el("button", { type: "submit" }, t.send))), box);
};

const deleteForm = (refresh) => {
  const ids = el("textarea", { id: "ids", rows: 3 });
  const box = el("div", {});
  const go = (event) => {
    event.preventDefault();
    const wanted = ids.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!wanted.length) return;
    const yes = button(t.delSend, () => follow(box, () => post("documents/delete", { ids: wanted }), refresh), { class: "main" });
    fill(box, el("p", {}, `${t.sure(wanted.length)} `, yes, " ", button(t.cancel, () => fill(box))));
    yes.focus();
  };
  return section("delete", t.del, el("p", { class: "hint" }, t.delHint), el("form", { onsubmit: go, class: "stack" },
    el("label", { for: "ids" }, t.ids), ids, el("p", {}, el("button", { type: "submit" }, t.delSend))), box);
};

const counts = (library, ready) => {
  const total = Object.values(library.documents).reduce((a, b) => a + b, 0);
  const dated = Object.values(library.years).reduce((a, b) => a + b, 0);
  const rows = [[t.patients, library.documents.patients], [t.articles, library.documents.articles], [t.passages, library.passages], [t.retracted, library.retracted]];
  return [library.is_stale ? notice(texts.states.stale(dateOf(library.changed))) : null, total ? null : notice(t.empty),
    facts([...rows.map(([name, n]) => [name, n.toLocaleString("en")]), [t.made, dateOf(library.created)], [t.changed, dateOf(library.changed)], [t.encoder, library.encoder]]),
    years(library.years), total > dated ? el("p", { class: "hint" }, t.before(total - dated)) : null,
    el("h2", { id: "health" }, t.health), facts(ready.parts.map((part) => [part.name, `${t.states[part.state]}: ${part.detail}`]))];
};

export const libraryView = (session, changed) => {
  const box = el("div", {});
  const refresh = async () => {
    try {
      const [library, ready] = await Promise.all([get("documents"), get("health/ready")]);
      fill(box, counts(library, ready));
      changed(library);
    } catch (error) { fill(box, notice(`${error.message}. ${error.hint || ""}`)); }
  };
  refresh();
  const may = session.role === "admin" || session.role === "engineer";
  return el("div", {}, el("h1", {}, t.heading), el("p", { class: "hint" }, t.hint), box, may ? [addForm(refresh), deleteForm(refresh)] : null);
};
