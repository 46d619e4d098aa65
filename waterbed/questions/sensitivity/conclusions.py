"""Robustness of conclusions over all specifications.

The share of specifications in which a conclusion holds, and the choices that flip it. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Annotated

from waterbed.model.specifications import ConclusionRow, CurveRow, Dimension, FlipRow, LevelRow, ValueRow
from waterbed.questions.sensitivity.curve import DISPLACED, HOME_ABROAD, Curve, Outcomes, removed
from waterbed.questions.sensitivity.design import DIMENSIONS, Spec
from waterbed.questions.sensitivity.outcomes import Value, difference

HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The answer of one specification to one conclusion."""

    says: Annotated[bool | None, "whether it holds that the number lies above the line, or the like; None: untold"]
    surely: Annotated[bool, "whether the 95% interval is on that side too"] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """One question with two answers, put to every specification."""

    name: Annotated[str, "short name"]
    yes: Annotated[str, "what is said if it holds"]
    no: Annotated[str, "what is said if it does not"]
    asked: Annotated[Callable[[Outcomes], Said], "puts it to a specification"]
    number: Annotated[Callable[[Outcomes], float | None], "the number that it is about, if there is one"]
    outcome: Annotated[str, "the outcome that the number is; empty: none, or a difference of two"] = ""
    has_interval: bool = True


def conclusions_of(curve: Curve, *, hoster: str, than: str | None, slowest: int) -> list[Conclusion]:
    """All conclusions that are followed through the curve.

    First those of the named hoster, then of the rest.
    """
    others = [key for key in curve.ranked if key != hoster]
    found = [_half(curve, hoster)]
    if than is not None:
        found.append(_order(curve, hoster, than))
    first = slow(curve.reference, slowest)
    found += [_slowest(curve, key, slowest) for key in (hoster, *others) if key == hoster or key in first]
    found.append(_slowest_set(curve, first, slowest))
    found += [_home_abroad(), _displaced()]
    return [*found, *(_half(curve, key) for key in others)]


def slow(outcomes: Outcomes, slowest: int) -> frozenset[str]:
    """The keys with the `slowest` lowest shares, ties included."""
    shares = _shares(outcomes)
    return frozenset(key for key, share in shares.items() if sum(other < share for other in shares.values()) < slowest)


def _shares(outcomes: Outcomes) -> dict[str, float]:
    """The share of each of the reference's keys.

    Keys whose share is not estimable are left out; keys that one group stands for have it together.
    """
    values = ((key, outcomes.values.get(removed(key))) for key in outcomes.keys)
    return {key: value.estimate for key, value in values if value and value.estimate is not None}


def _half(curve: Curve, key: str) -> Conclusion:
    name = curve.names.get(key, key)
    return Conclusion(
        name=f"half:{key}",
        yes=f"{name} removes at least half within 24 h",
        no=f"{name} removes less than half within 24 h",
        asked=lambda outcomes: _side(outcomes.values.get(removed(key)), HALF),
        number=lambda outcomes: _estimate(outcomes.values.get(removed(key))),
        outcome=removed(key),
    )


def _order(curve: Curve, key: str, than: str) -> Conclusion:
    one, other = curve.names.get(key, key), curve.names.get(than, than)

    def apart(outcomes: Outcomes) -> Value | None:
        if outcomes.keys.get(key) == outcomes.keys.get(than):
            return None  # one group stands for both
        ours, theirs = outcomes.values.get(removed(key)), outcomes.values.get(removed(than))
        return difference(ours, theirs) if ours and theirs else None

    return Conclusion(
        name=f"order:{key}:{than}",
        yes=f"{one} removes at least as much as {other} within 24 h",
        no=f"{one} removes less than {other} within 24 h",
        asked=lambda outcomes: _side(apart(outcomes), 0.0),
        number=lambda outcomes: _estimate(apart(outcomes)),
    )


def _slowest(curve: Curve, key: str, slowest: int) -> Conclusion:
    name = curve.names.get(key, key)

    def asked(outcomes: Outcomes) -> Said:
        shares = _shares(outcomes)
        return Said(says=key in slow(outcomes, slowest) if key in shares else None)

    return Conclusion(
        name=f"slowest:{key}",
        yes=f"{name} is among the {slowest} slowest",
        no=f"{name} is not among the {slowest} slowest",
        asked=asked,
        number=lambda outcomes: _estimate(outcomes.values.get(removed(key))),
        outcome=removed(key),
        has_interval=False,
    )


def _slowest_set(curve: Curve, first: frozenset[str], slowest: int) -> Conclusion:
    names = ", ".join(curve.names.get(key, key) for key in curve.ranked if key in first)

    def asked(outcomes: Outcomes) -> Said:
        shares = _shares(outcomes)
        return Said(says=slow(outcomes, slowest) == first if first <= shares.keys() else None)

    return Conclusion(
        name="slowest",
        yes=f"the {slowest} slowest are {names}",
        no=f"the {slowest} slowest are others than {names}",
        asked=asked,
        number=lambda outcomes: None,
        has_interval=False,
    )


