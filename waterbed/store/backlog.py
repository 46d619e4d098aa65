"""Counts due and taken looks along indexes.

The cost grows with the number of due looks, not with the size of the study.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.model.facts import Observation, Report
from waterbed.store.bulk import among
from waterbed.store.folder import Folder
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

_HOUR = timedelta(hours=1)
_LATENESSES = 20_000
"""The newest looks whose lateness is read."""
_RATES = 20
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The due looks at a time on the study's clock."""

    due: int
    overdue: int
    due_an_hour: int
    """Due within the hour that follows."""
    due_at: tuple[datetime, ...]
    """When the looks at given shares of what is due were due, the oldest share first; empty if nothing is due."""


def backlog(store: Store, now: datetime, late: timedelta, shares: tuple[float, ...]) -> Backlog:
    """Count due looks and find quantiles of their due times.

    `shares` name ranks in the order of due times, 0 the oldest, 1 the newest.
    """
    when = TABLES[Due].c.due_at
    with store.reading() as connection:
        due = _count(connection, when <= now)
        offsets = [min(due - 1, int(share * due)) for share in shares] if due else []
        at = [
            connection.scalar(select(when).where(when <= now).order_by(when).offset(offset).limit(1))
            for offset in offsets
        ]
        return Backlog(
            due=due,
            overdue=_count(connection, when < now - late),
            due_an_hour=_count(connection, (when > now) & (when <= now + _HOUR)),
            due_at=tuple(moment for moment in at if moment is not None),
        )


def something_free(store: Store, due_by: datetime) -> bool:
    """True if a look is due that nobody holds."""
    due = TABLES[Due]
    free = select(due.c.url_id).where(due.c.due_at <= due_by, due.c.lease_run_id.is_(None)).limit(1)
    with store.reading() as connection:
        return connection.scalar(free) is not None


def leased(store: Store) -> int:
    """Return the number of looks that runs hold."""
    with store.reading() as connection:
        return _count(connection, TABLES[Due].c.lease_run_id.is_not(None))


def taken(store: Store, since: datetime) -> int:
    """Count looks taken since a time on the study's clock.

    Those of further vantage points count too.
    """
    when = TABLES[Observation].c.observed_at
    with store.reading() as connection:
        return connection.scalar(select(func.count()).where(when > since)) or 0


def lateness(store: Store, since: datetime) -> list[float]:
    """Return sorted delays, in seconds, of recently taken looks.

    They are the newest 20,000 looks since a time; a delay lies between due time and look.
    """
    look = TABLES[Observation].c
    newest = (
        select(look.observed_at, look.scheduled_at)
        .where(look.observed_at > since)
        .order_by(look.observed_at.desc())
        .limit(_LATENESSES)
    )
    with store.reading() as connection:
        return sorted((seen - due).total_seconds() for seen, due in connection.execute(newest))


def rates(store: Store) -> list[float]:
    """Return sorted looks per second of the newest busy runs.

    At most 20 runs, those that had much to look at.
    """
    end = TABLES[RunEnd].c
    newest = select(end.rate).where(end.rate.is_not(None)).order_by(end.finished_at.desc()).limit(_RATES)
    with store.reading() as connection:
        return sorted(connection.scalars(newest))


def begin_ladder(url_ids: list[str], anchor: datetime, before: datetime, connection: Connection) -> None:
    """Restart the schedule of frequent looks for some URLs.

    It stays as it is if it was restarted after `before`.
    """
    due = TABLES[Due]
    newest = func.coalesce(due.c.anchor_at, due.c.first_report_at)
    chosen = among(due.c.url_id, url_ids, connection)
    connection.execute(update(due).where(chosen, newest < before).values(anchor_at=anchor))


def give_back(store: Store, run_id: str, url_ids: list[str]) -> None:
    """Give back some of a run's leases."""
    due = TABLES[Due]
    with store.writing() as connection:
        for start in range(0, len(url_ids), _AT_ONCE):
            chosen = due.c.url_id.in_(url_ids[start : start + _AT_ONCE])
            connection.execute(update(due).where(chosen, due.c.lease_run_id == run_id).values(lease_run_id=None))


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(TABLES[Due]).where(condition)) or 0


