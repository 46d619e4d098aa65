"""One pass: lease, schedule, run under Scrapy, record."""
