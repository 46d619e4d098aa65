"""Looks to episodes with all the rules, against a plain window query on the same engine."""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
import pyarrow.parquet as pq

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from episodes_world import make, until
from figures import Figure, tell

from graphs.episodes import EpisodeRules, Sighting, UrlHistory, all_episodes
from graphs.episodes_sql import CAUSES, episode_rows
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.store.engine import run

PLAIN = {
    "plain, running sum": """
        WITH marked AS (
            SELECT *, state IS DISTINCT FROM lag(state) OVER w OR attr IS DISTINCT FROM lag(attr) OVER w AS starts
            FROM looks WINDOW w AS (PARTITION BY url ORDER BY seen_at)
        ), numbered AS (
            SELECT *, count(*) FILTER (starts) OVER (PARTITION BY url ORDER BY seen_at ROWS UNBOUNDED PRECEDING) AS run
            FROM marked
        )
        SELECT url, run, any_value(state), any_value(attr), min(seen_at), max(seen_at), count(*)
        FROM numbered GROUP BY url, run""",
    "plain, two row numbers": """
        WITH numbered AS (
            SELECT url, state, attr, seen_at, row_number() OVER (PARTITION BY url ORDER BY seen_at)
                - row_number() OVER (PARTITION BY url, state, attr ORDER BY seen_at) AS run FROM looks
        )
        SELECT url, state, attr, run, min(seen_at), max(seen_at), count(*)
        FROM numbered GROUP BY url, state, attr, run""",
}
OURS = "ours, all rules"
START = datetime(1970, 1, 1, tzinfo=UTC)


def rules() -> EpisodeRules:
    return EpisodeRules(leave_looks=2, until=_moment(until()))


def _moment(value: int) -> datetime:
    return START + timedelta(microseconds=value)


def one(name: str, folder: Path, memory_mb: int) -> None:
    """Run one query in this process; print seconds, processor seconds, peak memory and rows."""
    tables = {path.stem: path for path in folder.glob("*.parquet")}
    began, worked = time.perf_counter(), time.process_time()
    if name == OURS:
        found = episode_rows(tables, rules(), folder=folder, memory_mb=memory_mb)
    else:
        found = run(PLAIN[name], {"looks": tables["looks"]}, folder=folder, memory_mb=memory_mb)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if name == OURS:
        pq.write_table(found.filter(pc.less(found["url"], CHECKED)), folder / "found.ours")
    print(seconds, cpu, peak, found.num_rows)


CHECKED = 2_000
"""URLs whose episodes are compared with the pure definition's."""


def equal(folder: Path) -> bool:
    """Whether the first URLs have the episodes that the pure definition gives them."""
    ours = pq.read_table(folder / "found.ours").to_pylist()
    looks = pq.read_table(folder / "looks.parquet", filters=[("url", "<", CHECKED)]).sort_by("seq").to_pylist()
    answers = {row["attr"]: _answer(row) for row in pq.read_table(folder / "attrs.parquet").to_pylist()}
    sightings: dict[str, list[Sighting]] = defaultdict(list)
    for look in looks:
        sightings[str(look["url"])].append(_sighting(look, answers[look["attr"]]))
    known = {
        str(row["url"]): UrlHistory(
            url_id=str(row["url"]),
            content_id="",
            site_id="",
            known_up_at=_moment(row["known_up_at"]),
            reported=tuple(map(_moment, row["reports"])),
        )
        for row in pq.read_table(folder / "known.parquet", filters=[("url", "<", CHECKED)]).to_pylist()
    }
    times = ("known_up_at", "reported_at", "absent_at", "first_up", "last_up", "first_down")
    pure = [
        (e.url_id, e.hoster, *(getattr(e, time) for time in times), e.cause, e.looks, e.unknown_looks)
        for e in all_episodes(known, sightings, rules())
    ]
    ours_rows = [
        (
            str(row["url"]),
            row["hoster"],
            *(None if row[time] is None else _moment(row[time]) for time in times),
            None if row["cause"] is None else CAUSES[row["cause"]],
            row["looks"],
            row["unknown_looks"],
        )
        for row in ours
    ]
    return bool(pure) and sorted(pure, key=repr) == sorted(ours_rows, key=repr)


