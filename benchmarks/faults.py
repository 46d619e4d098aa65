"""Faults at random instants: nothing that was acknowledged is lost, nothing doubled, every run resumes.

Usage: python benchmarks/faults.py [--kills N] [--seed N] [--only WORD]. Bounded; loopback only; exit 1 on any fault.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fault_bench import Bench, Faults, Server, bench, jumping

DAY = timedelta(days=1)
ROUND_URLS = 60
"""Looks in one round of kills: short passes, so that all their phases are hit."""


@dataclass(slots=True)
class Field:
    """Where faults strike: a database, and chance."""

    name: str
    server: Server | None
    chance: random.Random
    kills: int
    tmpfs: bool

    def store(self) -> str:
        """A new, empty database."""
        return self.server.fresh() if self.server else "sqlite"


def killed(field: Field) -> tuple[str, Faults]:
    """SIGKILL at random instants of passes, from their first to their last."""
    kills = passes = 0
    with bench(field.store(), ROUND_URLS, batch=15) as at:
        at.finish()  # the first one starts the workers' starter, too
        at.next_round()
        began = time.monotonic()
        at.finish()
        usual = time.monotonic() - began
        while kills < field.kills:
            at.next_round()
            while at.due() and kills < field.kills:
                worker = at.start()
                worker.join(field.chance.uniform(0.02, 1.2 * usual))
                passes += 1
                if worker.is_alive():
                    worker.kill()
                    kills += 1
                    worker.join()
                elif at.ended(worker):
                    at.stuck += 1
            at.finish()
        return f"{kills} kills of {passes} passes, {at.recorded():,} looks", at.faults()


def together(field: Field) -> tuple[str, Faults]:
    """Two passes at once, one of which is killed now and then."""
    kills = 0
    with bench(field.store(), 300, batch=30) as at:
        for number in range(8):
            if number:
                at.next_round()
            before = at.recorded()
            one, other = at.start(), at.start()
            if number % 2:
                at.until(lambda before=before: at.recorded() > before, one)
                time.sleep(field.chance.random() * 0.3)
                if one.is_alive():
                    one.kill()
                    kills += 1
                one.join()
            elif at.ended(one):
                at.stuck += 1
            if at.ended(other):
                at.stuck += 1
            at.finish()
        return f"16 passes, {kills} kills, {at.recorded():,} looks", at.faults()


def frozen(field: Field) -> tuple[str, Faults]:
    """SIGSTOP until others took over what the pass held, then SIGCONT."""
    lost = 0
    with bench(field.store(), 300, lease_s=2.0, batch=100) as at:
        for number in range(4):
            if number:
                at.next_round()
            before = at.recorded()
            still = at.start()
            at.until(lambda before=before: at.recorded() > before and at.held() > 0, still)
            _freeze(at, still)
            at.until(lambda: _done_by_others(at))
            os.kill(still.pid or 0, signal.SIGCONT)
            lost += at.ended(still) == 1
            at.finish()
        return f"4 freezes, {lost} passes said that they lost their lease, {at.recorded():,} looks", at.faults()


def _freeze(at: Bench, still: BaseProcess) -> None:
    """Stop a pass; not within a write to SQLite, which keeps all others waiting for as long as it stands still."""
    while still.is_alive():
        os.kill(still.pid or 0, signal.SIGSTOP)
        if at.writable():
            return
        os.kill(still.pid or 0, signal.SIGCONT)
        time.sleep(0.01)


def _done_by_others(at: Bench) -> bool:
    at.ended(at.start())
    return not at.due()


def jumps(field: Field) -> tuple[str, Faults]:
    """The study's clock jumps by a day, forward or back, before or within a pass; also back and forth in one."""
    still = timedelta()
    ways = [(DAY,), (-DAY,), (2 * DAY,), (-2 * DAY,), (DAY, still), (-DAY, still), (DAY, -DAY, DAY, still, -DAY)]
    with bench(field.store(), 200, batch=30) as at:
        for way in ways:
            times = sorted(field.chance.sample(range(400), len(way)))
            code = at.ended(at.start(clock=jumping(at.clock, *zip(times, way, strict=True))))
            at.stuck += code not in (0, 1)
            at.next_round()
            at.finish()
        found = at.faults(exact=False)
        found.broken += at.removed()
        jumped = sum(map(len, ways))
        return f"{jumped} jumps in {len(ways)} passes, {at.recorded():,} looks", found


def restarted(field: Field) -> tuple[str, Faults]:
    """The database server is restarted in mid-pass: in order, and as after a crash."""
    assert field.server is not None
    through = 0
    with bench(field.store(), 1000, batch=100) as at:
        for number, mode in enumerate(("fast", "immediate") * 3):
            if number:
                at.next_round()
            before = at.recorded()
            worker = at.start(goes_on=True)
            at.until(lambda before=before: at.recorded() > before, worker)
            time.sleep(field.chance.random() * 0.3)
            field.server.restart(mode)
            through += at.ended(worker) == 0
            at.finish()
        return f"6 restarts, {through} passes went on through them, {at.recorded():,} looks", at.faults()


