"""Windows of reports, and how long their URLs are followed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from waterbed.model.errors import InputError
from waterbed.model.redaction import shown

Every = Literal["week", "month"]
EVERY: Final = ("week", "month")
_FOLLOW: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?) ?(h|d|w)")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_SEE: Final = "docs/windows.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Reports from `since` to before `until`, followed on.

    A URL belongs to the window that holds its first report. It is followed to `end`: `follow` after `until`. None is no
    bound. `name` is that of a week or a month.
    """

    since: datetime | None = None
    until: datetime | None = None
    follow: timedelta = timedelta(0)
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse a window that holds nothing."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InputError(
                f"the window begins at {_time(self.since)}, which is not before its end, {_time(self.until)} ({_SEE})"
            )
        if self.follow < timedelta(0):
            raise InputError(f"nothing can be followed for less than no time ({_SEE})")
        try:
            self.end  # noqa: B018 (a time that there is)
        except OverflowError:
            raise InputError(
                f"the window's end is out of range; a date like 2026-03-01 was expected ({_SEE})"
            ) from None

    def __bool__(self) -> bool:
        """True if it leaves anything out."""
        return self.since is not None or self.until is not None

    def holds(self, when: datetime) -> bool:
        """True if a time lies in the window."""
        return (self.since is None or self.since <= when) and (self.until is None or when < self.until)

    @property
    def bounds(self) -> tuple[datetime, ...]:
        """Its beginning and its end, if it has them."""
        return tuple(bound for bound in (self.since, self.until) if bound is not None)

    @property
    def end(self) -> datetime | None:
        """The time to which its URLs are followed."""
        return None if self.until is None else self.until + self.follow

    @property
    def label(self) -> str:
        """Its name, else its bounds."""
        if self.name:
            return self.name
        return f"{_time(self.since) if self.since else ''}/{_time(self.until) if self.until else ''}"

    @property
    def words(self) -> str:
        """Its reports and its end, for people."""
        if not self:
            return "all reports"
        followed = f", followed to {_time(self.end)}" if self.end else ""
        return f"URLs first reported {self.span}{followed}"

    @property
    def span(self) -> str:
        """Its bounds, for people; empty if it has none."""
        parts = [f"from {_time(self.since)}"] if self.since else []
        parts += [f"before {_time(self.until)}"] if self.until else []
        return " and ".join(parts)

    def split(self, every: Every, first: datetime, last: datetime) -> Iterator["Window"]:
        """The weeks or months in it that may hold reports.

        From the one of `first` to that of `last`; the first and the last are cut at the window's bounds.
        """
        begin = _start(max(first, self.since) if self.since else first, every)
        stop = last if self.until is None else min(last, self.until - timedelta(microseconds=1))
        while begin <= stop:
            after = _next(begin, every)
            yield Window(
                since=max(begin, self.since) if self.since else begin,
                until=min(after, self.until) if self.until else after,
                follow=self.follow,
                name=_name(begin, every),
            )
            begin = after


ALL: Final = Window()
"""No window: all reports, followed to the end."""


def window_of(
    since: str | date | None = None,
    until: str | date | None = None,
    follow: str | timedelta | None = None,
    *,
    every: Every | None = None,
) -> Window:
    """Read a window from words.

    A day stands for its midnight (UTC); a time without a zone is UTC. `follow` is hours, days or weeks, as 36h, 14d or
    2w; it needs an end to follow from, that of the window or of `every` week or month. InputError for anything else.
    """
    begin, end = (
        None if value is None else time_of(option, value) for option, value in (("since", since), ("until", until))
    )
    window = Window(since=begin, until=end, follow=_duration(follow))
    if window.follow and window.until is None and every is None:
        raise InputError(
            f"--follow {follow} is time after the window's end, and this window has none: add --until ({_SEE})"
        )
    return window


def every_of(word: str) -> Every:
    """Read `week` or `month`; InputError for anything else."""
    if word not in EVERY:
        raise InputError(f"--window {shown(word)} is not known; week or month was expected ({_SEE})")
    return word  # type: ignore[return-value]  # one of the two


def month_of(word: str, follow: str | timedelta | None = None) -> Window:
    """The window of a month, as 2026-03.

    InputError if it is none.
    """
    found = _MONTH.fullmatch(word)
    if not found or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) <= 2200:
        raise InputError(
            f"--month {shown(word)} is not a month of 1970 to 2200; one like 2026-03 was expected ({_SEE})"
        )
    begin = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return Window(since=begin, until=_next(begin, "month"), follow=_duration(follow), name=word)


def month_before(window: Window) -> Window:
    """The month before a month."""
    if window.since is None:
        raise ValueError("a window without a beginning has none before it")
    begin = _start(window.since - timedelta(days=1), "month")
    return replace(window, since=begin, until=window.since, name=_name(begin, "month"))


def iso_time(text: str) -> datetime:
    """Read an ISO 8601 date or time.

    ValueError for other texts. Between date and time stands T or a space: Python takes any character there, and would
    read the zone of 2026-01-05+02:00 as a time of day.
    """
    date.fromisoformat(re.split("[Tt ]", text, maxsplit=1)[0])
    return datetime.fromisoformat(text)


def time_of(option: str, value: str | date, see: str = _SEE) -> datetime:
    """Read an option's day or time, in UTC.

    `see` names the page of errors. InputError for anything else.
    """
    if isinstance(value, str):
        words = value
        try:
            value = iso_time(words)
        except ValueError:
            raise InputError(
                f"--{option} {shown(words)} is not a date; one like 2026-03-01 was expected, or a time like "
                f"2026-03-01T12:00+00:00 ({see})"
            ) from None
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise InputError(f"--{option} is out of range; a date like 2026-03-01 was expected ({see})") from None


def _duration(value: str | timedelta | None) -> timedelta:
    if value is None:
        return timedelta(0)
    if isinstance(value, timedelta):
        return value
    found = _FOLLOW.fullmatch(value)
    if not found:
        raise InputError(
            f"--follow {shown(value)} is not a time; hours, days or weeks like 36h, 14d or 2w were expected ({_SEE})"
        )
    return float(found[1]) * _UNITS[found[2]]


def _start(when: datetime, every: Every) -> datetime:
    day = when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if every == "month" else day - timedelta(days=day.weekday())


def _next(begin: datetime, every: Every) -> datetime:
    return _start(begin + timedelta(days=32), "month") if every == "month" else begin + timedelta(weeks=1)


def _name(begin: datetime, every: Every) -> str:
    if every == "month":
        return f"{begin:%Y-%m}"
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02d}"


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d}" if (when.hour, when.minute, when.second) == (0, 0, 0) else f"{when:%Y-%m-%d %H:%M}"
