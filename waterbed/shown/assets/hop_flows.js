"use strict";
// Cells of hops added up, as waterbed/publish/hop_sums.py does. They stand in columns; `span` is the weeks from the first to the
// last, `ends` a number of data.ends: on each level [keys left, keys arrived at], or null where they are held back; a side held
// back is empty, one of a single key its number. `evidence` has a bit for each word of data.evidence.
const hopFlows = (() => {
  const cells = ({ cells: columns }) => columns.hops.map((hops, n) => ({
    first: columns.first[n], last: columns.first[n] + columns.span[n], ends: columns.ends[n], passage: columns.passage[n], hops,
    certain: columns.certain[n], evidence: columns.evidence[n],
  }));

  const pairs = (ends) => {
    const [left, arrived] = (ends || [[], []]).map((side) => (typeof side === "number" ? [side] : side.length ? side : [null]));
    const share = 1 / (left.length * arrived.length);
    return left.flatMap((before) => arrived.map((after) => [before, after, share]));
  };

  // Flows of the chosen weeks and passages. Hops are those of cells within the weeks; at most, with all that reach in.
  const flows = (data, chosen) => {
    const sums = new Map();
    for (const { first, last, ends, passage, hops, certain, evidence } of cells(data)) {
      if (!chosen.passages.has(passage) || last < chosen.first || first > chosen.last) continue;
      const inside = first >= chosen.first && last <= chosen.last ? 1 : 0;
      for (const [from, to, share] of pairs(data.ends[chosen.level][ends])) {
        const key = from + " " + to + " " + passage;
        const flow = sums.get(key) || { from, to, passage, hops: 0, certain: 0, most: 0, evidence: 0 };
        flow.hops += share * hops * inside;
        flow.certain += share * certain * inside;
        flow.most += share * hops;
        flow.evidence |= evidence;
        sums.set(key, flow);
      }
    }
    const held = (flow) => (flow.from === null) + (flow.to === null);
    return [...sums.values()].sort((a, b) =>
      held(a) - held(b) || b.hops - a.hops || b.most - a.most ||
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

  const evidence = (data, bits) => data.evidence.filter((_, at) => bits & (1 << at)).join(", ");

  return { cells, flows, places, evidence };
})();
