"""Questions about a study's conclusions: one file, one question."""
