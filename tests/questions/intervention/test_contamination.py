"""Controls that receive the target's content before the event: what a plan and its check say of them."""

from typing import Any, cast

import pytest

from tests.graphs.displacement.movements import DAY_H, day, event, movements
from tests.graphs.displacement.test_receivers import arrivals
from tests.model.said import said
from waterbed.questions.intervention.check import _Today

CAME = "c0 receives the target's content: 3 of 23 arrivals before the event, "


@pytest.mark.parametrize(
    ("declared", "texts"),
    [
        (0.2, [f"{CAME}within the 20% declared (most_contaminated)."]),
        (
            0.1,
            [
                f"{CAME}more than the 10% declared (most_contaminated); its growth hides displacement, so name "
                "another control."
            ],
        ),
    ],
)
def test_a_control_within_the_declared_limit_stays(declared: float, texts: list[str]) -> None:
    """Three of 23 arrivals are told; only beyond what the file allows another control is asked for."""
    found = movements([*arrivals("c0", 141, 20, 0), *arrivals("c0", 142, 3, 100, left="t")], days=160)
    its = event(controls=("c0", "c1"), buffer=(), buffer_controls=(), most_contaminated=declared)
    today = _Today(whole=cast(Any, None), config=cast(Any, None), event=its, until=day(160))
    vars(today)["movements"] = found
    assert found.hours(its.at) == 160 * DAY_H
    assert [said(row.text) for row in today.contamination()] == texts
