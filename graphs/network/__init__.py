"""The graph of hops: measures, weeks, files (NetworkX)."""
