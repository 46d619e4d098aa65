"""Whether sentences about events are true as their reader reads them: whole reports on simulated studies."""

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import time as of_day
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
import pyarrow as pa

from benchmarks.event_reports import AFTER, AT, BUFFER, CONTROLS, SPARED, TARGET, drawn_world
from benchmarks.event_reports import KINDS as OTHERS
from benchmarks.honest_event_rows import BEYOND, CAUSED, KINDS, MORE, MOVED, SENTENCES, said
from benchmarks.honest_study import NEW, OLD, older
from benchmarks.resumed import Row, mean_error, resumed
from waterbed.graphs.displacement.event import Detection, Event
from waterbed.lab.simulate import event_worlds
from waterbed.lab.simulate.facts import LookPlan, VirtualFacts, virtual_facts
from waterbed.lab.world.allocations import Allocations, country_csv, hosters_toml, routing_csv
from waterbed.lab.world.file import World
from waterbed.lab.world.records import Truth
from waterbed.lab.world.removing import chance_within
from waterbed.lab.world.truth import simulate
from waterbed.store.lake.rows import table_of

AROUND = event_worlds.KINDS
WORLDS = (*AROUND, *(kind for kind in OTHERS if kind not in AROUND))
"""Kinds of worlds: those that know what is true of them, and others of the older benchmark."""
WITHIN_H = 24.0
NOTHING = 0.02
"""A change of expected shares that the mix of hosters may make."""
BY_CHANCE = 2.0
"""Standard errors of two counts up to which the larger one is not more."""
POOLED, EACH = 0.025, 0.05
"""False sentences of one kind that are allowed, over all of its nulls, and in each kind of world."""
LEAST_ANSWERED, LEAST_SHOWN = 0.9, 0.9
"""Beside the older version's."""
KEY = ("kind", "seed", "number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One simulated study around an event, and which sentences are true of it."""

    truth: Truth
    facts: VirtualFacts
    event: Event
    true: Mapping[str, bool]


def case(kind: str, rng: random.Random, sites: tuple[int, int] | None = None) -> Case:
    """Draw a study of a kind of world, and an event that it can answer."""
    truth, true = (_around if kind in AROUND else _other)(kind, rng, sites)
    outages = ((AT * 24.0 - rng.uniform(6.0, 24.0), AT * 24.0),) if kind == "outage" else ()
    plan = LookPlan(every_hours=3.0, late_hours=24.0, missed=rng.uniform(0.0, 0.05), outages=outages)
    event = event_of(truth)
    return Case(truth=truth, facts=virtual_facts(truth, plan, rng), event=event, true=true)


def event_of(truth: Truth) -> Event:
    """The event of a world: its target, controls, and a buffer where content came to one."""
    at, known = truth.world.start + timedelta(days=AT), {one.hoster for one in truth.episodes}
    buffer, spared = (tuple(one for one in some if one in known) for some in (BUFFER, SPARED))
    return Event(
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


def _around(kind: str, rng: random.Random, sites: tuple[int, int] | None) -> tuple[Truth, dict[str, bool]]:
    """A world that is drawn with what is true of it."""
    plan = event_worlds.drawn(kind, rng, sites)  # type: ignore[arg-type]  # one of its kinds
    truth = event_worlds.happened(plan)
    return truth, event_worlds.sentences(plan, truth)


def _other(kind: str, rng: random.Random, sites: tuple[int, int] | None) -> tuple[Truth, dict[str, bool]]:
    """A world of the older benchmark, held beside the same world and seed without the event."""
    world = drawn_world(kind, rng, sites)
    truth, without = simulate(world), simulate(msgspec.structs.replace(world, intervention=()))
    if kind == "feed stops":
        at = world.start + timedelta(days=AT)
        there = {one.url for one in truth.episodes if one.hoster == TARGET}
        kept = [one for one in truth.reports if one.source != "feed" or one.reported_at < at or one.url not in there]
        truth = replace(truth, reports=tuple(kept))
    return truth, sentences(truth, without, event_of(truth))


def sentences(truth: Truth, without: Truth, event: Event) -> dict[str, bool]:
    """Say of each sentence whether it is true, as its reader reads it.

    It removed more: the target's own expected share within a day rose, at the mix of hosters before. More than
    controls: it rose, and by more than theirs. By the event: it is larger than it would be without, in the same world
    and seed. Content moved: more of what was reported there was elsewhere within the horizon than without, detected
    or not.
    """
    own, other = (_rise(truth, places, event) for places in ((event.target,), event.controls))
    after = [_expected(one, (event.target,), event, late=True) for one in (truth, without)]
    moved, otherwise = (moved_contents(one, event) for one in (truth, without))
    return {
        MORE: own > NOTHING,
        BEYOND: own > NOTHING and own - other > NOTHING,
        CAUSED: after[0] - after[1] > NOTHING,
        MOVED: moved - otherwise > BY_CHANCE * sqrt(moved + otherwise),
    }


def _rise(truth: Truth, places: Collection[str], event: Event) -> float:
    return _expected(truth, places, event, late=True) - _expected(truth, places, event, late=False)


def _expected(truth: Truth, places: Collection[str], event: Event, *, late: bool) -> float:
    """The expected share removed within a day, of places at their mix before the event."""
    first: dict[str, datetime] = {}
    for report in truth.reports:
        first.setdefault(report.url, report.reported_at)
    start = event.window[0]
    counts: dict[str, int] = defaultdict(int)
    for one in truth.episodes:
        at = first.get(one.url)
        if at is not None and one.hoster in places and one.start <= at and start <= at < event.at:
            counts[one.hoster] += one.end is None or at < one.end
    when = event.at if late else start
    chances = {place: _chance(truth.world, place, when) for place in counts}
    return sum(chances[place] * n for place, n in counts.items()) / max(1, sum(counts.values()))


def _chance(world: World, place: str, when: datetime) -> float:
    """The chance that a report to a hoster at a time is acted on within a day."""
    for one in world.intervention:
        if one.hoster == place and when >= world.start + timedelta(days=one.day) and one.within_hours <= WITHIN_H:
            return 1.0
    (hoster,) = (one for one in world.hoster if one.key == place)
    return float(chance_within(hoster.removal, world.start, [0.0], [1], WITHIN_H)[0])


def moved_contents(truth: Truth, event: Event) -> int:
    """Contents reported at the target after the event that were elsewhere within the horizon, detected or not.

    The horizon begins with the report, which is the same with the event and without: what is removed later moves later.
    """
    horizon, first = timedelta(hours=event.horizon_h), dict[str, datetime]()
    of_url = {one.url: one.content_id for one in truth.episodes if one.hoster == event.target}
    for report in truth.reports:
        if report.url in of_url:
            first.setdefault(of_url[report.url], report.reported_at)
    return len(
        {
            hop.content_id
            for hop in truth.hops
            if hop.from_hoster == event.target
            and not hop.parallel
            and hop.content_id in first
            and event.at <= first[hop.content_id] < event.window[1]
            and hop.arrived - first[hop.content_id] <= horizon
        }
    )


def write_case(folder: Path, one: Case) -> None:
    """Write a case as files: facts as Arrow tables, the world's routes and hosters as text, the event as JSON."""
    facts, world = one.facts, one.truth.world
    rows = (
        facts.targets.values(),
        facts.reports,
        sorted(facts.looks, key=lambda look: (look.url_id, look.observed_at)),
        facts.resolutions.values(),
        facts.controls.values(),
        facts.canaries,
    )
    for cls, some in zip(KINDS, rows, strict=True):
        table = table_of(cls, some)
        with (
            pa.OSFile(str(folder / f"{cls.__name__}.arrow"), "wb") as file,
            pa.ipc.new_file(file, table.schema) as out,
        ):
            out.write_table(table)
    days = Allocations(world).days()
    for day in days:
        moment = datetime.combine(day, of_day.max, world.start.tzinfo)
        (folder / f"routes-{day}.csv").write_text(routing_csv(world, moment=moment))
        (folder / f"countries-{day}.csv").write_text(country_csv(world, moment=moment))
    about = {
        "home": world.home,
        "hosters": hosters_toml(world),
        "days": [day.isoformat() for day in days],
        "event": msgspec.to_builtins(one.event),
    }
    (folder / "case.json").write_text(json.dumps(about))


def one_report(which: tuple[str, int, int], tree: Path) -> Row:
    """Draw the study of a number, and hold what both versions say against the truth."""
    kind, seed, number = which
    began = time.process_time()
    one = case(kind, random.Random(f"{seed} {kind} {number}"))
    drawn = time.process_time() - began
    with TemporaryDirectory(prefix="waterbed-honest-") as name:
        folder = Path(name)
        write_case(folder, one)
        began = time.process_time()
        ours = {**said(folder), "seconds": round(time.process_time() - began, 2)}
        answer = older(tree, "honest_event_rows.py").answer(folder)
    row = dict(zip(KEY, which, strict=True))
    theirs = {**answer["said"], "seconds": answer["seconds"]}
    return {**row, "true": dict(one.true), NEW: ours, OLD: theirs, "seconds": round(drawn, 2)}


def report(rows: Sequence[Row]) -> Iterator[str]:
    """Print each kind of sentence in each kind of world; yield what does not hold."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for sentence in SENTENCES:
        print(f"{sentence}: {'where it is false':26} {'n':>5} {'said':>6} {'(se)':>7} {'old':>6}")
        false = [row for row in rows if not row["true"][sentence]]
        true = [row for row in rows if row["true"][sentence]]
        for kind in kinds:
            own = [row for row in false if row["kind"] == kind]
            if own:
                rate, error = _line(kind, own, sentence)
                if rate > EACH:
                    yield f"{sentence}, {kind}: {rate:.1%} (se {error:.1%}) false, {EACH:.0%} allowed"
        if false:
            rate, error = _line("all", false, sentence)
            if rate > POOLED:
                yield f"{sentence}: {rate:.1%} (se {error:.1%}) false where it is not true, {POOLED:.1%} allowed"
        if true:
            shown, before = (fmean(float(row[one]["claims"][sentence]) for row in true) for one in (NEW, OLD))
            print(f"  where it is true: said in {shown:.3f} of {len(true)}, old {before:.3f}")
            if sentence in (MORE, BEYOND, MOVED) and shown < LEAST_SHOWN * before:
                yield f"{sentence}: shown in {shown / before:.2f} of the older version's where true"
    yield from _answers(kinds, rows)


def _line(words: str, rows: Sequence[Row], sentence: str) -> tuple[float, float]:
    """Print how often a sentence is said of some studies; give the rate and its error."""
    rate, error = mean_error([float(row[NEW]["claims"][sentence]) for row in rows])
    before = fmean(float(row[OLD]["claims"][sentence]) for row in rows)
    print(f"  {words:42} {len(rows):5} {rate:6.3f} ({error:.3f}) {before:6.3f}")
    return rate, error


def _answers(kinds: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    print(f"{'answered':44} {'n':>5} {'new':>6} {'old':>6}")
    for kind in kinds:
        own = [row for row in rows if row["kind"] == kind]
        new, old = (fmean(float(row[one]["answered"]) for row in own) for one in (NEW, OLD))
        print(f"  {kind:42} {len(own):5} {new:6.3f} {old:6.3f}")
        null = not all(row["true"][CAUSED] for row in own)
        if null and new < LEAST_ANSWERED * old:
            yield f"answered, {kind}: {new / old:.2f} of the older version's, {LEAST_ANSWERED} wanted"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="tree of version 0.2.0, as git worktree makes it")
    parser.add_argument("--kinds", nargs="+", choices=WORLDS, default=WORLDS)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=51_101)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("honest-events.jsonl"), help="resumed if it is there")
    options = parser.parse_args()
    began = time.perf_counter()
    wanted = [(kind, options.seed, number) for number in range(options.studies) for kind in options.kinds]
    work = partial(one_report, tree=options.old)
    have = resumed(wanted, work, options.results, names=KEY, workers=options.workers, chunk=1)
    rows = [have[one] for one in wanted]
    wrong = list(report(rows))
    seconds = [fmean(row["seconds"] for row in some) for some in (rows, [r[NEW] for r in rows], [r[OLD] for r in rows])]
    print(f"a study: {seconds[0]:.1f} s to draw, {seconds[1]:.1f} s to answer, old {seconds[2]:.1f} s")
    print(f"{time.perf_counter() - began:.0f} s, seed {options.seed}")
    print("\n".join(wrong) if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
