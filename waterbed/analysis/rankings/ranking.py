"""Rank hosters, ASes or countries by how much appeared there."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from waterbed.analysis.rankings.durations import half_gone
from waterbed.analysis.rankings.keys import Appearance
from waterbed.analysis.rankings.takedown import (
    FEWEST_SITES,
    REMOVED,
    WITHIN_H,
    By,
    Clock,
    Removal,
    clocks,
    episodes_by_key,
    incidence,
    never_seen,
    removal,
)
from waterbed.estimators.survival.incidence import NOTHING, share_within
from waterbed.model.conclusions import Episode, RankClass, RankingRow
from waterbed.model.mediums import LOOKED_AT
from waterbed.model.progress import stage

UNKNOWN = "unknown"
"""Key of what no data could attribute: listed last, without a place."""
WITHHELD: Final = ("views differ", "unmeasurable")
"""Classes whose share is withheld, so that no curve may give it either."""


Each: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Gives the results of work on each item, in order: `map`, or in several processes."""
Alike: TypeAlias = dict[tuple[object, ...], tuple[RankingRow, object]]
"""Rows by what they were made of, ids and episodes as hashes: a hoster with one AS has the row of that.

Episodes are told apart as objects, so they are held with it.
"""


@dataclass(slots=True)
class Volume:
    """The URLs, hosts and sites that appeared under one key.

    Ids of URLs, hosts and sites; `unknown` are the URLs of which no look could be decided, `hidden` the clocks of those
    that a look found there, `own` counts those that showed the key without a reverse proxy, `fractional` shares each
    host among its keys.
    """

    urls: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    hidden: list[Clock] = field(default_factory=list)
    own: int = 0
    fractional: float = 0.0
    looked: int = 0
    """URLs with an address to look at."""


def rank(
    appearances: Sequence[Appearance],
    episodes: Sequence[Episode],
    *,
    by: By,
    names: Mapping[str, str],
    until: datetime | None = None,
    groups: Mapping[str, Sequence[Episode]] | None = None,
    started: Mapping[str, Sequence[Clock]] | None = None,
    differing: Collection[str] = (),
    if_hiding: Mapping[str, float] | None = None,
    each: Each = map,
    brief: bool = False,
    alike: Alike | None = None,
) -> list[RankingRow]:
    """Rank groups by the number of distinct hosts.

    Place is by hosts, then URLs, then key, and is volume only: every row has one, whatever its class, except what
    nothing could attribute (key "unknown", place null, last). A host counts once under each distinct key of its
    addresses, and as 1/k in `hosts_fractional`; a URL without keys has those of its host.

    Classes, first that fits: `no address` if nothing of it has an address to look at; `proxy` if every appearance there
    was behind a reverse proxy; `too few` below 10 site clusters in volume; `views differ` for keys in `differing`,
    whose content goes by our looks (`views_differ`); `unmeasurable` if the state of no clock is known at 24 h, or if
    more than 10 points of the share hang on the spacing of looks and on what was lost from sight or never decided; `too
    few followed` below 10 site clusters in clocks known at 24 h; `too few days` where their reports span less than a
    week; else `ranked`. Only `ranked` rows carry a share with its interval, and a median; `too few days` carry what
    happened, without an interval; these, `views differ` and `unmeasurable` ones carry the bounds of what was out of
    sight. `until` is the end of the measurement, by default the latest time in any episode. `groups` gives the episodes
    of each key where `by` cannot tell, `started` the clocks of each key if they do not run from the report, `if_hiding`
    the share of each that was surely removed even if it hides from looks (`shares_if_hiding`). `each` works out the
    rows, perhaps in several processes; of keys of the same content, also in other rankings that are given the same
    `alike`, one is worked out. Rows that are `brief` lack bounds and medians. Cost is linear in appearances and
    episodes.
    """
    volumes = volumes_of(appearances)
    groups = episodes_by_key(episodes, by) if groups is None else groups
    if until is None:
        until = max((e.first_down or e.last_up for e in episodes), default=None)
    order = sorted(volumes, key=lambda key: (key == UNKNOWN, -len(volumes[key].hosts), -len(volumes[key].urls), key))

    of_key: Mapping[str, Sequence[object]] = groups if started is None else started
    hiding = if_hiding or {}

    def made_of(key: str) -> tuple[object, ...]:
        its, group = volumes[key], of_key.get(key, ())
        never_up = tuple(sorted((clock.site_id, clock.origin) for clock in its.hidden))
        sets = (hash(frozenset(its.urls)), len(its.urls), hash(frozenset(its.unknown)), hash(never_up))
        objects = hash(tuple(map(id, group))), len(group)
        return brief, until, key in differing, hiding.get(key), its.own, its.looked, *sets, *objects

    def row(key: str) -> RankingRow:
        return _row(
            volume=volumes[key],
            differs=key in differing,
            if_hiding=hiding.get(key),
            group=clocks(groups.get(key, ())) if started is None else started.get(key, ()),
            until=until,
            brief=brief,
        )

    known, wanted = {} if alike is None or started is not None else alike, {key: made_of(key) for key in order}
    new = {wanted[key]: key for key in order if wanted[key] not in known}
    with stage("rows of a ranking", len(new)) as advance:
        for (its, key), made in zip(new.items(), each(row, list(new.values())), strict=True):
            known[its] = made, of_key.get(key)
            advance()
    return [
        replace(
            known[wanted[key]][0],
            place=place if key != UNKNOWN else None,
            key=key,
            name=names.get(key) or ("not attributed" if key == UNKNOWN else key),
            hosts_fractional=round(volumes[key].fractional, 6),
        )
        for place, key in enumerate(order, 1)
    ]


