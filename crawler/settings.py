"""Scrapy settings: the safe profile decides; see `waterbed.crawler.addon`."""

BOT_NAME = "waterbed"
SPIDER_MODULES = ["waterbed.crawler.spiders"]
ADDONS = {"waterbed.crawler.addon.SafeProfile": 0}
TWISTED_REACTOR_ENABLED = False
LOG_LEVEL = "INFO"
