"use strict";
// The library's plain data of the displacement page's figures. Labels come escaped; nothing else of a name is drawn.
const hopFigures = (() => {
  const MOST_LINKS = 24;
  const MOST_NODES = 18;

  const faded = (colour, alpha) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},${alpha})`;
  };
  const formatted = (hops) => (Math.abs(hops - Math.round(hops)) < 0.05 ? Math.round(hops) : hops.toFixed(1)).toString();
  const describe = (data, row) => `${formatted(row.hops)} hops, ${formatted(row.certain)} certain; ${data.passages[row.passage].word}`;
  const short = (text, length) => {
    // Entities stand for one character each, and are never cut.
    const letters = text.match(/&[#\w]+;|[\s\S]/gu) || [];
    return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : text;
  };

  // The largest flows; the others of one passage become one.
  const largest = (rows) => {
    const shown = rows.filter((row) => row.hops > 0);
    const named = shown.filter((row) => row.from !== null);
    const kept = named.slice(0, MOST_LINKS);
    const rest = new Map();
    for (const row of [...named.slice(MOST_LINKS), ...shown.filter((row) => row.from === null)]) {
      const sum = rest.get(row.passage) || { from: null, to: null, passage: row.passage, hops: 0, certain: 0 };
      sum.hops += row.hops;
      sum.certain += row.certain;
      rest.set(row.passage, sum);
    }
    return [...kept, ...rest.values()];
  };

  // The library cannot draw flows of nothing.
  const nothing = (data) => [[], {
    ...data.layout, xaxis: { visible: false }, yaxis: { visible: false },
    annotations: [{ text: "No hop in this choice.", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
  }];

  // Both sides have nodes of their own. Each flow is two links: what is certain, and paler what may be.
  const sankey = (data, level, rows, narrow) => {
    if (!rows.some((row) => row.hops > 0)) return nothing(data);
    const { keys, plural } = data.levels[level];
    const nodes = new Map();
    const node = (side, key) => {
      const name = side + " " + key;
      if (!nodes.has(name)) {
        const label = key === null ? "other " + plural : short(keys[key].label, narrow ? 14 : 26);
        const country = key === null || level === "country" ? "" : keys[key].country;
        nodes.set(name, { number: nodes.size, label: country ? `${label} · ${country}` : label });
      }
      return nodes.get(name).number;
    };
    const link = { source: [], target: [], value: [], color: [], customdata: [] };
    for (const row of largest(rows)) {
      const doubtful = row.hops - row.certain;
      for (const [value, alpha, word] of [[row.certain, 0.75, "certain"], [doubtful, 0.3, "possible"]]) {
        if (value < 1e-6) continue;
        link.source.push(node("from", row.from));
        link.target.push(node("to", row.to));
        link.value.push(value);
        link.color.push(faded(data.passages[row.passage].colour, alpha));
        link.customdata.push(`${formatted(value)} ${word}, of ${describe(data, row)}`);
      }
    }
    const trace = {
      type: "sankey",
      arrangement: "fixed",
      node: {
        label: [...nodes.values()].map((one) => one.label),
        color: data.ink,
        pad: 10,
        thickness: 9,
        line: { width: 0 },
        hovertemplate: "%{label}: %{value:.3~g} hops<extra></extra>",
      },
      link: { ...link, line: { color: faded(data.ink, 0.25), width: 0.5 },
        hovertemplate: "%{source.label} → %{target.label}<br>%{customdata}<extra></extra>" },
    };
    return [[trace], { ...data.layout, margin: { l: 4, r: 4, t: 8, b: 8 } }];
  };

  // Places on a circle, those at home first, then by country: they stay where they are whatever is chosen.
  const circle = (data, level, rows) => {
    const weight = new Map();
    for (const row of rows) {
      if (row.from === null || row.to === null) continue;
      for (const key of new Set([row.from, row.to])) weight.set(key, (weight.get(key) || 0) + row.most);
    }
    const { keys } = data.levels[level];
    const order = [...weight.keys()].sort((a, b) => weight.get(b) - weight.get(a) || a - b).slice(0, MOST_NODES);
    order.sort((a, b) => keys[b].home - keys[a].home || keys[a].country.localeCompare(keys[b].country) || a - b);
    const place = (at) => {
      const angle = Math.PI / 2 - (2 * Math.PI * at) / order.length;
      return { x: Math.cos(angle), y: Math.sin(angle) };
    };
    return new Map(order.map((key, at) => [key, place(at)]));
  };

  const STEPS = 16;
  const curve = (from, to) => {
    // Towards the middle, and to the left of the way: there and back lie apart. A flow within a place is a loop outside.
    const within = from === to;
    const points = Array.from({ length: STEPS + 1 }, (_, at) => at / STEPS);
    if (within) {
      return points.map((part) => {
        const turn = Math.PI + 2 * Math.PI * part + Math.atan2(from.y, from.x);
        return [from.x * 1.1 + 0.1 * Math.cos(turn), from.y * 1.1 + 0.1 * Math.sin(turn)];
      });
    }
    const middle = [(from.x + to.x) * 0.28 - (to.y - from.y) * 0.1, (from.y + to.y) * 0.28 + (to.x - from.x) * 0.1];
    return points.slice(1, -1).map((part) => [0, 1].map((axis) => {
      const [a, b] = axis ? [from.y, to.y] : [from.x, to.x];
      return (1 - part) ** 2 * a + 2 * part * (1 - part) * middle[axis] + part ** 2 * b;
    }));
  };

  const line = (points, colour, width, dash) => ({
    type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false,
    x: points.map((point) => point[0]), y: points.map((point) => point[1]),
    line: { color: colour, width, dash },
  });

  const edges = (data, level, rows, where) => {
    const { keys } = data.levels[level];
    const drawn = rows.filter((row) => row.hops > 0 && where.has(row.from) && where.has(row.to)).slice(0, 2 * MOST_LINKS);
    const most = Math.max(1, ...drawn.map((row) => row.hops));
    const width = (hops) => 0.8 + (9 * hops) / most;
    const traces = drawn.reverse().flatMap((row) => {
      const points = curve(where.get(row.from), where.get(row.to));
      const colour = data.passages[row.passage].colour;
      const [certain, tip] = [row.certain > 0, points.slice(-2)];
      const head = {
        type: "scatter", mode: "markers", hoverinfo: "skip", showlegend: false,
        x: tip.map((point) => point[0]), y: tip.map((point) => point[1]),
        marker: { symbol: "arrow", angleref: "previous", size: [0, 7 + width(row.hops)], color: colour, opacity: 1 },
      };
      const pale = line(points, faded(colour, certain ? 0.35 : 0.8), width(row.hops), certain ? "solid" : "dot");
      return certain ? [pale, line(points, colour, width(row.certain), "solid"), head] : [pale, head];
    });
    const asked = drawn.map((row) => ({ row, point: curve(where.get(row.from), where.get(row.to))[STEPS / 2] }));
    traces.push({
      type: "scatter", mode: "markers", showlegend: false,
      x: asked.map((one) => one.point[0]), y: asked.map((one) => one.point[1]),
      marker: { size: 14, color: data.ink, opacity: 0 },
      text: asked.map(({ row }) => `${keys[row.from].label} → ${keys[row.to].label}<br>${describe(data, row)}`),
      hovertemplate: "%{text}<extra></extra>",
    });
    return traces;
  };

  // Squares are at home, circles abroad; full ones are sinks, empty ones sources, of the flows chosen.
  const network = (data, level, rows, places, narrow) => {
    if (!rows.some((row) => row.from !== null && row.to !== null)) return nothing(data);
    const { keys } = data.levels[level];
    const where = circle(data, level, rows);
    const net = new Map(places.map((one) => [one.key, one]));
    const order = [...where.keys()];
    const through = order.map((key) => (net.has(key) ? net.get(key).arrived + net.get(key).left : 0));
    const most = Math.max(1, ...through);
    const sink = order.map((key) => net.has(key) && net.get(key).arrived > net.get(key).left);
    const spots = {
      type: "scatter", mode: "markers", showlegend: false,
      x: order.map((key) => where.get(key).x), y: order.map((key) => where.get(key).y),
      marker: {
        symbol: order.map((key) => (keys[key].home ? "square" : "circle")),
        size: through.map((hops) => 8 + 18 * Math.sqrt(hops / most)),
        color: sink.map((full) => (full ? data.ink : "#ffffff")),
        line: { color: data.ink, width: 2 }, opacity: 1,
      },
      text: order.map((key) => {
        const one = net.get(key) || { arrived: 0, left: 0 };
        return `${keys[key].label}${keys[key].home ? ", at home" : ""}<br>${formatted(one.arrived)} arrived, ${formatted(one.left)} left`;
      }),
      hovertemplate: "%{text}<extra></extra>",
    };
    const annotations = order.map((key) => {
      const { x, y } = where.get(key);
      const aside = Math.abs(x) > 0.25;
      return {
        x: x * 1.14, y: y * 1.14, showarrow: false, text: short(keys[key].label, narrow ? 12 : 18),
        xanchor: aside ? (x > 0 ? "left" : "right") : "center", yanchor: aside ? "middle" : y > 0 ? "bottom" : "top",
        font: { size: narrow ? 11 : 12, color: data.ink },
      };
    });
    const axis = { visible: false, fixedrange: true };
    const layout = {
      ...data.layout, annotations, hovermode: "closest", margin: { l: 0, r: 0, t: 4, b: 4 },
      xaxis: { ...axis, range: [-1.95, 1.95] }, yaxis: { ...axis, range: [-1.35, 1.35], scaleanchor: "x" },
    };
    return [[...edges(data, level, rows, where), spots], layout];
  };

  // Hops by week: cells of that week alone as bars, with all cells that reach into it as marks.
  const weeks = (data, chosen) => {
    const sums = data.weeks.map(() => [0, 0, 0]);
    for (const [first, last, , passage, hops, certain] of data.cells) {
      if (!chosen.passages.has(passage)) continue;
      if (first === last) { sums[first][0] += certain; sums[first][1] += hops - certain; }
      for (let week = first; week <= last; week += 1) sums[week][2] += hops;
    }
    const bar = (name, at, marker) => ({
      type: "bar", name, x: data.weeks, y: sums.map((sum) => sum[at]), marker,
      hovertemplate: `%{x}: %{y} ${name}<extra></extra>`,
    });
    const traces = [
      bar("certain", 0, { color: "#0072b2" }),
      bar("possible", 1, { color: "#a9cbe0", line: { color: "#0072b2", width: 1 } }),
      {
        type: "scatter", mode: "markers", name: "at most", x: data.weeks, y: sums.map((sum) => sum[2]),
        marker: { symbol: "line-ew", size: 22, line: { color: data.ink, width: 2 } },
        hovertemplate: "%{x}: at most %{y}<extra></extra>",
      },
    ];
    const band = chosen.first > 0 || chosen.last < data.weeks.length - 1 ? [{
      type: "rect", xref: "x", yref: "paper", x0: chosen.first - 0.5, x1: chosen.last + 0.5, y0: 0, y1: 1,
      fillcolor: "#e69f00", opacity: 0.15, line: { width: 0 }, layer: "below",
    }] : [];
    const layout = {
      ...data.layout, barmode: "stack", bargap: 0.3, shapes: band, margin: { l: 58, r: 8, t: 6, b: 30 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, hovermode: "closest",
      xaxis: { type: "category", fixedrange: true, nticks: 12 },
      yaxis: { title: { text: "hops", standoff: 10 }, nticks: 4, rangemode: "tozero", gridcolor: data.faint, zeroline: false, fixedrange: true },
    };
    return [traces, layout];
  };

  return { sankey, network, weeks };
})();
