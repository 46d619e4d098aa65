"""Shares removed within 24 hours, by week."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import (
    FEWEST_SITES,
    REMOVED,
    WITHIN_H,
    Clock,
    incidence,
)
from waterbed.estimators.incidence import share_within
from waterbed.model.conclusions import RankingRow
from waterbed.publish.site.overview import WEEKS, WeekShare
from waterbed.publish.site.rankings import clocks_behind


def weekly_shares(ranked: RankingTables, rows: Sequence[RankingRow], *, least: int) -> dict[str, list[WeekShare]]:
    """The last weeks of some hosters, by key.

    A week has no share below ten sites, or `least`, or where its clocks could not be followed for 24 hours. Shares
    are whole percents, from which no count of clocks follows.
    """
    until, behind = ranked.conclusions.until, clocks_behind(ranked)
    if until is None:
        return {row.key: [] for row in rows}
    labels = [_label(until - timedelta(weeks=back)) for back in reversed(range(WEEKS))]
    found = {}
    for row in rows:
        group = behind(row.key)
        shares = {week: _share([one for one in group if _label(one.origin) == week], until, least) for week in labels}
        found[row.key] = [WeekShare(key=row.key, name=row.name, week=week, removed_24h=shares[week]) for week in labels]
    return found


def _share(group: Sequence[Clock], until: datetime, least: int) -> float | None:
    followed = [one for one in group if until - one.origin >= timedelta(hours=WITHIN_H)]
    if len({one.site_id for one in followed}) < max(FEWEST_SITES, least):
        return None
    share = share_within(incidence(followed), REMOVED, WITHIN_H)
    return None if share is None else round(share, 2)


def _label(when: datetime) -> str:
    year, week, _ = when.isocalendar()
    return f"{year}-W{week:02}"
