"""The heartbeat of a run, retries of its steps, and the record of what needs no heartbeat."""

import threading
import time
import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import text

from waterbed.model.bookkeeping import Run, RunEnd
from waterbed.model.errors import StoreGone, WaterbedError
from waterbed.model.version import __version__
from waterbed.store.config import Config
from waterbed.store.database import failures_explained
from waterbed.store.leases import machine_s, renew
from waterbed.store.store import Store

Done = TypeVar("Done")
_PAUSE_S = 0.25
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


def patiently(step: Callable[[], Done], holds: Callable[[], bool]) -> Done:
    """Retry a step while the database is gone.

    It is tried as long as the lease holds.

    The step may be done twice.
    """
    while True:
        try:
            return step()
        except StoreGone:
            if not holds():
                raise
            time.sleep(_PAUSE_S)


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
