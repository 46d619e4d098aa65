"""How far two coders agree beyond chance, with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from waterbed.estimators.refusal import Refusal

_NORMAL_95 = 1.959963984540054
_NO_SPREAD = 1e-12
"""Variance of one item's share of kappa below which it is 0 but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement beyond chance, -1..1, and its 95% interval where the table has one."""

    value: float
    interval: tuple[float, float] | Refusal


def cohen_kappa(table: Mapping[tuple[str, str], int]) -> Kappa | Refusal:
    r"""Cohen's kappa of a table of counts, with its large-sample 95% interval.

    $\kappa = (p_o - p_e) / (1 - p_e)$ with $p_o = \sum_i p_{ii}$ and $p_e = \sum_i p_{i.} p_{.i}$ (Cohen, A coefficient
    of agreement for nominal scales, Educational and Psychological Measurement 20, 1960). Its standard error is
    $\sqrt{A + B - C} / ((1 - p_e) \sqrt{n})$ with $A = \sum_i p_{ii} (1 - (p_{i.} + p_{.i})(1 - \kappa))^2$,
    $B = (1 - \kappa)^2 \sum_{i \ne j} p_{ij} (p_{.i} + p_{j.})^2$ and $C = (\kappa - p_e (1 - \kappa))^2$ (Fleiss,
    Cohen and Everitt, Psychological Bulletin 72, 1969). Refused where both give everything one and the same
    code; the interval is refused where that error is 0: all agree, all differ, or one coder gives one code only. With
    few items it is too narrow.
    """
    n = sum(table.values())
    if not n:
        return Refusal("no item is coded by two")
    codes = sorted({code for pair in table for code in pair})
    share = {pair: count / n for pair, count in table.items()}
    row = {i: sum(share.get((i, j), 0.0) for j in codes) for i in codes}
    column = {j: sum(share.get((i, j), 0.0) for i in codes) for j in codes}
    expected = sum(row[i] * column[i] for i in codes)
    if expected >= 1.0 - 1e-12:
        return Refusal("both coders give everything one and the same code")
    kappa = (sum(share.get((i, i), 0.0) for i in codes) - expected) / (1 - expected)
    a = sum(share.get((i, i), 0.0) * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in codes)
    b = (1 - kappa) ** 2 * sum(p * (column[i] + row[j]) ** 2 for (i, j), p in share.items() if i != j)
    c = (kappa - expected * (1 - kappa)) ** 2
    if (spread := a + b - c) < _NO_SPREAD:
        return Kappa(
            value=kappa, interval=Refusal("the standard error of kappa is 0 in this table: it tells no interval")
        )
    error = sqrt(spread / n) / (1 - expected)
    return Kappa(value=kappa, interval=(max(-1.0, kappa - _NORMAL_95 * error), min(1.0, kappa + _NORMAL_95 * error)))
