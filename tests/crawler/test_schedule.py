"""When a URL is looked at next."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.schedule import next_due
from waterbed.model.bookkeeping import Due
from waterbed.model.conclusions import State
from waterbed.store.config import Schedule

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
    leased_until=NOW,
)


def step(
    due: Due,
    seen: State,
    now: datetime,
    schedule: Schedule,
    *,
    retry: int | None = None,
    chance: random.Random | None = None,
) -> Due:
    return next_due(
        due,
        seen=seen,
        retry_after_s=retry,
        now=now,
        fingerprint="f",
        schedule=schedule,
        chance=chance or random.Random(1),
    )


def after(seen: State, *, streak: int = 0, age_h: float = 1.0, retry: int | None = None) -> tuple[float, int]:
    due = replace(DUE, streak=streak, first_report_at=NOW - timedelta(hours=age_h))
    made = step(due, seen, NOW, STEADY, retry=retry)
    assert (made.lease_run_id, made.leased_until) == (None, None)
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
    chance = random.Random(2)
    made = [step(DUE, "up", NOW, Schedule(), chance=chance) for _ in range(200)]
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
