"""Takedown clocks of one group, and how fast it removes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Annotated, Final, Literal

import numpy as np

from waterbed.estimators.calendar_time import Worth, effective_number, least_batches
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import (
    NOTHING,
    Curves,
    cumulative_incidence,
    share_interval,
    share_within,
    sparse,
)
from waterbed.model.conclusions import TOLD_BY_REGISTRIES, EndCause, Episode

By = Literal["hoster", "asn", "country"]

_SEEN: Final[tuple[EndCause, ...]] = ("removed", "moved", "name", "network", "seized", "lost")
CAUSES: Final[tuple[EndCause, ...]] = (*_SEEN, *TOLD_BY_REGISTRIES)
"""Competing ends of a takedown clock. Content put behind a proxy (masked) has moved, as far as can be seen."""

REMOVED, MOVED = CAUSES.index("removed"), CAUSES.index("moved")
WITHIN_H: Final = 24.0
_HOUR: Final = timedelta(hours=1)
FEWEST_SITES: Final = 10
"""Site clusters below which a share is not given: one site's fate would be read as the hoster's habit."""
WIDEST_GAP: Final = 0.10
"""Largest part of a share that may rest on unobserved ends: between two looks, or hidden."""

Estimability = Literal["told", "too few followed", "too few days", "unmeasurable"]
"""`told`: estimable, as published tables spell it; else the reason why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One takedown clock: hours since the URL was reported there."""

    left_h: Annotated[float, "last known up, hours since the origin"]
    right_h: Annotated[float, "first confirmed not, hours since the origin; inf: still up"]
    cause: Annotated[int, "index in CAUSES, -1 while running"]
    site_id: Annotated[str, "the cluster"]
    origin: Annotated[datetime, "when it was reported"]
    flap_left_h: Annotated[float, "last known up before the first removal that was not confirmed, hours"] = inf
    flap_right_h: Annotated[float, "first check of that removal, hours since the origin; inf: none"] = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The share that a group removed within some hours.

    Hours run from the report. The share is what happened; with its interval it is how the group works: the expected
    share over repetitions of its process, for these report times and sites. `too few days` tell the first alone.
    """

    estimability: Annotated[Estimability, "whether the share could be given, and if not why"]
    removed: Annotated[float | None, "share removed, 0..1"]
    low: Annotated[float | None, "lower end of its 95% interval"]
    high: Annotated[float | None, "upper end of its 95% interval"]
    removed_or_moved: Annotated[float | None, "share removed or moved: upper bound"]
    clocks: Annotated[int, "takedown clocks"]
    sites: Annotated[int, "site clusters whose clocks reach, or ended within, those hours"]
    gap: Annotated[float | None, "P(L < T) - P(R <= T): what rests on the spacing of checks and on what was hidden"]
    removals: Annotated[int, "clocks that ended by removal, at any time"]
    batches: Annotated[int, "fewest times at which all these removals can have happened"]

    @property
    def estimable(self) -> bool:
        """True if the share could be given."""
        return self.estimability == "told"


def episode_keys(episode: Episode, by: By) -> tuple[str, ...]:
    """Name the groups an episode belongs to, as ranking keys."""
    if by == "asn":
        return tuple(f"AS{number}" for number in episode.origins)
    if by == "country":
        return episode.countries
    return tuple(dict.fromkeys((episode.hoster, *episode.hosters)))


def episodes_by_key(episodes: Iterable[Episode], by: By) -> dict[str, list[Episode]]:
    """Sort episodes into the groups they belong to.

    A hoster's own episodes of a URL stand for it; only without one do those that name it beside another.
    """
    groups: dict[str, list[Episode]] = defaultdict(list)
    own: set[tuple[str, str]] = set()
    everything = list(episodes)
    if by == "hoster":
        own = {(episode.url_id, episode.hoster) for episode in everything}
    for episode in everything:
        for key in episode_keys(episode, by):
            if key and (by != "hoster" or episode.hoster == key or (episode.url_id, key) not in own):
                groups[key].append(episode)
    return groups


def clocks(episodes: Iterable[Episode]) -> list[Clock]:
    """Turn one group's episodes into takedown clocks.

    The clock starts at `reported_at` and ends in (last_up, first_down]; a URL never reported there has none: nobody was
    asked to remove it. Episodes of one URL that overlap, or that follow a `moved` or `masked` end without a break, are
    one clock: the content never left the group. Episodes at a reverse proxy give none: its operator cannot remove what
    lies elsewhere.
    """
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    joined = (episode for own in by_url.values() for episode in joined_episodes(own))
    return [_clock(episode, episode.reported_at) for episode in joined if episode.reported_at]


def joined_episodes(episodes: Sequence[Episode]) -> list[Episode]:
    """One URL's episodes in one group, joined, in time order.

    Episodes that go on without a break are one.
    """
    if len(episodes) == 1:
        return list(episodes)
    joined: list[Episode] = []
    for episode in sorted(episodes, key=lambda e: (e.known_up_at, e.last_up)):
        before = joined[-1] if joined else None
        if before and _goes_on(before, episode):
            joined[-1] = _union(before, episode)
        else:
            joined.append(episode)
    return joined


