"""A lake of looks to episodes, hops and figures of a ranking, on DuckDB and on Spark, beside a plain window query."""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from episodes import PLAIN, rules
from episodes_world import LOOKS_EACH, make
from figures import Figure, tell
from hops import reference

from graphs.episodes_sql import CAUSES, episode_rows
from graphs.hops_sql import hop_rows
from waterbed.store.engine import run
from waterbed.store.spark import session

PART = 10_000_000
"""Looks invented at once."""
DAY = 86_400_000_000
HOUR = DAY // 24
FIGURES = """
    WITH ends AS (
        SELECT hoster, count(DISTINCT url) AS urls, count(*) AS episodes,
            count(CASE WHEN cause = $removed THEN 1 END) AS removed,
            count(CASE WHEN cause = $removed AND first_down - reported_at <= $day THEN 1 END) AS surely_within,
            count(CASE WHEN cause = $removed AND last_up - reported_at < $day THEN 1 END) AS possibly_within
        FROM episodes
        WHERE hoster IS NOT NULL
        GROUP BY hoster
    ),
    gone AS (
        SELECT o.hoster, count(*) AS hops_out FROM hops AS h JOIN episodes AS o ON o.ep = h.left_ep GROUP BY o.hoster
    ),
    come AS (
        SELECT n.hoster, count(*) AS hops_in FROM hops AS h JOIN episodes AS n ON n.ep = h.ep GROUP BY n.hoster
    )
    SELECT e.hoster, urls, episodes, removed, surely_within, possibly_within,
        coalesce(hops_out, 0) AS hops_out, coalesce(hops_in, 0) AS hops_in
    FROM ends AS e
    LEFT JOIN gone AS g ON g.hoster = e.hoster
    LEFT JOIN come AS c ON c.hoster = e.hoster
    ORDER BY removed DESC, e.hoster"""


