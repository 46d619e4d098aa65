"""Pieces of time between the windows that were published."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking import volumes_of
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import By
from waterbed.model.facts import reported_at
from waterbed.model.window import ALL, Window
from waterbed.publish.basis import basis_of
from waterbed.publish.edition import LastEdition
from waterbed.publish.intervals import follows, sites_by_week
from waterbed.publish.policy import BY_WEEK
from waterbed.publish.suppression import Key
from waterbed.publish.told_rows import told_weeks
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study
from waterbed.study.windowed import by_window, pieces_of

WEEKS: Final = Window(follow=timedelta(days=7))
"""Rows by week follow each URL for a week after its own."""


def pieces(
    study: Study, conclusions: Conclusions, ranked: Sequence[RankingTables], before: Sequence[LastEdition]
) -> dict[str, Any]:
    """The basis of each piece between all windows' bounds.

    Those of all windows that were published count; `exposed` are keys of which a count about too few would follow from
    the whole, the weeks, and all such windows.
    """
    known = [one for one in before if one.window]
    bounds = sorted(
        {bound for window in (conclusions.window, *(one.window for one in known)) for bound in window.bounds}
    )
    windows = [Window(since=since, until=until) for since, until in zip([None, *bounds], [*bounds, None], strict=True)]
    found = []
    for its in pieces_of(conclusions.whole, windows):
        tables = [RankingTables(conclusions=its, kind=table.kind, clock=study.config.clock) for table in ranked]
        told = {by: compliance_of(study, by=by, conclusions=its) for by in get_args(By) if its.facts.notices}
        found.append(basis_of(its, tables, told))
    return {"pieces": found, "exposed": frozenset(_exposed(conclusions, ranked, before, study.config.publish.least))}


def _exposed(
    conclusions: Conclusions, ranked: Sequence[RankingTables], before: Sequence[LastEdition], least: int
) -> Iterator[Key]:
    """Keys that a window may not tell, since a small count would follow."""
    whole, windows = conclusions.whole, [one for one in before if one.window]
    first: dict[str, datetime] = {}
    for report in whole.facts.reports:
        first[report.url_id] = min(first.get(report.url_id, reported_at(report)), reported_at(report))
    weeks = [one.window for one in by_window(whole, WEEKS, "week")]
    for kind in (its.kind for its in ranked):
        volumes = volumes_of(RankingTables(conclusions=whole, kind=kind).appearances)
        for key, volume in volumes.items():
            site = {url_id: whole.facts.targets[url_id].site_id for url_id in volume.urls}
            reports = sorted((first[url_id], site[url_id]) for url_id in volume.urls)
            told = [ALL, conclusions.window, *(one.window for one in windows if (kind, key) not in one.hidden)]
            if kind == "hoster":
                held = [one.held.get(BY_WEEK[0], {}).get(key, {}) for one in before if not one.window]
                shown = told_weeks(sites_by_week(reports, weeks), least, held)
                told += [week for week in weeks if week.label in shown]
            if follows(reports, told, least):
                yield kind, key
