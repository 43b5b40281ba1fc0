"use strict";

// The timeline's filter: by importance, process, kind and text. Without this script every line is shown.
for (const timeline of document.querySelectorAll(".timeline")) {
  const form = timeline.querySelector("form");
  const told = timeline.querySelector("output");
  const rows = [...timeline.querySelectorAll("tbody tr")];
  const words = rows.map((row) => row.textContent.toLowerCase());

  const show = () => {
    const { text, process, group, minor } = form.elements;
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      const fits =
        (minor.checked || !("minor" in row.dataset)) &&
        (!process.value || row.dataset.process === process.value) &&
        (!group.value || row.dataset.group === group.value) &&
        wanted.every((word) => words[place].includes(word));
      row.hidden = !fits;
      shown += fits;
    });
    told.value = `${shown} of ${rows.length} lines`;
  };

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  form.hidden = false;
  show();
}

// A finding leads to the events that show it, even where a filter hides them.
const reveal = () => {
  const row = document.getElementById(location.hash.slice(1));
  if (row && row.hidden) {
    const form = row.closest(".timeline").querySelector("form");
    form.reset();
    form.elements.minor.checked = true;
    form.dispatchEvent(new Event("input"));
  }
  if (row) row.scrollIntoView({ block: "center" });
};
addEventListener("hashchange", reveal);
if (location.hash) reveal();

// On paper there is nothing to open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
