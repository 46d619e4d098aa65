"""Runs the recheck spider in this process."""

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from time import perf_counter

import uvloop
from scrapy.crawler import Crawler

from crawler.addon import new_crawler
from crawler.recheck.session import Continuous, Progress, Stop
from crawler.signals import stopped_by_signals
from crawler.spiders.recheck import RecheckSpider
from waterbed.model.errors import OwnFailure
from waterbed.store.folder import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """The counts of one pass."""

    due: int
    looks: int
    seconds: float
    stopped: Stop | None


def run_recheck(
    folder: Folder, *, everything: bool = False, limit: int | None = None, progress: Progress | None = None
) -> PassReport:
    """Run one pass in an event loop of its own.

    See `recheck`.
    """
    return uvloop.run(recheck(folder, everything=everything, limit=limit, progress=progress))


async def recheck(
    folder: Folder,
    *,
    everything: bool = False,
    limit: int | None = None,
    progress: Progress | None = None,
    continuous: Continuous | None = None,
) -> PassReport:
    """Run one pass over all due URLs.

    OwnFailure if any check failed by our own fault. A continuous pass leaves signals to its caller.
    """
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    crawler = new_crawler(RecheckSpider, WATERBED_HOSTS_AT_ONCE=folder.config.probe.hosts_at_once)
    started = perf_counter()
    with nullcontext() if continuous else stopped_by_signals(lambda: _stop(crawler)):
        await crawler.crawl_async(
            folder=folder, limit=limit, due="all" if everything else "due", progress=progress, continuous=continuous
        )
    spider = crawler.spider
    if not isinstance(spider, RecheckSpider):
        raise OwnFailure("the recheck spider did not start; see the log above")
    session = spider.session
    if session.broken:
        raise session.broken
    if session.failures:
        raise OwnFailure(
            f"{session.failures} hosts could not be checked or recorded by our own fault; their URLs stay due"
        )
    return PassReport(
        due=session.due, looks=session.run.done, seconds=perf_counter() - started, stopped=session.stopped
    )


def _stop(crawler: Crawler) -> None:
    if isinstance(crawler.spider, RecheckSpider):
        crawler.spider.session.stop("signal")