def _home_abroad() -> Conclusion:
    return Conclusion(
        name=HOME_ABROAD,
        yes="at home at least as much is removed within 24 h as abroad",
        no="at home less is removed within 24 h than abroad",
        asked=lambda outcomes: _side(outcomes.values.get(HOME_ABROAD), 0.0),
        number=lambda outcomes: _estimate(outcomes.values.get(HOME_ABROAD)),
        outcome=HOME_ABROAD,
    )


def _displaced() -> Conclusion:
    return Conclusion(
        name=DISPLACED,
        yes="at least half of the contents that left a hoster turned up at another",
        no="less than half of the contents that left a hoster turned up at another",
        asked=lambda outcomes: _side(outcomes.values.get(DISPLACED), HALF),
        number=lambda outcomes: _estimate(outcomes.values.get(DISPLACED)),
        outcome=DISPLACED,
    )


def _side(value: Value | None, line: float) -> Said:
    """The side of a line on which a number lies.

    `surely` says that its interval does, too.
    """
    if value is None or value.estimate is None:
        return Said(says=None)
    above = value.estimate >= line
    low, high = value.low, value.high
    surely = low is not None and high is not None and (low >= line if above else high < line)
    return Said(says=above, surely=surely)


def _estimate(value: Value | None) -> float | None:
    return value.estimate if value else None


def conclusion_rows(
    curve: Curve, asked: Sequence[Conclusion], truths: Outcomes | None = None
) -> tuple[list[ConclusionRow], list[FlipRow]]:
    """Each conclusion, with the flips by each dimension.

    `truths` are the true values, as a specification's.
    """
    rows, flips = [], []
    for conclusion in asked:
        said = [conclusion.asked(outcomes) for outcomes in curve.outcomes]
        own = flip_rows(conclusion.name, [outcomes.spec for outcomes in curve.outcomes], said)
        rows.append(_row(curve, conclusion, said, own, truths))
        flips += own
    return rows, flips


def flip_rows(name: str, specs: Sequence[Spec], said: Sequence[Said]) -> list[FlipRow]:
    """The flips of one conclusion by each dimension that varies.

    Pairs are specifications that differ in that dimension alone; a flip is a pair of which one says otherwise. The
    first specification is the reference.
    """
    found = []
    for dimension in DIMENSIONS:
        if len({spec.level(dimension) for spec in specs}) < 2:
            continue
        pairs = flips = lost = 0
        for line in _lines(specs, dimension):
            for one, other in combinations(line, 2):
                ours, theirs = said[one].says, said[other].says
                both = ours is not None and theirs is not None
                pairs += both
                flips += both and ours != theirs
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
    """Numbers of the specifications that differ in one dimension.

    They agree in all others.
    """
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
    in_reference = said[0].says
    estimable = [one for one in said if one.says is not None]
    holding = [one for one in estimable if one.says == in_reference] if in_reference is not None else []
    numbers = [n for outcomes in curve.outcomes if (n := conclusion.number(outcomes)) is not None]
    truth = conclusion.number(truths) if truths else None
    truly = conclusion.asked(truths).says if truths else None
    by = max(flips, key=lambda row: row.share or 0.0, default=None)
    flipping = by if by and by.share else None

    def share(part: int) -> float | None:
        return round(part / len(estimable), 4) if estimable and in_reference is not None else None

    return ConclusionRow(
        conclusion=conclusion.name,
        says="" if in_reference is None else conclusion.yes if in_reference else conclusion.no,
        holds=share(len(holding)),
        surely=share(sum(one.surely for one in holding)) if conclusion.has_interval else None,
        told=len(estimable),
        untold=len(said) - len(estimable),
        flipped_by=flipping.dimension if flipping else "",
        flips=flipping.share if flipping else None,
        reference=conclusion.number(curve.reference),
        least=min(numbers, default=None),
        middle=round(median(numbers), 6) if numbers else None,
        most=max(numbers, default=None),
        truth=None if truth is None else round(truth, 6),
        below_truth=None if truth is None or not numbers else round(sum(n < truth for n in numbers) / len(numbers), 4),
        truly=None if truly is None or in_reference is None else truly == in_reference,
    )


def curve_rows(curve: Curve, outcome: str, key: str) -> list[CurveRow]:
    """The specifications by the main outcome, least first.

    Those without a number come last.
    """
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
                telling=value.estimability if value else "nothing",
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
            telling=value.estimability,
        )
        for number, outcomes in enumerate(curve.outcomes)
        for outcome, value in outcomes.values.items()
    ]


def level_rows(curve: Curve, outcome: str) -> list[LevelRow]:
    """Every level with the median of the main outcome.

    Also the number of specifications that use it, or why none does.
    """
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
