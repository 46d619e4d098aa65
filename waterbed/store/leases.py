"""Leases of due looks by runs, and the runs' liveness."""

import math
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, delete, func, insert, literal, or_, select, text, update

from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd
from waterbed.model.errors import LeaseLost
from waterbed.store.bulk import advance, advancing, columns_of, fetch_text, inserting, rows_of
from waterbed.store.store import FORGETTABLE, Store, Sync
from waterbed.store.tables import TABLES

_SINCE_START = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_STILL = "30s"
"""After which a PostgreSQL server ends a transaction in which nothing is asked."""
_TAKE = "UPDATE due SET lease_run_id = ? WHERE url_id IN (SELECT json_extract(value, '$[0]') FROM json_each(?))"
"""Leases the rows of a JSON text, each of which begins with its URL's id (SQLite)."""
_AT_ONCE = 500
"""Ids in one statement: below every database's limit of parameters."""


def machine_s() -> float:
    """Seconds since this machine started; no clock setting changes them.

    All processes of the machine share this clock.
    """
    return time.clock_gettime(_SINCE_START)


def _now(connection: Connection) -> Any:
    """Return now in microseconds on the clock of all runs.

    It is the database's clock, or the machine's for SQLite.
    """
    if connection.dialect.name == "sqlite":
        return int(machine_s() * 1e6)
    return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)


@contextmanager
def _writing(store: Store, sync: Sync = "within") -> Iterator[Connection]:
    """Open a transaction that the server ends when it stalls.

    A process that stands still must not keep others waiting. Leases and beats need not outlast this machine on SQLite:
    every run that they speak of is on it.
    """
    with store.writing(sync=sync) as connection:
        if not store.sqlite:
            connection.execute(select(func.set_config("idle_in_transaction_session_timeout", _STILL, True)))
        yield connection


def begin(store: Store, run: Run, lease_s: float) -> None:
    """Put a run on record, alive for so many seconds."""
    with _writing(store) as connection:
        store.add([run], connection)
        lapses = _now(connection) + round(lease_s * 1e6)
        connection.execute(insert(TABLES[Beat]).values(run_id=run.run_id, lapses_us=lapses))


def renew(store: Store, run_id: str, lease_s: float) -> bool:
    """Extend a run's lease; False if it was marked dead."""
    beat = TABLES[Beat]
    with _writing(store, "never") as connection:
        longer = update(beat).where(beat.c.run_id == run_id)
        return connection.execute(longer.values(lapses_us=_now(connection) + round(lease_s * 1e6))).rowcount == 1


def end(store: Store, ended: RunEnd) -> None:
    """End a run: release its leases and record its outcome.

    A run that was marked dead stays so.
    """
    with _writing(store) as connection:
        connection.execute(delete(TABLES[Beat]).where(TABLES[Beat].c.run_id == ended.run_id))
        _give_back([ended.run_id], connection)
        store.add([ended], connection)


def mark_dead(store: Store, dead: Collection[str], now: datetime) -> int:
    """Release what dead runs hold and record their end.

    Dead are those given, and those whose lease lapsed.

    Returns how many leases came back. `now` is on the study's clock, for the record. A run that was marked by mistake,
    since it stood still, finds that it lost its lease (`LeaseLost`).
    """
    with store.reading() as connection:
        found = _without_life(connection)
    if not found and not dead:
        return 0
    beat = TABLES[Beat]
    with _writing(store) as connection:
        lapsed = beat.c.run_id.in_(found) & (beat.c.lapses_us < _now(connection))
        over = select(beat.c.run_id).where(or_(lapsed, beat.c.run_id.in_(dead)))
        # one that stands still in the middle of a write is left to the server, which ends that soon
        ended = connection.scalars(over.with_for_update(skip_locked=True)).all()
        connection.execute(delete(beat).where(beat.c.run_id.in_(ended)))
        living = set(connection.scalars(select(beat.c.run_id).where(beat.c.run_id.in_({*found, *dead}))))
        gone = sorted({*found, *dead} - living)
        freed = _give_back(gone, connection)
        store.add([RunEnd(run_id=run_id, finished_at=now, outcome="killed", done=0) for run_id in gone], connection)
        return freed


def _without_life(connection: Connection) -> set[str]:
    """Return lapsed runs, and runs without heartbeat that hold leases."""
    beat, due = TABLES[Beat], TABLES[Due]
    lapsed = select(beat.c.run_id).where(beat.c.lapses_us < _now(connection))
    holder = due.c.lease_run_id
    orphaned = select(holder).where(holder > "", holder.not_in(select(beat.c.run_id))).distinct()
    return set(connection.scalars(lapsed.union(orphaned)))


