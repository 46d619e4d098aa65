"""Attributions of looks whose names have addresses of several hosters."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.study.facts import hour, resolution, written
from waterbed.model.facts import Observation
from waterbed.study.study import Study

OURS, THEIRS = "28.0.0.7", "28.1.1.7"


def looked(study: Study, *seen: tuple[str, int], both: tuple[str, ...] = (OURS, THEIRS)) -> None:
    """Looks at `a0` from hour 30 on whose name has both addresses; address and status of each."""
    plain = next(one for one in study.folder.store.all(Observation) if one.url_id == "a0")
    study.folder.store.add([resolution("a0", OURS, resolution_id="both", addresses=both)])
    study.folder.store.add(
        replace(
            plain,
            observation_id=f"both@{n}",
            scheduled_at=hour(30 + n),
            observed_at=hour(30 + n) + timedelta(minutes=5),
            resolution_id="both",
            address=address,
            status=status,
        )
        for n, (address, status) in enumerate(seen)
    )


def hosters(study: Study) -> set[str]:
    return {episode.hoster for episode in study.conclude().episodes if episode.url_id == "a0"}


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        ([(OURS, 200)] * 8, {"AS64500"}),
        ([*[(OURS, 200)] * 4, (THEIRS, 200), *[(OURS, 200)] * 4], {"AS64500", "AS64501"}),
        ([*[(OURS, 200)] * 4, (THEIRS, 500), *[(OURS, 200)] * 4], {"AS64500"}),
        ([(THEIRS, 404)] * 8, {"AS64500"}),
    ],
)
def test_a_hoster_counts_once_it_answered(tmp_path: Path, seen: list[tuple[str, int]], named: set[str]) -> None:
    """Who writes another's address into a name puts that hoster into no episode; the URL is to be found up there."""
    with written(tmp_path, {"a0": "u" * 30, "b0": "u" * 50}) as study:
        looked(study, *seen)
        assert hosters(study) == named


def test_other_addresses_of_the_hoster_that_answered_count(tmp_path: Path) -> None:
    """Only hosters are left out: an attribution has all addresses of those that answered."""
    with written(tmp_path, {"a0": "u" * 30, "b0": "u" * 50}) as study:
        looked(study, *[(OURS, 200)] * 8, both=(OURS, "28.0.9.9", THEIRS))
        told = [one for one in study.conclude().attributions if one and len(one.addresses) > 1]
        assert {(one.addresses, one.origins, one.hosters) for one in told} == {
            ((OURS, "28.0.9.9"), (64500,), ("AS64500",))
        }
        assert hosters(study) == {"AS64500"}
