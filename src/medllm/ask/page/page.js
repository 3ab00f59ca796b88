"use strict";
// Opens a source beside the text. Everything works without this, by anchors.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const panel = byId("sources");
  const place = byId("sources-place");
  const keys = byId("keys");
  const close = byId("close");
  let opener = null;

  const isOpen = () => root.classList.contains("open");

  const unmark = () => {
    for (const name of ["current", "asking"]) {
      for (const old of document.querySelectorAll("." + name)) old.classList.remove(name);
    }
  };

  // Keeps what is being read where it is while the page makes room for the panel.
  const steady = (element, change) => {
    const before = element ? element.getBoundingClientRect().top : 0;
    change();
    if (element) window.scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
  };

  const uncover = (element) => {
    const room = panel.getBoundingClientRect();
    const line = element.getBoundingClientRect();
    const floor = room.left > 1 ? window.innerHeight : room.top;
    if (line.bottom > floor || line.top < 0) {
      window.scrollBy({ top: line.bottom - floor + 24, behavior: "instant" });
    }
  };

  const show = (number, anchor, link) => {
    const source = byId("source-" + number);
    if (!source) return;
    unmark();
    if (!isOpen()) {
      opener = link || document.activeElement;
      place.style.minHeight = place.offsetHeight + "px";
      steady(link, () => root.classList.add("open"));
      close.hidden = false;
    } else if (link) {
      opener = link;
    }
    source.classList.add("current");
    const marks = anchor ? panel.querySelectorAll('mark[data-of~="' + anchor + '"]') : [];
    for (const mark of marks) mark.classList.add("current");
    if (link && link.closest("li")) link.closest("li").classList.add("asking");
    const target = marks[0] || byId("source-" + number + "-heading");
    target.focus({ preventScroll: true });
    source.scrollIntoView({ block: "start", behavior: "instant" });
    const head = panel.querySelector(".bar").offsetHeight;
    const sentence = target.getBoundingClientRect();
    const view = panel.getBoundingClientRect();
    if (sentence.bottom > view.bottom - 16 || sentence.top < view.top + head) {
      panel.scrollBy({ top: sentence.top - view.top - head - view.height / 4, behavior: "instant" });
    }
    if (link) uncover(link);
  };

  const hide = (refocus) => {
    if (!isOpen()) return;
    steady(refocus ? opener : null, () => root.classList.remove("open"));
    place.style.minHeight = "";
    close.hidden = true;
    unmark();
    if (refocus && opener && opener !== document.body) opener.focus({ preventScroll: true });
    else if (refocus && document.activeElement) document.activeElement.blur();
    opener = null;
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a");
    if (!link) return;
    if (link.dataset.source) {
      event.preventDefault();
      show(link.dataset.source, link.hash.startsWith("#sentence-") ? link.hash.slice(1) : "", link);
    } else if (link.classList.contains("back") && window.matchMedia("(max-width: 63.99rem)").matches) {
      hide(false);
    } else if (link.hash === "#sources") {
      hide(false);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      hide(true);
    } else if (keys && keys.checked && /^[1-9]$/.test(event.key) && !event.target.closest("input:not([type=checkbox]), textarea, select")) {
      show(event.key, "", null);
    }
  });

  close.addEventListener("click", () => hide(true));
  window.addEventListener("beforeprint", () => hide(false));
  for (const note of document.querySelectorAll(".keys")) note.hidden = false;
})();
