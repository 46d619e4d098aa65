"""The share that a group removed within some hours, in its worst and best case."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress
from math import asin, inf, sqrt
from typing import Annotated, Final, Literal, NamedTuple

from scipy.special import gammaincinv, ndtr

from waterbed.estimators.calendar_time import BLOCK_H, Worth
from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.identified import critical_value
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import NOTHING, Curves, share_interval, share_within
from waterbed.measures.labels import by_kind
from waterbed.measures.takedown import (
    FEWEST_SITES,
    MOVED,
    REMOVED,
    WITHIN_H,
    Clock,
    batches_of,
    first_down,
    incidence,
    known_within,
    restated,
    seldom_seen,
    worth_within,
)

WIDEST_GAP: Final = 0.10
"""Distance of worst and best case above which a share has no single number: both cases stand in its place."""
FEW_UNSEEN: Final = 0.15
"""Part of the clocks that differ between the cases, up to which the others alone say what a share is worth.

A desk that removes before our first check shows how it works by those later removals that its share then needs.
"""
OPEN_LEVEL: Final = 0.99
"""Level of the bound of the open part, then."""

Estimability = Literal["told", "too few followed", "too few days", "unmeasurable"]
"""`told`: estimable, as published tables spell it; else the reason why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The share that a group removed within some hours.

    Hours run from the report. The share is what happened; with its interval it is how the group works: the expected
    share over repetitions of its process, for these report times and sites. `too few days` give the first alone. A
    removal needs somebody who saw the content up: what was down at the first check is a removal in the best case alone.
    """

    estimability: Annotated[Estimability, "whether the share could be given, and if not why"]
    removed: Annotated[
        float | None, "share removed, 0..1; null where worst and best case are too far apart for one number"
    ]
    low: Annotated[float | None, "lower end of its 95% interval, which covers the worst case"]
    high: Annotated[float | None, "upper end, which covers the best case"]
    worst: Annotated[float | None, "share if nothing was removed whose removal nobody saw"]
    best: Annotated[float | None, "share if all of it was removed in time"]
    removed_or_moved: Annotated[float | None, "share removed or moved: upper bound"]
    clocks: Annotated[int, "takedown clocks"]
    sites: Annotated[int, "sites whose clocks reach, or ended within, those hours, or were lost from sight"]
    first_down: Annotated[int, "clocks that ended at the first check: nobody but the report ever saw these URLs up"]
    removals: Annotated[int, "clocks of content that somebody but the report saw up, ended by removal at any time"]
    batches: Annotated[int, "fewest times at which all these removals can have happened"]
    worth: Annotated[Worth | None, "what its interval counts on, and by which dependence"] = None

    @property
    def estimable(self) -> bool:
        """True if the share could be given."""
        return self.estimability == "told"

    @property
    def open(self) -> bool:
        """True if worst and best case are too far apart for one number."""
        return self.removed is None and self.worst is not None

    @property
    def withheld(self) -> bool:
        """True if no curve, and no share of another cause or actor, stands beside it: it would be one number."""
        return self.open or seldom_seen(self.first_down, self.clocks)

    @property
    def single(self) -> float | None:
        """One number for means and curves: the share, else the middle of worst and best case."""
        if self.removed is not None or self.worst is None or self.best is None:
            return self.removed
        return (self.worst + self.best) / 2.0


def removal(
    group: Sequence[Clock],
    *,
    until: datetime,
    within_h: float = WITHIN_H,
    curves: Curves | None = None,
    hidden: Sequence[Clock] = (),
    hides: bool = False,
    level: float = 0.95,
    together: float = 1.0,
) -> Removal:
    """Estimate how much a group removed within some hours.

    `until` is the end of the measurement, `hidden` are the clocks of which no check could be decided. The share of the
    best case counts what was out of sight as removed, that of the worst case does not (`restated`); the interval
    covers the values between both (`interval_within`). There is one number only where they are at most WIDEST_GAP
    apart: the incidence of removal by what the checks say. No share below FEWEST_SITES sites that could be
    followed for `within_h`, which depends on dates alone, nor where nothing is known of any of them. With `hides` each
    removal may be a hidden URL: none counts in the worst case. The interval counts what the clocks are worth given how
    alike those of a site are, of a label and of a time (`worth_within`); where their reports span too few days, there
    is none. With `together` it is the interval if decisions are made for so many sites at once. `curves` are the
    group's, if they are known already.
    """
    everything = [*group, *hidden]
    whole = timedelta(hours=within_h)
    sites = len({c.site_id for c in everything if c.cause != NOTHING or until - c.origin >= whole})
    removals, batches = batches_of(group)
    found = Removal(
        estimability="unmeasurable",
        removed=None,
        low=None,
        high=None,
        worst=None,
        best=None,
        removed_or_moved=None,
        clocks=len(group),
        sites=sites,
        first_down=first_down(group),
        removals=removals,
        batches=batches,
    )
    cases = Cases.of(everything, within_h, until=until, hides=hides) if group and sites else None
    if cases is None:
        return found
    if sites < FEWEST_SITES:
        return replace(found, estimability="too few followed")
    if cases.nothing_known:
        return replace(found, worst=cases.worst.share, best=cases.best.share)
    removed = share_within(curves or incidence(group), REMOVED, within_h)
    worst, best = cases.worst.share, cases.best.share
    if removed is not None and not hides:
        worst, best = min(worst, removed), max(best, removed)
    single = removed is not None and best - worst <= WIDEST_GAP
    ends = interval_of(cases, within_h, until=until, level=level, together=together)
    return replace(
        found,
        estimability="told" if ends else "too few days",
        removed=removed if single else None,
        low=min(ends.low, worst) if ends else None,
        high=max(ends.high, best) if ends else None,
        worth=ends.worth if ends else None,
        worst=worst,
        best=best,
        removed_or_moved=min(1.0, (removed if single and removed is not None else best) + cases.best.moved),
    )


def removals(
    group: Sequence[Clock], within_h: Sequence[float], *, until: datetime, hidden: Sequence[Clock] = ()
) -> dict[float, Removal]:
    """Estimate how much a group removed within each of some hours."""
    curves = incidence(group) if group else None
    return {
        hours: removal(group, until=until, within_h=hours, curves=curves, hidden=hidden) for hours in within_h if group
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShare:
    """The share removed in one case, and the clocks as they were in it."""

    share: float
    moved: float
    clocks: Sequence[Clock]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The share that a group removed within some hours, in the worst and in the best case."""

    worst: CaseShare
    best: CaseShare
    alike: Sequence[Clock]
    """The clocks that are the same in both."""
    nothing_known: bool
    """True if the two cases differ in each clock."""

    differing: Sequence[Clock]
    """Those that are not, as in the best case."""

    @property
    def few_open(self) -> bool:
        """True if some clocks differ between the cases, and few."""
        return 0 < len(self.differing) <= FEW_UNSEEN * len(self.best.clocks)

    def worths(self, worth_of: Callable[[Sequence[Clock]], Worth | Refusal]) -> tuple[Worth | Refusal, Worth | Refusal]:
        """The worth of the share in the worst and in the best case, by the worth of some clocks.

        Up to FEW_UNSEEN of the clocks that differ between the cases do not make it worth less (`settled`); both cases
        are then those of `ends`.
        """
        if self.few_open:
            found = self.settled(worth_of)
            return found, found
        best = worth_of(self.best.clocks)
        return (best if self.worst is self.best else worth_of(self.worst.clocks)), best

    def settled(self, worth_of: Callable[[Sequence[Clock]], Worth | Refusal]) -> Worth | Refusal:
        """The worth of the share by what somebody saw.

        Clocks that differ between the cases have one outcome in the best case, whatever they depend on: a burst of
        reports of what never existed, or of URLs hidden from the checks, would make a share look uncertain by the time
        at which it came. Without the former the clocks are those that are alike in both cases, without hiding
        those of the worst case: the one with the lesser error counts.
        """
        found = [worth_of(clocks) for clocks in (self.alike, self.worst.clocks)]
        known = [one for one in found if not isinstance(one, Refusal)]
        return min(known, key=lambda one: one.error) if known else found[-1]

    def ends(self) -> tuple[float, float]:
        """The shares of worst and best case that intervals and tests start from.

        Where the worth is that of what somebody saw, it does not hold how much the open part itself varies from one
        study to the next: by its bursts, of a block of hours or of a label, whichever are fewer. Both cases are then
        taken at the upper OPEN_LEVEL bound of that part, with its bursts as a Poisson count, but at FEW_UNSEEN at most.
        """
        worst, best = self.worst.share, self.best.share
        part = best - worst
        if not self.few_open or not 0.0 < part < FEW_UNSEEN:
            return worst, best
        number = _bursts(self.differing)
        more = min(FEW_UNSEEN, part * float(gammaincinv(number + 1.0, OPEN_LEVEL)) / number)
        seen = worst / (1.0 - part)
        return min(worst, seen * (1.0 - more)), max(best, seen * (1.0 - more) + more)

    @classmethod
    def of(cls, group: Sequence[Clock], within_h: float, *, until: datetime, hides: bool = False) -> "Cases | None":
        """Both cases of some clocks; None where no clock reaches those hours."""
        low, high = (restated(group, case, within_h, until=until) for case in ("worst", "best"))
        if hides:
            low = [
                replace(c, left_h=max(c.left_h, within_h), right_h=inf, cause=NOTHING) if c.cause == REMOVED else c
                for c in low
            ]
        best = _case(high, within_h)
        worst = best if low == high else _case(low, within_h)
        if worst is None or best is None:
            return None
        same = [a is b or a == b for a, b in zip(low, high, strict=True)]
        alike = list(compress(low, same))
        return cls(
            worst=min(worst, best, key=_share_of),
            best=max(worst, best, key=_share_of),
            alike=alike,
            differing=[one for one, its in zip(high, same, strict=True) if not its],
            nothing_known=not any(known_within(one, within_h) for one in alike),
        )


