"""How often a registry is asked, on a clock that skips all waiting."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.crawler.registry.clock import LoopClock, SkippingClock
from waterbed.crawler.registry.pace import Pace, backoff, retry_after

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


@given(st.integers(1, 12), st.lists(st.floats(0, 40), max_size=60))
def test_no_minute_has_more_than_allowed(a_minute: int, under_way: list[float]) -> None:
    """However long each question is under way, and whenever within that time it is received."""
    pace, now, received = Pace(a_minute), NOON, []
    for seconds in under_way:
        now = pace.next_at(now)
        received.append(now + timedelta(seconds=seconds) * random.Random(seconds).random())
        now += timedelta(seconds=seconds)
        pace.answered(now)
    for first, beyond in zip(received, received[a_minute:], strict=False):
        assert beyond - first >= MINUTE


def test_less_than_one_a_minute_is_possible() -> None:
    """Half a question a minute is one in two."""
    pace = Pace(0.5)
    pace.answered(NOON)
    assert pace.next_at(NOON) >= NOON + timedelta(minutes=2)


def test_without_retry_after_the_waits_grow_up_to_a_bound() -> None:
    """Each is about twice the last one; an answer in earnest begins anew."""
    pace, rng, waits = Pace(60), random.Random(1), []
    now = NOON
    for _ in range(9):
        assert pace.block(now, None, rng)
        waits.append((pace.next_at(now) - now).total_seconds())
        now = pace.next_at(now)
    assert waits[0] < waits[2] < waits[4]
    assert max(waits) <= 900 * 1.25
    pace.reset_backoff()
    pace.block(now, None, rng)
    assert (pace.next_at(now) - now).total_seconds() < 40


def test_retry_after_is_obeyed_up_to_an_hour() -> None:
    """The registry says how long; beyond all patience it is asked no more."""
    pace = Pace(60)
    assert pace.block(NOON, timedelta(seconds=90), random.Random())
    assert pace.next_at(NOON) == NOON + timedelta(seconds=90)
    assert not pace.block(NOON, timedelta(hours=2), random.Random())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("Mon, 05 Jan 2026 12:00:09 GMT", 9),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("99999999999999999999", None),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: str, seconds: int | None) -> None:
    """What cannot be read counts as not said."""
    assert retry_after(value, NOON) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_network_waits_ever_longer_between_its_tries() -> None:
    """Ten seconds, twenty, forty, drawn a little up or down."""
    for tries, seconds in ((1, 10), (2, 20), (3, 40), (20, 600)):
        drawn = backoff(tries, random.Random(tries)).total_seconds()
        assert 0.75 * seconds <= drawn <= 1.25 * seconds


def test_a_skipping_clock_goes_to_whoever_waits_least_long() -> None:
    """Sleepers wake in order at their times, and time stands still while a question is under way."""
    woken: list[tuple[str, datetime]] = []

    async def go() -> None:
        clock = SkippingClock(NOON)

        async def sleep(name: str, minutes: int) -> None:
            await clock.sleep_until(NOON + timedelta(minutes=minutes))
            woken.append((name, clock.now()))

        async def work() -> None:
            with clock.at_work():
                await asyncio.sleep(0.05)
                assert clock.now() == NOON

        await asyncio.gather(sleep("late", 90), sleep("early", 5), work(), sleep("past", -1))

    asyncio.run(go())
    assert [name for name, _ in woken] == ["past", "early", "late"]
    assert woken[2][1] == NOON + timedelta(minutes=90)


def test_the_real_clock_is_led_by_the_loop() -> None:
    """It waits for what lies ahead and not for what is past."""

    async def go() -> None:
        clock = LoopClock(NOON)
        await clock.sleep_until(NOON - timedelta(hours=1))
        ahead = clock.now() + timedelta(milliseconds=20)
        await clock.sleep_until(ahead)
        assert clock.now() >= ahead - timedelta(milliseconds=5)

    asyncio.run(go())
