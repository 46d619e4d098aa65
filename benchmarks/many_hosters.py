"""How often hosters are falsely ordered, and falsely named below a norm: thousands of studies of several hosters."""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import numpy as np

from benchmarks.resumed import Key, Tally, asked, pooled, resumed, tallied
from waterbed.estimators.cluster_shares import pooled_correlation, ratio_error
from waterbed.estimators.rank_sets import cluster_weights, place_sets, widened
from waterbed.estimators.survival.resampling import resampled_share
from waterbed.lab.simulate.hoster_worlds import KINDS, draw_hoster_world
from waterbed.lab.simulate.processes import HosterWorld, expected_share, happen, looks_at, observe
from waterbed.measures.removal import removal
from waterbed.measures.speed_ranks import speed_places
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock
from waterbed.model.conclusions import Episode, RankingRow
from waterbed.store.settings import Norm

SPREADS = ("equal", "at the norm", "just above", "narrow", "wide", "slow", "median", "below the median")
"""True shares of a study's hosters; all but the first are tested against a norm."""
MEASURED = tuple(kind for kind in KINDS if kind != "hiding")
EQUAL, MANY = 6, 40
SHARES = (0.5, 0.2)
"""Norms: the second where a queue is worked off too rarely for the first."""
MARGIN = 0.1
"""Of the norm below the median: in `median` all others lie at that norm."""
LEAST_CHANCE = 0.6
MOST = 0.05
_FEW = 20
"""Resamples where nothing is ordered: the tests against a norm use none."""
FLOOR = {("independent", 30): 0.80, ("batches 30 h", 30): 0.50}
"""Part of the hosters at 20% that are to be named."""