def volumes_of(appearances: Sequence[Appearance]) -> dict[str, Volume]:
    """The volume of each key.

    URLs that no data could attribute are under UNKNOWN.
    """
    of_host = keys_of_hosts(appearances)
    of_url = _of_urls(appearances, of_host)
    volumes: dict[str, Volume] = defaultdict(Volume)
    for appearance in appearances:
        for key in sorted(of_url[appearance.url_id]):
            volume = volumes[key]
            volume.urls.add(appearance.url_id)
            volume.hosts.add(appearance.host_id)
            volume.sites.add(appearance.site_id)
            shown = key in appearance.keys or key == UNKNOWN  # else it has the key of its host alone
            volume.own += shown and not appearance.behind(key)
            volume.looked += appearance.medium in LOOKED_AT
            if not appearance.decided and appearance.medium in LOOKED_AT:
                volume.unknown.add(appearance.url_id)
                if appearance.since and key in appearance.keys and not appearance.behind(key):
                    volume.hidden.append(never_seen(appearance.site_id, appearance.since))
    for keys in of_host.values():
        for key in keys:
            volumes[key].fractional += 1 / len(keys)
    return volumes


def keys_of_hosts(appearances: Sequence[Appearance]) -> dict[str, set[str]]:
    """The keys of each host; UNKNOWN where it has none."""
    found: dict[str, set[str]] = defaultdict(set)
    for appearance in appearances:
        found[appearance.host_id].update(key for key in appearance.keys if key)
    return {host_id: keys or {UNKNOWN} for host_id, keys in found.items()}


def keys_of_urls(appearances: Sequence[Appearance]) -> dict[str, set[str]]:
    """The keys of each URL.

    They are its own, else those of its host.
    """
    return _of_urls(appearances, keys_of_hosts(appearances))


