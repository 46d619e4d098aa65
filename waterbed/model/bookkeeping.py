"""Bookkeeping: the study's own runs, schedule, keys and decisions.

The same kind of dataclasses as the facts, and stored beside them. `Due`, `Sealed`, `Beat` and `Reserved` alone are
changed or removed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.facts import (
    Birth,
    CanaryLook,
    ControlLook,
    ExternalObservation,
    Notice,
    Observation,
    Origin,
    Report,
    Resolution,
    Snapshot,
    Target,
)
from waterbed.model.governance import DeviationNote, Edition, Preview, ProtocolLock, Reply, Ruling
from waterbed.model.registrations import DomainRegistration, Registration

Decision = Literal["release", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass: who did what, when, how configured."""

    KEY: ClassVar = ("run_id",)
    INDEX: ClassVar = ()

    run_id: Annotated[str, "id of the run"]
    kind: Annotated[str, "import, recheck, registry, origins, backup, seal, or chore and the keyed id of its words"]
    vantage: Annotated[str, "where it ran"]
    started_at: Annotated[datetime, "when it started"]
    version: Annotated[str, "version of Waterbed"]
    config_hash: Annotated[str, "SHA-256 of the study's configuration"]
    clock_skew_s: Annotated[float | None, "seconds the database's clock was ahead; null: no other clock"] = None
    trust_store: Annotated[str | None, "roots and their version that certificates were checked against"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The end of a run; missing if it was killed."""

    KEY: ClassVar = ("run_id",)
    INDEX: ClassVar = ()

    run_id: Annotated[str, "the run"]
    finished_at: Annotated[datetime, "when it ended"]
    outcome: Annotated[str, "finished, stopped, failed or killed"]
    done: Annotated[int, "checks or rows done"]
    rate: Annotated[float | None, "checks a second while there was much to check; null: there never was"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The next check of a URL, and its run."""

    KEY: ClassVar = ("url_id",)
    INDEX: ClassVar = (("due_at",), ("network_part", "due_at", "host_id"), ("lease_run_id",))
    SPARSE: ClassVar = ("lease_run_id",)

    url_id: Annotated[str, "the URL"]
    host_id: Annotated[str, "its host: checks of one host are made together"]
    due_at: Annotated[datetime, "when the next check is due (study clock)"]
    streak: Annotated[int, "checks in a row that saw it down"]
    first_report_at: Annotated[datetime, "age of the URL counts from here"]
    category: Annotated[str, "category that chooses the profile: the first report's, or a later one's that is stricter"]
    lease_run_id: Annotated[str | None, "the run that holds it"]
    day_began_at: Annotated[datetime | None, "first check of the 24 hours that are being counted"] = None
    day_looks: Annotated[int, "checks in these 24 hours"] = 0
    fingerprint: Annotated[str | None, "keyed hash of the last answer's features: a change asks for a control"] = None
    anchor_at: Annotated[datetime | None, "newest report or notice that began the ladder anew; null: none did"] = None
    network_part: Annotated[int, "part of all networks that its host was last found in, a keyed number; -1: none"] = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A live run, which owns what it leased."""

    KEY: ClassVar = ("run_id",)
    INDEX: ClassVar = ()

    run_id: Annotated[str, "the run"]
    lapses_us: Annotated[
        int, "when it counts as dead, microseconds on the database's clock; with SQLite, since the machine's start"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A network that one run alone visits at present."""

    KEY: ClassVar = ("network",)
    INDEX: ClassVar = (("run_id",),)

    network: Annotated[str, "IPv4 /24 or IPv6 /48"]
    run_id: Annotated[str, "the run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A URL or host name, encrypted, under its id."""

    KEY: ClassVar = ("entry_id",)
    INDEX: ClassVar = ()

    entry_id: Annotated[str, "url_id, host_id or abuse_id"]
    kind: Annotated[str, "url, host or mailbox"]
    ciphertext: Annotated[bytes, "AES-SIV of the text, bound to kind and id"]
    key_number: Annotated[int, "which encryption key sealed it"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """A sealed constant by which a wrong key is known."""

    KEY: ClassVar = ("key_number",)
    INDEX: ClassVar = ()

    key_number: Annotated[int, "which encryption key"]
    id_check: Annotated[str, "keyed id of a constant"]
    ciphertext: Annotated[bytes, "AES-SIV of a constant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file or folder that the study wrote beside its store, by a tag that its keys alone give."""

    KEY: ClassVar = ("name",)
    INDEX: ClassVar = ()

    name: Annotated[str, "`tables/` and a folder; `lake`; or `study`: since then nothing without a tag is believed"]
    generation: Annotated[int, "of the lake: how often it was changed; 0 of all else"]
    tag: Annotated[str, "keyed id of name and content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery of a feed, as an import found it."""

    KEY: ClassVar = ("delivery_id",)
    INDEX: ClassVar = (("source", "received_at"), ("file_id",))

    delivery_id: Annotated[str, "id of the delivery"]
    source: Annotated[str, "the feed or hotline, by name"]
    run_id: Annotated[str, "the import run"]
    received_at: Annotated[datetime, "when it was imported"]
    reports: Annotated[int, "reports in it, known ones too"]
    new: Annotated[int, "of these, not known before"]
    rejected: Annotated[int, "lines that could not be read"]
    file_id: Annotated[str | None, "keyed id of the file's content; null: it came from no file"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineDecision:
    """A person's decision about checks not believed."""

    KEY: ClassVar = ("decision_id",)
    INDEX: ClassVar = (("quarantine_id",),)

    decision_id: Annotated[str, "id of the decision"]
    quarantine_id: Annotated[str, "the quarantine"]
    decision: Annotated[Decision, "release: the checks are believed after all; void: they never are"]
    who: Annotated[str, "the person, by account name"]
    reason: Annotated[str, "why, in that person's words"]
    decided_at: Annotated[datetime, "when (study clock): the decision holds for what was quarantined until then"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A record of an act: reveal, forget, rotate or decide."""

    KEY: ClassVar = ("audit_id",)
    INDEX: ClassVar = (("subject_id",),)

    audit_id: Annotated[str, "id of the entry"]
    done_at: Annotated[datetime, "when (real clock)"]
    who: Annotated[str, "the person, by account name"]
    action: Annotated[str, "reveal, forget, rotate, escrow, explain, release, void, export, ..., or what hosters got"]
    subject_id: Annotated[str, "the id it was done to"]
    reason: Annotated[str, "why, in that person's words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """The tombstone of an id, which is never imported again."""

    KEY: ClassVar = ("entry_id",)
    INDEX: ClassVar = ()

    entry_id: Annotated[str, "url_id or host_id whose sealed entry was shredded"]
    kind: Annotated[str, "url or host"]
    forgotten_at: Annotated[datetime, "when (real clock)"]


STORED: tuple[type, ...] = (
    Target,
    Report,
    Resolution,
    Observation,
    ControlLook,
    CanaryLook,
    Snapshot,
    Run,
    RunEnd,
    Due,
    Beat,
    Reserved,
    Sealed,
    KeyCheck,
    Written,
    Delivery,
    QuarantineDecision,
    Audit,
    Forgotten,
    Registration,
    DomainRegistration,
    HosterChange,
    Coding,
    Notice,
    ExternalObservation,
    Birth,
    Origin,
    ProtocolLock,
    DeviationNote,
    Preview,
    Reply,
    Ruling,
    Edition,
)
"""Every dataclass that has a table."""
