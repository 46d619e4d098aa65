"""In how many specifications a conclusion holds, and which choice flips it. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from statistics import median

from waterbed.analysis.sensitivity.conclusions_part import Conclusion, Said
from waterbed.analysis.sensitivity.curve import Curve, Outcomes
from waterbed.analysis.sensitivity.design import DIMENSIONS, Spec
from waterbed.model.sensitivity import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow, ValueRow


def conclusion_rows(
    curve: Curve, asked: Sequence[Conclusion], truths: Outcomes | None = None
) -> tuple[list[ConclusionRow], list[FlipRow]]:
    """Each conclusion, and how often each dimension flips it; `truths` are the true values, as a specification's."""
    rows, flips = [], []
    for conclusion in asked:
        said = [conclusion.asked(outcomes) for outcomes in curve.outcomes]
        own = flip_rows(conclusion.name, [outcomes.spec for outcomes in curve.outcomes], said)
        rows.append(_row(curve, conclusion, said, own, truths))
        flips += own
    return rows, flips


def flip_rows(name: str, specs: Sequence[Spec], said: Sequence[Said]) -> list[FlipRow]:
    """For each dimension that varies: the pairs that differ in it alone, and those of which one says otherwise.

    The first specification is the reference.
    """
    found = []
    for dimension in DIMENSIONS:
        if len({spec.level(dimension) for spec in specs}) < 2:
            continue
        pairs = flips = lost = 0
        for line in _lines(specs, dimension):
            for one, other in combinations(line, 2):
                ours, theirs = said[one].says, said[other].says
                told = ours is not None and theirs is not None
                pairs += told
                flips += told and ours != theirs
                lost += (ours is None) != (theirs is None)
        found.append(
            FlipRow(
                conclusion=name,
                dimension=dimension,
                pairs=pairs,
                flips=flips,
                share=round(flips / pairs, 4) if pairs else None,
                lost=lost,
                from_reference=_from_reference(specs, said, dimension),
            )
        )
    return found


def _lines(specs: Sequence[Spec], dimension: Dimension) -> list[list[int]]:
    """Numbers of the specifications that agree in all but one dimension."""
    lines: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, spec in enumerate(specs):
        lines[tuple(spec.level(other) for other in DIMENSIONS if other != dimension)].append(number)
    return list(lines.values())


def _from_reference(specs: Sequence[Spec], said: Sequence[Said], dimension: Dimension) -> tuple[str, ...]:
    (own,) = (line for line in _lines(specs, dimension) if 0 in line)
    flipped = (n for n in own if None not in (said[0].says, said[n].says) and said[n].says != said[0].says)
    return tuple(specs[number].level(dimension) for number in flipped)


def _row(
    curve: Curve, conclusion: Conclusion, said: Sequence[Said], flips: Sequence[FlipRow], truths: Outcomes | None
) -> ConclusionRow:
    drawn = said[0].says
    told = [one for one in said if one.says is not None]
    holding = [one for one in told if one.says == drawn] if drawn is not None else []
    numbers = [n for outcomes in curve.outcomes if (n := conclusion.number(outcomes)) is not None]
    truth = conclusion.number(truths) if truths else None
    truly = conclusion.asked(truths).says if truths else None
    by = max(flips, key=lambda row: row.share or 0.0, default=None)
    flipping = by if by and by.share else None

    def share(part: int) -> float | None:
        return round(part / len(told), 4) if told and drawn is not None else None

    return ConclusionRow(
        conclusion=conclusion.name,
        says="" if drawn is None else conclusion.yes if drawn else conclusion.no,
        holds=share(len(holding)),
        surely=share(sum(one.surely for one in holding)) if conclusion.has_interval else None,
        told=len(told),
        untold=len(said) - len(told),
        flipped_by=flipping.dimension if flipping else "",
        flips=flipping.share if flipping else None,
        reference=conclusion.number(curve.reference),
        least=min(numbers, default=None),
        middle=round(median(numbers), 6) if numbers else None,
        most=max(numbers, default=None),
        truth=None if truth is None else round(truth, 6),
        below_truth=None if truth is None or not numbers else round(sum(n < truth for n in numbers) / len(numbers), 4),
        truly=None if truly is None or drawn is None else truly == drawn,
    )


def curve_rows(curve: Curve, outcome: str, key: str) -> list[CurveRow]:
    """The specifications by the main outcome, least first; those without a number last."""
    values = [outcomes.values.get(outcome) for outcomes in curve.outcomes]
    estimates = [value.estimate if value else None for value in values]
    order = sorted(
        range(len(values)), key=lambda n: (estimates[n] is None, estimates[n] if estimates[n] is not None else 0.0, n)
    )
    rows = []
    for place, number in enumerate(order, 1):
        outcomes, value = curve.outcomes[number], values[number]
        rows.append(
            CurveRow(
                place=place if estimates[number] is not None else None,
                spec=number,
                estimate=estimates[number],
                low=value.low if value else None,
                high=value.high if value else None,
                key=outcomes.keys.get(key, ""),
                telling=value.telling if value else "nothing",
                **{dimension: outcomes.spec.level(dimension) for dimension in DIMENSIONS},
            )
        )
    return rows


def value_rows(curve: Curve) -> list[ValueRow]:
    """Every outcome under every specification."""
    return [
        ValueRow(
            spec=number,
            outcome=outcome,
            key=outcomes.keys.get(outcome.removeprefix("removed:"), ""),
            estimate=value.estimate,
            low=value.low,
            high=value.high,
            telling=value.telling,
        )
        for number, outcomes in enumerate(curve.outcomes)
        for outcome, value in outcomes.values.items()
    ]


def level_rows(curve: Curve, outcome: str) -> list[LevelRow]:
    """Every level: in how many specifications it is, with the median of the main outcome, or why it is in none."""
    rows = []
    for dimension in DIMENSIONS:
        reference = curve.reference.spec.level(dimension)
        for level in curve.grid.levels[dimension]:
            own = [outcomes for outcomes in curve.outcomes if outcomes.spec.level(dimension) == level]
            numbers = _numbers(own, outcome)
            rows.append(
                LevelRow(
                    dimension=dimension,
                    level=level,
                    reference=level == reference,
                    specs=len(own),
                    middle=round(median(numbers), 6) if numbers else None,
                    why_not="",
                )
            )
        rows += [
            LevelRow(dimension=at, level=level, reference=False, specs=0, middle=None, why_not=why)
            for (at, level), why in curve.grid.why_not.items()
            if at == dimension
        ]
    return rows


def _numbers(group: Sequence[Outcomes], outcome: str) -> list[float]:
    return [v.estimate for one in group if (v := one.values.get(outcome)) is not None and v.estimate is not None]
