"""Differences of areas: what all of them share is none."""

import numpy as np

from tests.graphs.displacement.movements import CONTROLS, DAY_H, SPARED, gain, movements, series
from tests.model.said import said
from waterbed.graphs.displacement.areas import balance
from waterbed.graphs.displacement.movements import Movements
from waterbed.model.results import Answer


def grown(seed: int, factor: float) -> Movements:
    """Four new sites a day at each place, and so many times as many from the event on."""
    rng = np.random.default_rng(seed)
    found = []
    for place in ("t", "b", *SPARED, *CONTROLS[:8]):
        for one in range(138, 168):
            for _ in range(rng.poisson(4.0 * (factor if one >= 160 else 1.0))):
                found.append(gain(place, (one + rng.random()) * DAY_H, len(found)))
    return movements(found)


def difference(seed: int, factor: float, **changes: object) -> Answer:
    return next(one for one in balance(series(grown(seed, factor), controls=CONTROLS[:8], **changes), "not parallel"))


def test_growth_everywhere_is_no_difference_of_the_target() -> None:
    """One target stands against eight controls and grows as they do: few of ten studies reject."""
    found = [difference(seed, 1.5) for seed in range(10)]
    assert {one.name for one in found} == {"WDD"}
    assert sum(one.p is not None and one.p <= 0.05 for one in found) <= 2
    assert all(one.unit == "appearances a period" for one in found)
    assert said(found[0].note).endswith("controls at the size of what they stand for")
    alone = difference(0, 1.5, buffer=(), buffer_controls=())
    assert said(alone.note).endswith("controls at the target's size; no buffer is declared: the target alone")


def test_a_quotient_without_a_fall_names_what_did_not_fall() -> None:
    """It is new content that did not fall: the target may have removed more, and content may have moved."""
    found = [one for one in balance(series(grown(0, 3.0), controls=CONTROLS[:8]), "not parallel") if one.name == "WDQ"]
    reasons = [said(one.refusal) for one in found]
    assert [one.startswith("the target's new content (appearances) did not") for one in reasons] == [True], reasons
    assert "displaced" not in reasons[0]
