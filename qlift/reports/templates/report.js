// Filters and "show more" of the tables; without it everything is shown.
"use strict";
document.querySelectorAll("[data-table]").forEach((block) => {
  const rows = Array.from(block.querySelectorAll("tbody tr"));
  const step = Number(block.dataset.step);
  const fields = Array.from(block.querySelectorAll("[data-key]"));
  const found = block.querySelector("[data-found]");
  const more = block.querySelector("[data-more]");
  const nothing = block.querySelector("[data-nothing]");
  const clear = block.querySelector("[data-clear]");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  let shown = step;

  function matches(row, place) {
    return fields.every((field) => {
      if (!field.value) return true;
      if (field.dataset.key === "text") return texts[place].includes(field.value.trim().toLowerCase());
      return JSON.parse(row.getAttribute("data-" + field.dataset.key)).includes(field.value);
    });
  }
  function draw() {
    let count = 0;
    rows.forEach((row, place) => {
      const fits = matches(row, place);
      if (fits) count += 1;
      row.hidden = !fits || count > shown;
    });
    if (found) found.textContent = count.toLocaleString("en") + (count === 1 ? " row" : " rows");
    if (more) {
      more.hidden = count <= shown;
      more.querySelector("span").textContent = Math.min(shown, count) + " of " + count.toLocaleString("en") + " shown";
    }
    if (nothing) nothing.hidden = count > 0;
    if (clear) clear.hidden = fields.every((field) => !field.value);
  }
  fields.forEach((field) => field.addEventListener("input", () => { shown = step; draw(); }));
  if (more) more.querySelector("button").addEventListener("click", () => { shown += 4 * step; draw(); });
  if (clear) clear.addEventListener("click", () => {
    fields.forEach((field) => { field.value = ""; });
    shown = step;
    draw();
    fields[0].focus();
  });
  block.setFilter = (key, value) => {
    fields.forEach((field) => { field.value = field.dataset.key === key ? value : ""; });
    shown = step;
    draw();
  };
});
document.querySelectorAll("[data-set]").forEach((link) => {
  link.addEventListener("click", () => {
    const block = document.querySelector(link.getAttribute("href") + " [data-table]");
    block.setFilter(link.dataset.set, link.dataset.value);
  });
});
let closed = [];
addEventListener("beforeprint", () => {
  closed = Array.from(document.querySelectorAll("details:not([open])"));
  closed.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => closed.forEach((part) => { part.open = false; }));
