"""Networks that changed hands between two days: private proposals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, Final

import numpy as np

from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.members import holder_key
from waterbed.attribution.hosters.review import CODED
from waterbed.attribution.lookups.rdap.registrations import RegistrationIndex
from waterbed.attribution.lookups.tables.organisations import AsOrganisations
from waterbed.attribution.lookups.tables.relations import RelationTable
from waterbed.attribution.lookups.tables.routes import RouteTables
from waterbed.attribution.snapshots import Chosen, Snapshots, latest
from waterbed.attribution.successions import Chance, Hands, Rule, chances_together, changed_hands, heirs_of
from waterbed.governance import hosters
from waterbed.governance.keys import stated_reason
from waterbed.model.decisions import HosterChange
from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.registrations import Registration
from waterbed.model.spelling import percent
from waterbed.model.table import TableInfo
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

SEE: Final = "docs/attribution.md, Networks that change hands"
METHOD: Final = (
    "IPv4 addresses and IPv6 /48s whose origin changed, as blocks; Poisson tail of a null in which each block goes to "
    "any AS that received one of its size and family; Benjamini-Yekutieli over all pairs of two large ASes of both "
    f"families: {SEE}"
)
_PREFIXES: Final = 3
_DAYS: Final = 5
REASON_WORDS: Final = 300
"""Most characters of a reason, which leaves room for the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """An old AS and its heir, with the evidence.

    Private: a proposal for coders, no finding about a company.
    """

    old: Annotated[str, "the AS that had the addresses on the first day"]
    new: Annotated[str, "the AS that has them on the second, and had none on the first"]
    family: Annotated[int, "4: its numbers are of IPv4 addresses; 6: of IPv6 /48s"]
    moved: Annotated[int, "addresses or /48s that went from one to the other"]
    old_size: Annotated[int, "addresses of the old one on the first day"]
    new_size: Annotated[int, "addresses of the new one on the second day"]
    share_out: Annotated[float, "moved addresses as a share of the old one's, 0..1"]
    share_in: Annotated[float, "moved addresses as a share of the new one's"]
    kept: Annotated[float, "share of the old one's addresses that it still has"]
    newness: Annotated[float, "share of the new one's addresses that it had not on the first day"]
    blocks: Annotated[int, "unbroken blocks that moved"]
    expected: Annotated[float, "blocks that would have moved between the two by chance"]
    chance: Annotated[float, "probability of so many blocks or more by chance"]
    adjusted: Annotated[float, "the same, adjusted for all pairs that were compared"]
    found: Annotated[bool, "whether `adjusted` is up to the rate: else it is not told from ordinary transfers"]
    alike: Annotated[float, "share of ASes of half to twice the old one's size that have such an heir, itself included"]
    peers: Annotated[int, "number of ASes of that size"]
    handles: Annotated[tuple[str, ...], "keyed ids of organisations that hold both ASes, each on its day"]
    upstreams: Annotated[int | None, "carriers of the new one on the second day; null: no table of relations"]
    upstreams_kept: Annotated[int | None, "of these, carriers of the old one on the first day"]
    prefixes: Annotated[tuple[str, ...], "the largest moved prefixes, to be looked up by anyone"]
    queue: Annotated[str, "new, one company already, or the status of an earlier decision about the two"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Successions:
    """Pairs that the rule takes, most addresses first."""

    rows: Sequence[Succession]
    compared: int
    """Pairs of two large ASes, all of which the adjustment allows for."""
    info: TableInfo


@stage("networks that changed hands")
def successions(study: Study, first: date, second: date, *, rule: Rule, rate: float) -> Successions:
    """Compare the routes of two days.

    InputError where the study has no table of either family for both.
    """
    if not 0.0 < rate < 1.0:
        raise InputError(f"--rate {rate:g} is no rate of false discoveries; more than 0 and less than 1 ({SEE})")
    if first >= second:
        raise InputError(f"--from {first} is not before --to {second}; name the earlier day first ({SEE})")
    attributor = study.attributor()
    routes = attributor.routes
    families = _families(routes, first, second)
    found = chances_together(families, rule)
    organisations, relations = _Organisations(study), study.tables("relations")
    taken = [
        (n, row) for n, one in enumerate(families) for row in np.flatnonzero(heirs_of(one, families, rule)).tolist()
    ]
    pairs = [(int(families[n].old[row]), int(families[n].new[row])) for n, row in taken]
    queue = decided(attributor.book, [(f"AS{old}", f"AS{new}") for old, new in pairs], second)
    rows = [
        _row(
            families[n],
            found[n],
            row,
            rate,
            handles=organisations.common(old, first, new, second),
            carriers=(_carriers(relations, old, first), _carriers(relations, new, second)),
            queue=queue,
        )
        for (n, row), (old, new) in zip(taken, pairs, strict=True)
    ]
    info = replace(
        table_info(study, "successions", by="pair of ASes"),
        clock="data date",
        window=f"{first}/{second}",
        method=METHOD,
        data_dates={f"routes of {day}": day.isoformat() for day in (first, second)},
    )
    rows.sort(key=lambda row: (row.family, -row.moved, row.old, row.new))
    return Successions(rows=rows, compared=sum(int(one.large(rule).sum()) for one in families), info=info)


def propose(study: Study, found: Successions, since: date, reason: str) -> list[HosterChange]:
    """Put new pairs up to the rate before the coders.

    None of them has an effect until two people accept it, each with a public source. An old AS that the book holds as a
    part of a company is left to people; a new one stands for its company.
    """
    book = study.book().on(since)
    stated_reason(reason, "--propose", most=REASON_WORDS, see=SEE)
    figures: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in found.rows:
        if row.found and row.queue == NEW:
            figures[row.old, row.new].append(_figures(row))
    return [
        hosters.decide(
            study.folder,
            "proposal",
            old,
            into=book.company(new),
            since=since,
            reason=f"{reason} ({'; '.join(its)})",
        )
        for (old, new), its in figures.items()
    ]


NEW: Final = "new"
_ONE: Final = "one company"


UNITS: Final = MappingProxyType({4: "addresses", 6: "/48s"})


def _figures(row: Succession) -> str:
    return (
        f"{row.moved:,} of {row.old_size:,} {UNITS[row.family]} went, {percent(row.share_in)} of the new one's "
        f"{row.new_size:,}, in {row.blocks:,} blocks where chance moves {row.expected:,.1f}; "
        f"adjusted p {row.adjusted:.1g}"
    )


def _families(routes: Snapshots[RouteTables], first: date, second: date) -> list[Hands]:
    """What changed hands, by each family with tables of both days."""
    found = []
    for family in (4, 6):
        before, after = (_of_day(routes.on(day, family), day) for day in (first, second))
        if before and after:
            found.append(changed_hands(before.table, after.table, family))
    if not found:
        lacks = next(day for day in (first, second) if not _of_day(routes.on(day, 4), day))
        known = ", ".join(map(str, sorted(routes.dates())[-_DAYS:])) or "none"
        raise InputError(f"there is no table of IPv4 routes of {lacks}; the latest days are {known} (docs/tables.md)")
    return found


def _of_day(chosen: Chosen[RouteTables] | None, day: date) -> RouteTables | None:
    return chosen.table if chosen and chosen.data_date == day else None


def _carriers(relations: Sequence[tuple[date, RelationTable]], asn: int, day: date) -> set[int] | None:
    table = latest(relations, day)
    return set(table.providers_of(asn)) if table else None


def _row(
    hands: Hands,
    found: Chance,
    row: int,
    rate: float,
    *,
    handles: tuple[str, ...],
    carriers: tuple[set[int] | None, set[int] | None],
    queue: Mapping[str, str],
) -> Succession:
    before, after = carriers
    moved, old_size, new_size = int(hands.moved[row]), int(hands.old_size[row]), int(hands.new_size[row])
    old, new = f"AS{hands.old[row]}", f"AS{hands.new[row]}"
    return Succession(
        old=old,
        new=new,
        family=hands.family,
        moved=moved,
        old_size=old_size,
        new_size=new_size,
        share_out=round(moved / old_size, 6),
        share_in=round(moved / new_size, 6),
        kept=round(int(hands.kept[row]) / old_size, 6),
        newness=round(1.0 - int(hands.new_before[row]) / new_size, 6),
        blocks=int(hands.blocks[row]),
        expected=float(found.expected[row]),
        chance=float(found.chance[row]),
        adjusted=float(found.adjusted[row]),
        found=bool(found.adjusted[row] <= rate),
        alike=float(found.alike[row]),
        peers=int(found.peers[row]),
        handles=handles,
        upstreams=None if after is None else len(after),
        upstreams_kept=None if before is None or after is None else len(before & after),
        prefixes=hands.largest(row, _PREFIXES),
        queue=queue.get(f"{old} {new}", NEW),
    )


class _Organisations:
    """Organisations that hold ASes on a day, by keyed id.

    By tables of AS organisations and by registries' answers. A registrant without the name of an organisation may be a
    person and is left out.
    """

    def __init__(self, study: Study) -> None:
        """Open the study's tables."""
        self._study = study
        self._tables: list[tuple[date, AsOrganisations]] = study.tables("organisations")
        self._registered = RegistrationIndex(study.store.all(Registration))

    def common(self, old: int, first: date, new: int, second: date) -> tuple[str, ...]:
        """Keyed ids of holders of both, each on its day."""
        both = self._holders(old, first) & self._holders(new, second)
        return tuple(sorted(self._study.vault.keyed_id("holder", holder) for holder in both))

    def _holders(self, asn: int, day: date) -> set[str]:
        table = latest(self._tables, day)
        of_table = table.of(asn) if table else None
        chain = self._registered.of_as(asn, day)
        answered = chain.levels[0] if chain else None
        found = {holder_key(of_table.holder)} if of_table and of_table.holder else set[str]()
        if answered and answered.holder and answered.holder_name:
            found.add(holder_key(answered.holder))
        return found


def decided(book: HosterBook, pairs: Sequence[tuple[str, str]], day: date) -> dict[str, str]:
    """Pairs that the book knows, with what it says."""
    of_day = book.on(day)
    coded = {
        (change.key, change.into): str(book.statuses.get(change.change_id))
        for change in book.standing
        if change.kind in CODED
    }
    found = {}
    for old, new in pairs:
        company, heir = of_day.company(old), of_day.company(new)
        status = coded.get((old, new)) or coded.get((old, heir))
        if company == heir:
            status = _ONE
        elif company != old:
            status = status or f"part of {company}"  # which may have other parts: people split them
        if status:
            found[f"{old} {new}"] = status
    return found
