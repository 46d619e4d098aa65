"""The effect of notices on removal, in time.

A notice acts from its arrival on. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.survival.hazard import Undetermined, hazard
from waterbed.estimators.survival.logrank import log_rank
from waterbed.estimators.survival.pieces import Pieces, cut
from waterbed.measures.clocks import clusters_of, effective, site_of
from waterbed.measures.takedown import FEWEST_SITES
from waterbed.model.takedown import AddressedNotice, NoticeEffect, TakedownClock

AGES_H: Final = (6.0, 24.0, 72.0, 168.0)
"""Hours since the report at which the hazard of removal may change by itself."""
_LEAST_ENDS: Final = 10
"""Removals in a span of ages, below which it is one with the next."""
_LEVEL: Final = 0.95
_LEAST_FREEDOM: Final = 2.0
"""Equal clusters that all are worth, less one, for an interval to say anything."""
_VAGUE: Final = 5.0
"""Standard error of a log ratio from which on it has no end: an interval of eight orders of magnitude or more."""
_SAME: Final = "the checks do not tell its effect from those of age, hoster and other notices"
_PERMUTATIONS: Final = 999
_NOTICE, _REMINDER, _BATCH, _KIND = (
    "a notice arrived",
    "a reminder arrived too",
    "for each doubling of its batch",
    "legal orders against other notices",
)
Floats = npt.NDArray[np.float64]
Notices = Mapping[str, Sequence[AddressedNotice]]


def notice_effects(
    groups: Mapping[str, Sequence[TakedownClock]], notices: Notices, rng: np.random.Generator
) -> list[NoticeEffect]:
    """Hazard ratios of notices, reminders and sizes of batches.

    `groups` are clocks that run from the report, by hoster, `notices` those about each URL. The log hazard of removal
    is that of the age (AGES_H) and of the hoster, and changes when a notice arrives and when a reminder does (`hazard`,
    errors of the model, by sites or by batches, the largest, with Student's t of as many clusters as the fewer are
    worth). All other ends stop the clock. Below FEWEST_SITES clusters with time on either side of the change there is a
    refusal, and where no ratio is the likeliest. The last row compares the time from the notice on between legal orders
    and other notices, by a log-rank test that permutes clusters.
    """
    named = [(key, clock) for key in sorted(groups) for clock in _followed(groups[key])]
    sizes = Counter(
        notice.batch for about in notices.values() for notice in about if notice.batch and not notice.reminder
    )
    first = [_first(clock, notices.get(clock.url_id, ())) for _, clock in named]
    batched = [replace(clock, batch=one.batch if one else None) for (_, clock), one in zip(named, first, strict=True)]
    clusters = clusters_of(batched)
    size = np.array([float(max(1, sizes[one.batch])) if one and one.batch else 1.0 for one in first])
    found = list(_ratios(named, size, clusters, [site_of(one) for one in batched]))
    return [*found, _kinds(batched, first, clusters, rng)]


def _followed(clocks: Sequence[TakedownClock]) -> Iterator[TakedownClock]:
    """Clocks with time under study after the report."""
    for clock in clocks:
        if clock.timing != "before" and (clock.left_h > clock.entered_h or clock.right_h is not None):
            yield clock


def _first(clock: TakedownClock, about: Sequence[AddressedNotice]) -> AddressedNotice | None:
    """The notice that arrived first during a clock."""
    if not clock.reminders_h:
        return None
    known = [one for one in about if one.delivered_at and one.addressed == "direct" and not one.bounced]
    hours = [abs((one.delivered_at - clock.origin).total_seconds() / 3600 - clock.reminders_h[0])
             for one in known if one.delivered_at]  # fmt: skip
    return known[int(np.argmin(hours))] if known else None


def _ratios(
    named: Sequence[tuple[str, TakedownClock]], size: Floats, clusters: Sequence[str], sites: Sequence[str]
) -> Iterator[NoticeEffect]:
    """The ratios of the hazard, or why there are none."""
    clocks = [clock for _, clock in named]
    changes = np.full((len(clocks), 2), np.inf)
    for place, clock in enumerate(clocks):
        arrived = sorted(max(0.0, hours) for hours in clock.reminders_h)[:2]
        changes[place, : len(arrived)] = arrived
    if not clocks:
        for what in (_NOTICE, _REMINDER, _BATCH):
            yield _refused(what, "no clock runs from a report")
        return
    cluster = np.unique(clusters, return_inverse=True)[1]
    both = np.column_stack([cluster, np.unique(sites, return_inverse=True)[1]])
    freedom = effective(clusters) - 1.0
    if freedom < _LEAST_FREEDOM:
        for what in (_NOTICE, _REMINDER, _BATCH):
            yield _refused(what, f"the largest clusters hold nearly all: they are worth {freedom + 1.0:.1f} equal ones")
        return
    pieces = _pieces(clocks, changes)
    of_piece = pieces.clock[pieces.stretch]
    told = dict.fromkeys((_NOTICE, _REMINDER, _BATCH), "")
    sides = {
        _NOTICE: _Sides(pieces.after == 0, pieces.after > 0, "before a notice arrived", "after one did"),
        _REMINDER: _Sides(pieces.after == 1, pieces.after > 1, "between a notice and a reminder", "after a reminder"),
    }
    for what, its in sides.items():
        told[what] = told[_NOTICE] or _lacking(pieces, cluster[of_piece], its)
    several = (pieces.after > 0) & (size[of_piece] > 1)
    told[_BATCH] = told[_NOTICE] or (
        ""
        if np.unique(cluster[of_piece[several]]).size >= FEWEST_SITES and np.unique(size[of_piece[several]]).size > 1
        else f"fewer than {FEWEST_SITES} clusters were told by batches of several sizes"
    )
    columns = {what: _Column(its.after.astype(float), *_endless(pieces, its)) for what, its in sides.items()}
    columns[_BATCH] = _Column(np.where(pieces.after > 0, np.log2(size[of_piece]), 0.0), _SAME, _SAME)
    found = {what: _Ratio(refusal=why) for what, why in told.items() if why}
    alone = [what for what in (_NOTICE, _REMINDER) if what not in found]
    found |= zip(alone, _fitted(named, pieces, [columns[what] for what in alone], both, freedom), strict=True)
    if _BATCH not in found:  # beside the others, whose ratios are those over batches as they were
        found[_BATCH] = _fitted(named, pieces, [columns[what] for what in (*alone, _BATCH)], both, freedom)[-1]
    whole = {_NOTICE: np.arange(len(clocks)), _REMINDER: np.unique(of_piece[sides[_NOTICE].after])}
    whole[_BATCH] = whole[_REMINDER]
    for what in told:
        on = columns[what].values != 0
        yield NoticeEffect(
            what=what,
            **found[what]._asdict(),
            clocks=int(np.unique(of_piece[on]).size),
            clusters=int(np.unique(cluster[of_piece[on]]).size),
            of_clocks=int(whole[what].size),
            of_clusters=int(np.unique(cluster[whole[what]]).size),
        )


def _pieces(clocks: Sequence[TakedownClock], changes: Floats) -> Pieces:
    """The clocks in pieces of age and phase; ends other than removal stop them at the last look that saw them."""
    entry = np.array([clock.entered_h for clock in clocks])
    left = np.maximum([max(0.0, clock.left_h) for clock in clocks], entry)
    removed = [clock.right_h is not None and clock.cause == "removed" for clock in clocks]
    right = np.array([clock.right_h if gone else np.inf for clock, gone in zip(clocks, removed, strict=True)], float)
    middle = (left + right)[np.isfinite(right)] / 2
    cuts: list[float] = []
    for age in AGES_H:
        since = cuts[-1] if cuts else 0.0
        if ((middle > since) & (middle <= age)).sum() >= _LEAST_ENDS and (middle > age).sum() >= _LEAST_ENDS:
            cuts.append(age)
    return cut(left, right, cuts=cuts, entry=entry, change=changes)


class _Sides(NamedTuple):
    """Which pieces are before and after a change, and words for each side."""

    before: npt.NDArray[np.bool_]
    after: npt.NDArray[np.bool_]
    before_words: str
    after_words: str


class _Column(NamedTuple):
    """A covariate of the pieces, and what to say where its ratio falls or grows without end."""

    values: Floats
    falling: str
    growing: str


def _lacking(pieces: Pieces, cluster: npt.NDArray[np.int64], sides: _Sides) -> str:
    """Why a change cannot be told; empty if it can."""
    for side, words in ((sides.before, sides.before_words), (sides.after, sides.after_words)):
        if np.unique(cluster[side]).size < FEWEST_SITES:
            return f"fewer than {FEWEST_SITES} clusters were followed {words}"
        if not pieces.ended[pieces.stretch[side]].any():
            return f"nothing was removed {words}"
    return ""


def _endless(pieces: Pieces, sides: _Sides) -> tuple[str, str]:
    """What to say of a ratio that falls without end, and of one that grows."""
    ends = [(sides.after, sides.after_words, "lower"), (sides.before, sides.before_words, "upper")]
    elsewhere = [np.bincount(pieces.stretch[~side], minlength=pieces.ended.size) > 0 for side, _, _ in ends]
    falling, growing = (
        _SAME if (pieces.ended & ~out).any() else f"nothing was surely removed {words}: the ratio has no {end} end"
        for (_, words, end), out in zip(ends, elsewhere, strict=True)
    )
    return falling, growing


class _Ratio(NamedTuple):
    """A ratio of hazards with its interval and p, or why there is none."""

    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    refusal: str | None = None


def _fitted(
    named: Sequence[tuple[str, TakedownClock]],
    pieces: Pieces,
    columns: Sequence[_Column],
    clusters: npt.NDArray[np.int64],
    freedom: float,
) -> list[_Ratio]:
    """The ratio of each column."""
    if not columns:
        return []
    bands = [(pieces.band == band).astype(float) for band in np.unique(pieces.band)]
    keys = sorted({key for key, _ in named})
    group = np.searchsorted(keys, [key for key, _ in named])[pieces.clock]
    try:
        found = hazard(
            pieces.ended,
            pieces.length,
            np.column_stack([*bands, *(column.values for column in columns)]),
            group,
            stretch=pieces.stretch,
            cluster=clusters[pieces.clock],
        )
    except Undetermined:  # the last may be what follows from others
        return [*_fitted(named, pieces, columns[:-1], clusters, freedom), _Ratio(refusal=_SAME)]
    rows = zip(found.coefficients, found.model_se, found.se, strict=True)
    return [_ratio(column, *row, freedom) for column, row in zip(columns, list(rows)[len(bands) :], strict=True)]


def _ratio(column: _Column, log: float, by_model: float, by_clusters: float, freedom: float) -> _Ratio:
    """The ratio of a coefficient; none where no value is the likeliest, or any of eight orders of magnitude."""
    if by_model >= _VAGUE:
        return _Ratio(refusal=column.growing if log > 0 else column.falling)
    error = max(by_model, by_clusters)
    if error >= _VAGUE:
        return _Ratio(refusal="its clusters differ too much: the interval would span eight orders of magnitude")
    wide = float(scipy.special.stdtrit(freedom, (1 + _LEVEL) / 2))
    p = 2 * float(scipy.special.stdtr(freedom, -abs(log / error)))
    ratio, low, high = (round(float(np.exp(one)), 6) for one in (log, log - wide * error, log + wide * error))
    return _Ratio(ratio, low, high, round(p, 6))


def _kinds(
    clocks: Sequence[TakedownClock],
    first: Sequence[AddressedNotice | None],
    clusters: Sequence[str],
    rng: np.random.Generator,
) -> NoticeEffect:
    """Whether content goes sooner after a legal order than after another notice."""
    rows: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for clock, notice, cluster in zip(clocks, first, clusters, strict=True):
        if notice is None:
            continue
        since = max(clock.reminders_h[0], clock.entered_h)
        gone = clock.right_h is not None and clock.cause == "removed"
        right = clock.right_h - since if gone and clock.right_h is not None else np.inf
        if right > 0 and (gone or clock.left_h > since):
            rows[cluster].append((max(0.0, clock.left_h - since), right, int(notice.order)))
    alone = {name: its for name, its in rows.items() if len({kind for _, _, kind in its}) == 1}
    kinds = Counter(its[0][2] for its in alone.values())
    counted = sum(map(len, alone.values()))
    compared: dict[str, Any] = {
        "clocks": counted,
        "clusters": len(alone),
        "of_clocks": sum(map(len, rows.values())),
        "of_clusters": len(rows),
    }
    if min(kinds[0], kinds[1]) < FEWEST_SITES:
        why = f"fewer than {FEWEST_SITES} clusters were told by legal orders alone, or by other notices alone"
        return replace(_refused(_KIND, why), **compared)
    table = np.array([row for its in alone.values() for row in its], float)
    labels = np.repeat(np.arange(len(alone)), [len(its) for its in alone.values()])
    kind = table[:, 2].astype(np.int64)
    found = log_rank(table[:, 0], table[:, 1], kind, labels, rng, step=1.0, permutations=_PERMUTATIONS)
    return NoticeEffect(
        what=_KIND,
        ratio=None,
        low=None,
        high=None,
        p=round(found.p, 6),
        **compared,
        refusal=None,
    )


def _refused(what: str, why: str) -> NoticeEffect:
    return NoticeEffect(
        what=what,
        ratio=None,
        low=None,
        high=None,
        p=None,
        clocks=0,
        clusters=0,
        of_clocks=0,
        of_clusters=0,
        refusal=why,
    )
