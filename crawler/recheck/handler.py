"""The download handler: one Scrapy request stands for the due looks of a few hosts."""

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response

from crawler.probe.look import HostWork

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

SCHEME = "look"
"""Requests are `look://<host_id>`: Scrapy never sees a URL, so it cannot log one."""


class ProbeHandler(BaseDownloadHandler):
    """Hands hosts to the pass, which looks and records; the response says only that it is done."""

    lazy = False

    def __init__(self, crawler: "Crawler") -> None:
        """Start with no look in flight."""
        super().__init__(crawler)
        self._in_flight: set[asyncio.Task[object]] = set()

    async def download_request(self, request: Request) -> Response:
        """Look at all due URLs of the request's hosts.

        Scrapy holds its download tasks weakly; they are kept here until they end, or a look could vanish in mid-flight.
        """
        task = asyncio.current_task()
        if task is not None:
            self._in_flight.add(task)
        try:
            works: tuple[HostWork, ...] = request.meta["works"]
            await self.crawler.spider.session.look_at(works)  # type: ignore[union-attr]  # Scrapy sets it before any download
            return Response(request.url)
        finally:
            if task is not None:
                self._in_flight.discard(task)
