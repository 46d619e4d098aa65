"""When a URL is looked at next."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.crawler.recheck.schedule import memory_of_denials_s, next_due
from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.store.config import Config
from waterbed.store.settings import Schedule

replace_ = msgspec.structs.replace

NOW = datetime(2026, 1, 5, tzinfo=UTC)
STEADY = Schedule(jitter=0.0)
DUE = Due(
    url_id="u",
    host_id="h",
    due_at=NOW,
    streak=0,
    first_report_at=NOW - timedelta(hours=1),
    category="phishing",
    lease_run_id="r",
)


@given(st.floats(0.0, 47.9), st.sampled_from([(), (3600.0, 7200.0, 14400.0), (3600.0, 7200.0, 14400.0, 86400.0)]))
def test_some_urls_are_looked_at_half_as_often(age_h: float, ladder: tuple[float, ...]) -> None:
    """Which ones their keyed ids say; losses are confirmed as soon, and a ladder keeps its last step."""
    schedule = replace_(STEADY, rare_share=0.5, ladder_s=ladder)
    waits = {}
    for name in ("0" * 32, "f" * 32):
        due = replace(DUE, url_id=name, first_report_at=NOW - timedelta(hours=age_h))
        waits[name] = (step(due, "up", NOW, schedule).due_at - NOW).total_seconds()
        confirmed = (step(due, "down", NOW, schedule).due_at - NOW).total_seconds()
        assert confirmed == STEADY.confirm_s[0]
    rare, often = waits["0" * 32], waits["f" * 32]
    if not ladder:
        assert rare == 2 * often
        return
    assert rare >= often
    age_s = age_h * 3600
    if age_s < ladder[-1] - 300:
        assert age_s + rare <= ladder[-1] + 1e-6


@pytest.mark.parametrize(
    ("confirm_s", "jitter", "most_s"),
    [((600.0, 1800.0, 7200.0), 0.1, 270.0), ((3600.0,), 0.1, 300.0), ((60.0, 20.0), 0.5, 5.0), ((), 0.1, 300.0)],
)
def test_a_denial_is_forgotten_before_a_loss_is_confirmed(
    confirm_s: tuple[float, ...], jitter: float, most_s: float
) -> None:
    """The earliest confirming look never meets the memory of the look before it."""
    assert memory_of_denials_s(Schedule(confirm_s=confirm_s, jitter=jitter)) == most_s


def step(
    due: Due,
    seen: State,
    now: datetime,
    schedule: Schedule,
    *,
    retry: int | None = None,
    rng: random.Random | None = None,
) -> Due:
    return next_due(
        due,
        seen=seen,
        retry_after_s=retry,
        now=now,
        fingerprint="f",
        schedule=schedule,
        rng=rng or random.Random(1),
    )


def after(seen: State, *, streak: int = 0, age_h: float = 1.0, retry: int | None = None) -> tuple[float, int]:
    due = replace(DUE, streak=streak, first_report_at=NOW - timedelta(hours=age_h))
    made = step(due, seen, NOW, STEADY, retry=retry)
    assert made.lease_run_id is None
    return (made.due_at - NOW).total_seconds(), made.streak


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"seen": "up"}, (3600, 0)),
        ({"seen": "up", "age_h": 100}, (6 * 3600, 0)),
        ({"seen": "down"}, (600, 1)),
        ({"seen": "down", "streak": 1}, (1800, 2)),
        ({"seen": "down", "streak": 2}, (7200, 3)),
        ({"seen": "down", "streak": 3}, (6 * 3600, 4)),
        ({"seen": "unknown", "streak": 2}, (3600, 2)),
        ({"seen": "up", "streak": 9}, (3600, 0)),
        ({"seen": "unknown", "retry": 9000}, (9000, 0)),
        ({"seen": "unknown", "retry": 10**9}, (86_400, 0)),
    ],
)
def test_the_ladder_after_a_look(options: dict, expected: tuple[float, int]) -> None:
    """Young URLs hourly, old ones slowly, a loss confirmed soon, then slowly; Retry-After is honoured within bounds."""
    assert after(**options) == expected


def test_jitter_spreads_and_stays_in_bounds() -> None:
    """Looks of many URLs do not fall on one instant, and none is later than promised."""
    rng = random.Random(2)
    made = [step(DUE, "up", NOW, Schedule(), rng=rng) for _ in range(200)]
    times = {(due.due_at - NOW).total_seconds() for due in made}
    assert len(times) > 190
    assert 3600 * 0.9 <= min(times) <= max(times) <= 3600 * 1.1


@given(st.lists(st.sampled_from(["up", "down", "unknown"]), min_size=200, max_size=200), st.integers(2, 60))
@settings(max_examples=30)
def test_no_url_is_looked_at_more_often_a_day_than_planned(answers: list[State], most: int) -> None:
    """Whatever a URL answers, alternating up and down too, any 24 hours hold at most twice the planned looks.

    The count begins anew with each 24 hours, so a window that straddles two of them sees at most both.
    """
    schedule = Schedule(looks_a_day=most)
    due, times = DUE, []
    for seen in answers:
        times.append(due.due_at)
        due = step(due, seen, due.due_at, schedule)
    for first in times:
        assert sum(first <= when < first + timedelta(days=1) for when in times) <= 2 * most


def test_alternating_answers_are_capped_at_the_day() -> None:
    """A URL that goes down and up by turns, which would be asked every few minutes, waits for the next day."""
    due = DUE
    schedule = Schedule(jitter=0.0, looks_a_day=10)
    for number in range(10):
        due = step(due, "down" if number % 2 else "up", due.due_at, schedule)
    assert due.due_at == NOW + timedelta(days=1)
    assert (due.day_looks, due.fingerprint) == (10, "f")
    assert step(due, "up", due.due_at, schedule).day_looks == 1


def test_a_ladder_is_climbed_step_by_step() -> None:
    """With a ladder, looks are at its steps after the report, then at the plain interval, and none before its step."""
    steps = (0.0, 3600.0, 7200.0, 14_400.0, 28_800.0)
    exact = Schedule(jitter=0.0, ladder_s=steps)
    due, times = replace(DUE, first_report_at=NOW, due_at=NOW), []
    for _ in range(7):
        times.append((due.due_at - NOW).total_seconds())
        due = step(due, "up", due.due_at, exact)
    assert times == [*steps, steps[-1] + 6 * 3600, steps[-1] + 12 * 3600]
    spread, rng = Schedule(jitter=0.2, ladder_s=steps), random.Random(5)
    for _ in range(200):
        due, looks = replace(DUE, first_report_at=NOW, due_at=NOW), []
        for _ in steps:
            looks.append((due.due_at - NOW).total_seconds())
            due = step(due, "up", due.due_at, spread, rng=rng)
        assert all(first <= look <= first * 1.2 for first, look in zip(steps, looks, strict=True))


def test_a_notice_begins_the_ladder_anew() -> None:
    """Looks after a notice follow the ladder from it, whatever the URL's age; a removed URL stays slow."""
    old = replace(DUE, first_report_at=NOW - timedelta(days=90), anchor_at=NOW - timedelta(minutes=1))
    ladder = Schedule(jitter=0.0, ladder_s=(0.0, 3600.0, 7200.0))
    assert step(old, "up", NOW, ladder).due_at == NOW + timedelta(minutes=59)
    assert step(old, "up", NOW, STEADY).due_at == NOW + timedelta(hours=1)
    assert step(replace(old, anchor_at=None), "up", NOW, STEADY).due_at == NOW + timedelta(days=1)
    assert step(replace(old, streak=5), "down", NOW, ladder).due_at == NOW + timedelta(hours=6)


