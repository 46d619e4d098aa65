"""Link checks tried against honest and lying servers."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.http import HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.probe.link_asking import LinkChecks, made_up_file
from waterbed.crawler.probe.link_checks import SEE, LinkCheck
from waterbed.lab.servers.link_checks import MANNERS, Manner, link_check_host
from waterbed.lab.servers.wire import server_context
from waterbed.model.errors import InputError
from waterbed.model.urls import CanonicalUrl, canonicalize

_ADDRESS: Final = "28.10.0.7"
"""A public address, which the trial's connector leads to loopback."""
_TIMEOUT_S: Final = 1.0
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One link check and one manner of its server."""

    check: Annotated[str, "the link check"]
    server: Annotated[str, "how the server answers"]
    there: Annotated[str, "the conclusion of a file that is there: there, missing or unknown"]
    missing: Annotated[str, "the conclusion of a file that is not"]
    result: Annotated[str, "right, unknown (some answer tells nothing) or wrong"]
    bytes: Annotated[int, "most bytes of an answer that reached this machine, as the server counted"]
    why: Annotated[str, "what would mend a wrong one"] = ""


def try_in_lab(checks: Sequence[LinkCheck]) -> list[TrialRow]:
    """Try each check against servers of each manner.

    Each is asked about two files, as a pass does. One of them is there and the other is not. InputError for a check
    without an example.
    """
    for check in checks:
        if check.example is None:
            raise InputError(
                f"link check {check.name}: example, a made-up path that fits path, was expected to try it with ({SEE})"
            )
    return asyncio.run(_all(checks))


async def _all(checks: Sequence[LinkCheck]) -> list[TrialRow]:
    context, turns = server_context(), asyncio.Semaphore(_AT_ONCE)

    async def one(check: LinkCheck, manner: Manner) -> TrialRow:
        async with turns:
            return await _try(check, manner, context)

    return list(await asyncio.gather(*(one(check, manner) for check in checks for manner in MANNERS)))


async def _try(check: LinkCheck, manner: Manner, context: ssl.SSLContext) -> TrialRow:
    there = canonicalize(f"https://{check.host or check.suffix}{check.example}")
    missing = made_up_file(check, there)
    if missing is None:
        raise InputError(f"link check {check.name}: a path with more than one possible file was expected ({SEE})")
    known = [canonicalize(f"https://{there.host}{check.known}")] if check.known else []
    async with link_check_host(check, manner, [there, *known], context) as host:
        said = [await concluded(check, file, host.port) for file in (there, missing)]
        await asyncio.sleep(0)
    wrong = said[0] is False or said[1] is True
    result = "wrong" if wrong else "right" if said == [True, False] else "unknown"
    unshown = manner.honest and check.beyond_head and not check.known
    why = "name a known file" if unshown and said[1] is None else ""
    return TrialRow(
        check=check.name,
        server=manner.name,
        there=_WORDS[said[0]],
        missing=_WORDS[said[1]],
        result=result,
        bytes=host.acked_most,
        why=why,
    )


_WORDS: Final = {True: "there", False: "missing", None: "unknown"}


async def concluded(check: LinkCheck, file: CanonicalUrl, port: int) -> bool | None:
    """The conclusion that a new pass draws of a file.

    From a server on loopback: True if it is there, None if that is unclear.
    """
    politeness = Politeness(at_once=4, delay_s=0.0)
    resolver = Resolver("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1)
    asking = LinkChecks([check], resolver, lambda: datetime.now(UTC))
    async with HostConnections(
        lambda *_: ("127.0.0.1", port), politeness, timeout_s=_TIMEOUT_S, agent="Waterbed"
    ) as connections:
        connections.begin_check()
        step = await asking.ask(connections, file, [_ADDRESS])
    return step.link_exists if step else None
