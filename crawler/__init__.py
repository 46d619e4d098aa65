"""The Scrapy project: it checks due URLs and records facts."""
