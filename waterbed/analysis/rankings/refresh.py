"""Draws a study's conclusions so that they are kept."""

from typing import get_args

from waterbed.analysis.rankings.keys import Kind
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.study.conclusions import Conclusions


def refresh_kept(conclusions: Conclusions) -> None:
    """Draw what most commands print: episodes, hops, rankings."""
    _ = conclusions.hops, conclusions.quarantines, conclusions.outcomes, conclusions.answers, conclusions.notices
    for kind in get_args(Kind):
        tables = RankingTables(conclusions=conclusions, kind=kind, clock=conclusions.config.clock)
        _ = tables.rows, tables.weighing()
