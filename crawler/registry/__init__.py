"""One RDAP crawl: queue, pace, response, facts."""