def _of_urls(appearances: Sequence[Appearance], of_host: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {one.url_id: {key for key in one.keys if key} or of_host[one.host_id] for one in appearances}


def _row(
    *,
    volume: Volume,
    differs: bool,
    if_hiding: float | None,
    group: Sequence[Clock],
    until: datetime | None,
    brief: bool,
) -> RankingRow:
    """The row of a key's content; its place, key, name, and shared hosts are left open."""
    curves = incidence(group) if group else None
    estimate = removal(group, until=until, curves=curves, hidden=volume.hidden) if group and until else None
    rank_class = class_of(volume, estimate, differs=differs)
    shown = estimate if rank_class in ("ranked", "too few days") else None
    everything = [*group, *volume.hidden]
    worst = best = None
    if rank_class in ("ranked", "too few days", "views differ", "unmeasurable") and not brief:
        worst, best = _bounds(everything, until, shown)
    if rank_class == "views differ" and not brief:  # all that seems removed may be hidden from us
        worst = 0.0
    half = half_gone(group, curves=curves, until=until) if shown and not brief else None
    return RankingRow(
        place=None,
        key="",
        name="",
        urls=len(volume.urls),
        hosts=len(volume.hosts),
        sites=len(volume.sites),
        hosts_fractional=0.0,
        removed_24h=_rounded(shown.removed if shown else None),
        removed_24h_low=_rounded(shown.low if shown else None),
        removed_24h_high=_rounded(shown.high if shown else None),
        removed_or_moved_24h=_rounded(shown.removed_or_moved if shown else None),
        removed_24h_worst=_rounded(worst),
        removed_24h_best=_rounded(best),
        removed_24h_if_hiding=_rounded(if_hiding if shown else None),
        median_h=_hours(half.hours if half else None),
        median_h_low=_hours(half.low if half else None),
        median_h_high=_hours(half.high if half else None),
        episodes=len(group),
        removals=estimate.removals if estimate else 0,
        batches=estimate.batches if estimate else 0,
        unknown=len(volume.unknown),
        rank_class=rank_class,
    )


def _bounds(group: Sequence[Clock], until: datetime | None, shown: Removal | None) -> tuple[float | None, float | None]:
    """Worst and best case; they hold the share."""
    found = removal_bounds(group, until=until) if group and until else None
    if found is None:
        return None, None
    if shown is None or shown.removed is None:
        return found
    return min(found[0], shown.removed), max(found[1], shown.removed)


def _rounded(number: float | None) -> float | None:
    """Round to a millionth, within the tolerance of the iteration."""
    return None if number is None else round(number, 6)


def class_of(volume: Volume, estimate: Removal | None, *, differs: bool = False) -> RankClass:
    """The class of a row, as `rank` has it.

    It depends on its volume and on its clocks.
    """
    if not volume.looked:
        return "no address"
    if not volume.own:
        return "proxy"
    if len(volume.sites) < FEWEST_SITES:
        return "too few"
    if differs:
        return "views differ"
    if estimate is None:
        return "unmeasurable"
    return estimate.estimability if estimate.estimability != "told" else "ranked"


def _hours(number: float | None) -> float | None:
    """Round to a thousandth.

    Beyond that another kind of processor gives other digits.
    """
    return None if number is None else round(number, 3)


def removal_bounds(
    group: Sequence[Clock], *, until: datetime, within_h: float = WITHIN_H
) -> tuple[float, float] | None:
    """Worst and best case of the share removed.

    Share removed within `within_h` hours if all that was out of sight then had stayed, and if it had been removed. Out
    of sight is a clock that stops before `within_h` although the measurement (to `until`) goes on beyond, one that
    ended by removal in an interval that holds `within_h`, and one that was away by then for less than a confirmation
    takes. The estimate is that of the share, so without such clocks
    both are the share. None below FEWEST_SITES sites among clocks that could be followed for `within_h`.
    """
    followed = [clock for clock in group if clock.cause != NOTHING or _could_reach(clock, until, within_h)]
    if len({clock.site_id for clock in followed}) < FEWEST_SITES:
        return None
    worst = _share(list(_taken(group, until, within_h, removed=False)), within_h)
    best = _share(list(_taken(group, until, within_h, removed=True)), within_h)
    return None if worst is None or best is None else (min(worst, best), max(worst, best))


def _could_reach(clock: Clock, until: datetime, within_h: float) -> bool:
    return (until - clock.origin) / timedelta(hours=1) >= within_h


def _taken(group: Sequence[Clock], until: datetime, within_h: float, *, removed: bool) -> Iterator[Clock]:
    """The clocks with out-of-sight content restated.

    All content out of sight is taken as removed, or as still there.
    """
    for clock in group:
        if removed and clock.flap_left_h < within_h:
            yield replace(clock, left_h=clock.flap_left_h, right_h=min(clock.flap_right_h, within_h), cause=REMOVED)
            continue
        lost = clock.cause == NOTHING and clock.left_h < within_h and _could_reach(clock, until, within_h)
        straddles = clock.cause == REMOVED and clock.left_h < within_h < clock.right_h
        if not lost and not straddles:
            yield clock
        elif removed:
            yield replace(clock, right_h=within_h, cause=REMOVED)
        else:
            yield replace(clock, left_h=within_h)


def _share(group: Sequence[Clock], within_h: float) -> float | None:
    return share_within(incidence(group), REMOVED, within_h)
