"""Lifts of pairs of places, tested against two nulls."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waterbed.estimators.lifts import (
    NOWHERE,
    Lifts,
    PairTests,
    destination_null,
    lifts,
    one_each,
    step_down,
    timing_null,
)
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.strata import alike
from waterbed.graphs.displacement.answers import SEED
from waterbed.graphs.displacement.movements import Gain, Movements, Spell
from waterbed.model.message import Message
from waterbed.model.results import PairRow, Reading

Ints = npt.NDArray[np.int64]

WEEK_H = 168.0
PERMUTATIONS = 999
MOST_DESTINATIONS = 40
"""Largest places, by first-ever appearances, that a target's content is followed to."""
MOST_PLACES = 8
"""Largest places among which all pairs are tested where there is no target."""
NO_MOVES = Refusal(Message.of("no content moved from there in that time"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTable:
    """Lifts of pairs and their tests.

    A refused test has its reason, and no p in any row.
    """

    rows: Sequence[PairRow]
    moves: int
    destination: PairTests | Refusal
    timing: PairTests | Refusal


def pair_table(
    movements: Movements,
    reading: Reading,
    *,
    names: Mapping[str, str],
    target: str | None = None,
    within: tuple[float, float] | None = None,
    horizon_h: float,
    age_within_h: float,
) -> PairTable | Refusal:
    """Return the lifts of the target's destinations.

    Without a target: of all pairs of the largest places. `within` are the hours in which moves and ends count; all, if
    None. Pairs are chosen by first-ever appearances, so never by what was seen.
    """
    first, last = within or (-math.inf, math.inf)
    gains = [gain for gain in movements.gains if first <= gain.seen < last]
    firsts = Counter(gain.place for gain in movements.gains if gain.first_ever)
    pairs = _chosen(firsts, target)
    moved = [gain for gain in gains if gain.moved(reading)]
    if not pairs or not any(target in (None, gain.left) for gain in moved):
        return NO_MOVES
    label = {place: n for n, place in enumerate(sorted({*firsts, *movements.places(), *(g.left or "" for g in gains)}))}
    pair_indices = np.array([(label[a], label[b]) for a, b in pairs], np.int64)
    size = len(label)
    measured = lifts(
        [label[gain.left or ""] for gain in moved],
        [label[gain.place] for gain in moved],
        np.bincount([label[place] for place in firsts.elements()], minlength=size),
        pair_indices,
    )
    pool = [gain for gain in gains if gain.first_ever and gain.left is None] + moved
    destination = _destinations(pool, label, pair_indices)
    ended = [
        spell for spell in movements.spells if first <= spell.ended(reading) < last and target in (None, spell.place)
    ]
    timing = _timing(ended, movements, reading, {pair: n for n, pair in enumerate(pairs)}, horizon_h, age_within_h)
    clusters: dict[tuple[str | None, str], set[int]] = defaultdict(set)
    for gain in moved:
        clusters[gain.left, gain.place].add(gain.cluster)
    sites = [len(clusters[pair]) for pair in pairs]
    rows = _rows(reading, pairs, sites, measured, destination, timing, names)
    return PairTable(rows=rows, moves=len(moved), destination=destination, timing=timing)


def _chosen(firsts: Counter[str], target: str | None) -> list[tuple[str, str]]:
    largest = [place for place, _ in sorted(firsts.items(), key=lambda entry: (-entry[1], entry[0]))]
    if target is not None:
        return [(target, place) for place in largest if place != target][:MOST_DESTINATIONS]
    top = largest[:MOST_PLACES]
    return [(a, b) for a in top for b in top if a != b]


def _numbers(keys: Sequence[object]) -> Ints:
    """Integer labels from 0."""
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], np.int64)


