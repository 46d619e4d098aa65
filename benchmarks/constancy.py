"""How often a constant share is said to have changed, and a changed one is found: thousands of drawn series."""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt

from benchmarks.resumed import Key, Tally, asked, pooled, resumed, tallied
from waterbed.estimators.constancy import constancy
from waterbed.estimators.refusal import Refusal

Floats = npt.NDArray[np.float64]
Series = tuple[Floats, Floats, npt.NDArray[np.int64]]
"""Outcomes, times of reports in hours, sites."""
CALLED = 0.01
"""p at or below which a change is claimed of one hoster, if Benjamini and Hochberg's rule allows it."""
MOST_CALLED = 0.05
FOUND = 0.5
DATED = 0.93
SIZES = ((60, 30), (100, 30), (100, 60), (200, 60), (200, 180))
"""Reports and days."""
KEY = ("world", "reports", "days", "seed", "number")


def times(rng: np.random.Generator, n: int, days: float) -> Floats:
    """Report times: even, or in half of the studies in campaigns."""
    if rng.random() < 0.5:
        return np.sort(rng.uniform(0, 24 * days, n))
    begun = rng.uniform(0, 24 * days, max(6, int(days / 3)))
    return np.sort(np.clip(rng.choice(begun, n) + rng.exponential(18, n), 0, 24 * days))


def independent(rng: np.random.Generator, n: int, days: float) -> Series:
    """Independent outcomes of one share from 2 to 98%."""
    return (rng.random(n) < rng.uniform(0.02, 0.98)).astype(float), times(rng, n, days), np.arange(n)


def sites(rng: np.random.Generator, n: int, days: float) -> Series:
    """Sites of 2 to 8 URLs in the mean that share much of their chance, reported together or all over the study."""
    count, alike = max(2, int(n / rng.uniform(2, 8))), rng.uniform(0.3, 0.95)
    share, spread = rng.uniform(0.1, 0.9), (1 - alike) / alike
    site = rng.integers(0, count, n)
    at = times(rng, n, days)
    if rng.random() < 0.5:
        at = np.clip(times(rng, count, days)[site] + rng.exponential(24, n), 0, 24 * days)
    chance = rng.beta(share * spread, (1 - share) * spread, count)
    return (rng.random(n) < chance[site]).astype(float), at, site


