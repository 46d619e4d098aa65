"""One pass as a process of its own, which tells what it has recorded, for others to kill, stop and starve."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.folder import Folder, Pass
from waterbed.study.study import open_study


@dataclass(slots=True, kw_only=True)
class Jumping:
    """A study's clock that may jump in mid-pass."""

    now: datetime
    jumps: tuple[tuple[int, timedelta], ...] = ()
    """Times that it is read before it jumps, and how far it is off from then on; in order."""
    reads: int = 0

    def __call__(self) -> datetime:
        """The study's time."""
        self.reads += 1
        off = [by for after, by in self.jumps if self.reads > after]
        return self.now + off[-1] if off else self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is to do, and where it tells of it."""

    study: Path
    config: Path
    """Where the study's keys are looked for."""
    told: Path
    """Each line is a run and how many checks it has recorded so far."""
    said: Path
    clock: Jumping
    most_bytes: int | None = None
    """No file may grow beyond so many bytes."""
    goes_on: bool = False
    """One pass after the other, until nothing is due."""


def work(job: Job) -> None:
    """Do it; exit codes are those of the command line."""
    os.environ["XDG_CONFIG_HOME"] = str(job.config)
    for stream in (1, 2):
        os.dup2(os.open(job.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    if job.most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.most_bytes, job.most_bytes))
    told = os.open(job.told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    runs: list[Pass] = []
    _watch_runs(runs)
    try:
        with open_study(job.study, job.clock) as study:
            stopped = None
            while True:
                report = run_recheck(
                    study.folder, progress=lambda done, _: os.write(told, f"{runs[-1].run_id} {done}\n".encode())
                )
                stopped = stopped or report.stopped
                if not job.goes_on or not study.folder.store.count_due(job.clock()):
                    break
    except (InputError, OwnFailure) as problem:
        sys.stderr.write(f"waterbed: {problem}\n")
        sys.exit(2 if isinstance(problem, InputError) else 3)
    if stopped:
        sys.stderr.write(f"stopped: {stopped}\n")
    sys.exit(1 if stopped else 0)


def _watch_runs(runs: list[Pass]) -> None:
    """Learn each run's id as it begins."""
    plain = Folder.run

    @contextmanager
    def run(folder: Folder, kind: str, **more: Any) -> Iterator[Pass]:
        with plain(folder, kind, **more) as current:
            runs.append(current)
            yield current

    Folder.run = run
