"""One resolver at work on distinct names, in a process of its own; prints its times and a digest of what it found."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import dns.asyncresolver
import dns.edns
import dns.name
import dns.resolver

from waterbed.attribution.lookups.dns.resolver import Resolver

Row = tuple[str, tuple[str, ...], tuple[str, ...], int, tuple[int, ...]]
"""Status, sorted addresses, CNAMEs in order, smallest TTL, EDE codes: what a look keeps of a name."""


def main() -> None:
    """Run one client by name: ours, async or threads."""
    client, at_once, kind, count, address, port = sys.argv[1:]
    names = [f"n{number}.{kind}.example" for number in range(int(count))]
    run = {"ours": _ours, "async": _coroutines, "threads": _threads}[client]
    rows, wall_s, cpu_s = run(names, int(at_once), address, int(port))
    digest = blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()
    print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "digest": digest}))


def _ours(names: list[str], at_once: int, address: str, port: int) -> tuple[list[Row], float, float]:
    async def run() -> tuple[list[Row], float, float]:
        resolver = Resolver(f"{address}:{port}", timeout_s=5, tries=2, in_flight=at_once)

        async def one(name: str) -> Row:
            answer = await resolver.resolve(name)
            return answer.status, answer.addresses, answer.cnames, answer.ttl_s or 0, answer.ede

        done = await _timed(names, at_once, one)
        await resolver.close()
        return done

    return asyncio.run(run())


def _coroutines(names: list[str], at_once: int, address: str, port: int) -> tuple[list[Row], float, float]:
    resolver = _configured(dns.asyncresolver.Resolver(configure=False), address, port)

    async def one(name: str) -> Row:
        asked = dns.name.from_text(name)
        return _row(await resolver.resolve(asked, "A"), await resolver.resolve(asked, "AAAA"))

    return asyncio.run(_timed(names, at_once, one))


def _threads(names: list[str], at_once: int, address: str, port: int) -> tuple[list[Row], float, float]:
    resolver = _configured(dns.resolver.Resolver(configure=False), address, port)

    def one(name: str) -> Row:
        asked = dns.name.from_text(name)
        return _row(resolver.resolve(asked, "A"), resolver.resolve(asked, "AAAA"))

    with ThreadPoolExecutor(at_once) as pool:
        started, used = time.perf_counter(), time.process_time()
        rows = list(pool.map(one, names))
        return rows, time.perf_counter() - started, time.process_time() - used


def _configured(resolver: Any, address: str, port: int) -> Any:
    resolver.nameservers, resolver.port, resolver.lifetime = [address], port, 10
    resolver.use_edns(0, 0, 1232)
    return resolver


async def _timed(
    names: list[str], at_once: int, one: Callable[[str], Awaitable[Row]]
) -> tuple[list[Row], float, float]:
    """Let so many workers share the names."""
    rows: list[Any] = [None] * len(names)
    waiting: Iterator[tuple[int, str]] = iter(enumerate(names))

    async def work() -> None:
        for number, name in waiting:
            rows[number] = await one(name)

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return rows, time.perf_counter() - started, time.process_time() - used


def _row(a: dns.resolver.Answer, aaaa: dns.resolver.Answer) -> Row:
    """Of dnspython's two answers, what ours keeps too."""
    found = tuple(sorted(record.address for answer in (a, aaaa) for record in answer))
    links = tuple(link[0].target.to_text(omit_final_dot=True).lower() for link in a.chaining_result.cnames)
    ttl = min(a.chaining_result.minimum_ttl, aaaa.chaining_result.minimum_ttl)
    options = [option for answer in (a, aaaa) for option in answer.response.options]
    ede = tuple(sorted({int(option.code) for option in options if isinstance(option, dns.edns.EDEOption)}))
    return "ok" if a.response.rcode() == aaaa.response.rcode() == 0 else "failed", found, links, ttl, ede


if __name__ == "__main__":
    main()
