"use strict";
// Cells of hops added up, as waterbed/publish/hop_cells.py does. A cell: [first week, last week, ends by level, passage,
// hops, certain]; ends: [keys left, keys arrived at], or null where they are held back; a side held back is empty.
const hopFlows = (() => {
  const pairs = (ends) => {
    const [left, arrived] = (ends || [[], []]).map((side) => (side.length ? side : [null]));
    const share = 1 / (left.length * arrived.length);
    return left.flatMap((before) => arrived.map((after) => [before, after, share]));
  };

  // Flows of the chosen weeks and passages. Hops are those of cells within the weeks; at most, with all that reach in.
  const flows = (data, chosen) => {
    const sums = new Map();
    for (const [first, last, ends, passage, hops, certain] of data.cells) {
      if (!chosen.passages.has(passage) || last < chosen.first || first > chosen.last) continue;
      const inside = first >= chosen.first && last <= chosen.last ? 1 : 0;
      for (const [from, to, share] of pairs(ends[chosen.level])) {
        const key = from + " " + to + " " + passage;
        const flow = sums.get(key) || { from, to, passage, hops: 0, certain: 0, most: 0 };
        flow.hops += share * hops * inside;
        flow.certain += share * certain * inside;
        flow.most += share * hops;
        sums.set(key, flow);
      }
    }
    return [...sums.values()].sort((a, b) =>
      (a.from === null) - (b.from === null) || b.hops - a.hops || b.most - a.most ||
      a.from - b.from || (a.to === null) - (b.to === null) || a.to - b.to || a.passage - b.passage);
  };

  // Sinks and sources: what arrived and what left, and the least and most that the difference can be.
  const places = (rows) => {
    const sums = new Map();
    const at = (key) => {
      if (!sums.has(key)) sums.set(key, { key, arrived: 0, arrivedSurely: 0, left: 0, leftSurely: 0 });
      return sums.get(key);
    };
    for (const row of rows) {
      if (row.from === null || row.to === null || row.from === row.to || !row.hops) continue;
      at(row.to).arrived += row.hops;
      at(row.to).arrivedSurely += row.certain;
      at(row.from).left += row.hops;
      at(row.from).leftSurely += row.certain;
    }
    return [...sums.values()]
      .map((one) => ({ ...one, low: one.arrivedSurely - one.left, high: one.arrived - one.leftSurely }))
      .sort((a, b) => Math.abs(b.arrived - b.left) - Math.abs(a.arrived - a.left) || a.key - b.key);
  };

  return { flows, places };
})();
