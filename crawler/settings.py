"""Scrapy settings: the safe profile decides; see `crawler.addon`."""

BOT_NAME = "waterbed"
SPIDER_MODULES = ["crawler.spiders"]
ADDONS = {"crawler.addon.SafeProfile": 0}
TWISTED_REACTOR_ENABLED = False
LOG_LEVEL = "INFO"
