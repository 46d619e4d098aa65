"""Births in a study: what old hops mean changes when a file comes later."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.study.facts import _looks, hour, report, resolution, target, written
from waterbed.model.facts import Observation
from waterbed.model.window import Window
from waterbed.store.lake.sealing import seal
from waterbed.store.machine_settings import StoreAt
from waterbed.study.study import Study, open_study
from waterbed.study.windowed import within

NEW = "forgetme-example.com"


@pytest.fixture
def moved(tmp_path: Path, store_url: str) -> Iterator[Study]:
    """Content that is removed after five hours, and reported under a new name after 20."""
    seen = {"a0": "uuuuuddddd" + " " * 40, "b0": "u" * 50}
    with written(tmp_path, seen, store=StoreAt(url=store_url)) as study:
        site = study.vault.keyed_id("site", NEW)
        study.store.add(
            [
                report("a0", report_id="a0 again", content_id="c"),
                target("b1", site_id=site),
                report("b1", content_id="c", reported_at=hour(20), received_at=hour(20)),
                resolution("b1", "28.1.1.7", resolved_at=hour(20)),
                *_looks("b1", " " * 20 + "u" * 30, "28.1.1.7"),
            ]
        )
        yield study


def orders(study: Study) -> list[tuple[str, ...]]:
    """The order of the hop there is, and what its arrival's bound rests on."""
    return [(hop.order, *hop.arrival_evidence) for hop in study.conclude().hops]


def births(study: Study, *rows: str) -> None:
    path = study.path.parent / "births.csv"
    path.write_text("\n".join(["domain,created", *rows]) + "\n")
    study.add_births(path, date(2026, 1, 6))


def test_a_later_file_changes_what_old_hops_mean(moved: Study) -> None:
    """Kept conclusions are not told again, a sealed day holds the births, and windows tell the same."""
    assert orders(moved) == [("unknown",)]
    before = moved.conclude().episodes
    births(moved, f"{NEW},2026-01-05T05:40:00Z", "a-look-alike-example.com,2026-01-05")
    assert orders(moved) == [("unknown", "creation")]
    births(moved, f"{NEW},2026-01-05T07:40:00Z")
    assert orders(moved) == [("sequential", "creation")]
    assert moved.conclude().hops[0].arrived_after == hour(7)
    assert moved.conclude().episodes == before
    windowed = within(moved.conclude(), Window(since=hour(10)))
    assert [hop.order for hop in windowed.hops] == ["sequential"]
    assert [one.absent_at for one in windowed.arrivals] == [hour(7)]
    moved.folder.clock = lambda: hour(24 * 9)
    seal(moved.folder)
    with open_study(moved.path, moved.clock) as anew:
        assert orders(anew) == [("sequential", "creation")]
        anew.kept().drop()
        assert orders(anew) == [("sequential", "creation")]


def test_a_certificate_that_looks_met_is_evidence_alone(moved: Study) -> None:
    """The earliest begin over all looks says on which side of the loss it lies, and the order stays open."""
    looks = [one for one in moved.store.all(Observation) if one.url_id == "b1"]
    for n, began, said in ((1, hour(9), "certificate_after"), (2, hour(2), "certificate_before")):
        late = replace(looks[n], observation_id=f"late {n}", observed_at=hour(40 + n), certificate_from=began)
        moved.store.add([late])
        assert orders(moved) == [("unknown", said)]
