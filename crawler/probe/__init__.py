"""One check of one URL: ask, follow, control request, extract the kept features."""
