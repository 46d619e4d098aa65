"""Protocol lock, deviations, previews, replies, rulings, editions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

Answer = Literal["no objection", "comment", "dispute"]
RulingKind = Literal["upheld", "rejected", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A hoster's preview of its own numbers and rows."""

    KEY: ClassVar = ("preview_id",)
    INDEX: ClassVar = (("hoster",),)

    preview_id: Annotated[str, "id of the preview"]
    hoster: Annotated[str, "whose numbers they are"]
    made_at: Annotated[datetime, "when its files were written (study clock)"]
    starts_at: Annotated[datetime, "when the hoster had it: the period runs from here"]
    ends_at: Annotated[datetime, "when the period ends"]
    data_until: Annotated[datetime | None, "last check that the numbers rest on"]
    sha256: Annotated[str, "SHA-256 over the checksums of its files"]
    who: Annotated[str, "the person, by account name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A hoster's answer to its preview."""

    KEY: ClassVar = ("reply_id",)
    INDEX: ClassVar = (("hoster",),)

    reply_id: Annotated[str, "id of the reply"]
    hoster: Annotated[str, "who answered"]
    preview_id: Annotated[str, "the preview it answers to"]
    answer: Annotated[Answer, "no objection, comment or dispute: a dispute is open until it is decided"]
    text: Annotated[str, "what it says, in short; no address in it"]
    received_at: Annotated[datetime, "when it came in"]
    who: Annotated[str, "the person who recorded it, by account name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The decision about a dispute."""

    KEY: ClassVar = ("ruling_id",)
    INDEX: ClassVar = (("reply_id",),)

    ruling_id: Annotated[str, "id of the ruling"]
    reply_id: Annotated[str, "the dispute"]
    ruling: Annotated[RulingKind, "upheld, rejected, or withdrawn by the hoster"]
    reason: Annotated[str, "why, in that person's words"]
    erratum: Annotated[str, "upheld: what was corrected, printed with every later edition; else empty"]
    decided_at: Annotated[datetime, "when (study clock)"]
    who: Annotated[str, "the person, by account name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRow:
    """One public publication, as its readers see it."""

    number: Annotated[int, "1 for the first"]
    published_at: Annotated[datetime, "when (study clock)"]
    errata: Annotated[str, "what is corrected against the edition before; empty: nothing"]
    override: Annotated[str, "why it was published before all hosters could answer; empty: they could"]
    sha256: Annotated[str, "SHA-256 of its tables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition(EditionRow):
    """One public publication.

    A later one replaces it and says what was corrected.
    """

    KEY: ClassVar = ("number",)
    INDEX: ClassVar = ()

    who: Annotated[str, "the person, by account name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolLock:
    """The protocol at the moment it was locked.

    Outputs are compared with the first lock.
    """

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
    looks: Annotated[int, "checks that had been made already: 0 if it was locked before data"]
    who: Annotated[str, "the person, by account name"]
    reason: Annotated[str, "why it was locked after checks, or again; empty for a first lock before data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationNote:
    """A deviation from the locked protocol, on record.

    Noticed by the program, or explained by a person.
    """

    KEY: ClassVar = ("note_id",)
    INDEX: ClassVar = ()

    note_id: Annotated[str, "id of the note"]
    subject: Annotated[str, "what deviates: a dotted key of study.toml, or one like settings.judge.confirm_looks"]
    deviation: Annotated[str, "the deviation, as outputs print it"]
    reason: Annotated[str, "why, in a person's words; empty: noticed by the program alone"]
    who: Annotated[str, "the account"]
    noted_at: Annotated[datetime, "when (study clock)"]
