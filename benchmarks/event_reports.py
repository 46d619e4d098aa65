"""Whole reports on events in simulated studies: false claims, answers given, and power."""

import argparse
import gc
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from benchmarks.event_truth import clauses
from benchmarks.resumed import Key, Tally, asked, pooled, resumed, tallied
from waterbed.graphs.displacement.event import Detection, Event
from waterbed.graphs.displacement.sequence import BESIDE, BEYOND, EARLIER, EXCESS, FALL
from waterbed.lab.simulate.event_worlds import EventWorld, drawn, happened, sentences
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.file import Intervention, Movement, Removal, Sites, World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.table import TableInfo
from waterbed.questions.intervention.estimate import findings
from waterbed.study.conclusions import Conclusions

SITES = 500, 700
"""Least and most sites of a world in which the target is pressed."""
MORE_SITES = {"no event": (900, 1_200), "feed stops": (1_100, 1_500), "campaigns": (900, 1_200)}
"""Where it is not, or reports stop: else few have LEAST_TAKEDOWNS."""
MORE_SITES["displaced, many"] = (900, 1_100)
"""Most have MANY_TAKEDOWNS, and not many more."""
DAYS, AT, AFTER = 91.0, 56.0, 28
"""Eight weeks before the event, four after it, and one to follow what ended."""
MOST_FALSE, LEAST_ANSWERED, LEAST_POWER = 0.05, 0.80, 0.80
LEAST_TAKEDOWNS = 60
"""Of the target after the event, for an answer to be wanted."""
MANY_TAKEDOWNS = 200
"""For the power that is wanted."""
STOPPED = ("outage",)
"""Where open quarantines stop the answer, as they should."""
AROUND = ("controls slow down", "all speed up", "trend", "common trend", "season", "mix shifts", "movers")
AROUND = (*AROUND, "searches rise", "speeds up")
"""Worlds of `waterbed.lab.simulate.event_worlds`."""
KINDS = (
    "no event",
    "removal only",
    "displaced",
    "feed stops",
    "batches",
    "outage",
    "mirrors",
    "interference",
    "campaigns",
    "displaced, many",
    *AROUND,
)
"""In `displaced` about 30% of what is taken down moves, in others nothing; `interference` presses a control, too."""
EVENTLESS = ("no event", "feed stops", "campaigns")
TARGET, CONTROLS, BUFFER, SPARED = (
    "moerashost",
    ("polderhost", "dijkserver", "terpdata"),
    ("fjordnett",),
    ("birkenwald",),
)
SENTENCES = {
    FALL: "removed more",
    BEYOND: "more than controls",
    EARLIER: "by the event",
    EXCESS: "moved",
    **dict.fromkeys(BESIDE, "moved"),
    "abroad, difference": "moved",
}
"""Of each test the sentence that it claims."""
INFO = TableInfo(
    what="displacement", by="hoster", clock="reported", window="", method="", data_dates={}, run="r", version="0"
)


def drawn_world(kind: str, rng: random.Random, sites: tuple[int, int] | None = None) -> World:
    """A world of eight hosters with parameters drawn from stated ranges."""
    base = read_world(scenario_path("waterbed"))
    wanted = {TARGET, *CONTROLS, *BUFFER, *SPARED, "grachtweb", "tundrahost"}
    batch = rng.uniform(6.0, 72.0) if kind == "batches" else 0.0

    def policy() -> Removal:
        return Removal(
            removes=rng.uniform(0.5, 0.95),
            median_hours=rng.uniform(12.0, 60.0),
            sigma=rng.uniform(0.6, 1.2),
            batch_hours=batch,
        )

    hosters = tuple(
        msgspec.structs.replace(
            one, weight=6.0 if one.key == TARGET else rng.uniform(1.5, 4.0), removal=policy(), catch_all=False
        )
        for one in base.hoster
        if one.key in wanted
    )
    pressed = () if kind in EVENTLESS else (TARGET, *CONTROLS[: int(kind == "interference")])
    return msgspec.structs.replace(
        base,
        seed=rng.randrange(2**31),
        days=DAYS,
        step_s=3600.0 * 3,
        hoster=hosters,
        sites=Sites(
            count=rng.randint(*(sites or MORE_SITES.get(kind, SITES))),
            urls_per_site=(1, 3),
            reported_over_days=(0.0, DAYS - 8),
            sources=("hotline", "feed"),
            campaigns=rng.randint(60, 120) if kind == "campaigns" else 0,
        ),
        movement=Movement(
            after_takedown=rng.uniform(0.25, 0.35) if kind.startswith("displaced") else 0.0,
            home_share=rng.uniform(0.3, 0.7),
            copy=2.0,
            parallel=0.3 if kind == "mirrors" else 0.0,
            reported_home=0.9,
            reported_abroad=rng.uniform(0.7, 0.9),
        ),
        intervention=tuple(Intervention(hoster=one, day=AT, within_hours=12.0) for one in pressed),
        sale=(),
        renaming=(),
        fronting=(),
        renumbering=(),
        outage=(),
        vantages=(),
        empty_delivery_hours=(),
        beside="nothing",
    )


