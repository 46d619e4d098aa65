"use strict";
// Tables that can be sorted by their headings, cut short, and searched by name. Without this script all rows are there.
// A table with data-state keeps in the address what was asked: #sort=removed&descending&find=words.
(() => {
  const named = (table) => table.dataset.noun;

  const prepare = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const first = Number(table.dataset.rows || rows.length);
    let all = rows.length <= first;
    let wanted = "";

    const more = document.createElement("p");
    const find = document.createElement("p");
    const status = document.createElement("span");

    const show = () => {
      let shown = 0;
      let matches = 0;
      for (const row of body.rows) {
        const match = !wanted || row.querySelector("th").textContent.toLowerCase().includes(wanted);
        matches += match;
        row.hidden = !match || (!all && !wanted && shown >= first);
        shown += !row.hidden;
      }
      status.textContent = wanted ? matches + " of " + rows.length : "";
      more.hidden = all || wanted !== "";
    };

    const asked = new Map();
    const keep = () => {
      if (!("state" in table.dataset)) return;
      const text = [...asked].map(([name, value]) => name + (value && "=" + encodeURIComponent(value))).join("&");
      history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
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
      if (!head.dataset.sort) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        order(column, now ? now === "ascending" : head.dataset.first === "descending");
        asked.set("sort", head.dataset.name || "");
        asked.delete("descending");
        if (head.getAttribute("aria-sort") === "descending") asked.set("descending", "");
        keep();
      });
    });
    const input = document.createElement("input");
    const search = (words) => { wanted = words.trim().toLowerCase(); show(); };
    const order = (column, descending) => {
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(column, heads[column].dataset.sort, descending);
    };
    const read = () => {
      const words = new URLSearchParams(location.hash.slice(1));
      const column = heads.findIndex((head) => head.dataset.name && head.dataset.name === words.get("sort"));
      if (column >= 0) {
        asked.set("sort", words.get("sort"));
        asked.delete("descending");
        if (words.has("descending")) asked.set("descending", "");
        order(column, words.has("descending"));
      }
      if (words.has("find") && find.isConnected) {
        input.value = words.get("find");
        asked.set("find", input.value);
        search(input.value);
      }
    };

    if (named(table) && rows.length > 12) {
      const label = document.createElement("label");
      input.type = "search";
      input.autocomplete = "off";
      label.append("Find a " + named(table) + " ", input);
      status.setAttribute("role", "status");
      find.className = "find";
      find.append(label, " ", status);
      table.before(find);
      input.addEventListener("input", () => {
        search(input.value);
        asked.delete("find");
        if (input.value) asked.set("find", input.value);
        keep();
      });
    }
    if (!all) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Show all " + rows.length + " rows";
      button.addEventListener("click", () => { all = true; show(); });
      more.className = "more";
      more.append(button);
      table.after(more);
    }
    window.addEventListener("beforeprint", () => { all = true; show(); });
    show();
    if ("state" in table.dataset) {
      read();
      window.addEventListener("hashchange", read);
    }
  };

  document.querySelectorAll("table.sortable").forEach(prepare);
})();
