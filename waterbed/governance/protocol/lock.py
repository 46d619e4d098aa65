"""A study's protocol: locked, compared, explained."""

import json
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from waterbed.governance.keys import stated_reason
from waterbed.governance.protocol.deviations import (
    Deviation,
    ProtocolStatus,
    deviations,
    explained,
    of_event,
    place_of,
    without_places,
)
from waterbed.governance.protocol.file import PROTOCOL, SEE, Protocol, checksum, flat, read_protocol
from waterbed.judging.rules import read_rules
from waterbed.model.errors import InputError, ReadOnly
from waterbed.model.facts import Observation, Report
from waterbed.model.governance import DeviationNote, ProtocolLock
from waterbed.model.redaction import names_something
from waterbed.model.spelling import counted
from waterbed.store.audit import after, who
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.config import Config
from waterbed.store.folder import Folder
from waterbed.store.lake.reading import count_of, observed_span

LOCKED_SETTINGS: Final = (
    "home",
    "clock",
    "judge",
    "cycle_guard",
    "norm",
    "coding",
    "linking",
    "hosters",
    "schedule",
    "testimony",
    "probe",
    "network",
    "routes_max_age_days",
)
"""Sections of waterbed.toml that conclusions, or looks and their schedule, depend on."""
_LOCKED_PARTS: Final = {
    "canary": ("need",),
    "registry": ("fresh_days",),
    "domains": ("before_expiry_days", "after_expiry_days", "within_days"),
}
"""Settings of sections that name servers besides: what is locked lies in the store and in packages in the clear."""
warn = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedProtocol:
    """A study's locked protocol and its deviations now."""

    locks: Sequence[ProtocolLock]
    """Oldest first; the first one counts."""
    protocol: Protocol
    deviations: Sequence[Deviation]
    notes: Sequence[DeviationNote]

    @property
    def first(self) -> ProtocolLock:
        """The lock with which outputs are compared."""
        return self.locks[0]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each deviation, as outputs print it."""
        return explained(self.deviations, self.notes)

    @property
    def for_hosters(self) -> tuple[str, ...]:
        """Each deviation, as a hoster may read it."""
        return without_places(self.deviations, self.notes)

    def of_event(self, places: Mapping[str, Collection[str]]) -> "LockedProtocol":
        """The same with the deviations of an event's places alone."""
        return replace(self, deviations=of_event(self.protocol, places))

    def status(self, *, what: str, by: str, clock: str, windowed: bool) -> str:
        """An output's place in the protocol, and the protocol's checksum."""
        day = self.first.locked_at.date().isoformat()
        place = place_of(self.protocol, what=what, by=by, clock=clock, windowed=windowed)
        return f"{place}; locked {day}, SHA-256 {self.first.sha256}"

    def log(self, folder: Folder) -> int:
        """Warn of all deviations, and record the new ones.

        Returns the number of new ones. A read-only study stays as it is.
        """
        for sentence in self.sentences:
            warn.warning("deviates from the protocol locked on %s: %s", self.first.locked_at.date(), sentence)
        known = (
            {(note.subject, note.deviation) for note in folder.store.all(DeviationNote)} if self.deviations else set()
        )
        new = [one for one in self.deviations if (one.subject, one.text) not in known]
        if new:
            with suppress(ReadOnly):
                folder.store.add([_note(folder, one, "") for one in new])
        return len(new)


def locked_protocol(folder: Folder) -> LockedProtocol | None:
    """The locked protocol and its deviations.

    None if none was ever locked. Reads, and writes nothing.
    """
    locks = folder.store.all(ProtocolLock, order=("locked_at", "lock_id"))
    if not locks:
        return None
    first = locks[0]
    if checksum(first.text) != first.sha256:
        raise InputError(
            f"the locked protocol does not have its own checksum {first.sha256}: the store was changed by hand; "
            "restore it from a backup (docs/protocol.md)"
        )
    protocol = decode(first.text, type=Protocol)
    notes = folder.store.all(DeviationNote, order=("noted_at", "note_id"))
    return LockedProtocol(
        locks=locks, protocol=protocol, deviations=deviations(first, protocol, protocol_status(folder)), notes=notes
    )


