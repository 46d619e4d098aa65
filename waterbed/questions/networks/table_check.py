"""Checks that a study's dated tables support its conclusions."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.dns.cymru import ask_cymru
from waterbed.attribution.lookups.tables.addresses import Packed, pack
from waterbed.attribution.lookups.tables.extent import Extent, differing, extent_of
from waterbed.attribution.lookups.tables.hosting import HostingTables
from waterbed.model.addresses import refusal
from waterbed.model.errors import InputError
from waterbed.model.facts import Resolution, Snapshot
from waterbed.model.progress import stage, staged
from waterbed.model.spelling import percent
from waterbed.store.lake.reading import known_addresses, observed_span
from waterbed.study.dated_tables import folder_name, joined_by_registry, load
from waterbed.study.facts import selected
from waterbed.study.study import Study

ALL_V4, ALL_V6 = float(1 << 32), float(1 << 45)
"""Addresses of IPv4, and /48s in 2000::/3."""

COVERS = 0.9
"""A table of routes or places that covers less of the study's addresses is a finding."""

RESERVED = 1 / 256
"""A table of routes that covers so much reserved space of a family has a default route or private space in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheck:
    """One snapshot, in figures."""

    kind: Annotated[str, "routes, places, organisations, hosting, domains, covariates, relations or siblings"]
    family: Annotated[int, "4 or 6; 0: it has no addresses"]
    data_date: Annotated[datetime, "the day whose state it gives"]
    form: Annotated[str, "how the file was laid out; in mmdb a network is not a BGP prefix"]
    source: Annotated[str, "file name it was imported from"]
    rows: Annotated[int, "rows read"]
    covered: Annotated[float | None, "what it covers, overlaps removed: addresses of IPv4, /48s of IPv6"]
    share: Annotated[float | None, "the same as share of all IPv4 addresses, or of 2000::/3"]
    overlapping: Annotated[int | None, "distinct ranges that lie in, or across, another; null: not counted"]
    several: Annotated[int | None, "ranges with several origins (MOAS), countries or tags"]
    reserved: Annotated[float | None, "what it covers of reserved, non-public space"]
    age_days: Annotated[float | None, "days from its date to the study's newest check"]
    addresses: Annotated[int, "distinct addresses of this family that the study's hosts had"]
    known: Annotated[int | None, "how many of them it covers"]
    findings: Annotated[tuple[str, ...], "what is amiss"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The study's addresses and newest look, and its policy."""

    packed: Packed
    newest: datetime | None
    max_age_days: float


def check_tables(study: Study) -> list[TableCheck]:
    """Each snapshot in figures, oldest first, with its problems.

    Writes nothing.
    """
    snapshots = study.snapshots()
    text = "SELECT DISTINCT unnest(addresses) AS address FROM resolution"
    addresses = sorted(set(selected(study.folder, Resolution, ("addresses",), text, {}).column("address").to_pylist()))
    seen = _Seen(
        packed=pack(addresses),
        newest=observed_span(study.folder)[1],
        max_age_days=study.config.routes_max_age_days,
    )
    names = {folder_name(one): one.kind for one in snapshots}
    tables = {name: load(study.folder, name, kind) for name, kind in names.items()}
    return [_checked(one, snapshots, tables, seen) for one in staged("tables checked", snapshots)]


def _checked(one: Snapshot, snapshots: Sequence[Snapshot], tables: dict[str, Any], seen: _Seen) -> TableCheck:
    table = tables[folder_name(one)]
    extent = extent_of(table.table, one.family) if one.family else None
    mine = seen.packed.taken(np.flatnonzero(seen.packed.family == one.family))
    findings = [
        *_age(one, snapshots, seen),
        *_coverage(one, snapshots, tables, mine),
        *_reserved(one, extent),
        *_other(one, snapshots, tables),
    ]
    about = table.about if one.family else None
    return TableCheck(
        kind=one.kind,
        family=one.family,
        data_date=one.data_date,
        form=one.form,
        source=one.source,
        rows=one.rows,
        covered=extent.covered if extent else None,
        share=extent.covered / _all(one.family) if extent else None,
        overlapping=about and (about.overlapping_v4 if one.family == 4 else about.overlapping_v6),
        several=extent.several if extent else None,
        reserved=extent.reserved if extent else None,
        age_days=(seen.newest - one.data_date).total_seconds() / 86_400 if seen.newest else None,
        addresses=len(mine),
        known=_known(table, mine) if one.family else None,
        findings=tuple(findings),
    )


def _all(family: int) -> float:
    return ALL_V4 if family == 4 else ALL_V6