@pytest.mark.parametrize(("days", "hours"), [(3, 6), (16, 6), (40, 14.4), (67, 24), (400, 24)])
@pytest.mark.parametrize(("seen", "streak"), [("up", 0), ("down", 9)])
def test_older_urls_are_looked_at_less_often(days: float, hours: float, seen: State, streak: int) -> None:
    """From 6 hours the interval grows with age to a day, for what is up and for what is gone."""
    assert after(seen, streak=streak, age_h=24 * days)[0] == pytest.approx(3600 * hours, rel=0.01)


@given(
    st.lists(st.tuples(st.sampled_from(["up", "down", "unknown"]), st.integers(0, 10**6)), max_size=30),
    st.permutations(["alpha", "beta", "gamma"]),
)
def test_hosters_change_nothing(answers: list[tuple[State, int]], hosters: list[str]) -> None:
    """URLs with the same past have the same schedule, wherever they are hosted and whatever they are called."""
    made = []
    for number, hoster in enumerate(hosters):
        due, rng = replace(DUE, url_id=f"u{number}", host_id=hoster), random.Random(7)
        for seen, seconds in answers:
            due = step(due, seen, due.due_at + timedelta(seconds=seconds), Schedule(), rng=rng)
        made.append(replace(due, url_id="", host_id=""))
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ladder_s": (3600.0, 0.0)}, {"ladder_s": (0.0, 0.0)}, {"ladder_s": (-1.0,)}, {"jitter": 1.0}, {"jitter": -0.1},
        {"confirm_s": (0.0,)}, {"interval_s": 0.0}, {"looks_a_day": 0}, {"looks_an_hour": -1}, {"age_share": -1.0},
        {"interval_s": math.inf}, {"lease_s": math.inf}, {"confirm_s": (math.nan,)}, {"ladder_s": (0.0, math.inf)},
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_kept_is_refused(wrong: dict) -> None:
    """Ladders that fall, jitter of a whole, no time between looks, or more than can be added to a date."""
    with pytest.raises(ValueError, match="schedule"):
        Config(study="0" * 32, schedule=Schedule(**wrong))
