"""A study's settings, `waterbed.toml` and `lab.toml`, validated."""

import hashlib
import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from waterbed.model.conclusions import ClockKind
from waterbed.model.countries import not_a_country
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.bounds import misplaced, not_an_agent, refuse_unusable
from waterbed.store.hoster_settings import Hosters
from waterbed.store.machine_settings import Chore, ConnectTo, Lab, LakeAt, Log, Retention, Service, StoreAt
from waterbed.store.settings import (
    Canary,
    Citation,
    Coding,
    Creator,
    CycleGuard,
    Domains,
    ExternalSettings,
    Guard,
    Judge,
    Linking,
    Names,
    Norm,
    Origins,
    Probe,
    Publish,
    Registry,
    Reply,
    Schedule,
    Tlp,
    Vantage,
)
from waterbed.store.whole.files import write_whole

VANTAGE, NETWORK = "WATERBED_VANTAGE", "WATERBED_NETWORK"
"""The environment's names for the place of this machine."""

__all__ = [
    "Canary",
    "Chore",
    "Citation",
    "Coding",
    "Config",
    "ConnectTo",
    "Creator",
    "CycleGuard",
    "Domains",
    "ExternalSettings",
    "Hosters",
    "Judge",
    "Lab",
    "LakeAt",
    "Linking",
    "Log",
    "Names",
    "Norm",
    "Origins",
    "Probe",
    "Publish",
    "Registry",
    "Reply",
    "Retention",
    "Schedule",
    "Service",
    "Settings",
    "StoreAt",
    "Tlp",
    "Vantage",
    "placed",
    "read_config",
    "read_lab",
    "write_toml",
]

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of `waterbed.toml`."""

    study: str
    name: str = "unnamed study"
    home: str = "NL"
    contact: str = ""
    vantage: str = "here"
    network: str = "here"
    vantages: tuple[Vantage, ...] = ()
    routes_max_age_days: float = 31.0
    lists_max_age_days: float = 366.0
    geoip: tuple[str, ...] = ()
    """MaxMind databases that `explain` asks for a second opinion; no conclusion rests on them."""
    clock: ClockKind = "reported"
    engine: Literal["python", "duckdb", "spark"] = "duckdb"
    """Who reads and judges looks: this machine or a Spark cluster; `python` is an old name of duckdb (docs/lake.md)."""
    processes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Processes that share the reading and judging of many looks; 0: as many as there are processors; never more."""
    store: StoreAt = StoreAt()
    lake: LakeAt = LakeAt()
    retention: Retention = Retention()
    names: Names = Names()
    probe: Probe = msgspec.field(default_factory=Probe)
    guard: Guard = Guard()
    schedule: Schedule = Schedule()
    judge: Judge = Judge()
    canary: Canary = Canary()
    cycle_guard: CycleGuard = CycleGuard()
    norm: Norm = Norm()
    registry: Registry = msgspec.field(default_factory=Registry)
    domains: Domains = msgspec.field(default_factory=Domains)
    origins: Origins = Origins()
    hosters: Hosters = Hosters()
    coding: Coding = Coding()
    linking: Linking = msgspec.field(default_factory=Linking)
    testimony: ExternalSettings = ExternalSettings()
    publish: Publish = Publish()
    reply: Reply = Reply()
    citation: Citation = Citation()
    log: Log = Log()
    service: Service = Service()

    def __post_init__(self) -> None:
        """Refuse what would be silently wrong later."""
        if problem := not_a_country(self.home):
            raise ValueError(f"home {problem}")
        for net in self.guard.deny:
            try:
                ip_network(net)
            except ValueError:
                raise ValueError(f"guard.deny {shown(net)} is not a network like 192.0.2.0/24") from None
        for category in self.domains.categories:
            if self.probe.profile_of(category) == "strict":
                raise ValueError(
                    f"domains.categories holds {category!r}, whose profile is strict: a question names the domain to "
                    "its registry (docs/ethics.md); give it another profile in probe.profiles, or leave it out"
                )
        if self.canary.every_s > 2 * self.judge.canary_within_s:
            raise ValueError(
                f"canary.every_s {self.canary.every_s:g} is above twice judge.canary_within_s, "
                f"{2 * self.judge.canary_within_s:g}: between two canary checks so far apart no check is believed"
            )
        if not all(text.isprintable() for text in (self.contact, self.name, self.publish.publisher)):
            raise ValueError("name, contact and publisher may hold no control characters")
        for name, network in ((self.vantage, self.network), *((one.name, one.network) for one in self.vantages)):
            if problem := misplaced("vantage", name) or misplaced("network", network):
                raise ValueError(problem)
        for own in (one.agent for one in self.vantages):
            if own is not None and (problem := not_an_agent(own, self.contact)):
                raise ValueError(problem)
        refuse_unusable(self, resolver=self.names.resolver, listen=self.service.listen, targets=self.canary.targets)


def placed(config: Config) -> Config:
    """Return settings with locations overridden by the environment.

    They are those of this machine; others are as the study says.
    """
    vantage, network = os.environ.get(VANTAGE), os.environ.get(NETWORK)
    for what, name in (("vantage", vantage), ("network", network)):
        if name and (problem := misplaced(what, name)):
            raise InputError(f"{problem} (docs/operations.md, Several machines)")
    named = {name: value for name, value in (("vantage", vantage), ("network", network)) if value}
    return msgspec.structs.replace(config, **named) if named else config


def read_config(path: Path) -> tuple[Config, str]:
    """Read a `waterbed.toml`; return settings and SHA-256 of its bytes."""
    data = _bytes(path)
    return _decode(data, Config, path), hashlib.sha256(data).hexdigest()


def read_lab(path: Path) -> Lab | None:
    """The settings in a `lab.toml`, None if there is none."""
    return _decode(_bytes(path), Lab, path) if path.exists() else None


def write_toml(path: Path, settings: msgspec.Struct) -> None:
    """Write settings as TOML, whole or not at all."""
    write_whole(path, msgspec.toml.encode(settings))


def _bytes(path: Path) -> bytes:
    return toml_bytes(path, "a settings file", "docs/operations.md, Settings")


def _decode(data: bytes, cls: type[Settings], path: Path) -> Settings:
    try:
        return decode(data, type=cls)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path}: {problem} (docs/operations.md, Settings)") from None
