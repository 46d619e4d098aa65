"""How often 95% intervals hold how a hoster works, where removals share chance: thousands of studies of one hoster."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.resumed import Key, Tally, asked, pooled, resumed, tallied
from waterbed.estimators.cluster_shares import beta_binomial, worth
from waterbed.estimators.survival.incidence import share_interval
from waterbed.estimators.survival.paces import look_test, pace_test
from waterbed.lab.simulate.hoster_worlds import KINDS, draw_hoster_world
from waterbed.lab.simulate.processes import (
    HosterWorld,
    Process,
    expected_share,
    happen,
    looked_at_rarely,
    looks_at,
    observe,
)
from waterbed.lab.world.removing import hours_until
from waterbed.measures.durations import half_gone, mean_hours
from waterbed.measures.hiding import goes_by_looks, if_hiding
from waterbed.measures.removal import removal
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock, known_within
from waterbed.model.paces import PACE, RARE_SHARE
from waterbed.model.takedown import TakedownClock

DAYS = (10, 30, 90)
LEAST = 0.93
TOLD = {("independent", 30): 0.95, ("independent", 90): 0.95, ("office hours", 30): 0.95, ("office hours", 90): 0.95}
TOLD |= {("whole sites", 30): 0.95, ("whole sites", 90): 0.95}
TOLD |= {(kind, 30): 0.80 for kind in ("batches 6 h", "batches 30 h")}
TOLD |= {(kind, 90): 0.90 for kind in ("batches 6 h", "batches 30 h")}
WIDEST = {("independent", 10): 1.6, ("independent", 30): 1.3, ("independent", 90): 1.3}
LEAST_URLS = 30
MOST_FLAGGED = 0.02
"""Of hosters that hide nothing, with so many URLs, said to answer us otherwise."""
CONFIRMED_H = 12.0
"""In these worlds nobody looks at a URL after `follow_h`; an end is confirmed so long before."""
GAINING = 0.1
"""By how much its share seems larger to who gains by hiding."""
MOST_RANKED = 0.01
"""Of hosters with so many URLs that hide after a fixed number of looks."""
UNHELD = ("hiding",)
"""Worlds in which no interval holds: what is hidden from us must be found out, not measured."""

KEY = ("kind", "days", "seed", "number")


def version_0_1_0(group: Sequence[Clock], share: float, within_h: float = WITHIN_H) -> tuple[float, float]:
    """The interval of version 0.1.0: Jeffreys with the sites' intra-cluster correlation, all else independent."""
    known = [clock for clock in group if known_within(clock, within_h)]
    sizes = Counter(clock.site_id for clock in known)
    hits = Counter(clock.site_id for clock in known if clock.right_h <= within_h and clock.cause == REMOVED)
    members = list(sizes.values())
    return share_interval(share, worth(members, beta_binomial([hits[site] for site in sizes], members).correlation))


def expected_mean(world: HosterWorld, process: Process, within_h: float) -> float:
    """Expected hours until removal, at most so many: the area above the expected share."""
    grid = np.arange(0.5, within_h, 1.0)
    gone = [expected_share(world, process, float(hour)) for hour in grid]
    return within_h - float(np.sum(gone))


def timed(clock: Clock, number: int) -> TakedownClock:
    """A clock with its report as origin, followed from there."""
    ended = clock.cause == REMOVED
    return TakedownClock(
        url_id=str(number),
        site_id=clock.site_id,
        key="one",
        clock="reported",
        origin=clock.origin,
        known_up_at=clock.origin,
        entered_h=0.0,
        left_h=clock.left_h,
        right_h=clock.right_h if ended else None,
        cause="removed" if ended else None,
        timing="after",
        notice_id=None,
        batch=None,
        acknowledged_h=None,
        reminders_h=(),
        indirect_h=(),
        citizens_before=0,
        held_for_police=False,
        flap_left_h=None if clock.flap_right_h == inf else clock.flap_left_h,
        flap_right_h=None if clock.flap_right_h == inf else clock.flap_right_h,
    )


