"""When a URL is looked at next."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

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


def after(seen: State, *, streak: int = 0, age_h: float = 1.0, retry: int | None = None) -> tuple[float, int]:
    due = replace(DUE, streak=streak, first_report_at=NOW - timedelta(hours=age_h))
    made = next_due(due, seen=seen, retry_after_s=retry, now=NOW, schedule=STEADY, chance=random.Random(1))
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
        ({"seen": "unknown", "streak": 2}, (1800, 2)),
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
    times = {
        (
            next_due(DUE, seen="up", retry_after_s=None, now=NOW, schedule=Schedule(), chance=chance).due_at - NOW
        ).total_seconds()
        for _ in range(200)
    }
    assert len(times) > 190
    assert 3600 * 0.9 <= min(times) <= max(times) <= 3600 * 1.1