def study(kind: str, rng: random.Random, sites: tuple[int, int] | None = None) -> tuple[Conclusions, Truth, Event]:
    """One drawn study, and an event that it can answer."""
    return _study(kind, rng, sites)[:3]


def _study(
    kind: str, rng: random.Random, sites: tuple[int, int] | None = None
) -> tuple[Conclusions, Truth, Event, EventWorld | None]:
    """The same, and what else happens around the event."""
    around = drawn(kind, rng) if kind in AROUND else None
    world = around.world if around else drawn_world(kind, rng, sites)
    outages = ((AT * 24.0 - rng.uniform(6.0, 24.0), AT * 24.0),) if kind == "outage" else ()
    plan = LookPlan(every_hours=3.0, late_hours=24.0, missed=rng.uniform(0.0, 0.05), outages=outages)
    at = world.start + timedelta(days=AT)
    truth = happened(around) if around else simulate(world)
    if kind == "feed stops":
        there = {one.url for one in truth.episodes if one.hoster == TARGET}
        kept = [one for one in truth.reports if one.source != "feed" or one.reported_at < at or one.url not in there]
        truth = replace(truth, reports=tuple(kept))
    conclusions = virtual_study(truth, plan, rng).conclusions
    buffer, spared = (tuple(one for one in some if one in conclusions.hosters) for some in (BUFFER, SPARED))
    event = Event(
        target=TARGET,
        date=at,
        chosen_until=at - timedelta(days=1),
        controls=CONTROLS,
        buffer=buffer if spared else (),
        buffer_controls=spared if buffer else (),
        before=28,
        after=AFTER,
        horizon_h=72.0,
        most_contaminated=0.5,
        detection=Detection(home=(0.8, 1.0), abroad=(0.6, 1.0)),
    )
    return conclusions, truth, event, around


def one_report(which: tuple[str, int, int]) -> dict[str, Any]:
    """One study: the branch, the claims, and whether they and all clauses are true."""
    kind, seed, number = which
    gc.collect()  # conclusions refer to themselves, and hold much
    began = time.process_time()
    conclusions, truth, event, around = _study(kind, random.Random(f"{seed} {KINDS.index(kind)} {number}"))
    found = findings(conclusions, truth.world.home, INFO, event)
    assert found.summary is not None
    tests = {one.name: one for one in found.answers if one.test}
    claimed = {name for name, one in tests.items() if one.adjusted is not None and one.adjusted <= 0.05}
    notes = [note for note in map(found.formatter.text, found.notes) if note.startswith("feed ")]
    sources = [one for one in truth.world.sites.sources if not any(note.startswith(f"feed {one} ") for note in notes)]
    said = clauses(found.formatter.text(found.summary.text), truth, event, sources, around)
    pressed = bool(truth.world.intervention)
    holds = {
        "removed more": pressed,
        "more than controls": pressed,
        "by the event": pressed,
        "moved": kind.startswith("displaced"),
    }
    if around:
        holds = sentences(around, truth)
    true = {name for name, sentence in SENTENCES.items() if holds[sentence]}
    if pressed:
        true |= {"mean change", "mean change, blocks", "mean change, places"}
    primary = [one for one in found.answers if one.name == event.primary]
    return {
        "kind": kind,
        "seed": seed,
        "number": number,
        "branch": found.summary.branch,
        "false": bool(claimed - true),
        "claimed": sorted(claimed),
        "answered": all(one.refusal is None for one in primary) and found.summary.branch != "refused",
        "power": event.primary in claimed,
        "fell": "removal, change" in claimed,
        "by the event": EARLIER in claimed,
        "takedowns": found.moved.ended if found.moved else 0,
        "refusals": sorted({f"{one.name}: {_reason(found, one)}" for one in found.answers if one.test and one.refusal}),
        "notes": notes,
        "untrue": sorted(name for name, true in said.items() if not true),
        "said": len(said),
        "seconds": round(time.process_time() - began, 2),
    }


