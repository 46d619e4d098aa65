"""Types of hosting that data show of hosters: private proposals."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final

from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.day import BookOfDay
from waterbed.attribution.hosters.members import as_of_key
from waterbed.attribution.lookups.tables.covariates import Value
from waterbed.governance import hosters
from waterbed.governance.keys import stated_reason
from waterbed.measures.carriers import hosts_of, reached_through
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.sizes import DENSE, DENSITY, HOSTING_TYPE, covariates_on, of_hosters
from waterbed.model.conclusions import Reached
from waterbed.model.decisions import HOSTING_TYPES, HosterChange
from waterbed.model.progress import stage
from waterbed.model.table import TableInfo
from waterbed.questions.networks.successions import NEW, REASON_WORDS
from waterbed.store.hoster_settings import Hosters
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

SEE: Final = "docs/hosters.md, Types of hosting"
METHOD: Final = f"one type that all evidence of the day names, else unknown: {SEE}"
_VPS: Final = "tag_vpsh"
"""Tag of bgp.tools for networks that mostly offer virtual servers."""

Evidence = tuple[str | None, str]
"""The type that something speaks for, if one, and what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostingType:
    """The hosting that one hoster seems to offer, with evidence."""

    key: Annotated[str, "the hoster"]
    hosts: Annotated[int, "its reported hosts"]
    hosting_type: Annotated[str, "shared, vps, dedicated, reseller or platform; unknown: no evidence, or for several"]
    evidence: Annotated[tuple[str, ...], "what says so, or speaks for several types"]
    in_book: Annotated[str, "the type that the book has"]
    queue: Annotated[str, "new, or the status of an earlier proposal"]


@stage("types of hosting")
def hosting_types(study: Study, conclusions: Conclusions, day: date) -> tuple[list[HostingType], TableInfo]:
    """The study's hosters, each with the type that data show.

    Most hosts first; those without any evidence are unknown, and listed too.
    """
    book, settings = conclusions.attributor.book, study.config.hosters
    of_day, through, known = book.on(day), reached_through(conclusions), covariates_on(study, day)
    dense = _densest(known, of_day)
    words = {name: of_hosters(known.get(name, {}), of_day.key_of_as) for name in (HOSTING_TYPE, _VPS)}
    queue, announced = _queue(book), hosts_of(conclusions, "as_holder")
    rows = []
    for key, hosts in hosts_of(conclusions).items():
        if key == UNKNOWN:
            continue
        found = [
            *_by_density(dense.get(key), settings),
            *_by_chain(through.get(key, ()), settings, announced=announced.get(key, 0)),
            *_by_tables({name: column.get(key) for name, column in words.items()}),
        ]
        said = {of for of, _ in found if of}
        rows.append(
            HostingType(
                key=key,
                hosts=hosts,
                hosting_type=said.pop() if len(said) == 1 else UNKNOWN,
                evidence=tuple(text for _, text in found),
                in_book=of_day.hosting_type(key),
                queue=queue.get(key, NEW),
            )
        )
    rows.sort(key=lambda row: (-row.hosts, row.key))
    info = replace(table_info(study, "hosting types", by="hoster"), clock="data date", window=str(day), method=METHOD)
    return rows, info


def propose(study: Study, rows: Sequence[HostingType], day: date, reason: str) -> list[HosterChange]:
    """Put types that the book lacks before the coders.

    None of them has an effect until two people accept it, each with a public source.
    """
    stated_reason(reason, "--propose", most=REASON_WORDS, see=SEE)
    return [
        hosters.decide(
            study.folder,
            "proposal",
            row.key,
            entity=row.hosting_type,
            since=day,
            reason=f"{reason} ({'; '.join(row.evidence)})",
        )
        for row in rows
        if row.queue == NEW and row.hosting_type not in (UNKNOWN, row.in_book)
    ]


def _queue(book: HosterBook) -> dict[str, str]:
    """The status of the last proposal of a type, by hoster."""
    return {one.key: str(book.statuses.get(one.change_id)) for one in book.standing if one.hosting_type}


def _densest(known: Mapping[str, Mapping[str, Value]], of_day: BookOfDay) -> dict[str, tuple[str, float, float]]:
    """Of each hoster the AS with most addresses, its domains at one, and these addresses."""
    found: dict[str, list[tuple[float, str, float]]] = defaultdict(list)
    for key, addresses in known.get(DENSE, {}).items():
        density, asn = known.get(DENSITY, {}).get(key), as_of_key(key)
        if isinstance(density, float) and isinstance(addresses, float):
            found[of_day.key_of_as(asn) if asn else key].append((addresses, key, density))
    return {key: (what, density, addresses) for key, own in found.items() for addresses, what, density in [max(own)]}


def _by_density(dense: tuple[str, float, float] | None, settings: Hosters) -> Iterator[Evidence]:
    if dense:
        what, density, addresses = dense
        enough = density >= settings.shared_domains and addresses >= settings.shared_addresses
        yield "shared" if enough else None, f"median {density:g} domains an address on {addresses:g} addresses ({what})"


def _by_chain(through: Sequence[Reached], settings: Hosters, *, announced: int) -> Iterator[Evidence]:
    """Networks of others, but for hosts at addresses that an AS of its own announces: others may do so beside."""
    for one in through:
        rented = min(one.hosts, one.of - announced)
        if one.kind == "reseller of" and rented >= settings.reseller_share * one.of:
            enough = one.of >= settings.reseller_hosts
            yield "reseller" if enough else None, f"{one.hosts} of {one.of} reported hosts in networks of {one.key}"


def _by_tables(words: Mapping[str, Value | None]) -> Iterator[Evidence]:
    if words[_VPS]:
        yield "vps", "tagged vpsh by bgp.tools"
    if word := words[HOSTING_TYPE]:
        yield (str(word) if word in HOSTING_TYPES else None), f"{word}, by a table of covariates"
