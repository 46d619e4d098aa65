"""Which facts a lake holds, and by which time they belong to a day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from waterbed.model.bookkeeping import Delivery, Run, RunEnd
from waterbed.model.facts import (
    CanaryLook,
    ControlLook,
    Notice,
    Observation,
    Registration,
    Report,
    Resolution,
    Snapshot,
    Target,
    Testimony,
)

PRUNABLE: Final[Mapping[type, str]] = {
    Observation: "observed_at",
    Resolution: "resolved_at",
    ControlLook: "observed_at",
    CanaryLook: "observed_at",
}
"""What grows with every pass: it may leave the store once its day is sealed. With the time that says which day."""

SEALED: Final[Mapping[type, str]] = {
    **PRUNABLE,
    Target: "added_at",
    Report: "received_at",
    Notice: "received_at",
    Testimony: "received_at",
    Registration: "fetched_at",
    Snapshot: "imported_at",
    Delivery: "received_at",
    Run: "started_at",
    RunEnd: "finished_at",
}
"""All that is sealed. Sealed URLs, schedules, keys and what people decided never are."""

DAY_US: Final = 86_400_000_000
"""Microseconds of a day."""
_START: Final = date(1970, 1, 1)


def day_of(number: int) -> date:
    """The day of a number of days since 1970."""
    return _START + timedelta(days=number)


def number_of(day: date) -> int:
    """The number of days since 1970 of a day."""
    return (day - _START).days


def closed_before(now: datetime, grace_hours: float) -> date:
    """The first day that is not closed yet: days before it ended so many hours ago."""
    return (now.astimezone(UTC) - timedelta(hours=grace_hours)).date()
