"""Content that comes back after removal: state, durable removal, recidivism.

Pure.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waterbed.analysis.rankings.takedown import FEWEST_SITES, WITHIN_H, By, episode_keys, joined_episodes
from waterbed.estimators.calendar_time import effective_number
from waterbed.estimators.incidence import share_interval
from waterbed.estimators.refusal import Refusal
from waterbed.model.conclusions import Episode
from waterbed.model.takedown import ReturnRow

DAYS: Final = (30, 90)
"""Days after a removal within which content must not come back for it to be durable."""
_HOUR: Final = timedelta(hours=1)
Share = tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    """One reported stay of a URL at a hoster, and the later ones there."""

    origin: datetime
    spell: Episode
    later: Sequence[Episode]


def returns(
    groups: Mapping[str, Sequence[Episode]],
    every: Iterable[Episode],
    names: Mapping[str, str],
    *,
    until: datetime,
    by: By,
) -> list[ReturnRow]:
    """First removal, state at 24 h, and durable removal.

    `groups` are the episodes under each key, `every` all of the study, to which content may come back; `until` is the
    end of the measurement. Three shares of the same reports: removed within 24 h at all; removed and not up there at
    24 h; removed within 24 h and not seen up anywhere under its content id for 30 or 90 days. Each is over the
    reports that were followed so long and whose state is known; below FEWEST_SITES sites it is refused. What comes
    and goes between two looks, or before a loss is confirmed, is in none. Returns after any removal that was followed
    for 30 days are counted: at the same key, else elsewhere.
    """
    starts = _starts(every, by)
    rows = []
    for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        spells = list(_spells(group))
        if spells:
            rows.append(_row(key, names.get(key, key), spells, starts, until))
    return rows


_Starts = Mapping[str, tuple[list[datetime], list[tuple[str, ...]]]]
"""When and under which keys each content was first known up, again and again."""


def _starts(every: Iterable[Episode], by: By) -> _Starts:
    found: dict[str, list[tuple[datetime, tuple[str, ...]]]] = defaultdict(list)
    for episode in every:
        found[episode.content_id].append((episode.known_up_at, episode_keys(episode, by)))
    return {
        content: ([when for when, _ in its], [keys for _, keys in its])
        for content, own in found.items()
        if (its := sorted(own))
    }


def _spells(group: Sequence[Episode]) -> Iterator[_Spell]:
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in group:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    for own in by_url.values():
        joined = joined_episodes(own)
        for place, spell in enumerate(joined):
            if spell.reported_at is not None:
                yield _Spell(origin=spell.reported_at, spell=spell, later=joined[place + 1 :])


def _row(key: str, name: str, spells: Sequence[_Spell], starts: _Starts, until: datetime) -> ReturnRow:
    def share(state: Callable[[_Spell], bool | None], days: int = 0) -> tuple[int, Share]:
        followed = [one for one in spells if one.origin + timedelta(hours=WITHIN_H, days=days) <= until]
        known = [(one, held) for one in followed if (held := state(one)) is not None]
        return len(known), _told([held for _, held in known], [one for one, _ in known])

    def durable(days: int) -> Callable[[_Spell], bool | None]:
        def lasts(one: _Spell) -> bool | None:
            removed = _removed(one)
            return removed and not _back(one.spell, starts, timedelta(days=days))

        return lasts

    first_of, first = share(_removed)
    _, gone = share(_gone)
    of_30, durable_30 = share(durable(30), 30)
    of_90, durable_90 = share(durable(90), 90)
    ended = [
        one.spell
        for one in spells
        if one.spell.first_down and one.spell.cause == "removed" and one.spell.first_down + timedelta(days=30) <= until
    ]
    back = [_back(spell, starts, timedelta(days=30)) for spell in ended]
    here = sum(any(key in keys for keys in its) for its in back)
    return ReturnRow(
        key=key,
        name=name,
        reports=first_of,
        removed_24h=first[0],
        removed_24h_low=first[1],
        removed_24h_high=first[2],
        gone_24h=gone[0],
        gone_24h_low=gone[1],
        gone_24h_high=gone[2],
        reports_30d=of_30,
        durable_30d=durable_30[0],
        durable_30d_low=durable_30[1],
        durable_30d_high=durable_30[2],
        reports_90d=of_90,
        durable_90d=durable_90[0],
        durable_90d_low=durable_90[1],
        durable_90d_high=durable_90[2],
        removals=len(ended),
        back_here=here,
        back_elsewhere=sum(map(bool, back)) - here,
    )


def _removed(one: _Spell) -> bool | None:
    """Whether it was removed within 24 h of the report; None between two looks."""
    end = one.origin + timedelta(hours=WITHIN_H)
    down = one.spell.first_down
    if one.spell.last_up >= end:
        return False
    if down is None or down > end:
        return None
    return one.spell.cause == "removed"


def _gone(one: _Spell) -> bool | None:
    """Whether it was removed and not up at 24 h; None where nobody knows."""
    end = one.origin + timedelta(hours=WITHIN_H)
    state: bool | None = None
    for spell in (one.spell, *one.later):
        if spell.known_up_at <= end <= spell.last_up:
            return False
        if end < spell.known_up_at:
            # between two stays: known to be gone up to the last look that did not see it
            return state if spell.absent_at is not None and end <= spell.absent_at else None
        state = spell.cause == "removed" if spell.first_down is not None and spell.first_down <= end else None
    return state


def _back(spell: Episode, starts: _Starts, within: timedelta) -> list[tuple[str, ...]]:
    """The keys under which the content was seen up after a removal."""
    if spell.first_down is None or spell.content_id not in starts:
        return []
    times, keys = starts[spell.content_id]
    first = bisect_right(times, spell.first_down)
    return keys[first : bisect_right(times, spell.first_down + within)]


def _told(held: Sequence[bool], spells: Sequence[_Spell]) -> Share:
    """The share with its interval; no interval where reports span too few days, nothing below FEWEST_SITES sites."""
    sites = {site: number for number, site in enumerate(sorted({one.spell.site_id for one in spells}))}
    if len(sites) < FEWEST_SITES:
        return None, None, None
    share, first = sum(held) / len(held), min(one.origin for one in spells)
    worth = effective_number(
        held, [(one.origin - first) / _HOUR for one in spells], [sites[one.spell.site_id] for one in spells]
    )
    low, high = (None, None) if isinstance(worth, Refusal) else share_interval(share, worth.number)
    return tuple(None if value is None else round(value, 6) for value in (share, low, high))  # type: ignore[return-value]
