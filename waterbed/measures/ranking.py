"""Rank hosters, ASes or countries by how much appeared there."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from waterbed.measures.constancy import MOST_P, Changed, changed, constancy_test, parts
from waterbed.measures.durations import HalfGone, half_gone
from waterbed.measures.keys import Appearance
from waterbed.measures.labels import Labels
from waterbed.measures.removal import Removal, removal
from waterbed.measures.takedown import FEWEST_SITES, By, Clock, clocks, episodes_by_key, incidence, never_seen
from waterbed.model.conclusions import Episode, RankingRow, WholeClass
from waterbed.model.mediums import LOOKED_AT
from waterbed.model.progress import stage

UNKNOWN = "unknown"
"""Key of what no data could attribute: listed last, without a place."""
WITHHELD: Final = ("views differ", "unmeasurable")
"""Classes whose share is withheld, so that no curve may give it either."""
SINCE_DAYS: Final = 30
SINCE_PART: Final = 1 / 3
"""Days that reports since a change span, or their part of the time of all, from which on they stand for the group."""
_BOUNDED: Final = ("ranked", "too few days", *WITHHELD)
"""Classes of rows with worst and best case."""

Each: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Gives the results of work on each item, in order: `map`, or in several processes."""
Alike: TypeAlias = dict[tuple[object, ...], tuple["Drafted", object]]
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
    splits: bool = False,
    dates: Mapping[str, Sequence[datetime]] = MappingProxyType({}),
    labels: Labels | None = None,
    together: float = 1.0,
) -> list[RankingRow]:
    """Rank groups by the number of distinct hosts.

    Place is by hosts, then URLs, then key, and is volume only: every row has one, whatever its class, except what
    nothing could attribute (key "unknown", place null, last). A host counts once under each distinct key of its
    addresses, and as 1/k in `hosts_fractional`; a URL without keys has those of its host.

    Classes, first that fits: `no address` if nothing of it has an address to look at; `proxy` if every appearance there
    was behind a reverse proxy; `too few` below 10 sites in volume; `views differ` for keys in `differing`,
    whose content goes by our looks (`views_differ`); `unmeasurable` if the state of no clock is known at 24 h; `too few
    followed` below 10 sites that could be followed for 24 h; `too few days` where their reports span less than
    a week; else `ranked`. What was out of sight, and what no check ever saw up, takes no hoster off the list:
    rows carry the share in the worst and in the best case, and an interval that covers both. `ranked` rows have a
    single share too where both cases are close, and a median; `too few days` carry what happened, without an interval;
    of `views differ`, which may hide each URL, none counts as removed in the worst case. `until` is the
    end of the measurement, by default the latest time in any episode. `groups` gives the episodes of each key where
    `by` cannot tell, `started` the clocks of each key if they do not run from the report, `if_hiding` the share of each
    that was surely removed even if it hides from looks (`shares_if_hiding`). `each` works out the rows, perhaps in
    several processes; of keys of the same content, also in other rankings that are given the same `alike`, one is
    worked out. Rows that are `brief` lack medians, and their shares are never split. `labels` are those that the study
    has of its reports; `together` makes intervals those of decisions for so many sites at once. Cost is linear in
    appearances and episodes.

    The share of each ranked row is tested for constancy (`constancy_test`). Where it changed, of all rows
    (`changed`), the class is `changed` if the ranking `splits`, since its rows stand for companies, and there is enough
    since (`_since`). Others go on over the change, and say so (`spans_change`). `dates` are those of events that were
    declared for a key: these split its row in any ranking.
    """
    volumes = volumes_of(appearances, labels)
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
        asked = brief, until, together, splits, *dates.get(key, ())
        return asked, key in differing, hiding.get(key), its.own, its.looked, *sets, *objects

    def row(key: str) -> Drafted:
        return _drafted(
            volume=volumes[key],
            differs=key in differing,
            if_hiding=hiding.get(key),
            group=clocks(groups.get(key, ()), labels) if started is None else started.get(key, ()),
            until=until,
            brief=brief,
            dates=None if key == UNKNOWN else dates.get(key, ()),
            together=together,
        )

    known, wanted = {} if alike is None or started is not None else alike, {key: made_of(key) for key in order}
    new = {wanted[key]: key for key in order if wanted[key] not in known}
    with stage("rows of a ranking", len(new)) as advance:
        for (its, key), made in zip(new.items(), each(row, list(new.values())), strict=True):
            known[its] = made, of_key.get(key)
            advance()
    drafted = {key: known[wanted[key]][0] for key in order}
    split = changed({key: one.test for key, one in drafted.items() if one.test})
    return [
        replace(
            drafted[key].row(changed=key in split, splits=splits or key in dates),
            place=place if key != UNKNOWN else None,
            key=key,
            name=names.get(key) or ("not attributed" if key == UNKNOWN else key),
            hosts_fractional=round(volumes[key].fractional, 6),
        )
        for place, key in enumerate(order, 1)
    ]


