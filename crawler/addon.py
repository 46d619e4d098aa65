"""The safe profile: one add-on that locks Scrapy down."""

import os
from typing import Any

from scrapy import Spider
from scrapy.addons import AddonManager
from scrapy.crawler import Crawler
from scrapy.settings import BaseSettings, Settings

from waterbed.crawler.logs import redact_failures
from waterbed.crawler.recheck.handler import SCHEME
from waterbed.crawler.registry.handler import REGISTRY_SCHEME
from waterbed.model.version import __version__

_LOCKED = 1000
"""Above every settings priority of Scrapy's own: a command line cannot unlock the profile."""

_BASE_HANDLERS = ("data", "file", "ftp", "http", "https", "s3")

SAFE: dict[str, Any] = {
    # only our own handlers may fetch: no http, no file, no data, no ftp, no s3
    "DOWNLOAD_HANDLERS": {
        **dict.fromkeys(_BASE_HANDLERS),
        SCHEME: "waterbed.crawler.recheck.handler.ProbeHandler",
        REGISTRY_SCHEME: "waterbed.crawler.registry.handler.RegistryHandler",
    },
    # checks record certificates without verifying them; registries' certificates are verified
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    # no middleware or extension that follows, stores, decompresses, changes or logs a request
    "DOWNLOADER_MIDDLEWARES_BASE": {},
    "SPIDER_MIDDLEWARES_BASE": {},
    "EXTENSIONS_BASE": {
        f"scrapy.extensions.{name}": 0
        for name in (
            "corestats.CoreStats",
            "memusage.MemoryUsage",
            "closespider.CloseSpider",
            "feedexport.FeedExporter",
        )
    },
    # feeds hold keyed ids, and leave the machine only by a storage that a user names
    "FEED_STORAGES_BASE": {
        **dict.fromkeys(("", "file"), "scrapy.extensions.feedexport.FileFeedStorage"),
        "stdout": "scrapy.extensions.feedexport.StdoutFeedStorage",
    },
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "COOKIES_ENABLED": False,
    "REFERER_ENABLED": False,
    "METAREFRESH_ENABLED": False,
    "REDIRECT_ENABLED": False,
    "RETRY_ENABLED": False,
    "HTTPCACHE_ENABLED": False,
    "COMPRESSION_ENABLED": False,
    "HTTPPROXY_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "JOBDIR": None,
    "MAIL_HOST": None,
    "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
    "LOG_FORMATTER": "waterbed.crawler.log_formatter.QuietLogFormatter",
    "LOG_STDOUT": False,
    "LOG_VERSIONS": [],
    "WARN_ON_GENERATOR_RETURN_VALUE": False,
    # the pass has its own limits; a second limit would only slow it
    "CONCURRENT_ITEMS": 1,
    "DOWNLOAD_DELAY": 0,
    "TWISTED_REACTOR_ENABLED": False,
}
"""The settings of the profile, which override all others."""


class SafeProfile:
    """Installs the safe profile; nothing overrides it."""

    @classmethod
    def update_pre_crawler_settings(cls, settings: BaseSettings) -> None:
        """Choose the asyncio engine, redact the logs of failures, and keep secrets of TLS sessions out of files."""
        os.environ.pop("SSLKEYLOGFILE", None)
        redact_failures()
        settings.set("TWISTED_REACTOR_ENABLED", False, priority=_LOCKED)

    def update_settings(self, settings: BaseSettings) -> None:
        """Lock everything that could touch, keep or leak."""
        for name, value in SAFE.items():
            settings.set(name, value, priority=_LOCKED)
        # beside whatever a user adds: it opens the study, and closes it
        pipelines = {**settings.getdict("ITEM_PIPELINES"), "waterbed.crawler.recheck.pipeline.PassPipeline": 0}
        settings.set("ITEM_PIPELINES", pipelines, priority=_LOCKED)
        settings.set("USER_AGENT", f"Waterbed/{__version__}", priority=_LOCKED)
        at_once = settings.getint("WATERBED_HOSTS_AT_ONCE", 128)
        settings.set("CONCURRENT_REQUESTS", at_once, priority=_LOCKED)
        settings.set("CONCURRENT_REQUESTS_PER_DOMAIN", at_once, priority=_LOCKED)


def new_crawler(spider: type[Spider], **settings: object) -> Crawler:
    """A crawler under the safe profile, with further settings.

    Without a runner of Scrapy's, which imports all spiders and copies all settings once more.
    """
    chosen = Settings()
    chosen.setmodule("waterbed.crawler.settings")
    chosen.setdict(settings)
    AddonManager.load_pre_crawler_settings(chosen)
    return Crawler(spider, chosen)
