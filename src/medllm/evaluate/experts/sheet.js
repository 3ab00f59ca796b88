"use strict";
const form = document.querySelector("form");
const store = "medllm-" + form.dataset.sheet;
const status = document.querySelector("[role=status]");
function ratings() {
  const rows = {};
  for (const card of document.querySelectorAll("fieldset.answer")) {
    const row = {};
    for (const input of card.querySelectorAll("input:checked")) row[input.dataset.name] = input.value;
    row.comment = card.querySelector("textarea").value;
    rows[card.dataset.code] = row;
  }
  return rows;
}
function tell() {
  const cards = [...document.querySelectorAll("fieldset.answer")];
  const done = cards.filter((card) => card.querySelectorAll("input:checked").length === Number(form.dataset.columns));
  cards.forEach((card) => card.classList.toggle("done", done.includes(card)));
  status.textContent = done.length + " of " + cards.length + " rated";
}
function keep() {
  try { localStorage.setItem(store, JSON.stringify(ratings())); } catch { /* a browser may refuse: saving to a file still works */ }
  tell();
}
function fill() {
  let rows = {};
  try { rows = JSON.parse(localStorage.getItem(store) || "{}"); } catch { rows = {}; }
  for (const card of document.querySelectorAll("fieldset.answer")) {
    const row = rows[card.dataset.code] || {};
    for (const input of card.querySelectorAll("input")) input.checked = row[input.dataset.name] === input.value;
    card.querySelector("textarea").value = row.comment || "";
  }
  tell();
}
form.addEventListener("input", keep);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = { format: 1, rater: form.dataset.rater, sheet: form.dataset.sheet, ratings: ratings() };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
  link.download = form.dataset.rater + ".json";
  link.click();
  URL.revokeObjectURL(link.href);
  status.textContent += ", saved to a file";
});
fill();