def lake(folder: Path, looks: int) -> None:
    """Write looks as a lake has them, a folder a day, with what episodes and hops need beside."""
    known = []
    for part in range(-(-looks // PART)):
        with tempfile.TemporaryDirectory(dir=folder) as made:
            paths = make(Path(made), min(PART, looks - part * PART), seed=7 + part)
            first = part * PART // LOOKS_EACH
            some = pq.read_table(paths["looks"])
            some = _shifted(some.set_column(1, "seq", pc.add(some["seq"], part * PART)), first)
            days = some["seen_at"].to_numpy() // DAY
            edges = np.flatnonzero(np.diff(days)) + 1
            for start, end in zip([0, *edges], [*edges, days.size], strict=True):
                where = folder / "looks" / f"day={days[start]}"
                where.mkdir(parents=True, exist_ok=True)
                pq.write_table(some.slice(start, end - start), where / f"{part}.parquet", compression="zstd")
            known.append(_shifted(pq.read_table(paths["known"]), first))
            if not part:
                paths["attrs"].rename(folder / "attrs.parquet")
    pq.write_table(pa.concat_tables(known), folder / "known.parquet")
    for name, table in reference(folder, sum(map(len, known))).items():
        pq.write_table(table, folder / f"hops-{name}.parquet")


def _shifted(table: pa.Table, first: int) -> pa.Table:
    return table.set_column(0, "url", pc.add(pc.cast(table["url"], pa.int64()), first))


def through(folder: Path, engine: str, memory_mb: int) -> dict[str, float | int | str]:
    """All steps on one engine, in this process."""
    looks = sorted((folder / "looks").rglob("*.parquet"))
    took: dict[str, float | int | str] = {}
    tables = {"looks": looks, "known": folder / "known.parquet", "attrs": folder / "attrs.parquet"}
    for_hops = {path.stem[5:]: path for path in folder.glob("hops-*.parquet")}
    how = {"folder": folder, "memory_mb": memory_mb, "engine": engine}
    with ExitStack() as stack:
        began = time.perf_counter()
        if engine == "spark":
            stack.enter_context(session(folder, memory_mb))
            took["start"] = time.perf_counter() - began
        began = time.perf_counter()
        found = episode_rows(tables, rules(), **how)
        took["episodes"] = time.perf_counter() - began
        found = found.sort_by([(name, "ascending") for name in ("url", "hoster", "known_up_at", "last_up")])
        found = found.append_column("ep", pa.array(np.arange(found.num_rows)))
        part = folder / f"episodes.{engine}"
        pq.write_table(found, part)
        began = time.perf_counter()
        hops = hop_rows({"episodes": part, **for_hops}, "NL", **how)
        took["hops"] = time.perf_counter() - began
        began = time.perf_counter()
        values = {"removed": CAUSES.index("removed"), "day": DAY}
        figures = run(FIGURES, {"episodes": part, "hops": hops}, values, **how)
        took["figures"] = time.perf_counter() - began
    hops = hops.sort_by([("ep", "ascending"), ("left_ep", "ascending")])
    took |= {"rows episodes": found.num_rows, "rows hops": hops.num_rows, "rows figures": figures.num_rows}
    return took | {f"sum {name}": _sum(table) for name, table in zip(STEPS, (found, hops, figures), strict=True)}


STEPS = ("episodes", "hops", "figures")


def _sum(table: pa.Table) -> str:
    """A checksum of a sorted table's values, whatever the engine calls its types."""
    columns = [table[name].to_pylist() for name in sorted(table.column_names)]
    return hashlib.sha256(json.dumps(columns, default=list).encode()).hexdigest()[:16]


def plain(folder: Path, memory_mb: int) -> dict[str, float | int | str]:
    """The faster plain window query over the same files."""
    looks = sorted((folder / "looks").rglob("*.parquet"))
    began = time.perf_counter()
    found = run(PLAIN["plain, running sum"], {"looks": looks}, folder=folder, memory_mb=memory_mb)
    return {"episodes": time.perf_counter() - began, "rows episodes": found.num_rows}


def one(name: str, folder: Path, memory_mb: int) -> None:
    """Run one way in this process; print what it took as JSON."""
    found = plain(folder, memory_mb) if name == "plain" else through(folder, name, memory_mb)
    found["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    found["CPU s"] = time.process_time()
    print(json.dumps(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=PART)
    parser.add_argument("--memory-mb", type=int, default=6_000, help="the engine's own bound; beyond, it spills")
    parser.add_argument("--ways", nargs="+", default=["plain", "duckdb", "spark"], choices=["plain", "duckdb", "spark"])
    parser.add_argument("--most-mb", type=int, default=8_192, help="the target of the process's peak, DuckDB")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.folder, options.memory_mb)
        return 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        lake(folder, options.looks)
        size = sum(path.stat().st_size for path in (folder / "looks").rglob("*.parquet"))
        days = len(list((folder / "looks").iterdir()))
        print(f"{options.looks:,} looks, {size / 1e9:.2f} GB in {days} days", flush=True)
        results = {}
        for name in options.ways:
            command = [sys.executable, __file__, "--memory-mb", str(options.memory_mb), "--one", name, str(folder)]
            results[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            its = results[name]
            times = ", ".join(f"{step} {value:.1f} s" for step, value in its.items() if isinstance(value, float))
            rows = ", ".join(f"{value:,} {step[5:]}" for step, value in its.items() if step.startswith("rows "))
            print(f"{name}: {times}; {rows}; peak {its['peak MiB']:,} MiB", flush=True)
    return judged(results, options.most_mb)


def _told(work: str, ours: float, peer: float, name: str, most: float) -> None:
    tell(
        Figure(
            work=work, ours=ours, peer=peer, peer_name=name, unit="s", value=ours / peer, bound="at most", target=most
        )
    )


def judged(results: dict, most_mb: int) -> int:
    """Print the ratios; the exit code says whether engines agree and memory is bounded."""
    ours, spark = results.get("duckdb"), results.get("spark")
    if ours and "plain" in results:
        print(f"episodes on DuckDB / plain query: {ours['episodes'] / results['plain']['episodes']:.2f}")
    agreed = True
    if ours and spark:
        agreed = all(ours[f"sum {step}"] == spark[f"sum {step}"] for step in STEPS)
        ratio = sum(spark[step] for step in STEPS) / sum(ours[step] for step in STEPS)
        print(f"Spark local / DuckDB: {ratio:.1f}; episodes, hops and figures {'equal' if agreed else 'DIFFER'}")
    if ours:
        top = ours["hops"] + ours["figures"]
        _told("lake: hops and a ranking's figures on top", top, ours["episodes"], "the episodes before", 2.0)
        if "plain" in results:
            _told("lake: episodes", ours["episodes"], results["plain"]["episodes"], "plain window query", 1.2)
        work, peak = "lake: most memory of episodes, hops and figures", ours["peak MiB"]
        tell(Figure(work=work, ours=peak, unit="MiB", value=peak, bound="at most", target=most_mb))
    within = ours is None or ours["peak MiB"] <= most_mb
    return 0 if agreed and within else 3 if not agreed else 1


if __name__ == "__main__":
    sys.exit(main())
