"""What may be told of notices at all hosters together."""

import pytest

from waterbed.model.takedown import DeadlineRow
from waterbed.publish.told_rows import told_deadlines


def row(due: int, surely: int, missed: int) -> DeadlineRow:
    return DeadlineRow(
        key="all", name="all", kind="nl_order", clocks=due, due=due, due_h=12.0, met=surely / due, met_low=0.7123456,
        met_high=0.9876543, surely=surely, missed=missed, action_h=None, action_h_low=None, action_h_high=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("due", "surely", "missed", "met"), [(23, 22, 1, None), (23, 2, 21, None), (40, 30, 10, 0.75), (40, 40, 0, 1.0)]
)
def test_a_share_of_deadlines_gives_no_single_order_away(due: int, surely: int, missed: int, met: float | None) -> None:
    """22 of 23 is one that was missed: held back; of enough on both sides it is told in whole percents."""
    (told,) = told_deadlines([row(due, surely, missed)], 5)
    assert told.met == met
    assert (told.met_low, told.met_high) == ((None, None) if met is None else (0.71, 0.99))
    assert told.due % 5 == told.surely % 5 == 0
