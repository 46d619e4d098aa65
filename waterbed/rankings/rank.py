"""Rank hosters, ASes or countries by how much appeared there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from waterbed.model.conclusions import Episode, RankClass, RankingRow
from waterbed.rankings.appearances import Appearance
from waterbed.rankings.bounds import removal_bounds
from waterbed.rankings.medians import half_gone
from waterbed.rankings.takedowns import (
    FEWEST_SITES,
    By,
    Clock,
    Removal,
    clocks,
    episodes_by_key,
    incidence,
    never_seen,
    removal,
)

UNKNOWN = "unknown"
"""Key of what no data could attribute: listed last, without a place."""


@dataclass(slots=True)
class Volume:
    """What appeared under one key.

    Ids of URLs, hosts and sites; `unknown` are the URLs of which no look could be decided, `hidden` the clocks of those
    that a look found there, `own` counts those not behind a reverse proxy, `fractional` shares each host among its
    keys.
    """

    urls: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    hidden: list[Clock] = field(default_factory=list)
    own: int = 0
    fractional: float = 0.0


def rank(
    appearances: Sequence[Appearance],
    episodes: Sequence[Episode],
    *,
    by: By,
    names: Mapping[str, str],
    until: datetime | None = None,
    groups: Mapping[str, Sequence[Episode]] | None = None,
    started: Mapping[str, Sequence[Clock]] | None = None,
) -> list[RankingRow]:
    """Rank groups by the number of distinct hosts.

    Place is by hosts, then URLs, then key, and is volume only: every row has one, whatever its class, except what
    nothing could attribute (key "unknown", place null, last). A host counts once under each distinct key of its
    addresses, and as 1/k in `hosts_fractional`; a URL without keys has those of its host.

    Classes, first that fits: `proxy` if every appearance was behind a reverse proxy; `too few` below 10 site clusters
    in volume; `unmeasurable` if no clock tells about 24 h, or more than 10 points of the share hang on the spacing of
    looks and on what was lost from sight or never decided; `too few` below 10 site clusters in clocks that tell; else
    `ranked`. Only `ranked` rows carry a share and a median; these and `unmeasurable` ones carry the bounds of what was
    out of sight. `until` is the end of the
    measurement, by default the latest time in any episode. `groups` gives the episodes of each key where `by` cannot
    tell, `started` the clocks of each key if they do not run from the report. Cost is linear in appearances and
    episodes.
    """
    volumes = volumes_of(appearances)
    groups = episodes_by_key(episodes, by) if groups is None else groups
    if until is None:
        until = max((e.first_down or e.last_up for e in episodes), default=None)
    order = sorted(volumes, key=lambda key: (key == UNKNOWN, -len(volumes[key].hosts), -len(volumes[key].urls), key))
    return [
        _row(
            place if key != UNKNOWN else None,
            key,
            names.get(key) or ("not attributed" if key == UNKNOWN else key),
            volume=volumes[key],
            group=clocks(groups.get(key, ())) if started is None else started.get(key, ()),
            until=until,
        )
        for place, key in enumerate(order, 1)
    ]


def volumes_of(appearances: Sequence[Appearance]) -> dict[str, Volume]:
    """What appeared under each key; what nothing could attribute is under UNKNOWN."""
    keys_of_host: dict[str, set[str]] = defaultdict(set)
    for appearance in appearances:
        keys_of_host[appearance.host_id].update(key for key in appearance.keys if key)
    volumes: dict[str, Volume] = defaultdict(Volume)
    for appearance in appearances:
        own = [key for key in appearance.keys if key] or keys_of_host[appearance.host_id] or (UNKNOWN,)
        for key in sorted(set(own)):
            volume = volumes[key]
            volume.urls.add(appearance.url_id)
            volume.hosts.add(appearance.host_id)
            volume.sites.add(appearance.site_id)
            volume.own += not appearance.proxy
            if not appearance.decided:
                volume.unknown.add(appearance.url_id)
                if appearance.since and not appearance.proxy and key in appearance.keys:
                    volume.hidden.append(never_seen(appearance.site_id, appearance.since))
    for keys in keys_of_host.values():
        for key in keys or (UNKNOWN,):
            volumes[key].fractional += 1 / max(1, len(keys))
    return volumes


def _row(
    place: int | None, key: str, name: str, *, volume: Volume, group: Sequence[Clock], until: datetime | None
) -> RankingRow:
    curves = incidence(group) if group else None
    told = removal(group, until=until, curves=curves, hidden=volume.hidden) if group and until else None
    rank_class = class_of(volume, told)
    shown = told if rank_class == "ranked" else None
    everything = [*group, *volume.hidden]
    worst, best = _bounds(everything, until, shown) if rank_class in ("ranked", "unmeasurable") else (None, None)
    half = half_gone(group, curves=curves) if shown else None
    return RankingRow(
        place=place,
        key=key,
        name=name,
        urls=len(volume.urls),
        hosts=len(volume.hosts),
        sites=len(volume.sites),
        hosts_fractional=round(volume.fractional, 6),
        removed_24h=_rounded(shown.removed if shown else None),
        removed_24h_low=_rounded(shown.low if shown else None),
        removed_24h_high=_rounded(shown.high if shown else None),
        removed_or_moved_24h=_rounded(shown.removed_or_moved if shown else None),
        removed_24h_worst=_rounded(worst),
        removed_24h_best=_rounded(best),
        median_h=_hours(half.hours if half else None),
        median_h_low=_hours(half.low if half else None),
        median_h_high=_hours(half.high if half else None),
        episodes=len(group),
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
    """To a millionth: what the iteration's tolerance leaves open is no number."""
    return None if number is None else round(number, 6)


def class_of(volume: Volume, told: Removal | None) -> RankClass:
    """The class of a row, as `rank` has it: by what appeared there, and what its clocks tell."""
    if not volume.own:
        return "proxy"
    if len(volume.sites) < FEWEST_SITES:
        return "too few"
    if told is None:
        return "unmeasurable"
    return "ranked" if told.telling == "told" else told.telling


def _hours(number: float | None) -> float | None:
    """To a thousandth: beyond that another kind of processor gives other digits."""
    return None if number is None else round(number, 3)
