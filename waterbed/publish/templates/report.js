"use strict";
(() => {
  const table = document.getElementById("rows");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const more = document.getElementById("more");
  const find = document.getElementById("find");
  const FIRST = 30;
  let all = rows.length <= FIRST;

  const show = () => {
    const wanted = find ? find.value.trim().toLowerCase() : "";
    let shown = 0;
    let matches = 0;
    for (const row of body.rows) {
      const match = !wanted || row.cells[1].textContent.toLowerCase().includes(wanted);
      matches += match;
      row.hidden = !match || (!all && !wanted && shown >= FIRST);
      shown += !row.hidden;
    }
    if (find) document.getElementById("found").textContent = wanted ? matches + " of " + rows.length : "";
    if (more) more.parentElement.hidden = all || wanted !== "";
  };

  const sort = (column, kind, descending) => {
    const value = (row) => row.cells[column].dataset.value;
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      // Rows without a value come last, whichever way the others go.
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = kind === "number" ? x - y : x.localeCompare(y);
      return descending ? -order : order;
    });
    body.append(...rows);
    show();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      // Counts and shares are first asked for from the top; places and names from the beginning.
      const descending = now ? now === "ascending" : column > 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(column, head.dataset.sort, descending);
    });
  });
  if (find) {
    find.parentElement.hidden = false;
    find.addEventListener("input", show);
  }
  if (more) more.addEventListener("click", () => { all = true; show(); });
  window.addEventListener("beforeprint", () => { all = true; show(); });
  show();
})();