def _reason(found: Any, answer: Any) -> str:
    """Why an answer has no number, in words."""
    return found.formatter.plain(answer.refusal)


def figures(row: dict[str, Any]) -> dict[str, float]:
    """What counts of one study; whether it was answered only with enough takedowns."""
    made = {name: float(row[name]) for name in ("false", "power", "fell", "takedowns", "seconds")}
    made["untrue"] = float(bool(row["untrue"]))
    if row["takedowns"] >= LEAST_TAKEDOWNS:
        made["answered"] = float(row["answered"])
    if row["takedowns"] >= MANY_TAKEDOWNS:
        made["power of many"] = float(row["power"])
    return made


def report_of(cells: dict[Key, Tally]) -> Iterator[str]:
    """Print a line for each cell; yield what is missed, beyond two standard errors."""
    print(
        f"{'world':14} {'n':>5} {'false':>6} {'(se)':>7} {'untrue':>6} {'(se)':>7} {'of':>5} {'answered':>8} "
        f"{'fell':>6} {'power':>6} {'of':>5} {'power':>6} {'ended':>6} {'s':>5}"
    )
    for (kind,), tally in cells.items():
        false, error = tally.mean("false"), tally.error("false")
        untrue, spread = tally.mean("untrue"), tally.error("untrue")
        print(
            f"{kind:14} {tally.studies:5} {false:6.3f} ({error:.3f}) {untrue:6.3f} ({spread:.3f}) "
            f"{tally.n('answered'):5} {tally.mean('answered'):8.3f} {tally.mean('fell'):6.3f} "
            f"{tally.mean('power'):6.3f} {tally.n('power of many'):5} {tally.mean('power of many'):6.3f} "
            f"{tally.mean('takedowns'):6.0f} {tally.mean('seconds'):5.1f}"
        )
        if untrue > MOST_FALSE + 2 * spread:
            yield f"{kind}: {untrue:.1%} of answers hold an untrue clause, {MOST_FALSE:.0%} allowed"
        if false > MOST_FALSE + 2 * error:
            yield f"{kind}: {false:.1%} of reports claim something false, {MOST_FALSE:.0%} allowed"
        answered = tally.mean("answered")
        if kind not in STOPPED and tally.n("answered") and answered + 2 * tally.error("answered") < LEAST_ANSWERED:
            yield f"{kind}: {answered:.0%} of reports answer the primary question, {LEAST_ANSWERED:.0%} wanted"
        power = tally.mean("power of many")
        if (
            kind.startswith("displaced")
            and tally.n("power of many")
            and power + 2 * tally.error("power of many") < LEAST_POWER
        ):
            yield f"{kind}: power {power:.2f} with {MANY_TAKEDOWNS} takedowns or more, {LEAST_POWER:.2f} wanted"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    asked(parser, studies=500, seed=19_001, results="event-reports.jsonl")
    options = parser.parse_args()
    began = time.perf_counter()
    wanted = [(kind, options.seed, number) for kind in options.kinds for number in range(options.studies)]
    names = ("kind", "seed", "number")
    have = resumed(wanted, one_report, options.results, names=names, workers=options.workers, chunk=1)
    cells: dict[Key, list[dict[str, float]]] = defaultdict(list)
    for one in wanted:
        cells[one[:1]].append(figures(have[one]))
    tallies = pooled({cell: tallied(rows) for cell, rows in cells.items()}, options.seed, options.sums)
    wrong = list(report_of(tallies))
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
