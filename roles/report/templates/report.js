"use strict";
// The page is whole without this: it adds sorting and filtering to the table of instances, and opens all when printed.
(function () {
  const table = document.querySelector("table[data-sortable]");
  if (table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const heads = Array.from(table.tHead.rows[0].cells);
    const value = (row, column) => {
      const cell = row.cells[column];
      const number = cell.dataset.v;
      if (number === undefined) return cell.textContent.trim().toLowerCase();
      return number === "" ? null : Number(number);
    };
    // What is not known stays at the end, whichever way the others run.
    const compare = (a, b, sign) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = head.title || "Sort";
      head.textContent = "";
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        // Numbers are looked at from the largest on.
        const first = head.classList.contains("n") ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach((each) => each.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const sorted = rows.map((row, at) => [value(row, column), at, row]);
        sorted.sort((a, b) => compare(a[0], b[0], sign) || a[1] - b[1]);
        body.append(...sorted.map((entry) => entry[2]));
      });
    });
    const tools = document.querySelector("[data-tools]");
    const filter = tools.querySelector("[data-filter]");
    const trouble = tools.querySelector("[data-trouble]");
    const count = tools.querySelector("[data-count]");
    const texts = rows.map((row) => Array.from(row.cells).slice(0, 5).map((cell) => cell.textContent).join(" ").toLowerCase());
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, at) => {
        const fits = words.every((word) => texts[at].includes(word)) && (!trouble.checked || row.classList.contains("trouble"));
        row.hidden = !fits;
        shown += fits;
      });
      count.textContent = shown === rows.length ? rows.length + " shown" : shown + " of " + rows.length + " shown";
    };
    filter.addEventListener("input", apply);
    trouble.addEventListener("change", apply);
    tools.hidden = false;
    apply();
  }
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach((each) => { each.open = true; });
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((each) => { each.open = false; });
  });
})();