def protocol_status(folder: Folder) -> ProtocolStatus:
    """The present state of a study."""
    store, path = folder.store, folder.path / PROTOCOL
    last, reported = observed_span(folder)[1], store.span(Report, "reported_at")
    try:
        text: str | None = toml_bytes(path, "a protocol", SEE).decode()
    except (InputError, UnicodeDecodeError):
        text = None
    return ProtocolStatus(
        text=text,
        settings=settings_of(folder.config),
        defaults=settings_of(Config(study=folder.config.study)),
        rules=read_rules().name,
        sources=store.distinct(Report, "source"),
        categories=store.distinct(Report, "category"),
        reported=(reported[0].date() if reported[0] else None, reported[1].date() if reported[1] else None),
        last_look=last.date() if last else None,
        today=folder.clock().date(),
    )


def settings_of(config: Config) -> dict[str, Any]:
    """The settings that are compared with the lock.

    Dotted name to value.
    """
    whole = json.loads(msgspec.json.encode(config))
    parts = {name: {key: whole[name][key] for key in keys} for name, keys in _LOCKED_PARTS.items()}
    return flat({**{name: whole[name] for name in LOCKED_SETTINGS}, **parts})


def lock(folder: Folder, reason: str = "") -> ProtocolLock:
    """Put the protocol file on record as it is.

    A first lock after looks, and every further one, needs a reason. InputError if the file contradicts itself or the
    settings, or is locked as it is already.
    """
    protocol, text = read_protocol(folder.path / PROTOCOL)
    _agree(protocol, folder.config)
    store, before = folder.store, folder.store.all(ProtocolLock, order=("locked_at",))
    looks, sha256 = count_of(folder, Observation), checksum(text)
    if before and before[-1].sha256 == sha256:
        raise InputError(f"the protocol is locked as it is, on {before[-1].locked_at:%Y-%m-%d %H:%M}; nothing to do")
    if (looks or before) and not reason:
        why = "it was locked before" if before else f"{counted(looks, 'check has', 'checks have')} been made"
        raise InputError(f"{why}: say with --reason why it is locked now; outputs will carry that (docs/protocol.md)")
    made = ProtocolLock(
        lock_id=uuid.uuid4().hex,
        locked_at=after(folder.clock(), (one.locked_at for one in before)),
        sha256=sha256,
        text=text,
        settings=json.dumps(settings_of(folder.config), sort_keys=True),
        rules=read_rules().name,
        version=version("waterbed"),
        reports=store.count(Report),
        looks=looks,
        who=who(),
        reason=stated_reason(reason, see="docs/protocol.md, What deviates") if reason else "",
    )
    store.add([made])
    return made


def explain(folder: Folder, subject: str, reason: str) -> Deviation:
    """Put the reason for a deviation on record.

    InputError if nothing of that name deviates, or ever did.
    """
    now = locked_protocol(folder)
    if now is None:
        raise InputError("no protocol is locked, so nothing deviates from it; lock one with waterbed protocol lock")
    noted = (Deviation(subject=note.subject, text=note.deviation) for note in now.notes)
    every = {one.subject: one for one in (*noted, *now.deviations)}
    found = every.get(subject)
    if found is None:
        known = ", ".join(every) or "none"
        said = "that" if names_something(subject) else repr(subject)
        raise InputError(f"{said} does not deviate from the protocol; deviations: {known}")
    folder.store.add([_note(folder, found, stated_reason(reason, see="docs/protocol.md, What deviates"), now.notes)])
    return found


def first_text(path: Path, config: Config, sources: Sequence[str], categories: Sequence[str]) -> str:
    """A protocol to begin with, from a study's settings.

    InputError if there is one already.
    """
    if path.exists():
        raise InputError(f"{path} is there already; edit it, or remove it first")
    names = {
        "title": json.dumps(config.name, ensure_ascii=False),
        "home": config.home,
        "clock": config.clock,
        "sources": json.dumps(list(sources)),
        "categories": json.dumps(list(categories)),
    }
    text = (Path(__file__).parent / "first.toml").read_text(encoding="utf-8")
    for name, value in names.items():
        text = text.replace(f"@{name}@", value)
    return text


def _note(folder: Folder, one: Deviation, reason: str, before: Sequence[DeviationNote] = ()) -> DeviationNote:
    return DeviationNote(
        note_id=uuid.uuid4().hex,
        subject=one.subject,
        deviation=one.text,
        reason=reason,
        who=who(),
        noted_at=after(folder.clock(), (note.noted_at for note in before)),
    )


def _agree(protocol: Protocol, config: Config) -> None:
    for name in ("home", "clock"):
        ours, theirs = getattr(protocol, name), getattr(config, name)
        if ours != theirs:
            raise InputError(f"{PROTOCOL} says {name} {ours!r}, but waterbed.toml {theirs!r}; make them agree ({SEE})")
