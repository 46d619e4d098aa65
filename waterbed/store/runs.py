"""The heartbeat of a run, retries of its steps, and the record of what needs no heartbeat."""

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, and_, func, or_, select, text

from waterbed.model.bookkeeping import Beat, Run, RunEnd
from waterbed.model.errors import StoreGone, WaterbedError
from waterbed.model.version import __version__
from waterbed.store.config import Config
from waterbed.store.database import failures_explained
from waterbed.store.leases import May, machine_s, renew
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

Done = TypeVar("Done")
AWAY = "the study's store does not answer, or has no connection free: nothing is lost, and it is tried again"
"""What the log says once, and not again until the store has answered."""
_log = logging.getLogger(__name__)
_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
_BEATS_A_LEASE = 6
"""So many chances a run has to say that it lives before it is taken for dead."""


class Heartbeat:
    """A heartbeat in its own thread.

    A busy event loop does not delay it.
    """

    def __init__(
        self, store: Store, run_id: str, lease_s: float, mark_dead: Callable[[], object], started: float
    ) -> None:
        """Take a started run, and a function marking dead runs.

        `started` is a time of `machine_s` before it was begun. It beats between start and stop.
        """
        self._store, self._run_id, self._lease_s, self._mark_dead = store, run_id, lease_s, mark_dead
        self._lapses = started + lease_s
        self._lost = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def holds(self) -> bool:
        """True if no other run can have taken over.

        By this machine's own clock, from before the last beat was sent: never longer than the database thinks.
        """
        return not self._lost and machine_s() < self._lapses

    def start(self) -> None:
        """Start the heartbeat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the heartbeat."""
        self._stopping.set()
        self._thread.join()

    def _beat_on(self) -> None:
        while not self._stopping.wait(self._lease_s / _BEATS_A_LEASE):
            before = machine_s()
            try:
                if not renew(self._store, self._run_id, self._lease_s):
                    self._lost = True
                    return
                self._lapses = before + self._lease_s
                self._mark_dead()
            except WaterbedError:
                continue  # the next beat may come through; until the lease lapses nothing is lost


_told = threading.Event()
"""Set once the log says that the store is away."""


def patiently(step: Callable[[], Done], holds: Callable[[], bool]) -> Done:
    """Retry a step while the database is gone, after pauses that grow.

    It is tried as long as the lease holds.

    The step may be done twice.
    """
    pause_s = _PAUSE_S
    while True:
        try:
            done = step()
        except StoreGone:
            if not holds():
                raise
            if not _told.is_set():
                _told.set()
                _log.warning(AWAY)
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 (spreads tries, nothing secret)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)
        else:
            if pause_s > _PAUSE_S:
                _told.clear()
            return done


def again(kind: str, *, now: datetime, every: timedelta, retry: timedelta) -> May:
    """Decide if a run of a kind is due: none is alive, and the last one is so long ago.

    `every` after one that finished, `retry` after one that failed; one that was stopped or killed is made up for.
    """

    def may(connection: Connection) -> bool:
        run, end, beat = TABLES[Run].c, TABLES[RunEnd].c, TABLES[Beat].c
        of_kind = select(run.run_id).where(run.kind == kind)
        since = or_(
            and_(end.outcome == "finished", end.finished_at > now - every),
            and_(end.outcome == "failed", end.finished_at > now - retry),
        )
        # an end after now was written by a clock that was wrong
        recent = select(end.run_id).where(end.run_id.in_(of_kind), since, end.finished_at <= now)
        alive = select(beat.run_id).where(beat.run_id.in_(of_kind))
        return connection.scalar(alive.union_all(recent).limit(1)) is None

    return may


def last_finished(store: Store, kind: str) -> datetime | None:
    """When a run of a kind last finished."""
    run, end = TABLES[Run].c, TABLES[RunEnd].c
    of_kind = select(run.run_id).where(run.kind == kind)
    with store.reading() as connection:
        when: datetime | None = connection.scalar(
            select(func.max(end.finished_at)).where(end.run_id.in_(of_kind), end.outcome == "finished")
        )
        return when


def record_done(
    store: Store, config: Config, config_hash: str, kind: str, *, began: datetime, ended: datetime, done: int
) -> None:
    """Put a run on record that leased nothing and has ended: a backup, or a sealing."""
    run = Run(
        run_id=uuid.uuid4().hex,
        kind=kind,
        vantage=config.vantage,
        started_at=began,
        version=__version__,
        config_hash=config_hash,
    )
    store.add([run, RunEnd(run_id=run.run_id, finished_at=ended, outcome="finished", done=done)])


# Whoever takes or gives back several does so in the order of names: no two wait for each other in a circle. Only a run
# that lives takes any, and it is not marked dead meanwhile.
_CLAIM = text("""
    WITH alive AS (SELECT run_id FROM beat WHERE run_id = :run_id FOR KEY SHARE),
    taken AS (
        INSERT INTO reserved (network, run_id)
        SELECT asked.network, alive.run_id FROM alive, unnest(CAST(:networks AS text[])) AS asked (network)
        WHERE NOT EXISTS (SELECT FROM reserved AS held WHERE held.network = asked.network)
        ORDER BY asked.network
        ON CONFLICT (network) DO NOTHING
        RETURNING network
    )
    SELECT network FROM taken
    UNION SELECT network FROM reserved WHERE run_id = :run_id AND network = ANY(CAST(:networks AS text[]))
""")
_GIVE_BACK = text("""
    DELETE FROM reserved USING (
        SELECT network FROM reserved WHERE run_id = :run_id AND network = ANY(CAST(:networks AS text[]))
        ORDER BY network FOR UPDATE
    ) AS mine WHERE reserved.network = mine.network
""")


def claim(store: Store, run_id: str, networks: Collection[str]) -> set[str]:
    """Reserve networks for a run; return those it now holds.

    One statement.
    """
    with failures_explained(), store.engine.connect() as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        return set(own.scalars(_CLAIM, {"run_id": run_id, "networks": sorted(networks)}))


def give_back(store: Store, run_id: str, networks: Collection[str]) -> None:
    """Release networks of a run, in one statement."""
    with failures_explained(), store.engine.connect() as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        own.execute(_GIVE_BACK, {"run_id": run_id, "networks": sorted(networks)})
