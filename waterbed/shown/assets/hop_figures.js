"use strict";
// Draws hops as waterbed/publish/site/figures/hops.py does, where a reader chooses a part of them. A mark is
// [tag, classes, attributes, text, tip]; text and tips are set as text, so no name is ever markup.
const hopFigures = (() => {
  const NARROW = 354;
  const WIDE = 720;
  const MOST_LINKS = 24;
  const CROSSING_LINKS = 16;
  const BODY = 260;
  const GAP = 15;
  const BAR = 8;
  const CUT = 3;

  const rounded = (value) => String(Math.floor(value * 10 + 0.5) / 10);
  const count = (value) => {
    const digits = Math.abs(value - Math.round(value)) < 0.05 ? 0 : 1;
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  const element = (tag, css, at, text = "", tip = "") => [tag, css,
    Object.entries(at).map(([name, value]) => [name, typeof value === "string" ? value : rounded(value)]), text, tip];
  const path = (css, d, tip = "") => element("path", css, { d }, "", tip);
  const word = (x, y, text, anchor = "middle", css = "tick") => element("text", css, { x, y, "text-anchor": anchor }, text);
  const label = (name, most) => {
    const letters = [...name];
    return letters.length <= most ? name : letters.slice(0, most - 1).join("").trimEnd() + "…";
  };
  const shortName = (key) => key.label || key.name;
  const withCountry = (key, level, most) => {
    const end = level !== "country" && key.seat ? ` · ${key.seat}` : "";
    return label(shortName(key), most - end.length) + end;
  };
  const nothing = (width) => ({ width, height: 80, marks: [word(width / 2, 44, "No hop in this choice.", "middle", "name")] });

  // An axis from 0 with whole numbers.
  const measured = (most) => {
    const raw = (most > 0 ? most : 1) / 4;
    const base = 10 ** Math.floor(Math.log10(raw));
    const step = Math.max([1, 2, 5, 10].map((factor) => base * factor).find((one) => one >= raw), 1);
    const last = Math.ceil((most > 0 ? most : 1) / step);
    return { high: last * step, ticks: Array.from({ length: last + 1 }, (_, at) => at * step) };
  };

  // Hops by week: cells of that week alone as bars, with all cells that reach into it as marks.
  const weeks = (data, chosen, width) => {
    const narrow = width === NARROW;
    const sums = data.weeks.map(() => [0, 0, 0]);
    for (const { first, last, passage, hops, certain } of hopFlows.cells(data)) {
      if (!chosen.passages.has(passage)) continue;
      if (first === last) { sums[first][0] += hops; sums[first][1] += certain; }
      for (let week = first; week <= last; week += 1) sums[week][2] += hops;
    }
    const [highest, mostOfAll] = [0, 2].map((at) => Math.max(...sums.map((sum) => sum[at])));
    const far = highest > 0 && CUT * highest < mostOfAll;
    const axis = measured(far ? 1.5 * highest : mostOfAll);
    const [x0, y0, x1, y1] = [44, 34, width - 12, (narrow ? 180 : 200) - 26];
    const x = (value) => x0 + (value / data.weeks.length) * (x1 - x0);
    const y = (value) => y1 - (value / axis.high) * (y1 - y0);
    const marks = [path("grid", axis.ticks.map((at) => `M${x0} ${rounded(y(at))}H${x1}`).join("")), path("axis", `M${x0} ${y1}H${x1}`)];
    for (const at of axis.ticks) marks.push(word(x0 - 6, y(at) + 4, at.toLocaleString("en"), "end"));
    const each = Math.ceil(data.weeks.length / (narrow ? 4 : 8));
    data.weeks.forEach((week, at) => { if (at % each === 0) marks.push(word(x(at + 0.5), y1 + 17, week)); });
    marks.push(word(0, 12, "hops", "start", "tick title"));
    for (const [at, text, tip] of data.events) {
      marks.push(path("line event", `M${rounded(x(at))} ${y0}V${y1}`, tip), word(x(at), y0 - 5, text));
    }
    if (chosen.first > 0 || chosen.last < data.weeks.length - 1) {
      marks.push(element("rect", "chosen", { x: x(chosen.first), y: y0, width: x(chosen.last + 1) - x(chosen.first), height: y1 - y0 }));
    }
    const bar = (at, low, high, css, tip) => element("rect", css, {
      x: x(at + 0.15), y: y(high), width: Math.max(x(at + 0.85) - x(at + 0.15), 0.5), height: Math.max(y(low) - y(high), 0) }, "", tip);
    sums.forEach(([hops, certain, most], at) => {
      if (!most) return;
      const tip = narrow ? "" : `${data.weeks[at]}: ${hops} hops, ${certain} of them certain; at most ${most}`;
      if (certain) marks.push(bar(at, 0, certain, "block strong", tip));
      if (hops > certain) marks.push(bar(at, certain, hops, "block pale", tip));
      if (most <= axis.high) marks.push(path("most", `M${rounded(x(at + 0.1))} ${rounded(y(most))}H${rounded(x(at + 0.9))}`, tip));
      else if (at % each === 0) marks.push(word(x(at + 0.5), y0 + 12, `at most ${most.toLocaleString("en")}`, "middle", "name"));
    });
    return { width, height: narrow ? 180 : 200, marks };
  };

  // Flows between named places across the border first, then the largest of the rest. Other ends are drawn together:
  // -1 at home, -2 abroad, -3 held back; flows between two of these are told apart.
  const OTHERS = { "-1": "other at home", "-2": "other abroad", "-3": "others" };
  const ANY = "anywhere";
  const isOther = (key) => key < 0;
  const links = (data, rows) => {
    const way = (row) => data.passages[row.passage];
    const crossing = (row) => way(row) === "leaves home" || way(row) === "comes home";
    const shown = rows.filter((row) => row.most > 0);
    const named = shown.filter((row) => row.from !== null && row.to !== null);
    const leading = new Set(named.filter(crossing).slice(0, CROSSING_LINKS));
    for (const row of named) if (leading.size < MOST_LINKS) leading.add(row);
    const sides = ["leaves home", "stays home", "comes home", "stays abroad"];
    const other = (row, home) => (!sides.includes(way(row)) ? -3 : home.includes(way(row)) ? -1 : -2);
    const [starts, ends] = ["from", "to"].map((side) => new Set([...leading].map((row) => row[side])));
    const sums = new Map();
    for (const row of [...leading, ...shown.filter((row) => !leading.has(row))]) {
      const start = row.from !== null && starts.has(row.from) ? row.from : other(row, ["leaves home", "stays home"]);
      const end = row.to !== null && ends.has(row.to) ? row.to : other(row, ["comes home", "stays home"]);
      const key = start + " " + end + " " + row.passage;
      const sum = sums.get(key) || { start, end, passage: row.passage, hops: 0, certain: 0, most: 0, evidence: 0 };
      sum.hops += row.hops;
      sum.certain += row.certain;
      sum.most += row.most;
      sum.evidence |= row.evidence;
      sums.set(key, sum);
    }
    const apart = (link) => isOther(link.start) && isOther(link.end);
    return [[...sums.values()].filter((link) => !apart(link)), [...sums.values()].filter(apart)];
  };

  const apartWords = (data, apart, narrow) => {
    if (!apart.length) return [];
    const sums = data.passages.map((_, way) => apart.filter((link) => link.passage === way).reduce((sum, link) => sum + link.most, 0));
    const parts = sums.flatMap((hops, way) => (hops ? [`${count(hops)} ${data.passages[way]}`] : []));
    const each = narrow ? 2 : parts.length;
    const lines = [`Not drawn, between others: ${count(sums.reduce((sum, hops) => sum + hops, 0))} hops`];
    for (let at = 0; at < parts.length; at += each) lines.push(parts.slice(at, at + each).join(", "));
    return lines;
  };

  const sankey = (data, level, rows, width) => {
    const narrow = width === NARROW;
    const [drawn, apart] = links(data, rows);
    const said = apartWords(data, apart, narrow);
    const total = drawn.reduce((sum, row) => sum + row.most, 0);
    if (!total && !said.length) return nothing(width);
    const { keys } = data.levels[level];
    const nodes = (side) => {
      const found = new Map();
      for (const row of drawn) {
        const key = row[side];
        if (!found.has(key)) {
          const group = key === -3 ? ANY : (isOther(key) ? key === -1 : keys[key].seat === data.home) ? "at home" : "abroad";
          found.set(key, { key, group, text: isOther(key) ? OTHERS[key] : withCountry(keys[key], level, narrow ? 18 : 31), hops: 0 });
        }
        found.get(key).hops += row.most;
      }
      const groups = side === "start" ? ["at home", "abroad", ANY] : ["abroad", "at home", ANY];
      return new Map([...found].sort(([a, one], [b, two]) => groups.indexOf(one.group) - groups.indexOf(two.group)
        || isOther(a) - isOther(b) || two.hops - one.hops || a - b));
    };
    const [left, right] = [nodes("start"), nodes("end")];
    const tallOf = (places) => (places.size ? BODY : 0) + GAP * (places.size + new Set([...places.values()].map((node) => node.group)).size);
    const scale = total ? BODY / total : 0;
    const tallest = Math.max(tallOf(left), tallOf(right));
    const side = narrow ? 122 : 206;
    const marks = [];
    const columns = [[left, side, side - 6, "end"], [right, width - side - BAR, width - side + 6, "start"]];
    for (const [places, , at, anchor] of columns) {
      let y = (tallest - tallOf(places)) / 2;
      let group = "";
      for (const node of places.values()) {
        if (node.group !== group) {
          group = node.group;
          y += GAP;
          if (group !== ANY) marks.push(word(at, y - 4, group, anchor, "tick"));
        }
        node.y = node.used = y;
        y += node.hops * scale + GAP;
      }
    }
    const [x0, x1] = [side + BAR, width - side - BAR];
    const middle = rounded((x0 + x1) / 2);
    const [order, place] = [left, right].map((places) => new Map([...places.keys()].map((key, at) => [key, at])));
    const sorted = [...drawn].sort((a, b) => order.get(a.start) - order.get(b.start) || place.get(a.end) - place.get(b.end));
    for (const row of sorted) {
      const [start, end] = [left.get(row.start), right.get(row.end)];
      const told = [data.passages[row.passage], hopFlows.evidence(data, row.evidence)].filter(Boolean).join("; by ");
      for (const [hops, css, kind] of [[row.certain, "strong", "certain"], [row.hops - row.certain, "pale", "possible"],
        [row.most - row.hops, "open", "possibly of these weeks"]]) {
        if (hops < 1e-6) continue;
        const [a, b, tall] = [start.used, end.used, hops * scale];
        const d = `M${x0} ${rounded(a)}C${middle} ${rounded(a)} ${middle} ${rounded(b)} ${x1} ${rounded(b)}`
          + `V${rounded(b + tall)}C${middle} ${rounded(b + tall)} ${middle} ${rounded(a + tall)} ${x0} ${rounded(a + tall)}Z`;
        const tip = `${start.text} → ${end.text}: ${count(hops)} ${kind}, of ${count(row.most)}; ${told}`;
        marks.push(path(`flow w${row.passage} ${css}${isOther(row.start) || isOther(row.end) ? " aside" : ""}`, d, tip));
        start.used += tall;
        end.used += tall;
      }
    }
    for (const [places, x, at, anchor] of columns) {
      for (const node of places.values()) {
        const tall = node.hops * scale;
        marks.push(element("rect", "node", { x, y: node.y, width: BAR, height: tall }), word(at, node.y + tall / 2 + 4, node.text, anchor, "name"));
      }
    }
    said.forEach((text, at) => marks.push(word(0, tallest + 16 * (at + 1), text, "start", "tick")));
    return { width, height: Math.round(tallest + 16 * said.length + 8), marks };
  };

  const edge = (data, keys, row, put, most) => {
    const way = `w${row.passage}`;
    const [[ax, ay], [bx, by]] = [put(row.from), put(row.to)];
    const tip = `${shortName(keys[row.from])} → ${shortName(keys[row.to])}: ${count(row.hops)} hops, `
      + `${count(row.certain)} certain; ${data.passages[row.passage]}`;
    const wide = 1 + (8 * row.hops) / most;
    const marks = [];
    let d = `M${rounded(ax)} ${rounded(ay)}a16 16 0 1 1 1 0.5`;
    if (row.from !== row.to) {
      const [cx, cy] = [(ax + bx) / 2 + (by - ay) * 0.14, (ay + by) / 2 - (bx - ax) * 0.14];
      const far = Math.sqrt((bx - cx) * (bx - cx) + (by - cy) * (by - cy)) || 1;
      const [ux, uy] = [(bx - cx) / far, (by - cy) / far];
      const [tx, ty] = [bx - 12 * ux, by - 12 * uy];
      d = `M${rounded(ax)} ${rounded(ay)}Q${rounded(cx)} ${rounded(cy)} ${rounded(tx)} ${rounded(ty)}`;
      const big = 4 + wide / 2;
      const [backX, backY] = [tx - big * ux, ty - big * uy];
      marks.push(path(`tip ${way}`, `M${rounded(tx)} ${rounded(ty)}L${rounded(backX - big * uy)} ${rounded(backY + big * ux)}`
        + `L${rounded(backX + big * uy)} ${rounded(backY - big * ux)}Z`));
    }
    marks.push(element("path", `edge ${way} ${row.certain ? "pale" : "dotted"}`, { d, "stroke-width": wide }, "", tip));
    if (row.certain) marks.push(element("path", `edge ${way}`, { d, "stroke-width": 1 + (8 * row.certain) / most }, "", tip));
    return marks;
  };

  // Squares are at home, circles abroad; full ones are sinks of the flows chosen.
  const network = (data, level, rows, places, width) => {
    const narrow = width === NARROW;
    const height = narrow ? 330 : 520;
    const { keys } = data.levels[level];
    const placed = (key) => key !== null && keys[key].at !== undefined;
    const drawn = rows.filter((row) => row.hops > 0 && placed(row.from) && placed(row.to)).slice(0, 2 * MOST_LINKS);
    if (!drawn.length) return nothing(width);
    const [across, down] = [width / 2 - (narrow ? 86 : 150), height / 2 - 36];
    const put = (key) => [width / 2 + across * keys[key].at[0], height / 2 + down * keys[key].at[1]];
    const most = Math.max(1, ...drawn.map((row) => row.hops));
    const marks = [...drawn].reverse().flatMap((row) => edge(data, keys, row, put, most));
    const net = new Map(places.map((one) => [one.key, one]));
    const spots = keys.map((_, key) => key).filter(placed);
    const through = (key) => (net.has(key) ? net.get(key).arrived + net.get(key).left : 0);
    const busiest = Math.max(1, ...spots.map(through));
    const used = new Set(drawn.flatMap((row) => [row.from, row.to]));
    for (const key of spots.filter((one) => used.has(one))) {
      const { seat, at } = keys[key];
      const [name, home] = [shortName(keys[key]), seat === data.home];
      const [x, y] = put(key);
      const { arrived, left } = net.get(key) || { arrived: 0, left: 0 };
      const size = 4 + 8 * Math.sqrt((arrived + left) / busiest);
      const css = arrived > left ? "spot full" : "spot";
      const tip = `${name}${home ? ", at home" : ""}: ${count(arrived)} arrived, ${count(left)} left`;
      marks.push(home ? element("rect", css, { x: x - size, y: y - size, width: 2 * size, height: 2 * size }, "", tip)
        : element("circle", css, { cx: x, cy: y, r: size }, "", tip));
      const text = label(name, narrow ? 13 : 20);
      if (home || (at[0] > -0.35 && at[0] < 0.35)) {
        marks.push(word(x, !home && at[1] < 0 ? y - size - 6 : y + size + 13, text, "middle", "name"));
      } else {
        marks.push(word(at[0] > 0 ? x + size + 6 : x - size - 6, y + 4, text, at[0] > 0 ? "start" : "end", "name"));
      }
    }
    return { width, height, marks };
  };

  // Puts marks in place of those in a drawing.
  const show = (drawing, { width, height, marks }) => {
    const SVG = "http://www.w3.org/2000/svg";
    const group = document.createElementNS(SVG, "g");
    for (const [tag, css, at, text, tip] of marks) {
      const made = document.createElementNS(SVG, tag);
      made.setAttribute("class", css);
      for (const [name, value] of at) made.setAttribute(name, value);
      if (tip) made.appendChild(document.createElementNS(SVG, "title")).textContent = tip;
      if (text) made.append(text);
      group.append(made);
    }
    drawing.querySelector("g").replaceWith(group);
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("height", height);
  };

  return { NARROW, WIDE, weeks, sankey, network, show };
})();
