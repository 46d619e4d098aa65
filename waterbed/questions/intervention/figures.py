"""The figures of an intervention with their words and files."""

from collections.abc import Iterator, Sequence
from typing import Final

from waterbed.measures.takedown import WITHIN_H
from waterbed.model.results import AnswerRow, DestinationRow, EventCurveRow, PairRow, PeriodRow
from waterbed.model.spelling import number, percent
from waterbed.shown.figures.events import (
    PLACES,
    areas_of,
    counts_scene,
    course_scene,
    curves_of,
    gaps_scene,
    is_side,
    line_keys,
    pairs_scene,
    removal_scene,
    where_rows,
    where_scene,
)
from waterbed.shown.figures.marks import Figure, Key
from waterbed.shown.figures.plot import figure_of

_SERIES: Final = (
    "Each point is one period, or several that are told together where one has too few sites; the upright line is the "
    "event. A line that breaks has no number for that period. "
)
_TITLES: Final = {
    "removed": "Removed by hours since the report",
    "course": "Target, controls, and what was expected",
    "where": "Where content of the target was seen next",
}
"""The three figures of an event's answer."""


def event_figures(
    curves: Sequence[EventCurveRow],
    periods: Sequence[PeriodRow],
    all_periods: Sequence[PeriodRow],
    destinations: Sequence[DestinationRow],
    pairs: Sequence[PairRow],
    *,
    outcome: str,
    stem: str,
) -> tuple[Figure, ...]:
    """Figures of one reading, and gaps of all.

    Those without rows are left out: `refused_figures` says why. `stem` is the path of the page's files without the name
    of a table.
    """
    return (
        *_removed(curves, stem),
        *_course(periods, outcome, stem),
        *_where(destinations, stem),
        *_more(periods, all_periods, pairs, outcome, stem),
    )


def refused_figures(
    figures: Sequence[Figure], answers: Sequence[AnswerRow], stopped: str
) -> dict[str, tuple[str, str]]:
    """Title and reason of each missing figure, by name.

    `stopped` is the reason for which nothing is told; empty: there is none.
    """
    shares = [answer for answer in answers if answer.name.startswith("removed ")]
    reason = next((answer.refusal for answer in shares if answer.refusal), "no report was followed")
    reasons = {
        "removed": reason,
        "course": "nothing was counted in these periods",
        "where": "nothing that left the target was seen elsewhere, or too little to be told",
    }
    drawn_names = {figure.name for figure in figures}
    return {name: (_TITLES[name], stopped or reason) for name, reason in reasons.items() if name not in drawn_names}


def _removed(curves: Sequence[EventCurveRow], stem: str) -> Iterator[Figure]:
    if curves:
        share_texts = [
            f"{name} {percent(row.removed)}"
            for _, name, curve_rows in curves_of(curves)
            for row in curve_rows
            if row.hour == WITHIN_H
        ]
        yield figure_of(
            "removed",
            _TITLES["removed"],
            f"Removed within 24 hours: {'; '.join(share_texts)}.",
            "Each line is the share of reported URLs removed by an hour, of those first reported before the event and "
            "after it. Bands are 95% intervals of the target, each hour for itself; none where all reports came "
            "within 36 hours. Reports from before the event are followed to the event, so that it changes none of "
            "them. Compare the target's change with that of its controls.",
            f"{stem}-curves",
            lambda width: removal_scene(curves, width),
            tuple(Key(css=css, word=name) for css, name, _ in curves_of(curves)),
        )


