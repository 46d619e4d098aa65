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
        found = []
        for who, group in ((Term("target"), target), (Term("controls"), controls)):
            told, share = removed_of(group, until)
            if share is None:
                why = told.why or NO_REPORT
                return Refusal(Message.of("{area} before the event: {why}", area=who, why=why.reason), why.kind)
            found.append(share)
        return found[0], found[1]

    def _clocks(self, windows: Sequence[Window]) -> list[tuple[list[Clock], list[Clock], datetime | None]]:
        """Clocks of target and controls in windows that do not overlap."""
        by, urls = BY[self.event.kind], self.movements.sources_of
        found = []
        for piece in pieces_of(self.conclusions, windows):
            groups = episodes_by_key([one for one in piece.episodes if one.url_id in urls], by)
            labels = labels_of(self.conclusions)
            target, controls = (
                pooled_clocks(groups, keys, labels) for keys in ([self.event.target], self.event.controls)
            )
            found.append((target, controls, piece.until))
        return found

    @cached_property
    def _late(self) -> list[tuple[list[Clock], Share, datetime]] | Refusal:
        """The target's clocks and the controls' share in each window."""
        if not self.windows:
            return self.no_window
        zero = self.movements.zero
        windows = [Window(since=zero + one * HOUR, until=zero + other * HOUR) for one, other in reversed(self.windows)]
        found, why = list[tuple[list[Clock], Share, datetime]](), None
        for target, controls, until in self._clocks(windows):
            told, share = removed_of(controls, until)
            why = why or told.why
            if share is not None and until is not None:
                found.append((target, share, until))
        return found or _in_windows(Term("controls"), why or NO_REPORT)

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
        found: list[float] = []
        why: Refusal | None = None
        for target, controls, until in late:
            for _ in range(DRAWS):
                told, share = removed_of(_removing(target, removed, until, rng), until)
                if share is None:  # a refusal does not reject
                    why = told.why
                    found.append(0.0)
                    continue
                own = [early[0], at(removed, share.worth)]
                other = [early[1], at(early[1].share, controls.worth)]
                p = max(own_change(own).p, change_beyond([*own, *other]).p)
                found.append(power_of(p, level=self.level))
        if not any(found):
            return _in_windows(Term("target"), why or NO_REPORT)
        return float(np.mean(found))

    def least_fall(self) -> float | Refusal | None:
        """Least share removed that is shown with 80%.

        None: not even the removal of all.
        """
        early, whole = self._early, self.fall_power(1.0)
        if isinstance(early, Refusal):
            return early
        if isinstance(whole, Refusal):
            return whole
        least = early[0].share + LEAST_SHARE
        shares = tuple(np.linspace(least, 1.0, _STEPS).tolist()) if least < 1.0 else ()

        def power(removed: float) -> float:
            found = self.fall_power(removed)
            return 0.0 if isinstance(found, Refusal) else found

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
        found = expected(self.event, self._compared, self.windows, effect, order=order, seed=SEED)
        refused = [one for pair in found for one in pair if isinstance(one, Refusal)]
        if len(refused) < 2 * len(found):
            return found
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
        found = self.reappearance(removed, displaced, stock=stock)
        if isinstance(found, Refusal):
            return found
        return float(np.mean([min(self._rejects(one) for one in pair) for pair in found]))

    def _rejects(self, one: Estimate) -> float:
        """Probability to reject; a refusal does not."""
        return 0.0 if isinstance(one, Refusal) else power_at(one.excess, one.error, level=self.level)

    def least_displaced(self, removed: float) -> float | Refusal | None:
        """Least share displaced that is shown with 80%.

        Of what is reported after the event and ends; None: none of those asked about.
        """
        whole = self.primary_power(removed, DISPLACED[-1], stock=False)
        if isinstance(whole, Refusal):
            return whole

        def power(displaced: float) -> float:
            found = self.primary_power(removed, displaced, stock=False)
            return 0.0 if isinstance(found, Refusal) else found

        return least_effect(power, DISPLACED)

    def takedowns_needed(self, removed: float, displaced: float) -> float | Refusal:
        """Contents that must end for 80% power."""
        found = self.reappearance(removed, displaced, stock=False)
        if isinstance(found, Refusal):
            return found
        each = [
            max(needed(one.treated, one.excess, one.error, level=self.level) for one in given)
            for pair in found
            if len(given := [one for one in pair if isinstance(one, Expected) and one.excess > 0]) == len(pair)
        ]
        return float(np.mean(each)) if each else Refusal(TOO_LITTLE)


def _in_windows(area: Term, why: Refusal) -> Refusal:
    reason = Message.of("{area}, in windows as long as that after the event: {why}", area=area, why=why.reason)
    return Refusal(reason, why.kind)


def _removing(group: Collection[Clock], removed: float, until: datetime, rng: np.random.Generator) -> list[Clock]:
    """The clocks if so many sites were removed within 24 hours, and no others."""
    sites = sorted({one.site_id for one in group})
    order = rng.permutation(len(sites))
    gone = {site for site, place in zip(sites, order.tolist(), strict=True) if place < round(removed * len(sites))}
    found = []
    for one in group:
        left, right, cause = max(0.0, (until - one.origin) / HOUR), inf, NOTHING
        at = rng.uniform(0.1, 0.9) * WITHIN_H
        if one.site_id in gone and at < left:
            left, right, cause = at - 0.01, at, REMOVED
        found.append(
            Clock(left_h=left, right_h=right, cause=cause, site_id=one.site_id, origin=one.origin, labels=one.labels)
        )
    return found
