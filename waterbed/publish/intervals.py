"""Counts that follow from counts of several stretches of time.

Pure.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from waterbed.model.window import Window

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def follows(reports: Sequence[tuple[datetime, str]], told: Sequence[Window], least: int) -> bool:
    """True if a small count may follow from those told.

    `reports` are first report and site of each URL of a key, in time order; `told` the windows of which its count is
    told. A count of URLs is a difference of two values of the cumulative count, and a told one ties its two bounds
    together: the count between two bounds follows if told ones join them. That of several stretches together follows if
    the end of each is joined with the beginning of another, all around. So each stretch with some sites, but fewer than
    `least`, is an arc from the group of its begin to that of its end, and none may lie on a cycle of such arcs. Sites
    that several stretches share are not counted twice by this; more may be called exposed than is.
    """
    bounds = sorted({bound for one in told for bound in _ends(one)})
    group = _joined(bounds, told)
    times = [when for when, _ in reports]
    arcs: dict[int, set[int]] = defaultdict(set)
    suspects = set[tuple[int, int]]()
    for at, begin in enumerate(bounds):
        sites = set[str]()
        place = bisect_left(times, begin)
        for end_at in range(at + 1, len(bounds)):
            end = bisect_left(times, bounds[end_at])
            sites.update(site for _, site in reports[place:end])
            place = end
            if len(sites) >= least:
                break
            arcs[group[at]].add(group[end_at])
            if sites:
                suspects.add((group[at], group[end_at]))
            else:  # somebody may know that there is nothing between
                arcs[group[end_at]].add(group[at])
    return any(_reaches(arcs, end, begin) for begin, end in suspects)


def _ends(window: Window) -> tuple[datetime, datetime]:
    return window.since or _FIRST, window.until or _LAST


def _joined(bounds: Sequence[datetime], told: Sequence[Window]) -> list[int]:
    """The group of each bound: those that told counts join are one."""
    group = list(range(len(bounds)))
    for one in told:
        begin, end = (group[bisect_left(bounds, bound)] for bound in _ends(one))
        if begin != end:
            group = [begin if its == end else its for its in group]
    return group


def _reaches(arcs: dict[int, set[int]], start: int, goal: int) -> bool:
    seen, rest = {start}, [start]
    while rest:
        at = rest.pop()
        if at == goal:
            return True
        new = arcs[at] - seen
        seen |= new
        rest += new
    return False


def sites_by_week(reports: Sequence[tuple[datetime, str]], weeks: Sequence[Window]) -> dict[str, int]:
    """Sites of reports by the label of their week."""
    sites: dict[str, set[str]] = defaultdict(set)
    starts = [week.since or week.bounds[0] for week in weeks]
    for when, site in reports:
        sites[weeks[bisect_right(starts, when) - 1].label].add(site)
    return {week: len(own) for week, own in sites.items()}
