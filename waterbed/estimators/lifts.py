"""Lifts of pairs over chance, with two nulls.

Tests hold for many pairs at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from waterbed.estimators.refusal import LEAST_CLUSTERS, Refusal
from waterbed.estimators.strata import Strata, exchange, reorder, strata_of
from waterbed.model.message import Count, Message

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]
Number = TypeVar("Number", np.int32, np.int64, np.float64)

NOWHERE = -1
"""Origin of a row that came from nowhere: a first-ever appearance in the pool of destinations."""

_LEAST_SPREAD = 0.5
"""Least spread of the root of a count that it is divided by: pairs that hardly occur must not outshout the others."""

_PART = 1 << 15
"""Rows counted at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifts:
    """Observed and expected count of each pair, and their quotient.

    The quotient is infinite if none was expected.
    """

    seen: Ints
    expected: Floats
    lift: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Counts of each pair in data and permutations.

    Rows x pairs; `seen` is the row of the data.
    """

    counts: npt.NDArray[np.int32]
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTests:
    """One-sided tests of each pair for more than expected.

    `p` is of the pair alone, `adjusted` holds for all pairs at once; `expected` is the mean under the null.
    """

    seen: Ints
    expected: Floats
    p: Floats
    adjusted: Floats
    smallest_p: float


def lifts(origin: npt.ArrayLike, destination: npt.ArrayLike, first_seen: npt.ArrayLike, pairs: npt.ArrayLike) -> Lifts:
    """Return the lift of each pair over first appearances.

    Lift of (A, B) over where content appears anyway. n_AB / (n_A. q_B / (1 - q_A)), n_AB moves from A to B, n_A. from A
    to anywhere. q_B is the share of B among first-ever appearances, of which `first_seen` has the number for each
    label: counting moves in it would hide the lift. `pairs` is pairs x 2. Raises ValueError for a move from A to A or
    when nothing ever appeared.
    """
    a, b, checked_pairs = _moves(origin, destination, pairs)
    appeared = np.asarray(first_seen, dtype=float)
    if not appeared.sum() > 0:
        raise ValueError("a lift needs first appearances")
    share = appeared / appeared.sum()
    labels = max(
        share.size, int(checked_pairs.max(initial=0)) + 1, int(a.max(initial=0)) + 1, int(b.max(initial=0)) + 1
    )
    share = np.pad(share, (0, labels - share.size))
    from_a = np.bincount(a[a >= 0], minlength=labels)
    code, number = np.unique(a[a >= 0] * labels + b[a >= 0], return_counts=True)
    pair_codes = checked_pairs[:, 0] * labels + checked_pairs[:, 1]
    positions = np.minimum(np.searchsorted(code, pair_codes), max(code.size - 1, 0))
    seen = (
        np.where(code[positions] == pair_codes, number[positions], 0)
        if code.size
        else np.zeros(len(checked_pairs), np.int64)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(
            share[checked_pairs[:, 1]] > 0,
            from_a[checked_pairs[:, 0]] * share[checked_pairs[:, 1]] / (1.0 - share[checked_pairs[:, 0]]),
            0.0,
        )
        lift = seen / expected
    return Lifts(seen=seen.astype(np.int64), expected=expected, lift=lift)


def one_each(cluster: npt.ArrayLike, stratum: npt.ArrayLike, rng: np.random.Generator) -> Ints:
    """Choose one row of each cluster in each stratum.

    At random: a permutation may treat these rows as independent.
    """
    keys = np.stack([np.asarray(stratum, np.int64), np.asarray(cluster, np.int64)], axis=1)
    mixed = rng.permutation(len(keys))
    chosen: Ints = np.sort(mixed[np.unique(keys[mixed], axis=0, return_index=True)[1]])
    return chosen


def destination_null(
    origin: npt.ArrayLike,
    destination: npt.ArrayLike,
    stratum: npt.ArrayLike,
    pairs: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    permutations: int = 999,
) -> Draws | Refusal:
    """Count pairs while destinations are permuted within strata.

    Never to the origin itself. A row is one site cluster's arrival at B in a stratum (week x category), origin A, or
    `NOWHERE` for a first-ever appearance that belongs into the pool. All arrangements of a stratum's destinations with
    B != A are equally likely under the null. They are walked through by random exchanges, the data standing at a random
    place of the walk, which makes the test exact at any length (Besag and Clifford, Biometrika 76, 1989). Choose pairs
    by their margins, not by what was seen.
    """
    a, b, checked_pairs = _moves(origin, destination, pairs)
    strata = strata_of(stratum)
    if strata.movable < LEAST_CLUSTERS:
        return Refusal(
            Message.of(
                "{arrivals} share their stratum with another, which leaves nothing to permute",
                arrivals=Count(strata.movable, "arrival"),
            )
        )
    labels, label_count, bits = _relabelled(a, b, checked_pairs)
    start = (labels[a] << bits | labels[b])[strata.order]
    codes = _codes(labels[checked_pairs], label_count, bits)

    def step(view: Codes, edge: int) -> None:
        exchange(view, bits, edge, rng)

    def count(rows: Codes) -> Ints:
        return _tally(rows, label_count, bits)[codes]

    if 2 * bits < 32:
        # half the memory is twice the speed
        return _walk(start.astype(np.int32), strata, step, count, permutations, rng)
    return _walk(start, strata, step, count, permutations, rng)


def timing_null(
    ended: npt.ArrayLike,
    arrived: npt.ArrayLike,
    stratum: npt.ArrayLike,
    pair: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    within: float,
    permutations: int = 999,
) -> Draws | Refusal:
    """Count arrivals soon after ends permuted within strata.

    The times of ends are permuted. A row is a content that ended at A at the time `ended`, and arrived elsewhere at
    `arrived` (inf: never), earlier or later. Counted is 0 <= arrived - ended < within, of each pair number (-1: no pair
    of interest). Strata are A x week. Contents that never arrived belong into it. This null keeps all destinations: it
    tells when, not where to. Where times are intervals, give the earliest and the latest arrival in turn and report
    both.
    """
    end, arrival, which = np.asarray(ended, float), np.asarray(arrived, float), np.asarray(pair, np.int64)
    strata = strata_of(stratum)
    if strata.movable < LEAST_CLUSTERS:
        return Refusal(
            Message.of(
                "{ends} share their stratum with another, which leaves nothing to permute",
                ends=Count(strata.movable, "end"),
            )
        )
    number = int(which.max(initial=-1)) + 1
    times, arrival, which = end[strata.order], arrival[strata.order], which[strata.order]
    live = np.flatnonzero((which >= 0) & np.isfinite(arrival))
    arrival, which = arrival[live], which[live]

    def step(view: Floats, edge: int) -> None:
        reorder(view, edge, rng)

    def count(rows: Floats) -> Ints:
        delay = arrival - rows[live]
        return np.bincount(which[(delay >= 0) & (delay < within)], minlength=number)

    return _walk(times, strata, step, count, permutations, rng)


def step_down(draws: Draws) -> PairTests:
    """Adjust the tests of many pairs by the largest statistic.

    Step-down maxT (Westfall and Young, Resampling-Based Multiple Testing, 1993, algorithm 4.1) of the `departures`. No
    p is below 1 / (permutations + 1). Counts are whole numbers: ties count against a finding, so that few moves make
    the test reject less often than it may.
    """
    rows, pairs = draws.counts.shape
    depart = departures(draws)
    # counts are whole numbers: ties of equal counts must not be broken by rounding
    statistics = depart[draws.seen] - 1e-9
    falling = np.argsort(-statistics, kind="stable")
    largest = np.maximum.accumulate(depart[:, falling[::-1]], axis=1)[:, ::-1]
    stepped = np.maximum.accumulate((largest >= statistics[falling]).mean(axis=0))
    adjusted = np.empty(pairs)
    adjusted[falling] = stepped
    return PairTests(
        seen=draws.counts[draws.seen].astype(np.int64),
        expected=draws.counts.mean(axis=0),
        p=(draws.counts >= draws.counts[draws.seen]).mean(axis=0),
        adjusted=adjusted,
        smallest_p=1.0 / rows,
    )


def departures(draws: Draws) -> Floats:
    """Return each count's departure from its mean, rows x pairs.

    2 (sqrt(n + 3/8) - sqrt(m + 3/8)) over its spread, m the mean over data and permutations; the root keeps rare pairs
    with their long tails from raising the bar for all.
    """
    depart: Floats = 2.0 * (np.sqrt(draws.counts + 0.375) - np.sqrt(draws.counts.mean(axis=0) + 0.375))
    depart /= np.maximum(depart.std(axis=0), _LEAST_SPREAD)
    return depart


def _walk(
    start: npt.NDArray[Number],
    strata: Strata,
    step: Callable[[npt.NDArray[Number], int], None],
    count: Callable[[npt.NDArray[Number]], Ints],
    permutations: int,
    rng: np.random.Generator,
) -> Draws:
    """Walk both ways from a random place, where the data stand.

    An edge does not depend on where the data stand: the data must not differ from other rows in how they are joined.
    """
    first = count(start)
    counts = np.empty((permutations + 1, first.size), np.int32)
    place = int(rng.integers(permutations + 1))
    counts[place] = first
    for back, numbers in ((1, range(place - 1, -1, -1)), (0, range(place + 1, permutations + 1))):
        rows = start.copy()
        views = strata.views(rows)
        for number in numbers:
            for view in views:
                step(view, number + back)
            counts[number] = count(rows)
    return Draws(counts=counts, seen=place)


def _moves(origin: npt.ArrayLike, destination: npt.ArrayLike, pairs: npt.ArrayLike) -> tuple[Ints, Ints, Ints]:
    a, b, checked_pairs = (np.asarray(column, np.int64) for column in (origin, destination, pairs))
    if a.shape != b.shape or a.ndim != 1 or checked_pairs.ndim != 2 or checked_pairs.shape[1] != 2:
        raise ValueError("moves are an origin and a destination each, and pairs have two columns")
    if (a == b).any() or (checked_pairs[:, 0] == checked_pairs[:, 1]).any():
        raise ValueError("nothing moves from a place to the place itself")
    if (b < 0).any() or (a < NOWHERE).any() or (checked_pairs < 0).any():
        raise ValueError("labels are integers from 0, and only an origin may be nowhere")
    return a, b, checked_pairs


def _relabelled(a: Ints, b: Ints, checked_pairs: Ints) -> tuple[Ints, int, int]:
    """New labels, those in wanted pairs first, the last one for nowhere; how many are wanted; bits of a label."""
    size = 1 + max(int(column.max(initial=0)) for column in (a, b, checked_pairs))
    named = np.unique(checked_pairs)
    rest = np.setdiff1d(np.arange(size), named, assume_unique=True)
    labels = np.empty(size + 1, np.int64)
    labels[named] = np.arange(named.size)
    labels[rest] = named.size + np.arange(rest.size)
    labels[size] = size
    return labels, named.size, int(size).bit_length()


def _codes(pairs: Ints, known: int, bits: int) -> Ints:
    code: Ints = pairs[:, 0] << bits | pairs[:, 1] if _whole(known, bits) else pairs[:, 0] * (known + 1) + pairs[:, 1]
    return code


def _whole(known: int, bits: int) -> bool:
    """True if the rows' own codes can be counted directly."""
    return 1 << 2 * bits <= 4 * max(known, 256) ** 2


def _tally(rows: Codes, known: int, bits: int) -> Ints:
    if _whole(known, bits):
        return np.bincount(rows, minlength=1 << 2 * bits)
    # all other labels share one number; parts that fit into the processor's cache are twice as fast
    cells = (known + 1) ** 2
    total, size = np.zeros(cells, np.int64), max(_PART, 4 * cells)
    for start in range(0, rows.size, size):
        part = rows[start : start + size]
        cell = np.minimum(part >> bits, known)
        cell *= known + 1
        cell += np.minimum(part & (1 << bits) - 1, known)
        total += np.bincount(cell, minlength=cells)
    return total
