"""The real feed with the real routing tables of its time, against published counts."""

import csv
import json
import os
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.hosters.book import book_from
from waterbed.attribution.lookups.tables.routes import RouteTables, read_routes
from waterbed.attribution.space import changed_space, origin_changes
from waterbed.model.urls import canonicalize

pytestmark = pytest.mark.realdata("WATERBED_ROUTES")

DAY = datetime(2025, 4, 26, tzinfo=UTC)
LATER = date(2026, 6, 17)


def oracle() -> dict[str, Any]:
    """The counts to be reached."""
    return json.loads((Path(os.environ["WATERBED_REALDATA"]) / "oracles.json").read_text())["phishstats_2025_04"]


def feed() -> list[tuple[str, str]]:
    """URL and address of each row."""
    with (Path(os.environ["WATERBED_REALDATA"]) / "phishstats-2025-04.csv").open(newline="") as lines:
        return [(row["URL"], row["IP"]) for row in csv.DictReader(lines)]


def tables(variable: str, day: date) -> list[tuple[date, RouteTables]]:
    """The tables of a day, from the files that a variable names."""
    return [(day, read_routes(Path(p))) for p in os.environ[variable].split(os.pathsep)]


def attributor(*dated: tuple[date, RouteTables]) -> Attributor:
    """Attribution by some routing tables and nothing else."""
    return Attributor(routes=dated, countries=[], book=book_from(b""), suffixes={}, max_age_days=31)


def test_urls_by_origin_as_are_those_published():
    """Each URL, by the address of its own row, has the origin AS that the oracle counts."""
    expected = oracle()
    addresses = [address for _, address in feed()]
    by_day = attributor(*tables("WATERBED_ROUTES", date(2025, 4, 11)))
    origins = by_day.origins_by_row(addresses, DAY)
    counts = Counter(asn for row in origins for asn in row)
    assert len(addresses) == expected["reports"]
    assert len(set(addresses)) == expected["addresses"]
    assert any(":" in address for address in addresses)
    assert sum(not row for row in origins) == expected["urls_unattributed"]
    assert len(counts) == expected["origin_ases"]
    assert {asn: counts[int(asn)] for asn in expected["urls_by_origin_as"]} == expected["urls_by_origin_as"]
    for address, row in set(zip(addresses, origins, strict=True)):
        assert by_day.attribute((address,), None, DAY).origins == row


def test_hosts_by_origin_as_are_those_published():
    """Each host counts once for each distinct origin of all addresses that the file gives it."""
    expected = oracle()
    by_host: dict[str, set[str]] = defaultdict(set)
    for url, address in feed():
        by_host[canonicalize(url).host].add(address)
    by_day = attributor(*tables("WATERBED_ROUTES", date(2025, 4, 11)))
    counts = Counter(
        asn for held in by_host.values() for asn in by_day.attribute(tuple(sorted(held)), None, DAY).origins
    )
    assert len(by_host) == expected["hosts"]
    assert {asn: counts[int(asn)] for asn in expected["hosts_by_origin_as"]} == expected["hosts_by_origin_as"]


@pytest.mark.realdata("WATERBED_ROUTES_LATER")
def test_a_later_table_tells_another_story():
    """With the table of June 2026 in place of that of April 2025, 474 rows have other origins and 25 have none."""
    addresses = [address for _, address in feed()]
    both = attributor(*tables("WATERBED_ROUTES", date(2025, 4, 11)), *tables("WATERBED_ROUTES_LATER", LATER))
    then = both.origins_by_row(addresses, DAY)
    now = both.origins_by_row(addresses, datetime(2026, 7, 1, tzinfo=UTC))
    found = origin_changes(then, now)
    assert (found.both, found.changed, found.lost, found.gained) == (21_322, 474, 25, 0)
    assert (found.changes[0].before, found.changes[0].after, found.changes[0].rows) == ((19871,), (31898,), 58)
    assert now == attributor(*tables("WATERBED_ROUTES_LATER", LATER)).origins_by_row(addresses, DAY)


@pytest.mark.realdata("WATERBED_ROUTES_EARLIER", "WATERBED_ROUTES_LATER")
def test_a_twenty_fourth_of_all_address_space_changed_hands():
    """Of IPv4 addresses routed on 2 April 2025 and on 17 June 2026, 4.25% have other origins."""
    (before,) = [t for _, t in tables("WATERBED_ROUTES_EARLIER", date(2025, 4, 2)) if 4 in t.families]
    (after,) = [t for _, t in tables("WATERBED_ROUTES_LATER", LATER) if 4 in t.families]
    share = changed_space(4, before.table, after.table).share
    assert share == pytest.approx(0.0425, abs=5e-5)
