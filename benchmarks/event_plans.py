"""Power as an event's plan prints it, beside what its reports reject."""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.event_reports import INFO, KINDS, study
from benchmarks.resumed import asked, mean_error, resumed
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.movements import gather
from waterbed.model.formatter import OWN
from waterbed.questions.intervention.estimate import findings
from waterbed.questions.intervention.power import EventPower

KIND = "displaced"
SITES = 150, 700
"""From worlds too small to worlds that are large enough."""
MOST_APART = 0.15
"""Difference of mean predicted power and rejections that is allowed, beyond two standard errors."""
TESTS = ("fall", "primary", "primary, new alone", "whole")
"""`new alone`: predicted without what is up at the event, which these worlds remove too: a lower bound."""


def one_plan(which: tuple[int, int]) -> dict[str, Any]:
    """One study: the power predicted from before the event, and what its report rejects."""
    seed, number = which
    began = time.process_time()
    rng = random.Random(f"{seed} {KINDS.index(KIND)} {number}")
    conclusions, truth, event = study(KIND, rng, SITES)
    world = truth.world
    before = conclusions.before(event.at)
    movements = gather(
        before.arrivals,
        before.hops,
        before.facts.reports,
        home=world.home,
        seats=before.seats,
        until=before.until or event.at,
        kind=event.kind,
        declared=tuple(event.places),
    )
    plan = EventPower(event=event, conclusions=before, movements=movements)
    share = world.movement.after_takedown
    power = {
        "fall": plan.fall_power(1.0),
        "primary": plan.primary_power(1.0, share, stock=True),
        "primary, new alone": plan.primary_power(1.0, share, stock=False),
    }
    found = findings(conclusions, world.home, INFO, event)
    p = {
        name: max((one.p if one.p is not None else 1.0) for one in found.answers if one.name == name)
        for name in (event.fall, event.primary)
    }
    fall, primary = p[event.fall] <= 0.05, p[event.primary] <= 0.05
    return {
        "seed": seed,
        "number": number,
        "refused": {name: OWN.text(one.reason) for name, one in power.items() if isinstance(one, Refusal)},
        "power": {name: 0.0 if isinstance(one, Refusal) else one for name, one in power.items()},
        "rejects": {"fall": fall, "primary": primary, "primary, new alone": primary, "whole": fall and primary},
        "seconds": round(time.process_time() - began, 2),
    }


def report_of(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Print a line for each test, all and by thirds of predicted power; yield what is too far apart."""
    for row in rows:
        row["power"]["whole"] = row["power"]["fall"] * row["power"]["primary"]
    print(f"{'test':20} {'n':>4} {'predicted':>9} {'rejected':>8} {'(se)':>7}   thirds: predicted/rejected")
    for test in TESTS:
        ordered = sorted(rows, key=lambda row: row["power"][test])
        predicted = fmean(row["power"][test] for row in rows)
        rejected, error = mean_error([float(row["rejects"][test]) for row in rows])
        thirds = [ordered[len(rows) * n // 3 : len(rows) * (n + 1) // 3] for n in range(3)]
        told = ", ".join(
            "/".join(f"{fmean(float(row[what][test]) for row in third):.2f}" for what in ("power", "rejects"))
            for third in thirds
            if third
        )
        print(f"{test:20} {len(rows):4} {predicted:9.2f} {rejected:8.2f} ({error:.3f})   {told}")
        if test != TESTS[2] and abs(predicted - rejected) > MOST_APART + 2 * error:
            yield f"{test}: power {predicted:.2f} predicted, {rejected:.2f} observed"
    print(
        f"refused: {sum(bool(row['refused']) for row in rows)}; {fmean(row['seconds'] for row in rows):.0f} s a study"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    asked(parser, studies=60, seed=19_034, results="event-plans.jsonl")
    options = parser.parse_args()
    wanted = [(options.seed, number) for number in range(options.studies)]
    have = resumed(wanted, one_plan, options.results, names=("seed", "number"), workers=options.workers, chunk=1)
    wrong = list(report_of([have[one] for one in wanted]))
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
