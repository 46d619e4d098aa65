"""The NetworkX graph, its measures and files."""
