"""A year of a study that is killed, restored, upgraded, sealed and pruned, beside one that nothing disturbed.

Usage: python benchmarks/year.py [--urls N] [--days N] [--seed N] [--publish N] [--studies DIR]. Bounded; no network.
A world of the lab happens for a year, a hundred looks a URL; both studies record what they would have seen of it, five
days at a time. The recorder of the disturbed one is killed again and again, its own network fails, its store goes
through the schemas there were, closed days are sealed and pruned, it is backed up every ten days, and three times it is
lost whole and restored, into PostgreSQL and back. Nothing is mended by hand. With --publish the commands `waterbed
publish` and `waterbed rank` run on so many days of the year. Stopped, it goes on where it was when it is called again
with the same words and --studies. Exit code 1 unless its rankings are those of the undisturbed study within their
intervals.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from year_studies import Disturbed, Recorded, Undisturbed, forked, postgresql

from waterbed.lab.simulate.facts import LookPlan, VirtualFacts, facts_in_stretches
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.conclusions import RankingRow
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Report, Resolution, Target
from waterbed.service.doctor_storage import store_findings
from waterbed.store.lake.rows import in_sql, with_rows
from waterbed.store.tables import table_name
from waterbed.store.whole.files import write_whole
from waterbed.study.study import Study, open_study

STEP = 5
"""Days that are recorded at a time."""
TIMES = {
    Target: "added_at",
    Report: "received_at",
    ControlLook: "observed_at",
    Resolution: "resolved_at",
    Observation: "observed_at",
    CanaryLook: "observed_at",
}
OUTAGES = 14
LOSSES = (0.4, 0.6, 0.8)
"""When the study is lost whole, as shares of the year."""
PLAN = LookPlan(every_hours=1.0, late_hours=72.0, missed=0.05, late=0.1, control_hours=12.0)
EARLY = 30
"""Days after which a study that publishes has this version's schema."""
NOTED = ("steps", "looks", "reports", "urls", "slowest", "took")
"""Of a year, for the process that goes on with it."""


def happened(urls: int, days: int, seed: int) -> Truth:
    """A year of a world in which so many URLs are reported."""
    world = read_world(scenario_path("waterbed"))
    sites = msgspec.structs.replace(
        world.sites,
        count=max(60, round(urls / 2.7)),
        reported_over_days=(0.0, days - 8.0),
        big_site=max(10, urls // 40),
    )
    # nobody presses a hoster: all of it going at once is held for a person to decide on (the cycle guard)
    return simulate(msgspec.structs.replace(world, seed=seed, days=float(days), sites=sites, intervention=()))


def failing(facts: VirtualFacts, world: World, outages: Sequence[tuple[float, float]]) -> VirtualFacts:
    """The same facts, but that nothing was seen while our own network failed."""

    def out(when: datetime) -> bool:
        hour = (when - world.start) / timedelta(hours=1)
        return any(begin <= hour < end for begin, end in outages)

    blind = {"phase": "dns", "failure": "timeout", "status": None, "media_type": None, "control_id": None, "marks": ()}
    gone = {"redirect": None, "redirect_url_id": None, "redirect_site_id": None}
    looks = [replace(look, **blind, **gone) if out(look.observed_at) else look for look in facts.looks]
    canaries = [replace(one, reached=0) if out(one.observed_at) else one for one in facts.canaries]
    return replace(facts, looks=looks, canaries=canaries)


def by_class(facts: VirtualFacts) -> Recorded:
    """Facts in the order in which a crawler records them."""
    return {
        Target: list(facts.targets.values()),
        Report: facts.reports,
        ControlLook: list(facts.controls.values()),
        Resolution: list(facts.resolutions.values()),
        Observation: facts.looks,
        CanaryLook: facts.canaries,
    }


@contextmanager
def beside(work: Callable[..., None], *given: Any) -> Iterator[None]:
    """Do some work in a process of its own meanwhile."""
    child = forked(work, *given)
    yield
    if os.waitpid(child, 0)[1]:
        raise SystemExit("the undisturbed study could not be recorded")


@dataclass(slots=True, kw_only=True)
class Year:
    """What is to happen, and what has been recorded so far."""

    days: int
    outages: Sequence[tuple[float, float]]
    publish_on: frozenset[int] = frozenset()
    steps: int = 0
    looks: int = 0
    reports: int = 0
    urls: int = 0
    slowest: float = 0.0
    """Of the publications, seconds by the clock."""
    took: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds by the clock, by what was done."""

    @contextmanager
    def taking(self, what: str) -> Iterator[None]:
        """Count the seconds of some work."""
        began = time.monotonic()
        yield
        self.took[what] += time.monotonic() - began


def lived(year: Year, study: Disturbed, calm: Undisturbed, stretches: Iterable[VirtualFacts], notes: Path) -> None:
    """Live through what is left of the year; note after each stretch how far it came."""
    losses = [round(share * year.days / STEP) for share in LOSSES]
    for number, seen in enumerate(stretches):
        if number < year.steps:
            continue
        day = (number + 1) * STEP
        facts = by_class(failing(seen, study.world, year.outages))
        year.looks, year.reports = year.looks + len(seen.looks), year.reports + len(seen.reports)
        year.urls += len(seen.targets)
        with year.taking("recorded"), beside(calm.record, by_class(seen)):
            if number in losses and study.newest:
                lost_whole(study, facts, study.world.start + timedelta(days=day - 1))
            else:
                study.record(facts)
        with year.taking("cared for"):
            cared(year, study, day)
        if day in year.publish_on:
            with year.taking("published"):
                publish(year, study, day)
        year.steps = number + 1
        note(year, study, notes)


def note(year: Year, study: Disturbed, notes: Path) -> None:
    """Write down how far it came, for the process that goes on with it."""
    done = {name: getattr(year, name) for name in NOTED}
    write_whole(notes, msgspec.json.encode({"year": done, "study": study.left()}))


def cared(year: Year, study: Disturbed, day: int) -> None:
    """What an operator's timers do; versions are installed until the newest is."""
    if study.newest:
        study.care(day)
        return
    for _ in range(2 if year.publish_on else not day % 10):
        if not study.newest:
            study.upgrade()


def publish(year: Year, study: Disturbed, day: int) -> None:
    """Publish and rank as a user does; print what each took.

    `rank` comes after `publish` and finds its conclusions kept.
    """
    cells = []
    for words in (("publish", str(study.path.parent / "published")), ("rank",)):
        wall_s, cpu_s, peak_mib = cost(study.path, *words)
        cells.append(f"{wall_s:8.1f} {cpu_s:8.1f} {peak_mib:8,.0f}")
        if words[0] == "publish":
            year.slowest = max(year.slowest, wall_s)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{day:4} {year.urls:10,} {year.looks:12,} {' '.join(cells)} {own:8,.0f}", flush=True)


def cost(study: Path, *words: str) -> tuple[float, float, float]:
    """Seconds by the clock, processor seconds and peak MiB of a command in a process of its own.

    It is started by a small process, since a new one's peak begins at its starter's.
    """
    command = (sys.executable, "-m", "waterbed.cli", "-C", str(study), *words)
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "copies.py"), "1", *command],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"waterbed {words[0]} failed")
    used = json.loads(ran.stdout.splitlines()[-1])
    return used["wall_s"], used["cpu_s"], used["peaks_mib"][0]


