"""The formatter, the only thing that returns text from a message: it knows disclosure control and a language."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar, get_args

from waterbed.model.message import (
    Argument,
    Code,
    Count,
    Counted,
    Date,
    Hours,
    Listed,
    Measured,
    Message,
    Moment,
    Name,
    Number,
    PValue,
    Refusal,
    Sentence,
    Share,
    Span,
    Term,
    fields_of,
    pieces_of,
)
from waterbed.model.spelling import p_value, percent

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """Rules of what may be published.

    The study's own people see everything; others see numbers about enough sites and named places.
    """

    least: Annotated[int, "sites that a number is about at least"] = 1
    named: Annotated[Collection[str] | None, "places that may be named; null: all"] = None

    def names(self, place: str) -> bool:
        """True if a place may be named."""
        return self.named is None or place in self.named

    def small(self, sites: int) -> bool:
        """True if a number is about too few sites.

        Zero sites are not too few.
        """
        return 0 < sites < self.least

    def rounded(self, count: int) -> int:
        """The nearest multiple of `least`, the larger of two.

        Rounded counts differ by zero or by at least `least`, so differences reveal no small count.
        """
        return (2 * count + self.least) // (2 * self.least) * self.least

    def at_least(self, count: int) -> int:
        """The largest multiple of `least` that is no larger, for a count that a sentence gives as a minimum."""
        return count // self.least * self.least

    def share(self, value: float) -> float:
        """A share in whole percent, unless everything is told."""
        return value if self.least == 1 else round(value, 2)


EVERYTHING: Final = Disclosure()
"""All of it, for the study's own people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The spellings of a language; ValueError if a translation lacks a field, or has one more."""

    language: Annotated[str, "its ISO 639 code"]
    nouns: Annotated[Mapping[str, tuple[str, ...]], "the forms of each noun, in the order of `form`"]
    form: Annotated[Callable[[float], int], "which form stands behind a number"]
    fewer: Annotated[str, "in place of a small count, with the field {least}"]
    unnamed: Annotated[str, "in place of a place that may not be named"]
    joints: Annotated[Mapping[str, tuple[str, str]], "what stands between the items of a list, and before the last"]
    months: Annotated[tuple[str, ...], "the months, January first"]
    day: Annotated[str, "a date in words, with the fields {day}, {month} and {year}"]
    span: Annotated[str, "both ends of a range, with the fields {low} and {high}"]
    p: Annotated[tuple[str, str], "a p, with the field {p}: as it is, and of one that is lower still"]
    marks: Annotated[tuple[str, str], "the marks of thousands and of decimals"] = (",", ".")
    phrases: Annotated[Mapping[str, str], "templates and terms, by their English form"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a translation that does not fit its template, and a noun without forms."""
        wrong = [one for one, other in self.phrases.items() if fields_of(one) != fields_of(other)]
        wrong += [one for one in (*get_args(Counted), *get_args(Measured)) if one and one not in self.nouns]
        if wrong:
            raise ValueError(f"no translation fits {wrong[0]!r}")

    def phrase(self, english: str) -> str:
        """A template or a term in this language; in English where none is known."""
        return self.phrases.get(english, english)

    def noun(self, number: float, noun: str) -> str:
        """The noun behind a number."""
        return self.nouns[noun][self.form(number)]

    def figures(self, digits: str) -> str:
        """A number, as Python spells it, with the marks of this language."""
        return digits.translate(str.maketrans(",.", "".join(self.marks)))


def _english(noun: str) -> tuple[str, str]:
    return noun, _IRREGULAR.get(noun, f"{noun}s")


_IRREGULAR: Final = {"change of site": "changes of site", "stretch": "stretches"}
ENGLISH: Final = Catalogue(
    language="en",
    nouns={noun: _english(noun) for noun in (*get_args(Counted), *get_args(Measured)) if noun},
    form=lambda number: number != 1,
    fewer="fewer than {least}",
    unnamed="a place that is not named",
    joints={
        "comma": (", ", ", "),
        "semicolon": ("; ", "; "),
        "and": (", ", " and "),
        "both": (" and ", " and "),
        "sentence": (" ", " "),
    },
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    day="{day} {month} {year}",
    span="{low} to {high}",
    p=("p = {p}", "p below {p}"),
)
"""English: templates and terms are their own translation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatter:
    """Spells messages for one kind of readers, under their disclosure rules and in their language."""

    disclosure: Disclosure = EVERYTHING
    catalogue: Catalogue = ENGLISH

    def text(self, message: Message) -> str:
        """The message as text: a whole sentence, or a clause."""
        return "".join(self._pieces(message))

    def sentence(self, clause: Message) -> str:
        """A clause as a sentence of its own: with a capital, unless a name begins it, and a full stop."""
        first, *others = self._pieces(clause)
        begun = first if self._names_first(clause) else f"{first[:1].upper()}{first[1:]}"
        return f"{begun}{''.join(others)}."

    def row(self, cls: Callable[..., Row], row: object) -> Row:
        """A row of a dataclass with the same fields as `row`, each message and refusal as text."""
        return cls(**{one.name: self.plain(getattr(row, one.name)) for one in fields(cls)})  # type: ignore[arg-type]

    def plain(self, value: Any) -> Any:
        """A message or the reason of a refusal as text; anything else as it is."""
        if isinstance(value, Refusal):
            return self.text(value.reason)
        return self.text(value) if isinstance(value, Message) else value

    def _pieces(self, message: Message) -> list[str]:
        """The texts and arguments of a message, one by one: no argument is read again."""
        arguments, found = dict(message.arguments), list[str]()
        for text, name in pieces_of(self.catalogue.phrase(message.template)):
            found += filter(None, [text, "" if name is None else self._spelled(arguments[name])])
        return found or [""]

    def _names_first(self, message: Message) -> bool:
        """True if a name stands at the beginning, which no capital may alter."""
        text, name = next(iter(pieces_of(self.catalogue.phrase(message.template))), ("", None))
        one = dict(message.arguments).get(name or "")
        if text or one is None:
            return False
        while isinstance(one, Listed) and one.items:
            one = one.items[0]
        return isinstance(one, Name) or (isinstance(one, Message) and self._names_first(one))

    def _spelled(self, one: Argument) -> str:
        match one:
            case Message():
                return self.text(one)
            case Count():
                return self._count(one)
            case Share():
                return self._share(one)
            case Span():
                return self._span(one)
            case Number() | Hours():
                return self._number(one)
            case Name():
                named = one.public or self.disclosure.names(one.key or one.text)
                return one.text if named else self.catalogue.unnamed
            case Date():
                return self._date(one)
            case Moment():
                return f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M}"
            case PValue():
                exact, below = self.catalogue.p
                return (below if one.p < _LEAST_P else exact).format(p=self.catalogue.figures(_p(one.p)))
            case Term() | Code():
                return self.catalogue.phrase(one.phrase) if isinstance(one, Term) else one.text
            case Sentence():
                return self.sentence(one.clause)
            case Listed():
                return self._listed([self._spelled(item) for item in one.items], one.by)

    def _count(self, one: Count) -> str:
        rules = self.disclosure
        shown = rules.at_least(one.n) if one.least else rules.rounded(one.n)
        figures = self.catalogue.figures(f"{shown:,}")
        if rules.small(one.n):
            shown, figures = rules.least, self.catalogue.fewer.format(least=self.catalogue.figures(f"{rules.least:,}"))
        return f"{figures} {self.catalogue.noun(shown, one.noun)}" if one.noun else figures

    def _share(self, one: Share) -> str:
        digits = one.digits if self.disclosure.least == 1 else 0
        if one.rounding == "nearest":
            return self.catalogue.figures(percent(one.value, digits))
        away = math.floor if one.rounding == "down" else math.ceil
        nearly = 1e-9 if one.rounding == "down" else -1e-9  # what is a whole percent but for its last bits stays one
        return self.catalogue.figures(f"{away(one.value * 100 * 10**digits + nearly) / 10**digits:.{digits}f}%")

    def _span(self, one: Span) -> str:
        low, high = math.floor(one.low * 100 + 1e-9), math.ceil(one.high * 100 - 1e-9)
        return f"{low}%" if low == high else self.catalogue.span.format(low=low, high=f"{high}%")

    def _number(self, one: Number | Hours) -> str:
        if isinstance(one, Hours):
            days = one.hours / 24.0
            one = Number(days, "day") if days >= 3 and days == int(days) else Number(one.hours, "hour")
        sign = "+" if one.signed else ""
        if one.decimals is not None:
            figures = f"{one.value:{sign},.{one.decimals}f}"
        else:
            figures = f"{one.value:{sign},.0f}" if one.value == int(one.value) else f"{one.value:{sign}g}"
        figures = self.catalogue.figures(figures)
        return f"{figures} {self.catalogue.noun(one.value, one.unit)}" if one.unit else figures

    def _date(self, one: Date) -> str:
        if not one.words:
            return f"{one.day:%Y-%m-%d}"
        month = self.catalogue.months[one.day.month - 1]
        return self.catalogue.day.format(day=one.day.day, month=month, year=one.day.year)

    def _listed(self, items: list[str], by: str) -> str:
        between, last = self.catalogue.joints[by]
        return last.join([between.join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


_LEAST_P: Final = 0.001
"""Below this a p is said to be below it."""
OWN: Final = Formatter()
"""For the study's own people, in English."""


def _p(p: float) -> str:
    return f"{_LEAST_P:g}" if p < _LEAST_P else p_value(p)


def day_of(when: datetime) -> Date:
    """The day of a time, UTC."""
    return Date(when.astimezone(UTC).date())
