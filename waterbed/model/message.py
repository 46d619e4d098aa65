"""Messages: sentences with typed arguments, which only the formatter turns into text.

How to write one:

1. `Message.of("At least {moved} of the {ended} that went offline there reappeared elsewhere.", moved=Count(24, "item"),
   ended=Count(111, "item"))`. The template is a constant, in English, a whole sentence or a whole clause, and the key
   of its translations. Its fields are its arguments, by name; nothing is glued to it before or after.
2. What varies is an argument. Its type says how it is spelled and what disclosure control does to it:
   `Count` (sites, items, reports: withheld if small, else rounded), `Share` and `Span` (0..1, in percent), `Number`
   (thresholds, effects, numbers of periods or places: never withheld), `Name` (a company, place or feed: never
   altered, withheld if it may not be named), `Date`, `Moment`, `Hours`, `PValue`, `Term` (a fixed phrase), `Code` (a
   command or a key), `Listed` (several of them), another `Message` (a clause within the sentence, such as the reason
   of a refusal), and `Sentence` (a clause with a capital and a full stop).
3. Where the grammar changes, the template changes: write two templates, and choose between them. A noun that a number
   decides stands in the number: `Count(1, "site")` is "1 site". Its plural stands in `waterbed/model/formatter.py`.
4. Code asks a message nothing: it is no `str`, and `str()`, f-strings and `%` refuse it. A question such as "is it held
   back?" is answered by a typed field beside it, as `Refusal.kind`. No message is `NOTHING`; several are `joined`.
5. Only `Formatter.text` and `Formatter.sentence` (of `waterbed/model/formatter.py`) return text, at the rim: where a
   command prints, a file or a page is written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from string import Formatter as _Fields
from typing import Any, Literal, NoReturn

import msgspec

Counted = Literal[
    "",
    "arrival",
    "ended unit",
    "matched set",
    "change of site",
    "check",
    "cluster",
    "content",
    "end",
    "episode",
    "group",
    "hop",
    "host",
    "item",
    "move",
    "report",
    "site",
    "site cluster",
    "URL",
]
"""What a `Count` may be of: data about sites, which disclosure control withholds or rounds."""
Measured = Literal[
    "",
    "control",
    "date",
    "day",
    "event file",
    "feed",
    "more reason",
    "hour",
    "list",
    "pair",
    "period",
    "place",
    "placebo",
    "placebo date",
    "source",
    "span",
    "stretch",
    "target",
    "window",
]
"""What a `Number` may be of: the design, which everybody may know."""


Joint = Literal["comma", "semicolon", "and", "both", "sentence"]
"""What stands between the items of a list: commas, semicolons, commas and a last `and`, `and` each time, or a space."""


def _no_text(self: object, spec: str = "") -> NoReturn:
    """Refuse to be text, or text within text."""
    raise TypeError(f"a {type(self).__name__} is no text: a formatter spells it (waterbed/model/formatter.py)")


class _Typed(msgspec.Struct, frozen=True, tag=True):
    """A value that only the formatter spells."""

    __str__ = _no_text
    __format__ = _no_text


class Count(_Typed, frozen=True):
    """A count of sites, items or reports: withheld where it is small, else rounded, down where it is a minimum."""

    n: int
    noun: Counted = ""
    least: bool = False

    def __post_init__(self) -> None:
        """Take whole numbers of any library."""
        _set(self, "n", int(self.n))


class Share(_Typed, frozen=True):
    """A share, 0..1, in percent; whole percent for readers outside the study."""

    value: float
    digits: int = 0
    rounding: Literal["nearest", "down", "up"] = "nearest"

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _set(self, "value", _finite(self.value))


class Span(_Typed, frozen=True):
    """Both ends of a share, 0..1, in whole percent, rounded outwards."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _set(self, "low", _finite(self.low))
        _set(self, "high", _finite(self.high))


class Number(_Typed, frozen=True):
    """A number that says nothing of single sites; `decimals` None: as many as it has."""

    value: float
    unit: Measured = ""
    decimals: int | None = None
    signed: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _set(self, "value", _finite(self.value))


class Name(_Typed, frozen=True):
    """A name, never altered, but withheld where its place may not be named."""

    text: str
    key: str = ""
    """Key of the place; empty: its name."""
    public: bool = False
    """True if everybody may know it, as that of a feed."""


