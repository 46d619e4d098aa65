"""Weighted displacement difference, quotient and total net effect.

Counts before and after in a target, its control and the buffer that it may spill into.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.estimators.rank_sets import cluster_weights
from waterbed.estimators.refusal import Refusal, too_few
from waterbed.model.message import Count, Message

Floats = npt.NDArray[np.float64]

TARGET, CONTROL, BUFFER, BUFFER_CONTROL = range(4)
"""Rows of a table of counts; its columns are before and after. A table has the first two rows, three, or all four."""

_SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
COUNTED_THERE: Final = Message.of("what is counted at the target")
"""How the refusals begin that say that it did not fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A weighted displacement difference, its interval and two-sided p.

    `low` and `high` are consistent with `p`. Negative is a fall of target and buffer together beyond that of their
    controls. `smallest_p` is the least value that `p` can take, 0 where it comes from a formula.
    """

    estimate: float
    error: float
    low: float
    high: float
    p: float
    smallest_p: float
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and its interval from resampled clusters.

    `p`, two-sided, where it is tested against 0.
    """

    estimate: float
    low: float
    high: float
    clusters: int
    p: float | None = None
    smallest_p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The windows before and after an event.

    from..until each; data until `chosen_until` chose the areas. All in one unit of time. Areas chosen with data from
    after the event make any test reject: 24% instead of 5% where the buffer is the area that grew most.
    """

    before: tuple[float, float]
    after: tuple[float, float]
    chosen_until: float

    def __post_init__(self) -> None:
        if not self.before[0] < self.before[1] <= self.after[0] < self.after[1]:
            raise ValueError("the window after must follow the window before, and neither may be empty")

    @property
    def lengths(self) -> tuple[float, float]:
        """Lengths of the two windows."""
        return self.before[1] - self.before[0], self.after[1] - self.after[0]

    def counted(
        self, when: npt.ArrayLike, role: npt.ArrayLike, cluster: npt.ArrayLike, *, roles: int = 4
    ) -> Floats | Refusal:
        """Count events by cluster, role and window.

        Clusters x roles x 2. Clusters are integer labels from 0; an event in neither window counts nowhere, and role -1
        is outside all areas. Refuses where the areas were chosen with data from after the event.
        """
        if self.chosen_until > self.after[0]:
            return Refusal(
                Message.of(
                    "the areas were chosen with data from after the event, which makes any test reject too often"
                )
            )
        time, row, label = np.asarray(when, float), np.asarray(role, np.int64), np.asarray(cluster, np.int64)
        early = (time >= self.before[0]) & (time < self.before[1])
        late = (time >= self.after[0]) & (time < self.after[1])
        selected = (early | late) & (row >= 0)
        size = int(label.max(initial=-1)) + 1
        cell = (label[selected] * roles + row[selected]) * 2 + late[selected]
        return np.bincount(cell, minlength=size * roles * 2).reshape(size, roles, 2).astype(float)


def control_sizes(tables: npt.ArrayLike) -> Floats | Refusal:
    """Return sizes that bring controls to what they stand for.

    Target and buffer have size 1, so that what went from one to the other cancels; a control has the size of its counts
    over theirs, of both windows together. Growth by the same factor everywhere is then no difference, and exchanging
    the windows leaves the sizes as they are. `tables` is clusters x roles x 2. Refuses an empty control.
    """
    totals = np.asarray(tables, dtype=float).sum(axis=(0, 2))
    sizes: Floats = np.ones(totals.size)
    for control in range(CONTROL, totals.size, 2):
        if totals[control] == 0:
            return Refusal(
                Message.of("a control has no event in either window, and nothing can be measured against it")
            )
        control_total = totals[control - 1]
        sizes[control] = totals[control] / control_total if control_total else np.inf
    return sizes


def _few(clusters: int) -> Refusal | None:
    """Return a refusal if too few clusters have an event in a window."""
    return too_few(clusters, Message.of("{clusters} have an event in a window", clusters=Count(clusters, "cluster")))


def clustered_difference(
    tables: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    lengths: tuple[float, float] = (1.0, 1.0),
    sizes: npt.ArrayLike | None = None,
    resamples: int = 1999,
    level: float = 0.95,
) -> Difference | Refusal:
    """Return the weighted displacement difference over independent clusters.

    WDD = (T1 - T0) - (Ct1 - Ct0) + (D1 - D0) - (Cd1 - Cd0), each count over its weight: the length of its window times
    the size of its area (Wheeler and Ratcliffe, Crime Science 7, 2018), as `control_sizes` gives it. A buffer needs a
    control of its own, as one count in both places would be counted twice. `tables` is clusters x roles x 2; cluster c
    adds x_c to the WDD. `error` is the spread over resamples of whole clusters, all cells together. `p` and the
    interval come from giving each x_c a random sign (the wild bootstrap of Liu, Annals of Statistics 16, 1988): exact
    where a cluster is as likely to fall before as after, however large one cluster is, and right in large samples
    elsewhere. Refuses below ten clusters.
    """
    each = np.asarray(tables, dtype=float)
    if each.ndim != 3:
        raise ValueError("clustered counts are clusters x roles x 2")
    parts = (_loading(each.shape[1], lengths, sizes)[None] * each).sum(axis=(1, 2))
    touched = each.sum(axis=(1, 2)) > 0
    parts = parts[touched]
    refused = _few(parts.size)
    if refused:
        return refused
    estimate = float(parts.sum())
    draws = cluster_weights(parts.size, resamples, rng) @ parts
    signed = np.abs(signed_sums(parts[:, None], resamples, rng)[:, 0])
    slack = 1e-9 * float(np.abs(parts).sum())
    wide = reach(signed, level)
    return Difference(
        estimate=estimate,
        error=float(draws.std(ddof=1)),
        low=estimate - wide,
        high=estimate + wide,
        p=float((1 + (signed >= abs(estimate) - slack).sum()) / (resamples + 1)),
        smallest_p=1.0 / (resamples + 1),
        clusters=parts.size,
    )


def displacement_quotient(counts: npt.ArrayLike, counted: Message = COUNTED_THERE) -> float | Refusal:
    """Return the weighted displacement quotient (WDQ).

    The part of the target's fall that the buffer got or shared. WDQ = (Da/Ca - Db/Cb) / (Ra/Ca - Rb/Cb) for rows target
    R, control C, buffer D (Bowers and Johnson, Journal of Quantitative Criminology 19, 2003). Below 0 is displacement,
    above 0 diffusion of benefit, below -1 more displaced than removed. Refuses where the target did not fall against
    its control, for then the quotient means nothing, and where the buffer is empty in both windows. `counted` is what
    refusals call that which is counted at the target.
    """
    table = _table(counts, 3)
    if not table[BUFFER].any():
        return Refusal(
            Message.of("the buffer has no event in either window, so nothing can be seen to have gone there")
        )
    upper, lower = _quotient_parts(table[None])
    if not np.isfinite(upper[0]) or not np.isfinite(lower[0]):
        return Refusal(Message.of("the control is empty in one window, and nothing can be measured against it"))
    if lower[0] >= 0:
        return Refusal(
            Message.of("{counted} did not fall against its control, so the quotient has no meaning", counted=counted)
        )
    return float(upper[0] / lower[0])


def total_net_effect(counts: npt.ArrayLike) -> float | Refusal:
    """Return the events prevented in target and buffer together.

    TNE = [Rb (Ca/Cb) - Ra] + [Db (Ca/Cb) - Da], rows as in `displacement_quotient` (Guerette, Problem-Oriented Guides
    for Police 10, 2009). Above 0 is fewer events than the control predicts.
    """
    effect = float(_net(_table(counts, 3)[None])[0])
    return effect if np.isfinite(effect) else Refusal(Message.of("the control is empty before the event"))


def clustered_quotient(
    tables: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    counted: Message = COUNTED_THERE,
    resamples: int = 1999,
    level: float = 0.95,
) -> Interval | Refusal:
    """Return the displacement quotient with an interval over clusters.

    `tables` is clusters x roles x 2. The interval holds every w for which the change of D - w R against the control is
    no larger than exchanged windows of clusters make it (Fieller's interval by `Swaps`; quantiles of resampled
    quotients are too narrow). Refuses also where the fall of the target is no larger than that: the quotient then has
    no bounded interval.
    """
    each = np.asarray(tables, dtype=float)[:, :3]
    quotient = displacement_quotient(each.sum(axis=0), counted)
    refused = _few(_touched(each))
    if isinstance(quotient, Refusal):
        return quotient
    if refused:
        return refused
    swaps = Swaps(each, resamples, rng)
    if not swaps.beyond(1.0, 0.0, level):
        return Refusal(
            Message.of(
                "{counted} did not surely fall: exchanged windows of its clusters show such a fall too often",
                counted=counted,
            )
        )

    def beyond(quotient: float) -> bool:
        return swaps.beyond(-quotient, 1.0, level)

    return Interval(
        estimate=quotient, low=edge(beyond, quotient, -1.0), high=edge(beyond, quotient, 1.0), clusters=_touched(each)
    )


def clustered_net_effect(
    tables: npt.ArrayLike, rng: np.random.Generator, *, resamples: int = 1999, level: float = 0.95
) -> Interval | Refusal:
    """Return the total net effect with an interval over clusters.

    0 is within exactly where exchanged windows of clusters make as large a change, over its error, as the data (see
    `Swaps`; quantiles of resampled effects leave 0 out in 6 to 8% where nothing happened).
    """
    each = np.asarray(tables, dtype=float)[:, :3]
    effect = total_net_effect(each.sum(axis=0))
    refused = _few(_touched(each))
    if isinstance(effect, Refusal):
        return effect
    if refused:
        return refused
    change, error = Swaps(each, resamples, rng).change(1.0, 1.0)
    # TNE = -(1 + Ca/Cb) times the change
    scale = float(each[:, CONTROL].sum() / each[:, CONTROL, 0].sum())
    wide = reach(standardised(change, error)[1:], level) * scale * float(error[0])
    return Interval(estimate=effect, low=effect - wide, high=effect + wide, clusters=_touched(each))


def _table(counts: npt.ArrayLike, rows: int | None = None) -> Floats:
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2 or table.shape[1] != 2 or not (table >= 0).all():
        raise ValueError("counts are numbers, not negative, and have one row an area and two columns, before and after")
    if table.shape[0] < (rows or 2):
        raise ValueError(f"counts of {rows or 2} areas are needed")
    return table[:rows] if rows else table


def _loading(roles: int, lengths: tuple[float, float], sizes: npt.ArrayLike | None) -> Floats:
    """Return each cell's contribution to the difference, roles x 2."""
    if roles not in (2, 4):
        raise ValueError("a difference needs a target and its control, or these and a buffer with a control of its own")
    area = np.ones(roles) if sizes is None else np.asarray(sizes, dtype=float)
    if area.shape != (roles,) or not (area > 0).all() or min(lengths) <= 0:
        raise ValueError("every area needs a positive size, and every window a positive length")
    loading: Floats = np.outer(_SIGNS[:roles] / area, np.array([-1.0, 1.0]) / np.asarray(lengths, dtype=float))
    return loading


