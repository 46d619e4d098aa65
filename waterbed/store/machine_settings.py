"""The sections of settings about machines: service, store, lake, lab."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec


class Log(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Form of the log, which never holds URLs or hosts."""

    format: Literal["text", "json"] = "text"


class Chore(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A command of ours that the service repeats."""

    command: str
    """Words as on the command line, without `waterbed` and without `-C`."""
    every_hours: Annotated[float, msgspec.Meta(gt=0)] = 24.0


HostName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]
"""Name or address of a host, without port."""


class Service(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Settings of `waterbed run`."""

    pass_s: Annotated[float, msgspec.Meta(ge=1)] = 3600.0
    stop_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    health_every_s: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    listen: str = "127.0.0.1:9477"
    """Address and port of /health and /metrics; empty: none."""
    names: tuple[HostName, ...] = ()
    """Hosts by which these are asked, besides loopback and the address asked at."""
    longest_wait_s: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    chores: tuple[Chore, ...] = ()


class StoreAt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The location of the facts."""

    url: str = "sqlite"
    most_skew_s: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    """How far a machine's clock may be from the database's."""


class LakeAt(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Location of sealed days, and when a day closes."""

    location: Annotated[str, msgspec.Meta(min_length=1)] = "lake"
    """A folder, from the study's own if relative, or a URI such as s3://bucket/prefix."""
    grace_hours: Annotated[float, msgspec.Meta(ge=0, le=8784)] = 6.0


class Retention(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The retention of facts, by location."""

    store_days: Annotated[float, msgspec.Meta(ge=2, le=36_525)] = 90.0
    """Days whose looks stay in the store when `waterbed prune` is called; older ones are in the lake alone."""
    backup_days: Annotated[float, msgspec.Meta(gt=0, le=36_525)] = 7.0
    """With an older last backup the doctor warns."""


class ConnectTo(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A public prefix and port, and its loopback listener."""

    prefix: str
    port: int
    listener: str


class Lab(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of `lab.toml`: settings peculiar to a lab study."""

    resolver: str
    clock: datetime
    connect_to: tuple[ConnectTo, ...]
    replay: bool = False
    """True if the servers stand in for a real feed's hosts: they answer by construction, so no removal is measured."""
