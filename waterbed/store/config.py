"""A study's settings, `waterbed.toml` and `lab.toml`, checked as they are read."""

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from waterbed.model.conclusions import ClockKind, LinkStrength
from waterbed.model.errors import InputError
from waterbed.model.facts import Profile

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Names(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How names are resolved."""

    resolver: str = "127.0.0.1:53"
    timeout_s: float = 5.0
    tries: int = 2
    in_flight: int = 200
    name_server_hours: float = 12.0


class Probe(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a look may do, and how gently."""

    profiles: dict[str, Profile] = msgspec.field(
        default_factory=lambda: {"phishing": "headers", "malware": "headers", "abuse-material": "strict"}
    )
    default_profile: Profile = "strict"
    controls: bool = True
    strict_controls: bool = False
    control_hours: float = 12.0
    timeout_s: float = 20.0
    hosts_at_once: int = 128
    per_address: int = 4
    delay_s: float = 0.5
    per_network: int = 16
    network_delay_s: float = 0.05
    redirect_steps: int = 3
    look_at_redirect_targets: bool = False
    batch: int = 1000


class Schedule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """When a URL is looked at again."""

    young_hours: float = 48.0
    young_interval_s: float = 3600.0
    interval_s: float = 6 * 3600.0
    confirm_s: tuple[float, ...] = (600.0, 1800.0, 7200.0)
    removed_interval_s: float = 6 * 3600.0
    jitter: float = 0.1
    looks_a_day: int = 48
    lease_s: float = 900.0


class Judge(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """When a look is believed."""

    confirm_looks: int = 3
    confirm_s: float = 7200.0
    leave_looks: int = 2
    rotation_hours: float = 24.0
    rotation_days: float = 7.0
    networks: int = 2
    vantage_within_s: float = 900.0
    canary_within_s: float = 300.0
    freeze_s: float = 4 * 3600.0


class Canary(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Well-known targets that tell our outage from theirs."""

    targets: tuple[str, ...] = ()
    every_s: float = 60.0
    need: float = 0.5


class CycleGuard(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """When so much flips at once that it is not believed."""

    cycle_s: float = 3600.0
    share: float = 0.3
    least_sites: int = 8
    times_usual: float = 5.0
    usual_days: float = 7.0
    feed_share: float = 0.5


class Registry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How registries are asked (RDAP), and how long their answers serve."""

    fresh_days: float = 30.0
    retry_hours: float = 6.0
    a_minute: dict[str, float] = msgspec.field(
        default_factory=lambda: {"lacnic": 9.0, "afrinic": 20.0, "apnic": 30.0, "arin": 30.0, "ripe": 60.0}
    )
    default_a_minute: float = 10.0
    bases: dict[str, str] = msgspec.field(default_factory=dict)
    """Base URL of each registry, in place of the bootstrap's."""
    timeout_s: float = 30.0
    tries: int = 4
    most_levels: int = 6
    ipwhois: bool = False
    cymru: bool = False


class Hosters(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the book of hosters rests on."""

    known: bool = True
    """Whether the list of known proxies and platforms lies beneath the study's own file."""


class Linking(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """When URLs are held to carry one content."""

    least: LinkStrength = "strong"
    near_labels: bool = False
    """Whether names are opened in memory to find labels that look alike."""
    weak: float = 4.0
    strong: float = 6.0
    agreement: float = 2.0
    common_share: float = 0.2
    all_pairs: int = 8
    neighbours: int = 2
    most_keys: int = 32
    largest: int = 500
    caps: dict[str, int] = msgspec.field(default_factory=dict)
    """Caps by kind of evidence, in place of those of docs/linking.md; so with the next two."""
    doubts: dict[str, float] = msgspec.field(default_factory=dict)
    weights: dict[str, float] = msgspec.field(default_factory=dict)
    off: tuple[str, ...] = ()


class Vantage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A further place from which what looks down is looked at again."""

    name: str
    network: str
    address: str | None = None
    """Outgoing address of this machine; else the usual one."""
    proxy: str | None = None
    """HTTP CONNECT proxy, address:port: it is told the checked address, never a name."""


Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
"""Traffic light protocol 2.0 of FIRST."""


class Publish(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What may be published, and how it is marked."""

    publisher: str = ""
    """Who publishes; empty: the study's name."""
    tlp: Tlp = "amber"
    licence: Annotated[str, msgspec.Meta(pattern="^[-A-Za-z0-9.+]{1,60}$")] = "LicenseRef-none"
    """SPDX identifier."""
    least: Annotated[int, msgspec.Meta(ge=1)] = 3
    cases: bool = False
    addresses: bool = False


class StoreAt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where the facts are kept."""

    url: str = "sqlite"


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
    clock: ClockKind = "reported"
    store: StoreAt = StoreAt()
    names: Names = Names()
    probe: Probe = msgspec.field(default_factory=Probe)
    schedule: Schedule = Schedule()
    judge: Judge = Judge()
    canary: Canary = Canary()
    cycle_guard: CycleGuard = CycleGuard()
    registry: Registry = msgspec.field(default_factory=Registry)
    hosters: Hosters = Hosters()
    linking: Linking = msgspec.field(default_factory=Linking)
    publish: Publish = Publish()

    def __post_init__(self) -> None:
        """Refuse what would be silently wrong later."""
        if not re.fullmatch("[A-Z]{2}", self.home):
            raise ValueError(f"home {self.home!r} is no ISO country code like NL")
        if not all(text.isprintable() for text in (self.contact, self.name, self.publish.publisher)):
            raise ValueError("name, contact and publisher may hold no control characters")


class ConnectTo(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A public prefix and port, and the loopback listener that plays it."""

    prefix: str
    port: int
    listener: str


class Lab(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of `lab.toml`: the three settings in which a lab study differs."""

    resolver: str
    clock: datetime
    connect_to: tuple[ConnectTo, ...]


def read_config(path: Path) -> tuple[Config, str]:
    """The settings in a `waterbed.toml`, and the SHA-256 of its bytes."""
    data = _bytes(path)
    return _decode(data, Config, path), hashlib.sha256(data).hexdigest()


def read_lab(path: Path) -> Lab | None:
    """The settings in a `lab.toml`, None if there is none."""
    return _decode(_bytes(path), Lab, path) if path.exists() else None


def write_toml(path: Path, settings: msgspec.Struct) -> None:
    """Write settings as TOML, whole or not at all."""
    written = path.with_suffix(".new")
    written.write_bytes(msgspec.toml.encode(settings))
    written.replace(path)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/operations.md") from None


def _decode(data: bytes, cls: type[Settings], path: Path) -> Settings:
    try:
        return msgspec.toml.decode(data, type=cls)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: {problem}; see docs/operations.md, Settings") from None
