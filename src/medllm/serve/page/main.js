// Signing in, the views, and the keys.
import { el, byId, fill, button, say } from "./dom.js";
import { get, post, remove } from "./api.js";
import { CaseView } from "./case.js";
import { CompareView } from "./compare.js";
import { libraryView } from "./library.js";
import { texts } from "./texts.js";

const VIEWS = { "/": "case", "/compare": "compare", "/library": "library" };
let session = null;
let caseView = null;
let compareView = null;

const nameOf = () => VIEWS[location.pathname] || "case";

const show = () => {
  const name = nameOf();
  document.title = texts.titles[name];
  fill(byId("views"), el("ul", { role: "list" }, Object.entries(VIEWS).filter(([, view]) => view !== "compare" || session.can_compare).map(([path, view]) =>
    el("li", {}, el("a", { href: path, onclick: go, "aria-current": view === name ? "page" : null }, texts.views[view]))),
  session.has_accounts ? el("li", {}, button(texts.signIn.signOut, signOut, { class: "small" })) : null));
  if (name === "case") fill(byId("view"), caseView.element);
  else if (name === "compare") fill(byId("view"), (compareView ||= new CompareView(session, caseView.note.text)).element);
  else fill(byId("view"), libraryView(session, (found) => caseView.library(found)));
};

const go = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  caseView.panel.close();
  compareView?.panel.close();
  history.pushState(null, "", event.currentTarget.getAttribute("href"));
  show();
  byId("view").focus();
};

let lock = 0;
const restLock = () => {
  clearTimeout(lock);
  if (session?.idle_lock_s) lock = setTimeout(() => window.dispatchEvent(new Event("signed-out")), session.idle_lock_s * 1000);
};

const signOut = async () => { await remove("session"); caseView = compareView = null; location.reload(); };

// A note and its answer are in this page's memory alone: leaving it loses them.
const holdsSomething = () => [caseView?.note.text, caseView?.asked, compareView?.box.value].some((words) => words?.trim());
window.addEventListener("beforeunload", (event) => { if (holdsSomething()) event.preventDefault(); });

const begin = async (found) => {
  // Who signs in again after a lock finds their note; somebody else does not.
  const isSame = session?.user === found.user;
  session = found;
  if (!isSame) { compareView = null; caseView = new CaseView(session); }
  restLock();
  byId("limits").textContent = texts.limits;
  byId("foot").textContent = texts.foot(session.version);
  show();
  try { caseView.library(await get("documents")); } catch (error) { say(error.message); }
};

const field = (id, label, more = {}) => [el("label", { for: id }, label), el("input", { id, required: true, autocomplete: "off", ...more })];

const askToSignIn = (hasAccounts) => {
  const t = texts.signIn;
  document.title = texts.titles.signIn;
  byId("limits").textContent = texts.limits;
  const problem = el("p", { role: "alert", class: "problem" });
  const fields = hasAccounts ? [field("name", t.name), field("password", t.password, { type: "password" })] : field("token", t.label);
  const open = async (event) => {
    event.preventDefault();
    const value = (id) => byId(id)?.value.trim() || "";
    try {
      await begin(await post("session", hasAccounts ? { name: value("name"), password: byId("password").value } : { token: value("token") }));
    } catch (error) { problem.textContent = error.status === 401 ? (hasAccounts ? t.accountWrong : t.wrong) : error.message; }
  };
  fill(byId("views"));
  fill(byId("view"), el("section", { id: "sign-in" }, el("h1", {}, hasAccounts ? t.accountHeading : t.heading),
    el("p", {}, hasAccounts ? t.accountWords : t.words), el("form", { onsubmit: open, class: "stack" }, fields, el("p", {}, el("button", { type: "submit", class: "main" }, t.button))), problem));
};

const start = async () => {
  const token = location.hash.startsWith("#") && !document.getElementById(location.hash.slice(1)) ? decodeURIComponent(location.hash.slice(1)) : "";
  if (token.length > 15) {
    history.replaceState(null, "", location.pathname); // the token stays in no history
    try { await begin(await post("session", { token })); return; } catch { /* asked for below */ }
  }
  try { await begin(await get("session")); } catch (error) { askToSignIn(error.hint.includes("password")); }
};

window.addEventListener("popstate", () => { if (session) show(); });
window.addEventListener("signed-out", () => { caseView?.panel.close(); compareView?.panel.close(); askToSignIn(session?.has_accounts); });
for (const sign of ["keydown", "pointerdown"]) document.addEventListener(sign, restLock);
document.addEventListener("keydown", (event) => { if (caseView && nameOf() === "case" && !event.isComposing) caseView.key(event); });
document.addEventListener("keydown", (event) => { if (event.key !== "Escape" || !compareView || nameOf() !== "compare") return; if (compareView.panel.isOpen) compareView.panel.close(); else compareView.halt(); });
window.addEventListener("beforeprint", () => caseView?.panel.close());
start();
