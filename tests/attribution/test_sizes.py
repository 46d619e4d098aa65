"""Sizes of hosters, ASes and countries from small tables whose space is counted by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.countries import read_countries
from waterbed.attribution.lookups.tables.routes import read_routes
from waterbed.attribution.named_ranges import (
    NamedRanges,
    ases_of_holders,
    claimed_ranges,
    registered_country,
    registered_ranges,
)
from waterbed.attribution.sizes import Counted, Measured, sizes_by_as, sizes_by_country, sizes_by_hoster
from waterbed.attribution.snapshots import Snapshots
from waterbed.model.conclusions import Size
from waterbed.model.registrations import Registration

DAY = date(2025, 4, 12)
ROUTES = """192.0.2.0/24\t64500
192.0.2.128/25\t64501
198.51.100.0/24\t64501
198.51.100.0/24\t64502
2001:db8::/48\t64500
2001:db8:1::/48\t64502
"""
PLACES = """192.0.2.0,192.0.2.255,NL
198.51.100.0,198.51.101.255,DE
2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,NL
"""


def measured(folder: Path, **others: object) -> Measured:
    """The two tables of one day, and addresses seen."""
    for name, text in (("routes", ROUTES), ("places", PLACES)):
        (folder / name).write_text(text)
    seen = pack(["192.0.2.1", "192.0.2.1", "192.0.2.200", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:db8::2"])
    given = {"addresses": seen, **others}
    return Measured(
        day=DAY,
        routes=Snapshots([(date(2025, 4, 11), read_routes(folder / "routes"))]).both(DAY),
        countries=Snapshots([(date(2025, 4, 1), read_countries(folder / "places"))]).both(DAY),
        **given,  # type: ignore[arg-type]  # fields by name
    )


def row_of(rows: list[Size], key: str) -> Size:
    """The one row of a key."""
    (row,) = [row for row in rows if row.key == key]
    return row


def registration(first: str, last: str, **others: object) -> Registration:
    """A network as a registry told of it."""
    given = {
        "country": "NL",
        "holder": "ripe:ORG-A1-RIPE",
        "level": 0,
        "status": "ok",
        "fetched_at": datetime(2025, 4, 10, tzinfo=UTC),
    }
    return Registration(
        registration_id=f"{first}-{others}",
        asked=first,
        kind="network",
        reason=None,
        registry="ripe",
        first=first,
        last=last,
        handle=None,
        parent_handle=None,
        name=None,
        allocation=None,
        holder_name=None,
        abuse_id=None,
        etag=None,
        source="rdap",
        **{**given, **others},  # type: ignore[arg-type]  # fields by name
    )


def test_each_as_has_its_announced_space_by_family(tmp_path: Path) -> None:
    """The longer prefix takes its part away, and what two ASes announce counts for both, shared in the fraction."""
    rows = sizes_by_as(measured(tmp_path), str)
    found = {
        r.key: (r.announced_v4, r.announced_v4_fractional, r.announced_v6_64s, r.hosting_v4, r.hosting_v6_64s)
        for r in rows
    }
    assert found == {
        "AS64500": (128, 128.0, 65536, 1, 1),
        "AS64501": (128 + 256, 128 + 128.0, 0, 2, 0),
        "AS64502": (256, 128.0, 65536, 1, 0),
    }
    assert [r.key for r in rows] == ["AS64501", "AS64502", "AS64500"]
    assert rows[0].routes_v4_date == datetime(2025, 4, 11, tzinfo=UTC)
    assert (rows[0].domains, rows[0].delegated_v4, rows[0].registered_v4) == (None, None, None)


def test_a_family_without_a_table_is_not_measured(tmp_path: Path) -> None:
    """Without a routing table of IPv6 its columns are null, never zero."""
    whole = measured(tmp_path)
    only_v4 = measured(tmp_path)
    object.__setattr__(only_v4, "routes", {4: whole.routes[4]})
    row = row_of(sizes_by_as(only_v4, str), "AS64500")
    assert (row.announced_v6_64s, row.hosting_v6_64s, row.announced_v6_64s_fractional) == (None, None, None)
    assert (row.announced_v4, row.routes_v6_date) == (128, None)


def test_a_hoster_has_what_its_ases_and_ranges_have(tmp_path: Path) -> None:
    """Two ASes of one company count once where they share a range; a claimed range is the claimer's, if routed."""
    of_as = {64501: "both", 64502: "both"}
    claimed = claimed_ranges({"192.0.2.0/30": "inside", "203.0.113.0/24": "inside", "AS64500": "x", "ripe:ORG-B": "y"})
    rows = sizes_by_hoster(
        measured(tmp_path, claimed=claimed), lambda asn: of_as.get(asn, f"AS{asn}"), ["idle", "both"], str
    )
    found = {r.key: (r.announced_v4, r.announced_v4_fractional, r.hosting_v4) for r in rows}
    assert found == {
        "both": (384, 384.0, 2),
        "AS64500": (124, 124.0, 0),
        "inside": (4, 4.0, 2),
        "idle": (0, 0, 0),
    }


