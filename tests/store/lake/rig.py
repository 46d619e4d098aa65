"""A study folder that holds the facts of a virtual study, and what was removed from its store as prune does."""

import os
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
from sqlalchemy import delete

from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import VirtualStudy, virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.facts import Observation
from waterbed.store.config import Config
from waterbed.store.folder import Folder, create_folder
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.pruning import keys, mark_pruned
from waterbed.store.machine_settings import LakeAt, StoreAt
from waterbed.store.tables import TABLES
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts, read_facts

LATER = timedelta(days=3)


@cache
def virtual(sites: int = 8) -> VirtualStudy:
    """A small study of the world `waterbed`, with outages and several days."""
    world = read_world(scenario_path("waterbed"))
    small = msgspec.structs.replace(world, sites=msgspec.structs.replace(world.sites, count=sites))
    return virtual_study(simulate(small), LookPlan(every_hours=6.0, missed=0.05), random.Random(11))


def in_store(path: Path, facts: Facts, *, store: str = "sqlite", location: str = "lake") -> Folder:
    """A study folder whose store has these facts; its clock is days after the last."""
    config = Config(study=os.urandom(16).hex(), store=StoreAt(url=store), lake=LakeAt(location=location))
    folder = create_folder(path, config)
    every = [*facts.targets.values(), *facts.reports, *facts.resolutions.values(), *facts.controls.values()]
    folder.store.add([*every, *facts.looks, *facts.canaries])
    last = max((look.observed_at for look in facts.looks), default=datetime(2026, 1, 1, tzinfo=UTC))
    folder.clock = lambda: last + LATER
    return folder


def prune(folder: Folder, days: list[date]) -> int:
    """Remove from the store what the lake has of some days."""
    mark_pruned(folder, days)
    gone = 0
    for cls in PRUNABLE:
        (key,) = cls.KEY  # type: ignore[attr-defined]
        for day in days:
            table = TABLES[cls]
            with folder.store.writing() as connection:
                gone += connection.execute(delete(table).where(table.c[key].in_(keys(folder, cls, day)))).rowcount
    return gone


def concluded(folder: Folder, like: VirtualStudy) -> Conclusions:
    """What is concluded from a folder's facts, by the tables and settings of a virtual study."""
    its = like.conclusions
    return Conclusions(read_facts(folder), its.attributor, its.rules, its.config, its._opened)


def figures(conclusions: Conclusions) -> dict[str, object]:
    """All that a lake may not change."""
    return {
        "facts": conclusions.facts,
        "verdicts": conclusions.verdicts,
        "quarantines": conclusions.quarantines,
        "episodes": conclusions.episodes,
        "hops": conclusions.hops,
        **{f"ranking {by}": ranking_of(conclusions, by) for by in ("hoster", "asn", "country")},
    }


def days_of(facts: Facts) -> list[date]:
    """The days of the looks."""
    return sorted({look.observed_at.date() for look in facts.looks})


def shifted(look: Observation, number: int) -> Observation:
    """Another look, a microsecond later."""
    later = look.observed_at + timedelta(microseconds=number + 1)
    return replace(look, observation_id=f"late-{number}-{look.observation_id}", observed_at=later)
