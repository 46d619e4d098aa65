"""One check of one URL, without its content."""
