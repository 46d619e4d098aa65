"""How often intervals hold how hosters work, where labels or regimes make removals depend on each other.

Studies of some hosters as arrays: outcomes, times of reports, sites, and the labels that a study has. `--old` takes the
`calendar_time.py` of another version, whose intervals stand beside.
"""

import argparse
import importlib.util
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt

from waterbed.estimators.calendar_time import Worth, effective_number
from waterbed.estimators.cluster_shares import Correlation, pooled_correlation
from waterbed.estimators.rank_sets import error_scales, place_sets, widened
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Generator = np.random.Generator

LEAST: Final = 0.93
WIDEST: Final = 1.2
MOST_ORDERED: Final = 0.05
RESAMPLES: Final = 500
LIMITED: Final = ("customers 6-12, one hoster", "desk 7 d", "customers without a label")
"""Worlds that show too little: too few values of a label, regimes or labels to rely on. Their coverage is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The reports of one hoster: the outcome of each, hours, site, labels; and the expected share."""

    hits: Floats
    at: Floats
    site: Ints
    labels: Mapping[str, Sequence[int]]
    true: float
    regimes: int = 10**6
    together: float | None = None
    """Sites of a typical decision, where nothing labels them."""


Draw = Callable[[Generator, float, float], Reported]
"""Draws the reports of one hoster for some days, at an expected share."""


def times(rng: Generator, n: int, days: float) -> Floats:
    """Hours of reports, all through the study."""
    return np.sort(rng.uniform(0.0, 24.0 * days, n))