_SHARES = (0.0, 0.05, 0.5)
"""The oldest due look, and those at which 5% and 50% are older: the latest, p95 and p50 of lateness."""
_WINDOW = timedelta(hours=1)
USE = 0.8
"""Share of its rate that is planned for a worker: the rest is for bursts and outages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLag:
    """The delay of looks, and the number of workers needed."""

    measured_at: Annotated[datetime, "when this was measured (study clock)"]
    due: Annotated[int, "checks that are due now, leased ones too"]
    leased: Annotated[int, "of these, being taken at this moment"]
    overdue: Annotated[int, "checks that have been due for longer than schedule.late_s"]
    oldest_due_at: Annotated[datetime | None, "when the oldest of these was due; null: nothing is due"]
    late_p50_s: Annotated[float | None, "half of what is due has been due longer than this, seconds; null: nothing is"]
    late_p95_s: Annotated[float | None, "5% of what is due has been due longer than this, seconds"]
    late_max_s: Annotated[float | None, "how long the oldest has been due, seconds"]
    taken: Annotated[int, "checks made in the last hour, those of further vantages too"]
    taken_p50_s: Annotated[float | None, "how late the newest 20,000 of these were taken, median, seconds; null: none"]
    taken_p95_s: Annotated[float | None, "the same, 95th percentile"]
    taken_max_s: Annotated[float | None, "the same, the latest"]
    due_an_hour: Annotated[int, "checks that fall due within the next hour"]
    allowed_an_hour: Annotated[int | None, "schedule.looks_an_hour; null: no bound"]
    rate: Annotated[float | None, "checks a second of one worker, median of the newest 20 busy runs; null: none was"]
    workers: Annotated[int | None, "workers that are needed, at 80% of their rate; null: the rate is not known"]
    catch_up_hours: Annotated[float | None, "until these have worked off what is due now; null: not known, or never"]

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        if self.rate is None or self.workers is None:
            return (
                f"With {self.due_an_hour:,} checks due an hour: no run has had much to check yet, so nobody knows how "
                "many workers are needed."
            )
        said = (
            f"With {self.due_an_hour:,} checks due an hour and {self.rate:,.0f} checks a second and worker, "
            f"{self.workers} {'worker is' if self.workers == 1 else 'workers are'} needed"
        )
        if self.due and self.catch_up_hours is not None:
            said += f"; {self.due:,} that are due now take them {self.catch_up_hours:.1f} h"
        if self.allowed_an_hour is not None and self.allowed_an_hour < self.due_an_hour:
            said += f"; but schedule.looks_an_hour allows {self.allowed_an_hour:,}"
        return f"{said}."


def schedule_lag(folder: Folder) -> ScheduleLag:
    """Measure the delay of a study's looks, without writing.

    It reads along indexes alone.
    """
    store, now, schedule = folder.store, folder.clock(), folder.config.schedule
    found = backlog(store, now, timedelta(seconds=schedule.late_s), _SHARES)
    late = [(now - when).total_seconds() for when in found.due_at]
    latest, late_p95, late_p50 = late or (None, None, None)
    done = lateness(store, now - _WINDOW)
    known = rates(store)
    rate = median(known) if known else None
    workers = workers_needed(found.due_an_hour, found.due, rate)
    return ScheduleLag(
        measured_at=now,
        due=found.due,
        leased=leased(store),
        overdue=found.overdue,
        oldest_due_at=found.due_at[0] if found.due_at else None,
        late_max_s=latest,
        late_p95_s=late_p95,
        late_p50_s=late_p50,
        taken=taken(store, now - _WINDOW),
        taken_p50_s=_quantile(done, 0.5),
        taken_p95_s=_quantile(done, 0.95),
        taken_max_s=done[-1] if done else None,
        due_an_hour=found.due_an_hour,
        allowed_an_hour=schedule.looks_an_hour or None,
        rate=rate,
        workers=workers,
        catch_up_hours=_catch_up(found.due, found.due_an_hour, rate, workers, schedule.looks_an_hour),
    )


def workers_needed(due_an_hour: int, due: int, rate: float | None) -> int | None:
    """Return the workers needed for so many looks an hour.

    Each runs at 80% of its rate (looks a second).
    """
    if rate is None:
        return None
    return max(math.ceil(due_an_hour / (rate * 3600 * USE)), 1 if due or due_an_hour else 0)


def _catch_up(due: int, due_an_hour: int, rate: float | None, workers: int | None, allowed: int) -> float | None:
    """Hours until the backlog is gone while more arrives."""
    if rate is None or workers is None:
        return None
    can = workers * rate * 3600
    spare = (min(can, allowed) if allowed else can) - due_an_hour
    return due / spare if spare > 0 else None


def _quantile(ordered: list[float], share: float) -> float | None:
    """Return the value at a share of an ordered list.

    None of an empty list.
    """
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def end_refuted(connection: Connection) -> int:
    """End the looks at URLs last assessed as not illegal.

    Their rows of what is due go; a later report makes them due again, unless this does so. Returns how many ended.
    """
    report, due = TABLES[Report].c, TABLES[Due]
    newest = (
        func.row_number()
        .over(partition_by=report.url_id, order_by=(report.received_at.desc(), report.assessed_illegal))
        .label("newest")
    )
    assessed = select(report.url_id, report.assessed_illegal, newest).where(report.assessed_illegal.is_not(None))
    last = assessed.subquery()
    refuted = select(last.c.url_id).where(last.c.newest == 1, last.c.assessed_illegal.is_(False))
    return connection.execute(delete(due).where(due.c.url_id.in_(refuted))).rowcount
