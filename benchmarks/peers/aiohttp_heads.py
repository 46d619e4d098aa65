"""A bare aiohttp loop that only HEADs: URLs from standard input, counts to standard output."""

import asyncio
import json
import sys
from collections.abc import Iterator
from time import perf_counter

import aiohttp

AT_ONCE = 256

counts = {"answered": 0, "ok": 0, "failed": 0}


async def heads(session: aiohttp.ClientSession, urls: Iterator[str]) -> None:
    """Ask for the head of one URL after the other, and count."""
    for url in urls:
        try:
            async with session.head(url, allow_redirects=False) as answer:
                counts["answered"] += 1
                counts["ok"] += answer.status == 200
        except aiohttp.ClientError:
            counts["failed"] += 1


async def main(urls: list[str]) -> None:
    """Ask for 256 URLs at once, with the library's defaults for all else."""
    left = iter(urls)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        await asyncio.gather(*(heads(session, left) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    given = sys.stdin.read().split()
    started = perf_counter()
    asyncio.run(main(given))
    print(json.dumps({**counts, "seconds": perf_counter() - started}))
