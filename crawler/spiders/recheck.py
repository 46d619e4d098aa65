"""Rechecks what is due: `scrapy crawl recheck -a study=DIR`."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.probe.look import HostWork
from crawler.recheck.handler import SCHEME
from crawler.recheck.session import Lasting, Progress, Session
from waterbed.model.errors import InputError
from waterbed.store.folder import Folder, open_folder

HOSTS_A_REQUEST = 16
"""Hosts that one request stands for: a request costs Scrapy's engine as much as a look costs us."""


class RecheckSpider(Spider):
    """One pass over all due URLs of a study."""

    name = "recheck"
    custom_settings = {"ITEM_PIPELINES": {"crawler.recheck.pipeline.PassPipeline": 100}}  # noqa: RUF012 (Scrapy's own name)

    def __init__(
        self,
        study: str | None = None,
        folder: Folder | None = None,
        limit: str | int | None = None,
        due: str = "due",
        progress: Progress | None = None,
        lasting: Lasting | None = None,
        **kwargs: Any,
    ) -> None:
        """Take a study by path or opened; `limit` looks at most; `due=all` looks at every URL now."""
        super().__init__(**kwargs)
        if folder is None and study is None:
            raise InputError("no study given; call: scrapy crawl recheck -a study=DIR")
        opened = folder or open_folder(Path(str(study)))
        most = None if limit is None else int(limit)
        self.session = Session(opened, everything=due == "all", limit=most, progress=progress, lasting=lasting)

    async def start(self) -> AsyncIterator[Request]:
        """Lease due URLs bit by bit, one request for a few hosts; if that fails, the pass does."""
        ahead = asyncio.create_task(self._lease())
        while works := await ahead:
            # the next are leased while these are looked at
            ahead = asyncio.create_task(self._lease())
            for few in batched(works, HOSTS_A_REQUEST):
                if self.session.ending:
                    break
                yield Request(
                    f"{SCHEME}://{few[0].host_id}",
                    meta={"works": few, "download_slot": SCHEME},
                    callback=self.looked,
                    errback=self.broke,
                    dont_filter=True,
                )

    async def _lease(self) -> list[HostWork]:
        try:
            return await self.session.lease()
        except Exception as problem:  # Scrapy would log it and go on as if nothing were
            self.session.fail("the lease", problem)
            return []

    def looked(self, response: Response) -> None:
        """Nothing is left to do: the looks are recorded."""

    def broke(self, failure: Failure) -> None:
        """Count our own failure: the looks stay due, nothing is concluded."""
        self.session.fail("a few hosts' looks", failure.value)


def batched(works: Sequence[HostWork], size: int) -> Iterator[tuple[HostWork, ...]]:
    """Cut a sequence into tuples of at most a size."""
    for start in range(0, len(works), size):
        yield tuple(works[start : start + size])
