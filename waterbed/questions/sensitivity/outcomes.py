"""The outcomes of one specification.

Share removed by each hoster, home less abroad, and share displaced.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from math import inf
from typing import Annotated, Final, cast

from waterbed.estimators.survival.incidence import NOTHING, share_interval
from waterbed.measures.clocks import counted, running_clocks, takedown_clocks
from waterbed.measures.keys import Appearance
from waterbed.measures.labels import Labels
from waterbed.measures.ranking import UNKNOWN, Volume, class_of, volumes_of
from waterbed.measures.ranking_tables import RankingTables, Side
from waterbed.measures.removal import Removal, removal
from waterbed.measures.takedown import (
    FEWEST_SITES,
    MOVED,
    REMOVED,
    Clock,
    clocks,
    never_seen,
)
from waterbed.model.conclusions import ClockKind, Episode
from waterbed.model.results import Estimability
from waterbed.model.takedown import NoticeContext
from waterbed.questions.sensitivity.design import Spec
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

_ALL = "all"
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One number with its interval, or why there is none."""

    estimability: Annotated[Estimability, "told (estimable), or why not"]
    estimate: Annotated[float | None, "the number"] = None
    low: Annotated[float | None, "lower end of its 95% interval"] = None
    high: Annotated[float | None, "upper end of its 95% interval"] = None

    @property
    def estimable(self) -> bool:
        """True if the number could be given."""
        return self.estimability == "told"


@dataclass(frozen=True, slots=True)
class Timed:
    """A takedown clock, and whose it is."""

    clock: Clock
    url_id: str


def timed_clocks(
    group: Iterable[Episode], context: NoticeContext, labels: Labels, *, key: str, hosters: bool, clock: ClockKind
) -> list[Timed]:
    """One group's takedown clocks, each with its URL and its labels.

    As its ranking takes them, in the same order.
    """
    if clock == "reported":
        by_url: dict[str, list[Episode]] = defaultdict(list)
        for episode in group:
            by_url[episode.url_id].append(episode)
        return [Timed(one, url_id) for url_id, own in by_url.items() for one in clocks(own, labels)]
    found = takedown_clocks(group, context, key=key, hosters=hosters, clock=clock, labels=labels)
    return [Timed(one, of.url_id) for of, one in zip(counted(found), running_clocks(found), strict=True)]


def each_once(group: Sequence[Timed], unit: Mapping[str, str | int]) -> list[Timed]:
    """The clock that started first for each unit.

    `unit` is that of each URL.
    """
    first: dict[str | int, Timed] = {}
    for one in group:
        own = unit[one.url_id]
        if own not in first or (one.clock.origin, one.url_id) < (first[own].clock.origin, first[own].url_id):
            first[own] = one
    kept = set(map(id, first.values()))
    return [one for one in group if id(one) in kept]


def moved_as(group: Sequence[Clock], level: str) -> list[Clock]:
    """The clocks, with moves to another hoster restated.

    A move counts as a removal, or what moved drops out as if it had not been reported.
    """
    if level == "competing":
        return list(group)
    if level == "removed":
        return [replace(c, cause=REMOVED) if c.cause == MOVED else c for c in group]
    return [c for c in group if c.cause != MOVED]


def first_down_as(group: Sequence[Clock], level: str, until: datetime | None) -> list[Clock]:
    """The clocks, with those of content that no check saw up restated.

    They are bounds, count as removals like any other, or count as not removed as long as they could be followed.
    """
    if level == "bounds" or until is None:
        return list(group)
    if level == "removed":
        return [replace(c, seen=True, looks=max(c.looks, 1.0)) for c in group]
    return [
        c
        if c.seen_by_check or c.cause == NOTHING
        else replace(c, left_h=max(c.left_h, (until - c.origin) / _HOUR), right_h=inf, cause=NOTHING)
        for c in group
    ]


def share_of(group: Sequence[Clock], hidden: Sequence[Clock], until: datetime | None, moved: str) -> Removal | None:
    """The share that a group removed within 24 hours, with moves to another hoster restated."""
    return removal(moved_as(group, moved), until=until, hidden=hidden) if group and until else None