def _goes_on(before: Episode, after: Episode) -> bool:
    if after.known_up_at <= before.last_up or before.first_down is None:
        return True
    return before.cause in ("moved", "masked", "lineage") and after.known_up_at <= before.first_down


def _union(before: Episode, after: Episode) -> Episode:
    """The episode during which either of two was up.

    It ends when the later one does, and runs while one runs.
    """
    later = max(before, after, key=lambda e: (e.first_down is None, e.first_down or e.last_up))
    apart = after.known_up_at > before.last_up  # else the same looks saw both
    flapped = before if before.flap_first_down else after if after.flap_first_down else None
    return replace(
        later,
        known_up_at=before.known_up_at,
        reported_at=before.reported_at or after.reported_at,
        first_up=before.first_up or after.first_up,
        last_up=max(before.last_up, after.last_up),
        looks=before.looks + after.looks if apart else max(before.looks, after.looks),
        unknown_looks=before.unknown_looks + after.unknown_looks
        if apart
        else max(before.unknown_looks, after.unknown_looks),
        looks_until_last=before.looks + after.looks_until_last
        if apart
        else max(before.looks_until_last, after.looks_until_last),
        flap_last_up=flapped.flap_last_up if flapped else None,
        flap_first_down=flapped.flap_first_down if flapped else None,
    )


def _clock(episode: Episode, origin: datetime) -> Clock:
    # who answers for the addresses changed: the clock of the one before stops there, and nothing was removed
    ended = episode.first_down is not None and episode.cause != "lineage"
    cause = "moved" if episode.cause == "masked" else episode.cause or "lost"
    flap = flap_after(episode, origin)
    return Clock(
        left_h=max(0.0, _hours(episode.last_up - origin)),
        right_h=_hours(episode.first_down - origin) if ended and episode.first_down else float("inf"),
        cause=CAUSES.index(cause) if ended else NOTHING,
        site_id=episode.site_id,
        origin=origin,
        flap_left_h=max(0.0, _hours(flap[0] - origin)) if flap else inf,
        flap_right_h=_hours(flap[1] - origin) if flap else inf,
    )


def flap_after(episode: Episode, origin: datetime) -> tuple[datetime, datetime] | None:
    """The interval of an episode's flap after an origin."""
    if episode.flap_last_up is None or episode.flap_first_down is None or episode.flap_first_down <= origin:
        return None
    return episode.flap_last_up, episode.flap_first_down


def flaps_as_removals(group: Sequence[Clock]) -> list[Clock]:
    """The clocks, with unconfirmed removals taken as the first."""
    return [
        replace(c, left_h=c.flap_left_h, right_h=c.flap_right_h, cause=REMOVED) if c.flap_right_h < inf else c
        for c in group
    ]


def never_seen(site_id: str, origin: datetime) -> Clock:
    """The clock of a URL reported and never seen.

    It is out of sight from the start.
    """
    return Clock(left_h=0.0, right_h=float("inf"), cause=NOTHING, site_id=site_id, origin=origin)


def _hours(time: timedelta) -> float:
    return time / _HOUR


def incidence(group: Sequence[Clock]) -> Curves:
    """Estimate when each cause ends the clocks of a group."""
    return cumulative_incidence(
        [c.left_h for c in group], [c.right_h for c in group], [c.cause for c in group], causes=len(CAUSES)
    )


def worth_within(
    group: Sequence[Clock], within_h: float, causes: Collection[int], *, until: datetime, level: float = 0.95
) -> Worth | Refusal:
    """The worth of a share that some causes ended.

    Within `within_h` hours, of the clocks whose state is known then and that could be followed so long, to `until`:
    those that began later are known only if they ended. Outcomes depend on each other within sites and over time
    (`effective_number`).
    """
    known = [c for c in group if known_within(c, within_h) and _hours(until - c.origin) >= within_h]
    if not known:
        return Refusal(f"no report could be followed for {within_h:g} hours")
    first = min(c.origin for c in known)
    sites = {site: number for number, site in enumerate(sorted({c.site_id for c in known}))}
    return effective_number(
        [c.right_h <= within_h and c.cause in causes for c in known],
        [_hours(c.origin - first) for c in known],
        [sites[c.site_id] for c in known],
        level=level,
    )


def last_known(group: Sequence[Clock]) -> datetime:
    """The latest time at which any clock is known."""
    return max(c.origin + timedelta(hours=c.left_h if c.cause == NOTHING else c.right_h) for c in group)


def known_within(clock: Clock, within_h: float) -> bool:
    """True if a clock's state is known at `within_h` hours."""
    return clock.left_h >= within_h or clock.right_h <= within_h


