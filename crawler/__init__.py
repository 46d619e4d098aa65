"""The Scrapy project: settings, locked profile, log redaction."""
