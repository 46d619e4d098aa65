"""Platforms that take back their customers' names, in a virtual study."""

import random
from collections import Counter

from msgspec.structs import replace

from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate


def test_a_platform_is_credited_with_the_names_that_it_takes_back() -> None:
    """All its measured ends are removals, as they truly are; a hoster of other people's names is not credited."""
    world = read_world(scenario_path("waterbed"))
    platform, other = "harborpages", "terpdata"
    policy = {"removes": 1.0, "median_hours": 5.0, "answer_after_removal": "name_gone"}
    world = replace(
        world,
        hoster=tuple(
            replace(one, removal=replace(one.removal, **policy)) if one.key in (platform, other) else one
            for one in world.hoster
        ),
        sites=replace(world.sites, count=120),
    )
    truth = simulate(world)
    found = virtual_study(truth, LookPlan(), random.Random(1)).conclusions.episodes
    for key, cause in ((platform, "removed"), (other, "name")):
        true = {one.cause for one in truth.episodes if one.hoster == key and one.end is not None}
        assert true == {cause}
        ends = Counter(one.cause for one in found if one.hoster == key and one.cause is not None)
        assert set(ends) == {cause}
        assert ends[cause] > 5