def _known(table: Any, mine: Packed) -> int:
    found: NDArray[np.int32] = table.table.sets_of(mine)
    return int((found >= 0).sum())


def _age(one: Snapshot, snapshots: Sequence[Snapshot], seen: _Seen) -> Iterator[str]:
    """Finding on a routing table too old for its looks.

    Only the table of routes that serves the newest look is held to the policy.
    """
    if one.kind != "routes" or seen.newest is None:
        return
    day = _date(seen.newest)
    dates = sorted({_date(s.data_date) for s in snapshots if (s.kind, s.family) == (one.kind, one.family)})
    serving = [data_date for data_date in dates if data_date <= day]
    if not serving and _date(one.data_date) == dates[0]:
        yield "younger than the newest check: no table is as old as any check"
    elif serving and _date(one.data_date) == serving[-1] and (day - serving[-1]).days > seen.max_age_days:
        yield f"stale: {(day - serving[-1]).days} days older than the newest check, {seen.max_age_days:g} are allowed"


def _coverage(one: Snapshot, snapshots: Sequence[Snapshot], tables: dict[str, Any], mine: Packed) -> Iterator[str]:
    """Finding on a table that covers too few addresses.

    Delegated files of one day count together.
    """
    if one.kind not in ("routes", "places") or not len(mine):
        return
    same = {folder_name(s): s for s in snapshots if (s.kind, s.data_date) == (one.kind, one.data_date)}
    together = [(_date(one.data_date), tables[name]) for name, s in same.items() if s.form == "delegated"]
    table = joined_by_registry(together)[0][1] if one.form == "delegated" else tables[folder_name(one)]
    known = _known(table, mine)
    if known < COVERS * len(mine):
        yield f"knows {known:,} of the study's {len(mine):,} addresses, {percent(COVERS)} are wanted"


def _reserved(one: Snapshot, extent: Extent | None) -> Iterator[str]:
    if one.kind == "routes" and extent and extent.reserved >= RESERVED * _all(one.family):
        yield "covers reserved space: a default route or private networks are in it"


def _other(one: Snapshot, snapshots: Sequence[Snapshot], tables: dict[str, Any]) -> Iterator[str]:
    """Findings on other tables of the same day that differ.

    Tables of the same kind, family and day; the one added last applies.
    """
    table = tables[folder_name(one)]
    for other in snapshots:
        if other.checksum == one.checksum:
            continue
        if (other.kind, other.family, other.data_date) != (one.kind, one.family, one.data_date):
            continue
        beside = tables[folder_name(other)]
        if not one.family:
            yield f"another table of this day differs: {other.source}"
        elif not (one.form == other.form == "delegated" and table.about.registry != beside.about.registry):
            meanings = tuple(t.tags.get if isinstance(t, HostingTables) else int for t in (table, beside))
            amount = differing(table.table, beside.table, one.family, meanings)
            if amount:
                unit = "addresses" if one.family == 4 else "/48s"
                yield f"another table of this day differs in {amount:,.0f} {unit}: {other.source}"


def _date(moment: datetime) -> date:
    return moment.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One address: our origins beside Team Cymru's."""

    address: Annotated[str, "the address"]
    ours: Annotated[tuple[int, ...], "origin ASes by the study's table of today"]
    theirs: Annotated[tuple[int, ...], "origin ASes that Team Cymru says"]
    verdict: Annotated[str, "same, other, or why there is nothing to compare with"]


@stage("comparing origins")
def compare(study: Study, *, limit: int | None = None) -> list[Compared]:
    """Compare each address's origins with those of Team Cymru.

    The result is not recorded. InputError unless the settings allow it.
    """
    folder = study.folder
    if not folder.config.registry.cymru:
        raise InputError(
            "registry.cymru is false, so Team Cymru is not asked; set it to true if they may learn the study's "
            "addresses (docs/registrations.md)"
        )
    addresses = sorted(address for address in known_addresses(folder) if refusal(address) is None)[:limit]
    resolver = folder.lab.resolver if folder.lab else folder.config.names.resolver
    theirs = asyncio.run(ask_cymru(addresses, resolver, folder.config.names.timeout_s))
    ours = study.attribute_table(addresses, folder.clock().astimezone(UTC).date())[0]
    rows = []
    for address, mine in zip(addresses, ours, strict=True):
        said = theirs[address]
        verdict = said.problem or ("same" if set(mine) == set(said.origins) else "other")
        rows.append(Compared(address=address, ours=tuple(mine), theirs=said.origins, verdict=verdict))
    return rows
