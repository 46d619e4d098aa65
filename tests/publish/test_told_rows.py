"""What may be told of notices at all hosters together, and of weeks."""

import random
from collections import Counter
from itertools import combinations

import pytest

from tests.publish.attacker import System
from waterbed.model.takedown import DeadlineRow
from waterbed.publish.told_rows import told_deadlines, told_weeks

LEAST = 3


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


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_no_week_follows_from_two_editions(seed: int) -> None:
    """Of three editions of a hoster's weeks no two tell a week that was small in one of them, by linear programs.

    One that is small in the later one may be known to be no larger than what came between them.
    """
    chance, sizes, before, made = random.Random(seed), Counter[str](), list[dict[str, int]](), []
    for edition in range(3):
        for _ in range(chance.choice((1, 4, 9)) if edition else LEAST + 1):
            sizes[f"w{chance.randrange(1 + 2 * edition, 4 + 2 * edition) if chance.random() < 0.8 else 0}"] += 1
        shown = told_weeks(sizes, LEAST, before)
        before.append({week: size for week, size in sizes.items() if week not in shown})
        made.append((dict(sizes), shown))
    for (then, first), (now, second) in combinations(made, 2):
        system = System()
        for at, (told, shown) in enumerate(((then, first), (now, second))):
            system.equals([((at, week), 1.0) for week in now], sum(told.values()))
            for week in shown:
                system.equals([((at, week), 1.0)], told[week])
        for week in now:
            system.at_most([((0, week), 1.0), ((1, week), -1.0)], 0.0)
        for at, sizes_then in enumerate((then, now)):
            small = {week: [((at, week), 1.0)] for week, size in sizes_then.items() if size < LEAST}
            ranges = system.ranges(small).values()
            assert all(low < 0.01 and (at or high > LEAST - 1.01) for low, high in ranges)


def test_a_week_kept_as_company_stays_until_the_rest_of_then_has_other_company() -> None:
    """A week of 3 that hid one of 2 is not told as soon as a new week of 1 hides with it."""
    assert told_weeks({"a": 2, "b": 3, "c": 5}, LEAST) == {"c"}
    assert told_weeks({"a": 2, "b": 3, "c": 5, "d": 1}, LEAST) == {"b", "c"}
    assert told_weeks({"a": 2, "b": 3, "c": 5, "d": 1}, LEAST, [{"a": 2, "b": 3}]) == {"c"}
    assert told_weeks({"a": 4, "b": 3, "c": 5, "d": 1}, LEAST, [{"a": 2, "b": 3}]) == {"c"}
    assert told_weeks({"a": 2, "b": 3, "c": 5}, LEAST, [{"b": 3, "c": 5}]) == {"c"}
