"""A whole study of the lab's main world, without its eighteen days: facts as the crawler would have recorded them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from waterbed.lab.simulate.facts import LookPlan, VirtualFacts, virtual_facts
from waterbed.lab.simulate.single_facts import keyed
from waterbed.lab.world.allocations import Allocations, country_csv, hosters_toml, routing_csv
from waterbed.lab.world.file import World
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.facts import Notice
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Publish
from waterbed.study.study import Study, create_study

ROOT = Path(__file__).parents[2]


@contextmanager
def lab_study(folder: Path) -> Iterator[Study]:
    """The study in `folder/study`; its keys lie in `folder/config`, where XDG_CONFIG_HOME has to point."""
    world = read_world(scenario_path("waterbed"))
    config = Config(
        study=f"{world.seed:032x}",
        name="Lab scenario waterbed",
        home=world.home,
        vantage="lab",
        publish=Publish(publisher="a hotline", licence="CC-BY-4.0", least=5),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        # the clock stands at the end of the world, for the server of this study too
        with create_study(
            folder / "study", config, Lab(resolver="127.0.0.1:9", clock=world.end, connect_to=())
        ) as study:
            _add_tables(study, world, folder)
            seen = virtual_facts(simulate(world), LookPlan(every_hours=2.5), random.Random(1))
            for url_id, target in seen.targets.items():
                seen.targets[url_id] = replace(target, suffix_id=_suffixes(study).get(target.suffix_id))
            study.folder.store.add(_facts(seen))
            _add_events(study)
            yield study


def _add_tables(study: Study, world: World, folder: Path) -> None:
    """The world's own tables of each day on which one changes, and its hosters."""
    path = folder / "table.csv"
    for day in Allocations(world).days():
        moment = datetime.combine(day, time.max, world.start.tzinfo)
        for kind, text in (
            ("routes", routing_csv(world, moment=moment)),
            ("places", country_csv(world, moment=moment)),
        ):
            path.write_text(text)
            study.add_table(path, day, kind=kind, licence="CC0-1.0")
    (folder / "hosters.toml").write_text(hosters_toml(world))
    study.set_hosters(folder / "hosters.toml")


@lru_cache
def _suffixes(study: Study) -> dict[str | None, str]:
    """The study's ids of platforms' suffixes, by those of a virtual study."""
    return {keyed("suffix", suffix): study.vault.keyed_id("suffix", suffix) for suffix in study.book().suffixes()}


def _add_events(study: Study) -> None:
    """What was declared about the world's intervention, and the same of a hoster that there is not."""
    events = study.folder.path / "events"
    events.mkdir()
    declared = (ROOT / "waterbed/lab/world/scenarios/events/waterbed.toml").read_text(encoding="utf-8")
    (events / "moerashost acts.toml").write_text(declared)
    (events / "nobody acts.toml").write_text(declared.replace("moerashost", "nobody"))


def _facts(seen: VirtualFacts) -> list[object]:
    """All facts, and a notice for every second report of the hotline, ten minutes after it came."""
    notices = [
        _notice(number, report.url_id, report.received_at + timedelta(minutes=10))
        for number, report in enumerate(one for one in seen.reports if one.source == "hotline")
        if number % 2 == 0
    ]
    return [
        *seen.targets.values(),
        *seen.resolutions.values(),
        *seen.controls.values(),
        *seen.reports,
        *seen.canaries,
        *seen.looks,
        *notices,
    ]


def _notice(number: int, url_id: str, sent: datetime) -> Notice:
    return Notice(
        notice_id=f"notice{number}",
        url_id=url_id,
        kind="ntd",
        sender="hotline",
        recipient="abuse desk",
        batch=None,
        channel=None,
        reminder=False,
        sent_at=sent,
        delivered_at=sent,
        bounced=False,
        acknowledged_at=None,
        response=None,
        held_for_police=False,
        received_at=sent,
    )
