"""The Scrapy project: it looks at what is due and records facts."""
