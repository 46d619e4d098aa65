"""The download handler: one Scrapy request checks a few hosts."""

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response

from waterbed.crawler.probe.prober import HostTask

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

SCHEME = "look"
"""Requests are `look://<host_id>`: Scrapy never sees a URL, so it cannot log one."""


class ProbeHandler(BaseDownloadHandler):
    """Hands hosts to the pass; the response is empty."""

    lazy = False

    def __init__(self, crawler: "Crawler") -> None:
        """Start with no request in flight."""
        super().__init__(crawler)
        self._in_flight: set[asyncio.Task[object]] = set()

    async def download_request(self, request: Request) -> Response:
        """Check the due URLs of the request's hosts.

        Scrapy holds its download tasks weakly; they are referenced here until they end, or the garbage collector could
        drop a check in flight.
        """
        running = asyncio.current_task()
        if running is not None:
            self._in_flight.add(running)
        tasks: tuple[HostTask, ...] = request.meta["tasks"]
        try:
            request.meta["facts"] = await self.crawler.spider.session.check_hosts(tasks)  # type: ignore[union-attr]  # Scrapy sets it before any download
            return Response(request.url)
        finally:
            self.crawler.spider.session.done(tasks)  # type: ignore[union-attr]
            if running is not None:
                self._in_flight.discard(running)