def full(field: Field) -> tuple[str, Faults]:
    """The disk is full in mid-pass, then there is room again."""
    told = 0
    with _disk(field) as (disk, server), bench(server.fresh() if server else "sqlite", 300, place=disk) as at:
        for number in range(6):
            if number:
                at.next_round()
            room = field.chance.randrange(40_000, 400_000)
            if disk is None:
                biggest = max(path.stat().st_size for path in at.study.folder.path.glob("waterbed.db*"))
                code = at.ended(at.start(most_bytes=biggest + room))
            else:
                ballast = disk / "ballast"
                _fill(ballast, room)
                code = at.ended(at.start())
                ballast.unlink(missing_ok=True)
                if server:
                    _until_up(at, server)
            told += code == 3
            at.stuck += code not in (0, 1, 3)
            at.finish()
        small = "tmpfs" if disk else "file size limit"
        return f"6 passes on a full disk ({small}), {told} failed and said so, {at.recorded():,} looks", at.faults()


@contextmanager
def _disk(field: Field) -> Iterator[tuple[Path | None, Server | None]]:
    """A small disk of its own, and on it a server if the database is one; None without the right to mount."""
    if not field.tmpfs:
        yield None, None
        return
    with tempfile.TemporaryDirectory() as name:
        size = "size=260m" if field.server else "size=24m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", name], check=True, timeout=60)
        Path(name).chmod(0o755)
        server = Server(Path(name) / "data") if field.server else None
        try:
            yield Path(name), server
        finally:
            if server:
                server.stop()
            subprocess.run(["umount", "-l", name], check=False, timeout=60)


def _fill(ballast: Path, room: int) -> None:
    """Leave so many bytes."""
    left = os.statvfs(ballast.parent)
    with ballast.open("wb") as file:
        file.write(b"\0" * max(0, left.f_bavail * left.f_frsize - room))


def _until_up(at: Bench, server: Server) -> None:
    """A server that fell over for want of room is started again, as its service would."""
    try:
        at.recorded()
    except Exception:
        server.start()


SCENARIOS: tuple[tuple[str, Callable[[Field], tuple[str, Faults]], bool], ...] = (
    ("killed", killed, False),
    ("two at once", together, False),
    ("frozen past its lease", frozen, False),
    ("clock jumps", jumps, False),
    ("server restarted", restarted, True),
    ("disk full", full, False),
)
"""Name, what is done, and whether it needs a server."""


def main() -> int:
    """Let all faults strike both databases, and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=200, help="for each database")
    words.add_argument("--seed", type=int, default=int(time.time()))
    words.add_argument("--only", default="", help="scenarios and databases whose names hold this")
    words.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = words.parse_args()
    own_mounts = ["unshare", "-m"]
    mounts = (
        os.geteuid() == 0 and not subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode
    )
    if mounts and not asked.inside:
        return subprocess.run([*own_mounts, sys.executable, *sys.argv, "--inside"], check=False).returncode
    print(f"seed {asked.seed}", flush=True)
    total, began = Faults(), time.monotonic()
    chosen = [
        (database, name, strike)
        for name, strike, needs_server in SCENARIOS
        for database in ("SQLite", "PostgreSQL")
        if asked.only in f"{database}: {name}" and not (needs_server and database == "SQLite")
    ]
    with ExitStack() as kept:
        data = Path(kept.enter_context(tempfile.TemporaryDirectory()))
        needed = any(database == "PostgreSQL" for database, _, _ in chosen)
        server = kept.enter_context(_server(data)) if needed else None
        for database, name, strike in chosen:
            on = server if database == "PostgreSQL" else None
            field = Field(database, on, random.Random(asked.seed), asked.kills, mounts)
            started = time.monotonic()
            figures, found = strike(field)
            total += found
            took = f"{time.monotonic() - started:.0f} s"
            print(f"{database}: {name}: {figures}; {_said(found)} ({took})", flush=True)
    print(f"all: {_said(total)}, {time.monotonic() - began:.0f} s")
    return 1 if total else 0


@contextmanager
def _server(data: Path) -> Iterator[Server]:
    server = Server(data)
    try:
        yield server
    finally:
        server.stop()


def _said(found: Faults) -> str:
    return (
        f"{found.lost} lost after acknowledgement, {found.doubled} doubled, {found.broken} integrity errors, "
        f"{found.stuck} times not resumed"
    )


if __name__ == "__main__":
    sys.exit(main())
