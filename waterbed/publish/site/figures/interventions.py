"""The figures of an intervention with their words and files."""

from collections.abc import Iterator, Sequence
from typing import Final

from waterbed.model.results import DestinationRow, PairRow, PeriodRow
from waterbed.model.spelling import number, percent
from waterbed.publish.site.figures.events import (
    SIDES,
    areas_of,
    counts_scene,
    course_scene,
    gaps_scene,
    line_keys,
    pairs_scene,
    sides_scene,
)
from waterbed.publish.site.figures.marks import Figure, Key
from waterbed.publish.site.figures.plot import figure_of

_SERIES: Final = (
    "Each point is one period; the dotted line is the event. A line that breaks has no number for that period. "
)


def event_figures(
    periods: Sequence[PeriodRow],
    every: Sequence[PeriodRow],
    destinations: Sequence[DestinationRow],
    pairs: Sequence[PairRow],
    *,
    outcome: str,
    stem: str,
) -> tuple[Figure, ...]:
    """Figures of one reading, and gaps of all.

    Those without rows are left out.

    `stem` is the path of the page's files without the name of a table.
    """
    return tuple(_figures(periods, every, destinations, pairs, outcome, stem))


def _figures(
    periods: Sequence[PeriodRow],
    every: Sequence[PeriodRow],
    destinations: Sequence[DestinationRow],
    pairs: Sequence[PairRow],
    outcome: str,
    stem: str,
) -> Iterator[Figure]:
    if periods:
        yield figure_of(
            "counts",
            f"Sites with {outcome}, by period",
            _ends("Sites at the target", [row.target for row in periods]),
            f"{_SERIES}Compare the target with its controls: both can change for reasons of their own.",
            f"{stem}-periods",
            lambda width: counts_scene(periods, outcome, width),
            line_keys([name for _, name in areas_of(periods)]),
        )
    if any(row.observed is not None for row in periods):
        yield figure_of(
            "course",
            "The target, and what its controls foretell",
            _ends("Log rate of the target", [row.observed for row in periods]),
            f"{_SERIES}Before the event both lines should agree; after it their distance is the effect.",
            f"{stem}-periods",
            lambda width: course_scene(periods, width),
            line_keys(["target", "foretold"]),
        )
        yield figure_of(
            "gaps",
            "Target less its controls' prediction",
            _ends("Gap of the target", [row.gap for row in periods]),
            f"{_SERIES}Zero: as foretold. One line for each reading of arrivals whose order is open.",
            f"{stem}-periods",
            lambda width: gaps_scene(every, width),
            line_keys(list(dict.fromkeys(row.reading for row in every))),
        )
    sides = [row for row in destinations if row.key in SIDES]
    if any(row.before or row.after or row.control_before or row.control_after for row in sides):
        after = "; ".join(f"{row.key} {percent(row.share_after)}" for row in sides)
        yield figure_of(
            "sides",
            "At home and abroad, before and after",
            f"Shares of arrivals from the target after the event: {after}.",
            "Each bar is all arrivals of one group and time. A shift at the controls too is not the event's doing.",
            f"{stem}-destinations",
            lambda width: sides_scene(destinations, width),
            tuple(Key(css=SIDES[row.key], word=row.key, area=True) for row in sides),
        )
    if any(row.lift for row in pairs):
        largest = max(row.lift or 0.0 for row in pairs)
        yield figure_of(
            "pairs",
            "Moves against those foretold",
            f"Lifts of the pairs with most moves; the largest is {number(largest)}.",
            "1 is as many moves as first-ever appearances foretell. A full dot: one of the two nulls is rejected at "
            "5% for all pairs at once.",
            f"{stem}-pairs",
            lambda width: pairs_scene(pairs, width),
        )


def _ends(what: str, values: Sequence[float | None]) -> str:
    """First and last value of a series, in words."""
    known = [value for value in values if value is not None]
    if not known:
        return f"{what}: no number."
    return f"{what}: from {number(known[0])} in the first period to {number(known[-1])} in the last."