KEY = ("kind", "days", "spread", "seed", "number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One hoster of a study: its expected share, and its clocks."""

    true: float
    clocks: list[Clock]
    until: datetime


def true_shares(spread: str, norm: float, rng: np.random.Generator) -> list[float | None]:
    """Expected shares of a study's hosters; None: whatever their common policy gives."""
    if spread == "equal":
        return [None] * EQUAL
    if spread == "narrow":
        return [norm + 0.02] * (MANY - 2) + [0.4 * norm] * 2
    if spread == "median":
        return [0.6 + MARGIN] * (MANY // 2 + 1) + [0.6] * (MANY - MANY // 2 - 1)
    if spread == "below the median":
        return [0.3 + 0.6 * float(part) for part in rng.random(MANY)]
    if spread == "wide":
        return [0.4 * norm + (1.8 - 0.4) * norm * float(part) for part in rng.random(MANY)]
    return [{"at the norm": norm, "just above": norm + 0.01, "slow": 0.2}[spread]] * MANY


def study(kind: str, days: int, spread: str, rng: np.random.Generator) -> tuple[list[Seen], float]:
    """One study of a kind of world, and the norm of its hosters."""
    first = draw_hoster_world(kind, float(days), rng)  # type: ignore[arg-type]  # a kind
    norm = SHARES[1] if kind == "batches 72 h" else SHARES[0]
    found = []
    for true in true_shares(spread, norm, rng):
        own = draw_hoster_world(kind, float(days), rng)  # type: ignore[arg-type]  # a kind
        # equal hosters have one policy; all are looked at alike, and differ in their sites
        hoster = first.hoster if true is None else own.hoster
        world = replace(own, hoster=hoster, plan=first.plan, feed=own.feed)
        found.append(_seen(world, true, rng))
    return found, norm


def _seen(world: HosterWorld, true: float | None, rng: np.random.Generator) -> Seen:
    state = rng.bit_generator.state
    process = happen(world, rng)
    if true is not None:
        policy = msgspec.structs.replace(world.hoster.removal, removes=1.0)
        for _ in range(8):
            sure = replace(world, hoster=msgspec.structs.replace(world.hoster, removal=policy))
            chance = expected_share(sure, process, WITHIN_H)
            if chance >= max(LEAST_CHANCE if not policy.batch_hours else 0.0, true + 0.02):
                break
            policy = msgspec.structs.replace(policy, median_hours=policy.median_hours / 2)
        policy = msgspec.structs.replace(policy, removes=min(1.0, true / chance))
        world = replace(world, hoster=msgspec.structs.replace(world.hoster, removal=policy))
        rng.bit_generator.state = state
        process = happen(world, rng)
    ends = observe(process, looks_at(world, process, rng))
    return Seen(
        true=expected_share(world, process, WITHIN_H),
        clocks=ends.clocks(world.start),
        until=world.start + timedelta(hours=ends.until),
    )


def one_study(which: tuple[str, int, str, int, int]) -> dict[str, Any]:
    """One study: which pairs are told apart, who is named, and who should not be."""
    kind, days, spread, seed, number = which
    rng = np.random.default_rng([seed, number, KINDS.index(kind), days, SPREADS.index(spread)])  # type: ignore[arg-type]
    hosters, norm = study(kind, days, spread, rng)
    until = max(one.until for one in hosters)
    groups = {f"h{n}": _episodes(one.clocks, f"h{n}") for n, one in enumerate(hosters)}
    rows = [_row(f"h{n}", one, until) for n, one in enumerate(hosters)]
    equal = spread == "equal"
    held_against = Norm(share=norm, below_median=MARGIN if "median" in spread else 0.0)
    placed = speed_places(
        rows, groups, None, until=until, norm=held_against, rng=rng, resamples=1_000 if equal else _FEW
    )
    told = [row for row in placed if row.removed_24h is not None]
    named = [row.key for row in told if row.below_norm]
    true = {f"h{n}": one.true for n, one in enumerate(hosters)}
    if held_against.below_median:
        norm = median(true.values()) - MARGIN
    return {
        "kind": kind,
        "days": days,
        "spread": spread,
        "seed": seed,
        "number": number,
        "hosters": len(hosters),
        "told": len(told),
        "tested": sum(row.norm_p is not None for row in told),
        "ordered": equal and any((row.place_low, row.place_high) != (1, len(told)) for row in told),
        "before": equal and _ordered_by_0_1_0(hosters, rng),
        "named": len(named),
        "wrong": sum(true[key] >= norm - 1e-9 for key in named),
        "below": sum(share < norm - 1e-9 for share in true.values()),
    }


def _episodes(clocks: Sequence[Clock], key: str) -> list[Episode]:
    made = []
    for number, clock in enumerate(clocks):
        ended = clock.cause == REMOVED
        made.append(
            Episode(
                url_id=f"{key} {number}",
                content_id=f"{key} {number}",
                site_id=f"{key} {clock.site_id}",
                hoster=key,
                hosters=(key,),
                origins=(),
                countries=(),
                addresses=(),
                proxy=False,
                known_up_at=clock.origin,
                reported_at=clock.origin,
                absent_at=None,
                first_up=None,
                last_up=clock.origin + timedelta(hours=clock.left_h),
                first_down=clock.origin + timedelta(hours=clock.right_h) if ended else None,
                cause="removed" if ended else None,
                flap_last_up=_at(clock, clock.flap_left_h),
                flap_first_down=_at(clock, clock.flap_right_h),
                looks=1,
                unknown_looks=0,
            )
        )
    return made


def _at(clock: Clock, hours: float) -> datetime | None:
    return clock.origin + timedelta(hours=hours) if hours < inf else None


def _row(key: str, one: Seen, until: datetime) -> RankingRow:
    found = removal(one.clocks, until=until)
    return RankingRow(
        place=1,
        key=key,
        name=key,
        urls=len(one.clocks),
        hosts=len(one.clocks),
        sites=found.sites,
        hosts_fractional=0.0,
        removed_24h=found.removed,
        removed_24h_low=found.low,
        removed_24h_high=found.high,
        removed_or_moved_24h=found.removed_or_moved,
        episodes=found.clocks,
        unknown=0,
        rank_class="ranked" if found.removed is not None else "unmeasurable",
    )


def _ordered_by_0_1_0(hosters: Sequence[Seen], rng: np.random.Generator) -> bool:
    """Whether version 0.1.0 would tell some apart: sites resampled, all else independent."""
    numbers: dict[str, int] = {}
    of = [
        np.array([numbers.setdefault(f"{n} {clock.site_id}", len(numbers)) for clock in one.clocks])
        for n, one in enumerate(hosters)
    ]
    weights = cluster_weights(len(numbers), 300, rng)
    values, draws, counted = [], [], []
    for one, at in zip(hosters, of, strict=True):
        left = [clock.left_h for clock in one.clocks]
        right = [clock.right_h for clock in one.clocks]
        found = resampled_share(left, right, [clock.cause == REMOVED for clock in one.clocks], WITHIN_H, weights[:, at])
        values.append(float(np.arcsin(np.sqrt(found.share))))
        draws.append(np.arcsin(np.sqrt(np.clip(found.draws, 0.0, 1.0))))
        _, inner = np.unique(at, return_inverse=True)
        counted.append((np.clip(np.bincount(inner, found.parts), 0.0, np.bincount(inner)), np.bincount(inner)))
    alike = pooled_correlation(counted).value
    errors = [ratio_error(hits, sizes, least_correlation=alike) for hits, sizes in counted]
    sets = place_sets(values, widened(np.column_stack(draws), errors, rng))
    return bool(((sets.low > 1) | (sets.high < len(values))).any())


def figures(row: dict[str, Any]) -> dict[str, float]:
    """What counts of one study."""
    equal = row["spread"] == "equal"
    return {
        "told": row["told"] / row["hosters"],
        "tested": row["tested"] / row["hosters"],
        "false": float(row["ordered"]) if equal else row["wrong"] / max(1, row["named"]),
        "before": float(row["before"]),
        "named": row["named"],
        "found": row["named"] - row["wrong"],
        "below": row["below"],
    }


def campaign(options: argparse.Namespace) -> dict[Key, Tally]:
    """Tallies of all cells; studies in the results file are not made again."""
    wanted = [
        (kind, days, spread, options.seed, number)
        for spread in options.spreads
        for kind in options.kinds
        for days in options.days
        for number in range(options.studies)
    ]
    have = resumed(wanted, one_study, options.results, names=KEY, workers=options.workers)
    cells: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for one in wanted:
        cells[one[:3]].append(figures(have[one]))
    return pooled({cell: tallied(rows) for cell, rows in cells.items()}, options.seed, options.sums)


def report(cells: dict[Key, Tally]) -> Iterator[str]:
    """Print a line for each cell; yield what is missed, beyond two standard errors."""
    print(
        f"{'world':18} {'days':>4} {'shares':16} {'n':>5} {'told':>5} {'tested':>6} {'false':>6} {'(se)':>7} ", end=""
    )
    print(f"{'0.1.0':>6} {'named':>6} {'found':>6}")
    for (kind, days, spread), tally in cells.items():
        false, error = tally.mean("false"), tally.error("false")
        found = tally.total("found") / max(1, tally.total("below"))
        before = f"{tally.mean('before'):6.3f}" if spread == "equal" else "      "
        print(
            f"{kind:18} {days:4} {spread:16} {tally.studies:5} {tally.mean('told'):5.2f} {tally.mean('tested'):6.2f} "
            f"{false:6.3f} ({error:.3f}) {before} {tally.mean('named'):6.2f} {found:6.3f}"
        )
        if false > MOST + 2 * error:
            yield f"{kind}, {days} d, {spread}: {false:.1%} false, {MOST:.0%} allowed"
        if spread == "slow" and found < FLOOR.get((kind, days), 0.0):
            yield f"{kind}, {days} d: {found:.1%} of slow hosters named, {FLOOR[kind, days]:.0%} wanted"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=MEASURED, default=MEASURED)
    parser.add_argument("--spreads", nargs="+", choices=SPREADS, default=SPREADS)
    parser.add_argument("--days", nargs="+", type=int, default=(30,))
    asked(parser, studies=500, seed=17_101, results="many-hosters.jsonl")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(report(campaign(options)))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