def test_domains_are_those_of_the_table(tmp_path: Path) -> None:
    """A hoster's own row counts before those of its ASes; what the table leaves out is null, never zero."""
    domains = {"AS64500": 10, "AS64501": 5, "AS64502": 7, "own": 1, "NL": 99}
    of_as = {64500: "own", 64501: "both", 64502: "both"}
    given = measured(tmp_path, domains=domains, domains_date=date(2025, 4, 2))
    by_hoster = sizes_by_hoster(given, of_as.__getitem__, ["idle"], str)
    assert {r.key: r.domains for r in by_hoster} == {"own": 1, "both": 12, "idle": None}
    assert {r.key: r.domains for r in sizes_by_as(given, str)} == {"AS64500": 10, "AS64501": 5, "AS64502": 7}
    assert {r.key: r.domains for r in sizes_by_country(given)} == {"NL": 99, "DE": None}
    assert by_hoster[0].domains_date == datetime(2025, 4, 2, tzinfo=UTC)


def test_countries_are_measured_both_ways(tmp_path: Path) -> None:
    """Delegated and registered space stand side by side, and what was registered is split by delegation too."""
    told = [
        registration("192.0.2.0", "192.0.2.127"),
        registration("192.0.2.128", "192.0.2.255", country="us"),
        registration("198.51.100.0", "198.51.100.255", country="NL"),
    ]
    registered = registered_ranges(told, DAY, registered_country)
    rows = sizes_by_country(measured(tmp_path, registered=registered))
    found = {
        r.key: (
            r.announced_v4,
            r.delegated_v4,
            r.delegated_v4_there,
            r.registered_v4,
            r.hosting_v4,
            r.hosting_v4_registered,
        )
        for r in rows
    }
    assert found == {
        "NL": (256, 256, 256, 128 + 256, 2, 2),
        "DE": (256, 512, 256, 0, 1, 0),
        "US": (0, 0, 0, 128, 0, 1),
    }
    assert (row_of(rows, "NL").delegated_v6_64s, row_of(rows, "NL").announced_v6_64s) == (65536, 65536)


def test_the_registration_of_the_day_counts() -> None:
    """The newest answer not after the day decides, else the earliest after it; a failed one says nothing."""

    def on(day: int) -> datetime:
        return datetime(2025, 4, day, tzinfo=UTC)

    def country(*facts: Registration) -> tuple[str, ...]:
        found = registered_ranges(facts, DAY, registered_country)
        return found.values if found else ()

    first, last = "192.0.2.0", "192.0.2.255"
    old = registration(first, last, country="DE", fetched_at=on(1))
    new = registration(first, last, country="FR", fetched_at=on(12))
    late = registration(first, last, country="GB", fetched_at=on(13))
    later = registration(first, last, country="IE", fetched_at=on(14))
    failed = registration(first, last, country="US", fetched_at=on(12), status="not_found")
    assert country(old, new, late, failed) == ("FR",)
    assert country(later, late) == ("GB",)
    assert country(failed) == ()
    assert (
        country(registration(first, "2001:db8::"), registration("x", last), registration(first, last, country="EU1"))
        == ()
    )


def test_the_smaller_registration_counts() -> None:
    """A customer's network is taken out of the one around it."""
    around = registration("192.0.2.0", "192.0.2.255", level=1, holder="ripe:ORG-UP")
    inside = registration("192.0.2.64", "192.0.2.127")
    found = registered_ranges([around, inside], DAY, lambda fact: fact.holder)
    assert isinstance(found, NamedRanges)
    sets = found.table.members_by_row(found.table.sets_of(pack(["192.0.2.1", "192.0.2.64", "192.0.2.128"])))
    assert [found.value_of(n) for (n,) in sets] == ["ripe:ORG-UP", "ripe:ORG-A1-RIPE", "ripe:ORG-UP"]


def test_a_registrant_is_known_by_its_smallest_as() -> None:
    """Registrations of ASes tell which registrant is which AS; networks do not."""
    told = [replace(registration(asn, asn, holder="ripe:ORG-A"), kind="as") for asn in ("64501", "AS64500", "64502")]
    assert ases_of_holders([*told, registration("192.0.2.0", "192.0.2.255")]) == {"ripe:ORG-A": 64500}


@pytest.mark.parametrize("by_country", [False, True])
def test_what_the_study_has_is_listed_with_its_counts(tmp_path: Path, by_country: bool) -> None:
    """Every key of the study has a row; what nothing attributes comes last, without a size."""
    counts = {"elsewhere": Counted(urls=3, hosts=2, sites=1), "unknown": Counted(urls=9, hosts=8, sites=7)}
    given = measured(tmp_path, counts=counts)
    rows = sizes_by_country(given) if by_country else sizes_by_as(given, str)
    shown = row_of(rows, "elsewhere")
    assert (shown.urls, shown.hosts, shown.sites, shown.announced_v4) == (3, 2, 1, 0)
    assert rows[-1].key == "unknown"
    assert (rows[-1].urls, rows[-1].announced_v4, rows[-1].hosting_v4) == (9, None, None)


def test_a_table_of_another_time_is_marked(tmp_path: Path) -> None:
    """Sizes from a routing table that is too old, or younger than the day, are stale."""
    given = measured(tmp_path)
    assert not any(row.stale for row in sizes_by_as(given, str))
    old = measured(tmp_path, max_age_days=0.5)
    assert all(row.stale for row in sizes_by_as(old, str))