def _touched(each: Floats) -> int:
    return int((each.sum(axis=(1, 2)) > 0).sum())


def _quotient_parts(tables: Floats) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = tables / tables[:, CONTROL : CONTROL + 1]
    fall = relative[:, :, 1] - relative[:, :, 0]
    return fall[:, BUFFER], fall[:, TARGET]


def _net(tables: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        trend = tables[:, CONTROL, 1] / tables[:, CONTROL, 0]
        expected = (tables[:, TARGET, 0] + tables[:, BUFFER, 0]) * trend
    effect: Floats = expected - tables[:, TARGET, 1] - tables[:, BUFFER, 1]
    return effect


_CELLS = 1 << 24
"""Signs held at once."""
_FAR, _HALVINGS = 1e9, 40


def signed_sums(parts: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Return sums over clusters with random signs.

    Of clusters x columns; resamples x columns.
    """
    sums, batch = np.empty((resamples, parts.shape[1])), max(1, _CELLS // max(len(parts), 1))
    for start in range(0, resamples, batch):
        size = (min(batch, resamples - start), len(parts))
        sums[start : start + batch] = (2.0 * rng.integers(0, 2, size, dtype=np.int8) - 1.0) @ parts
    return sums


def reach(draws: Floats, level: float) -> float:
    """Return the size that this part of draws reaches.

    The data count as one of the draws.
    """
    return float(np.sort(np.abs(draws))[min(draws.size, int(np.ceil(level * (draws.size + 1)))) - 1])


def edge(beyond: Callable[[float], bool], estimate: float, way: float) -> float:
    """Find the end of accepted values around an estimate.

    By doubling and halving.
    """
    inside, outside = 0.0, 1.0
    while not beyond(estimate + way * outside) and outside < _FAR:
        inside, outside = outside, 2.0 * outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if beyond(estimate + way * middle) else (middle, outside)
    return estimate + way * outside


class Swaps:
    """Tables of clusters and copies with exchanged windows.

    Target, control and buffer x before and after; the windows of clusters are exchanged. For a weighted sum E of target
    and buffer, E_a - r C_a is its change against the control C, r being E / C in both windows together. Its variance is
    that of independent clusters, to first order. Exchanging a cluster's windows leaves r: the test is exact where a
    cluster is as likely to fall before as after, however unequal clusters are, and right in large samples elsewhere, as
    the change is divided by its own error each time (Chung and Romano, Annals of Statistics 41, 2013).
    """

    def __init__(self, each: Floats, resamples: int, rng: np.random.Generator) -> None:
        """Exchange each cluster's windows at random, `resamples` times.

        By the toss of a coin.
        """
        earlier, after = each[:, :, 0], each[:, :, 1]
        squares = [np.einsum("ci,cj->cij", window, window).reshape(len(each), 9) for window in (after, earlier)]
        halves = np.concatenate([after - earlier, squares[0] - squares[1]], axis=1) / 2
        moved = np.vstack([halves.sum(axis=0), signed_sums(halves, resamples, rng)])
        self._total = each.sum(axis=(0, 2))
        self._after = self._total / 2 + moved[:, :3]
        self._squares, self._moved = (squares[0] + squares[1]).sum(axis=0) / 2, moved[:, 3:]
        self._crossed = np.einsum("ci,cj->ij", after, earlier)

    def change(self, target: float, buffer: float) -> tuple[Floats, Floats]:
        """Return a weighted sum's change against control, with error.

        The data are the first of the rows.
        """
        ratio = (target * self._total[0] + buffer * self._total[2]) / self._total[1]
        load = np.array([target, -ratio, buffer])
        early = self._after[:, 1] / self._total[1]
        products = np.outer(load, load).ravel()
        fixed, moved = float(self._squares @ products), self._moved @ products
        crossed = float(load @ self._crossed @ load)
        late = 1.0 - early
        variance = late**2 * (fixed + moved) + early**2 * (fixed - moved) - 2.0 * early * late * crossed
        return self._after @ load, np.sqrt(np.maximum(variance, 0.0))

    def beyond(self, target: float, buffer: float, level: float) -> bool:
        """True if the change exceeds those of exchanged windows.

        Over its error.
        """
        sizes = standardised(*self.change(target, buffer))
        return bool(sizes[0] > reach(sizes[1:], level))


def standardised(change: Floats, error: Floats) -> Floats:
    """Return changes over their errors, rounded.

    Equal ones are equal; 0 where nothing changes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, np.round(np.abs(change) / error, 9))
