"""Content that comes back after removal: state, durable removal, recidivism.

Pure.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median
from types import MappingProxyType
from typing import Any, Final

from waterbed.estimators.calendar_time import effective_number
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval
from waterbed.graphs.hop_sources import seen_up
from waterbed.measures.constancy import Part, counted_since, part_of_share
from waterbed.measures.labels import Label, Labels, by_kind
from waterbed.measures.removal import WIDEST_GAP, Removal, removal
from waterbed.measures.takedown import (
    FEWEST_SITES,
    UNKNOWN_ENDS,
    WITHIN_H,
    By,
    Clock,
    checks_up,
    clocks_as_seen,
    earlier_claim,
    episode_keys,
    joined_episodes,
    seen_enough,
)
from waterbed.model.conclusions import Episode, RankingRow
from waterbed.model.takedown import ReturnRow

DAYS: Final = (30, 90)
"""Days after a removal within which content must not come back for it to be durable."""
_HOUR: Final = timedelta(hours=1)
_ENDS: Final = ("share", "low", "high", "worst", "best")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """A share with its interval and its bounds."""

    share: float | None = None
    low: float | None = None
    high: float | None = None
    worst: float | None = None
    best: float | None = None

    def columns(self, name: str) -> dict[str, Any]:
        """Its columns of a row, rounded to a millionth."""
        named = {f"{name}{f'_{end}' if end != 'share' else ''}": getattr(self, end) for end in _ENDS}
        return {column: None if value is None else round(value, 6) for column, value in named.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    """One reported stay of a URL at a hoster, and the later ones there."""

    origin: datetime
    spell: Episode
    later: Sequence[Episode]
    labels: tuple[Label, ...]
    least: int
    """The checks that must have seen content up for its removal to be sure (`enough`)."""

    def sure(self, stay: Episode) -> bool:
        """True if a stay surely ended by removal within 24 h of the earliest time that a report claims."""
        end = self.origin + timedelta(hours=WITHIN_H - earlier_claim(self.spell, self.origin))
        seen = stay.first_up is not None and checks_up(stay) >= self.least
        return stay.cause == "removed" and seen and stay.first_down is not None and stay.first_down <= end


def returns(
    groups: Mapping[str, Sequence[Episode]],
    every: Iterable[Episode],
    names: Mapping[str, str],
    *,
    until: datetime,
    by: By,
    hidden: Mapping[str, Sequence[Clock]] = MappingProxyType({}),
    ranked: Mapping[str, RankingRow] = MappingProxyType({}),
    labels: Labels | None = None,
) -> list[ReturnRow]:
    """First removal, state at 24 h, and durable removal.

    `groups` are the episodes under each key, `every` all of the study, to which content may come back; `until` is the
    end of the measurement, `hidden` the clocks of which no look could be decided. Three shares of the same reports:
    removed within 24 h and not back within a day, as any ranking has it (`removal`); removed and not up there at 24 h;
    removed within 24 h and not seen up anywhere under its content id for 30 or 90 days. The last two are over the
    reports that were followed so long and whose state is known, not those that no check, or too few (`enough`), saw up;
    below FEWEST_SITES sites they are refused. `worst` and `best` hold each over all followed reports if what nobody saw
    was not, or was: the interval covers both, and one share is given where they are at most WIDEST_GAP apart. Returns
    after any removal that was followed for 30 days are counted: at the same key, else elsewhere.
    `ranked` are the rows of the ranking: of a share that changed, all is about the reports since.
    """
    starts = _starts(every, by)
    rows = []
    for key, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        own, least = seen_enough(clocks_as_seen(group, labels))
        part, since = Part(own, list(hidden.get(key, ()))), None
        if row := ranked.get(key):
            since = counted_since(row, part.clocks)
            part = part_of_share(row, *part)
        spells = [one for one in _spells(group, labels, least) if since is None or one.origin >= since]
        if spells:
            first = removal(part.clocks, until=until, hidden=part.hidden)
            rows.append(_row(key, names.get(key, key), first, spells, starts, until))
    return rows


_Starts = Mapping[str, tuple[list[datetime], list[tuple[str, ...]]]]
"""When and under which keys each content that somebody saw up was first known up, again and again."""


def _starts(every: Iterable[Episode], by: By) -> _Starts:
    found: dict[str, list[tuple[datetime, tuple[str, ...]]]] = defaultdict(list)
    for episode in seen_up(every):
        found[episode.content_id].append((episode.known_up_at, episode_keys(episode, by)))
    return {
        content: ([when for when, _ in its], [keys for _, keys in its])
        for content, own in found.items()
        if (its := sorted(own))
    }


def _spells(group: Sequence[Episode], labels: Labels | None, least: int) -> Iterator[_Spell]:
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in group:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    for own in by_url.values():
        joined = joined_episodes(own, back_within=timedelta(0))
        for place, spell in enumerate(joined):
            if spell.reported_at is not None:
                yield _Spell(
                    origin=spell.reported_at,
                    spell=spell,
                    later=joined[place + 1 :],
                    labels=labels.of_episode(spell, spell.reported_at) if labels else (),
                    least=least,
                )


def _row(key: str, name: str, ranked: Removal, spells: Sequence[_Spell], starts: _Starts, until: datetime) -> ReturnRow:
    def share(state: Callable[[_Spell], tuple[bool, bool]], days: int = 0) -> tuple[int, _Estimate]:
        followed = [one for one in spells if one.origin + timedelta(hours=WITHIN_H, days=days) <= until]
        return len(followed), _share_of(followed, [state(one) for one in followed])

    def durable(days: int) -> Callable[[_Spell], tuple[bool, bool]]:
        def lasts(one: _Spell) -> tuple[bool, bool]:
            surely, possibly = _removed(one)
            stays = not _back(one.spell, starts, timedelta(days=days))
            return surely and stays, possibly and stays

        return lasts

    first, gone = _as_ranked(ranked), share(_gone)[1]
    (of_30, durable_30), (of_90, durable_90) = share(durable(30), 30), share(durable(90), 90)
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
        reports=len(spells),
        **first.columns("removed_24h"),
        **gone.columns("gone_24h"),
        reports_30d=of_30,
        **durable_30.columns("durable_30d"),
        reports_90d=of_90,
        **durable_90.columns("durable_90d"),
        removals=len(ended),
        back_here=here,
        back_elsewhere=sum(map(bool, back)) - here,
        flaps=sum(one.spell.flap_first_down is not None for one in spells),
        look_gap_h=_look_gap(spells),
    )


def _as_ranked(found: Removal) -> _Estimate:
    """The share of a ranking: removed, and not back within a day."""
    if found.estimability == "unmeasurable":
        return _Estimate()
    return _Estimate(share=found.removed, low=found.low, high=found.high, worst=found.worst, best=found.best)


def _look_gap(spells: Sequence[_Spell]) -> float | None:
    """Hours between decided looks at one stay; the median over stays."""
    gaps = [
        ((one.spell.first_down or one.spell.last_up) - one.spell.known_up_at) / _HOUR / looks
        for one in spells
        if (looks := one.spell.looks - one.spell.unknown_looks) > 0
    ]
    return round(median(gaps), 3) if gaps else None


def _removed(one: _Spell) -> tuple[bool, bool]:
    """Whether it was surely, and possibly, removed within 24 h of the report."""
    end = one.origin + timedelta(hours=WITHIN_H)
    down = one.spell.first_down
    if one.spell.last_up >= end:
        return False, False
    if down is None or one.spell.cause in UNKNOWN_ENDS:  # what came of it is not known
        return False, True
    return one.sure(one.spell), one.spell.cause == "removed"


def _gone(one: _Spell) -> tuple[bool, bool]:
    """Whether it was surely, and possibly, removed and not up there at 24 h."""
    end = one.origin + timedelta(hours=WITHIN_H)
    state = False, True
    for spell in (one.spell, *one.later):
        if spell.known_up_at <= end <= spell.last_up:
            return False, False
        if end < spell.known_up_at:
            # between two stays: known to be gone up to the last look that did not see it
            return state if spell.absent_at is not None and end <= spell.absent_at else (False, state[1])
        unknown = spell.first_down is None or spell.cause in UNKNOWN_ENDS
        state = (False, True) if unknown else (one.sure(spell), spell.cause == "removed")
    return state


def _back(spell: Episode, starts: _Starts, within: timedelta) -> list[tuple[str, ...]]:
    """The keys under which the content was seen up after a removal."""
    if spell.first_down is None or spell.content_id not in starts:
        return []
    times, keys = starts[spell.content_id]
    first = bisect_right(times, spell.first_down)
    return keys[first : bisect_right(times, spell.first_down + within)]


def _share_of(spells: Sequence[_Spell], states: Sequence[tuple[bool, bool]]) -> _Estimate:
    """The share of those whose state is known, its bounds over all, and an interval that covers these.

    The share stands alone where the bounds are at most WIDEST_GAP apart. No interval where reports span too few days,
    nothing below FEWEST_SITES sites, or where no state is known.
    """
    known = [surely for surely, possibly in states if surely == possibly]
    if not known or len({one.spell.site_id for one in spells}) < FEWEST_SITES:
        return _Estimate()
    surely, possibly = zip(*states, strict=True)
    worst, best = fmean(surely), fmean(possibly)
    least, most = (_interval(spells, case) for case in (surely, possibly))
    return _Estimate(
        share=fmean(known) if best - worst <= WIDEST_GAP else None,
        low=least[0] if least and most else None,
        high=most[1] if least and most else None,
        worst=worst,
        best=best,
    )


def _interval(spells: Sequence[_Spell], held: Sequence[bool]) -> tuple[float, float] | None:
    first = min(one.origin for one in spells)
    sites: dict[str, int] = {}
    cluster = [sites.setdefault(one.spell.site_id, len(sites)) for one in spells]
    at = [(one.origin - first) / _HOUR for one in spells]
    labels, alike = by_kind([one.labels for one in spells])
    worth = effective_number(held, at, cluster, labels=labels, pooled=alike)
    return None if isinstance(worth, Refusal) else share_interval(fmean(held), worth.number)
