"""Removal curves, weeks with intervals, and failures by day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from waterbed.measures.removal_curves import RemovalCurve
from waterbed.model.spelling import percent
from waterbed.model.takedown import CauseShare
from waterbed.shown.figures.marks import LINES, NARROW, Scene, label, path, spot, steps, through
from waterbed.shown.figures.moments import Placed, draw_moments, moment_marks
from waterbed.shown.figures.plot import Axis, Plot, gapless, shares, thinned

MARK_H: Final = 24.0
CAUSE_CSS: Final[Mapping[str, str]] = {
    "removed": "l1",
    "moved": "l2",
    "name": "l4",
    "network": "l7",
    "seized": "l6",
    "lost": "l5",
    "registrar_hold": "l3",
    "registry_hold": "l8",
    "deleted": "l9",
    "expired": "l10",
}
"""The line of each cause."""


def _hours(last: float) -> Axis:
    days = max(1, int(last // 24))
    each = -(-days // 7)
    ticks = [(24.0 * at, f"{24 * at}") for at in range(0, days + 1, each)]
    return Axis(low=0.0, high=max(last, MARK_H) * 1.02, ticks=ticks, title="hours")


def curves_scene(curves: Sequence[RemovalCurve], width: int) -> Scene:
    """Draw removal curves as steps, with 24 hours marked."""
    last = max((curve.hours[-1] for curve in curves if curve.hours), default=MARK_H)
    plot = Plot(_hours(last), shares(), width=width, height=260 if width == NARROW else 340)
    plot.upright(MARK_H, "24 h")
    for number, curve in enumerate(curves[:LINES], 1):
        points = [plot.at(hour, share) for hour, share in zip(curve.hours, curve.removed, strict=True)]
        plot.marks.append(path(f"line l{number}", steps(points), label(curve.name)))
    for number, curve in enumerate(curves[:LINES], 1):
        at = [share for hour, share in zip(curve.hours, curve.removed, strict=True) if hour <= MARK_H]
        if at and curve.hours[-1] >= MARK_H:
            tip = f"{label(curve.name)}: {percent(at[-1])} within 24 h"
            plot.marks.append(spot(number, plot.at(MARK_H, at[-1]), 4.5, f"spot l{number}", tip))
    return plot.scene()


def causes_scene(
    hours: Sequence[float],
    ended: Mapping[str, Sequence[float]],
    marks: Sequence[CauseShare],
    words: Mapping[str, str],
    width: int,
) -> Scene:
    """Draw each observed cause's share as steps.

    The 95% intervals stand at marked hours.
    """
    plot = Plot(_hours(hours[-1]), shares(), width=width, height=260 if width == NARROW else 340)
    plot.upright(MARK_H, "24 h")
    for cause, word in words.items():
        if cause != "removed" and not any(ended[cause]):
            continue
        css = CAUSE_CSS[cause]
        plot.marks.append(
            path(f"line {css}", steps([plot.at(*one) for one in zip(hours, ended[cause], strict=True)]), word)
        )
        for mark in marks:
            if mark.cause != cause or mark.share is None or mark.within_h > hours[-1]:
                continue
            if mark.low is not None and mark.high is not None:
                ends = f"{percent(mark.low)} to {percent(mark.high)}"
                tip = f"{percent(mark.share)} {word} within {mark.within_h:g} h, {ends}"
                plot.whisker(mark.within_h, mark.low, mark.high, css, tip)
            plot.marks.append(spot(1, plot.at(mark.within_h, mark.share), 3, f"spot {css}"))
    return plot.scene()


Week = tuple[str, float | None, float | None, float | None]
"""Name of a week, its share, and the lower and upper end of what it may be."""


def weeks_scene(weeks: Sequence[Week], width: int, moments: Sequence[Placed] = ()) -> Scene:
    """Draw weekly shares with bands, and events.

    Where a week has no share the line breaks.
    """
    narrow = width == NARROW
    ticks = thinned([(float(at), name) for at, (name, *_) in enumerate(weeks)], 4 if narrow else 8)
    plot = Plot(
        Axis(low=-0.5, high=len(weeks) - 0.5, ticks=ticks), shares(), width=width, height=220 if narrow else 260
    )
    draw_moments(plot, moments)
    run: list[tuple[float, float, float]] = []
    for at, (_, share, low, high) in enumerate([*weeks, ("", None, None, None)]):
        if share is not None and low is not None and high is not None:
            run.append((float(at), low, high))
        else:
            plot.band(run, "l1")
            run = []
    for points in gapless([(float(at), share) for at, (_, share, _, _) in enumerate(weeks)]):
        plot.marks.append(path("line l1", through([plot.at(*point) for point in points])))
    for at, (name, share, low, high) in enumerate(weeks):
        if share is not None:
            ends = f", {percent(low)} to {percent(high)}" if low is not None and high is not None else ""
            if low is not None and high is not None:
                plot.whisker(float(at), low, high, "l1")
            plot.marks.append(spot(1, plot.at(float(at), share), 4, "spot l1", f"{name}: {percent(share)}{ends}"))
    return plot.scene()


Vantage = tuple[str, Sequence[tuple[str, int, int]]]
"""Name of a vantage, and its days, each with canary checks and failed ones."""


def days_of(vantages: Sequence[Vantage]) -> tuple[date, int]:
    """First day of canary checks, and days to the last."""
    every = sorted(date.fromisoformat(day) for _, days in vantages for day, _, _ in days)
    return every[0], max(1, (every[-1] - every[0]).days)


def failures_scene(vantages: Sequence[Vantage], width: int, moments: Sequence[Placed] = ()) -> Scene:
    """Draw each day's share of failed canary checks, by vantage.

    Each point is a day, its checks and the failed ones.
    """
    narrow = width == NARROW
    first, span = days_of(vantages)
    step = -(-(span + 1) // (4 if narrow else 8))
    ticks = [(float(at), date.fromordinal(first.toordinal() + at).isoformat()) for at in range(0, span + 1, step)]
    x = Axis(low=-0.5, high=span + 0.5, ticks=ticks)
    plot = Plot(x, shares(), width=width, height=200 if narrow else 240)
    draw_moments(plot, moments)
    for at, (name, days) in enumerate(vantages):
        number = at % LINES + 1
        points = [plot.at(float((date.fromisoformat(day) - first).days), failed / looks) for day, looks, failed in days]
        plot.marks.append(path(f"line l{number}", through(points), label(name)))
        for point, (day, looks, failed) in zip(points, days, strict=True):
            if failed:
                tip = f"{label(name)}, {day}: {failed} of {looks} failed"
                plot.marks.append(spot(number, point, 3.5, f"spot l{number}", tip))
    return plot.scene()


def weekly_line(
    shares_by_week: Sequence[float | None], moments: Sequence[Placed] = (), width: int = 132, height: int = 28
) -> Scene:
    """Draw a small line of weekly shares, the newest marked.

    Upright lines are events.
    """
    step = (width - 8) / max(1, len(shares_by_week) - 1)

    def at(number: float, share: float) -> tuple[float, float]:
        return 4 + number * step, height - 4 - share * (height - 8)

    marks = [path("grid", f"M0 {height - 4}H{width}M0 4H{width}")]
    marks += moment_marks([at(place, 0.0)[0] for place, _ in moments], height)
    runs = gapless([(float(number), share) for number, share in enumerate(shares_by_week)])
    for run in runs:
        points = [at(*point) for point in run]
        marks.append(path("line l1", through(points)) if len(points) > 1 else spot(1, points[0], 1.5, "spot l1"))
    if runs:
        marks.append(spot(1, at(*runs[-1][-1]), 3, "spot l1"))
    return Scene(width=width, height=height, marks=tuple(marks))