def volumes_of(appearances: Sequence[Appearance], labels: Labels | None = None) -> dict[str, Volume]:
    """The volume of each key.

    URLs that no data could attribute are under UNKNOWN. Hidden clocks have the cluster that `labels` knows of each.
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
                    volume.hidden.append(_hidden(appearance, appearance.since, labels))
    for keys in of_host.values():
        for key in keys:
            volumes[key].fractional += 1 / len(keys)
    return volumes


def _hidden(one: Appearance, since: datetime, labels: Labels | None) -> Clock:
    return never_seen(one.site_id, since, labels.of(one.url_id, (), since) if labels else ())


def undecided(appearances: Sequence[Appearance], labels: Labels | None = None) -> list[Clock]:
    """The clocks of URLs that were checked, with no check decided, each once whatever its keys."""
    return [
        _hidden(one, one.since, labels)
        for one in {one.url_id: one for one in appearances}.values()
        if one.since and not one.decided and not one.proxy and one.medium in LOOKED_AT
    ]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The row of a key's content as if its share had stayed the same, and as if it had changed, with the test.

    `since` is None where what came since is too little to stand for how the group works.
    """

    constant: RankingRow
    test: Changed | None = None
    since: RankingRow | None = None

    def row(self, *, changed: bool, splits: bool) -> RankingRow:
        """The row, given whether its share changed, and whether it is then split."""
        if self.test is None:
            return self.constant
        if changed and splits and self.since is not None:
            return self.since
        p = _rounded(self.test.p)
        return replace(self.constant, constancy_p=p, spans_change=changed)


def _drafted(
    *,
    volume: Volume,
    differs: bool,
    if_hiding: float | None,
    group: Sequence[Clock],
    until: datetime | None,
    brief: bool,
    dates: Sequence[datetime] | None,
    together: float,
) -> Drafted:
    """The rows of a key's content; their place, key, name, and shared hosts are left open.

    `dates` are those of events that were declared for the key; None: its share is not tested.
    """
    curves = incidence(group) if group else None
    estimate = (
        removal(group, until=until, curves=curves, hidden=volume.hidden, hides=differs, together=together)
        if group and until
        else None
    )
    rank_class = class_of(volume, estimate, differs=differs)
    shown = estimate if rank_class in ("ranked", "too few days", "views differ") else None
    half = None
    if shown and until and not differs and not brief:
        half = half_gone(group, curves=curves, until=until, together=together)
    row = RankingRow(
        place=None,
        key="",
        name="",
        urls=len(volume.urls),
        hosts=len(volume.hosts),
        sites=len(volume.sites),
        hosts_fractional=0.0,
        **_shares(shown),
        removed_24h_if_hiding=_rounded(if_hiding if shown else None),
        **_halves(half),
        episodes=len(group),
        first_down=estimate.first_down if estimate else 0,
        removals=estimate.removals if estimate else 0,
        batches=estimate.batches if estimate else 0,
        **_dependence(shown),
        unknown=len(volume.unknown),
        rank_class=rank_class,
    )
    if estimate and rank_class in _BOUNDED:
        row = replace(row, removed_24h_worst=_rounded(estimate.worst), removed_24h_best=_rounded(estimate.best))
    if brief or dates is None or rank_class != "ranked" or until is None:
        return Drafted(constant=row)
    everything = [*group, *volume.hidden]
    test = constancy_test(everything, until=until, dates=dates)
    if test is None or test.p > MOST_P:
        return Drafted(constant=row, test=test)
    return Drafted(constant=row, test=test, since=_since(row, test, group, volume.hidden, until, together))


def _since(
    row: RankingRow,
    test: Changed,
    group: Sequence[Clock],
    hidden: Sequence[Clock],
    until: datetime,
    together: float,
) -> RankingRow | None:
    """The row of a share that changed: that of the reports since, and the share before.

    None where the reports since span fewer than SINCE_DAYS and less than SINCE_PART of the time of all, or a part has
    no interval: a good fortnight at the end of half a year, or a bad one that others made, is no way of working.
    """
    early, late = parts(group, hidden, test.after, test.before)
    if test.before and late.clocks:
        last = max(clock.origin for clock in late.clocks)
        whole = last - min(clock.origin for clock in group)
        if last - test.before < min(timedelta(days=SINCE_DAYS), SINCE_PART * whole):
            return None
    before = removal(early.clocks, until=until, hidden=early.hidden, together=together)
    since = removal(late.clocks, until=until, hidden=late.hidden, together=together)
    if before.low is None or since.low is None:
        return None
    return replace(
        row,
        **_shares(since),
        **_halves(half_gone(late.clocks, until=until, together=together) if late.clocks else None),
        **_dependence(since),
        removed_24h_worst=_rounded(since.worst),
        removed_24h_best=_rounded(since.best),
        removed_24h_if_hiding=None,
        removed_24h_before=_rounded(before.removed),
        removed_24h_before_low=_rounded(before.low),
        removed_24h_before_high=_rounded(before.high),
        removed_24h_overall=row.removed_24h,
        removed_24h_overall_worst=row.removed_24h_worst,
        removed_24h_overall_best=row.removed_24h_best,
        changed_after=test.after,
        changed_before=test.before,
        changed_sites=min(before.sites, since.sites),
        constancy_p=_rounded(test.p),
        rank_class="changed",
    )


def _shares(found: Removal | None) -> dict[str, Any]:
    return {
        "removed_24h": _rounded(found.removed if found else None),
        "removed_24h_low": _rounded(found.low if found else None),
        "removed_24h_high": _rounded(found.high if found else None),
        "removed_or_moved_24h": _rounded(found.removed_or_moved if found else None),
    }


def _dependence(found: Removal | None) -> dict[str, Any]:
    worth = found.worth if found else None
    return {
        "dependence": worth.binding if worth else None,
        "regimes": _hours(worth.regimes) if worth and isfinite(worth.regimes) else None,
    }


def _halves(half: HalfGone | None) -> dict[str, Any]:
    return {
        "median_h": _hours(half.hours if half else None),
        "median_h_low": _hours(half.low if half else None),
        "median_h_high": _hours(half.high if half else None),
    }


def _rounded(number: float | None) -> float | None:
    """Round to a millionth, within the tolerance of the iteration."""
    return None if number is None else round(number, 6)


def class_of(volume: Volume, estimate: Removal | None, *, differs: bool = False) -> WholeClass:
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