def difference(one: Value, other: Value) -> Value:
    """The difference of two shares, with its interval.

    The interval follows from theirs (MOVER: Zou and Donner 2008).
    """
    for value in (one, other):
        if value.estimate is None or value.low is None or value.high is None:
            return Value(estimability="unmeasurable" if value.estimable else value.estimability)
    a, al, ah = cast(tuple[float, float, float], (one.estimate, one.low, one.high))
    b, bl, bh = cast(tuple[float, float, float], (other.estimate, other.low, other.high))
    return Value(
        estimability="told",
        estimate=round(a - b, 6),
        low=round(a - b - math.hypot(a - al, bh - b), 6),
        high=round(a - b + math.hypot(ah - a, b - bl), 6),
    )


class Grouped:
    """Groups and clocks of one specification.

    Its conclusions, role, clock, and treatment of proxies.
    """

    def __init__(self, study: Study, conclusions: Conclusions, spec: Spec, base: Conclusions | None = None) -> None:
        """Take everything but `dedup` and `moved`.

        These come with the question. `base` are the reference's conclusions, by default these: they tell whose content
        goes by our looks.
        """
        self.conclusions = conclusions
        self._base = base or conclusions
        self._proxy = spec.proxy
        self.clock = cast(ClockKind, spec.clock)
        kind = spec.role
        self.tables = RankingTables(conclusions=conclusions, kind=kind, clock=self.clock)
        self._sides: dict[Side, RankingTables] = {
            side: RankingTables(conclusions=conclusions, kind=kind, side=side, clock=self.clock)
            for side in ("home", "abroad")
        }
        self._hosters = kind == "hoster"
        self._units = units(self.tables)
        self._clocks: dict[str, list[Timed]] = {}
        self._by_dedup: dict[str, Mapping[str, Volume]] = {}
        self.differing: dict[str, frozenset[str]] = {}
        """By kind, found when first asked for."""

    def removed(self, key: str, spec: Spec) -> Value:
        """Share that a group removed within 24 hours."""
        volume = self._volumes(spec.dedup).get(key)
        if volume is None:
            return Value(estimability="nothing")
        if key not in self._clocks:
            group = self._taken(self.tables.groups.get(key, ()))
            self._clocks[key] = self._timed(group, key)
        estimate = self._share(self._clocks[key], spec, volume.hidden)
        found = class_of(volume, estimate, differs=key in self._differing(spec.role))
        return (
            _value(estimate)
            if estimate and found == "ranked"
            else Value(estimability=found if found != "ranked" else "nothing")
        )

    def at(self, side: Side, spec: Spec) -> Value:
        """Share removed within 24 hours at home, or abroad."""
        name = f" {side}"
        if name not in self._clocks:
            self._clocks[name] = self._seen(self._taken(self._sides[side].episodes))
        appeared = self._appeared(self._sides[side].appearances, spec.dedup)
        volumes = volumes_of([replace(one, keys=(_ALL,)) for one in appeared], self.tables.labels)
        hidden = volumes[_ALL].hidden if _ALL in volumes else []
        estimate = self._share(self._clocks[name], spec, hidden)
        return _value(estimate) if estimate else Value(estimability="nothing")

    @cached_property
    def displaced(self) -> Value:
        """Share of the contents that left a hoster and reappeared.

        They were seen at another hoster after, or perhaps after, leaving.
        """
        differing = self._differing("hoster")
        taken = [e for e in self._taken(self.conclusions.episodes) if e.hoster not in differing]
        ended = (e for e in taken if e.first_down and e.cause != "lineage")
        left = {episode.content_id for episode in ended}
        fronted = self._fronted if self._proxy == "excluded" else frozenset[str]()
        hops = (hop for hop in self.conclusions.hops if not fronted & {hop.from_url_id, hop.to_url_id})
        again = left & {hop.content_id for hop in hops if hop.order != "parallel"}
        if len(left) < FEWEST_SITES:
            return Value(estimability="too few")
        share = len(again) / len(left)
        low, high = share_interval(share, len(left))
        return Value(estimability="told", estimate=round(share, 6), low=round(low, 6), high=round(high, 6))

    def _differing(self, kind: str) -> frozenset[str]:
        """The keys whose content goes by our looks, whatever the choices: their removals may be none.

        By the reference, and by these conclusions where they name hosters by another book.
        """
        if kind not in self.differing:
            same = self.conclusions.attributor is self._base.attributor
            told = [self._base] if same else [self._base, self.conclusions]
            keys = (RankingTables(conclusions=its, kind=kind).differing for its in told)
            self.differing[kind] = frozenset().union(*keys)
        return self.differing[kind]

    def _seen(self, group: Sequence[Episode]) -> list[Timed]:
        """Clocks of all groups together; where our views differ they are out of sight from the start."""
        differing = self._differing("hoster")
        told = self._timed([e for e in group if e.hoster not in differing], "")
        hidden = self._timed([e for e in group if e.hoster in differing], "") if differing else []
        return told + [
            Timed(never_seen(one.clock.site_id, one.clock.origin, one.clock.labels), one.url_id) for one in hidden
        ]

    @property
    def keys(self) -> list[str]:
        """The groups of this specification to which URLs are attributed."""
        return [key for key in self._volumes("url") if key != UNKNOWN]

    @cached_property
    def _fronted(self) -> frozenset[str]:
        return fronted(self.conclusions)

    def _taken(self, group: Iterable[Episode]) -> list[Episode]:
        """Episodes as the specification takes those at proxies."""
        if self._proxy == "excluded":
            return [episode for episode in group if episode.url_id not in self._fronted]
        if self._proxy == "counted":
            return [replace(episode, proxy=False) if episode.proxy else episode for episode in group]
        return list(group)

    def _timed(self, group: Iterable[Episode], key: str) -> list[Timed]:
        return timed_clocks(
            group,
            self.conclusions.notice_context,
            self.tables.labels,
            key=key,
            hosters=self._hosters and bool(key),
            clock=self.clock,
        )

    def _once(self, group: Sequence[Timed], dedup: str) -> list[Clock]:
        kept = group if dedup == "url" else each_once(group, self._units[dedup])
        return [one.clock for one in kept]

    def _share(self, group: Sequence[Timed], spec: Spec, hidden: Sequence[Clock]) -> Removal | None:
        until = self.conclusions.until
        return share_of(first_down_as(self._once(group, spec.dedup), spec.first_down, until), hidden, until, spec.moved)

    def _volumes(self, dedup: str) -> Mapping[str, Volume]:
        if dedup not in self._by_dedup:
            self._by_dedup[dedup] = volumes_of(self._appeared(self.tables.appearances, dedup), self.tables.labels)
        return self._by_dedup[dedup]

    def _appeared(self, appearances: Sequence[Appearance], dedup: str) -> list[Appearance]:
        """Appearances as the specification takes proxies.

        Undecided URLs count once for each unit too.
        """
        kept = [one for one in appearances if self._proxy != "excluded" or one.url_id not in self._fronted]
        if self._proxy == "counted":
            kept = [replace(one, proxy=False, fronts=()) if one.proxy or one.fronts else one for one in kept]
        if dedup == "url":
            return kept
        unit = self._units[dedup]
        seen = {(unit[one.url_id], key) for one in kept if one.decided for key in one.keys}
        first = []
        for one in kept:
            own = {(unit[one.url_id], key) for key in one.keys}
            if one.decided or not own or not own <= seen:
                first.append(one)
                seen |= own
        return first


def units(tables: RankingTables) -> dict[str, dict[str, str | int]]:
    """The unit that counts once, by level of dedup.

    The host of each URL, or the cluster of its site.
    """
    targets = tables.conclusions.facts.targets
    return {
        "host": {url_id: target.host_id for url_id, target in targets.items()},
        "site": {url_id: tables.clusters[target.site_id] for url_id, target in targets.items()},
    }


def fronted(conclusions: Conclusions) -> frozenset[str]:
    """The URLs that were ever behind a reverse proxy."""
    return frozenset(
        url_id
        for url_id, runs in conclusions.runs.items()
        if any(answer.proxy for run in runs for answer in run.every_answer)
    )


def _value(estimate: Removal) -> Value:
    share = estimate.single
    if share is None or estimate.low is None or estimate.high is None:
        return Value(estimability=estimate.estimability)
    return Value(
        estimability="told",
        estimate=round(share, 6),
        low=round(estimate.low, 6),
        high=round(estimate.high, 6),
    )
