"""Sends one RDAP query over HTTP; only a crawl of registries loads it, as aiohttp takes long."""

import aiohttp

from waterbed.crawler.registry.response import Failure, RdapResponse
from waterbed.store.bounded.limits import MOST_ANSWER


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp repeats a GET whose connection broke, and no pace would know of it."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except aiohttp.ServerDisconnectedError as lost:
        raise aiohttp.ClientPayloadError from lost
    except aiohttp.ClientOSError as lost:
        raise aiohttp.ClientConnectionError from lost


class RdapClient:
    """An HTTP client within bounds.

    It verifies certificates, follows no redirect, keeps no cookie and takes no proxy from the environment.
    """

    def __init__(self) -> None:
        """Open no connection yet."""
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=(_once,),
        )

    async def send(self, url: str, headers: dict[str, str], timeout_s: float) -> RdapResponse:
        """Fetch one URL; a failure of the network is a value."""
        bounds = aiohttp.ClientTimeout(total=timeout_s)
        body = bytearray()
        try:
            async with self._session.get(url, headers=headers, timeout=bounds, allow_redirects=False) as response:
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > MOST_ANSWER:
                        return RdapResponse(failure="too_large")
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            return RdapResponse(failure=_failure(problem))
        return RdapResponse(
            status=response.status,
            location=response.headers.get("Location", ""),
            retry_after=response.headers.get("Retry-After", ""),
            etag=response.headers.get("ETag", ""),
            body=bytes(body),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _failure(problem: Exception) -> Failure:
    if isinstance(problem, TimeoutError):
        return "timeout"
    if isinstance(problem, aiohttp.ClientSSLError):
        return "tls"
    return "cut_off" if isinstance(problem, aiohttp.ClientPayloadError) else "unreachable"