def _destinations(pool: Sequence[Gain], label: Mapping[str, int], pair_indices: Ints) -> PairTests | Refusal:
    """Destinations permuted among moves and first appearances of the same week and category."""
    rng = np.random.default_rng(SEED)
    strata = _numbers([(gain.seen // WEEK_H, gain.category) for gain in pool])
    selected = [pool[row] for row in one_each(_numbers([gain.cluster for gain in pool]), strata, rng)]
    draws = destination_null(
        [NOWHERE if gain.left is None else label[gain.left] for gain in selected],
        [label[gain.place] for gain in selected],
        _numbers([(gain.seen // WEEK_H, gain.category) for gain in selected]),
        pair_indices,
        rng,
        permutations=PERMUTATIONS,
    )
    return draws if isinstance(draws, Refusal) else step_down(draws)


def _timing(
    ended: Sequence[Spell],
    movements: Movements,
    reading: Reading,
    number: Mapping[tuple[str, str], int],
    horizon_h: float,
    age_within_h: float,
) -> PairTests | Refusal:
    """Ends permuted among contents of the same place, week and like start."""
    if not ended:
        return Refusal(Message.of("no content ended there in that time"))
    rng = np.random.default_rng(SEED)
    strata = _numbers([(spell.place, spell.ended(reading) // WEEK_H) for spell in ended])
    rows = one_each(_numbers([spell.cluster for spell in ended]), strata, rng)
    selected = [ended[row] for row in rows]
    arrivals = first_elsewhere(selected, movements, reading)
    draws = timing_null(
        [spell.ended(reading) for spell in selected],
        [when for when, _ in arrivals],
        alike(_numbers(strata[rows].tolist()), [spell.started for spell in selected], within=age_within_h),
        [number.get((spell.place, place), -1) for spell, (_, place) in zip(selected, arrivals, strict=True)],
        rng,
        within=horizon_h,
        permutations=PERMUTATIONS,
    )
    if isinstance(draws, Refusal):
        return draws
    # pairs without an arrival are missing at the end of the counts
    missing = len(number) - draws.counts.shape[1]
    padded = np.pad(draws.counts, ((0, 0), (0, missing)))
    return step_down(type(draws)(counts=padded, seen=draws.seen))


def arrived(gain: Gain, reading: Reading) -> float:
    """Time of arrival: the earliest possible or the first sight."""
    return gain.absent if reading == "sequential" else gain.seen


def first_elsewhere(spells: Sequence[Spell], movements: Movements, reading: Reading) -> list[tuple[float, str]]:
    """Return each spell's first arrival of its content elsewhere.

    After the spell started; inf if none.
    """
    by_content: dict[str, list[Gain]] = {}
    for gain in movements.gains:
        by_content.setdefault(gain.content_id, []).append(gain)
    arrivals = []
    for spell in spells:
        later = [
            (arrived(gain, reading), gain.place)
            for gain in by_content.get(spell.content_id, ())
            if gain.place != spell.place and arrived(gain, reading) > spell.started
        ]
        arrivals.append(min(later, default=(math.inf, "")))
    return arrivals


def _rows(
    reading: Reading,
    pairs: Sequence[tuple[str, str]],
    sites: Sequence[int],
    measured: Lifts,
    destination: PairTests | Refusal,
    timing: PairTests | Refusal,
    names: Mapping[str, str],
) -> list[PairRow]:
    rows = []
    for number, (a, b) in enumerate(pairs):
        lift = float(measured.lift[number])
        tests = [None if isinstance(test, Refusal) else test for test in (destination, timing)]
        rows.append(
            PairRow(
                reading=reading,
                from_key=a,
                from_name=names.get(a, a),
                to_key=b,
                to_name=names.get(b, b),
                moves=int(measured.seen[number]),
                sites=sites[number],
                foretold=float(measured.expected[number]),
                lift=lift if math.isfinite(lift) else None,
                soon=int(tests[1].seen[number]) if tests[1] else None,
                soon_foretold=float(tests[1].expected[number]) if tests[1] else None,
                destination_p=float(tests[0].adjusted[number]) if tests[0] else None,
                timing_p=float(tests[1].adjusted[number]) if tests[1] else None,
                smallest_p=next((test.smallest_p for test in tests if test), None),
            )
        )
    return sorted(rows, key=lambda row: (-row.moves, row.from_key, row.to_key))
