"""Cycles with a failed canary, look by look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from waterbed.judging.quarantines import Decisions, GuardRules, failed_cycles
from waterbed.judging.quarantines import canary_quarantines as of_cycles
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
    failed = failed_cycles(canaries, rules, need=need)
    seen: dict[tuple[str, int], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for look, verdict in zip(looks, verdicts, strict=True):
        cycle = rules.cycle_of(look.observed_at)
        if failed.get(look.vantage, {}).get(cycle):
            looked, faulted = seen[look.vantage, cycle]
            looked.add(sites.get(look.url_id, look.url_id))
            if verdict.outcome == "our_fault":
                faulted.add(sites.get(look.url_id, look.url_id))
    return of_cycles(failed, seen, rules, decisions)
