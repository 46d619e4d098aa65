"""How often the list "worth a look" names a hoster falsely, and how many it finds: studies of a small country.

Beside it the hosters that are below the norm by their own outcomes alone, with Benjamini and Hochberg; `--old` takes
them from the `calendar_time.py` of another version. Shares of hosters are counted whether their own or borrowed.
"""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.resumed import Tally, tallied
from waterbed.estimators import calendar_time
from waterbed.estimators.borrowed import WEEK_H, blocks, borrowed_shares
from waterbed.estimators.norm_tests import below_norm
from waterbed.lab.simulate.countries import DEPENDENCES, HOSTERS, NORM, SPREADS, Country, draw_country
from waterbed.measures.takedown import FEWEST_SITES

MOST: Final = 0.05
"""Share of false names among names, in the mean over studies."""
TIMES: Final = 1.5
"""As many slow hosters as by their own outcomes, in the first country."""
COVERED: Final = 0.85
"""Part of the hosters that have a share."""
FIRST: Final = ("wide", "campaigns")
LIMITED: Final = "customers, no label"
"""Dependence that nothing in the study shows: its figures are printed."""
CHUNK: Final = 10


@lru_cache(maxsize=1)
def calendar(path: str) -> ModuleType:
    """The module of the other version."""
    if not path:
        return calendar_time
    spec = importlib.util.spec_from_file_location("older_calendar_time", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.__dict__["Refusal"] = str  # of versions whose reasons were texts
    return module


def own_names(country: Country, old: str) -> tuple[int, list[int]]:
    """The hosters with a share of their own, and those that are below the norm by it alone."""
    kept, shares, numbers, freedoms = [], [], [], []
    for hoster in range(HOSTERS):
        its = country.hoster == hoster
        if np.unique(country.site[its]).size < FEWEST_SITES:
            continue
        worth = calendar(old).effective_number(country.possibly[its], country.at_h[its], country.site[its])
        if hasattr(worth, "error"):  # else it is refused
            kept.append(hoster)
            shares.append(country.possibly[its].mean())
            numbers.append(0.25 / worth.error**2)
            freedoms.append(worth.freedom)
    if not kept:
        return 0, []
    below = below_norm(shares, numbers, freedoms, NORM).below
    return len(kept), [kept[n] for n in np.flatnonzero(below)]


def one_study(which: tuple[str, str, float, int, int, str, bool]) -> dict[str, float]:
    """The figures of one study."""
    spread, dependence, unseen, seed, number, old, alone = which
    told = dependence != LIMITED
    drawn = dependence if told else "customers"
    cell = (SPREADS.index(spread), DEPENDENCES.index(drawn), round(1000 * unseen))  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, number, *cell])
    country = draw_country(spread, drawn, rng, unseen=unseen)  # type: ignore[arg-type]  # names of the two
    found = borrowed_shares(
        country.surely,
        country.possibly,
        country.hoster,
        [blocks(country.at_h), country.site],
        HOSTERS,
        if_shown=[blocks(country.at_h, WEEK_H), country.registration, country.delivery] + [country.customer] * told,
        norm=NORM,
    )
    assert found is not None
    told_alone, own = own_names(country, old) if alone else (0, [])
    names, slow, some = np.flatnonzero(found.named), country.true < NORM - 1e-9, np.isfinite(found.number)
    holds = (found.low <= country.true) & (country.true <= found.high)
    return {
        "false": float((~slow[names]).sum() / max(1, names.size)),
        "any": float((~slow[names]).any()),
        "found": float(slow[names].sum()),
        "own false": float((~slow[own]).sum() / max(1, len(own))),
        "own found": float(slow[own].sum()),
        "slow": float(slow.sum()),
        "own told": told_alone / HOSTERS,
        "told": float(some.mean()),
        "holds": float(holds[some].mean()),
        "width": float((found.high - found.low)[some].mean()),
    } | ({"slow hold": float(holds[some & slow].mean())} if (some & slow).any() else {})


def report(cells: Iterable[tuple[str, str, Tally]], unseen: float, alone: bool) -> Iterator[str]:
    """Print a line for each cell; yield what is missed."""
    print(
        f"{'shares':14} {'dependence':20} {'n':>5} {'false':>6} {'(se)':>7} {'any':>6} {'slow':>5} {'found':>6} "
        f"{'alone':>6} {'(false)':>7} {'times':>5} {'told':>5} {'alone':>5} {'holds':>6} {'slow':>6} {'width':>6}"
    )
    for spread, dependence, tally in cells:
        found, own = tally.mean("found"), tally.mean("own found")
        times = found / own if own else float("nan")
        print(
            f"{spread:14} {dependence:20} {tally.studies:5} {tally.mean('false'):6.3f} ({tally.error('false'):.3f}) "
            f"{tally.mean('any'):6.3f} {tally.mean('slow'):5.1f} {found:6.2f} {own:6.2f} "
            f"({tally.mean('own false'):.3f}) {times:5.2f} {tally.mean('told'):5.2f} {tally.mean('own told'):5.2f} "
            f"{tally.mean('holds'):6.3f} {tally.mean('slow hold'):6.3f} {tally.mean('width'):6.3f}",
            flush=True,
        )
        if dependence != LIMITED and tally.mean("false") > MOST:
            yield f"{spread}, {dependence}: {tally.mean('false'):.1%} false, {MOST:.0%} allowed"
        if tally.mean("told") < COVERED:
            yield f"{spread}, {dependence}: {tally.mean('told'):.0%} have a share, {COVERED:.0%} wanted"
        if alone and (spread, dependence) == FIRST and not unseen and not found >= TIMES * own:
            yield f"{spread}, {dependence}: {times:.2f} times as many as alone, {TIMES} wanted"


def campaign(options: argparse.Namespace) -> Iterator[tuple[str, str, Tally]]:
    """The tally of each cell."""
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        for spread, dependence in product(options.spreads, options.dependences):
            rest = str(options.old or ""), not options.borrowed_alone
            wanted = [
                (spread, dependence, options.unseen, options.seed, number, *rest) for number in range(options.studies)
            ]
            yield spread, dependence, tallied(list(pool.map(one_study, wanted, chunksize=CHUNK)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spreads", nargs="+", choices=SPREADS, default=SPREADS)
    parser.add_argument("--dependences", nargs="+", choices=[*DEPENDENCES, LIMITED], default=[*DEPENDENCES, LIMITED])
    parser.add_argument("--unseen", type=float, default=0.0, help="part of the removals that only the report saw up")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=51_001)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--borrowed-alone", action="store_true", help="without the names by their own outcomes")
    parser.add_argument("--old", type=Path, help="calendar_time.py of another version")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(report(campaign(options), options.unseen, not options.borrowed_alone))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}, unseen {options.unseen:.0%}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