def weekly(rng: np.random.Generator, n: int, days: float) -> Series:
    """Reports of a week share much of their chance."""
    at, alike, share = times(rng, n, days), rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.8)
    week, spread = (at // 168).astype(int), (1 - alike) / alike
    chance = rng.beta(share * spread, (1 - share) * spread, week.max() + 1)
    return (rng.random(n) < chance[week]).astype(float), at, np.arange(n)


def weekly_batches(rng: np.random.Generator, n: int, days: float) -> Series:
    """Everything that is older than an hour is removed once a week."""
    at, first = times(rng, n, days), rng.uniform(0, 168)
    return ((first - at - 1) % 168 <= 23).astype(float), at, np.arange(n)


def queue(hours: float) -> Callable[[np.random.Generator, int, float], Series]:
    def drawn(rng: np.random.Generator, n: int, days: float) -> Series:
        """A queue worked off at random times acts on 93%."""
        at = times(rng, n, days)
        worked = np.cumsum(rng.exponential(hours, int(24 * days / hours * 3) + 30))
        within = worked[np.searchsorted(worked, at)] - at <= 24
        return (within & (rng.random(n) < 0.93)).astype(float), at, np.arange(n)

    return drawn


def desk(days_each: float) -> Callable[[np.random.Generator, int, float], Series]:
    def drawn(rng: np.random.Generator, n: int, days: float) -> Series:
        """A desk on and off for so many days each in the mean, in four stretches or more."""
        at = times(rng, n, days)
        while True:
            turns = np.cumsum(rng.exponential(24 * days_each, int(days / days_each * 4) + 30))
            if (turns < 24 * days).sum() >= 3:
                break
        on = (np.searchsorted(turns, at) + rng.integers(2)) % 2 == 1
        low, high = rng.uniform(0, 0.3), rng.uniform(0.7, 1.0)
        return (rng.random(n) < np.where(on, high, low)).astype(float), at, np.arange(n)

    return drawn


def bursts(rng: np.random.Generator, n: int, days: float) -> Series:
    """For a day in ten, in the mean, all is removed or nothing is."""
    at = times(rng, n, days)
    begun = rng.uniform(0, 24 * days, rng.poisson(days / 10))
    near = (np.abs(at[:, None] - begun[None, :]) < 12).any(axis=1)
    return (near ^ (rng.random(n) < 0.02) ^ (rng.random() < 0.5)).astype(float), at, np.arange(n)


def weekends(rng: np.random.Generator, n: int, days: float) -> Series:
    """Little is removed on two days a week."""
    at = times(rng, n, days)
    return (rng.random(n) < np.where(at % 168 < 120, 0.8, 0.1)).astype(float), at, np.arange(n)


def step(before: float, since: float) -> Callable[[np.random.Generator, int, float], Series]:
    def drawn(rng: np.random.Generator, n: int, days: float) -> Series:
        """Another share from the middle on; the caller reads the date as half of the days."""
        at = times(rng, n, days)
        return (rng.random(n) < np.where(at < 12 * days, before, since)).astype(float), at, np.arange(n)

    return drawn


def queue_since(rng: np.random.Generator, n: int, days: float) -> Series:
    """Nothing, and from the middle on a queue worked off every 30 hours in the mean."""
    removed, at, site = queue(30)(rng, n, days)
    return removed * (at >= 12 * days), at, site


def sites_since(rng: np.random.Generator, n: int, days: float) -> Series:
    """Sites of five URLs in the mean, all alike: 10%, and from the middle on 90%."""
    site = rng.integers(0, max(2, n // 5), n)
    at = np.clip(times(rng, site.max() + 1, days)[site] + rng.exponential(24, n), 0, 24 * days)
    chance = rng.random(site.max() + 1)[site]
    return (chance < np.where(at < 12 * days, 0.1, 0.9)).astype(float), at, site


def trend(rng: np.random.Generator, n: int, days: float) -> Series:
    """From 5 to 95%, by a line through the logits."""
    at = times(rng, n, days)
    return (rng.random(n) < 1 / (1 + np.exp(-5.9 * (at / (24 * days) - 0.5)))).astype(float), at, np.arange(n)


NULLS: dict[str, Callable[[np.random.Generator, int, float], Series]] = {
    "independent": independent,
    "sites": sites,
    "weekly chance": weekly,
    "weekly batches": weekly_batches,
    "queue 6 h": queue(6),
    "queue 30 h": queue(30),
    "queue 72 h": queue(72),
    "desk 2 d": desk(2),
    "desk 4 d": desk(4),
    "desk 7 d": desk(7),
    "rare bursts": bursts,
    "weekends": weekends,
}
CHANGES: dict[str, Callable[[np.random.Generator, int, float], Series]] = {
    "0 to 95%": step(0.0, 0.95),
    "20 to 80%": step(0.2, 0.8),
    "40 to 80%": step(0.4, 0.8),
    "95 to 30%": step(0.95, 0.3),
    "0% to queue": queue_since,
    "sites 10 to 90%": sites_since,
    "trend": trend,
}
WANTED = {(world, *size) for world in ("0 to 95%", "20 to 80%", "95 to 30%") for size in SIZES}
WANTED |= {("40 to 80%", 200, 60), ("40 to 80%", 200, 180), ("trend", 200, 60), ("trend", 200, 180)}
"""Changes of which most must be found."""


def one_study(which: tuple[str, int, int, int, int]) -> dict[str, Any]:
    """One series of a world: what is said of it."""
    world, n, days, seed, number = which
    drawn = (NULLS | CHANGES)[world]
    rng = np.random.default_rng([seed, number, n, days, [*NULLS, *CHANGES].index(world)])
    removed, at, site = drawn(rng, n, float(days))
    found = constancy(removed, removed, at, site)
    row: dict[str, Any] = {"world": world, "reports": n, "days": days, "seed": seed, "number": number, "p": None}
    if isinstance(found, Refusal):
        return row
    row["p"] = found.p
    if found.date is not None:
        row["date"] = list(found.date)
    return row


def figures(row: dict[str, Any]) -> dict[str, float]:
    """What counts of one series."""
    called = row["p"] is not None and row["p"] <= CALLED
    made = {
        "tested": float(row["p"] is not None),
        "called": float(called),
        "at 5%": float(row["p"] is not None and row["p"] <= 0.05),
        "of 50 hosters": float(row["p"] is not None and row["p"] <= 0.001),
    }
    if called:
        made["dated"] = float("date" in row)
        if "date" in row:
            low, high = row["date"]
            made["holds"], made["days"] = float(low < 12 * row["days"] <= high), (high - low) / 24
    return made


def report(cells: dict[Key, Tally]) -> Iterator[str]:
    """Print a line for each cell; yield what is missed, beyond two standard errors."""
    print(
        f"{'world':16} {'reports':>7} {'days':>4} {'n':>5} {'tested':>6} {'called':>6} {'(se)':>7} {'at 5%':>6} "
        f"{'0.1%':>6} {'dated':>6} {'holds':>6} {'days':>5}"
    )
    for cell, tally in cells.items():
        world, n, days = cell
        called, error = tally.mean("called"), tally.error("called")
        line = f"{world:16} {n:7} {days:4} {tally.studies:5} {tally.mean('tested'):6.2f} {called:6.3f} ({error:.3f}) "
        line += f"{tally.mean('at 5%'):6.3f} {tally.mean('of 50 hosters'):6.3f}"
        if world in CHANGES and tally.n("dated"):
            line += f" {tally.mean('dated'):6.2f}"
        if world in CHANGES and world != "trend" and tally.n("holds"):
            line += f" {tally.mean('holds'):6.3f} {tally.mean('days'):5.1f}"
            if tally.mean("holds") + 2 * tally.error("holds") < DATED:
                yield f"{world}, {n} reports, {days} d: {tally.mean('holds'):.1%} of the dates hold"
        print(line)
        if world in NULLS and called - 2 * error > MOST_CALLED:
            yield f"{world}, {n} reports, {days} d: {called:.1%} called changed, {MOST_CALLED:.0%} allowed"
        if cell in WANTED and called + 2 * error < FOUND:
            yield f"{world}, {n} reports, {days} d: {called:.1%} found, {FOUND:.0%} wanted"


def campaign(options: argparse.Namespace) -> dict[Key, Tally]:
    """Tallies of all cells; series in the results file are not made again."""
    wanted = [
        (world, n, days, options.seed, number)
        for world in options.worlds
        for n, days in SIZES
        for number in range(options.studies)
    ]
    have = resumed(wanted, one_study, options.results, names=KEY, workers=options.workers, chunk=100)
    cells: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for one in wanted:
        cells[one[:3]].append(figures(have[one]))
    return pooled({cell: tallied(rows) for cell, rows in cells.items()}, options.seed, options.sums)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    worlds = [*NULLS, *CHANGES]
    parser.add_argument("--worlds", nargs="+", choices=worlds, default=worlds)
    asked(parser, studies=500, seed=21_001, results="constancy.jsonl")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(report(campaign(options)))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
