// Reads a GEXF file with graphology and prints its nodes' labels and its edges' hops as JSON.
const { readFileSync } = require("node:fs");
const { DirectedGraph } = require("graphology");
const gexf = require("graphology-gexf");

const graph = gexf.parse(DirectedGraph, readFileSync(process.argv[2], "utf8"));
const nodes = Object.fromEntries(graph.mapNodes((key, { label }) => [key, label]));
const edges = graph.mapEdges((_, { hops }, from, to) => [from, to, hops]);
process.stdout.write(JSON.stringify({ nodes, edges }));
