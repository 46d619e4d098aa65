"""Rechecks what is due: `scrapy crawl recheck -a study=DIR`."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from pydispatch.dispatcher import getAllReceivers, liveReceivers
from scrapy import Request, Spider, signals
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider
from scrapy.extensions.corestats import CoreStats
from scrapy.http import Response
from twisted.python.failure import Failure

from waterbed.crawler.logs import guard_process
from waterbed.crawler.probe.prober import HostTask
from waterbed.crawler.recheck.handler import SCHEME
from waterbed.crawler.recheck.recorder import CheckItem
from waterbed.crawler.recheck.session import Continuous, Progress, Session
from waterbed.model.errors import InputError
from waterbed.store.folder import Folder, open_folder

HOSTS_A_REQUEST = 16
"""Hosts in one Scrapy request: a request costs the engine as much as a check costs us."""


class RecheckSpider(Spider):
    """One pass over all due URLs of a study."""

    name = "recheck"

    def __init__(
        self,
        study: str | None = None,
        folder: Folder | None = None,
        limit: str | int | None = None,
        due: str = "due",
        progress: Progress | None = None,
        continuous: Continuous | None = None,
        processes: int = 1,
        **kwargs: Any,
    ) -> None:
        """Take a study by path or opened.

        By path the process is Scrapy's: nobody else has guarded it.
        `limit` is the greatest number of looks; `due=all` makes every URL due now.
        """
        super().__init__(**kwargs)
        if folder is None:
            guard_process()
        if folder is None and study is None:
            raise InputError("no study given; call: scrapy crawl recheck -a study=DIR")
        opened = folder or open_folder(Path(str(study)))
        most = None if limit is None else int(limit)
        self.session = Session(
            opened,
            everything=due == "all",
            limit=most,
            progress=progress,
            continuous=continuous,
            processes=processes,
        )

    async def start(self) -> AsyncIterator[Request]:
        """Lease due URLs, one request for a few hosts.

        Scrapy takes all that it is given, so none is given before there is room. A failure fails the pass.
        """
        ahead = asyncio.create_task(self._lease())
        while tasks := await ahead:
            # the next batch is leased while this one is checked
            ahead = asyncio.create_task(self._lease())
            for batch in batched(tasks, HOSTS_A_REQUEST):
                await self.session.room(len(batch))
                if self.session.ending:
                    break
                yield Request(
                    f"{SCHEME}://{batch[0].host_id}",
                    meta={"tasks": batch, "download_slot": SCHEME},
                    callback=self.on_response,
                    errback=self.on_error,
                    dont_filter=True,
                )

    async def _lease(self) -> list[HostTask]:
        try:
            return await self.session.lease()
        except Exception as problem:  # Scrapy would log it and go on
            self.session.fail("the lease", problem)
            return []

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Make one that hears when it opens, and when it has nothing left to do."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.on_opened, signals.spider_opened)
        crawler.signals.connect(spider.on_idle, signals.spider_idle)
        return spider

    def on_opened(self) -> None:
        """Count checks in Scrapy's stats, and make items if anything takes them."""
        stats, settings = self.crawler.stats, self.crawler.settings
        if stats is not None:
            self.session.count = lambda outcome, number: stats.inc_value(f"waterbed/outcome/{outcome}", number)
        taken = [
            receiver
            for receiver in liveReceivers(getAllReceivers(self.crawler, signals.item_scraped))
            if not _counts(receiver)
        ]
        pipelines = settings.getdict("ITEM_PIPELINES")
        self.session.tells = bool(taken or len(pipelines) > 1 or settings.getdict("SPIDER_MIDDLEWARES"))

    def on_idle(self) -> None:
        """Close with the reason why the pass ended early, if it did."""
        if self.session.stopped or self.session.failures:
            raise CloseSpider(self.session.stopped or "own failure")

    async def on_response(self, response: Response) -> AsyncIterator[CheckItem]:
        """Yield an item for each check once it is on record, and lease no more if Scrapy closes the spider."""
        for facts in response.request.meta["facts"] if response.request and self.session.tells else ():
            for item in await self.session.items_of(facts):
                yield item
        if self.crawler.engine and _closing(self.crawler.engine):
            self.session.stop("closed")

    def on_error(self, failure: Failure) -> None:
        """Count a failure of our own; the URLs stay due."""
        self.session.fail("a few hosts' checks", failure.value)


def _closing(engine: ExecutionEngine) -> bool:
    """True if an engine takes no more requests, though there is room for some."""
    slot = engine.scraper.slot
    full = engine.downloader.needs_backout() or (slot is not None and slot.needs_backout())
    return engine.needs_backout() and not full


def _counts(receiver: object) -> bool:
    """True if a receiver of items only counts them, for Scrapy's own stats."""
    return isinstance(getattr(receiver, "__self__", None), CoreStats)


def batched(tasks: Sequence[HostTask], size: int) -> Iterator[tuple[HostTask, ...]]:
    """Cut a sequence into tuples of at most a size."""
    for start in range(0, len(tasks), size):
        yield tuple(tasks[start : start + size])
