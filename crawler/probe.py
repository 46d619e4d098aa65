"""The download handler: one Scrapy request stands for one host's due looks."""

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response

from crawler.look import HostFacts, HostWork

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

SCHEME = "look"
"""Requests are `look://<host_id>`: Scrapy never sees a URL, so it cannot log one."""


class LookResponse(Response):
    """A host's facts on their way to the spider; its body is always empty."""

    done: HostFacts


class ProbeHandler(BaseDownloadHandler):
    """Hands a host's work to the pass's looker."""

    lazy = False

    def __init__(self, crawler: "Crawler") -> None:
        """Start with no look in flight."""
        super().__init__(crawler)
        self._in_flight: set[asyncio.Task[object]] = set()

    async def download_request(self, request: Request) -> Response:
        """Look at all due URLs of one host.

        Scrapy holds its download tasks weakly; they are kept here until they end, or a look could vanish in mid-flight.
        """
        task = asyncio.current_task()
        if task is not None:
            self._in_flight.add(task)
        try:
            work: HostWork = request.meta["work"]
            response = LookResponse(request.url)
            response.done = await self.crawler.spider.session.looker.look(work)  # type: ignore[union-attr]  # Scrapy sets it before any download
            return response
        finally:
            if task is not None:
                self._in_flight.discard(task)
