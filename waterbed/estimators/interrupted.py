"""Interrupted time series against controls.

Placebo windows and placebo units stand in place of model errors.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Message, Number

Floats = npt.NDArray[np.float64]

_LEAST_BEFORE = 8
"""Fewest periods before an event from which weights and a trend are taken."""
_LEAST_PLACEBOS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWindow:
    """Periods used around an event.

    `before` of them, `anticipation` left out, `after` from the event on.
    """

    event: int
    before: int
    after: int
    anticipation: int = 0

    def __post_init__(self) -> None:
        if self.before < _LEAST_BEFORE or self.after < 1 or self.anticipation < 0:
            raise ValueError(f"a window needs {_LEAST_BEFORE} periods before the event and one after it")

    @property
    def first(self) -> int:
        """The first period used."""
        return self.event - self.anticipation - self.before

    def at(self, event: int) -> "EventWindow":
        """The same window around another event."""
        return EventWindow(event=event, before=self.before, after=self.after, anticipation=self.anticipation)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interruption:
    """Effect of an event, in units of the series.

    `level` is the step at the event and `slope` the change of trend a period; `mean_gap` is the mean of target minus
    synthetic target after the event, beyond the mean of that before. `gaps` has one value for each period of the window
    (anticipation included), `weights` one for each control. `spread` is the root mean square of the gaps before around
    their mean: effects are ranked in units of it.
    """

    level: float
    slope: float
    mean_gap: float
    spread: float
    gaps: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceboTest:
    """Rank of the event's effect among placebos.

    Both over their `spread`; `smallest_p` is 1 / (placebos + 1).
    """

    p: float
    smallest_p: float
    placebos: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakCheck:
    """Height of the series at the event, and its fallback.

    Fallback is regression to the mean. `rank` is the share of other windows that stood less far above their own long
    mean. `expected` is the change that windows without event show after such a height, `observed` the target's.
    """

    rank: float
    expected: float
    observed: float

    @property
    def beyond(self) -> float:
        """Change that regression to the mean does not explain."""
        return self.observed - self.expected


def rates(counts: npt.ArrayLike, effort: npt.ArrayLike, *, log: bool = True) -> Floats:
    """Series that more searching does not raise.

    log((y + 1/2) / (e + 1)) for y events of e reports made, the empirical logarithm of a rate; with `log` off, y / e.
    Raises ValueError for negative counts, and for effort of zero without the logarithm.
    """
    y, e = np.asarray(counts, dtype=float), np.asarray(effort, dtype=float)
    if (y < 0).any() or (e < 0).any() or (not log and not (e > 0).all()):
        raise ValueError("rates need counts that are not negative, and an effort")
    rate: Floats = np.log((y + 0.5) / (e + 1.0)) if log else y / e
    return rate


def synthetic_weights(target: npt.ArrayLike, controls: npt.ArrayLike) -> Floats:
    """Return weights of controls that reproduce the target.

    They are not negative and sum to 1. Least squares on departures from each series' own mean (periods x controls), so
    that the level need not be met (Doudchenko and Imbens, NBER Working Paper 22791, 2016; Abadie, Diamond and
    Hainmueller, Journal of the American Statistical Association 105, 2010). Flat controls get equal weights.
    """
    y, x = np.asarray(target, dtype=float), np.asarray(controls, dtype=float)
    centred, other = y - y.mean(), x - x.mean(axis=0)
    # the sum is held by a row that outweighs all others
    heavy = 1e3 * max(float(np.abs(other).max(initial=0.0)), float(np.abs(centred).max(initial=0.0)), 1e-12)
    # and a slight pull towards equal weights decides between controls that serve alike
    pull = 1e-7 * heavy * np.eye(x.shape[1])
    rows = np.vstack([other, np.full((1, x.shape[1]), heavy), pull])
    weights: Floats = scipy.optimize.nnls(rows, np.concatenate([centred, [heavy], np.zeros(x.shape[1])]))[0]
    return weights / weights.sum() if weights.sum() > 0 else np.full(x.shape[1], 1.0 / x.shape[1])


def interrupted(
    target: npt.ArrayLike, controls: npt.ArrayLike, window: EventWindow, *, weights: npt.ArrayLike | None = None
) -> Interruption | Refusal:
    """Measure an event's effect on a target against its controls.

    `target` has one value a period, `controls` is periods x controls (Lopez Bernal, Cummins and Gasparrini,
    International Journal of Epidemiology 47, 2018). Weights come from the periods before the anticipation, or from the
    caller (equal ones for matched controls). The gaps, target minus weighted controls, are regressed on 1, t,
    [t >= event] and
    (t - event)[t >= event]; anticipation is left out. Errors of this regression are not given: autocorrelation makes
    them reject 19 to 30% at 5%. Use `placebo_windows` and `placebo_units`. Refuses what the series do not reach.
    """
    y, x = np.asarray(target, dtype=float), np.asarray(controls, dtype=float)
    if y.ndim != 1 or x.ndim != 2 or x.shape[0] != y.size or not x.shape[1]:
        raise ValueError("a target has one value a period, controls are periods x controls")
    if window.first < 0 or window.event + window.after > y.size:
        return _outside(y.size, window)
    early = slice(window.first, window.first + window.before)
    used = slice(window.first, window.event + window.after)
    share = synthetic_weights(y[early], x[early]) if weights is None else np.asarray(weights, dtype=float)
    gaps = y[used] - x[used] @ share
    time = np.arange(gaps.size) - (window.before + window.anticipation)
    selected = (time < -window.anticipation) | (time >= 0)
    late = (time >= 0).astype(float)
    design = np.column_stack([np.ones(time.size), time, late, late * time])[selected]
    fitted = np.linalg.lstsq(design, gaps[selected], rcond=None)[0]
    return Interruption(
        level=float(fitted[2]),
        slope=float(fitted[3]) if window.after > 1 else 0.0,
        mean_gap=float(gaps[time >= 0].mean() - gaps[: window.before].mean()),
        spread=max(float(gaps[: window.before].std()), 1e-12),
        gaps=gaps,
        weights=share,
    )


def _outside(periods: int, window: EventWindow) -> Refusal:
    return Refusal(
        Message.of(
            "the series of {periods} do not hold the window around period {event}",
            periods=Number(periods, "period"),
            event=Number(window.event),
        )
    )


def _few_placebos(placebos: int) -> Refusal:
    return Refusal(
        Message.of(
            "{placebos} where at least {least} are needed",
            placebos=Number(placebos, "placebo"),
            least=Number(_LEAST_PLACEBOS),
        ),
        "windows",
    )


def placebo_windows(
    target: npt.ArrayLike, controls: npt.ArrayLike, window: EventWindow, *, apart: int | None = None
) -> PlaceboTest | Refusal:
    """Rank the event among dates at which nothing happened.

    The window is shifted back by multiples of `apart` (its length after, by default, so that no two of them share
    periods after) as long as its periods after end before the anticipation. Compared is |mean gap| over the root mean
    square of the gaps before, weights and all being found anew each time: without the division series that grow noisier
    reject up to 7% at 5%.
    """
    y, x = np.asarray(target, dtype=float), np.asarray(controls, dtype=float)
    step = apart or window.after
    latest = window.event - window.anticipation - window.after
    events = range(latest, window.before + window.anticipation - 1, -step)
    interruption = interrupted(y, x, window)
    if isinstance(interruption, Refusal):
        return interruption
    interruptions = [interrupted(y, x, window.at(event)) for event in events]
    sizes = np.array([_size(interruption) for interruption in interruptions if isinstance(interruption, Interruption)])
    if sizes.size < _LEAST_PLACEBOS:
        return _few_placebos(sizes.size)
    return _ranked(np.array(_size(interruption)), sizes)


def placebo_units(
    target: npt.ArrayLike, controls: npt.ArrayLike, window: EventWindow, *, sizes: npt.ArrayLike | None = None
) -> PlaceboTest | Refusal:
    """Rank the target among controls treated as targets.

    Each control is set against the others, the target left out, as the event may have changed it (Abadie, Diamond and
    Hainmueller 2010), and compared with the target against the same others: with one control more the target would fit
    better before, and reject 6.2% at 5%. Compared is |mean gap| over the root mean square of the gaps before; that lets
    a large unit among small ones reject 12% at 5%, as errors of counting average out over the periods after, and shocks
    that last do not. With `sizes`, those of the target and each control, it is |mean gap| over sqrt(A + B / size),
    fitted to all squared mean gaps with A, B >= 0, as under the null (Ferman and Pinto, Review of Economics and
    Statistics 101, 2019, 452-467): 6% then. Where no control is of a size like the target's, the target decides B, and
    does not stand out.
    """
    y, x = np.asarray(target, dtype=float), np.asarray(controls, dtype=float)
    if x.ndim != 2 or x.shape[1] <= _LEAST_PLACEBOS - 1:
        return _few_placebos(x.shape[-1])
    actual: list[Interruption] = []
    placebos: list[Interruption] = []
    for column in range(x.shape[1]):
        remaining = np.delete(x, column, axis=1)
        for series, interruptions in ((y, actual), (x[:, column], placebos)):
            measured = interrupted(series, remaining, window)
            if isinstance(measured, Refusal):
                return measured
            interruptions.append(measured)
    if sizes is None:
        return _ranked(
            *(np.array([_size(interruption) for interruption in interruptions]) for interruptions in (actual, placebos))
        )
    gaps, theirs = (
        np.array([interruption.mean_gap for interruption in interruptions]) for interruptions in (actual, placebos)
    )
    scale = spread_by_size(np.r_[gaps.mean(), theirs], sizes)
    return _ranked(np.abs(gaps) / scale[0], np.abs(theirs) / scale[1:])


def spread_by_size(gaps: npt.ArrayLike, sizes: npt.ArrayLike) -> Floats:
    """Return the spread that units of each size have.

    sqrt(A + B / size), by least squares on the squared gaps, neither part below 0.
    """
    gap, size = np.asarray(gaps, dtype=float), np.asarray(sizes, dtype=float)
    if gap.shape != size.shape or not (size > 0).all():
        raise ValueError("each unit has a gap and a size above 0")
    design = np.column_stack([np.ones(size.size), 1.0 / size])
    variance: Floats = design @ scipy.optimize.nnls(design, gap**2)[0]
    return np.sqrt(np.maximum(variance, 1e-24))


def shifted_blocks(target: npt.ArrayLike, controls: npt.ArrayLike, window: EventWindow) -> PlaceboTest | Refusal:
    """Rank the event among all shifts of the series.

    Conformal inference by moving blocks (Chernozhukov, Wuethrich and Zhu, Journal of the American Statistical
    Association 116, 2021, section 2): under the null of no effect the target is fitted by its controls over all periods
    to the window's end, and the departures are shifted around. Compared is |sum of those after the event|. It holds for
    departures that are stationary and depend on each other for a short time, whatever the weights; `smallest_p` is 1 /
    periods. Anticipation is left out. Refuses what the series do not reach.
    """
    y, x = np.asarray(target, dtype=float), np.asarray(controls, dtype=float)
    if window.first < 0 or window.event + window.after > y.size:
        return _outside(y.size, window)
    selected = np.r_[0 : window.event - window.anticipation, window.event : window.event + window.after]
    gaps = y[selected] - x[selected] @ synthetic_weights(y[selected], x[selected])
    gaps = gaps - gaps.mean()
    around = np.concatenate([gaps, gaps[: window.after]])
    sums = np.abs(np.convolve(around, np.ones(window.after), "valid")[: gaps.size])
    event = gaps.size - window.after
    # sums that differ by rounding are ties, which count against the event
    sizes = np.delete(sums, event) + 1e-9 * max(float(sums.max()), 1e-300)
    return _ranked(sums[event], sizes)


def _ranked(own: Floats, placebos: Floats) -> PlaceboTest:
    return PlaceboTest(
        p=float((1 + (placebos >= own).sum()) / (placebos.size + 1)),
        smallest_p=1.0 / (placebos.size + 1),
        placebos=placebos,
    )


def _size(found: Interruption) -> float:
    return abs(found.mean_gap) / found.spread


def peak_check(
    target: npt.ArrayLike, controls: npt.ArrayLike, window: EventWindow, *, recent: int
) -> PeakCheck | Refusal:
    """Compare the change with what usually follows such a height.

    Height is the mean of the last `recent` periods before the anticipation minus that of the periods before them in the
    window; change is the mean after minus the mean of the recent ones. Expected is the least-squares line of change on
    height over all windows that end before the event, of target and controls (regression to the mean: Barnett, van der
    Pols and Dobson, International Journal of Epidemiology 34, 2005).
    """
    series = np.column_stack([np.asarray(target, dtype=float), np.asarray(controls, dtype=float)])
    if not 0 < recent < window.before or window.first < 0 or window.event + window.after > len(series):
        return Refusal(Message.of("the series do not hold the window, or all of it is recent"))
    latest = window.event - window.anticipation - window.after
    events = range(latest, window.before + window.anticipation - 1, -1)
    if len(events) < _LEAST_BEFORE:
        return Refusal(
            Message.of(
                "{windows} before the event where at least {least} are needed",
                windows=Number(len(events), "window"),
                least=Number(_LEAST_BEFORE),
            ),
            "windows",
        )
    height, change = (
        np.concatenate(part) for part in zip(*(_swing(series, window.at(e), recent) for e in events), strict=True)
    )
    own_height, own_change = _swing(series[:, :1], window, recent)
    slope = 0.0
    if np.ptp(height) > 0:
        spread, joint = np.cov(height, change, bias=True)[0]
        slope = joint / spread
    expected = change.mean() - slope * height.mean() + slope * own_height[0]
    return PeakCheck(
        rank=float((height < own_height[0]).mean()), expected=float(expected), observed=float(own_change[0])
    )


def _swing(series: Floats, window: EventWindow, recent: int) -> tuple[Floats, Floats]:
    stop = window.first + window.before
    lately = series[stop - recent : stop].mean(axis=0)
    height = lately - series[window.first : stop - recent].mean(axis=0)
    return height, series[window.event : window.event + window.after].mean(axis=0) - lately


_LEAST_PERIODS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLife:
    """Periods until half of the first effect is gone.

    `high` is infinite if it may never fade.
    """

    periods: float
    low: float
    high: float
    start: float


def half_life(gaps: npt.ArrayLike, *, level: float = 0.95) -> HalfLife | Refusal:
    """Fit an effect that fades by halves.

    `gaps` are the departures in periods 0, 1, ... after the event: start * 2^(-t / h), by least squares, h between a
    quarter of a period and twenty times the window. The interval is the set of h that an F test keeps, for independent
    errors. Autocorrelated gaps make it too narrow, and pass as an effect where there is none (25 to 42% of series with
    a correlation of 0.7): ask `placebo_windows` or `placebo_units` first. Refuses below five periods, and where the fit
    is no better than no effect at all.
    """
    y = np.asarray(gaps, dtype=float)
    if y.size < _LEAST_PERIODS:
        return Refusal(
            Message.of(
                "{periods} after the event where at least {least} are needed",
                periods=Number(y.size, "period"),
                least=Number(_LEAST_PERIODS),
            )
        )
    lives = np.geomspace(0.25, 20.0 * y.size, 400)
    shapes = 2.0 ** (-np.arange(y.size)[None, :] / lives[:, None])
    starts = shapes @ y / np.square(shapes).sum(axis=1)
    residuals = np.square(y[None, :] - starts[:, None] * shapes).sum(axis=1)
    best = int(np.argmin(residuals))
    free = y.size - 2
    critical_one, two = (float(scipy.special.fdtri(order, free, level)) for order in (1, 2))
    if np.square(y).sum() <= residuals[best] * (1.0 + 2.0 * two / free):
        return Refusal(Message.of("no effect was found whose fading could be measured"))
    plausible = np.flatnonzero(residuals <= residuals[best] * (1.0 + critical_one / free) + 1e-12 * np.square(y).sum())
    endless = plausible[-1] == lives.size - 1
    return HalfLife(
        periods=float("inf") if best == lives.size - 1 else float(lives[best]),
        low=float(lives[plausible[0]]) if plausible[0] else 0.0,
        high=float("inf") if endless else float(lives[plausible[-1]]),
        start=float(starts[best]),
    )
