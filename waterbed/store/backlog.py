"""What is due and what was taken, counted along indexes: the cost grows with what is due, not with what is known."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.model.facts import Observation
from waterbed.store.bulk import among
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

_HOUR = timedelta(hours=1)
_LATENESSES = 20_000
"""The newest looks whose lateness is read."""
_RATES = 20
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is due at a time on the study's clock."""

    due: int
    overdue: int
    due_an_hour: int
    """Due within the hour that follows."""
    due_at: tuple[datetime, ...]
    """When the looks at given shares of what is due were due, the oldest share first; empty if nothing is due."""


def backlog(store: Store, now: datetime, late: timedelta, shares: tuple[float, ...]) -> Backlog:
    """Count what is due; `shares` name places in the order of due times, 0 the oldest, 1 the newest."""
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
    """Whether a look is due that nobody holds."""
    due = TABLES[Due]
    free = select(due.c.url_id).where(due.c.due_at <= due_by, due.c.lease_run_id.is_(None)).limit(1)
    with store.reading() as connection:
        return connection.scalar(free) is not None


def leased(store: Store) -> int:
    """How many looks runs hold."""
    with store.reading() as connection:
        # unlike IS NOT NULL, this is looked up in the index on SQLite too
        return _count(connection, TABLES[Due].c.lease_run_id > "")


def taken(store: Store, since: datetime) -> int:
    """How many looks were taken since a time on the study's clock, those of further vantages too."""
    when = TABLES[Observation].c.observed_at
    with store.reading() as connection:
        return connection.scalar(select(func.count()).where(when > since)) or 0


def lateness(store: Store, since: datetime) -> list[float]:
    """Seconds between due time and look of the newest 20,000 looks since a time, least first."""
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
    """Looks a second of the newest 20 runs that had much to look at, least first."""
    end = TABLES[RunEnd].c
    newest = select(end.rate).where(end.rate.is_not(None)).order_by(end.finished_at.desc()).limit(_RATES)
    with store.reading() as connection:
        return sorted(connection.scalars(newest))


def begin_ladder(url_ids: list[str], anchor: datetime, before: datetime, connection: Connection) -> None:
    """Looks at some URLs are frequent again from a time on, unless they have been since after `before`."""
    due = TABLES[Due]
    newest = func.coalesce(due.c.anchor_at, due.c.first_report_at)
    chosen = among(due.c.url_id, url_ids, connection)
    connection.execute(update(due).where(chosen, newest < before).values(anchor_at=anchor))


def give_back(store: Store, run_id: str, url_ids: list[str]) -> None:
    """Some of a run's leases are given back."""
    due = TABLES[Due]
    with store.writing() as connection:
        for start in range(0, len(url_ids), _AT_ONCE):
            chosen = due.c.url_id.in_(url_ids[start : start + _AT_ONCE])
            connection.execute(update(due).where(chosen, due.c.lease_run_id == run_id).values(lease_run_id=None))


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(TABLES[Due]).where(condition)) or 0
