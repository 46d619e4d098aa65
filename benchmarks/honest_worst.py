"""The worst worlds of a grammar, found by successive halving, and scored on studies that did not choose them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.honest_figures import WORST_HOLDS, Studies, held, mean_of_worlds
from benchmarks.honest_study import NEW, OLD
from waterbed.lab.simulate.grammar import numbered_world

FIRST = 100_000
"""Number of the first world that only the search draws."""
ROUNDS = ((0.1, 4), (1 / 30, 10), (1 / 75, 22), (1 / 150, 52))
"""Worlds of each round, as a part of all studies of the search, and the studies of each by then."""
PRIOR = 4.0
"""Rows that count as held beside those of a world: one miss of two is no proof of a bad world."""
Make = Callable[[Iterable[int], Iterable[int]], Mapping[int, Sequence[Mapping[str, Any]]]]


def badness(studies: Sequence[Mapping[str, Any]]) -> float:
    """The part of shares that do not hold where the dependence is shown, drawn towards none."""
    some = held(studies, NEW)
    return (len(some) - sum(some)) / (len(some) + PRIOR)


def worst_tenth(worlds: Studies, make: Make, *, most: int, fresh: range) -> Iterator[str]:
    """Print how the worst tenth holds on fresh studies; yield what does not.

    It is chosen among the worlds that were drawn, and those that the search finds beside them.
    """
    found = {**worlds, **searched(make, most)}
    chosen = sorted(found, key=lambda number: -badness(found[number]))[: max(1, len(worlds) // 10)]
    scored = make(chosen, fresh)
    print(f"worst {len(chosen)} of {len(worlds)} worlds and {len(found) - len(worlds)} found by search:")
    for number in chosen:
        world, rows = numbered_world(scored[number][0]["seed"], number), held(scored[number], NEW)
        old = held(scored[number], OLD)
        words = (world.dependence, world.label, world.hiding, world.drift, world.mover, world.returns, world.cloak)
        kinds = ", ".join(word for word in words if word not in ("none", "constant"))
        holds = fmean(map(float, rows)) if rows else float("nan")
        before = fmean(map(float, old)) if old else float("nan")
        print(f"  world {number}: {holds:.3f} of {len(rows)} hold, old {before:.3f} ({kinds}, {world.answer})")
    mean, error = mean_of_worlds(fmean(map(float, rows)) for n in chosen if (rows := held(scored[n], NEW)))
    print(f"worst tenth: {mean:.3f} (se {error:.3f}) of shares hold in {len(fresh)} fresh studies each")
    if not mean >= WORST_HOLDS:
        yield f"worst tenth: {mean:.1%} (se {error:.1%}) hold, {WORST_HOLDS:.0%} wanted"


def searched(make: Make, most: int) -> dict[int, Sequence[Mapping[str, Any]]]:
    """The worlds that are left when the worse ones of each round go on, in at most so many studies."""
    left: list[int] = list(range(FIRST, FIRST + int(most * ROUNDS[0][0])))
    found: Mapping[int, Sequence[Mapping[str, Any]]] = {}
    for part, studies in ROUNDS:
        left = sorted(left, key=lambda number: -badness(found.get(number, ())))[: int(most * part)]
        found = make(left, range(studies))
    return {number: found[number] for number in left}