def idle(rng: Generator, n: int, days: float) -> dict[str, list[int]]:
    """Labels that say nothing: addresses, their networks, registrations, deliveries."""
    address = rng.integers(0, rng.integers(20, 101), n)
    return {
        "address": address.tolist(),
        "network": (address // 3).tolist(),
        "registration": rng.integers(0, 5, n).tolist(),
        "delivery": (np.arange(n) * 4 // n).tolist(),
    }


def independent(rng: Generator, days: float, share: float) -> Reported:
    n = round(60 * 5.0 ** rng.random())
    site = np.arange(n) - rng.integers(0, 2, n) * (np.arange(n) % 2)
    return Reported(
        hits=(rng.random(n) < share).astype(float),
        at=times(rng, n, days),
        site=site,
        labels=idle(rng, n, days),
        true=share,
    )


def shared(rng: Generator, days: float, share: float) -> Reported:
    """Independent sites, most of them at a few shared addresses."""
    one = independent(rng, days, share)
    address = rng.choice(80, one.at.size, p=rng.dirichlet(np.full(80, 0.1)))
    labels = {**one.labels, "address": address.tolist(), "network": (address // 3).tolist()}
    return replace(one, labels=labels)


def customers(least: int, most: int, label: str = "address", alike: float = 1.0) -> Draw:
    """Each customer's sites fare alike; they are spread over the window, and some customers have many."""

    def drawn(rng: Generator, days: float, share: float) -> Reported:
        count = int(rng.integers(least, most + 1))
        n = round(60 * 5.0 ** rng.random())
        of = np.concatenate([np.arange(count), rng.choice(count, n - count, p=rng.dirichlet(np.full(count, 3.0)))])
        rng.shuffle(of)
        own = (
            (rng.random(count) < share).astype(float)
            if alike == 1.0
            else rng.beta(share * (1 / alike - 1), (1 - share) * (1 / alike - 1), count)
        )
        hits = own[of] if alike == 1.0 else (rng.random(n) < own[of]).astype(float)
        labels = idle(rng, n, days)
        if label:
            labels[label] = of.tolist()
        sizes = np.bincount(of)
        return Reported(
            hits=hits,
            at=times(rng, n, days),
            site=np.arange(n),
            labels=labels,
            true=share,
            together=None if label else float(np.square(sizes).sum() / n),
        )

    return drawn


def contents(rng: Generator, days: float, share: float) -> Reported:
    """Sixty sites with twelve content ids, whose sites fare alike: a study takes them for twelve clusters."""
    of = rng.integers(0, 12, 60)
    return Reported(
        hits=(rng.random(12) < share).astype(float)[of],
        at=times(rng, 60, days),
        site=of,
        labels=idle(rng, 60, days),
        true=share,
    )


def desk(mean: float) -> Draw:
    """An abuse desk that is on and off for so many days in the mean."""

    def drawn(rng: Generator, days: float, share: float) -> Reported:
        n = round(60 * 5.0 ** rng.random())
        at, begun, working = times(rng, n, days), np.cumsum(rng.exponential(mean, 400)), rng.random() < 0.5
        on = (np.searchsorted(begun, at / 24.0) + working) % 2 == 1
        quick, slow = min(1.0, share + 0.4), max(0.0, share - 0.4)
        return Reported(
            hits=(rng.random(n) < np.where(on, quick, slow)).astype(float),
            at=at,
            site=np.arange(n),
            labels=idle(rng, n, days),
            true=(quick + slow) / 2,
            regimes=1 + int((begun < days).sum()),
        )

    return drawn


def queue(mean: float, every: float = 0.0) -> Draw:
    """Reports worked off together, at random or in even times of so many hours."""

    def drawn(rng: Generator, days: float, share: float) -> Reported:
        n = round(60 * 5.0 ** rng.random())
        at, hours = times(rng, n, days), 24.0 * (days + 10)
        done = (
            np.arange(rng.uniform(0.0, every), hours + every, every)
            if every
            else np.sort(rng.uniform(0.0, hours, rng.poisson(hours / mean)))
        )
        gone = np.append(done, np.inf)[np.searchsorted(done, at)] - at
        return Reported(
            hits=(gone <= 24.0).astype(float),
            at=at,
            site=np.arange(n),
            labels=idle(rng, n, days),
            true=24.0 / every if every else float(-np.expm1(-24.0 / mean)),
        )

    return drawn


WORLDS: Final[Mapping[str, tuple[Draw, int]]] = {
    "independent": (independent, 8),
    "independent, one hoster": (independent, 1),
    "independent, shared addresses": (shared, 8),
    "independent, shared, one hoster": (shared, 1),
    "customers 12-40": (customers(12, 40), 8),
    "customers 12-40, one hoster": (customers(12, 40), 1),
    "customers 6-12": (customers(6, 12), 8),
    "customers 6-12, one hoster": (customers(6, 12), 1),
    "networks 12-40": (customers(12, 40, "network"), 8),
    "registrations 6-12": (customers(6, 12, "registration"), 8),
    "registrations 12-40": (customers(12, 40, "registration"), 8),
    "deliveries 6-12": (customers(6, 12, "delivery"), 8),
    "deliveries 12-40": (customers(12, 40, "delivery"), 8),
    "customers partly alike": (customers(12, 40, "address", 0.3), 8),
    "customers hardly alike": (customers(12, 40, "address", 0.1), 8),
    "customers hardly alike, one": (customers(12, 40, "address", 0.1), 1),
    "few customers hardly alike": (customers(6, 12, "address", 0.1), 8),
    "12 contents of 60 sites": (contents, 8),
    "queue 6 h": (queue(6.0), 8),
    "queue 30 h": (queue(30.0), 8),
    "queue 72 h": (queue(72.0), 8),
    "weekly": (queue(0.0, 168.0), 8),
    "desk 1 d": (desk(1.0), 8),
    "desk 3 d": (desk(3.0), 8),
    "desk 7 d": (desk(7.0), 8),
    "customers without a label": (customers(6, 40, ""), 8),
}


def version_of(path: Path) -> ModuleType:
    """The module of another version."""
    spec = importlib.util.spec_from_file_location("older_calendar_time", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"no module at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pooled_of(hosters: Sequence[Reported]) -> dict[str, Correlation]:
    """The correlation of each label over hosters."""
    found = {}
    for name in hosters[0].labels:
        numbered = [np.unique(one.labels[name], return_inverse=True)[1] for one in hosters]
        counted = [(np.bincount(of, one.hits), np.bincount(of)) for of, one in zip(numbered, hosters, strict=True)]
        found[name] = pooled_correlation(counted)
    return found


def one_study(
    draw: Draw, hosters: int, days: float, rng: Generator, old: ModuleType | None
) -> Iterator[dict[str, float | str]]:
    """What each hoster's interval shows, and whether equal hosters are ordered."""
    share = float(rng.uniform(0.15, 0.9))
    drawn = [draw(rng, days, share) for _ in range(hosters)]
    pooled = pooled_of(drawn)
    values, errors, degrees, least = list[float](), list[float](), list[int](), list[float]()
    older = list[tuple[float, float, int, float]]()
    for one in drawn:
        worth = effective_number(one.hits, one.at, one.site, labels=one.labels, pooled=pooled)
        row: dict[str, float | str] = {"told": float(isinstance(worth, Worth)), "regimes": float(one.regimes)}
        if isinstance(worth, Refusal):
            yield row
            continue
        mean = float(one.hits.mean())
        row |= {"binding": worth.binding} | held("", mean, worth.number, one.true)
        if one.together:
            row |= held("together ", mean, worth.together(one.together), one.true)
        if old:
            theirs = old.effective_number(one.hits, one.at, one.site)
            row |= held("old ", mean, theirs.number, one.true)
            older.append((-float(np.arcsin(np.sqrt(mean))), theirs.error, theirs.freedom, 0.0))
        values.append(-worth.angle(mean))
        errors.append(worth.error)
        degrees.append(worth.freedom)
        least.append(0.5 / float(np.sqrt(one.hits.size)) / worth.error)
        yield row
    if len(values) > 1:
        yield {"ordered": ordered(values, errors, degrees, least, rng)} | (
            {"old ordered": ordered(*(list(column) for column in zip(*older, strict=True)), rng)} if older else {}
        )


def held(which: str, share: float, number: float, true: float) -> dict[str, float]:
    """Whether an interval holds the expected share, and its width."""
    low, high = share_interval(share, number)
    return {f"{which}holds": float(low <= true <= high), f"{which}width": high - low}


def ordered(
    values: Sequence[float], errors: Sequence[float], degrees: Sequence[int], least: Sequence[float], rng: Generator
) -> float:
    """1 if places say that one of several equal hosters is slower than another."""
    table = widened(np.zeros((RESAMPLES, len(values))) + values, errors, rng)
    scales = error_scales(degrees, RESAMPLES, rng, least=least)
    sets = place_sets(values, table, scales=(scales, scales))
    return float((sets.low > 1).any() or (sets.high < len(values)).any())


def mean_of(rows: Sequence[Mapping[str, float | str]], name: str) -> float:
    found = [float(row[name]) for row in rows if name in row]
    return float(np.mean(found)) if found else np.nan


def report(options: argparse.Namespace) -> Iterator[str]:
    """Print a line for each world and length; yield what is missed, beyond two standard errors."""
    old = version_of(options.old) if options.old else None
    print(
        f"{'world':28} {'days':>4} {'told':>5} {'holds':>6} {'of 4':>6} {'old':>6} {'width':>6} {'ratio':>6} "
        f"{'ordered':>7} {'old':>6} {'m given':>7}  binding"
    )
    for name in options.worlds:
        draw, hosters = WORLDS[name]
        for days in options.days:
            rng = np.random.default_rng([options.seed, list(WORLDS).index(name), days])
            rows = [
                row
                for _ in range(options.studies if hosters > 1 else 8 * options.studies)
                for row in one_study(draw, hosters, float(days), rng, old)
            ]
            shown = [row for row in rows if float(row.get("regimes", 0)) >= 4]
            binding = defaultdict[str, int](int)
            for row in rows:
                if "binding" in row:
                    binding[str(row["binding"])] += 1
            most = sorted(binding.items(), key=lambda one: -one[1])[:3]
            holds, ratio = mean_of(rows, "holds"), mean_of(rows, "width") / mean_of(rows, "old width")
            false, given = mean_of(rows, "ordered"), mean_of(rows, "together holds")
            print(
                f"{name:28} {days:4} {mean_of(rows, 'told'):5.2f} {holds:6.3f} {mean_of(shown, 'holds'):6.3f} "
                f"{mean_of(rows, 'old holds'):6.3f} {mean_of(rows, 'width'):6.3f} {ratio:6.2f} {false:7.3f} "
                f"{mean_of(rows, 'old ordered'):6.3f} {given:7.3f}  "
                + ", ".join(f"{one} {100 * count // sum(binding.values())}%" for one, count in most),
                flush=True,
            )
            n, studies = sum("holds" in row for row in rows), sum("ordered" in row for row in rows)
            error = np.sqrt(LEAST * (1 - LEAST) / max(1, n))
            if name not in LIMITED and holds < LEAST - 2 * error:
                yield f"{name}, {days} d: {holds:.1%} hold, {LEAST:.0%} wanted"
            if name not in LIMITED and mean_of(shown, "holds") < LEAST - 2 * error:
                yield f"{name}, {days} d: {mean_of(shown, 'holds'):.1%} hold with four regimes, {LEAST:.0%} wanted"
            if given < LEAST - 2 * error:
                yield f"{name}, {days} d: {given:.1%} hold given the size of decisions, {LEAST:.0%} wanted"
            if name.startswith("independent") and ratio > WIDEST:
                yield f"{name}, {days} d: {ratio:.2f} times as wide as before, {WIDEST} allowed"
            limit = MOST_ORDERED + 2 * np.sqrt(MOST_ORDERED * (1 - MOST_ORDERED) / max(1, studies))
            if name not in LIMITED and false > limit:
                yield f"{name}, {days} d: equal hosters ordered in {false:.1%}, {MOST_ORDERED:.0%} allowed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--days", nargs="+", type=int, default=(30, 90))
    parser.add_argument("--studies", type=int, default=100, help="of eight hosters; of eight times as many of one")
    parser.add_argument("--seed", type=int, default=60_001)
    parser.add_argument("--old", type=Path, help="calendar_time.py of another version, to compare with")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(report(options))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
