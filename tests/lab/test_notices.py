"""Notices in a lab world: one that comes after the removal, one that goes to the old hoster after a hop."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from waterbed.lab.run import LabRun, run_world
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import parse_world
from waterbed.measures.notices.tables import compliance_of
from waterbed.study.study import open_study

WORLD = """
name = "noticed"
seed = 11
start = 2026-01-05T00:00:00Z
days = 4.0
step_s = 7200.0
home = "NL"

[[hoster]]
key = "polder"
name = "Polder"
asn = 64496
country = "NL"
v4 = ["28.1.0.0/20"]
weight = 3.0
removal = { removes = 1.0, median_hours = 12.0, sigma = 0.3 }

[[hoster]]
key = "fjord"
name = "Fjord"
asn = 64497
country = "NO"
v4 = ["28.2.0.0/20"]
removal = { removes = 0.0 }

[sites]
count = 16
urls_per_site = [1, 1]
reported_over_days = [0.0, 0.5]

[movement]
after_takedown = 0.5
relocation = 1.0
copy = 0.0
home_share = 0.0
delay_hours = [2.0, 4.0]
"""


@pytest.fixture(scope="module")
def small() -> World:
    return parse_world(WORLD)


def _written(path: Path, done: LabRun, world: World) -> dict[str, dict[str, datetime]]:
    """Notices about the truth, as a sender would write them; by case the URL ids and their times of delivery."""
    cases: dict[str, dict[str, datetime]] = {"in time": {}, "after removal": {}, "after hop": {}}
    end = world.start + timedelta(days=world.days)
    ends = {episode.url: episode.end for episode in done.truth.episodes if episode.hoster == "polder" and episode.end}
    hopped = {hop.from_url: hop for hop in done.truth.hops if hop.from_url == hop.to_url}
    reported = {report.url: report.reported_at for report in reversed(done.truth.reports)}
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("url", "recipient", "sent_at", "delivered_at"))
        for number, (url, gone) in enumerate(sorted(ends.items())):
            case, when = "in time", reported[url] + timedelta(hours=1)
            if url in hopped:
                case, when = "after hop", hopped[url].arrived + timedelta(hours=20)
            elif number % 2:
                case, when = "after removal", gone + timedelta(hours=12)
            if reported[url] < when < min(end, gone if case == "in time" else end) - timedelta(hours=6):
                cases[case][done.url_ids[url]] = when
                out.writerow((url, "polder", (when - timedelta(minutes=5)).isoformat(), when.isoformat()))
    return cases


def test_notices_reach_or_miss_the_hoster_of_their_time(small: World, tmp_path: Path) -> None:
    """In time: the true end lies in the interval. After removal: to its credit. After a hop: misaddressed."""
    done = run_world(small, tmp_path / "s")
    cases = _written(tmp_path / "notices.csv", done, small)
    assert all(cases.values()), {case: len(found) for case, found in cases.items()}
    with open_study(tmp_path / "s") as study:
        study.folder.clock = lambda: small.start + timedelta(days=small.days)
        imported = study.import_notices(tmp_path / "notices.csv", sender="hotline")
        assert (imported.imported, imported.rejected) == (sum(map(len, cases.values())), ())
        found = compliance_of(study)
    how = {notice.url_id: notice.addressed for notice in found.notices()}
    assert {how[url_id] for url_id in cases["after hop"]} == {"misaddressed"}
    assert {how[url_id] for case in ("in time", "after removal") for url_id in cases[case]} == {"direct"}
    clocks = {one.url_id: one for one in found.clocks["polder"]}
    assert not clocks.keys() & cases["after hop"].keys()
    assert {clocks[url_id].timing for url_id in cases["after removal"]} == {"before"}
    assert {clocks[url_id].cause for url_id in cases["after removal"]} == {"removed"}
    ids = {url_id: url for url, url_id in done.url_ids.items()}
    for url_id, when in cases["in time"].items():
        one = clocks[url_id]
        (true,) = (e.end for e in done.truth.episodes if e.url == ids[url_id] and e.hoster == "polder" and e.end)
        assert one.origin == when
        assert one.right_h is not None
        assert one.left_h < (true - when) / timedelta(hours=1) <= one.right_h
    assert all(row.before >= len(cases["after removal"]) for row in found.shares() if row.key == "polder")
