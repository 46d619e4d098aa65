"""An estimator's result, or its refusal, as an answer."""

import math

from waterbed.estimators.detection import Bounds, Population
from waterbed.estimators.interrupted import PlaceboTest
from waterbed.estimators.reappearance import Excess
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.returning import HalfLife
from waterbed.estimators.staggered import Effect
from waterbed.estimators.wdd import Difference, Interval
from waterbed.model.results import Answer, Reading

SEED = 20_260
"""Where all chance begins: the same study and event give the same answers."""

Result = Difference | Interval | Excess | HalfLife | Effect | Bounds | Population | PlaceboTest | Refusal | float


def answer(
    name: str,
    question: str,
    estimator: str,
    result: Result,
    *,
    reading: Reading = "all",
    n: int,
    n_of: str,
    unit: str = "",
    estimate: float | None = None,
    note: str = "",
) -> Answer:
    """Put a result in the one form that page, table and JSON show; infinite ends become none, with a note."""
    value = estimate if estimate is not None else _estimate(result)
    ends = [_of(result, end) for end in ("low", "high")]
    if any(end is not None and math.isinf(end) for end in ends):
        note = "; ".join(filter(None, [note, "the window is too short to see the end of it"]))
    refused = isinstance(result, Refusal)
    return Answer(
        question=question,
        name=name,
        estimator=estimator,
        reading=reading,
        n=n,
        n_of=n_of,
        estimate=None if refused else _finite(value),
        unit=unit,
        low=_finite(ends[0]),
        high=_finite(ends[1]),
        p=_of(result, "p"),
        smallest_p=_of(result, "smallest_p"),
        refusal=result.reason if isinstance(result, Refusal) else None,
        note=note,
    )


def _estimate(result: Result) -> float | None:
    if isinstance(result, float):
        return result
    return next((found for name in ("estimate", "excess", "periods") if (found := _of(result, name)) is not None), None)


def _of(result: Result, name: str) -> float | None:
    value = getattr(result, name, None)
    return None if value is None else float(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
