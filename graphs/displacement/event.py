"""The event file: target, date, controls and declared analysis.

Its authors declare all of it before they look at the results.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from waterbed.model.countries import not_a_country
from waterbed.model.errors import InputError
from waterbed.model.redaction import meant, redact
from waterbed.model.results import Side
from waterbed.store.bounded.toml import decode, toml_bytes

Outcome = Literal["appearances", "arrivals", "takedowns"]
Effort = Literal["all", "area", "none"]
PlaceKind = Literal["hoster", "as", "country"]
Fall = Literal["removal, change", "mean change", "mean change, blocks"]
Tested = Literal[
    "excess reappearance",
    "removal, change",
    "mean change",
    "mean change, blocks",
    "abroad, difference",
    "removal, change, buffer",
]
"""Answers with a test that a report may claim."""

BUFFER_TEST: Tested = "removal, change, buffer"
"""The one that needs a buffer."""
SECONDARY: tuple[Tested, ...] = (BUFFER_TEST, "mean change, blocks", "abroad, difference")

NOUNS: Mapping[PlaceKind, str] = {"hoster": "hoster", "as": "AS", "country": "country"}
SEE = "docs/displacement.md, The event file"
CHOSEN_UNTIL = "chosen_until"
"""Key whose days count to their ends: it tells where data end."""
EVENTS = "events"
"""Folder of a study that holds its event files."""
LONGEST_H = 876_600.0
"""A hundred years in hours: no time of an event file lasts longer."""
_YEARS = range(1970, 2201)
_Share = Annotated[float, msgspec.Meta(ge=0.001, le=1.0)]
_Long = Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_H)]
_When = Annotated[datetime, msgspec.Meta(tz=True)]


class Detection(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Lowest and highest part of arrivals that are detected."""

    home: tuple[_Share, _Share]
    abroad: tuple[_Share, _Share]

    def __post_init__(self) -> None:
        """Refuse ranges that are the wrong way round."""
        if self.home[0] > self.home[1] or self.abroad[0] > self.abroad[1]:
            raise ValueError("a detection is its lowest and its highest value, in this order")

    def of(self, side: Side) -> tuple[float, float]:
        """Return a side's range; of both where it is unknown."""
        either = min(self.home[0], self.abroad[0]), max(self.home[1], self.abroad[1])
        return {"home": self.home, "abroad": self.abroad, "unknown": either}[side]


