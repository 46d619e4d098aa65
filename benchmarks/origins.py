"""Address to origin AS: ours beside pyasn, maxminddb and geoip2, on one table and the same addresses.

Exit status: 0 the targets are met, 1 one is missed, 2 it cannot be run here, 3 something broke.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure, tell
from origin_tables import Ranges, as_csv, invented, random_addresses, read_ranges, walked, write_dat, write_mmdb

from waterbed.attribution.lookups.tables.routes import read_routes

HERE = Path(__file__).resolve().parent
PEERS = ("ours", "ours, from text", "pyasn", "maxminddb", "geoip2")
LONGEST_S = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One library's run: its rates, what it took to open, and what it answered."""

    who: str
    opened_s: float
    v4_rate: float
    v6_rate: float
    opened_mib: float
    answered_mib: float
    answers: Any


def main() -> int:
    """Measure, print, and say by the exit status whether the targets are met."""
    options = _options()
    gone = [name for name in ("pyasn", "mmdb-writer", "maxminddb", "geoip2") if not _installed(name)]
    if gone:
        print(f"{', '.join(gone)} not installed; get them with: pip install -e '.[bench]' (pyasn needs a C compiler)")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="waterbed-origins-") as name:
            return _compare(options, Path(name))
    except (RuntimeError, subprocess.SubprocessError) as problem:
        print(f"the benchmark broke off: {problem}")
        return 3


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Address to origin AS, beside pyasn, maxminddb and geoip2")
    parser.add_argument("--routes", type=Path, nargs="+", help="real tables (CSV ranges); else an invented one")
    parser.add_argument("--v4", type=int, default=1_000_000, help="how many IPv4 addresses")
    parser.add_argument("--v6", type=int, default=200_000, help="how many IPv6 addresses")
    parser.add_argument("--target", type=float, default=10.0, help="the ratio to pyasn's rate to reach, each family")
    parser.add_argument("--opening", type=float, default=0.2, help="most seconds to open a saved table")
    options = parser.parse_args()
    if min(options.v4, options.v6) < 1:
        parser.error("--v4 and --v6 must be 1 or more")
    return options


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _compare(options: argparse.Namespace, folder: Path) -> int:
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pyasn", "maxminddb", "geoip2"))
    print(f"with: {versions}, Python {platform.python_version()}, {os.cpu_count()} cores")
    ranges = read_ranges(options.routes) if options.routes else invented()
    _prepare(ranges, folder)
    asked = random_addresses(ranges, options.v4, options.v6)
    asked.save(folder)
    expected = walked(ranges, asked)
    print(f"asked: {options.v4:,} IPv4 and {options.v6:,} IPv6 addresses, half of each from announced space\n")
    print(
        f"{'library':18}{'opens s':>9}{'MiB':>7}{'then':>7}{'IPv4/s':>13}{'IPv6/s':>13}{'ours/it':>9}{'v6':>7}  agree"
    )
    found = [_run(who, folder) for who in PEERS]
    for each in found:
        _line(each, found[0], expected)
    return _conclude(found, expected, options)


def _prepare(ranges: Ranges, folder: Path) -> None:
    """Give each library the same table in the form it reads."""
    (folder / "routes.csv").write_text(as_csv(ranges))
    began = time.perf_counter()
    tables = read_routes(folder / "routes.csv")
    print(f"table: {len(ranges.v4):,} IPv4 and {len(ranges.v6):,} IPv6 ranges ({ranges.said})")
    print(f"read and cut into stretches in {time.perf_counter() - began:.1f} s (once, at import)")
    tables.save(folder / "ours")
    size = sum(file.stat().st_size for file in (folder / "ours").iterdir())
    prefixes = write_dat(ranges, folder / "routes.dat")
    write_mmdb(ranges, folder / "routes.mmdb")
    dat, mmdb = ((folder / name).stat().st_size / 2**20 for name in ("routes.dat", "routes.mmdb"))
    print(f"saved: ours {size / 2**20:.1f} MiB; {prefixes:,} prefixes as .dat {dat:.1f} MiB, as MMDB {mmdb:.1f} MiB")


def _run(who: str, folder: Path) -> Measured:
    done = subprocess.run(
        [sys.executable, HERE / "origin_peers.py", who, folder],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{who}: {done.stderr.strip()[-400:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Measured(who=who, **told, answers=np.load(folder / "answers.npy"))


def _line(each: Measured, ours: Measured, expected: Any) -> None:
    agree = float((each.answers == expected).mean())
    ratios = (ours.v4_rate / each.v4_rate, ours.v6_rate / each.v6_rate)
    print(
        f"{each.who:18}{each.opened_s:9.4f}{each.opened_mib:7.1f}{each.answered_mib:7.1f}{each.v4_rate:13,.0f}"
        f"{each.v6_rate:13,.0f}{ratios[0]:9.1f}{ratios[1]:7.1f}  {agree:.4%}"
    )


def _conclude(found: list[Measured], expected: Any, options: argparse.Namespace) -> int:
    ours, pyasn = found[0], next(each for each in found if each.who == "pyasn")
    ratio = min(ours.v4_rate / pyasn.v4_rate, ours.v6_rate / pyasn.v6_rate)
    for family, mine, theirs in (("v4", ours.v4_rate, pyasn.v4_rate), ("v6", ours.v6_rate, pyasn.v6_rate)):
        tell(
            Figure(
                work=f"address to origin AS, IP{family}, packed",
                ours=mine,
                peer=theirs,
                peer_name=f"pyasn {version('pyasn')}",
                unit="addresses/s",
                value=mine / theirs,
                bound="at least",
                target=options.target,
            )
        )
    missed = []
    if ratio < options.target:
        missed.append(f"{ratio:.1f} times pyasn's rate, {options.target:g} wanted")
    if ours.opened_s >= options.opening:
        missed.append(f"opened in {ours.opened_s:.2f} s, less than {options.opening:g} wanted")
    missed += [f"{each.who} differs from a plain walk" for each in found if (each.answers != expected).any()]
    print("\nMiB: resident memory that opening took, and after all answers. agree: with a plain walk over the rows.")
    print("met" if not missed else f"missed: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