class Date(_Typed, frozen=True):
    """A day, as 2026-03-05, or in `words`, as 5 March 2026."""

    day: date
    words: bool = False


class Moment(_Typed, frozen=True):
    """A time in UTC, to the minute, as 2026-03-05 14:00."""

    at: datetime


class Hours(_Typed, frozen=True):
    """A length of time in hours; whole days from three on."""

    hours: float

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _set(self, "hours", _finite(self.hours))


class PValue(_Typed, frozen=True):
    """A p value, as p = 0.94, rounded up to thousandths."""

    p: float

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        _set(self, "p", _finite(self.p))


class Term(_Typed, frozen=True):
    """A fixed word or phrase: its English form is the key of its translations."""

    phrase: str


class Code(_Typed, frozen=True):
    """A text that no language changes: a command, a key of a file, a page of the documentation."""

    text: str


class Sentence(_Typed, frozen=True):
    """A clause as a sentence of its own: with a capital, unless a name begins it, and a full stop."""

    clause: Message


class Listed(_Typed, frozen=True):
    """Several arguments: with commas, with semicolons, as `a, b and c`, or one sentence after another."""

    items: tuple[Argument, ...]
    by: Joint = "comma"


@lru_cache(maxsize=4096)
def fields_of(template: str) -> frozenset[str]:
    """The names of a template's fields; ValueError if one is no plain name."""
    return frozenset(name for _, name in pieces_of(template) if name is not None)


@lru_cache(maxsize=4096)
def pieces_of(template: str) -> tuple[tuple[str, str | None], ...]:
    """A template's texts, each with the name of the field behind it; None: there is none."""
    found = tuple(_Fields().parse(template))
    for _, name, spec, conversion in found:
        if name is not None and (not name.isidentifier() or spec or conversion):
            raise ValueError(f"a field of {template!r} is no plain name")
    return tuple((text, name) for text, name, _, _ in found)


class Message(_Typed, frozen=True):
    """A sentence or a clause: its template, and the arguments of the template's fields."""

    template: str
    arguments: tuple[tuple[str, Argument], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a template whose fields are not the arguments."""
        if fields_of(self.template) != {name for name, _ in self.arguments}:
            raise ValueError(f"the fields of {self.template!r} are not {sorted(name for name, _ in self.arguments)}")

    @classmethod
    def of(cls, template: str, /, **arguments: Argument) -> Message:
        """The message of a template and the arguments of its fields."""
        return cls(template, tuple(sorted(arguments.items())))


Argument = (
    Count | Share | Span | Number | Name | Date | Moment | Hours | PValue | Term | Code | Sentence | Listed | Message
)

NOTHING = Message("")
"""No sentence: as text it is empty."""


def joined(*messages: Message, by: Joint = "semicolon") -> Message:
    """Several messages as one, but for those that say nothing."""
    said = [one for one in messages if one != NOTHING]
    return said[0] if len(said) == 1 else Message.of("{all}", all=Listed(tuple(said), by)) if said else NOTHING


Kind = Literal[
    "held back",
    "suppressed",
    "sites",
    "days",
    "windows",
    "quarantine",
    "contamination",
    "detection",
    "feeds",
    "births",
    "other",
]
"""What a number wants: readers may not know what stands against it, it is about too few sites to be disclosed, or it
lacks sites, days, windows before, a decision on a quarantine, controls without the target's content, a declared
detection, a second feed, dates of registration."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, in one clause, for giving no number, and its kind."""

    reason: Message
    kind: Kind = "other"

    def __post_init__(self) -> None:
        """Refuse text."""
        if not isinstance(self.reason, Message):
            raise TypeError("the reason of a refusal is a message")

    __str__ = _no_text
    __format__ = _no_text

    @property
    def held_back(self) -> bool:
        """True if disclosure control hides the number."""
        return self.kind in ("held back", "suppressed")


def _finite(value: float) -> float:
    """The number as a plain float; ValueError where it is none."""
    plain = float(value)
    if not math.isfinite(plain):
        raise ValueError("a sentence cannot say a number that is not finite")
    return plain


def _set(struct: Any, name: str, value: object) -> None:
    """Set a field of a frozen value while it is made."""
    msgspec.structs.force_setattr(struct, name, value)
