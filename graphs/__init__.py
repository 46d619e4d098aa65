"""Episodes, hops, and the graph of hosters; no I/O."""
