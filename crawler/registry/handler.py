"""The download handler: one Scrapy request asks one registry."""

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

REGISTRY_SCHEME = "registry"
"""Requests are `registry://<name>/<turn>`: no log can hold the address that is asked for."""


class RegistryHandler(BaseDownloadHandler):
    """Sends the crawl's queries."""

    lazy = True

    def __init__(self, crawler: "Crawler") -> None:
        """Make the client."""
        super().__init__(crawler)
        from waterbed.crawler.registry.client import RdapClient  # noqa: PLC0415 (too slow for other passes)

        self._client = RdapClient()

    async def download_request(self, request: Request) -> Response:
        """Ask one registry once; the response is empty."""
        spider: Any = self.crawler.spider
        await spider.session.turn(request.meta["registry"], self._client.send)
        return Response(request.url)

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()
