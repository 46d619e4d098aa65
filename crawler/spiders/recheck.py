"""Rechecks what is due: `scrapy crawl recheck -a study=DIR`."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from waterbed.crawler.logs import guard_process
from waterbed.crawler.probe.prober import HostTask
from waterbed.crawler.recheck.handler import SCHEME
from waterbed.crawler.recheck.session import Continuous, Progress, Session
from waterbed.model.errors import InputError
from waterbed.store.folder import Folder, open_folder

HOSTS_A_REQUEST = 16
"""Hosts in one Scrapy request: a request costs the engine as much as a check costs us."""


class RecheckSpider(Spider):
    """One pass over all due URLs of a study."""

    name = "recheck"
    custom_settings = {"ITEM_PIPELINES": {"waterbed.crawler.recheck.pipeline.PassPipeline": 100}}  # noqa: RUF012 (Scrapy's own name)

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

    def on_response(self, response: Response) -> None:
        """Do nothing: the looks are recorded already."""

    def on_error(self, failure: Failure) -> None:
        """Count a failure of our own; the URLs stay due."""
        self.session.fail("a few hosts' checks", failure.value)


def batched(tasks: Sequence[HostTask], size: int) -> Iterator[tuple[HostTask, ...]]:
    """Cut a sequence into tuples of at most a size."""
    for start in range(0, len(tasks), size):
        yield tuple(tasks[start : start + size])