def _give_back(run_ids: Sequence[str], connection: Connection) -> int:
    """Release leases and networks of runs; return the released leases."""
    due, reserved = TABLES[Due], TABLES[Reserved]
    freed = connection.execute(update(due).where(due.c.lease_run_id.in_(run_ids)).values(lease_run_id=None)).rowcount
    theirs = select(reserved.c.network).where(reserved.c.run_id.in_(run_ids)).order_by(reserved.c.network)
    if connection.dialect.name != "sqlite":
        theirs = theirs.with_for_update()  # in the order of names, as all who take several: no two wait for each other
    networks = list(connection.scalars(theirs))
    for start in range(0, len(networks), _AT_ONCE):
        connection.execute(delete(reserved).where(reserved.c.network.in_(networks[start : start + _AT_ONCE])))
    return freed


def release(store: Store, run_ids: Sequence[str]) -> int:
    """Give back the leases of runs; how many they were."""
    with _writing(store) as connection:
        return _give_back(run_ids, connection)


def living(store: Store) -> set[str]:
    """The runs that said in time that they live."""
    beat = TABLES[Beat]
    with store.reading() as connection:
        return set(connection.scalars(select(beat.c.run_id).where(beat.c.lapses_us >= _now(connection))))


def lease(store: Store, run_id: str, *, due_by: datetime, limit: int) -> list[Due]:
    """Lease up to `limit` due URLs, oldest first, hosts together.

    LeaseLost if the run was marked dead.

    `due_by` is on the study's clock.
    """
    due = TABLES[Due]
    oldest = (due.c.due_at, due.c.host_id)
    free = select(due).where(due.c.due_at <= due_by, due.c.lease_run_id.is_(None)).order_by(*oldest).limit(limit)
    with _writing(store, "never") as connection:
        _still_alive(run_id, connection)
        if not store.sqlite:
            wanted = free.with_only_columns(due.c.url_id).with_for_update(skip_locked=True)
            take = update(due).where(due.c.url_id.in_(wanted.scalar_subquery())).values(lease_run_id=run_id)
            return [Due(**row._mapping) for row in connection.execute(take.returning(*due.c))]
        held = [literal(run_id).label(column.name) if column is due.c.lease_run_id else column for column in due.c]
        taken = fetch_text(free.with_only_columns(*held), connection)
        connection.exec_driver_sql(_TAKE, (run_id, taken))
    return rows_of(Due, taken, store.engine.dialect)


def record(store: Store, run_id: str, facts: Sequence[Any], advanced: Sequence[Due]) -> int:
    """Add facts and advance schedules in one transaction.

    Returns the number of URLs that moved on.

    LeaseLost, and nothing written, if the run was marked dead: others answer for what it held.
    """
    if store.sqlite:
        return _record_here(store, run_id, facts, advanced)
    with _writing(store) as connection:
        _still_alive(run_id, connection)
        store.add(facts, connection)
        return advance(run_id, advanced, connection)


def _record_here(store: Store, run_id: str, facts: Sequence[Any], advanced: Sequence[Due]) -> int:
    """Do the same on SQLite, where others wait for the transaction: all is made ready before it begins."""
    asked: list[Any] = []
    by_class: dict[type, list[Any]] = defaultdict(list)
    for fact in facts:
        (asked if type(fact) in FORGETTABLE else by_class[type(fact)]).append(fact)
    dialect = store.engine.dialect
    ready = [one for cls, found in by_class.items() for one in inserting(columns_of(cls, found), dialect)]
    moves = list(advancing(run_id, advanced, dialect))
    with _writing(store, "after") as connection:
        _still_alive(run_id, connection)
        store.add(asked, connection)
        for statement, values in ready:
            connection.exec_driver_sql(statement, values)
        return sum(connection.exec_driver_sql(statement, values).rowcount for statement, values in moves)


def _still_alive(run_id: str, connection: Connection) -> None:
    """LeaseLost if a run was marked dead.

    Else nobody can mark it before the transaction ends.
    """
    beat = TABLES[Beat]
    alive = select(beat.c.run_id).where(beat.c.run_id == run_id)
    if connection.scalar(alive.with_for_update(read=True, key_share=True)) is None:
        raise LeaseLost


def skew_s(store: Store) -> float | None:
    """Seconds the database's clock is ahead of this machine's.

    None for SQLite, which uses the machine's clock.

    Of three questions the quickest counts: it is off by half its round trip at most (Cristian 1989), and so much
    nearer to zero is what is returned.
    """
    if store.sqlite:
        return None
    asked = []
    with store.reading() as connection:
        for _ in range(3):
            before = time.monotonic()
            theirs = connection.scalar(text("SELECT clock_timestamp()"))
            took = time.monotonic() - before
            middle = datetime.now(UTC) - timedelta(seconds=took / 2)
            asked.append((took / 2, (theirs - middle).total_seconds()))
    unsure, skew = min(asked)
    return math.copysign(max(0.0, abs(skew) - unsure), skew)
