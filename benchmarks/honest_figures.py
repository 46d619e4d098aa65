"""Figures of studies of drawn worlds: what holds, what is false, and what is said beside an older version."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from statistics import fmean, pstdev
from typing import Any

from benchmarks.honest_study import NEW, OLD
from waterbed.lab.simulate.grammar import WEIGHTS, World

LEAST_HOLDS, WORST_HOLDS = 0.93, 0.90
"""Of estimated shares in the mean world, and in the mean of the worst tenth."""
MOST_FALSE = 0.05
LEAST_TOLD, WIDEST, LEAST_ORDERED = 0.95, 1.2, 0.9
"""Beside the older version's."""
Studies = Mapping[int, Sequence[Mapping[str, Any]]]
"""The studies of each world."""


def mean_of_worlds(values: Iterable[float]) -> tuple[float, float]:
    """The mean over worlds, each weighted equally, and its standard error."""
    found = list(values)
    if not found:
        return float("nan"), float("nan")
    return fmean(found), pstdev(found) / sqrt(len(found))


def rows_of(studies: Sequence[Mapping[str, Any]], version: str) -> Iterator[Mapping[str, Any]]:
    """All rows that a version gives in the studies of one world."""
    for study in studies:
        yield from study[version]["rows"]


def held(studies: Sequence[Mapping[str, Any]], version: str, *, shown: bool = True, what: str = "holds") -> list[bool]:
    """For each estimated share whether its interval holds, where the data show the dependence, or elsewhere."""
    return [row[what] for row in rows_of(studies, version) if row["shown"] == shown and row[what] is not None]


def coverage(worlds: Studies, version: str, *, shown: bool = True, what: str = "holds") -> tuple[float, float]:
    """The part of intervals that hold, in the mean over worlds that have any."""
    each = (held(studies, version, shown=shown, what=what) for studies in worlds.values())
    return mean_of_worlds(fmean(map(float, some)) for some in each if some)


def false_orders(studies: Sequence[Mapping[str, Any]], version: str) -> float:
    """The part of studies with any false order: ranks hold all at once."""
    return fmean(float(study[version]["false_orders"] > 0) for study in studies)


def false_names(studies: Sequence[Mapping[str, Any]], version: str) -> float:
    """The mean part of the names below the norm that is false."""
    return fmean(study[version]["false_names"] / max(1, study[version]["names"]) for study in studies)


def told(studies: Sequence[Mapping[str, Any]], version: str) -> float:
    """The part of hosters with an estimated share."""
    return fmean(float(row["holds"] is not None) for row in rows_of(studies, version))


def widths(studies: Sequence[Mapping[str, Any]]) -> list[tuple[float, float, float]]:
    """Widths by both versions, and the gap from worst to best case, of shares that both estimate."""
    pairs = zip(rows_of(studies, NEW), rows_of(studies, OLD), strict=True)
    return [
        (new["width"], old["width"], new["gap"] or 0.0)
        for new, old in pairs
        if new["width"] is not None and old["width"] is not None
    ]


def report(worlds: Studies, drawn: Mapping[int, World], decided: Studies) -> Iterator[str]:
    """Print what holds, with standard errors; yield what does not."""
    yield from _shares(worlds)
    yield from _false(worlds, drawn, decided, "false orders", false_orders)
    yield from _false(worlds, drawn, decided, "false names below the norm", false_names)
    yield from _beside(worlds, drawn)
    _classes(worlds)
    _by_part(worlds, drawn)


def _shares(worlds: Studies) -> Iterator[str]:
    print(f"{'estimated shares that hold, mean over worlds':58} {'new':>6} {'(se)':>7} {'old':>6} {'(se)':>7}")
    found = {}
    for words, shown, what in (
        ("a label or four regimes show the dependence", True, "holds"),
        ("nothing shows it", False, "holds"),
        ("nothing shows it, with the line for so many sites at once", False, "together"),
    ):
        new, old = (coverage(worlds, version, shown=shown, what=what) for version in (NEW, OLD))
        found[words] = new
        print(f"{words:58} {new[0]:6.3f} ({new[1]:.3f}) {old[0]:6.3f} ({old[1]:.3f})")
    (shown_new, error), _, (line, line_error) = found.values()
    if not shown_new >= LEAST_HOLDS:
        yield f"shares: {shown_new:.1%} (se {error:.1%}) hold where the dependence is shown, {LEAST_HOLDS:.0%} wanted"
    if not line >= LEAST_HOLDS:
        yield f"sensitivity line: {line:.1%} (se {line_error:.1%}) hold elsewhere, {LEAST_HOLDS:.0%} wanted"


