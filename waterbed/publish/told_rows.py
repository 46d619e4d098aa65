"""Rows on notices, effects and weeks that may be told."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from graphs.beyond import Beyond
from waterbed.model.takedown import DeadlineRow, NoticeEffect

_OF_DEADLINES: Final = ("clocks", "due", "surely", "missed")
_SHARES: Final = ("met", "met_low", "met_high")
_OF_EFFECTS: Final = ("clocks", "clusters", "of_clocks", "of_clusters")
"""Counts of a row on the effect of notices."""


def too_few(row: Any, least: int) -> bool:
    """True for a row on too few clocks or clusters."""
    return any(0 < number < least for number in (row.clocks, row.clusters))


def told_notices(rows: Sequence[Any], by_week: Sequence[Any], least: int) -> list[Any]:
    """Rows on notices without weeks that follow from others.

    `by_week` are all rows of the table by hoster, in which alone weeks stand. The weeks that a hoster lacks are
    several, and about enough clocks.
    """
    weeks: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in by_week:
        if row.week is not None:
            weeks[row.key][row.week].append(row)
    shown = {key: _told_weeks(own, least) for key, own in weeks.items()}
    return [
        row for row in rows if (row.week in shown.get(row.key, ()) if row.week is not None else not too_few(row, least))
    ]


def told_effects(rows: Sequence[NoticeEffect], least: int) -> list[NoticeEffect]:
    """Effects of notices over all hosters, with counts rounded down.

    Each rests on enough clocks and clusters with the change, and on enough without it or on none.
    """

    def enough(part: int, whole: int) -> bool:
        return part >= least and not 0 < whole - part < least

    return [
        replace(row, **{name: getattr(row, name) // least * least for name in _OF_EFFECTS})
        for row in rows
        if not row.refusal and enough(row.clocks, row.of_clocks) and enough(row.clusters, row.of_clusters)
    ]


def told_deadlines(rows: Sequence[DeadlineRow], least: int) -> list[DeadlineRow]:
    """Removals by deadlines over all hosters, with counts rounded down.

    Each rests on enough clocks with a deadline, and on enough without one or on none. A share is in whole percents, and
    of enough clocks that were removed in time, and that were not.
    """
    return [
        replace(
            row,
            **{name: getattr(row, name) // least * least for name in _OF_DEADLINES},
            **dict(zip(_SHARES, _shares(row, least), strict=True)),
        )
        for row in rows
        if all(number >= least or number == 0 for number in (row.due, row.clocks - row.due))
    ]


def _shares(row: DeadlineRow, least: int) -> tuple[Any, ...]:
    """The share and its ends; None where a few clocks would follow from them."""
    if any(0 < number < least for number in (row.surely, row.missed, row.due - row.surely)):
        return (None,) * len(_SHARES)
    ends = (getattr(row, name) for name in _SHARES)
    return tuple(None if one is None else round(one, 2) for one in ends)


def told_beyond(rows: Sequence[Beyond], least: int) -> list[Beyond]:
    """Contents at mediums without address: bounds, rounded outwards."""
    return [replace(row, contents=row.contents // least * least, most=-(-row.most // least) * least) for row in rows]


TOGETHER: Final[Mapping[type, Callable[[Any, int], list[Any]]]] = {
    NoticeEffect: told_effects,
    DeadlineRow: told_deadlines,
    Beyond: told_beyond,
}
"""Rows about all hosters together, with what may be told of them."""


def told_by_week(rows: Sequence[Any], every: Sequence[Any], least: int) -> list[Any]:
    """Rows by week of the report, without weeks that follow.

    From others of `every`, all rows of the table.
    """
    sites: dict[str, dict[str, int]] = defaultdict(dict)
    for row in every:
        sites[row.key][row.window] = row.sites
    shown = {key: told_weeks(own, least) for key, own in sites.items()}
    return [row for row in rows if row.window in shown[row.key]]


def told_weeks(sites: Mapping[str, int], least: int) -> set[str]:
    """Weeks of a hoster that may be told."""
    return _told_of(sites, {week for week in sites if sites[week] >= least}, least)


def _told_weeks(weeks: Mapping[str, Sequence[Any]], least: int) -> set[str]:
    """Weeks of one hoster that may be told: the others follow from no sum."""
    clocks = {week: max(row.clocks for row in rows) for week, rows in weeks.items()}
    shown = {
        week
        for week, rows in weeks.items()
        if all(row.clocks >= least and not 0 < row.clusters < least for row in rows)
    }
    return _told_of(clocks, shown, least)


def _told_of(clocks: Mapping[str, int], shown: set[str], least: int) -> set[str]:
    """Of weeks that are large enough, those whose rest is several weeks, and about enough."""
    for week in sorted(shown, key=lambda week: (clocks[week], week)):
        rest = [clocks[other] for other in clocks if other not in shown and clocks[other]]
        if not rest or (len(rest) > 1 and sum(rest) >= least + len(rest) - 2):
            break
        shown.discard(week)
    return shown