def one_study(which: tuple[str, int, int, int]) -> dict[str, Any]:
    """One study of a kind of world: how the hoster works, what happened, and what would be told."""
    kind, days, seed, number = which
    rng = np.random.default_rng([seed, number, KINDS.index(kind), days])  # type: ignore[arg-type]  # a kind
    world = draw_hoster_world(kind, float(days), rng)  # type: ignore[arg-type]  # a kind
    process = happen(world, rng)
    ends = observe(process, looks_at(world, process, rng))
    group = ends.clocks(world.start)
    until = world.start + timedelta(hours=ends.until)
    found, half = removal(group, until=until), half_gone(group, until=until)
    mean = mean_hours([timed(clock, number) for number, clock in enumerate(group)], WITHIN_H)
    seen = replace(world, rare_share=RARE_SHARE)
    paced = observe(process, looks_at(seen, process, rng))
    rare = looked_at_rarely(seen, paced.left.size)
    clocks, looks = paced.clocks(world.start), WITHIN_H / world.plan.every_hours
    halves = [[clock for clock, slow in zip(clocks, rare, strict=True) if slow == pace] for pace in (False, True)]
    least = if_hiding((halves[0], halves[1]), (1 + looks, 1 + looks / PACE), until=until)
    clear = np.isfinite(paced.right) | (paced.left > 0)
    views = pace_test(
        paced.left[clear],
        paced.right[clear],
        rare[clear],
        rng,
        step=PACE * world.plan.every_hours,
        last=world.follow_h - CONFIRMED_H,
    )
    after = look_test(paced.looks.only(clear), rare[clear], rng, pace=PACE)
    true = hours_until(world.hoster.removal, world.start, process.reported, process.sizes, notified=process.notified)
    return {
        "kind": kind,
        "days": days,
        "seed": seed,
        "number": number,
        "expected": expected_share(world, process, WITHIN_H),
        "happened": float(np.mean(process.removed_after <= WITHIN_H)),
        "class": found.estimability,
        "views": views.p,
        "after": after.p,
        "differ": goes_by_looks(views, after),
        "urls": int(clear.sum()),
        "at_random": world.hoster.blind_at_random if world.hoster.blind_to else None,
        "if_hiding": least,
        "share": found.single,
        "interval": None if found.low is None else [found.low, found.high],
        "before": None if found.single is None else list(version_0_1_0(group, found.single)),
        "batches": [found.removals, found.batches],
        "median": None if true == inf or true > 40.0 else true,
        "half": None if half is None else [half.low, half.high],
        "expected_mean": expected_mean(world, process, WITHIN_H),
        "mean": None if mean is None else [mean.low, mean.high],
    }


def figures(row: dict[str, Any]) -> dict[str, float]:
    """What counts of one study: a figure that it cannot have is left out."""
    told = bool(row["interval"])
    made = {"told": float(told), "measurable": float(row["class"] in ("told", "too few days"))}
    if row.get("views") and row["urls"] >= LEAST_URLS:
        made["differ"] = float(row["differ"])
        if row["at_random"] is False:
            made["ranked"] = float(told and not row["differ"])
            if (row["share"] or 0.0) - row["expected"] >= GAINING:
                made["found out"] = made["differ"]
    if row.get("if_hiding") is not None and row.get("at_random") is not False:
        made["bound"] = float(row["if_hiding"] <= row["expected"])
    if not told:
        return made
    for name, interval, true in (
        ("holds", "interval", "expected"),
        ("before", "before", "expected"),
        ("median", "half", "median"),
        ("mean", "mean", "expected_mean"),
    ):
        if row.get(interval) and row[true] is not None:
            low, high = row[interval]
            made[name] = float(low <= row[true] <= (inf if high is None else high))
    made["above"] = float(row["interval"][0] > row["expected"])
    made["width"] = row["interval"][1] - row["interval"][0]
    made["width before"] = row["before"][1] - row["before"][0]
    made["batches"] = row["batches"][1] / max(1, row["batches"][0])
    return made


