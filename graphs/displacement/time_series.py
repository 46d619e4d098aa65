"""Interrupted time series of the target against its controls.

With event study, placebos, peak check and return.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from waterbed.estimators.drift import Drift, explaining_drift
from waterbed.estimators.interrupted import (
    EventWindow,
    Interruption,
    PlaceboTest,
    half_life,
    interrupted,
    peak_check,
    placebo_units,
    placebo_windows,
    shifted_blocks,
)
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import TypedAnswer, answer
from waterbed.graphs.displacement.series import Ints, Series
from waterbed.model.message import NOTHING, Message, Number, PValue, joined
from waterbed.model.results import PeriodRow, PlaceboRow, Reading

Floats = npt.NDArray[np.float64]

_UNIT = "log ratio"
_LEVEL = 0.95
_PEAK = 0.9
"""Rank from which on an event came at a peak."""
_FLAT = 1e3
"""Times their spread before that gaps stray only where a series was flat before, which gives no range."""
_CITS = "What did the event do to the target, beyond what its controls did?"


@dataclass(frozen=True, kw_only=True)
class TimeSeries:
    """Log rates of the target and its controls.

    In one reading.
    """

    series: Series
    reading: Reading

    @cached_property
    def target(self) -> Floats:
        """Log rates of the target by period."""
        return self.series.log_rates(self.reading, [self.series.event.target])[:, 0]

    @cached_property
    def controls(self) -> Floats:
        """Log rates of the controls, periods x controls."""
        return self.series.log_rates(self.reading, self.series.event.controls)

    @cached_property
    def own(self) -> Interruption | Refusal:
        """The target's interruption at the event."""
        window, counts = self.series.window, self.series.counts(self.reading, [self.series.event.target])
        early = counts[window.first : window.first + window.before, 0]
        if not early.any():
            return Refusal(Message.of("nothing was counted at the target before the event"))
        return self.series.unsound() or interrupted(self.target, self.controls, window)

    @cached_property
    def shifted(self) -> list[tuple[int, Interruption]]:
        """The same window at dates without an event.

        No two of them share periods after, as in `placebo_windows`.
        """
        window = self.series.window
        latest = window.event - window.anticipation - window.after
        interruptions = (
            (event, interrupted(self.target, self.controls, window.at(event)))
            for event in range(latest, window.before + window.anticipation - 1, -window.after)
        )
        return [
            (event, interruption) for event, interruption in interruptions if isinstance(interruption, Interruption)
        ]

    @cached_property
    def windows(self) -> PlaceboTest | Refusal:
        """The event among dates without one."""
        if isinstance(self.own, Refusal):
            return self.own
        return placebo_windows(self.target, self.controls, self.series.window)

    @cached_property
    def places(self) -> PlaceboTest | Refusal:
        """The target among controls."""
        if isinstance(self.own, Refusal):
            return self.own
        return placebo_units(self.target, self.controls, self.series.window, sizes=self.sizes)

    @cached_property
    def counts(self) -> Ints:
        """Sites by period, of target and controls."""
        return self.series.counts(self.reading, [self.series.event.target, *self.series.event.controls])

    @cached_property
    def sizes(self) -> Floats:
        """Sites a period before the event, of target and controls."""
        window = self.series.window
        sizes: Floats = self.counts[window.first : window.first + window.before].mean(axis=0) + 0.5
        return sizes

    @cached_property
    def drift(self) -> Drift | Refusal:
        """The change at the event beside earlier changes.

        Of stretches as long as the window after it, back from the event, anticipation left out.
        """
        if isinstance(self.own, Refusal):
            return self.own
        window = self.series.window
        parts = np.r_[1.0, -self.own.weights]
        gaps = np.column_stack([self.target, self.controls]) @ parts
        noise = (1.0 / (self.counts + 0.5)) @ parts**2
        last = window.event - window.anticipation
        starts = [*range(last % window.after, last, window.after), window.event]
        pieces = [slice(start, start + window.after) for start in starts]
        return explaining_drift(
            [gaps[piece].mean() for piece in pieces],
            [np.sqrt(noise[piece].sum()) / window.after for piece in pieces],
        )

    @cached_property
    def blocks(self) -> PlaceboTest | Refusal:
        """The event among all shifts of the series."""
        if isinstance(self.own, Refusal):
            return self.own
        return shifted_blocks(self.target, self.controls, self.series.window)

    def answers(self) -> Iterator[TypedAnswer]:
        """Yield all answers that rest on the time series."""
        periods = self.series.event.before + self.series.event.after
        effects: list[tuple[str, str, Callable[[Interruption], float]]] = [
            ("mean change", _UNIT, lambda interruption: interruption.mean_gap),
            ("step", _UNIT, lambda interruption: interruption.level),
            ("slope", f"{_UNIT} a period", lambda interruption: interruption.slope),
        ]
        for name, unit, effect in effects:
            yield self._ranked(name, unit, effect, periods)
        yield answer(
            "mean change, places",
            _CITS,
            "interrupted.placebo_units",
            self.places,
            reading=self.reading,
            n=len(self.series.event.controls),
            n_of="controls treated as targets",
            unit=_UNIT,
            estimate=self.own.mean_gap if isinstance(self.own, Interruption) else None,
            note=Message.of("ranked by the change over the spread that places of its size have"),
        )
        yield answer(
            "mean change, blocks",
            _CITS,
            "interrupted.shifted_blocks",
            self.blocks,
            reading=self.reading,
            n=self.series.window.event + self.series.window.after,
            n_of="periods",
            unit=_UNIT,
            estimate=self.own.mean_gap if isinstance(self.own, Interruption) else None,
            note=Message.of("ranked among all shifts of the series against time"),
        )
        yield self._drift()
        yield from self._peak()
        yield self._return()

    def _ranked(self, name: str, unit: str, effect: Callable[[Interruption], float], periods: int) -> TypedAnswer:
        """Return one effect with its rank and interval.

        It is ranked among dates without event; the interval holds the values that this rank keeps.
        """
        test, interruption = self.windows, self.own
        say = partial(answer, name, _CITS, reading=self.reading, n=periods, n_of="periods", unit=unit)
        if isinstance(interruption, Refusal):
            return say("interrupted.interrupted", interruption)
        value = effect(interruption)
        if isinstance(test, Refusal):
            return say(
                "interrupted.placebo_windows",
                test,
                note=Message.of("as measured {value}, without any test", value=_change(value)),
            )
        sizes = np.array([abs(effect(placebo)) / placebo.spread for _, placebo in self.shifted])
        p = float((1 + (sizes >= abs(value) / interruption.spread).sum()) / (sizes.size + 1))
        ranked = _reach(sizes)
        reach = None if ranked is None else ranked * interruption.spread
        dates = Message.of(
            "a factor of {factor}; {placebos}",
            factor=Number(np.exp(value), decimals=2),
            placebos=Number(sizes.size, "placebo date"),
        )
        wanting = NOTHING if reach is not None else Message.of("an interval at 95% needs 19")
        return replace(
            say("interrupted.placebo_windows", value),
            low=None if reach is None else value - reach,
            high=None if reach is None else value + reach,
            p=p,
            smallest_p=test.smallest_p,
            note=joined(dates, wanting),
        )

    def _drift(self) -> TypedAnswer:
        drift, after = self.drift, self.series.window.after
        note = NOTHING
        if not isinstance(drift, Refusal):
            note = Message.of(
                "changed by {change} from the last {periods} before; earlier stretches by {largest} at most",
                change=_change(drift.change),
                periods=Number(after, "period"),
                largest=Number(drift.largest, decimals=2),
            )
        return answer(
            "mean change, drift",
            "How much larger than before would the target's own drift be, to explain its change?",
            "drift.explaining_drift",
            drift,
            reading=self.reading,
            n=0 if isinstance(drift, Refusal) else drift.stretches,
            n_of="stretches before",
            unit="times the largest change before",
            note=note,
        )

    def _peak(self) -> Iterator[TypedAnswer]:
        window = self.series.window
        peak = self.series.unsound() or peak_check(
            self.target, self.controls, window, recent=max(1, window.before // 4)
        )
        say = partial(
            answer,
            question="Did the event come at a peak that would have fallen by itself?",
            estimator="interrupted.peak_check",
            reading=self.reading,
            n=window.before + window.after,
            n_of="periods",
        )
        if isinstance(peak, Refusal):
            yield say("peak", result=peak)
            return
        high = Message.of("this was a peak: read the effect beside what is beyond it")
        note = joined(Message.of("no test"), high if peak.rank > _PEAK else NOTHING)
        yield say("peak", result=peak.rank, unit="share of windows that stood lower", scale="share", note=note)
        note = Message.of(
            "changed by {observed}, of which {expected} was to be expected; no test",
            observed=_change(peak.observed),
            expected=_change(peak.expected),
        )
        yield say("beyond the peak", result=peak.beyond, unit=_UNIT, note=note)

    def _return(self) -> TypedAnswer:
        interruption, window = self.own, self.series.window
        return answer(
            "half-life",
            "How fast does the target return to its course?",
            "interrupted.half_life",
            interruption
            if isinstance(interruption, Refusal)
            else self._no_effect() or half_life(_after(interruption, window)),
            reading=self.reading,
            n=window.after,
            n_of="periods after",
            unit="periods",
        )

    def _no_effect(self) -> Refusal | None:
        """Return a refusal if no effect stands out.

        A series without effect fades and comes back by itself.
        """
        tests = [test for test in (self.windows, self.places) if isinstance(test, PlaceboTest)]
        if any(test.p <= 1.0 - _LEVEL for test in tests):
            return None
        if not tests:
            return Refusal(Message.of("no effect stands out among placebos at 5%"))
        least = PValue(min(test.p for test in tests))
        return Refusal(Message.of("no effect stands out among placebos at 5%; least {p}", p=least))

    def placebos(self) -> Iterator[PlaceboRow]:
        """The effects of all placebos."""
        if isinstance(self.windows, PlaceboTest):
            for event, placebo in self.shifted:
                label = f"{self.series.shift(event):%Y-%m-%d %H:%M}"
                effect = abs(placebo.mean_gap) / placebo.spread
                yield PlaceboRow(reading=self.reading, kind="window", label=label, effect=effect)
        if isinstance(self.places, PlaceboTest):
            for place, effect in zip(self.series.event.controls, self.places.placebos, strict=True):
                yield PlaceboRow(reading=self.reading, kind="place", label=place, effect=float(effect))

    @cached_property
    def place_gaps(self) -> dict[str, Floats]:
        """The scaled gap of each control treated as target.

        Against the other controls, over its spread before the event, by period of the window. One control alone has
        none.
        """
        gaps_by_place: dict[str, Floats] = {}
        controls = self.series.event.controls
        for number, place in enumerate(controls if len(controls) > 1 else ()):
            interruption = interrupted(
                self.controls[:, number], np.delete(self.controls, number, axis=1), self.series.window
            )
            if isinstance(interruption, Interruption):
                gaps_by_place[place] = self._scaled(interruption)
        return gaps_by_place

    def _scaled(self, interruption: Interruption) -> Floats:
        early = interruption.gaps[: self.series.window.before]
        scaled: Floats = (interruption.gaps - early.mean()) / max(float(early.std()), 1e-12)
        return scaled

    def rows(self) -> Iterator[PeriodRow]:
        """Each period of the window: the event study."""
        window, series = self.series.window, self.series
        counted, reports = series.area_counts(self.reading), series.reports()
        gaps = self.own.gaps if isinstance(self.own, Interruption) else None
        strays = self._strays()
        ranked = gaps is not None and isinstance(self.places, PlaceboTest)
        placebo_gaps = np.array(list(self.place_gaps.values())) if ranked else None
        for place in range(window.before + window.anticipation + window.after):
            period = window.first + place
            age = period - window.event
            gap = None
            if gaps is not None:
                gap = float(gaps[place] - gaps[: window.before].mean())
            p = None
            if placebo_gaps is not None and age >= 0 and isinstance(self.own, Interruption):
                p = float(
                    (1 + (abs(placebo_gaps[:, place]) >= abs(self._scaled(self.own)[place])).sum())
                    / (len(placebo_gaps) + 1)
                )
            yield PeriodRow(
                reading=self.reading,
                age=age,
                begins_at=series.begins_at(age),
                target=int(counted[period, 0]),
                control=int(counted[period, 1]),
                buffer=int(counted[period, 2]),
                buffer_control=int(counted[period, 3]),
                reports=int(reports[period]),
                observed=float(self.target[period]) if gap is not None else None,
                foretold=float(self.target[period] - gap) if gap is not None else None,
                gap=gap,
                p=p,
                smallest_p=1.0 / (len(placebo_gaps) + 1) if p is not None and placebo_gaps is not None else None,
                **self._foretold(period, place, gap, strays),
            )

    def _strays(self) -> Floats | None:
        """The scaled gaps of all placebos, places and dates; None below two of them."""
        if isinstance(self.own, Refusal):
            return None
        strays = [*self.place_gaps.values(), *(self._scaled(placebo) for _, placebo in self.shifted)]
        strays = [stray for stray in strays if abs(stray).max() < _FLAT]
        return np.array(strays) if len(strays) > 1 else None

    def _foretold(self, period: int, place: int, gap: float | None, strays: Floats | None) -> dict[str, float]:
        """What the controls foretell in sites, with the range of placebos around it."""
        if gap is None or isinstance(self.own, Refusal):
            return {}
        rate, effort = (
            float(self.target[period] - gap),
            float(self.series.effort([self.series.event.target])[period, 0]),
        )
        foretold = {"foretold_sites": _sites(rate, effort)}
        if strays is not None:
            early = self.own.gaps[: self.series.window.before]
            around = strays[:, place] * float(early.std())
            foretold["placebo_low"] = _sites(rate + float(around.min()), effort)
            foretold["placebo_high"] = _sites(rate + float(around.max()), effort)
        return foretold


def _change(value: float) -> Number:
    """A change of a log rate."""
    return Number(value, decimals=2, signed=True)


def _sites(rate: float, effort: float) -> float:
    """The sites that a log rate stands for: the inverse of `rates`, not below 0."""
    return max(0.0, float(np.exp(rate)) * (effort + 1.0) - 0.5)


def _after(own: Interruption, window: EventWindow) -> Floats:
    """The gaps from the event on, beyond the mean of those before."""
    gaps: Floats = own.gaps[-window.after :] - own.gaps[: window.before].mean()
    return gaps


def _reach(sizes: Floats) -> float | None:
    """Return the effect that 95% of placebos do not exceed.

    None below 19 placebos.
    """
    rank = int(np.ceil(_LEVEL * (sizes.size + 1)))
    return float(np.sort(sizes)[rank - 1]) if rank <= sizes.size else None
