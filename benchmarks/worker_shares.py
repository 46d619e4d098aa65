"""Up to 50 workers that share networks, in simulated time: the product's leases and choices, no network and no clock.

Exit status: 0 if no number of workers is slower than fewer by more than 10% and a big network holds up no others, 1 if
not.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from waterbed.crawler.net.network_parts import PartLeases
from waterbed.model.bookkeeping import Due, Run
from waterbed.store.leases import PARTS, begin, lease_of_parts, record
from waterbed.store.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
STEP_S, PACE, BATCH = 0.25, 20.0, 1000
"""Seconds between two leases, checks a second of a network and URLs of a lease, as shipped."""
CAPACITY = 700.0
"""Checks a second of one worker."""
_LONGEST_S = 3600.0


def crawl(networks: list[int], workers: int, seed: int) -> tuple[float, float, int]:
    """Seconds until all is checked, the 95th percentile outside the first network, and the busiest worker's checks.

    `networks` holds the number of URLs in each, every URL on a host of its own.
    """
    rng = random.Random(seed)
    placed = [(network, rng.randrange(PARTS)) for network in range(len(networks))]
    part_of = dict(placed)
    of_url: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/shares.db")
        store.migrate()
        todo = [network for network, urls in enumerate(networks) for _ in range(urls)]
        rng.shuffle(todo)
        of_url.update((f"url{n:07}", network) for n, network in enumerate(todo))
        store.add([_due(url, part_of[network]) for url, network in of_url.items()])
        runs = [f"run{n:02}" for n in range(workers)]
        for run in runs:
            begin(
                store, Run(run_id=run, kind="recheck", vantage="x", started_at=NOON, version="0", config_hash="x"), 1e6
            )
        held, waiting = {run: PartLeases() for run in runs}, {run: list[Due]() for run in runs}
        done: Counter[str] = Counter()
        ends: list[float] = []
        seconds = last = 0.0
        while sum(done.values()) < len(of_url) and seconds < _LONGEST_S:
            seconds += STEP_S
            visited: defaultdict[int, float] = defaultdict(float)  # a network keeps its pace, whoever visits it
            for run in rng.sample(runs, workers):
                choose = partial(held[run].choose, most=2 * BATCH, limit=BATCH)
                leased = lease_of_parts(store, run, due_by=NOON, limit=BATCH, choose=choose)
                held[run].add(leased)
                waiting[run] += leased
                checked, kept = [], []
                for due in waiting[run]:
                    network = of_url[due.url_id]
                    fits = visited[network] < PACE * STEP_S and len(checked) < CAPACITY * STEP_S
                    (checked if fits else kept).append(due)
                    visited[network] += fits
                waiting[run] = kept
                record(store, run, [], [replace(due, due_at=LATER, lease_run_id=None) for due in checked])
                held[run].done(checked)
                done[run] += len(checked)
                ends += [seconds for due in checked if of_url[due.url_id]]
                last = seconds if checked else last
        store.close()
    ends.sort()
    return last, ends[int(0.95 * (len(ends) - 1))], max(done.values())


def _due(url_id: str, part: int) -> Due:
    return Due(
        url_id=url_id,
        host_id=url_id,
        due_at=NOON,
        streak=0,
        first_report_at=NOON,
        category="phishing",
        lease_run_id=None,
        network_part=part,
    )


def main() -> int:
    """Print each world and number of workers; say by the exit status whether the promises hold."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--urls", type=int, default=8000)
    words.add_argument("--workers", type=int, nargs="+", default=[1, 8, 16, 50])
    words.add_argument("--seed", type=int, default=7)
    options = words.parse_args()
    broken = 0
    print(
        f"{'networks':>9}{'big':>6}{'workers':>9}{'wall s':>9}{'pauses s':>10}{'p95 of the rest s':>19}   busiest did"
    )
    for networks in (20, 200):
        without: dict[int, float] = {}
        for share in (0.0, 0.3):
            rest = options.urls - int(share * options.urls)
            sizes = [int(share * options.urls), *(rest // networks for _ in range(networks))]
            best = float("inf")
            for workers in options.workers:
                wall, p95, most = crawl(sizes, workers, options.seed)
                # as many URLs of the others in both worlds: their time without the big one is scaled to that
                expected = without.setdefault(workers, p95) * (rest / options.urls)
                late = share > 0 and p95 > 1.2 * expected
                broken += late or wall > 1.1 * best
                best = min(best, wall)
                figures = f"{wall:9.1f}{max(sizes) / PACE:10.1f}{p95:19.1f}   {most:,} of {sum(sizes):,}"
                print(f"{networks:9}{share:6.0%}{workers:9}{figures}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