class OtherEvent(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A further target, pressed at a time of its own."""

    target: str
    date: _When


class Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of an event file; windows are counted in periods."""

    target: str
    date: _When
    chosen_until: _When
    """End of the data seen: a day in the file counts to its end."""
    controls: tuple[str, ...]
    buffer: tuple[str, ...] = ()
    buffer_controls: tuple[str, ...] = ()
    period_h: Annotated[float, msgspec.Meta(ge=1.0, le=LONGEST_H)] = 24.0
    before: Annotated[int, msgspec.Meta(ge=8)] = 21
    after: Annotated[int, msgspec.Meta(ge=1)] = 14
    anticipation: Annotated[int, msgspec.Meta(ge=0)] = 0
    since: _When | None = None
    """Data from before it is not used: a first import brings years at once."""
    outcome: Outcome = "appearances"
    effort: Effort = "all"
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    horizon_h: _Long = 72.0
    """Time after an end in which an arrival elsewhere counts as its return."""
    age_within_h: _Long = 48.0
    """Largest difference in age between a content that ended and its controls."""
    most_contaminated: _Share = 0.2
    """Largest share of the controls' arrivals that may come from the target."""
    detection: Detection | None = None
    fall: Fall = "removal, change"
    """What says that the target fell: the first test, before the primary one."""
    primary: Tested = "excess reappearance"
    """The outcome that the report is about."""
    secondary: tuple[Tested, ...] = SECONDARY
    """Tested if the primary outcome rejects, and corrected for their number."""
    read: tuple[_When, ...] = ()
    """When the report is read; earlier ones are interim."""
    events: tuple[OtherEvent, ...] = ()
    public: bool = False
    """True if everybody may know of it: else nothing that is published names it."""
    public_source: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """Where it was made public, for readers: needed under TLP:CLEAR."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        self._refuse_times()
        if not self.controls:
            raise ValueError("controls names no place: declare places without intervention")
        if bool(self.buffer) != bool(self.buffer_controls):
            raise ValueError("buffer and buffer_controls are declared both or neither")
        if self.primary == BUFFER_TEST and not self.buffer:
            raise ValueError(f"primary is {BUFFER_TEST!r}, and no buffer is declared: declare one, or another primary")
        if self.fall != "removal, change" and self.outcome != "appearances":
            raise ValueError(
                f"fall is {self.fall!r} with outcome {self.outcome!r}: a hoster that removes more has more of them, so "
                "'removal, change' was expected, or outcome 'appearances'"
            )
        if not self.public_source.isprintable():
            raise ValueError("public_source may hold no control characters")
        if self.public_source and not self.public:
            raise ValueError("public_source is given, and public is not true: say which holds")
        if any(when < self.window[1] for when in self.reads):
            raise ValueError(
                f"read: {_day(min(self.reads))} lies before the periods after the event end, {_day(self.window[1])}: "
                f"change read, or date ({_day(self.at)}) or after, of which that end follows"
            )
        for name, keys in (("controls", self.controls), ("buffer_controls", self.buffer_controls)):
            if self.target in keys:
                raise ValueError(f"{name}: {self.target} is the target; name places without intervention")
        named = list(self.places)
        twice = sorted({key for key in named if named.count(key) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is in two areas; a place belongs to one at most")
        kind_of(self.all_places)

    def _refuse_times(self) -> None:
        """Refuse days and lengths of which no calendar tells."""
        dates = (self.date, self.chosen_until, *filter(None, (self.since,)), *self.read)
        for when in (*dates, *(other.date for other in self.events)):
            if when.year not in _YEARS:
                raise ValueError(f"{when.date()} is not a day from {_YEARS[0]} to {_YEARS[-1]}")
        periods = self.before + self.anticipation + self.after
        if periods * self.period_h > LONGEST_H:
            raise ValueError(
                f"before, anticipation and after are {periods:,} periods of {self.period_h:g} hours: "
                f"{LONGEST_H:,.0f} hours at most, a hundred years, were expected"
            )

    @property
    def places(self) -> Iterator[str]:
        """All keys that the file names, the target first."""
        yield self.target
        for group in (self.controls, self.buffer, self.buffer_controls):
            yield from group

    @property
    def all_places(self) -> list[str]:
        """All keys that the file names, further targets too."""
        return [*self.places, *(other.target for other in self.events)]

    @property
    def kind(self) -> PlaceKind:
        """The kind of the target and the areas."""
        return kind_of(self.all_places)

    @property
    def reads(self) -> list[datetime]:
        """The read dates, UTC, in order."""
        return sorted(when.astimezone(UTC) for when in self.read)

    @property
    def at(self) -> datetime:
        """When it happened, UTC."""
        return self.date.astimezone(UTC)

    @property
    def period(self) -> timedelta:
        """Length of a period."""
        return timedelta(hours=self.period_h)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Start of the first period and end of the last."""
        return self.at - (self.before + self.anticipation) * self.period, self.at + self.after * self.period


def kind_of(keys: Collection[str]) -> PlaceKind:
    """Return the kind of place that keys stand for.

    Two capitals are a country, AS64500 is an AS, anything else is a hoster. A hoster without a name has the key of
    its AS. ValueError for countries among others.
    """
    countries = [key for key in keys if re.fullmatch("[A-Z]{2}", key)]
    for problem in filter(None, map(not_a_country, countries)):
        raise ValueError(problem)
    if countries and len(countries) < len(keys):
        raise ValueError(
            f"{countries[0]} is a country and others are not: name hosters, ASes or countries throughout the file"
        )
    if countries:
        return "country"
    return "as" if all(re.fullmatch(r"AS\d+", key) for key in keys) else "hoster"


def read_event(path: Path) -> Event:
    """Read an event file.

    InputError names the wrong key and the page of the docs.
    """
    data = toml_bytes(path, "an event file", SEE)
    try:
        return decode(data, type=Event, first=_timed)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path}: {redact(str(problem))}", see=SEE) from None


@contextmanager
def named_in(path: Path) -> Iterator[None]:
    """Name the event file where its key is refused."""
    try:
        yield
    except InputError as problem:
        if problem.key not in Event.__struct_fields__:
            raise
        raise InputError(f"{path}: {problem.plain}", see=problem.see) from None


