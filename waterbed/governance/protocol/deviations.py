"""Deviations of a study from its locked protocol.

A sentence each. No I/O.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec

from waterbed.governance.protocol.file import Areas, Output, Protocol, Sensitivity, flat, is_key
from waterbed.model.governance import DeviationNote, ProtocolLock
from waterbed.model.redaction import redact
from waterbed.model.spelling import counted
from waterbed.store.bounded.toml import decode

_TABLES: Final[Mapping[str, Output]] = {
    "ranking": "ranking",
    "places": "ranking",
    "volume": "volume",
    "compliance": "compliance",
    "displacement": "displacement",
    "hops": "hops",
    "flows": "flows",
    "episodes": "episodes",
    "survival": "survival",
}
"""First word of what a table is, to the output that a protocol declares."""


LOCK: Final = "lock"
"""Subject of a lock that came after looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolStatus:
    """The study's present state, compared with the protocol."""

    text: str | None
    """The protocol file as it is; None: it is gone."""
    settings: Mapping[str, Any]
    defaults: Mapping[str, Any]
    """The same settings where nothing is set: an older version's lock does not name all of them."""
    rules: str
    sources: Collection[str]
    """Sources of all reports."""
    categories: Collection[str]
    reported: tuple[date | None, date | None]
    """Days of the first and the last report."""
    last_look: date | None
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One deviation from the lock."""

    subject: str
    text: str


def deviations(first: ProtocolLock, locked: Protocol, now: ProtocolStatus) -> list[Deviation]:
    """All deviations from the first lock, in a fixed order."""
    return [*_of_the_lock(first), *_of_the_file(first, now), *_of_settings(first, now), *_of_data(locked, now)]


def of_event(locked: Protocol, places: Mapping[str, Collection[str]]) -> list[Deviation]:
    """Deviations of an event's places from the declared areas.

    `places` are by the areas' names. No place is named; no areas declared: nothing deviates.
    """
    if locked.areas == Areas():
        return []
    found = []
    for area, has in places.items():
        declared = set(getattr(locked.areas, area))
        more, fewer = len(set(has) - declared), len(declared - set(has)) if area != "targets" else 0
        parts = [f"{counted(more, 'place')} of the event not declared"] if more else []
        parts += [f"{counted(fewer, 'declared place')} not in the event"] if fewer else []
        if parts:
            found.append(Deviation(subject=f"areas.{area}", text=f"areas.{area}: {', '.join(parts)}"))
    return found


def without_places(found: Iterable[Deviation], notes: Sequence[DeviationNote]) -> tuple[str, ...]:
    """Each deviation as a hoster may read it.

    Of areas it says only that they changed, for they name other hosters.
    """
    return tuple(
        f"{one.subject}: other places than were declared"
        if one.subject.startswith("areas.")
        else explained([one], notes)[0]
        for one in found
    )


def explained(found: Sequence[Deviation], notes: Sequence[DeviationNote]) -> tuple[str, ...]:
    """Each deviation as outputs print it.

    With the newest reason that a person gave.
    """
    reasons = {note.subject: note.reason for note in sorted(notes, key=lambda one: one.noted_at) if note.reason}
    reasons = {LOCK: "", **reasons}  # a lock that deviates has its reason in it
    texts = ((one.text, reasons.get(one.subject, "no reason given")) for one in found)
    return tuple(f"{what} ({why})" if why else what for what, why in texts)


def place_of(protocol: Protocol, *, what: str, by: str, clock: str, windowed: bool = False) -> str:
    """An output's place in the protocol: primary, declared, or exploratory, as one of a window is."""
    if what == "sensitivity" and protocol.sensitivity != Sensitivity():
        return "declared: sensitivity"
    if windowed:
        return "exploratory: of a window that the protocol does not name"
    output = _TABLES.get(re.split("[ ,]", what, maxsplit=1)[0])
    for one in sorted(protocol.estimands, key=lambda one: one.name != protocol.primary):
        timed = clock == one.clock or clock not in _CLOCKED
        if one.output == output and timed and (one.by == by or by in ("url", "content", "source")):
            return "primary outcome" if one.name == protocol.primary else f"declared: {one.name}"
    return "exploratory: not declared in the protocol"


_CLOCKED: Final = frozenset(
    ("first_seen", "reported", "notice_sent", "notice_delivered", "legal_order", "episode_start")
)


def _of_the_lock(first: ProtocolLock) -> Iterator[Deviation]:
    if first.looks:
        yield Deviation(
            subject=LOCK, text=f"locked after {counted(first.looks, 'check')} had been made: {first.reason}"
        )


def _of_the_file(first: ProtocolLock, now: ProtocolStatus) -> Iterator[Deviation]:
    if now.text is None:
        yield Deviation(subject="study.toml", text="study.toml is gone; the locked text applies")
        return
    if now.text == first.text:
        return
    try:
        is_now = flat(decode(now.text))
    except msgspec.DecodeError:
        yield Deviation(
            subject="study.toml", text="study.toml cannot be read as TOML any more; the locked text applies"
        )
        return
    yield from _changes(flat(decode(first.text)), is_now, "")


def _of_settings(first: ProtocolLock, now: ProtocolStatus) -> Iterator[Deviation]:
    locked = json.loads(first.settings)
    held = {key.partition(".")[0] for key in locked}  # an older version held fewer sections, and fewer settings
    is_now = {
        key: value
        for key, value in now.settings.items()
        if key.partition(".")[0] in held and (key in locked or value != now.defaults.get(key))
    }
    yield from _changes(locked, is_now, "settings.")
    if now.rules != first.rules:
        yield Deviation(subject="rules", text=f"outcome rules {first.rules} -> {now.rules}")


def _of_data(locked: Protocol, now: ProtocolStatus) -> Iterator[Deviation]:
    for name, has, declared in (
        ("sources", now.sources, locked.frame.sources),
        ("categories", now.categories, locked.frame.categories),
    ):
        more = sorted(set(has) - set(declared))
        if more:
            yield Deviation(subject=f"data.{name}", text=f"reports of {name} outside the frame: {', '.join(more)}")
    frame, (first, last) = locked.frame, now.reported
    if first and first < frame.since:
        yield Deviation(subject="data.since", text=f"reports before the frame, {frame.since}: first on {first}")
    if last and last > frame.until:
        yield Deviation(subject="data.until", text=f"reports after the frame, {frame.until}: last on {last}")
    end = locked.stopping.until
    if now.last_look and now.last_look > end:
        yield Deviation(subject="data.stopping", text=f"checks after the declared end, {end}: last on {now.last_look}")
    elif now.today < end and now.today not in locked.stopping.interim:
        yield Deviation(subject="data.interim", text=f"read on {now.today}, before the declared end, {end}")


def _changes(was: Mapping[str, Any], is_now: Mapping[str, Any], at: str) -> Iterator[Deviation]:
    for key in sorted({*was, *is_now}):
        if was.get(key) != is_now.get(key):
            subject = f"{at}{key if at or is_key(key) else _clear(key)}"
            yield Deviation(subject=subject, text=f"{subject}: {_printed(was.get(key))} -> {_printed(is_now.get(key))}")


def _printed(value: Any) -> str:
    if value is None:
        return "none"
    text = _clear(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= 120 else f"{text[:119]}…"


def _clear(text: str) -> str:
    """An unchecked text of a file, ready to print.

    No address, no host name, one line.
    """
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in redact(" ".join(text.split()))
    )
