"""Quarantines, people's decisions on them; failed canaries, shrunken feeds."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from math import exp, lgamma, log
from statistics import median

from waterbed.model.bookkeeping import Delivery, QuarantineDecision
from waterbed.model.codec import microseconds, moment
from waterbed.model.conclusions import Quarantine, QuarantineKind, QuarantineStatus
from waterbed.model.facts import CanaryLook

Group = tuple[QuarantineKind, str]
"""Kind and scope."""

FOREVER = datetime.max.replace(tzinfo=UTC)
LEAST_DELIVERIES = 3
"""Earlier deliveries that are needed for a feed's baseline size."""
LEAST_CHANCE = 0.001
"""Of so few reports in a delivery, from which on chance explains them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """Thresholds above which a cycle or delivery is suspect."""

    cycle_s: float = 3600.0
    share: float = 0.3
    """Smallest suspect share of flips."""
    least_sites: int = 8
    """Smallest suspect number of flipped sites."""
    times_usual: float = 5.0
    """Smallest suspect multiple of the baseline share."""
    usual_days: float = 7.0
    feed_share: float = 0.5
    """Smallest share of a feed's baseline size that is not suspect."""

    @property
    def baseline_cycles(self) -> int:
        """Number of past cycles in the baseline."""
        return int(self.usual_days * 86_400 / self.cycle_s)

    def cycle_of(self, when: datetime) -> int:
        """Number of the clock-aligned cycle that holds a time."""
        return microseconds(when) // int(self.cycle_s * 1_000_000)


def cycle_bounds(cycle: int, rules: GuardRules) -> tuple[datetime, datetime]:
    """Begin and end of a cycle."""
    length = int(rules.cycle_s * 1_000_000)
    return moment(cycle * length), moment((cycle + 1) * length)


def quarantine_id(group: Group, began_at: datetime) -> str:
    """The id of a quarantine, by its group and beginning."""
    text = "\x00".join((*group, str(microseconds(began_at))))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def standing_id(group: Group) -> str:
    """The id under which a group's later quarantines are decided."""
    return blake2b("\x00".join((*group, "standing")).encode(), digest_size=16).hexdigest()


class Decisions:
    """People's decisions; the newest of several counts."""

    def __init__(self, decisions: Iterable[QuarantineDecision] = ()) -> None:
        """Take all decisions."""
        self._of: dict[str, list[QuarantineDecision]] = defaultdict(list)
        for decision in sorted(decisions, key=lambda decision: (decision.decided_at, decision.decision_id)):
            self._of[decision.quarantine_id].append(decision)

    def on(self, group: Group, began_at: datetime) -> QuarantineDecision | None:
        """The decision on a group's quarantine that began then.

        Its own, else one that stood when it began.
        """
        own = self._of.get(quarantine_id(group, began_at))
        return own[-1] if own else self.standing(group, began_at)

    def standing(self, group: Group, when: datetime) -> QuarantineDecision | None:
        """The release of a group's quarantines that stands then.

        It applies until it is taken back; None without one.
        """
        told = self._of.get(standing_id(group), [])
        after = bisect_right(told, when, key=lambda decision: decision.decided_at)
        if not after or told[after - 1].decision != "release":
            return None
        return replace(told[after - 1], decided_at=told[after].decided_at if after < len(told) else FOREVER)


@dataclass(slots=True, kw_only=True)
class QuarantineDraft:
    """A quarantine before its counts are complete, with its decision."""

    group: Group
    began_at: datetime
    decision: QuarantineDecision | None
    ended_at: datetime | None = None

    @property
    def decided_at(self) -> datetime | None:
        """Time up to which the decision applies; None without one.

        Never before the quarantine began.
        """
        return max(self.decision.decided_at, self.began_at) if self.decision else None

    @property
    def status(self) -> QuarantineStatus:
        """Open, released or voided."""
        if self.decision is None:
            return "open"
        return "released" if self.decision.decision == "release" else "voided"

    def quarantine(self, *, looked: int, flipped: int, usual: float | None) -> Quarantine:
        """The quarantine as a conclusion."""
        kind, scope = self.group
        return Quarantine(
            quarantine_id=quarantine_id(self.group, self.began_at),
            kind=kind,
            scope=scope,
            began_at=self.began_at,
            ended_at=self.ended_at or self.began_at,
            looked=looked,
            flipped=flipped,
            usual=usual,
            status=self.status,
            reason=self.decision.reason if self.decision else None,
        )


