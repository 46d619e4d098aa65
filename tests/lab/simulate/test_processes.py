"""Studies of one hoster in milliseconds: its process, the looks at it, and clocks like those of the production."""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.runs import Sighting
from waterbed.judging.confirmation import STATES, confirmed
from waterbed.lab.simulate.hoster_worlds import KINDS, draw_hoster_world
from waterbed.lab.simulate.looks import SimulatedUrl, attribution_of, verdict_of
from waterbed.lab.simulate.processes import expected_share, happen, looks_at, observe
from waterbed.lab.simulate.studies import episodes_of
from waterbed.measures.takedown import REMOVED, Clock, clocks
from waterbed.store.settings import Judge


def _rounded(clock: Clock) -> tuple[object, ...]:
    hours = (clock.left_h, clock.right_h, clock.flap_left_h, clock.flap_right_h)
    return (clock.site_id, clock.origin, clock.cause, clock.seen, *(round(one, 6) for one in hours))


@pytest.mark.parametrize("kind", ["batches 30 h", "put back often", "outages"])
def test_clocks_are_those_that_the_production_makes_of_the_same_looks(kind: str) -> None:
    """The same looks, taken through confirmation and episodes, give the same clocks to the microsecond."""
    rng = np.random.default_rng(8)
    world = draw_hoster_world(kind, 10.0, rng)
    process = happen(world, rng)
    seen = looks_at(world, process, rng)
    ends = observe(process, seen)
    own = defaultdict(list)
    for url, at, state in zip(*seen, strict=True):
        own[int(url)].append((float(at), int(state)))
    looked, hour, judge = [], timedelta(hours=1), Judge()
    for url, looks in own.items():
        times = [world.start + at * hour for at, _ in looks]
        one = np.zeros(len(looks), np.int32)
        sure = confirmed(
            one,
            np.array([round(at * 3.6e9) for at, _ in looks]),
            np.array([state for _, state in looks], np.int8),
            one,
            looks=judge.confirm_looks,
            over_s=judge.confirm_s,
            within_s=0.0,
        )
        reported = world.start + float(process.reported[url]) * hour
        site = f"site {process.site[url]}"
        answer = attribution_of("one", ("28.1.0.1",), world.start)
        looked.append(
            SimulatedUrl(
                known=UrlHistory(
                    url_id=f"{url}", content_id=f"{url}", site_id=site, known_up_at=reported, reported=(reported,)
                ),
                host=site,
                sightings=[
                    Sighting(
                        verdict=verdict_of(f"{url}", when, STATES[state], "removed" if state == 2 else None),
                        down=bool(down),
                        attribution=answer,
                    )
                    for when, (_, state), down in zip(times, looks, sure, strict=True)
                ],
            )
        )
    found = clocks(episodes_of(looked, judge, world.start + ends.until * hour))
    ours = {_rounded(clock) for clock in ends.clocks(world.start) if clock.left_h > 0 or clock.cause == REMOVED}
    theirs = {_rounded(clock) for clock in found if clock.left_h > 0 or clock.cause == REMOVED}
    assert len(ours) > 30
    assert ours == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_world_gives_what_it_says(kind: str) -> None:
    """Over some studies the share that happened is near the expected one; only a hiding hoster looks faster."""
    expected, happened, measured = [], [], list[bool]()
    for seed in range(12):
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        world = draw_hoster_world(kind, 20.0, rng)
        process = happen(world, rng)
        ends = observe(process, looks_at(world, process, rng))
        assert (ends.right > ends.left).all()
        known = ends.origin <= ends.until - 24.0
        expected.append(expected_share(world, process, 24.0))
        happened.append(np.mean(process.removed_after <= 24.0))
        measured += (ends.right[known] <= 24.0).tolist()
        assert all(first <= then for first, then in pairwise(sorted(process.reported)))
    off = np.array(happened) - expected
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(12) + 0.02
    if kind == "hiding":
        assert np.mean(measured) > np.mean(happened) + 0.1


def test_hosters_of_one_and_of_ten_thousand_urls_are_studied() -> None:
    """A hoster with one URL and one with ten thousand go the same way."""
    rng = np.random.default_rng(2)
    for count in (1, 5_000):
        world = draw_hoster_world("independent", 30.0, rng, sites=count)
        process = happen(world, rng)
        ends = observe(process, looks_at(world, process, rng))
        assert count <= ends.left.size <= 3 * count
