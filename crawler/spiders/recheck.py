"""Rechecks what is due: `scrapy crawl recheck -a study=DIR`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.look import HostWork
from crawler.probe import SCHEME, LookResponse
from crawler.session import Progress, Session
from waterbed.model.errors import InputError
from waterbed.store.folder import Folder, open_folder


class RecheckSpider(Spider):
    """One pass over all due URLs of a study."""

    name = "recheck"
    custom_settings = {"ITEM_PIPELINES": {"crawler.pipelines.RecordPipeline": 100}}  # noqa: RUF012 (Scrapy's own name)

    def __init__(
        self,
        study: str | None = None,
        folder: Folder | None = None,
        limit: str | int | None = None,
        due: str = "due",
        progress: Progress | None = None,
        **kwargs: Any,
    ) -> None:
        """Take a study by path or opened; `limit` looks at most; `due=all` looks at every URL now."""
        super().__init__(**kwargs)
        if folder is None and study is None:
            raise InputError("no study given; call: scrapy crawl recheck -a study=DIR")
        opened = folder or open_folder(Path(str(study)))
        most = None if limit is None else int(limit)
        self.session = Session(opened, everything=due == "all", limit=most, progress=progress)

    async def start(self) -> AsyncIterator[Request]:
        """Lease due URLs bit by bit, one request for each host; if that fails, the pass does."""
        while works := await self._lease():
            for work in works:
                yield Request(
                    f"{SCHEME}://{work.host_id}",
                    meta={"work": work, "download_slot": SCHEME},
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

    def looked(self, response: Response) -> Iterator[Any]:
        """Pass a host's facts on."""
        if isinstance(response, LookResponse):
            yield response.done

    def broke(self, failure: Failure) -> None:
        """Count our own failure: the looks stay due, nothing is concluded."""
        self.session.fail("a host's looks", failure.value)
