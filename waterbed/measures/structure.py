"""Covariates of hosters: columns of a regression, and twins.

Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.attribution.lookups.tables.covariates import TAG, Value
from waterbed.measures.takedown import FEWEST_SITES

Floats = npt.NDArray[np.float64]
Structure = Mapping[str, Mapping[str, Value]]
"""Covariates by name: the value of each key."""

FEWEST_KEYS: Final = 30
"""Keys of a kind, with FEWEST_SITES sites, below which it is one with the others."""
TWINS: Final = 10
_FEWEST_TWINS: Final = 5
_DEPENDENT: Final = 1e-6
"""Part of a column that others do not tell, below which it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Columns beside the sizes, each with its covariate.

    `values` has a row for each key; `exact` marks columns of 0 and 1.
    """

    values: Floats
    names: tuple[str, ...]
    exact: tuple[bool, ...]


def columns_of(keys: Sequence[str], counts: npt.ArrayLike, structure: Structure, beside: Floats) -> Columns:
    """The covariates of some keys as columns of a regression.

    `counts` are the sites of each key, `beside` the columns that are there already, an intercept among them. Numbers
    enter as log(1 + x), those that are not known as their mean, with a column of their own that says so; words as
    kinds. A kind, a tag and what is not known need FEWEST_KEYS keys and FEWEST_SITES sites, else they are one with the
    rest, so that no expectation becomes 0. Columns that follow from others are left out.
    """
    sites = np.asarray(counts, dtype=float)
    found: list[tuple[str, Floats, bool]] = []
    for name in sorted(structure):
        values = [structure[name].get(key) for key in keys]
        if name.startswith(TAG):
            found += _kinds(name, ["yes" if value else "" for value in values], sites)
        elif any(isinstance(value, str) for value in values):
            found += _kinds(name, ["" if value is None else str(value) for value in values], sites)
        else:
            found += _numbers(name, np.array([np.nan if value is None else float(value) for value in values]), sites)
    basis = list(np.linalg.qr(beside)[0].T)
    kept = []
    for name, column, exact in found:
        rest = column - sum((part @ column) * part for part in basis)
        length = float(np.linalg.norm(rest))
        if length > _DEPENDENT * float(np.linalg.norm(column)):
            basis.append(rest / length)
            kept.append((name, column, exact))
    return Columns(
        values=np.column_stack([column for _, column, _ in kept]) if kept else np.zeros((len(keys), 0)),
        names=tuple(name for name, _, _ in kept),
        exact=tuple(exact for _, _, exact in kept),
    )


def _numbers(name: str, values: Floats, sites: Floats) -> list[tuple[str, Floats, bool]]:
    known = np.isfinite(values)
    if known.sum() < FEWEST_KEYS or np.ptp(values[known]) == 0:
        return []
    logs = np.log1p(values)
    found = [(name, np.where(known, logs, logs[known].mean()), False)]
    if _enough(~known, sites) and _enough(known, sites):
        found.append((name, (~known).astype(float), True))
    return found


def _kinds(name: str, words: Sequence[str], sites: Floats) -> list[tuple[str, Floats, bool]]:
    """A column for each kind but one: the rest, or the largest if the rest is too small."""
    of = np.array(words)
    large = [kind for kind, _ in Counter(words).most_common() if kind and _enough(of == kind, sites)]
    if large and not _enough(~np.isin(of, large), sites):
        large = large[1:]
    return [(name, (of == kind).astype(float), True) for kind in large]


def _enough(own: npt.NDArray[np.bool_], sites: Floats) -> bool:
    return bool(own.sum() >= FEWEST_KEYS and sites[own].sum() >= FEWEST_SITES)


def twins_of(sizes: Floats, columns: Columns, rows: Sequence[int]) -> list[npt.NDArray[np.int64]]:
    """The rows nearest to each row, at most TWINS.

    None if there are fewer than five of its kinds and tags. Nearest by Euclid over the logs of sizes and numbers, each
    over its spread (Rubin, Biometrics 29, 1973). `sizes` are columns of logs, without the intercept.
    """
    exact = np.array(columns.exact, bool)
    near = np.column_stack([sizes, columns.values[:, ~exact]])
    spread = near.std(axis=0)
    near = near / np.where(spread > 0, spread, 1.0)
    alike: dict[bytes, list[int]] = defaultdict(list)
    marks = [row.tobytes() for row in np.ascontiguousarray(columns.values[:, exact])]
    for place, mark in enumerate(marks):
        alike[mark].append(place)
    groups = {mark: np.array(own) for mark, own in alike.items()}
    found = []
    for row in rows:
        others = groups[marks[row]]
        others = others[others != row]
        apart = np.square(near[others] - near[row]).sum(axis=1)
        nearest = others[np.argsort(apart, kind="stable")[:TWINS]]
        found.append(nearest if nearest.size >= _FEWEST_TWINS else nearest[:0])
    return found
