"""One study over the whole zoo, looked at by the production path."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from tests.study.rig import NOON, reports_csv
from tests.zoo.behaviour import Behaviour
from tests.zoo.servers import CANARY, Taken, Zoo
from waterbed.crawler.probe.prober import HostFacts, HostTask, Prober
from waterbed.crawler.recheck.run import run_recheck
from waterbed.model.conclusions import Verdict
from waterbed.model.errors import OwnFailure
from waterbed.model.facts import ControlLook, Observation, Profile, Resolution
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Canary, Names, Probe, Vantage
from waterbed.study.study import Study, create_study

NAME_S = 2.0
"""The look-ups' deadline in the zoo, seconds."""

ASK_S = 3.0
"""The deadline of one request in the zoo, seconds."""

PROFILES: tuple[Profile, ...] = ("strict", "headers", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the product made of a behaviour in one profile, and what the servers saw of it."""

    behaviour: Behaviour
    observation: Observation
    resolution: Resolution
    control: ControlLook | None
    verdict: Verdict
    seconds: float
    taken: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One pass over the zoo."""

    seen: dict[str, Seen]
    log: str
    seconds: float


def config(profile: Profile, vantages: tuple[Vantage, ...] = ()) -> Config:
    """Short deadlines, no pauses, many hosts at once."""
    return Config(
        study=f"{time.time_ns():032x}",
        vantage="zoo",
        network="zoo",
        vantages=vantages,
        contact="zoo@localhost",
        names=Names(timeout_s=NAME_S, tries=2, in_flight=1000),
        probe=Probe(
            profiles={"phishing": profile},
            timeout_s=ASK_S,
            hosts_at_once=96,
            per_address=64,
            delay_s=0.0,
            per_network=10_000,
            network_delay_s=0.0,
        ),
        canary=Canary(targets=(CANARY.reported,)),
    )


@contextmanager
def zoo_study(zoo: Zoo, profile: Profile, folder: Path, vantages: tuple[Vantage, ...] = ()) -> Iterator[Study]:
    """A study to which every host of the zoo was reported."""
    lab = Lab(resolver=zoo.resolver, clock=NOON, connect_to=zoo.connect_to)
    with create_study(folder / f"study-{profile}", config(profile, vantages), lab) as study:
        study.import_reports(reports_csv([(b.reported, "") for b in zoo.played], folder))
        yield study


def play(zoo: Zoo, profile: Profile, folder: Path) -> Played:
    """One pass over the zoo in one profile."""
    zoo.reset()
    with zoo_study(zoo, profile, folder) as study:
        began = time.monotonic()
        # our own failure leaves looks without observation, and the tests of those name them
        with _timed() as seconds, listening() as log, suppress(OwnFailure):
            run_recheck(study.folder)
        return Played(seen=_seen(study, zoo, seconds), log=log.text, seconds=time.monotonic() - began)


def _seen(study: Study, zoo: Zoo, seconds: dict[str, float]) -> dict[str, Seen]:
    conclusions = study.conclude()
    looks = {look.url_id: look for look in conclusions.facts.looks}
    verdicts = {verdict.url_id: verdict for verdict in conclusions.verdicts}
    taken = zoo.taken()
    keyed = study.folder.vault.keyed_id
    seen = {}
    for behaviour in zoo.played:
        look = looks.get(keyed("url", behaviour.reported))
        if look is not None:
            seen[behaviour.name] = Seen(
                behaviour=behaviour,
                observation=look,
                resolution=conclusions.facts.resolutions[look.resolution_id or ""],
                control=conclusions.facts.controls.get(look.control_id or ""),
                verdict=verdicts[look.url_id],
                seconds=seconds[keyed("host", behaviour.host)],
                taken=taken[behaviour.name],
            )
    return seen


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """The seconds of each host's look, by its id, measured around the production path."""
    seconds: dict[str, float] = {}
    check = Prober.check

    async def timed(self: Prober, task: HostTask) -> HostFacts:
        began = time.monotonic()
        try:
            return await check(self, task)
        finally:
            seconds[task.host_id] = time.monotonic() - began

    with patch.object(Prober, "check", timed):
        yield seconds


class Log(logging.Handler):
    """Everything that is logged, at any level."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(self.format(record))

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)


@contextmanager
def listening() -> Iterator[Log]:
    """Hear the root logger at DEBUG."""
    log, root = Log(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)


def names_in(text: str, behaviours: Sequence[Behaviour]) -> list[str]:
    """Which host names stand in a text."""
    return [b.host for b in behaviours if b.host in text]
