"""Hosters that changed from one edition to the next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from waterbed.model.conclusions import RankingRow
from waterbed.model.results import Changed, ChangeRow
from waterbed.publish.edition import Ranked

METHOD: Final = (
    "rows of two published rankings by hoster compared: came and went among the hosters told; class; share: the share "
    "removed now lies outside the 95% interval of then (docs/publishing.md, What changed)"
)
TABLE: Final = "ranking-hoster"


def ranked_in(tables: Sequence[Any]) -> tuple[Ranked, ...]:
    """The hosters that an edition tells, for its record."""
    rows: Sequence[RankingRow] = next((table.rows for table in tables if table.name == TABLE), ())
    return tuple(
        Ranked(
            key=row.key,
            name=row.name,
            rank_class=row.rank_class,
            removed=row.removed_24h,
            low=row.removed_24h_low,
            high=row.removed_24h_high,
            sites=row.sites,
        )
        for row in rows
    )


def change_rows(before: Sequence[Ranked], now: Sequence[Ranked]) -> list[ChangeRow]:
    """The hosters that changed, those that came first, by key.

    Both editions are public, and nothing else is compared: the rows follow from what is told.
    """
    then = {one.key: one for one in before}
    here = {one.key: one for one in now}
    order = ("came", "went", "class", "share")
    return sorted(_changes(then, here), key=lambda row: (order.index(row.change), row.key))


def _changes(then: Mapping[str, Ranked], here: Mapping[str, Ranked]) -> Iterator[ChangeRow]:
    for key in then.keys() | here.keys():
        old, new = then.get(key), here.get(key)
        if new is None or old is None:
            if one := new or old:
                yield _row(one, "came" if old is None else "went", old, new)
        elif old.rank_class != new.rank_class:
            yield _row(new, "class", old, new)
        elif _moved(old, new):
            yield _row(new, "share", old, new)


def _moved(old: Ranked, new: Ranked) -> bool:
    if old.low is None or old.high is None or new.removed is None:
        return False
    return not old.low <= new.removed <= old.high


def _row(one: Ranked, change: Changed, old: Ranked | None, new: Ranked | None) -> ChangeRow:
    return ChangeRow(
        key=one.key,
        name=one.name,
        change=change,
        class_before=old.rank_class if old else None,
        class_now=new.rank_class if new else None,
        removed_before=old.removed if old else None,
        removed_before_low=old.low if old else None,
        removed_before_high=old.high if old else None,
        removed_now=new.removed if new else None,
        removed_now_low=new.low if new else None,
        removed_now_high=new.high if new else None,
        sites=one.sites,
    )
