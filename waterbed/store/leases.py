"""Leases of due looks by runs, and the runs' liveness."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
    update,
)

from waterbed.model.bookkeeping import Beat, Due, Reserved, Run, RunEnd
from waterbed.model.errors import LeaseLost
from waterbed.store.bulk import advance, advancing, among, columns_of, fetch, fetch_text, inserting, rows_of
from waterbed.store.store import FORGETTABLE, LOCK, Store, Sync
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


May = Callable[[Connection], bool]
"""Decides if a run may begin, by what is on record."""
_DECIDING = LOCK + 1
"""The number of the lock of whoever decides that."""


def begin(store: Store, run: Run, lease_s: float, may: May | None = None) -> bool:
    """Put a run on record, alive for so many seconds; False if it may not begin.

    Of runs with a `may` one is decided on after the other.
    """
    with _writing(store) as connection:
        if may:
            if not store.sqlite:  # an SQLite file has one writer
                connection.execute(select(func.pg_advisory_xact_lock(_DECIDING)))
            if not may(connection):
                return False
        store.add([run], connection)
        lapses = _now(connection) + round(lease_s * 1e6)
        connection.execute(insert(TABLES[Beat]).values(run_id=run.run_id, lapses_us=lapses))
        return True


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
        taken = fetch_text(free.with_only_columns(*_as_leased(run_id, due)), connection)
        connection.exec_driver_sql(_TAKE, (run_id, taken))
    return rows_of(Due, taken, store.engine.dialect)


PARTS: Final = 256
"""How many parts all networks are divided into: a run that has due URLs of one leased has it to itself."""
NO_PART: Final = -1
"""Of URLs whose host was never found in a network: any run takes them."""
_FURTHER: Final = 8
"""So many URLs more of a part are looked at, so that a host's URLs are leased together."""
_LEASING: Final = LOCK + 2
"""The lock of whoever takes parts, at the database server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParts:
    """The parts of the networks, as one run sees them."""

    free: tuple[int, ...]
    """Those with due URLs that no other run is at work in, the one that waited longest first."""
    others: frozenset[int]
    """Those that other runs are at work in."""
    runs: int
    """Runs that check, with this one."""


Choice = Callable[[NetworkParts], Mapping[int, int]]
"""Chooses from which parts to lease, and how many URLs of each."""


def lease_of_parts(store: Store, run_id: str, *, due_by: datetime, limit: int, choose: Choice) -> list[Due]:
    """Lease due URLs of chosen parts of the networks, the URLs of a host together, up to `limit` in all.

    Two runs never lease in one part, unless one of them found a host there (`found_in`) meanwhile. LeaseLost if the run
    was marked dead. `due_by` is on the study's clock.
    """
    due = TABLES[Due]
    with _writing(store, "never") as connection:
        _still_alive(run_id, connection)
        parts = _parts(run_id, due_by, connection)
        wanted = choose(parts)
        taken: list[Due] = []
        for part, rows in _first(run_id, wanted, due_by, connection).items():
            taken += _whole_hosts(rows, wanted[part])
        del taken[limit:]
        ids = [one.url_id for one in taken]
        connection.execute(update(due).where(among(due.c.url_id, ids, connection)).values(lease_run_id=run_id))
    return taken


def _first(run_id: str, wanted: Mapping[int, int], due_by: datetime, connection: Connection) -> dict[int, list[Due]]:
    """Return the first free due URLs of some parts as leased, somewhat more than wanted, by due time and host."""
    due = TABLES[Due]
    its = due.alias()
    free = (its.c.due_at <= due_by, its.c.lease_run_id.is_(None))
    found: dict[int, list[Due]] = defaultdict(list)
    # those in no part are many at once; of the others, as many of each as of the one with most
    for parts in (wanted.keys() & {NO_PART}, wanted.keys() - {NO_PART}):
        if not parts:
            continue
        asked, most = _numbers(parts, connection), max(wanted[part] for part in parts) + _FURTHER
        first = select(*_as_leased(run_id, its)).where(its.c.network_part == asked.c.value, *free)
        first = first.order_by(its.c.due_at, its.c.host_id)
        if connection.dialect.name == "sqlite":
            ids = first.with_only_columns(its.c.url_id).limit(most).correlate(asked)
            query = select(*_as_leased(run_id, due)).select_from(asked.join(due, due.c.url_id.in_(ids)))
        else:
            of_each = first.limit(most).correlate(asked).lateral()
            query = select(of_each).select_from(asked.join(of_each, true()))
        for one in fetch(Due, query, connection):
            found[one.network_part].append(one)
    return {part: sorted(rows, key=lambda one: (one.due_at, one.host_id)) for part, rows in found.items()}


def _as_leased(run_id: str, due: FromClause) -> list[ColumnElement[Any]]:
    """Return the columns of due URLs as they will be."""
    return [literal(run_id).label(one.name) if one is due.c.lease_run_id else one for one in due.c]


def _numbers(numbers: Iterable[int], connection: Connection) -> FromClause:
    """Return whole numbers as a table of one column, `value`."""
    if connection.dialect.name == "sqlite":
        return func.json_each(json.dumps(sorted(numbers))).table_valued("value", name="asked")
    their = func.unnest(bindparam(None, sorted(numbers), ARRAY(BigInteger)))
    return their.table_valued("value", name="asked").render_derived()


def _parts(run_id: str, due_by: datetime, connection: Connection) -> NetworkParts:
    """See who is at work where; on PostgreSQL nobody else takes a part before the transaction ends."""
    due, beat, run = TABLES[Due], TABLES[Beat], TABLES[Run]
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(_LEASING)))
    others = _others(run_id, connection)
    free = (due.c.due_at <= due_by, due.c.lease_run_id.is_(None))
    asked = _numbers(set(range(NO_PART, PARTS)) - others, connection)
    head = select(due.c.due_at).where(due.c.network_part == asked.c.value, *free).order_by(due.c.due_at).limit(1)
    each = select(asked.c.value, head.correlate(asked).scalar_subquery())
    heads = [(at, part) for part, at in connection.execute(each) if at is not None]
    checking = select(func.count()).select_from(beat.join(run, run.c.run_id == beat.c.run_id))
    runs = connection.scalar(checking.where(run.c.kind == "recheck")) or 1
    return NetworkParts(free=tuple(part for _, part in sorted(heads)), others=others, runs=runs)


def _others(run_id: str, connection: Connection) -> frozenset[int]:
    """Return the parts in which other runs have leased URLs."""
    due = TABLES[Due]
    held = select(due.c.network_part).where(due.c.lease_run_id.is_not(None), due.c.lease_run_id != run_id)
    return frozenset(connection.scalars(held.distinct())) - {NO_PART}


def _whole_hosts(rows: list[Due], most: int) -> list[Due]:
    """Cut rows that are sorted by due time and host after some number, but not within a host."""
    end = most
    while most <= end < len(rows) and rows[end].host_id == rows[most - 1].host_id:
        end += 1
    return rows[:end]


def found_in(store: Store, run_id: str, parts: Mapping[str, int], surplus: Collection[str] = ()) -> set[str]:
    """Note the parts that hosts of leased URLs were found in, by URL; return the URLs whose leases were given back.

    They are the surplus, and those in parts that other runs are at work in. LeaseLost if the run was marked dead.
    """
    due = TABLES[Due]
    with _writing(store, "never") as connection:
        _still_alive(run_id, connection)
        if not store.sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_LEASING)))
        others = _others(run_id, connection)
        left = {url_id for url_id, part in parts.items() if part in others or url_id in surplus}
        each = func.json_each(json.dumps(dict(parts))) if store.sqlite else func.json_each_text(cast(dict(parts), JSON))
        told = each.table_valued("key", "value", name="told")
        given_back = case((among(due.c.url_id, left, connection), null()), else_=due.c.lease_run_id)
        held = (due.c.url_id == told.c.key, due.c.lease_run_id == run_id)
        noted = update(due).where(*held).values(network_part=cast(told.c.value, BigInteger), lease_run_id=given_back)
        connection.execute(noted)
    return left


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
