"""A study's state as Prometheus reads it: what its database and its disk say, aggregates alone."""

import shutil
import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Info, generate_latest

from waterbed.model.bookkeeping import RunEnd
from waterbed.model.facts import CanaryLook
from waterbed.model.version import __version__
from waterbed.store.backlog import ScheduleLag, schedule_lag
from waterbed.store.folder import Folder, open_folder
from waterbed.store.tables import TABLES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_MEANINGS: Final[Mapping[str, str]] = {
    "due": "Checks that are due.",
    "leased": "Due checks that runs hold.",
    "overdue": "Checks due for longer than schedule.late_s.",
    "oldest_due_seconds": "How long the oldest due check has been due.",
    "due_next_hour": "Checks that fall due within an hour.",
    "worker_looks_per_second": "Checks a second of one worker.",
    "workers_needed": "Workers that keep up with what falls due.",
    "canary_healthy": "1 if each vantage point's newest canary check reached enough; 0 also without one in an hour.",
    "last_pass_timestamp_seconds": "When the newest pass ended that neither failed nor was killed; 0: none did.",
    "last_backup_timestamp_seconds": "When the newest backup was begun; 0: none is on record.",
    "last_seal_timestamp_seconds": "When the lake was last sealed; 0: never, as far as is on record.",
    "disk_free_bytes": "Bytes free on the file system of the study's folder.",
    "disk_size_bytes": "Bytes of that file system.",
}
_PASSES: Final = 20
"""The newest passes among which one is sought that ended well."""
_WELL: Final = ("finished", "stopped")
_CANARY: Final = timedelta(hours=1)
_FRESH_S: Final = 10.0
"""Seconds for which a measurement serves all who ask a server."""


def condition(folder: Folder, lag: ScheduleLag) -> dict[str, float]:
    """Measure a study, without writing; values by the names of metrics."""
    disk = shutil.disk_usage(folder.path)
    return {
        "due": lag.due,
        "leased": lag.leased,
        "overdue": lag.overdue,
        "oldest_due_seconds": lag.late_max_s or 0.0,
        "due_next_hour": lag.due_an_hour,
        "worker_looks_per_second": float("nan") if lag.rate is None else lag.rate,
        "workers_needed": float("nan") if lag.workers is None else lag.workers,
        "canary_healthy": float(_canary_healthy(folder)),
        "last_pass_timestamp_seconds": _last_pass(folder),
        "last_backup_timestamp_seconds": _last_begun(folder, "backup"),
        "last_seal_timestamp_seconds": _last_begun(folder, "seal"),
        "disk_free_bytes": disk.free,
        "disk_size_bytes": disk.total,
    }


def _canary_healthy(folder: Folder) -> bool:
    """True if each vantage point's newest canary check reached enough targets."""
    table, config = TABLES[CanaryLook].c, folder.config
    for name in {config.vantage, *(vantage.name for vantage in config.vantages)}:
        recent = table.vantage == name, table.observed_at > folder.clock() - _CANARY
        looks = folder.store.all(CanaryLook, *recent, order=("observed_at",))
        newest = [look for look in looks if look.observed_at == looks[-1].observed_at]  # a lab's clock may stand still
        if not newest or any(not its.targets or its.reached < config.canary.need * its.targets for its in newest):
            return False
    return True


def _last_pass(folder: Folder) -> float:
    runs = folder.store.newest_runs("recheck", _PASSES)
    ends = folder.store.by_ids(RunEnd, "run_id", [run.run_id for run in runs])
    return max((end.finished_at.timestamp() for end in ends if end.outcome in _WELL), default=0.0)


def _last_begun(folder: Folder, kind: str) -> float:
    runs = folder.store.newest_runs(kind, 1)
    return runs[0].started_at.timestamp() if runs else 0.0


class StudyGauges:
    """The gauges of a study's state in one registry, without labels; none is there until it was measured."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Take the registry."""
        self._registry, self._gauges = registry, dict[str, Gauge]()

    def set(self, values: Mapping[str, float]) -> None:
        """Set what was measured."""
        for name, value in values.items():
            if name not in self._gauges:
                self._gauges[name] = Gauge(f"waterbed_{name}", _MEANINGS[name], registry=self._registry)
            self._gauges[name].set(value)


class StudyFigures:
    """The state of a study in a folder, as a server tells it."""

    def __init__(self, path: Path) -> None:
        """Take the folder; nothing is opened yet."""
        self._path, self._registry = path, CollectorRegistry()
        Info("waterbed", "Version of Waterbed.", registry=self._registry).info({"version": __version__})
        self._gauges = StudyGauges(self._registry)
        self._lock, self._fresh_until = threading.Lock(), 0.0

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format, at most ten seconds old; as slow as `waterbed lag`."""
        with self._lock:
            if monotonic() >= self._fresh_until:
                with closing(open_folder(self._path)) as folder:
                    self._gauges.set(condition(folder, schedule_lag(folder)))
                self._fresh_until = monotonic() + _FRESH_S
            return generate_latest(self._registry)