def lost_whole(study: Disturbed, facts: Recorded, night: datetime) -> None:
    """The disk is lost a day after the last backup: that day's reports are delivered again, its looks are gone."""
    before: Recorded = {cls: [one for one in some if getattr(one, TIMES[cls]) < night] for cls, some in facts.items()}
    study.record(before)
    study.back_up()
    study.record(facts)
    study.lose()
    study.record({cls: facts[cls] for cls in (Target, Report) if facts.get(cls)})


def held_together(ours: Sequence[RankingRow], theirs: Sequence[RankingRow]) -> int:
    """Print both rankings side by side; how many hosters differ by more than what is given as unsure.

    A share that is withheld, since too much went unseen, comes with bounds: the other share must lie within them, and
    no more than one row in ten may be such a one.
    """
    other = {row.key: row for row in theirs}
    print("hoster            hosts  undisturbed          hosts  disturbed")
    missed, withheld, shown = 0, 0, 0
    for row in ours:
        seen = other.get(row.key)
        if row.removed_24h is None and (seen is None or seen.removed_24h is None):
            continue
        shown += 1
        near = seen is not None and abs(row.hosts - seen.hosts) <= max(1, 0.01 * row.hosts) and _near(row, seen)
        missed += not near
        withheld += row.removed_24h is None or seen is None or seen.removed_24h is None
        told = f"{seen.hosts:6}  {_share(seen)}" if seen else "missing"
        print(f"{row.key:16} {row.hosts:6}  {_share(row)}  {told}{'' if near else '  DIFFERS'}")
    if withheld > 0.1 * shown:
        print(f"{withheld} of {shown} shares are withheld in one of the two: too many")
        missed += withheld
    return missed


def _near(row: RankingRow, seen: RankingRow) -> bool:
    return _within(row, seen) and _within(seen, row)


def _within(row: RankingRow, other: RankingRow) -> bool:
    """Whether the share of one lies where the other says that it may."""
    if row.removed_24h is None:
        return True
    low, high = _ends(other)
    return low <= row.removed_24h <= high


