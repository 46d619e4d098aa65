"""One RDAP crawl: queue, pace, response, facts (the files named registry_* today)."""
