"""Rows held against the truth, as their readers read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from waterbed.estimators.calendar_time import LEAST_DAYS
from waterbed.lab.simulate.grammar_truth import TrueHoster
from waterbed.measures.takedown import FEWEST_SITES

EQUAL = 0.01
"""Difference of two true shares up to which neither hoster is quicker: it is one of the reports, not of the hosters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The row of one hoster.

    None where it says nothing. It speaks of the reports from `since_h` on. `first` and `last` are the ranks by speed
    that it may have (1 is the slowest), `slower_than` the numbers of hosters that it is surely slower than, if they are
    told beside the ranks. `together_low` and `together_high` the interval if as many sites are decided on
    at once as truly are.
    """

    rank_class: str
    low: float | None = None
    high: float | None = None
    worst: float | None = None
    best: float | None = None
    since_h: float = 0.0
    first: int | None = None
    last: int | None = None
    slower_than: tuple[int, ...] = ()
    below_norm: bool = False
    together_low: float | None = None
    together_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScore:
    """One row held against the truth.

    `holds` is None where no share is estimated; `above` says that its interval lies above the truth. `gap` is the
    distance from the worst to the best case. `false_class` says that its class is a false sentence.
    """

    rank_class: str
    shown: bool
    holds: bool | None
    above: bool | None
    width: float | None
    gap: float | None
    together: bool | None
    false_class: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyScore:
    """All rows of one study held against the truth.

    Names are the rows below the norm. Orders are pairs that are surely ordered; `right` ones are truly so, as are
    `different` pairs altogether; `quick` ones are of the quickest third.
    """

    rows: tuple[RowScore, ...]
    names: int
    false_names: int
    below: int
    """Hosters truly below the norm."""
    orders: int
    false_orders: int
    different: int
    quick_different: int
    quick_right: int

    @property
    def right(self) -> int:
        """Pairs that are surely and truly ordered."""
        return self.orders - self.false_orders


def score(said: Sequence[Said], true: Sequence[TrueHoster], *, norm: float) -> StudyScore:
    """Hold what is said of each hoster against the truth.

    A share is true if its interval holds the expected share of the reports that it speaks of, a name if that share is
    below the norm, an order if the one's share is truly smaller.
    """
    shares = [own.share(one.since_h) for one, own in zip(said, true, strict=True)]
    whole = [own.share() for own in true]
    named = [share for one, share in zip(said, shares, strict=True) if one.below_norm]
    quickest = set(sorted(range(len(true)), key=lambda n: -whole[n])[: -(-len(true) // 3)])
    orders = false = different = quick_different = quick_right = 0
    for slow, a in enumerate(said):
        for quick, b in enumerate(said):
            quick_pair = {slow, quick} <= quickest
            apart = whole[slow] < whole[quick] - EQUAL
            different += apart
            quick_different += apart and quick_pair
            if not _surely_slower(a, b, quick):
                continue
            right = shares[slow] < shares[quick] - EQUAL
            orders += 1
            false += not right
            quick_right += right and quick_pair
    return StudyScore(
        rows=tuple(_row(one, own, share) for one, own, share in zip(said, true, shares, strict=True)),
        names=len(named),
        false_names=sum(not share < norm for share in named),
        below=sum(share < norm for share in whole),
        orders=orders,
        false_orders=false,
        different=different,
        quick_different=quick_different,
        quick_right=quick_right,
    )


def _surely_slower(a: Said, b: Said, number: int) -> bool:
    """True if a is told to be slower than b, the hoster of a number: as a pair, or by ranks that do not overlap."""
    return number in a.slower_than or (a.last is not None and b.first is not None and a.last < b.first)


def _row(said: Said, true: TrueHoster, share: float) -> RowScore:
    low, high = said.low, said.high
    estimated = low is not None and high is not None and not isnan(share)
    together = None
    if said.together_low is not None and said.together_high is not None and not isnan(share):
        together = said.together_low <= share <= said.together_high
    return RowScore(
        rank_class=said.rank_class,
        shown=true.shown,
        holds=low <= share <= high if estimated and low is not None and high is not None else None,
        above=low > share if estimated and low is not None else None,
        width=high - low if estimated and low is not None and high is not None else None,
        gap=said.best - said.worst if said.best is not None and said.worst is not None else None,
        together=together,
        false_class=_false(said.rank_class, true),
    )


def _false(rank_class: str, true: TrueHoster) -> bool:
    """True if a class says something false of a hoster or its reports; `too few followed` and others say nothing."""
    if rank_class == "views differ":
        return not true.hides
    if rank_class == "changed":
        return true.constant
    if rank_class == "too few days":
        return true.days >= LEAST_DAYS
    return rank_class == "too few" and true.sites >= FEWEST_SITES
