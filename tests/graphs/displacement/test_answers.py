"""Claims: each only on the side of none on which its number is."""

import re
from typing import Any

import pytest

from waterbed.graphs.displacement.answers import BELOW, CLAIMS, TypedAnswer, claimed, none_of

UP = re.compile(r"\b(more|rose|spread|closely|larger|higher)\b|\bso many times\b|\bso strong\b")
"""Words of claims that hold on one side alone: above none, but for two names."""
DOWN = re.compile(r"\b(fewer|fell|less|lower|turned up)\b")
FEWER = ("TNE", "WDQ")
"""Above 0 fewer were seen, and the buffer fell, too."""
NOTHING = "nothing rejects at 5%: the data did not show it, with this power"
INTERVALS = ("WDQ", "TNE", "excess reappearance, corrected")


def made(name: str, estimate: float | None, low: float, high: float, **other: Any) -> TypedAnswer:
    """An answer that rejects, or is judged by its interval."""
    p = None if name in INTERVALS else 0.001
    plain: dict[str, Any] = {"question": "?", "name": name, "estimator": "", "reading": "all", "n": 50, "n_of": "sites"}
    return claimed(TypedAnswer(**plain, estimate=estimate, low=low, high=high, p=p, **other))


@pytest.mark.parametrize("name", CLAIMS)
def test_no_claim_holds_on_the_wrong_side(name: str) -> None:
    """A claim with a word of direction is made on one side of none, and another or nothing on the other side."""
    none = none_of(name)
    above, below = made(name, none + 0.5, none + 0.2, none + 0.9), made(name, none - 0.5, none - 0.9, none - 0.2)
    assert above.may == CLAIMS[name][0]
    wrong = (DOWN, UP) if name not in FEWER else (re.compile(r"turned up|\bmore\b"), re.compile(r"fewer|\bspread\b"))
    if name in BELOW:
        assert below.may == BELOW[name][0] != above.may
        assert not wrong[0].search(above.may), above.may
        assert below.may == NOTHING or not wrong[1].search(below.may), below.may
        assert made(name, none, none - 0.5, none + 0.5).may == NOTHING
    else:
        assert below.may == above.may
        assert not UP.search(above.may), "a claim with a direction has another for the other side"
        assert not DOWN.search(above.may), "a claim with a direction has another for the other side"


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize("estimate", [-0.1, None, 0.1])
def test_an_interval_that_holds_none_shows_nothing(name: str, estimate: float | None) -> None:
    """Answers without p are judged by their intervals, whatever their estimate."""
    assert made(name, estimate, -0.8, 0.7).may == NOTHING
    assert made(name, estimate, 0.0, 0.7).may == NOTHING


def test_an_effect_that_may_never_fade_has_no_half_life() -> None:
    """An interval without an upper end does not show that half of it was gone."""
    one = TypedAnswer(
        question="?", name="half-life", estimator="", reading="all", n=9, n_of="periods", estimate=3.0, low=1.0
    )
    assert claimed(one).may == NOTHING
