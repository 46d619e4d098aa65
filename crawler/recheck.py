"""Runs the recheck spider in this process."""

import asyncio
import logging
from dataclasses import dataclass
from time import perf_counter

from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings

from crawler.session import Progress
from crawler.spiders.recheck import RecheckSpider
from waterbed.model.errors import OwnFailure
from waterbed.store.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did."""

    due: int
    looks: int
    seconds: float
    healthy: bool


async def recheck(
    folder: Folder, *, everything: bool = False, limit: int | None = None, progress: Progress | None = None
) -> PassReport:
    """One pass over what is due; OwnFailure if any look failed by our fault."""
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.set("WATERBED_HOSTS_AT_ONCE", folder.config.probe.hosts_at_once)
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    crawler = AsyncCrawlerRunner(settings).create_crawler(RecheckSpider)
    started = perf_counter()
    await crawler.crawl_async(folder=folder, limit=limit, due="all" if everything else "due", progress=progress)
    spider = crawler.spider
    if not isinstance(spider, RecheckSpider):
        raise OwnFailure("the recheck spider did not start; see the log above")
    session = spider.session
    if session.failures:
        raise OwnFailure(f"{session.failures} hosts could not be looked at by our own fault; their looks stay due")
    return PassReport(
        due=session.due, looks=session.run.done, seconds=perf_counter() - started, healthy=session.healthy
    )


def run_recheck(
    folder: Folder, *, everything: bool = False, limit: int | None = None, progress: Progress | None = None
) -> PassReport:
    """The same from code that has no event loop."""
    return asyncio.run(recheck(folder, everything=everything, limit=limit, progress=progress))
