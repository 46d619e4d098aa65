"""The conclusions that the reference draws, and what each specification says to them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from waterbed.analysis.sensitivity.curve import DISPLACED, HOME_ABROAD, Curve, Outcomes, removed
from waterbed.analysis.sensitivity.outcomes import Value, difference

HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one specification says to one conclusion."""

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
    """All conclusions that are followed through the curve: first those of the named hoster, then of the rest."""
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
    """The keys than which fewer than `slowest` of those that are told have a lower share."""
    shares = _shares(outcomes)
    return frozenset(key for key, share in shares.items() if sum(other < share for other in shares.values()) < slowest)


def _shares(outcomes: Outcomes) -> dict[str, float]:
    """The share of each of the reference's keys that is told; keys that one group stands for have it together."""
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
        told = _shares(outcomes)
        return Said(says=slow(outcomes, slowest) == first if first <= told.keys() else None)

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
    """On which side of a line a number lies, and whether its interval does."""
    if value is None or value.estimate is None:
        return Said(says=None)
    above = value.estimate >= line
    low, high = value.low, value.high
    surely = low is not None and high is not None and (low >= line if above else high < line)
    return Said(says=above, surely=surely)


def _estimate(value: Value | None) -> float | None:
    return value.estimate if value else None
