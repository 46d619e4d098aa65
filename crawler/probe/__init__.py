"""One check of one URL, from request to observation."""
