"""Survival from intervals: ours for a year of a feed and for 400 groups, lifelines for 3,000 intervals.

Exit status: 0 the targets are met, 1 one is missed, 2 it cannot be run here.
"""

import argparse
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure, tell
from lifelines.fitters.npmle import npmle
from phishtank import Cohort, invented_cohort, read_cohort

from waterbed.estimators.survival.npmle import TOLERANCE, turnbull
from waterbed.estimators.survival.resampling import resample

IDS, GROUPS, RESAMPLES, PEER_INTERVALS = 150_473, 400, 200, 3_000
HOUR_D = 1 / 24
SEED = 20_261_125


def main() -> int:
    """Measure, print, and say by the exit status whether the targets are met."""
    options = _options()
    print(f"with: {_versions()}, {os.cpu_count()} cores; converged at {TOLERANCE:g}")
    rng = np.random.default_rng(SEED)
    if options.data and not (options.data / "phishtank-dumps.csv").is_file():
        print("the folder has no phishtank-dumps.csv")
        return 2
    everyone = read_cohort(options.data) if options.data else invented_cohort(IDS, rng)
    left, right = everyone.left[everyone.new], everyone.right[everyone.new]
    print(f"{left.size:,} intervals of {'the real feed' if options.data else 'an invented feed'}, in days\n")
    print(f"{'work':42}{'s':>9}{'least':>9}{'most':>9}{'target':>9}")
    missed = [
        _curve("an hour grid", options, lambda: turnbull(left, right, step=HOUR_D), options.grid),
        _curve("exact times", options, lambda: turnbull(left, right), options.exact),
    ]
    if everyone.entry.any():
        _late(everyone, options)
    missed.append(_groups(left, right, rng, options))
    _peer(left, right, rng, options)
    print("\nmet" if not any(missed) else f"\nmissed: {sum(missed)} of {len(missed)} targets")
    return 1 if any(missed) else 0


def _options() -> argparse.Namespace:
    named = os.environ.get("WATERBED_REALDATA")
    parser = argparse.ArgumentParser(description="Survival from intervals, beside lifelines")
    parser.add_argument(
        "--data", type=Path, default=named, help="folder of the real feed, else WATERBED_REALDATA names it"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each curve is estimated")
    parser.add_argument("--grid", type=float, default=1.0, help="most seconds for the curve on an hour grid")
    parser.add_argument("--exact", type=float, default=10.0, help="most seconds for the curve on exact times")
    parser.add_argument("--groups", type=float, default=60.0, help="most seconds for all groups with their resamples")
    parser.add_argument("--peer-rounds", type=int, default=300, help="rounds after which lifelines is stopped")
    options = parser.parse_args()
    if options.rounds < 1 or options.peer_rounds < 1:
        parser.error("--rounds and --peer-rounds must be 1 or more")
    return options


def _versions() -> str:
    names = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "lifelines"))
    return f"{names}, Python {platform.python_version()}"


def _curve(name: str, options: argparse.Namespace, estimate: Callable[[], Any], target: float | None) -> bool:
    """Estimate some times; print the seconds, and whether the median misses the target."""
    took = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        found = estimate()
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    print(f"{name:42}{middle:9.3f}{min(took):9.3f}{max(took):9.3f}{target or '':>9}")
    if target is not None:
        _told(f"survival from {IDS:,} intervals, {name}", middle, target)
    low, high = found.median
    said = f"{found.start.size:,} cells, {found.rounds} rounds, slack {found.slack:.1e}"
    print(f"    {said}; median in ({low:.3f}, {high:.3f}] d")
    return target is not None and middle >= target


def _told(work: str, seconds: float, target: float) -> None:
    tell(Figure(work=work, ours=seconds, unit="s", value=seconds, bound="at most", target=target))


def _late(everyone: Cohort, options: argparse.Namespace) -> None:
    """All ids, those that were there before us from their entry on: no target."""

    def estimate() -> Any:
        return turnbull(everyone.left, everyone.right, everyone.entry)

    _curve(f"exact times, late entry, {everyone.left.size:,} ids", options, estimate, None)


def _groups(left: Any, right: Any, rng: np.random.Generator, options: argparse.Namespace) -> bool:
    """Every group's curve on an hour grid, with resampled clusters of three."""
    began, widths = time.perf_counter(), []
    for its in np.array_split(rng.permutation(left.size), GROUPS):
        cluster = np.arange(its.size) // 3
        found = resample(left[its], right[its], cluster, rng, step=HOUR_D, resamples=RESAMPLES)
        sure = found.at(3.0)
        widths.append(sure.high - sure.low)
        found.median()
        found.rmst(30.0)
    took = time.perf_counter() - began
    print(f"{f'{GROUPS} groups, {RESAMPLES} resamples each':42}{took:9.1f}{'':18}{options.groups:9g}")
    print(f"    {left.size // GROUPS} intervals a group; the 95% interval of S(3 d) is {np.median(widths):.3f} wide")
    _told(f"survival of {GROUPS} groups, {RESAMPLES} resamples each", took, options.groups)
    return took >= options.groups


def _peer(left: Any, right: Any, rng: np.random.Generator, options: argparse.Namespace) -> None:
    """Ours on few intervals, to the maximum; lifelines on the same for few rounds, which is less than it needs."""
    its = rng.choice(left.size, PEER_INTERVALS, replace=False)
    began = time.perf_counter()
    ours = turnbull(left[its], right[its])
    mine = time.perf_counter() - began
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        npmle(left[its], right[its], max_iter=options.peer_rounds)
        theirs = time.perf_counter() - began
    tell(
        Figure(
            work=f"survival from {PEER_INTERVALS:,} intervals; the peer is stopped before its end",
            ours=mine,
            peer=theirs,
            peer_name=f"lifelines {version('lifelines')}",
            unit="s",
            value=theirs / mine,
            bound="none",
        )
    )
    print(f"\n{PEER_INTERVALS:,} intervals: ours {mine:.4f} s to slack {ours.slack:.1e};", end=" ")
    print(
        f"lifelines {theirs:.1f} s for {options.peer_rounds} rounds, then stopped: {theirs / mine:,.0f} times as long"
    )


if __name__ == "__main__":
    sys.exit(main())
