"""Events as marks on axes of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from waterbed.shown.figures.marks import Key, Mark, path, rounded
from waterbed.shown.figures.plot import Plot

_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One event on an axis of time."""

    at: Annotated[datetime, "when, UTC"]
    title: Annotated[str, "whom it was against"]

    @property
    def words(self) -> str:
        """The event in words, with its day."""
        return f"{self.title}, {self.at:%-d %B %Y}"


Placed = tuple[float, Moment]
"""A place on the axis, and the event there."""


def in_weeks(weeks: Sequence[str], moments: Sequence[Moment]) -> list[Placed]:
    """Place events among weeks numbered from 0, as 2026-W12.

    Each week spans half a unit on either side; an event in a week that is left out stands between its neighbours. Those
    outside all weeks are left out.
    """
    found = []
    for one in moments:
        at = one.at.astimezone(UTC)
        year, number, day = at.isocalendar()
        week, midnight = f"{year}-W{number:02}", datetime(at.year, at.month, at.day, tzinfo=UTC)
        before = sum(name < week for name in weeks)
        if week in weeks:
            part = (timedelta(days=day - 1) + (at - midnight)) / _WEEK
            found.append((before - 0.5 + part, one))
        elif 0 < before < len(weeks):
            found.append((before - 0.5, one))
    return found


def in_days(first: date, span: int, moments: Sequence[Moment]) -> list[Placed]:
    """Place events among days numbered from a first one."""
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    placed = [((one.at - begin) / timedelta(days=1) - 0.5, one) for one in moments]
    return [(at, one) for at, one in placed if -0.5 <= at <= span + 0.5]


def moment_words(placed: Sequence[Placed]) -> str:
    """The events of an axis in one sentence, or nothing."""
    if not placed:
        return ""
    return f" {'Event' if len(placed) == 1 else 'Events'}: {'; '.join(one.words for _, one in placed)}."


def moment_keys(placed: Sequence[Placed]) -> tuple[Key, ...]:
    """The legend of an axis' events."""
    return tuple(
        Key(css="event", word=f"{_label(number, placed)}: {one.words}") for number, (_, one) in enumerate(placed, 1)
    )


def _label(number: int, placed: Sequence[Placed]) -> str:
    return "event" if len(placed) == 1 else f"event {number}"


def moment_data(placed: Sequence[Placed]) -> list[tuple[float, str, str]]:
    """Place, word and tip of each event.

    Several are numbered.
    """
    return [
        (at, "event" if len(placed) == 1 else f"{number}", f"{_label(number, placed)}: {one.words}")
        for number, (at, one) in enumerate(placed, 1)
    ]


def draw_moments(plot: Plot, placed: Sequence[Placed]) -> None:
    """Draw a thin upright line for each event."""
    for at, word, tip in moment_data(placed):
        plot.moment(at, word, tip)


def moment_marks(places: Sequence[float], height: int) -> list[Mark]:
    """Upright lines in a small figure without words."""
    return [path("line event", f"M{rounded(x)} 0V{height}") for x in places]