def _answer(row: dict) -> Attribution:
    return Attribution(
        addresses=tuple(row["addresses"]),
        address_hosters=tuple(row["address_hosters"]),
        suffix_id=None,
        day=START,
        origins=(),
        organisations=(),
        countries=(),
        hosters=tuple(row["hosters"]),
        proxy=row["proxy"],
        rule="",
        routes_date=None,
        stale=False,
    )


def _sighting(look: dict, answer: Attribution) -> Sighting:
    verdict = Verdict(
        observation_id="",
        url_id=str(look["url"]),
        observed_at=_moment(look["seen_at"]),
        ruleset="",
        rule="",
        outcome="",
        state=look["state"],
        cause=None if look["cause"] is None else CAUSES[look["cause"]],
        layer="",
    )
    return Sighting(verdict=verdict, down=look["down"], attribution=answer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=10_000_000, help="50000000 for the full run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--target", type=float, default=1.2, help="most times the plain query's time")
    parser.add_argument("--memory-mb", type=int, default=6_000, help="the engine's own bound; beyond, it spills")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], Path(options.one[1]), options.memory_mb)
        return 0
    if options.make:
        make(options.make, options.looks)
        return 0
    with TemporaryDirectory() as made:
        # each in a process of its own: Linux counts the peak of whoever starts a process as the new one's
        subprocess.run([sys.executable, __file__, "--looks", str(options.looks), "--make", made], check=True)
        return _compare(Path(made), options)


def _compare(folder: Path, options: argparse.Namespace) -> int:
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    peak: dict[str, float] = defaultdict(float)
    rows: dict[str, int] = {}
    names = [OURS, *PLAIN]
    for turn in range(options.rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            command = [sys.executable, __file__, "--memory-mb", str(options.memory_mb), "--one", name, str(folder)]
            took, worked, most, number = subprocess.run(
                command, check=True, capture_output=True, text=True
            ).stdout.split()
            seconds[name].append(float(took))
            cpu[name].append(float(worked))
            peak[name] = max(peak[name], float(most))
            rows[name] = int(number)
    print(f"{options.looks:,} looks, medians of {options.rounds} rounds (least-most)")
    for name in names:
        took = sorted(seconds[name])
        print(
            f"{name:24} {statistics.median(took):7.2f} s ({took[0]:.2f}-{took[-1]:.2f})  "
            f"CPU {statistics.median(cpu[name]):7.2f} s  peak {peak[name]:7,.0f} MiB  {rows[name]:,} rows"
        )
    best = min(PLAIN, key=lambda name: statistics.median(seconds[name]))
    ratios = [mine / plain for mine, plain in zip(seconds[OURS], seconds[best], strict=True)]
    ratio = statistics.median(ratios)
    worked = statistics.median(mine / plain for mine, plain in zip(cpu[OURS], cpu[best], strict=True))
    print(
        f"ours / {best}: {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}), CPU {worked:.2f}; target {options.target}"
    )
    tell(
        Figure(
            work="looks to episodes with all rules, 50 a URL",
            ours=statistics.median(seconds[OURS]),
            peer=statistics.median(seconds[best]),
            peer_name=f"DuckDB, {best}",
            unit="s",
            value=ratio,
            bound="at most",
            target=options.target,
        )
    )
    if not equal(folder):
        print("the episodes of the first URLs differ from the pure definition's")
        return 3
    print(f"the first {CHECKED:,} URLs: equal to the pure definition, row for row")
    return 0 if ratio <= options.target else 1


if __name__ == "__main__":
    sys.exit(main())
