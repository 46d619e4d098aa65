"""The download handler: one Scrapy request asks one registry."""

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response

from waterbed.store.bounded.limits import MOST_ANSWER

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from waterbed.crawler.registry.response import Failure, RdapResponse

REGISTRY_SCHEME = "registry"
"""Requests are `registry://<name>/<turn>`: no log can hold the address that is asked for."""

MOST_BYTES = MOST_ANSWER


class RegistryHandler(BaseDownloadHandler):
    """Sends the crawl's queries by Scrapy's own HTTPS client.

    The client verifies certificates, follows no redirect, keeps no cookie and takes no proxy from the environment.
    """

    lazy = True

    def __init__(self, crawler: "Crawler") -> None:
        """Make the client."""
        super().__init__(crawler)
        # Scrapy itself uses it where no Twisted reactor runs; its import is too slow for other passes.
        from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler  # noqa: PLC0415 (see above)

        class Client(AiohttpDownloadHandler):
            """Scrapy's client without its line of warning."""

            experimental = False

        self._client = Client(crawler)
        # aiohttp sends a GET again by itself when the connection breaks: a request that no pace would know of
        self._client._session._retry_connection = False

    async def download_request(self, request: Request) -> Response:
        """Ask one registry once; the response is empty."""
        spider: Any = self.crawler.spider
        await spider.session.turn(request.meta["registry"], self._send)
        return Response(request.url)

    async def _send(self, url: str, headers: dict[str, str], timeout_s: float) -> "RdapResponse":
        """Fetch one URL; a failure of the network is a value."""
        from waterbed.crawler.registry.response import RdapResponse  # noqa: PLC0415 (this module is imported by every pass)

        meta = {
            "download_timeout": timeout_s,
            "download_maxsize": MOST_BYTES,
            "download_warnsize": 0,
            "download_fail_on_dataloss": False,  # else Scrapy warns of it; the flag below tells it too
        }
        try:
            response = await self._client.download_request(Request(url, headers=headers, meta=meta, dont_filter=True))
        except (DownloadFailedError, DownloadConnectionRefusedError, UnsupportedURLSchemeError, OSError) as problem:
            return RdapResponse(failure=_failure(problem))
        except CannotResolveHostError:
            return RdapResponse(failure="unreachable")
        except DownloadTimeoutError:
            return RdapResponse(failure="timeout")
        except DownloadCancelledError:
            return RdapResponse(failure="too_large")
        if "dataloss" in response.flags:
            return RdapResponse(failure="cut_off")
        return RdapResponse(
            status=response.status,
            location=_header(response, "Location"),
            retry_after=_header(response, "Retry-After"),
            etag=_header(response, "ETag"),
            body=response.body,
        )

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


def _failure(problem: Exception) -> "Failure":
    causes: list[BaseException] = [problem]
    while causes[-1].__cause__ is not None and len(causes) < 8:
        causes.append(causes[-1].__cause__)
    names = {type(cause).__name__ for cause in causes}
    if any("Certificate" in name or "SSL" in name for name in names):
        return "tls"
    return "cut_off" if names & {"ClientPayloadError", "ServerDisconnectedError"} else "unreachable"


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    return value.decode("latin-1") if isinstance(value, bytes) else ""
