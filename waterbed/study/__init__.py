"""Open a study; from facts to hops: the one pipeline."""