def _ends(row: RankingRow) -> tuple[float, float]:
    if row.removed_24h is None:
        return row.removed_24h_worst or 0.0, 1.0 if row.removed_24h_best is None else row.removed_24h_best
    return row.removed_24h_low or 0.0, 1.0 if row.removed_24h_high is None else row.removed_24h_high


def _share(row: RankingRow) -> str:
    low, high = _ends(row)
    return f"{'-----' if row.removed_24h is None else f'{row.removed_24h:.3f}'} ({low:.3f} to {high:.3f})"


def looks_of(study: Study) -> tuple[int, int]:
    """How many looks a study has, and how many different ones."""
    ids = {Observation: ("observation_id",)}

    def counted(parts: Any) -> tuple[int, int]:
        with in_sql(parts, ids, folder=study.path) as sql:
            text = f"SELECT count(*) AS n, count(DISTINCT observation_id) AS d FROM {table_name(Observation)}"
            (row,) = sql.table(text).to_pylist()
            return row["n"], row["d"]

    return with_rows(study.folder, list(ids), counted)


def sampled(days: int, count: int, seed: int) -> frozenset[int]:
    """Days on which a study is published: so many, the last one among them."""
    last = -(-days // STEP) * STEP
    able = list(range(EARLY, last, STEP))
    return frozenset([last, *random.Random(f"publish {seed}").sample(able, min(count - 1, len(able)))] if count else ())


def main() -> int:
    """Run both years and compare."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--urls", type=int, default=5_000)
    words.add_argument("--days", type=int, default=365)
    words.add_argument("--seed", type=int, default=20_260)
    words.add_argument("--publish", type=int, default=0, metavar="N", help="publish and rank on N days of the year")
    words.add_argument("--most", type=float, default=180.0, help="seconds that a publication may take (180)")
    words.add_argument(
        "--studies", type=Path, help="a folder in which both studies are left: empty, or one to go on in"
    )
    asked = words.parse_args()
    began, chance = time.perf_counter(), random.Random(asked.seed)
    truth = happened(asked.urls, asked.days, asked.seed)
    world, hours = truth.world, asked.days * 24
    outages = tuple(
        (start, start + chance.uniform(2, 30)) for start in (chance.uniform(0, hours) for _ in range(OUTAGES))
    )
    year = Year(days=asked.days, outages=outages, publish_on=sampled(asked.days, asked.publish, asked.seed))
    with tempfile.TemporaryDirectory() as made, postgresql((asked.studies or Path(made)) / "servers") as servers:
        place = asked.studies or Path(made)
        os.environ["XDG_CONFIG_HOME"] = f"{place}/config"
        notes, left = place / "lived.json", None
        if notes.exists():
            noted = msgspec.json.decode(notes.read_bytes())
            year, left = replace(year, **noted["year"]), noted["study"]
            year.took = defaultdict(float, year.took)
        study = Disturbed(place, world, servers, chance, left)
        calm = Undisturbed(place / "undisturbed", world, new=left is None)
        note(year, study, notes)
        if year.publish_on:
            print(" day       URLs        looks  publish: s, processor s, MiB     rank: s, processor s, MiB  recorder")
        stretches = facts_in_stretches(truth, PLAN, random.Random(asked.seed), timedelta(days=STEP))
        lived(year, study, calm, stretches, notes)
        print(f"{year.urls:,} URLs, {year.reports:,} reports, {year.looks:,} looks in {asked.days} days")
        with open_study(study.path, clock=lambda: world.end) as opened:
            problems = [one for one in store_findings(opened) if one.open]
            kept, different = looks_of(opened)
            reports = opened.store.count(Report)
            after = ranking_of(opened.conclude())
        with open_study(calm.path, clock=lambda: world.end) as opened:
            missed = held_together(ranking_of(opened.conclude()), after)
    print("; ".join(f"{what} in {seconds:.0f} s" for what, seconds in year.took.items()))
    doubled = kept - different
    stood = {number: f"{count:,}" for number, count in study.counts.items()}
    print(
        ", ".join(f"{count} {what}" for what, count in stood.items()), f"and {len(outages)} outages of our own network"
    )
    print(
        f"looks lost with the disks since the last backup: {year.looks - kept:,} of {year.looks:,}; doubled: {doubled}"
    )
    print(f"reports lost: {year.reports - reports}; problems of the store: {len(problems)}")
    print(f"hosters that differ by more than their intervals: {missed}; {time.perf_counter() - began:.0f} s")
    if year.publish_on:
        print(f"{len(year.publish_on)} publications, none by hand; the slowest took {year.slowest:.0f} s")
    good = not missed and not doubled and not problems and reports == year.reports and year.slowest <= asked.most
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
