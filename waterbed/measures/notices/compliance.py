"""Compliance after notices: shares by week, trends, unanswered notices.

Pure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.estimators.survival.incidence import NOTHING, share_within
from waterbed.estimators.trend import (
    chances_within,
    cluster_bootstrap,
    percentile_interval,
    slope_error,
    weighted_slope,
)
from waterbed.measures.clocks import counted, running_clocks
from waterbed.measures.constancy import Part, part_of_share
from waterbed.measures.durations import half_gone
from waterbed.measures.removal import Removal, removal
from waterbed.measures.takedown import LOST, REMOVED, Clock, first_down, incidence
from waterbed.model.conclusions import OF_VOLUME, RankClass, RankingRow
from waterbed.model.takedown import ComplianceRow, ComplianceTrend, DeadlineRow, TakedownClock, Unanswered

WITHIN_H: Final = (1.0, 12.0, 24.0, 48.0, 72.0)
SILENT_H: Final = 72.0
"""Hours after which content that is still up, without an answer, is listed."""
_DAY_H: Final = 24.0
FEWEST_WEEKS: Final = 4
"""Weeks below which no trend is given."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Groups = Mapping[str, Sequence[TakedownClock]]

_NORMAL_95 = 1.959963984540054


def week_of(when: datetime) -> str:
    """The ISO week of a time (UTC), as 2026-W03."""
    year, week, _ = when.isocalendar()
    return f"{year}-W{week:02d}"


def compliance(
    groups: Groups,
    names: Mapping[str, str],
    *,
    until: datetime,
    weeks: bool = False,
    within_h: Sequence[float] = WITHIN_H,
    hidden: Mapping[str, Sequence[Clock]] = MappingProxyType({}),
    ranked: Mapping[str, RankingRow] = MappingProxyType({}),
) -> list[ComplianceRow]:
    """The shares removed within some hours, by key.

    With `weeks` there is a row for each ISO week too. Each is the interval-censored cumulative incidence of `removed`,
    with the rules of any share (`removal`): none below FEWEST_SITES clusters, and worst and best case in place of one
    number where they are far apart. A week's share is what happened: its days are too few for an interval of how the
    hoster works. Content gone before the origin is counted in a column of its own, not as a clock; late entries are
    counted and left out. `until` is the end of the measurement, `hidden` the clocks by key of which no check could be
    decided. `ranked` are the rows of the ranking by the same clocks: what it withholds is withheld here, of a share
    that changed the clocks since count, and of content that goes by our checks nothing is removed in the worst case.
    """
    rows: list[ComplianceRow] = []
    for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        sets: dict[str | None, list[TakedownClock]] = {None: list(group)}
        for one in sorted(group, key=lambda one: one.origin) if weeks else ():
            sets.setdefault(week_of(one.origin), []).append(one)
        for week, own in sets.items():
            if own:
                dark = [one for one in hidden.get(key, ()) if week in (None, week_of(one.origin))]
                rows += _rows(key, names.get(key, key), week, own, dark, until, within_h, ranked.get(key))
    return rows


def _rows(
    key: str,
    name: str,
    week: str | None,
    own: Sequence[TakedownClock],
    hidden: Sequence[Clock],
    until: datetime,
    within_h: Sequence[float],
    row: RankingRow | None,
) -> Iterator[ComplianceRow]:
    kept = running_clocks(own)
    # a week's share is what happened, before a change or after
    part = Part(kept, list(hidden)) if row is None or week else part_of_share(row, kept, hidden)
    differs = row is not None and row.rank_class == "views differ"
    curves = incidence(part.clocks) if part.clocks else None
    gone = [one for one in own if one.timing == "before"]
    for hours in within_h:
        estimate = (
            removal(part.clocks, until=until, within_h=hours, curves=curves, hidden=part.hidden, hides=differs)
            if part.clocks
            else None
        )
        rank_class = _class_of(estimate, row, week)
        shown = estimate if estimate and estimate.best is not None and rank_class not in OF_VOLUME else None
        yield ComplianceRow(
            key=key,
            name=name,
            week=week,
            within_h=hours,
            clocks=len(kept),
            clusters=estimate.sites if estimate else 0,
            removed=_rounded(shown.removed if shown else None),
            removed_low=_rounded(shown.low if shown else None),
            removed_high=_rounded(shown.high if shown else None),
            removed_worst=_rounded(shown.worst if shown else None),
            removed_best=_rounded(shown.best if shown else None),
            removed_or_moved=_rounded(shown.removed_or_moved if shown else None),
            first_down=first_down(kept),
            surely=sum(_surely(clock, hours) for clock in kept if not differs),
            possibly=sum(
                clock.flap_left_h < hours
                or (clock.cause in (REMOVED, LOST) and clock.left_h < hours)
                or (clock.cause == NOTHING and clock.left_h < hours <= (until - clock.origin).total_seconds() / 3600)
                for clock in kept
            ),
            before=len(gone),
            removed_before=sum(one.cause == "removed" for one in gone),
            late=sum(one.timing != "before" and one.entered_h > 0 for one in own),
            rank_class=rank_class,
        )


