"""Questions put to a study's conclusions; each file is one question."""
