"""One worker of workers.py: it begins together with the others, and tells how it went."""

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import Engine, event
from work import BIG

from waterbed.crawler.probe.prober import HostFacts
from waterbed.crawler.recheck.run import run_recheck
from waterbed.crawler.recheck.session import Session
from waterbed.model.facts import Resolution
from waterbed.store.backlog import something_free
from waterbed.store.folder import Folder
from waterbed.study.study import open_study

_CLAIMS = re.compile(r"\b(?:INTO|UPDATE)\s+reserved\b", re.IGNORECASE)
_POLL_S, _IDLE_S, _MEET_S = 0.01, 0.25, 300.0


@dataclass(slots=True)
class Told:
    """One worker's run; times are of the machine's monotonic clock, which all processes share.

    It begins when all workers have opened their passes, and ends when nothing is due and the last pass is closed.
    """

    began: float = 0.0
    ended: float = 0.0
    cpu_s: float = 0.0
    """Processor time from begin to end, all threads."""
    looks: int = 0
    passes: int = 0
    claims: int = 0
    """Statements that claim networks."""
    statements: int = 0
    rest: dict[str, float] = field(default_factory=dict)
    """By keyed id of a host outside the big network: when its last check was done."""
    big: dict[str, float] = field(default_factory=dict)
    """The same of those in it."""


def work(study: Path, meet: Path, workers: int) -> int:
    """Passes until nothing is due, from a folder of its own; `meet` is the folder in which all workers meet."""
    told = Told()
    _watch(told, meet, workers)
    with tempfile.TemporaryDirectory() as own:
        copy = Path(own) / "study"
        shutil.copytree(study, copy, ignore=shutil.ignore_patterns("runs"))
        with open_study(copy) as opened:
            while not told.passes or _more(opened.folder):
                told.looks += run_recheck(opened.folder).looks
                told.passes += 1
            told.ended, told.cpu_s = time.monotonic(), time.process_time() - told.cpu_s
    (meet / f"{os.getpid()}.json").write_text(json.dumps(asdict(told)))
    return 0


def _more(folder: Folder) -> bool:
    """Wait until a look is free, or none is due; whether one is free."""
    while folder.store.count_due(folder.clock()):
        time.sleep(_IDLE_S)
        folder.mark_dead_runs()
        if something_free(folder.store, folder.clock()):
            return True
    return False


def _here(meet: Path) -> int:
    """Say that this worker has come; how many have."""
    (meet / str(os.getpid())).touch()
    return sum(1 for _ in meet.iterdir())


def _watch(told: Told, meet: Path, workers: int) -> None:
    """Let the first pass wait for all workers once it is open, and count what is done and asked."""
    opened, recorded = Session.open, Session.record

    async def opened_together(session: Session) -> None:
        await opened(session)
        if told.began:
            return
        latest = time.monotonic() + _MEET_S
        while _here(meet) < workers:
            if time.monotonic() > latest:
                raise TimeoutError("the other workers did not begin")
            await asyncio.sleep(_POLL_S)
        told.began, told.cpu_s, told.claims, told.statements = time.monotonic(), time.process_time(), 0, 0

    async def recorded_when(session: Session, facts: HostFacts) -> None:
        named = next(fact for fact in facts.facts if isinstance(fact, Resolution))
        where = told.big if any(address.startswith(BIG) for address in named.addresses) else told.rest
        where[facts.host_id] = time.monotonic()
        await recorded(session, facts)

    def asked(_: Any, __: Any, statement: str, *___: Any) -> None:
        told.statements += 1
        told.claims += bool(_CLAIMS.search(statement))

    Session.open, Session.record = opened_together, recorded_when  # type: ignore[method-assign]
    event.listen(Engine, "before_cursor_execute", asked)


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
