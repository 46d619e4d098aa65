"""Team Cymru's origins over DNS, for comparison only."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.resolver

_IN_FLIGHT = 8
"""Questions at a time: a service for everybody is asked gently."""

_ZONES = {4: "origin.asn.cymru.com.", 6: "origin6.asn.cymru.com."}


@dataclass(frozen=True, slots=True, kw_only=True)
class CymruAnswer:
    """Origins and prefixes of an address, or a failure."""

    origins: tuple[int, ...] = ()
    prefixes: tuple[str, ...] = ()
    problem: str | None = None


def question(address: str) -> str:
    """The DNS name that queries an address."""
    parsed = ip_address(address)
    host = parsed.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return f"{host}.{_ZONES[parsed.version]}"


def read_texts(texts: Iterable[str]) -> CymruAnswer:
    """Parse all TXT answers, one line a prefix.

    Lines have the form `AS AS ... | prefix | country | registry | date`.

    Lines that are otherwise are left out; if none is left that is the problem.
    """
    origins: set[int] = set()
    prefixes: set[str] = set()
    for text in texts:
        numbers_text, _, rest = text.partition("|")
        numbers = [word for word in numbers_text.split() if word.isascii() and word.isdecimal() and len(word) <= 10]
        if numbers and len(numbers) == len(numbers_text.split()):
            origins.update(map(int, numbers))
            prefixes.add(rest.partition("|")[0].strip()[:43])
    if not origins:
        return CymruAnswer(problem="no answer that can be read")
    return CymruAnswer(origins=tuple(sorted(origins)), prefixes=tuple(sorted(prefixes)))


async def ask_cymru(addresses: Iterable[str], resolver: str, timeout_s: float) -> Mapping[str, CymruAnswer]:
    """Ask about addresses through a recursive resolver, given as address:port."""
    host, _, port = resolver.rpartition(":")
    asker = dns.asyncresolver.Resolver(configure=False)
    asker.nameservers = [host.strip("[]")]
    asker.port = int(port)
    asker.lifetime = timeout_s
    at_once = asyncio.Semaphore(_IN_FLIGHT)

    async def one(address: str) -> CymruAnswer:
        async with at_once:
            try:
                answer = await asker.resolve(question(address), "TXT", search=False)
            except dns.resolver.NXDOMAIN:
                return CymruAnswer(problem="not announced")
            except (dns.exception.DNSException, OSError) as problem:
                return CymruAnswer(problem=type(problem).__name__)
            return read_texts(b"".join(record.strings).decode("latin-1") for record in answer)

    unique_addresses = sorted(set(addresses))
    return dict(zip(unique_addresses, await asyncio.gather(*map(one, unique_addresses)), strict=True))