def _class_of(estimate: Removal | None, row: RankingRow | None, week: str | None) -> RankClass:
    """The class of a share: that of its ranking's row, where it does not depend on the hours."""
    if row is not None and row.rank_class in ("views differ", *OF_VOLUME):
        return row.rank_class
    its = class_of_share(estimate)
    return "changed" if row is not None and row.rank_class == "changed" and its == "ranked" and not week else its


def _surely(clock: Clock, hours: float) -> bool:
    """True if content that a check saw up was removed by then, whenever in its interval that was."""
    return clock.cause == REMOVED and clock.seen_by_check and clock.right_h + clock.earlier_h <= hours


def class_of_share(estimate: Removal | None) -> RankClass:
    """The class of a share, whatever the volume."""
    if estimate is None:
        return "unmeasurable"
    return "ranked" if estimate.estimability == "told" else estimate.estimability


def _rounded(share: float | None) -> float | None:
    """Round to a millionth, within the tolerance of the iteration."""
    return None if share is None else round(share, 6)


def trends(
    groups: Groups,
    names: Mapping[str, str],
    *,
    until: datetime,
    rng: np.random.Generator,
    within_h: float = 24.0,
    rounds: int = 1_000,
) -> list[ComplianceTrend]:
    """The weekly change of the share removed, by key.

    The share is the one removed within `within_h` hours. The slope of the weighted line through the weekly shares,
    weeks weighted by their clocks; a week whose clocks do not reach those hours is left out. The interval is that of
    resampled clusters, and at least that of one share in all weeks (`slope_error`). No slope below FEWEST_WEEKS weeks
    or FEWEST_SITES clusters, nor where the share itself could not be given.
    """
    found = []
    for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        kept = running_clocks(group)
        if kept:
            found.append(_trend(key, names.get(key, key), kept, until, rng, within_h, rounds))
    return found


def _trend(
    key: str, name: str, kept: Sequence[Clock], until: datetime, rng: np.random.Generator, within_h: float, rounds: int
) -> ComplianceTrend:
    # clocks that could not have been followed that long would leave the newest week with the quick ends alone
    kept = [one for one in kept if (until - one.origin).total_seconds() >= within_h * 3600] or list(kept)
    estimate = removal(kept, until=until, within_h=within_h)
    rows, week, chance = _weekly(kept, within_h)
    weeks = len(np.unique(week))
    rank_class: RankClass = class_of_share(estimate)
    if rank_class in ("ranked", "too few days") and weeks < FEWEST_WEEKS:
        rank_class = "too few days"
    slope = low = high = None
    if rank_class == "ranked":
        place = {label: number for number, label in enumerate(dict.fromkeys(one.site_id for one in kept))}
        clusters = [place[kept[row].site_id] for row in rows]
        slope = _slope(week, chance)
        slopes = cluster_bootstrap(clusters, lambda draw: _slope(week[draw], chance[draw]), rng=rng, rounds=rounds)
        if slope is not None and slopes.size:
            wide = _NORMAL_95 * slope_error(week, float(chance.mean()), clusters)
            low, high = percentile_interval(slopes)
            low, high = max(-1.0, min(low, slope - wide)), min(1.0, max(high, slope + wide))
    return ComplianceTrend(
        key=key,
        name=name,
        within_h=within_h,
        first_week=week_of(min(one.origin for one in kept)),
        last_week=week_of(max(one.origin for one in kept)),
        weeks=weeks,
        clusters=estimate.sites,
        slope=_rounded(slope),
        slope_low=_rounded(low),
        slope_high=_rounded(high),
        rank_class=rank_class,
    )


def _monday(when: datetime) -> date:
    year, week, _ = when.isocalendar()
    return date.fromisocalendar(year, week, 1)


