"""The client of registries: one request a query, within bounds, and each failure a value."""

import asyncio

import pytest

from waterbed.crawler.registry.client import RdapClient
from waterbed.crawler.registry.response import RdapResponse
from waterbed.store.bounded.limits import MOST_ANSWER

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def answers(*given: bytes | None) -> tuple[list[RdapResponse], list[bytes]]:
    """Ask once for each answer, which the server gives in turn; None ends the connection. Responses and requests."""
    heads: list[bytes] = []
    queue = list(given)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            said = queue.pop(0) if queue else OK
            if said is None:
                break
            writer.write(said)
            if said != OK:
                break
        writer.close()

    async def go() -> list[RdapResponse]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = RdapClient()
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ip/192.0.2.1"
        got = [await client.send(url, {"Accept": "application/rdap+json"}, 5.0) for _ in given]
        await client.close()
        server.close()
        return got

    return asyncio.run(go()), heads


def test_a_query_is_sent_once() -> None:
    """A kept connection that breaks ends the query: it is not sent again by itself, which no pace would count."""
    got, heads = answers(OK, None, OK)
    assert [one.status for one in got] == [200, 0, 200]
    assert got[1].failure == "cut_off"
    assert len(heads) == 3


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{}", "cut_off"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (MOST_ANSWER + 1), "too_large"),
        (b"220 mail.example ESMTP\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\xff\r\nContent-Length: 0\r\n\r\n", None),
    ],
)
def test_a_failure_is_a_value(answer: bytes, failure: str | None) -> None:
    """A short, an endless and no HTTP answer are told apart; a redirect is not followed."""
    (got,), heads = answers(answer)
    assert (got.failure, len(heads)) == (failure, 1)


def test_no_connection_is_a_value() -> None:
    """Nobody listens there, or the name is none."""

    async def go(url: str) -> str | None:
        client = RdapClient()
        response = await client.send(url, {}, 5.0)
        await client.close()
        return response.failure

    assert {
        asyncio.run(go(url))
        for url in ("http://127.0.0.1:9/", "http://:80/", "ftp://127.0.0.1/", "http://127.0.0.1:9/\udcff")
    } == {"unreachable"}
