"""Agreement of two coders beyond chance, against published tables and statsmodels."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa

from waterbed.estimators.coders import cohen_kappa


def counts(rows: list[list[int]]) -> dict[tuple[str, str], int]:
    """A square table of counts by the codes of two raters."""
    return {(str(i), str(j)): n for i, row in enumerate(rows) for j, n in enumerate(row)}


def test_kappa_is_that_of_published_tables() -> None:
    """Fleiss, Levin and Paik (2003), Table 18.1: 0.68, standard error 0.087; Boyd et al. in Stata's manual: 0.4728."""
    kappa, low, high = cohen_kappa(counts([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert kappa == pytest.approx(0.676, abs=5e-4)
    assert (high - low) / (2 * 1.96) == pytest.approx(0.087, abs=1e-3)
    assert (low, high) == (pytest.approx(0.51, abs=0.01), pytest.approx(0.85, abs=0.01))
    kappa, _, _ = cohen_kappa(counts([[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]]))
    assert kappa == pytest.approx(0.4728, abs=5e-5)


def test_kappa_has_no_value_where_chance_explains_all() -> None:
    """No items, or one code only: no number. Full agreement over two codes: one."""
    assert cohen_kappa({}) == (None, None, None)
    assert cohen_kappa({("accept", "accept"): 7}) == (None, None, None)
    assert cohen_kappa(counts([[3, 0], [0, 4]])) == (1.0, pytest.approx(1.0), pytest.approx(1.0))
    assert cohen_kappa(counts([[0, 5], [5, 0]]))[0] == pytest.approx(-1.0)


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.integers(0, 30), min_size=n * n, max_size=n * n)))
def test_kappa_and_its_interval_are_those_of_statsmodels(numbers: list[int]) -> None:
    """Kappa and both ends of the 95% interval agree for any table that has both, up to the clipping at -1 and 1."""
    size = int(len(numbers) ** 0.5)
    table = np.array(numbers).reshape(size, size)
    kappa, low, high = cohen_kappa(counts(table.tolist()))
    assume(kappa is not None)
    theirs = cohens_kappa(table)
    assert kappa == pytest.approx(theirs.kappa, abs=1e-9)
    assert low == pytest.approx(max(-1.0, theirs.kappa_low), abs=1e-6)
    assert high == pytest.approx(min(1.0, theirs.kappa_upp), abs=1e-6)
