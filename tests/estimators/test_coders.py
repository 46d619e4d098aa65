"""Agreement of two coders beyond chance, against published tables and statsmodels."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from waterbed.estimators.cluster_shares import Kappa, cohen_kappa
from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Message


def counts(rows: list[list[int]]) -> dict[tuple[str, str], int]:
    """A square table of counts by the codes of two raters."""
    return {(str(i), str(j)): n for i, row in enumerate(rows) for j, n in enumerate(row)}


def kappa_of(rows: list[list[int]]) -> Kappa:
    """The kappa of a table that has one."""
    found = cohen_kappa(counts(rows))
    assert isinstance(found, Kappa)
    return found


def test_kappa_is_that_of_published_tables() -> None:
    """Fleiss, Levin and Paik (2003), Table 18.1: 0.68, standard error 0.087; Boyd et al. in Stata's manual: 0.4728."""
    found = kappa_of([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert found.value == pytest.approx(0.676, abs=5e-4)
    assert not isinstance(found.interval, Refusal)
    low, high = found.interval
    assert (high - low) / (2 * 1.96) == pytest.approx(0.087, abs=1e-3)
    assert (low, high) == (pytest.approx(0.51, abs=0.01), pytest.approx(0.85, abs=0.01))
    found = kappa_of([[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]])
    assert found.value == pytest.approx(0.4728, abs=5e-5)


def test_kappa_has_no_value_where_chance_explains_all() -> None:
    """No items, or one code only: no number, and a sentence that says why."""
    assert cohen_kappa({}) == Refusal(Message.of("no item is coded by two"))
    assert isinstance(cohen_kappa({("accept", "accept"): 7}), Refusal)


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([[3, 0], [0, 4]], 1.0),
        ([[0, 5], [5, 0]], -1.0),
        ([[0, 0], [1, 2]], 0.0),
        ([[0, 0], [2, 3]], 0.0),
        ([[0, 0, 0], [40, 50, 7], [0, 0, 0]], 0.0),
    ],
)
def test_kappa_has_no_interval_where_the_table_has_no_spread(rows: list[list[int]], value: float) -> None:
    """All agree, all differ, or one coder gives one code only: an interval of width 0 would be too sure."""
    found = kappa_of(rows)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert isinstance(found.interval, Refusal)


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.integers(0, 30), min_size=n * n, max_size=n * n)))
@example([0, 0, 1, 2])
def test_kappa_and_its_interval_are_those_of_statsmodels(numbers: list[int]) -> None:
    """Kappa and both ends of the 95% interval agree for any table that has them, up to the clipping at -1 and 1."""
    from statsmodels.stats.inter_rater import cohens_kappa

    size = int(len(numbers) ** 0.5)
    table = np.array(numbers).reshape(size, size)
    found = cohen_kappa(counts(table.tolist()))
    assume(isinstance(found, Kappa))
    assert isinstance(found, Kappa)
    with np.errstate(invalid="ignore"):  # theirs takes the root of a variance that rounding leaves below 0
        theirs = cohens_kappa(table)
    assert found.value == pytest.approx(theirs.kappa, abs=1e-9)
    if isinstance(found.interval, Refusal):
        assert theirs.var_kappa == pytest.approx(0.0, abs=1e-9)
        return
    low, high = found.interval
    assert low == pytest.approx(max(-1.0, theirs.kappa_low), abs=1e-6)
    assert high == pytest.approx(min(1.0, theirs.kappa_upp), abs=1e-6)
    assert high - low > 1e-4
