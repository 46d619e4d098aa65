"""Rows on notices, effects and weeks that may be told."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from waterbed.graphs.beyond import Beyond
from waterbed.model.takedown import DeadlineRow, NoticeEffect

_OF_DEADLINES: Final = ("clocks", "due", "surely", "missed")
_SHARES: Final = ("met", "met_low", "met_high")
Held = Mapping[str, Mapping[str, int]]
"""Weeks that an edition left out, by hoster, with their sizes."""
_OF_EFFECTS: Final = ("clocks", "clusters", "of_clocks", "of_clusters")
"""Counts of a row on the effect of notices."""


def too_few(row: Any, least: int) -> bool:
    """True for a row on too few clocks or clusters."""
    return any(0 < number < least for number in (row.clocks, row.clusters))


def told_notices(rows: Sequence[Any], by_week: Sequence[Any], least: int, editions: Sequence[Held] = ()) -> list[Any]:
    """Rows on notices without weeks that follow from others.

    `by_week` are all rows of the table by hoster, in which alone weeks stand. The weeks that a hoster lacks are
    several, and about enough clocks; so are those that it lacks of each of `editions`.
    """
    weeks: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in by_week:
        if row.week is not None:
            weeks[row.key][row.week].append(row)
    weeks_by_hoster = {
        key: _told_weeks(hoster_weeks, least, [edition.get(key, {}) for edition in editions])
        for key, hoster_weeks in weeks.items()
    }
    return [
        row
        for row in rows
        if (row.week in weeks_by_hoster.get(row.key, ()) if row.week is not None else not too_few(row, least))
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
    return tuple(None if end is None else round(end, 2) for end in ends)


def told_beyond(rows: Sequence[Beyond], least: int) -> list[Beyond]:
    """Contents at mediums without address: bounds, rounded outwards."""
    return [replace(row, contents=row.contents // least * least, most=-(-row.most // least) * least) for row in rows]


TOGETHER: Final[Mapping[type, Callable[[Any, int], list[Any]]]] = {
    NoticeEffect: told_effects,
    DeadlineRow: told_deadlines,
    Beyond: told_beyond,
}
"""Rows about all hosters together, with what may be told of them."""


def told_by_week(rows: Sequence[Any], all_rows: Sequence[Any], least: int, editions: Sequence[Held] = ()) -> list[Any]:
    """Rows by week of the report, without weeks that follow.

    From others of `all_rows`, all rows of the table, or from those and one of `editions`.
    """
    weeks_by_hoster = {
        key: told_weeks(hoster_weeks, least, [edition.get(key, {}) for edition in editions])
        for key, hoster_weeks in _sizes(all_rows).items()
    }
    return [row for row in rows if row.window in weeks_by_hoster[row.key]]


def told_weeks(sites: Mapping[str, int], least: int, hidden_weeks: Sequence[Mapping[str, int]] = ()) -> set[str]:
    """Weeks of a hoster that may be told.

    `hidden_weeks` are those that each edition on record left out of it.
    """
    return _told_of(sites, {week for week in sites if sites[week] >= least}, least, hidden_weeks)


def held_weeks(all_rows: Sequence[Any], shown_rows: Sequence[Any], hidden: Collection[tuple[str, str]]) -> Held:
    """Weeks that a table leaves out of shown hosters."""
    shown_sizes = _sizes(shown_rows)
    return {
        key: hidden_weeks
        for key, hoster_weeks in _sizes(all_rows).items()
        if ("hoster", key) not in hidden
        and (
            hidden_weeks := {week: size for week, size in hoster_weeks.items() if week not in shown_sizes.get(key, ())}
        )
    }


def _sizes(rows: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Sites, or the smaller of clocks and clusters, by hoster and week."""
    sizes: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if (week := row.window if hasattr(row, "window") else row.week) is not None:
            size = row.sites if hasattr(row, "window") else min(row.clocks, row.clusters or row.clocks)
            sizes[row.key][week] = min(size, sizes[row.key].get(week, size))
    return sizes


def _told_weeks(weeks: Mapping[str, Sequence[Any]], least: int, hidden_weeks: Sequence[Mapping[str, int]]) -> set[str]:
    """Weeks of one hoster that may be told: the others follow from no sum."""
    clocks = {week: max(row.clocks for row in rows) for week, rows in weeks.items()}
    large_weeks = {
        week
        for week, rows in weeks.items()
        if all(row.clocks >= least and not 0 < row.clusters < least for row in rows)
    }
    return _told_of(clocks, large_weeks, least, hidden_weeks)


def _told_of(
    clocks: Mapping[str, int], shown_weeks: set[str], least: int, hidden_weeks: Sequence[Mapping[str, int]]
) -> set[str]:
    """Of weeks that are large enough, those whose rest is several weeks, and about enough.

    The same holds of what is left of each of `hidden_weeks`, by its sizes of then; its small weeks stay in it.
    """
    rests = [rest for rest in hidden_weeks if any(size < least for size in rest.values())]
    shown_weeks = {week for week in shown_weeks if all(rest.get(week, least) >= least for rest in rests)}
    while True:
        pools = [] if _apart(clocks, shown_weeks, least) else [shown_weeks]
        pools += [
            pool for rest in rests if (pool := shown_weeks & rest.keys()) and not _apart(rest, shown_weeks, least)
        ]
        if not any(pools):
            return shown_weeks
        shown_weeks.discard(min(next(filter(None, pools)), key=lambda week: (clocks[week], week)))


def _apart(sizes: Mapping[str, int], shown: set[str], least: int) -> bool:
    """True if no week of the rest follows: it is none, or several about enough."""
    rest = [sizes[week] for week in sizes if week not in shown and sizes[week]]
    return not rest or (len(rest) > 1 and sum(rest) >= least + len(rest) - 2)
