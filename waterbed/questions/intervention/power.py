"""Power of an event's tests, from data before it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import inf
from typing import Final

import numpy as np

from waterbed.estimators.changes import Share, change_beyond, own_change
from waterbed.estimators.power import ERROR, least_effect, needed, power_at, power_of
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import NOTHING
from waterbed.graphs.displacement.answers import SEED
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import HOUR, Movements
from waterbed.graphs.displacement.planned import DRAWS, Effect, Expected, compared, expected, known_order, plan_windows
from waterbed.measures.dependence import labels_of
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock, episodes_by_key
from waterbed.model.message import Message, Number, Term
from waterbed.model.message import Share as Percent
from waterbed.model.window import Window
from waterbed.questions.intervention.removed import NO_REPORT, at, removed_of
from waterbed.questions.intervention.shares import BY, pooled_clocks
from waterbed.study.conclusions import Conclusions
from waterbed.study.windowed import pieces_of

METHOD: Final = (
    "the report's own estimators on windows before the event, with the stated effect put into them; power of a normal "
    "test with their standard error (Bloom 1995): see docs/displacement.md, Plan a study"
)
LEAST_SHARE: Final = 0.02
"""Rise of the share removed below which no power is asked for."""
Estimate = Expected | Refusal
DISPLACED: Final = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6)
"""Shares displaced at which the primary's power is worked out."""
_STEPS: Final = 7
TOO_LITTLE: Final = Message.of("too little would be seen elsewhere with this effect")