Faults = Mapping[tuple[str, int], tuple[set[int], set[int]]]
"""By vantage and cycle: sites looked at, and those of them with an `our_fault` look."""


def failed_cycles(canaries: Iterable[CanaryLook], rules: GuardRules, *, need: float) -> dict[str, dict[int, bool]]:
    """Return whether a canary failed, by vantage and cycle."""
    failed: dict[str, dict[int, bool]] = defaultdict(dict)
    for canary in canaries:
        healthy = canary.targets > 0 and canary.reached >= need * canary.targets
        cycles, cycle = failed[canary.vantage], rules.cycle_of(canary.observed_at)
        cycles[cycle] = cycles.get(cycle, False) or not healthy
    return failed


def canary_quarantines(
    failed: Mapping[str, Mapping[int, bool]], seen: Faults, rules: GuardRules, decisions: Decisions
) -> list[Quarantine]:
    """Cycles with a failed canary, consecutive ones as one quarantine.

    Their looks are `our_fault` already and stay so: a decision closes the quarantine and changes no verdict. `looked`
    counts the sites that the vantage looked at in these cycles, `flipped` those of them with an `our_fault` look.
    """
    return [
        quarantine
        for vantage, cycles in sorted(failed.items())
        for quarantine in _canary_runs(vantage, cycles, seen, rules, decisions)
    ]


def _canary_runs(
    vantage: str,
    cycles: Mapping[int, bool],
    seen: Faults,
    rules: GuardRules,
    decisions: Decisions,
) -> list[Quarantine]:
    ended: list[Quarantine] = []
    now: QuarantineDraft | None = None
    looked: set[int] = set()
    faulted: set[int] = set()

    def close() -> None:
        if now is not None:
            ended.append(now.quarantine(looked=len(looked), flipped=len(faulted), usual=None))

    for cycle in sorted(cycles):
        start, end = cycle_bounds(cycle, rules)
        over = now is not None and now.decided_at is not None and now.decided_at < start
        if not cycles[cycle] or over:
            close()
            now = None
        if not cycles[cycle]:
            continue
        if now is None:
            group: Group = ("canary", vantage)
            now = QuarantineDraft(group=group, began_at=start, decision=decisions.on(group, start))
            looked, faulted = set(), set()
        now.ended_at = end
        own = seen.get((vantage, cycle), (set(), set()))
        looked |= own[0]
        faulted |= own[1]
    close()
    return ended


def _at_most(count: int, mean: float) -> float:
    """Chance that a Poisson count is at most so much."""
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(count + 1)) if mean else 1.0


def feed_quarantines(deliveries: Iterable[Delivery], rules: GuardRules, decisions: Decisions) -> list[Quarantine]:
    """Deliveries much smaller than their source's baseline, or empty.

    A delivery is suspect if it has less than `feed_share` of the median of at least three earlier ones, or if it is
    empty after one that was not, and if so few come by chance less than once in a thousand deliveries (Poisson, at the
    median). Suspect deliveries do not enter the baseline, unless they were released.
    """
    earlier: dict[str, list[int]] = defaultdict(list)
    suspect = []
    for delivery in sorted(deliveries, key=lambda delivery: (delivery.received_at, delivery.delivery_id)):
        before = earlier[delivery.source]
        baseline = median(before) if before else 0
        shrunk = len(before) >= LEAST_DELIVERIES and delivery.reports < rules.feed_share * baseline
        emptied = delivery.reports == 0 and any(before)
        if not (shrunk or emptied) or _at_most(delivery.reports, baseline) >= LEAST_CHANCE:
            before.append(delivery.reports)
            continue
        group: Group = ("feed", delivery.source)
        received = delivery.received_at
        draft = QuarantineDraft(group=group, began_at=received, decision=decisions.on(group, received))
        draft.ended_at = received
        if draft.status == "released":
            before.append(delivery.reports)
        suspect.append(draft.quarantine(looked=round(baseline), flipped=delivery.reports, usual=None))
    return suspect
