"""What ended against the same place's own past, and against the time that follows: nulls hold, and a move is seen."""

from dataclasses import replace

import numpy as np
import pytest

from waterbed.estimators.own_past import Compared, over_later, over_past, since_first_seen
from waterbed.estimators.reappearance import Units
from waterbed.estimators.refusal import Refusal

EVENT, END, HORIZON = 1_344.0, 2_184.0, 72.0
Moves = list[tuple[int, float]]


def place(
    rng: np.random.Generator,
    *,
    sites: int = 130,
    moved: float = 0.0,
    rotating: float = 0.0,
    found: float = 1.0,
    pressed: bool = True,
) -> Units:
    """One place's contents over 13 weeks: before the event 60% end within days, afterwards all within hours.

    `moved` of what ends comes up elsewhere within two days; owners put content elsewhere at a constant rate, `rotating`
    of it in a horizon; before the event a part `found` of all that is known.
    """
    started, ended, cluster, moves = list[float](), list[float](), list[int](), Moves()
    for site in range(sites):
        for _ in range(rng.integers(1, 4)):
            start = rng.uniform(0.0, END - 200.0)
            end = start + rng.uniform(24.0, 400.0) if rng.random() < 0.6 else np.inf
            if pressed and max(start, EVENT) < end and end > EVENT:
                end = max(start, EVENT) + rng.uniform(1.0, 12.0)
            came = [end + rng.uniform(2.0, 48.0)] if np.isfinite(end) and rng.random() < moved else []
            came += (
                (start + rng.exponential(-HORIZON / np.log(1.0 - rotating), 8).cumsum()).tolist() if rotating else []
            )
            unit = len(started)
            moves += [(unit, at) for at in came if at >= EVENT or rng.random() < found]
            started.append(start)
            ended.append(end)
            cluster.append(site)
    owner = np.array([unit for unit, _ in moves], np.int64)
    return Units(
        started=np.array(started),
        ended=np.array(ended),
        category=np.zeros(len(started), np.int64),
        cluster=np.array(cluster, np.int64),
        arrivals=(owner, np.array([at for _, at in moves])),
    )


def compared(units: Units, seed: int = 1) -> tuple[Compared, Compared]:
    """Over its own past, and over later."""
    treated = (units.started >= EVENT) & np.isfinite(units.ended)
    past = over_past(
        units,
        np.random.default_rng(seed),
        treated=treated,
        horizon=HORIZON,
        observed_until=END,
        first=0.0,
        last=EVENT,
        resamples=299,
    )
    later = over_later(
        units, np.random.default_rng(seed), treated=treated, horizon=HORIZON, observed_until=END, resamples=299
    )
    assert isinstance(past, Compared)
    assert isinstance(later, Compared)
    return past, later


def test_shares_are_those_that_came_up_within_the_horizon() -> None:
    """Twelve ended at age 10, three of which came up within 72 hours and one in the next 72; of twelve before, two."""
    started = np.r_[np.full(12, 1_400.0), np.full(12, 1_000.0)]
    ended = np.r_[np.full(12, 1_410.0), np.full(12, np.inf)]
    came = [(0, 1_411.0), (1, 1_470.0), (2, 1_481.0), (3, 1_500.0), (12, 1_011.0), (13, 1_082.0), (14, 1_083.0)]
    units = Units(
        started=started,
        ended=ended,
        category=np.zeros(24, np.int64),
        cluster=np.arange(24),
        arrivals=(np.array([unit for unit, _ in came]), np.array([at for _, at in came])),
    )
    past, later = compared(units)
    assert past.share == later.share == 3 / 12
    assert later.other == 1 / 12
    assert past.other == pytest.approx(2 / 12, abs=0.08)  # ten of the twelve are drawn for each
    assert past.parts[:2] == (3, 9)
    assert later.parts == (3, 9, 1, 11)
    assert past.low < past.excess < past.high
    assert past.smallest_p == 1 / 300