@dataclass(frozen=True, kw_only=True)
class EventPower:
    """Power of the fall and of excess reappearance.

    All from conclusions that end before the event: areas as its file says, windows before the event for those after it.
    """

    event: Event
    conclusions: Conclusions
    movements: Movements

    @cached_property
    def level(self) -> float:
        """Error of a test on each read date."""
        return ERROR / max(1, len(self.event.read))

    @cached_property
    def windows(self) -> list[tuple[float, float]]:
        """Windows before the event, in place of that after."""
        return plan_windows(self.event, self.movements)

    @property
    def no_window(self) -> Refusal:
        """The reason if no window fits before the event."""
        length = self.event.after * self.event.period_h + self.event.horizon_h
        have = self.movements.end - (self.movements.hours(self.event.since) if self.event.since else 0.0)
        return Refusal(
            Message.of(
                "data before the event span {days}, and {least} are needed for one window as long as that after it, "
                "followed for {hours}",
                days=Number(have / 24, "day", decimals=1),
                least=Number(length / 24, decimals=1),
                hours=Number(self.event.horizon_h, "hour"),
            )
        )

    # the fall
    @cached_property
    def _early(self) -> tuple[Share, Share] | Refusal:
        """The shares of target and controls before the event."""
        end = min(self.event.at - self.event.anticipation * self.event.period, self.movements.until)
        window = Window(since=end - self.event.before * self.event.period, until=end)
        target, controls, until = self._clocks([window])[0]
        shares = []
        for area, group in ((Term("target"), target), (Term("controls"), controls)):
            told_share, share = removed_of(group, until)
            if share is None:
                refusal = told_share.why or NO_REPORT
                return Refusal(
                    Message.of("{area} before the event: {why}", area=area, why=refusal.reason), refusal.kind
                )
            shares.append(share)
        return shares[0], shares[1]

    def _clocks(self, windows: Sequence[Window]) -> list[tuple[list[Clock], list[Clock], datetime | None]]:
        """Clocks of target and controls in windows that do not overlap."""
        by, urls = BY[self.event.kind], self.movements.sources_of
        clocks = []
        for piece in pieces_of(self.conclusions, windows):
            groups = episodes_by_key([episode for episode in piece.episodes if episode.url_id in urls], by)
            labels = labels_of(self.conclusions)
            target, controls = (
                pooled_clocks(groups, keys, labels) for keys in ([self.event.target], self.event.controls)
            )
            clocks.append((target, controls, piece.until))
        return clocks

    @cached_property
    def _late(self) -> list[tuple[list[Clock], Share, datetime]] | Refusal:
        """The target's clocks and the controls' share in each window."""
        if not self.windows:
            return self.no_window
        zero = self.movements.zero
        windows = [
            Window(since=zero + start * HOUR, until=zero + other * HOUR) for start, other in reversed(self.windows)
        ]
        late, refusal = list[tuple[list[Clock], Share, datetime]](), None
        for target, controls, until in self._clocks(windows):
            told_share, share = removed_of(controls, until)
            refusal = refusal or told_share.why
            if share is not None and until is not None:
                late.append((target, share, until))
        return late or _in_windows(Term("controls"), refusal or NO_REPORT)

    @cached_property
    def removes_now(self) -> float | Refusal:
        """The share that the target removed within 24 hours before."""
        return self._early if isinstance(self._early, Refusal) else self._early[0].share

    def fall_power(self, removed: float) -> float | Refusal:
        """Power of the tests that the target removed more, and more than its controls.

        `removed` is the share that it removes within 24 hours after the event; controls stay as they are.
        """
        early, late = self._early, self._late
        if isinstance(early, Refusal):
            return early
        if isinstance(late, Refusal):
            return late
        if removed < early[0].share + LEAST_SHARE:
            return Refusal(
                Message.of(
                    "{removed} removed within 24 hours is no more than the {early} before",
                    removed=Percent(removed),
                    early=Percent(early[0].share),
                )
            )
        rng = np.random.default_rng(SEED)
        powers: list[float] = []
        refusal: Refusal | None = None
        for target, controls, until in late:
            for _ in range(DRAWS):
                told_share, share = removed_of(_removing(target, removed, until, rng), until)
                if share is None:  # a refusal does not reject
                    refusal = told_share.why
                    powers.append(0.0)
                    continue
                target_shares = [early[0], at(removed, share.worth)]
                other = [early[1], at(early[1].share, controls.worth)]
                p = max(own_change(target_shares).p, change_beyond([*target_shares, *other]).p)
                powers.append(power_of(p, level=self.level))
        if not any(powers):
            return _in_windows(Term("target"), refusal or NO_REPORT)
        return float(np.mean(powers))

    def least_fall(self) -> float | Refusal | None:
        """Least share removed that is shown with 80%.

        None: not even the removal of all.
        """
        early, full_power = self._early, self.fall_power(1.0)
        if isinstance(early, Refusal):
            return early
        if isinstance(full_power, Refusal):
            return full_power
        least = early[0].share + LEAST_SHARE
        shares = tuple(np.linspace(least, 1.0, _STEPS).tolist()) if least < 1.0 else ()

        def power(removed: float) -> float:
            probability = self.fall_power(removed)
            return 0.0 if isinstance(probability, Refusal) else probability

        return least_effect(power, shares)

    # the primary outcome
    def reappearance(
        self, removed: float, displaced: float, *, stock: bool
    ) -> list[tuple[Estimate, Estimate]] | Refusal:
        """Excess reappearance as the report would estimate it.

        In both readings, for each window and draw. `displaced` of what ends moves; reports find the middle of
        the declared detection, all without one.
        """
        if not self.windows:
            return self.no_window
        effect = Effect(removed=removed, seen=displaced * self.found, stock=stock)
        order, _ = known_order(self.movements)
        estimates = expected(self.event, self._compared, self.windows, effect, order=order, seed=SEED)
        refused = [estimate for pair in estimates for estimate in pair if isinstance(estimate, Refusal)]
        if len(refused) < 2 * len(estimates):
            return estimates
        reason = Message.of("with this effect in windows before the event, {reason}", reason=refused[0].reason)
        return Refusal(reason, refused[0].kind)

    @cached_property
    def _compared(self) -> Movements:
        return compared(self.event, self.movements)

    @property
    def found(self) -> float:
        """Part of arrivals found, as declared; else 1."""
        detection = self.event.detection
        return 1.0 if detection is None else float(np.mean([*detection.home, *detection.abroad]))

    def primary_power(self, removed: float, displaced: float, *, stock: bool) -> float | Refusal:
        """Power of excess reappearance, the least of both readings."""
        estimates = self.reappearance(removed, displaced, stock=stock)
        if isinstance(estimates, Refusal):
            return estimates
        return float(np.mean([min(self._rejects(estimate) for estimate in pair) for pair in estimates]))

    def _rejects(self, estimate: Estimate) -> float:
        """Probability to reject; a refusal does not."""
        return 0.0 if isinstance(estimate, Refusal) else power_at(estimate.excess, estimate.error, level=self.level)

    def least_displaced(self, removed: float) -> float | Refusal | None:
        """Least share displaced that is shown with 80%.

        Of what is reported after the event and ends; None: none of those asked about.
        """
        full_power = self.primary_power(removed, DISPLACED[-1], stock=False)
        if isinstance(full_power, Refusal):
            return full_power

        def power(displaced: float) -> float:
            probability = self.primary_power(removed, displaced, stock=False)
            return 0.0 if isinstance(probability, Refusal) else probability

        return least_effect(power, DISPLACED)

    def takedowns_needed(self, removed: float, displaced: float) -> float | Refusal:
        """Contents that must end for 80% power."""
        estimates = self.reappearance(removed, displaced, stock=False)
        if isinstance(estimates, Refusal):
            return estimates
        each = [
            max(needed(estimate.treated, estimate.excess, estimate.error, level=self.level) for estimate in positive)
            for pair in estimates
            if len(
                positive := [estimate for estimate in pair if isinstance(estimate, Expected) and estimate.excess > 0]
            )
            == len(pair)
        ]
        return float(np.mean(each)) if each else Refusal(TOO_LITTLE)


def _in_windows(area: Term, refusal: Refusal) -> Refusal:
    reason = Message.of("{area}, in windows as long as that after the event: {why}", area=area, why=refusal.reason)
    return Refusal(reason, refusal.kind)


def _removing(group: Collection[Clock], removed: float, until: datetime, rng: np.random.Generator) -> list[Clock]:
    """The clocks if so many sites were removed within 24 hours, and no others."""
    sites = sorted({clock.site_id for clock in group})
    order = rng.permutation(len(sites))
    removed_sites = {
        site for site, place in zip(sites, order.tolist(), strict=True) if place < round(removed * len(sites))
    }
    clocks = []
    for clock in group:
        left_h, right, cause = max(0.0, (until - clock.origin) / HOUR), inf, NOTHING
        removed_at_h = rng.uniform(0.1, 0.9) * WITHIN_H
        if clock.site_id in removed_sites and removed_at_h < left_h:
            left_h, right, cause = removed_at_h - 0.01, removed_at_h, REMOVED
        clocks.append(
            Clock(
                left_h=left_h,
                right_h=right,
                cause=cause,
                site_id=clock.site_id,
                origin=clock.origin,
                labels=clock.labels,
            )
        )
    return clocks
