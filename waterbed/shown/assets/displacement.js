"use strict";
// Filters the page's cells by what the form says, draws figures and tables anew, and keeps the choice in the address.
// The page as it comes shows all hops between hosters; without this script it stays so.
(() => {
  const data = JSON.parse(document.getElementById("hops").textContent);
  const form = document.getElementById("filter");
  const LEVELS = [...form.elements.level].map((button) => button.value);
  const FIRST = 25;
  let all = false;

  const boxes = () => [...form.querySelectorAll("input[name=passage]")];
  const slug = (word) => word.replaceAll(" ", "-");

  const chosen = () => {
    const [first, last] = [Number(form.elements.first.value), Number(form.elements.last.value)];
    return {
      level: form.elements.level.value,
      first: Math.min(first, last),
      last: Math.max(first, last),
      passages: new Set(boxes().filter((box) => box.checked).map((box) => Number(box.value))),
    };
  };

  // level=as&first=2026-W12&last=2026-W14&passage=leaves-home,stays-home; what is not named is as on a page just opened.
  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    const week = (name, otherwise) => Math.max(data.weeks.indexOf(words.get(name)), -1) + 1 || otherwise + 1;
    form.elements.level.value = LEVELS.includes(words.get("level")) ? words.get("level") : LEVELS[0];
    form.elements.first.value = week("first", 0) - 1;
    form.elements.last.value = week("last", data.weeks.length - 1) - 1;
    const ways = words.has("passage") ? words.get("passage").split(",") : null;
    for (const box of boxes()) box.checked = !ways || ways.includes(slug(data.passages[box.value]));
  };

  const write = (now) => {
    const words = new URLSearchParams();
    if (now.level !== LEVELS[0]) words.set("level", now.level);
    if (now.first > 0) words.set("first", data.weeks[now.first]);
    if (now.last < data.weeks.length - 1) words.set("last", data.weeks[now.last]);
    const ways = [...now.passages].map((at) => slug(data.passages[at]));
    if (ways.length < boxes().length) words.set("passage", ways.join(","));
    const text = words.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  };

  const count = (value) => {
    const whole = Math.abs(value - Math.round(value)) < 0.05;
    const digits = whole ? 0 : 1;
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + count(Math.abs(value));

  const cell = (tag, content, css, name) => {
    const made = document.createElement(tag);
    if (tag === "th") made.scope = "row";
    if (css) made.className = css;
    if (name) made.dataset.label = name;
    made.append(content);
    return made;
  };

  const named = (level, key) => {
    const text = document.createElement("bdi");
    text.textContent = key === null ? "other " + data.levels[level].plural : data.levels[level].keys[key].name;
    const sheet = key === null ? "" : data.levels[level].keys[key].sheet || "";
    if (!sheet) return text;
    const link = document.createElement("a");
    link.href = form.dataset.root + sheet;
    link.append(text);
    return link;
  };

  const way = (passage) => {
    const part = document.createDocumentFragment();
    const mark = document.createElement("i");
    mark.className = `area w${passage}`;
    part.append(mark, data.passages[passage]);
    return part;
  };

  const fill = (id, rows) => {
    document.getElementById(id).tBodies[0].replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells);
      return row;
    }));
  };

  const tables = (now, rows, places) => {
    fill("flows", (all ? rows : rows.slice(0, FIRST)).map((row) => [
      cell("th", named(now.level, row.from)), cell("th", named(now.level, row.to)), cell("td", way(row.passage), "way"),
      cell("td", count(row.hops), "n strong", "hops"), cell("td", count(row.certain), "n", "certain"),
      cell("td", count(row.most), "n", "at most"),
      cell("td", hopFlows.evidence(data, row.evidence), "by"),
    ]));
    fill("places", places.map((one) => [
      cell("th", named(now.level, one.key)), cell("td", count(one.arrived), "n"), cell("td", count(one.left), "n"),
      cell("td", signed(one.arrived - one.left), "n strong"), cell("td", `${signed(one.low)} to ${signed(one.high)}`, "n"),
      cell("td", one.low > 0 ? "sink" : one.high < 0 ? "source" : "either"),
    ]));
    const more = document.getElementById("more");
    more.parentElement.hidden = all || rows.length <= FIRST;
    more.textContent = `Show all ${rows.length} flows`;
  };

  const said = (now, rows) => {
    const sum = (name, kept) => rows.filter(kept).reduce((total, row) => total + row[name], 0);
    const [inside, most] = [sum("hops", () => true), sum("most", () => true)];
    const unnamed = sum("hops", (row) => row.from === null || row.to === null);
    const parts = [`${count(inside)} hops, ${count(sum("certain", () => true))} of them certain`];
    if (unnamed) parts.push(`${count(unnamed)} between ${data.levels[now.level].plural} of which one or both are not named`);
    if (most > inside) parts.push(`up to ${count(most - inside)} more, whose weeks are only known to reach into these`);
    document.getElementById("said").textContent = parts.join("; ") + ".";
  };

  const draw = (name, made) => {
    for (const [css, width] of [["wide", hopFigures.WIDE], ["narrow", hopFigures.NARROW]]) {
      hopFigures.show(document.querySelector(`#figure-${name} .drawing.${css}`), made(width));
    }
  };

  const show = () => {
    const now = chosen();
    const rows = hopFlows.flows(data, now);
    const places = hopFlows.places(rows);
    tables(now, rows, places);
    said(now, rows);
    draw("weeks", (width) => hopFigures.weeks(data, now, width));
    draw("sankey", (width) => hopFigures.sankey(data, now.level, rows, width));
    draw("network", (width) => hopFigures.network(data, now.level, rows, places, width));
  };

  // Shows as many weeks later or earlier as are shown; from all weeks it goes to the first or the last one.
  const step = (by) => {
    const { first, last } = chosen();
    const end = data.weeks.length - 1;
    const whole = first === 0 && last === end;
    const long = whole ? 1 : last - first + 1;
    const start = whole ? (by > 0 ? 0 : end) : Math.min(Math.max(first + by * long, 0), end + 1 - long);
    form.elements.first.value = start;
    form.elements.last.value = start + long - 1;
    all = false;
    write(chosen());
    show();
  };

  document.getElementById("earlier").addEventListener("click", () => step(-1));
  document.getElementById("later").addEventListener("click", () => step(1));
  form.addEventListener("change", () => { all = false; write(chosen()); show(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  // The browser fills in its own defaults first.
  form.addEventListener("reset", () => setTimeout(() => { all = false; write(chosen()); show(); }));
  window.addEventListener("hashchange", () => { if (!location.hash || location.hash.includes("=")) { read(); show(); } });
  document.getElementById("more").addEventListener("click", () => { all = true; show(); });
  window.addEventListener("beforeprint", () => { all = true; show(); });

  for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
  if (!location.hash || location.hash.includes("=")) read();
  show();
})();