def campaign(options: argparse.Namespace) -> dict[Key, Tally]:
    """Tallies of all cells; studies in the results file are not made again."""
    wanted = [
        (kind, days, options.seed, number)
        for kind in options.kinds
        for days in options.days
        for number in range(options.studies)
    ]
    have = resumed(wanted, one_study, options.results, names=KEY, workers=options.workers, chunk=8)
    cells: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for one in wanted:
        cells[one[:2]].append(figures(have[one]))
    return pooled({cell: tallied(rows) for cell, rows in cells.items()}, options.seed, options.sums)


def report(cells: dict[Key, Tally]) -> Iterator[str]:
    """Print a line for each cell; yield what is missed, beyond two standard errors."""
    print(
        f"{'world':18} {'days':>4} {'n':>5} {'told':>5} {'holds':>6} {'(se)':>7} {'above':>6} {'below':>6} "
        f"{'width':>6} {'0.1.0':>6} {'ratio':>5} {'batches':>9} {'differ':>7} {'medians':>7} {'hold':>6} "
        f"{'means':>6} {'bound':>6}"
    )
    for (kind, days), tally in cells.items():
        part = tally.mean("told")
        line = f"{kind:18} {days:4} {tally.studies:5} {part:5.2f}"
        if part + 2 * tally.error("told") < TOLD.get((kind, days), 0.0):
            yield f"{kind}, {days} d: {part:.1%} told, {TOLD[kind, days]:.0%} wanted"
        if not tally.n("holds"):
            print(f"{line}   ({tally.total('measurable'):.0f} measurable)")
            continue
        held, error, above = tally.mean("holds"), tally.error("holds"), tally.mean("above")
        ratio = tally.mean("width") / tally.mean("width before")
        print(
            f"{line} {held:6.3f} ({error:.3f}) {above:6.3f} {max(0.0, 1 - held - above):6.3f} "
            f"{tally.mean('width'):6.3f} {tally.mean('before'):6.3f} {ratio:5.2f} {tally.mean('batches'):9.2f} "
            f"{tally.mean('differ'):7.3f} {tally.n('median'):7} {tally.mean('median'):6.3f} {tally.mean('mean'):6.3f} "
            + (f"{tally.mean('bound'):6.3f}" if tally.n("bound") else "")
        )
        if kind not in UNHELD and held < LEAST - 2 * error:
            yield f"{kind}, {days} d: {held:.1%} hold, {LEAST:.0%} wanted"
        flagged = tally.mean("differ")
        if kind not in UNHELD and flagged > MOST_FLAGGED + 2 * tally.error("differ"):
            yield f"{kind}, {days} d: {flagged:.1%} flagged, {MOST_FLAGGED:.0%} allowed"
        if tally.n("ranked"):
            ranked = tally.mean("ranked")
            print(
                f"{'':18} after a fixed number of looks: {ranked:.3f} of {tally.n('ranked')} ranked; found out "
                f"{tally.mean('found out'):.3f} of {tally.n('found out')} that seem {GAINING:.0%} or more too quick"
            )
            if ranked > MOST_RANKED + 2 * tally.error("ranked"):
                yield f"{kind}, {days} d: {ranked:.1%} ranked that hide after some looks, {MOST_RANKED:.0%} allowed"
        if ratio > WIDEST.get((kind, days), inf):
            yield f"{kind}, {days} d: {ratio:.2f} times as wide as 0.1.0, {WIDEST[kind, days]} allowed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--days", nargs="+", type=int, default=DAYS)
    asked(parser, studies=500, seed=17_001, results="shared-chance.jsonl")
    options = parser.parse_args()
    began = time.perf_counter()
    wrong = list(report(campaign(options)))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