def _false(
    worlds: Studies,
    drawn: Mapping[int, World],
    decided: Studies,
    words: str,
    part: Callable[[Sequence[Mapping[str, Any]], str], float],
) -> Iterator[str]:
    shown = [number for number, world in drawn.items() if world.shown]
    rates = {version: {number: part(worlds[number], version) for number in shown} for version in (NEW, OLD)}
    means = {version: mean_of_worlds(rates[version].values()) for version in (NEW, OLD)}
    over = {version: sum(rate > MOST_FALSE for rate in rates[version].values()) for version in (NEW, OLD)}
    print(
        f"{words}: new {means[NEW][0]:.3f} ({means[NEW][1]:.3f}), above {MOST_FALSE:.0%} in {over[NEW]} of "
        f"{len(shown)} worlds; old {means[OLD][0]:.3f} ({means[OLD][1]:.3f}), in {over[OLD]}"
    )
    for number in (one for one in shown if rates[NEW][one] > MOST_FALSE):
        some = decided.get(number)
        rate = part(some, NEW) if some else rates[NEW][number]
        if rate > MOST_FALSE:
            error = sqrt(rate * (1 - rate) / len(some)) if some else 0.0
            how = f"(se {error:.1%}) in {len(some)} fresh studies" if some else "and no fresh study decides"
            yield f"world {number}: {words} {rate:.1%} {how}, {MOST_FALSE:.0%} allowed"


def over_in(worlds: Studies, drawn: Mapping[int, World]) -> list[int]:
    """The worlds in which more is false than allowed, by these studies."""
    return [
        number
        for number, world in drawn.items()
        if world.shown and max(false_orders(worlds[number], NEW), false_names(worlds[number], NEW)) > MOST_FALSE
    ]


def _beside(worlds: Studies, drawn: Mapping[int, World]) -> Iterator[str]:
    plain = [number for number, world in drawn.items() if not world.label_matters]
    new, old = (fmean(told(worlds[number], version) for number in plain) for version in (NEW, OLD))
    print(f"where no label matters ({len(plain)} worlds): estimated {new:.3f} of hosters, by the old {old:.3f}")
    if new < LEAST_TOLD * old:
        yield f"estimated: {new / old:.2f} of the older version's, {LEAST_TOLD} wanted"
    both = [fmean(column) for number in plain if (some := widths(worlds[number])) for column in zip(*some, strict=True)]
    wide, before, gap = (fmean(both[n::3]) if both else 0.0 for n in range(3))
    print(f"  mean width {wide:.3f}, old {before:.3f}; mean gap from worst to best case {gap:.3f}")
    if wide > WIDEST * before + gap:
        yield f"width: {wide:.3f}, at most {WIDEST} x {before:.3f} + {gap:.3f} wanted"
    honest = [number for number, world in drawn.items() if world.honest]
    for words, name in (("all pairs", "right"), ("pairs of the quickest third", "quick_right")):
        ours, theirs = _ordered(worlds, honest, words, name)
        for seen in (True, False):
            some = [number for number in honest if drawn[number].seen_up == seen]
            how = "content seen up within minutes, or dated" if seen else "first checks hours later"
            _ordered(worlds, some, f"  {how}", name)
        if ours < LEAST_ORDERED * theirs:
            yield f"ordered, {words}: {ours / theirs:.2f} of the older version's, {LEAST_ORDERED} wanted"


def _ordered(worlds: Studies, numbers: Sequence[int], words: str, name: str) -> tuple[int, int]:
    """Print the pairs that both versions order rightly in some worlds; give their numbers."""
    some = [study for number in numbers for study in worlds[number]]
    ours, theirs = (sum(_right(study[version], name) for study in some) for version in (NEW, OLD))
    of = sum(study[NEW]["different" if name == "right" else "quick_different"] for study in some)
    print(f"  rightly ordered in {len(numbers)} honest worlds, {words}: {ours:,} of {of:,}, old {theirs:,}")
    return ours, theirs


def _right(said: Mapping[str, Any], name: str) -> int:
    return int(said["orders"] - said["false_orders"] if name == "right" else said[name])


def _classes(worlds: Studies) -> None:
    for version in (NEW, OLD):
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for studies in worlds.values():
            for row in rows_of(studies, version):
                counts[row["rank_class"]][0] += 1
                counts[row["rank_class"]][1] += row["false_class"]
        words = ", ".join(f"{name} {n:,}" + f" ({wrong:,} false)" * bool(wrong) for name, (n, wrong) in counts.items())
        print(f"classes, {version}: {words}")


def _by_part(worlds: Studies, drawn: Mapping[int, World]) -> None:
    """Print coverage by each choice of each part: where to look for what does not hold."""
    heads = ("worlds", "given", "old", "holds", "old", "orders", "old")
    print(f"{'by part; held where shown':36} " + " ".join(f"{head:>6}" for head in heads))
    for part in WEIGHTS:
        for choice in WEIGHTS[part]:
            some = {number: worlds[number] for number, world in drawn.items() if getattr(world, part) == choice}
            if not some:
                continue
            parts = [fmean(told(studies, version) for studies in some.values()) for version in (NEW, OLD)]
            parts += [coverage(some, version)[0] for version in (NEW, OLD)]
            parts += [fmean(false_orders(studies, version) for studies in some.values()) for version in (NEW, OLD)]
            print(f"{part + ': ' + choice:36} {len(some):6} " + " ".join(f"{value:6.3f}" for value in parts))