def _weekly(kept: Sequence[Clock], within_h: float) -> tuple[list[int], Ints, Floats]:
    """Row, week and probability of timely removal, by clock.

    Weeks are counted from the first one; weeks whose clocks do not reach `within_h` hours are left out.
    The mean chance of a week is its cumulative incidence. Resampling takes the chances as they are: what an interval
    that holds `within_h` leaves open is at most WIDEST_GAP of the share.
    """
    mondays = [_monday(one.origin) for one in kept]
    first = min(mondays)
    by_week: dict[int, list[int]] = defaultdict(list)
    for row, monday in enumerate(mondays):
        by_week[(monday - first).days // 7].append(row)
    rows: list[int] = []
    weeks: list[int] = []
    chances: list[Floats] = []
    for week, own in sorted(by_week.items()):
        group = [kept[row] for row in own]
        curves = incidence(group)
        if share_within(curves, REMOVED, within_h) is None:
            continue
        ends = [one.left_h for one in group], [one.right_h for one in group], [one.cause for one in group]
        chances.append(chances_within(curves, *ends, of=REMOVED, hours=within_h))
        rows += own
        weeks += [week] * len(own)
    return rows, np.array(weeks, dtype=np.int64), np.concatenate(chances) if chances else np.zeros(0)


def _slope(week: Ints, chance: Floats) -> float | None:
    """The slope of the line through the weekly means.

    Weeks are weighted by their clocks.
    """
    clocks = np.bincount(week)
    at = np.flatnonzero(clocks)
    shares = np.bincount(week, chance)[at] / clocks[at]
    return weighted_slope(at, shares, clocks[at])


def _order(clock: TakedownClock) -> bool:
    return clock.clock == "legal_order"


def _allowed(clock: TakedownClock, after_h: float) -> float:
    return clock.due_h if _order(clock) and clock.due_h is not None else after_h


def deadlines(
    groups: Groups,
    names: Mapping[str, str],
    *,
    until: datetime,
    hidden: Mapping[str, Sequence[Clock]] = MappingProxyType({}),
) -> list[DeadlineRow]:
    """The shares removed by deadlines, by key and kind.

    A share is that of any removal (`removal`), on the scale on which each clock's deadline is 24 hours; below
    FEWEST_SITES clusters there is none. A deadline is one that the order states or the law fixes; of notices without
    one there is the time until half was gone, whatever the cause (`half_gone`). What was to stay up for the police is
    left out; `hidden` are the clocks by key of which no look could be decided.
    """
    found = []
    for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        kinds: dict[str, list[TakedownClock]] = defaultdict(list)
        for one in counted(group):
            if one.kind is not None and not one.held_for_police:
                kinds[one.kind].append(one)
        dark = hidden.get(key, ())
        found += [_deadline(key, names.get(key, key), kind, own, dark, until) for kind, own in sorted(kinds.items())]
    return found


def _deadline(
    key: str, name: str, kind: str, own: Sequence[TakedownClock], hidden: Sequence[Clock], until: datetime
) -> DeadlineRow:
    due = [one for one in own if one.due_h is not None and one.due_h > 0]
    given = [one.due_h or 0.0 for one in due]
    scaled = [
        replace(
            clock,
            left_h=clock.left_h * _DAY_H / hours,
            right_h=clock.right_h * _DAY_H / hours,
            flap_left_h=clock.flap_left_h * _DAY_H / hours,
            flap_right_h=clock.flap_right_h * _DAY_H / hours,
        )
        for clock, hours in zip(running_clocks(due), given, strict=True)
    ]
    followed = [
        clock for clock, hours in zip(scaled, given, strict=True) if until - clock.origin >= timedelta(hours=hours)
    ]
    # on the scale of deadlines each of these was followed for as long as its own
    end = max((until, *(clock.origin + timedelta(hours=_DAY_H) for clock in followed)))
    met = removal(followed, until=end, within_h=_DAY_H, hidden=hidden) if followed else None
    half = half_gone(running_clocks([one for one in own if one.due_h is None]), until=until)
    return DeadlineRow(
        key=key,
        name=name,
        kind=kind,
        clocks=len(own),
        due=len(due),
        due_h=float(np.median(given)) if given else None,
        met=_rounded(met.removed if met else None),
        met_low=_rounded(met.low if met else None),
        met_high=_rounded(met.high if met else None),
        surely=sum(_surely(clock, _DAY_H) for clock in scaled),
        missed=sum(clock.left_h >= _DAY_H for clock in scaled),
        action_h=half.hours if half else None,
        action_h_low=half.low if half else None,
        action_h_high=half.high if half and half.high is not None and np.isfinite(half.high) else None,
    )


def unanswered(groups: Groups, names: Mapping[str, str], *, after_h: float = SILENT_H) -> list[Unanswered]:
    """URLs still up long after a notice that nobody answered.

    Those up for `after_h` hours or more after the hoster was notified; the longest first. An order is met by removal
    alone: what is still up after its deadline, else after `after_h` hours, is listed whatever was answered.
    """
    silent = [
        Unanswered(
            key=key,
            name=names.get(key, key),
            url_id=one.url_id,
            notice_id=one.notice_id,
            batch=one.batch,
            origin=one.origin,
            up_h=one.left_h,
            ended=one.cause,
            reminders=sum(hours >= 0 for hours in one.reminders_h),
            held_for_police=one.held_for_police,
        )
        for key, group in groups.items()
        for one in group
        if one.notice_id and one.left_h >= _allowed(one, after_h) and (one.acknowledged_h is None or _order(one))
    ]
    return sorted(silent, key=lambda one: (-one.up_h, one.key, one.url_id))