def test_a_category_is_compared_with_itself() -> None:
    """One category came up always, the other never, in the past as now: no excess, whatever their numbers."""
    kinds = np.r_[np.zeros(20, np.int64), np.ones(40, np.int64), np.zeros(40, np.int64), np.ones(20, np.int64)]
    started = np.r_[np.full(60, 1_400.0), np.full(60, 1_000.0)]
    ended = np.r_[np.full(60, 1_410.0), np.full(60, np.inf)]
    owner = np.flatnonzero(kinds == 0)
    units = Units(
        started=started,
        ended=ended,
        category=kinds,
        cluster=np.arange(120),
        arrivals=(owner, started[owner] + 20.0),
    )
    past, _ = compared(units)
    assert (past.share, past.other) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_a_move_after_ends_is_seen_against_both() -> None:
    """30% of what ends comes up elsewhere, before as after: more ends, more moves."""
    shown = [compared(place(np.random.default_rng(seed), moved=0.3)) for seed in range(12)]
    assert sum(past.p <= 0.05 and later.p <= 0.05 for past, later in shown) >= 10
    assert all(past.share > past.other and later.other < 0.05 for past, later in shown)


@pytest.mark.long
@pytest.mark.parametrize(
    ("world", "by"),
    [({"rotating": 0.4}, (0, 1)), ({"rotating": 0.4, "found": 0.4}, (1,)), ({}, (0, 1))],
    ids=["owners move content all the time", "and searches find more after the event", "nothing moves"],
)
def test_no_move_is_seldom_shown(world: dict[str, float], by: tuple[int, ...]) -> None:
    """Of 200 places at most 5% seem to have moved, within the error of so many; the named comparisons hold alone."""
    found = [compared(place(np.random.default_rng(100 + seed), **world)) for seed in range(200)]
    most = 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5
    assert sum(all(one.p <= 0.05 for one in pair) for pair in found) / 200 <= 0.05
    for one in by:
        assert sum(pair[one].p <= 0.05 for pair in found) / 200 <= most


def test_a_rise_since_first_seen_is_of_all_content() -> None:
    """Of 12 first seen afterwards three came up within the horizon, of 16 before one, whatever became of them."""
    started = np.r_[np.full(16, 1_000.0), np.full(12, 1_400.0)]
    units = Units(
        started=started,
        ended=np.where(np.arange(28) % 2 > 0, started + 50.0, np.inf),
        category=np.zeros(28, np.int64),
        cluster=np.arange(28),
        arrivals=(np.array([0, 1, 16, 17, 18, 19]), np.array([1_010.0, 1_073.0, 1_401.0, 1_460.0, 1_471.0, 1_480.0])),
    )
    before = units.started < EVENT
    found = since_first_seen(units, np.random.default_rng(1), before_event=before, after=~before, horizon=HORIZON)
    assert isinstance(found, Compared)
    assert (found.share, found.other) == (3 / 12, 1 / 16)
    assert found.low < found.excess == 3 / 12 - 1 / 16 < found.high
    assert found.parts == (3, 9, 1, 15)
    few = since_first_seen(units, np.random.default_rng(1), before_event=before & False, after=~before, horizon=HORIZON)
    other = replace(units, category=before.astype(np.int64))
    unlike = since_first_seen(other, np.random.default_rng(1), before_event=before, after=~before, horizon=HORIZON)
    assert isinstance(few, Refusal)
    assert isinstance(unlike, Refusal)


def test_a_rise_since_first_seen_covers_what_an_event_adds() -> None:
    """30% of what goes offline moves, before as after: intervals hold the difference of many places in nine of ten."""
    worlds = [place(np.random.default_rng(seed), moved=0.3) for seed in range(40)]
    found = []
    for seed, units in enumerate(worlds):
        before, after = units.started + HORIZON <= EVENT, (units.started >= EVENT) & (units.started + HORIZON <= END)
        rng = np.random.default_rng(seed)
        one = since_first_seen(units, rng, before_event=before, after=after, horizon=HORIZON, resamples=299)
        assert isinstance(one, Compared)
        found.append(one)
    true = float(np.mean([one.excess for one in found]))
    assert true > 0.1
    assert sum(one.low <= true <= one.high for one in found) >= 36


def test_too_little_to_compare_with_is_a_reason() -> None:
    """Nothing of its own was up at that age before; or ends were followed for one horizon only."""
    units = place(np.random.default_rng(1))
    treated = (units.started >= EVENT) & np.isfinite(units.ended)
    ask = {"treated": treated, "horizon": HORIZON}
    past = over_past(units, np.random.default_rng(1), observed_until=END, first=EVENT - 80.0, last=EVENT, **ask)
    later = over_later(units, np.random.default_rng(1), observed_until=EVENT + 90.0, **ask)
    none = over_past(
        units,
        np.random.default_rng(1),
        observed_until=END,
        first=0.0,
        last=EVENT,
        **{**ask, "treated": ~treated & False},
    )
    assert isinstance(past, Refusal)
    assert isinstance(later, Refusal)
    assert isinstance(none, Refusal)