def _bursts(group: Sequence[Clock]) -> float:
    """The effective number of bursts of some clocks, by blocks of BLOCK_H or by a label, the fewest."""
    first = min(clock.origin for clock in group)
    labels, _ = by_kind([clock.labels for clock in group])
    blocks = [(clock.origin - first) // timedelta(hours=BLOCK_H) for clock in group]
    sites = [clock.site_id for clock in group]
    found: list[Sequence[Hashable]] = [blocks, sites]
    found += [[site if one is None else one for one, site in zip(own, sites, strict=True)] for own in labels.values()]
    return min(worth([*Counter(values).values()], 1.0) for values in found)


def _share_of(case: CaseShare) -> float:
    return case.share


def _case(group: Sequence[Clock], within_h: float) -> CaseShare | None:
    curves = incidence(group)
    removed, moved = share_within(curves, REMOVED, within_h), share_within(curves, MOVED, within_h)
    return None if removed is None or moved is None else CaseShare(share=removed, moved=moved, clocks=group)


class Interval(NamedTuple):
    """The ends of an interval, and the lesser worth of its two cases."""

    low: float
    high: float
    worth: Worth


def interval_within(
    group: Sequence[Clock], within_h: float, *, until: datetime, level: float = 0.95
) -> Interval | None:
    """The interval of the share that a group removed within some hours, from worst to best case.

    None where reports span too few days, or no clock reaches those hours.
    """
    cases = Cases.of(group, within_h, until=until)
    return None if cases is None else interval_of(cases, within_h, until=until, level=level)


WorthOf = Callable[[Sequence[Clock], datetime, float], Worth | Refusal]
"""The worth of a share of some clocks, followed to a time, at a level."""


def interval_of(
    cases: Cases,
    within_h: float,
    *,
    until: datetime,
    level: float = 0.95,
    together: float = 1.0,
    worth_of: WorthOf | None = None,
) -> Interval | None:
    """The interval that covers each value between worst and best case with probability `level`.

    Its ends are those of Jeffreys' intervals of both cases (`share_interval`), each for what its clocks are worth.
    Their one-sided level lies between (1 + level) / 2 for a point and `level` for cases far apart (`critical_value`, on
    the scale of arcsin sqrt). `worth_of` says it, by default `worth_within`. None where reports span too few days.
    """

    def of(clocks: Sequence[Clock]) -> Worth | Refusal:
        if worth_of:
            return worth_of(clocks, until, level)
        return worth_within(clocks, within_h, (REMOVED,), until=until, level=level, together=together)

    both = [one for one in cases.worths(of) if not isinstance(one, Refusal)]
    if len(both) < 2:
        return None
    numbers, (worst, best) = [one.number for one in both], cases.ends()
    width = asin(sqrt(best)) - asin(sqrt(worst))
    c = critical_value(max(0.0, width), 0.5 / sqrt(min(numbers)), max(1, int(min(numbers))), level=level)
    inner = 2.0 * float(ndtr(c)) - 1.0
    return Interval(
        low=share_interval(worst, numbers[0], inner)[0],
        high=share_interval(best, numbers[1], inner)[1],
        worth=min(both, key=lambda one: one.number),
    )
