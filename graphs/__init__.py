"""Episodes, hops between hosters, and their graph; no I/O."""
