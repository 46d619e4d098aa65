"""Sources of reports: their cards, and rankings by each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from waterbed.estimators.rank_sets import Agreement, kendall
from waterbed.measures.feeds import feed_cards
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.conclusions import RankingRow
from waterbed.model.errors import InputError
from waterbed.model.results import FeedCard, FeedRow
from waterbed.study.assessment import once_each
from waterbed.study.conclusions import Conclusions


def sources(conclusions: Conclusions) -> list[str]:
    """The sources of a study's reports, by name."""
    return sorted({report.source for report in conclusions.facts.reports})


def side_by_side(tables: RankingTables) -> tuple[list[FeedRow], list[tuple[str, str, Agreement]]]:
    """The ranking by each source, and their pairwise agreement.

    Kendall's tau-b is over the hosts of the keys that either of the two reported. InputError with fewer than two
    sources.
    """
    named = sources(tables.conclusions)
    if len(named) < 2:
        raise InputError(
            "feeds can be compared only where two sources reported; import another with waterbed import --source "
            "(docs/ranking.md)"
        )
    each = {
        source: {
            row.key: row
            for row in RankingTables(
                conclusions=tables.conclusions, kind=tables.kind, side=tables.side, source=source
            ).brief_rows
        }
        for source in named
    }
    agreements = []
    for one, other in combinations(named, 2):
        keys = sorted(key for key in {*each[one], *each[other]} if _placed(each[one], key) or _placed(each[other], key))
        agreements.append((one, other, kendall(*([_hosts(each[s], key) for key in keys] for s in (one, other)))))
    return list(_feed_rows(tables.rows, each)), agreements


def _placed(rows: Mapping[str, RankingRow], key: str) -> bool:
    return key in rows and rows[key].place is not None


def _hosts(rows: Mapping[str, RankingRow], key: str) -> int:
    return rows[key].hosts if key in rows else 0


def _feed_rows(overall: Sequence[RankingRow], each: Mapping[str, Mapping[str, RankingRow]]) -> Iterator[FeedRow]:
    for row in overall:
        for source, rows in each.items():
            own = rows.get(row.key)
            yield FeedRow(
                key=row.key,
                name=row.name,
                source=source,
                place=own.place if own else None,
                hosts=own.hosts if own else 0,
                removed_24h=own.removed_24h if own else None,
            )


def cards(conclusions: Conclusions) -> list[FeedCard]:
    """The card of each source."""
    facts, aside = conclusions.all_facts, conclusions.set_aside
    followed = {one.url_id for one in conclusions.episodes}
    seen = {one.url_id for one in conclusions.episodes if one.seen}
    return feed_cards(
        once_each(facts.reports),
        facts.targets,
        facts.deliveries,
        conclusions.quarantines,
        not_illegal=aside.not_illegal,
        unassessed=aside.unassessed,
        followed=followed,
        first_down=followed - seen,
    )
