"""Cycles with a failed canary, look by look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from waterbed.judging.quarantines import Decisions, Group, GuardRules, QuarantineDraft, cycle_bounds
from waterbed.model.conclusions import Quarantine, Verdict
from waterbed.model.facts import CanaryLook, Observation


def canary_quarantines(
    canaries: Iterable[CanaryLook],
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    sites: Mapping[str, str],
    rules: GuardRules,
    decisions: Decisions,
    *,
    need: float,
) -> list[Quarantine]:
    """Cycles with a failed canary, consecutive ones as one quarantine.

    Their looks are `our_fault` already and stay so: a decision closes the quarantine and changes no verdict. `looked`
    counts the sites that the vantage looked at in these cycles, `flipped` those of them with an `our_fault` look.
    """
    failed: dict[str, dict[int, bool]] = defaultdict(dict)
    for canary in canaries:
        healthy = canary.targets > 0 and canary.reached >= need * canary.targets
        cycles, cycle = failed[canary.vantage], rules.cycle_of(canary.observed_at)
        cycles[cycle] = cycles.get(cycle, False) or not healthy
    seen: dict[tuple[str, int], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for look, verdict in zip(looks, verdicts, strict=True):
        cycle = rules.cycle_of(look.observed_at)
        if failed.get(look.vantage, {}).get(cycle):
            looked, faulted = seen[look.vantage, cycle]
            looked.add(sites.get(look.url_id, look.url_id))
            if verdict.outcome == "our_fault":
                faulted.add(sites.get(look.url_id, look.url_id))
    return [
        quarantine
        for vantage, cycles in sorted(failed.items())
        for quarantine in _canary_runs(vantage, cycles, seen, rules, decisions)
    ]


def _canary_runs(
    vantage: str,
    cycles: Mapping[int, bool],
    seen: Mapping[tuple[str, int], tuple[set[str], set[str]]],
    rules: GuardRules,
    decisions: Decisions,
) -> list[Quarantine]:
    ended: list[Quarantine] = []
    now: QuarantineDraft | None = None
    looked: set[str] = set()
    faulted: set[str] = set()

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
