"""Link checks tried at the real hosters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.attribution.lookups.lists import lists_of
from waterbed.crawler.net.guard import connector
from waterbed.crawler.net.http import HostConnections
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.vantage import first_vantage
from waterbed.crawler.probe.link_asking import LinkChecks
from waterbed.crawler.probe.link_checks import SEE, LinkCheck
from waterbed.crawler.probe.prober import agent_of
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.urls import CanonicalUrl, canonicalize
from waterbed.store.bounded.text import open_lines
from waterbed.store.folder import Folder

MOST_FILES: Final = 20
"""Files of one trial: it is a trial, not a measurement."""
_PAGE: Final = SEE
STATES: Final = {"there": True, "missing": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file whose state somebody knows.

    Secret: its repr shows the line.
    """

    line: int
    file: CanonicalUrl
    there: bool

    def __repr__(self) -> str:
        """Show the line, nothing of the URL."""
        return f"<KnownFile of line {self.line}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTrialRow:
    """The conclusion of one file at the real hoster."""

    line: Annotated[int, "line of the file of URLs"]
    check: Annotated[str, "the link check; empty: none is for this URL, and nothing was asked"]
    expected: Annotated[str, "there or missing, as the file says"]
    concluded: Annotated[str, "there, missing or unknown"]
    result: Annotated[str, "right, unknown or wrong"]
    status: Annotated[int | None, "status of the response; null: none"]
    failure: Annotated[str, "what went wrong; empty: nothing"]


def known_files(path: Path) -> list[KnownFile]:
    """Read lines `there,URL` or `missing,URL`.

    InputError that names the lines that are something else, and for too many.
    """
    files, broken = [], []
    for number, line in enumerate(open_lines(path, "a file of lines there,URL or missing,URL", _PAGE), 1):
        state, _, url = line.strip().partition(",")
        try:
            if line.strip():
                files.append(KnownFile(line=number, file=canonicalize(url), there=STATES[state.strip()]))
        except (BadUrl, KeyError):
            broken.append(number)
        if max(len(files), len(broken)) > MOST_FILES:
            raise InputError(f"{path}: {MOST_FILES} lines at most were expected, as this is a trial ({SEE})")
    if broken or not files:
        which = f"line {', '.join(map(str, broken[:10]))}" if broken else "no line"
        raise InputError(f"{path}: {which}: there,URL or missing,URL was expected ({SEE})")
    return files


async def try_at_hosts(folder: Folder, checks: Sequence[LinkCheck], files: Sequence[KnownFile]) -> list[HostTrialRow]:
    """Ask about each file as a pass does.

    With its guard, politeness and deadline. Nothing is recorded of the answers.
    """
    config, lab = folder.config, folder.lab
    probe, names = config.probe, config.names
    lists = lists_of(folder.path)
    resolver = Resolver(
        lab.resolver if lab else names.resolver,
        timeout_s=names.timeout_s,
        tries=names.tries,
        in_flight=names.in_flight,
        special=lists.special_names,
    )
    politeness = Politeness(
        at_once=probe.per_address,
        delay_s=probe.delay_s,
        network_at_once=probe.per_network,
        network_delay_s=probe.network_delay_s,
    )
    asking = LinkChecks(checks, resolver, folder.clock)
    try:
        rows = []
        for known_file in files:
            async with HostConnections(
                connector(lab, config.guard, lists.denied),
                politeness,
                timeout_s=probe.timeout_s,
                agent=agent_of(config),
                vantage=first_vantage(config),
            ) as connections:
                connections.begin_check()
                addresses = (await resolver.resolve(known_file.file.host)).addresses
                step = await asking.ask(connections, known_file.file, addresses)
            concluded = step.link_exists if step else None
            head = step.exchange.head if step else None
            rows.append(
                HostTrialRow(
                    line=known_file.line,
                    check=step.link_check or "" if step else "",
                    expected=_word(known_file.there),
                    concluded=_word(concluded),
                    result="unknown" if concluded is None else "right" if concluded == known_file.there else "wrong",
                    status=head.status if head else None,
                    failure=(step.exchange.failure or step.exchange.page_refused or "") if step else "",
                )
            )
        return rows
    finally:
        await resolver.close()


def _word(exists: bool | None) -> str:
    return "unknown" if exists is None else "there" if exists else "missing"


def fitting(checks: Sequence[LinkCheck], files: Sequence[KnownFile]) -> Iterator[LinkCheck]:
    """The checks that are for some of the files."""
    return (check for check in checks if any(check.url_for(known_file.file) for known_file in files))
