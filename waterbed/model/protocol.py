"""A study's protocol as it was locked, and what was done otherwise. Only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolLock:
    """The protocol at the moment it was locked; the first lock is what outputs are held against."""

    KEY: ClassVar = ("lock_id",)
    INDEX: ClassVar = ()

    lock_id: Annotated[str, "id of the lock"]
    locked_at: Annotated[datetime, "when (study clock)"]
    sha256: Annotated[str, "SHA-256 of the bytes of study.toml"]
    text: Annotated[str, "study.toml as it was"]
    settings: Annotated[str, "the settings that conclusions depend on, as JSON: dotted name to value"]
    rules: Annotated[str, "name of the outcome rules"]
    version: Annotated[str, "version of Waterbed"]
    reports: Annotated[int, "reports that the study held already"]
    looks: Annotated[int, "looks that had been taken already: 0 if it was locked before data"]
    who: Annotated[str, "the person, by account name"]
    reason: Annotated[str, "why it was locked after looks, or again; empty for a first lock before data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationNote:
    """A deviation from the locked protocol: noticed by the program, or explained by a person."""

    KEY: ClassVar = ("note_id",)
    INDEX: ClassVar = ()

    note_id: Annotated[str, "id of the note"]
    subject: Annotated[str, "what deviates: a dotted key of study.toml, or one like settings.judge.confirm_looks"]
    deviation: Annotated[str, "the deviation, as outputs print it"]
    reason: Annotated[str, "why, in a person's words; empty: noticed by the program alone"]
    who: Annotated[str, "the account"]
    noted_at: Annotated[datetime, "when (study clock)"]
