"""Requests of link checks; a made-up file comes first."""

import asyncio
import re
import secrets
import string
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.probe.control import control_url
from waterbed.crawler.probe.follow import Step, ask_head
from waterbed.crawler.probe.link_checks import LinkCheck, link_check_for
from waterbed.model.urls import CanonicalUrl

UNTRUSTED: Final = "link_check_untrusted"
"""Failure of a look whose link check did not deny a made-up file: nothing was asked about the URL."""

_TRUSTED_FOR = timedelta(hours=1)
"""A pass that lasts longer asks again."""

_BUSY = (401, 403, 429, 503)
_TRIES = 50
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_HEX = "abcdef"
_KINDS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)


class LinkChecks:
    """The link checks of one pass, as far as trusted."""

    def __init__(self, checks: Sequence[LinkCheck], resolver: Resolver, clock: Callable[[], datetime]) -> None:
        """Take the checks that are in force; nothing is asked."""
        self._checks = checks
        self._resolver = resolver
        self._clock = clock
        self._tried: dict[tuple[str, str, str], tuple[datetime, bool]] = {}
        self._turns: dict[tuple[str, str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ask(self, connections: HostConnections, canonical: CanonicalUrl, addresses: Sequence[str]) -> Step | None:
        """Ask about a URL.

        None if no check is for it. No redirect is followed. Before the first URL the endpoint is asked about a made-up
        one of the same shape, and about the known one: unless it denies the one and confirms the other, it tells
        nothing in this pass.
        """
        matched = link_check_for(self._checks, canonical)
        if matched is None:
            return None
        check, endpoint = matched
        if endpoint.host != canonical.host:
            addresses = (await self._resolver.resolve(endpoint.host)).addresses
        key, total = (check.name, endpoint.authority, connections.vantage), 0
        async with self._turns[key]:
            tried = self._tried.get(key)
            if tried is None or self._clock() - tried[0] > _TRUSTED_FOR:
                trusted, total, exchange = await self._try(connections, check, canonical, addresses)
                self._tried[key] = self._clock(), trusted
                connections.start_afresh()  # a late answer about those must not be taken for one about the URL
                if not trusted and exchange and exchange.head and exchange.head.status in _BUSY:
                    return _step(check, endpoint, addresses, replace(exchange, bytes_read=total), None)
        if not self._tried[key][1]:
            refused = Exchange(address=None, head=None, phase="guard", failure=UNTRUSTED, bytes_read=total)
            return replace(_step(check, endpoint, addresses, refused, None), method=None)
        exchange, exists = await asked_about(connections, check, canonical, addresses)
        if exists is False and check.beyond_head and check.known is None:
            exists = None  # it may deny everything: nothing has shown that it ever confirms a file
        return _step(check, endpoint, addresses, replace(exchange, bytes_read=total + exchange.bytes_read), exists)

    async def _try(
        self, connections: HostConnections, check: LinkCheck, canonical: CanonicalUrl, addresses: Sequence[str]
    ) -> tuple[bool, int, Exchange | None]:
        """Ask about files whose state is known; return if all is as expected, the bytes and the last response."""
        made_up = made_up_file(check, canonical)
        if made_up is None:
            return False, 0, None
        exchange, exists = await asked_about(connections, check, made_up, addresses)
        total = exchange.bytes_read
        if exists is not False or check.known is None:
            return exists is False, total, exchange
        exchange, exists = await asked_about(connections, check, control_url(canonical, check.known), addresses)
        return exists is True, total + exchange.bytes_read, exchange


async def asked_about(
    connections: HostConnections, check: LinkCheck, canonical: CanonicalUrl, addresses: Sequence[str]
) -> tuple[Exchange, bool | None]:
    """Send one request about a file.

    Return the response, and whether the file exists. The text of the answer is dropped.
    """
    endpoint = check.url_for(canonical)
    if endpoint is None:
        raise ValueError(f"not a file of link check {check.name}")
    if check.body_limit:
        exchange = await connections.send(endpoint, check.request_for(canonical), addresses)
        kind = exchange.head.fields.get("content-type", "") if exchange.head else ""
        return replace(exchange, page=None), check.answer_means(canonical, exchange.page, kind)
    if check.method == "HEAD":
        exchange = await ask_head(connections, endpoint, addresses)
    else:
        exchange = await connections.send(endpoint, check.request_for(canonical), addresses)
    status = exchange.head.status if exchange.head and exchange.authenticated is not False else None
    return exchange, check.file_exists(status)


def _step(
    check: LinkCheck, endpoint: CanonicalUrl, addresses: Sequence[str], exchange: Exchange, exists: bool | None
) -> Step:
    return Step(
        canonical=endpoint,
        addresses=addresses,
        exchange=exchange,
        method=check.method,
        bytes_read=exchange.bytes_read,
        authenticated=exchange.authenticated,
        reused=exchange.reused,
        link_check=check.name,
        link_exists=exists,
    )


def made_up_file(check: LinkCheck, canonical: CanonicalUrl) -> CanonicalUrl | None:
    """Return a random URL of the same shape.

    Its groups are random: digits stand for digits, and letters for letters, small and large ones. None if the shape
    allows no other file.
    """
    original = check.path.search(canonical.target)
    if not original:
        return None
    escaped = {position for escape in _ESCAPE.finditer(canonical.target) for position in range(*escape.span())}
    for _ in range(_TRIES):
        letters = list(canonical.target)
        for group in range(1, check.path.groups + 1):
            start, end = original.span(group)
            for position in range(max(start, 0), end):
                if position not in escaped:
                    letters[position] = _alike(canonical.target[position], original.group(group))
        other = control_url(canonical, "".join(letters))
        match = check.path.search(other.target)
        if match and match.groups() != original.groups():
            return other
    return None


def _alike(letter: str, word: str) -> str:
    """Return a random letter of the same kind; of a word that may be hexadecimal a hexadecimal one."""
    small = {character.lower() for character in word if character.isalpha()}
    for kind in _KINDS:
        if letter in kind:
            hexadecimal = letter.isalpha() and small <= set(_HEX) and any(character.isdigit() for character in word)
            choice = [character for character in kind if character.lower() in _HEX] if hexadecimal else kind
            return secrets.choice(choice)
    return letter
