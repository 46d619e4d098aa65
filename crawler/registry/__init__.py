"""One crawl of registries: queue, pace, response, facts."""