def hourly(group: Sequence[Clock], causes: Collection[int], horizon_h: int) -> dict[int, tuple[float, ...]]:
    """Shares that causes ended, hour by hour from 0.

    They stop at `horizon_h`, at the last follow-up of a clock still running, or at the last hour at which FEWEST_SITES
    sites have a clock whose state is known. Empty if that is before the first hour.
    """
    sites = np.unique([c.site_id for c in group], return_inverse=True)[1]
    left, right = np.array([c.left_h for c in group], float), np.array([c.right_h for c in group], float)
    enough = [
        hour for hour in range(horizon_h + 1) if np.unique(sites[(left >= hour) | (right <= hour)]).size >= FEWEST_SITES
    ]
    if not enough:
        return {}
    curves = incidence(group)
    found = {cause: tuple(_up_to(curves, cause, enough[-1])) for cause in causes}
    return found if all(len(shares) > 1 for shares in found.values()) else {}


def _up_to(curves: Curves, cause: int, last: int) -> Iterator[float]:
    """The shares of each hour up to the last, or to where the data end."""
    for hour in range(last + 1):
        share = share_within(curves, cause, hour)
        if share is None:
            return
        yield share


def removal(
    group: Sequence[Clock],
    *,
    until: datetime,
    within_h: float = WITHIN_H,
    curves: Curves | None = None,
    hidden: Sequence[Clock] = (),
) -> Removal:
    """Estimate how much a group removed within some hours.

    `until` is the end of the measurement: a clock still running then is no sign of sparse looks, one lost from sight
    before is. No share below FEWEST_SITES site clusters whose clocks reach `within_h` or ended before it, nor where
    more than WIDEST_GAP of it hangs on the spacing of looks, or on the `hidden` clocks of which no look could be
    decided. The interval counts what the clocks are worth given how alike those of a site are, and of a time
    (`worth_within`); where their reports span too few days for that, there is none. `curves` are the group's, if they
    are known already.
    """
    reach = {c.site_id for c in group if known_within(c, within_h)}
    gap = _gap([*group, *hidden], until, within_h)
    removals, batches = batches_of(group)

    def without_share(estimability: Estimability) -> Removal:
        return Removal(
            estimability=estimability,
            removed=None,
            low=None,
            high=None,
            removed_or_moved=None,
            clocks=len(group),
            sites=len(reach),
            gap=gap,
            removals=removals,
            batches=batches,
        )

    if not reach or gap is None or gap > WIDEST_GAP:
        return without_share("unmeasurable")
    if len(reach) < FEWEST_SITES:
        return without_share("too few followed")
    curves = curves or incidence(group)
    removed, moved = share_within(curves, REMOVED, within_h), share_within(curves, MOVED, within_h)
    if removed is None or moved is None:
        return without_share("unmeasurable")
    ends = interval_within(group, removed, within_h, until=until)
    return Removal(
        estimability="told" if ends else "too few days",
        removed=removed,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        removed_or_moved=min(1.0, removed + moved),
        clocks=len(group),
        sites=len(reach),
        gap=gap,
        removals=removals,
        batches=batches,
    )


def interval_within(
    group: Sequence[Clock], share: float, within_h: float, *, until: datetime, level: float = 0.95
) -> tuple[float, float] | None:
    """The interval of a share removed within some hours.

    What was away for less than a confirmation takes may have been removed and put back: the upper end is that of the
    share with these as removals (`flaps_as_removals`). None where reports span too few days.
    """
    worth = worth_within(group, within_h, (REMOVED,), until=until, level=level)
    if isinstance(worth, Refusal):
        return None
    low, high = share_interval(share, worth.number, level)
    most, taken = most_removed(group, share, within_h)
    if most > share:
        its = worth_within(taken, within_h, (REMOVED,), until=until, level=level)
        number = worth.number if isinstance(its, Refusal) else its.number
        high = max(high, share_interval(most, number, level)[1])
    return low, high


def most_removed(group: Sequence[Clock], share: float, within_h: float) -> tuple[float, Sequence[Clock]]:
    """The share and clocks if unconfirmed removals were the first.

    The share itself and its clocks where there are none.
    """
    if not any(clock.flap_left_h < within_h for clock in group):
        return share, group
    taken = flaps_as_removals(group)
    most = share_within(incidence(taken), REMOVED, within_h)
    return (share, group) if most is None or most <= share else (most, taken)


def batches_of(group: Sequence[Clock]) -> tuple[int, int]:
    """Count removals, and the fewest times that can hold them."""
    removed = [c for c in group if c.cause == REMOVED]
    if not removed:
        return 0, 0
    first = min(c.origin for c in removed)
    at = [_hours(c.origin - first) for c in removed]
    ends = [(begin + c.left_h, begin + c.right_h) for begin, c in zip(at, removed, strict=True)]
    return len(removed), least_batches([begin for begin, _ in ends], [end for _, end in ends])


def _gap(group: Sequence[Clock], until: datetime, within_h: float) -> float | None:
    """The part of a share that observation left open.

    The spacing of looks, and what was lost from sight, leave open how much was removed or moved.
    """
    seen = [c for c in group if c.cause != NOTHING or c.left_h >= within_h or _hours(until - c.origin) >= within_h]
    if not seen:
        return None
    bears = np.array([c.cause in (REMOVED, MOVED, NOTHING) for c in seen])
    left = np.where(bears, [c.left_h for c in seen], np.inf)
    right = np.where(bears, [c.right_h for c in seen], np.inf)
    return sparse(left, right, within_h).width
