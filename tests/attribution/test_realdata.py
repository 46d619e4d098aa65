"""The real feed with the real routing tables of its time, against published counts."""

import csv
import json
import os
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from attribution.attribute import Attributor
from attribution.hosters import book_from
from attribution.lookups.routing import read_routes

pytestmark = pytest.mark.realdata


def test_urls_by_origin_as_are_those_published():
    """Each URL, by the address of its own row, has the origin AS that the oracle counts."""
    folder = Path(os.environ["WATERBED_REALDATA"])
    files = [Path(p) for p in os.environ["WATERBED_ROUTES"].split(os.pathsep)]
    oracle = json.loads((folder / "oracles.json").read_text())["phishstats_2025_04"]
    with (folder / "phishstats-2025-04.csv").open(newline="") as lines:
        addresses = [row["IP"] for row in csv.DictReader(lines)]
    routes = [(date(2025, 4, 11), read_routes(path)) for path in files]
    attributor = Attributor(routes=routes, places=[], book=book_from(b""), suffix_hosters={}, max_age_days=31)
    day = datetime(2025, 4, 26, tzinfo=UTC)
    origins = attributor.origins_by_row(addresses, day)
    counts = Counter(asn for row in origins for asn in row)
    assert len(addresses) == oracle["reports"]
    assert len(set(addresses)) == oracle["addresses"]
    assert sum(not row for row in origins) == oracle["urls_unattributed"]
    assert len(counts) == oracle["origin_ases"]
    assert {asn: counts[int(asn)] for asn in oracle["urls_by_origin_as"]} == oracle["urls_by_origin_as"]
    for address, row in set(zip(addresses, origins, strict=True)):
        assert attributor.attribute((address,), None, day).origins == row