def _course(periods: Sequence[PeriodRow], outcome: str, stem: str) -> Iterator[Figure]:
    if periods:
        foretold = any(row.foretold_sites is not None for row in periods)
        around = any(row.placebo_low is not None for row in periods)
        keys = [Key(css="l1", word="target"), Key(css="l2", word="controls")]
        keys += [Key(css="l6", word="expected from the controls (synthetic control)")] if foretold else []
        keys += [Key(css="l6 faint", word="range of placebos", area=True)] if around else []
        yield figure_of(
            "course",
            _TITLES["course"],
            _ends(f"Sites with {outcome} at the target", [row.target for row in periods]),
            f"{_SERIES}Expected: what the weighted controls say of the target, at its level before the event; after it "
            "the distance of the target from this line is the effect. The band is how far other dates and places "
            "without an event strayed, cut off above the figure: inside it, the target did nothing unusual.",
            f"{stem}-periods",
            lambda width: course_scene(periods, outcome, width),
            tuple(keys),
        )


def _where(destinations: Sequence[DestinationRow], stem: str) -> Iterator[Figure]:
    rows = where_rows(destinations)
    if any(row.share_before is not None or row.share_after is not None for row in rows):
        after = "; ".join(f"{row.name} {percent(row.share_after)}" for row in rows)
        early = any(row.share_before is not None for row in rows)
        keys = [Key(css="l2 open round", word="before", area=True)] if early else []
        keys.append(Key(css="l1 round", word="after", area=True))
        keys += [
            Key(css=f"l7{css}", word=f"controls, {when}", area=True)
            for css, when in ((" open", "before"), ("", "after"))
            if any(getattr(row, f"control_{when}") is not None for row in rows if is_side(row))
        ]
        bounds = any(row.low is not None for row in rows)
        yield figure_of(
            "where",
            _TITLES["where"],
            f"Shares of arrivals from the target after the event: {after}.",
            "Each row is a destination: its share of the arrivals of content that left the target, before the event "
            "and after it. Lines are bounds of the share after, with chance and at the declared detection. Squares "
            "are content that left the controls: a shift there too is not the event's doing. Of places at most "
            f"{PLACES} are drawn, those with most arrivals; the table of destinations has all.",
            f"{stem}-destinations",
            lambda width: where_scene(destinations, width),
            (*keys, Key(css="l1", word="bounds")) if bounds else tuple(keys),
        )


def _more(
    periods: Sequence[PeriodRow], all_periods: Sequence[PeriodRow], pairs: Sequence[PairRow], outcome: str, stem: str
) -> Iterator[Figure]:
    """Figures for those who open the fold."""
    if any(row.buffer or row.buffer_control for row in periods):
        yield figure_of(
            "counts",
            f"Sites with {outcome}, by period",
            _ends("Sites at the target", [row.target for row in periods]),
            f"{_SERIES}Compare each area with its controls: both can change for reasons of their own.",
            f"{stem}-periods",
            lambda width: counts_scene(periods, outcome, width),
            line_keys([name for _, name in areas_of(periods)]),
        )
    if any(row.gap is not None for row in periods):
        yield figure_of(
            "gaps",
            "Target less its controls' prediction",
            _ends("Gap of the target", [row.gap for row in periods]),
            f"{_SERIES}Zero: as expected. One line for each reading of arrivals whose order is open.",
            f"{stem}-periods",
            lambda width: gaps_scene(all_periods, width),
            line_keys(list(dict.fromkeys(row.reading for row in all_periods))),
        )
    if any(row.lift for row in pairs):
        largest = max(row.lift or 0.0 for row in pairs)
        yield figure_of(
            "pairs",
            "Moves beside those expected",
            f"Lifts of the pairs with most moves; the largest is {number(largest)}.",
            "1: as many moves as first-ever appearances say. A full dot: one of both nulls is rejected at 5% for all "
            "pairs at once.",
            f"{stem}-pairs",
            lambda width: pairs_scene(pairs, width),
        )


def _ends(what: str, values: Sequence[float | None]) -> str:
    """First and last value of a series, in words."""
    known_values = [value for value in values if value is not None]
    if not known_values:
        return f"{what}: no number."
    return f"{what}: from {number(known_values[0])} in the first period to {number(known_values[-1])} in the last."
