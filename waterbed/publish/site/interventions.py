"""Intervention pages: answers, what may be said with them, and the pictures behind them; asks nothing of anyone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plotly.offline import get_plotlyjs

from waterbed.model.results import Answer, DestinationRow, PairRow, PeriodRow, PlaceboRow, Reading
from waterbed.model.spelling import interval
from waterbed.publish.site.intervention_figures import (
    counts_figure,
    course_figure,
    gaps_figure,
    pairs_figure,
    sides_figure,
)
from waterbed.publish.site.layout import Page, templates
from waterbed.publish.site.site import asset

SHOWN_PAIRS = 16
HEADLINES = ("mean change", "WDD", "excess reappearance", "displaced share", "abroad after", "abroad")
"""Answers that stand above all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplacementView:
    """Everything the displacement page shows; without an event `declared`, `periods` and `destinations` are empty.

    `declared` are the lines of the event file in words. Times are aware.
    """

    title: str
    made_at: datetime
    home: str
    declared: Sequence[tuple[str, str]]
    outcome: str
    answers: Sequence[Answer]
    always: Sequence[str]
    periods: Sequence[PeriodRow]
    placebos: Sequence[PlaceboRow]
    destinations: Sequence[DestinationRow]
    pairs: Sequence[PairRow]
    data_dates: Mapping[str, str]
    run_id: str
    version: str
    least: int = 1
    """Sites that any count is about at least; what is about fewer is not told."""
    protocol: str = "none"
    """What the answers are to the locked protocol."""
    deviations: Sequence[str] = ()
    """What was done otherwise than it says, with reasons."""


def render_displacement(view: DisplacementView) -> str:
    """Make one page for itself: HTML, style, scripts and data in one text, with nothing to load."""
    figures = _figures(view)
    return (
        templates()
        .get_template("intervention_alone.html")
        .render(
            {
                **_values(view, figures),
                "view": view,
                "made_at": view.made_at.astimezone(UTC),
                "style": asset("style.css").content.decode(),
                "library": get_plotlyjs() if figures else "",
                "figures": figures,
            }
        )
    )


def intervention_page(view: DisplacementView, path: str, *, under: str) -> Page:
    """Make the page of one event in a site: the content of `render_displacement`."""
    figures = _figures(view)
    return Page(
        path=path,
        template="intervention.html",
        title=view.title,
        under=under,
        figures=figures,
        values={**_values(view, figures), "back": under},
    )


def refused_page(title: str, reason: str, path: str, *, under: str) -> Page:
    """Make the page of an event about which nothing can be said, with the reason."""
    return Page(path=path, template="refused.html", title=title, under=under, values={"reason": reason, "back": under})


def _values(view: DisplacementView, figures: dict[str, Any]) -> dict[str, Any]:
    """What the content of either page is filled with."""
    return {
        "view": view,
        "questions": _by_question(view.answers),
        "claims": _claims,
        "interval": interval,
        "headlines": [answer for answer in _main(view.answers) if answer.name in HEADLINES],
        "given": sum(answer.refusal is None for answer in view.answers),
        "periods": _main(view.periods),
        "destinations": _main(view.destinations),
        "pairs": _main(view.pairs)[:SHOWN_PAIRS],
        "drawn": tuple(figures),
    }


def _by_question(answers: Sequence[Answer]) -> list[tuple[str, list[Answer]]]:
    grouped: dict[str, list[Answer]] = {}
    for answer in answers:
        grouped.setdefault(answer.question, []).append(answer)
    return list(grouped.items())


def _claims(answers: Sequence[Answer]) -> list[tuple[str, str, str]]:
    """For each thing that may and may not be said: the numbers it is about."""
    grouped: dict[tuple[str, str], list[str]] = {}
    several = len({answer.reading for answer in answers}) > 1
    for answer in answers:
        if answer.refusal is None:
            label = f"{answer.name} ({answer.reading})" if several else answer.name
            grouped.setdefault((answer.may, answer.may_not), []).append(label)
    return [(", ".join(about), may, may_not) for (may, may_not), about in grouped.items()]


def _main(rows: Sequence[Any]) -> list[Any]:
    """The rows of the reading that leaves least out, which is the one drawn."""
    wanted: tuple[Reading, ...] = ("not parallel", "all")
    return [row for row in rows if row.reading in wanted]


def _figures(view: DisplacementView) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    periods, destinations, pairs = _main(view.periods), _main(view.destinations), _main(view.pairs)
    if periods:
        figures["counts"] = counts_figure(periods, outcome=view.outcome)
    if any(row.observed is not None for row in periods):
        figures["course"] = course_figure(periods)
        figures["gaps"] = gaps_figure(view.periods)
    if destinations:
        figures["sides"] = sides_figure(destinations)
    if any(row.lift for row in pairs):
        figures["pairs"] = pairs_figure(pairs)
    return figures