def event_files(folder: Path) -> list[Path]:
    """The event files of a study folder, by name.

    InputError if the folder of events cannot be listed.
    """
    try:
        return sorted(path for path in (folder / EVENTS).iterdir() if path.name.endswith(".toml"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise InputError(
            f"{folder / EVENTS} cannot be read ({problem.strerror}); a folder of event files was expected", see=SEE
        ) from None


def events_in(folder: Path) -> tuple[dict[str, Event], list[InputError]]:
    """A folder's events by file name, and unreadable files' faults."""
    events, unread = dict[str, Event](), list[InputError]()
    try:
        files = event_files(folder)
    except InputError as problem:
        return {}, [problem]
    for path in files:
        try:
            events[path.name] = read_event(path)
        except InputError as problem:
            unread.append(problem)
    return events, unread


def _timed(value: Any, key: str = "") -> Any:
    """Return the value of a key with dates as times in UTC.

    A date becomes its beginning, that of `chosen_until` its end; a time without a zone is UTC.
    """
    if isinstance(value, dict):
        return {name: _timed(entry, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [_timed(entry, key) for entry in value]
    if isinstance(value, datetime):
        return _utc(value if value.tzinfo else value.replace(tzinfo=UTC))
    if not isinstance(value, date):
        return value
    begin = datetime.combine(value, time(), tzinfo=UTC)
    return _utc(begin, timedelta(days=1 if key == CHOSEN_UNTIL else 0))


def _utc(when: datetime, later: timedelta = timedelta()) -> datetime:
    """The time in UTC; of a year that no event may have, as it is."""
    try:
        return when.astimezone(UTC) + later
    except OverflowError:
        return when


def check(
    event: Event,
    *,
    known: Collection[str],
    categories: Collection[str],
    sources: Collection[str],
    first: datetime,
    until: datetime,
    own: bool = False,
) -> None:
    """Refuse an event that does not fit the study.

    Its places, categories, sources and times must all occur in the study's data. `own`: the study's own people read the
    refusal, and may be told of a like place.
    """
    check_names(event, places=known, categories=categories, sources=sources, is_internal=own)
    _check_times(event, first, until)


def check_names(
    event: Event,
    *,
    places: Collection[str],
    categories: Collection[str],
    sources: Collection[str],
    is_internal: bool = False,
) -> None:
    """Refuse unknown names, and areas chosen too late."""
    for name, keys in _named(event):
        for key in keys:
            if key not in places:
                raise InputError(
                    f"this study does not know the {NOUNS[event.kind]} {redact(key)}"
                    f"{meant(key, places) if is_internal else ''}; waterbed rank lists them",
                    key=name,
                    see=SEE,
                )
    for name, choices, reported in (("categories", event.categories, categories), ("sources", event.sources, sources)):
        for choice in choices:
            if choice not in reported:
                raise InputError(
                    f"no report of this study has {redact(choice)}; reports have {', '.join(sorted(reported))}",
                    key=name,
                    see=SEE,
                )
    if event.chosen_until > event.at:
        raise InputError(
            f"{_day(event.chosen_until)} lies after the event, {_day(event.at)} (a day counts to "
            f"its end): choose controls and buffer with data from before it alone, as waterbed event init does",
            key="chosen_until",
            see=SEE,
        )


def check_since(event: Event, first: datetime) -> None:
    """Refuse a beginning without data from then on."""
    if event.since and not first <= event.since < event.at:
        raise InputError(
            f"{_day(event.since)} lies outside the study's data before the event, {_day(first)} to {_day(event.at)}",
            key="since",
            see=SEE,
        )


def _check_times(event: Event, first: datetime, until: datetime) -> None:
    for name, when in (("date", event.at), *(("events", other.date) for other in event.events)):
        if not first < when < until:
            raise InputError(
                f"{_day(when)} lies outside the study's data, {_day(first)} to {_day(until)}", key=name, see=SEE
            )
    check_since(event, first)
    start, end = event.window
    begin = event.since if event.since else first
    if start < begin:
        raise InputError(
            f"{event.before} periods reach back to {_day(start)}, but data begin on {_day(begin)}; shorten "
            f"before, anticipation or period_h",
            key="before",
            see=SEE,
        )
    if end > until:
        raise InputError(
            f"{event.after} periods reach to {_day(end)}, but what is known ends on {_day(until)}; wait, or "
            f"shorten after",
            key="after",
            see=SEE,
        )


def _named(event: Event) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "target", (event.target,)
    yield "controls", event.controls
    yield "buffer", event.buffer
    yield "buffer_controls", event.buffer_controls
    yield "events", tuple(other.target for other in event.events)


def _day(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"
