"""The protocol file, `study.toml`.

A study's question, its reports, and its end.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from waterbed.model.conclusions import Assessment, ClockKind, HosterWord
from waterbed.model.countries import not_a_country
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something
from waterbed.model.specifications import CONFIRMATION, AnyRole, Dedup, FirstDown, Merges, Moved, Proxy, Unknown
from waterbed.store.bounded.toml import decode, toml_bytes

PROTOCOL: Final = "study.toml"
SEE: Final = "docs/protocol.md, The file"
_FILE: Final = re.compile(r"(?<![\w./:-])[\w/-]+\.(?:md|py)(?![\w/:-]|\.\w)")
"""Names of files that look like hosts of Moldova and Paraguay: comments may point to them."""

Output = Literal["ranking", "compliance", "displacement", "hops", "flows", "episodes", "volume", "survival"]
Role = Literal["hoster", "upstream", "asn", "platform", "country"]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Key = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][-A-Za-z0-9_.:]{0,79}$")]
_NAME: Final = "^[a-z0-9][-a-z0-9]{0,59}$"
_Name = Annotated[str, msgspec.Meta(pattern=_NAME)]
_Confirmation = Annotated[str, msgspec.Meta(pattern=CONFIRMATION)]
_Level = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Scope(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The reports that the study is about."""

    sources: tuple[_Key, ...]
    """Feeds and hotlines, by the names under which reports are imported."""
    categories: tuple[_Key, ...]
    since: date
    """First day of reports."""
    until: date
    """Last day of reports."""
    exclusions: tuple[_Text, ...] = ()
    """Exclusions, a sentence each."""


class Estimand(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One number, or table of numbers, that the study reports."""

    name: _Name
    output: Output
    measure: _Text
    """The measure in words, with its unit."""
    by: Role = "hoster"
    clock: ClockKind
    hypothesis: str = ""
    level: _Level = 0.05
    smallest_effect: str = ""
    """The smallest effect of interest, in words and its unit."""


class Areas(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Places that were declared before an intervention.

    The names are those of docs/displacement.md.
    """

    targets: tuple[_Key, ...] = ()
    controls: tuple[_Key, ...] = ()
    buffer: tuple[_Key, ...] = ()
    buffer_controls: tuple[_Key, ...] = ()


class Stopping(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The end of the study, and its interim readings."""

    until: date
    """Last day of looks."""
    rule: _Text
    interim: tuple[date, ...] = ()
    """Days on which results are read before the end."""


class Sensitivity(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Levels of each dimension of the specification curve.

    Empty: the defaults of docs/sensitivity.md.
    """

    clock: tuple[ClockKind, ...] = ()
    role: tuple[AnyRole, ...] = ()
    dedup: tuple[Dedup, ...] = ()
    confirmation: tuple[_Confirmation, ...] = ()
    moved: tuple[Moved, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    first_down: tuple[FirstDown, ...] = ()
    proxy: tuple[Proxy, ...] = ()
    merges: tuple[Merges, ...] = ()
    assessment: tuple[Assessment, ...] = ()
    hoster_word: tuple[HosterWord, ...] = ()


class Protocol(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of `study.toml`."""

    title: _Text
    question: _Text
    home: str
    clock: ClockKind
    role: Role
    primary: _Name
    frame: Scope
    estimands: Annotated[tuple[Estimand, ...], msgspec.Meta(min_length=1)]
    stopping: Stopping
    areas: Areas = Areas()
    sensitivity: Sensitivity = Sensitivity()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if problem := not_a_country(self.home):
            raise ValueError(f"home: {problem}")
        names = Counter(one.name for one in self.estimands)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"estimands: {twice[0]} is named twice")
        if self.primary not in names:
            raise ValueError(f"primary: {self.primary} is none of the estimands {', '.join(names)}")
        if self.frame.until < self.frame.since:
            raise ValueError(f"frame: until {self.frame.until} is before since {self.frame.since}")
        if self.stopping.until < self.frame.since:
            raise ValueError(f"stopping: until {self.stopping.until} is before the frame begins, {self.frame.since}")
        late = [day for day in self.stopping.interim if day > self.stopping.until]
        if late:
            raise ValueError(f"stopping: the interim day {late[0]} is after the end, {self.stopping.until}")
        if (one := self.main) and (one.by != self.role or one.clock != self.clock):
            raise ValueError(
                f"primary: {one.name} is by {one.by} with clock {one.clock}, but role is {self.role} and clock "
                f"{self.clock}"
            )

    @property
    def main(self) -> Estimand:
        """The primary outcome."""
        return next(one for one in self.estimands if one.name == self.primary)


_TABLES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "frame": Scope,
    "areas": Areas,
    "stopping": Stopping,
    "sensitivity": Sensitivity,
}


def is_key(key: str) -> bool:
    """True if a protocol can have this dotted key.

    Keys are spelled as `flat` spells them.
    """
    match key.split("."):
        case [name]:
            return name in Protocol.__struct_fields__
        case ["estimands", name, field]:
            return re.fullmatch(_NAME, name) is not None and field in Estimand.__struct_fields__
        case [table, field]:
            return table in _TABLES and field in _TABLES[table].__struct_fields__
    return False


def read_protocol(path: Path) -> tuple[Protocol, str]:
    """A protocol file and its text.

    InputError if it cannot be read, is none, or names an address.
    """
    data = toml_bytes(path, "a protocol", SEE)
    try:
        text = data.decode("utf-8")
        protocol = decode(data, type=Protocol)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: {problem} ({SEE})") from None
    for where in _unclear(text):
        raise InputError(
            f"{path}: {where} holds what looks like an address or a host name, or a control character; it is kept "
            f"and printed in the clear, so leave it out ({SEE})"
        )
    return protocol, text


def _unclear(text: str) -> Iterator[str]:
    """Parts of a protocol that name addresses or hosts.

    First keys, then lines, comments too.
    """
    for key, value in flat(decode(text)).items():
        words = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        if any(names_something(one) or not one.replace("\n", " ").isprintable() for one in words):
            yield key
    for number, line in enumerate(text.splitlines(), 1):
        if names_something(_FILE.sub("", line)):
            yield f"line {number}"


def checksum(text: str) -> str:
    """SHA-256 of a protocol's bytes, as `sha256sum study.toml` prints it."""
    return hashlib.sha256(text.encode()).hexdigest()


def flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as dotted keys.

    A list of tables is keyed by the names in them; other values stay as they are.
    """
    return dict(_flat(value, ""))


def _flat(value: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{at}{key}.")
        elif isinstance(inner, Sequence) and inner and all(isinstance(one, Mapping) for one in inner):
            for i, one in enumerate(inner):
                yield from _flat(one, f"{at}{key}.{one.get('name', i)}.")
        else:
            yield f"{at}{key}", str(inner) if isinstance(inner, date) else inner
