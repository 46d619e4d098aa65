"""The cycle guard over a study's looks, stretch by stretch."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from msgspec.structs import asdict

from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.judge import restated
from waterbed.judging.last_known import GuardLooks
from waterbed.judging.mass_flips import NOT_SEEN, guard_flips
from waterbed.judging.quarantines import (
    Decisions,
    Faults,
    GuardRules,
    canary_quarantines,
    failed_cycles,
    feed_quarantines,
)
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Quarantine
from waterbed.model.progress import Stage, stage
from waterbed.model.urls import network_of
from waterbed.store.config import Config
from waterbed.store.spool import Spool
from waterbed.study.attributed import Attributed
from waterbed.study.facts import Facts
from waterbed.study.judged import Changed, states_of
from waterbed.study.looks import IN_BLOCK, Block, Looks


def guard_rules(config: Config) -> GuardRules:
    """Return the settings' rules of suspect cycles and deliveries."""
    return GuardRules(**asdict(config.cycle_guard))


def guarded(
    looks: Looks, attributed: Attributed, facts: Facts, config: Config, rules: RuleSet
) -> tuple[Changed, list[Quarantine]]:
    """Quarantine looks of cycles and deliveries that are suspect.

    Returns the looks in quarantine with their verdicts, and all quarantines by their beginning.
    """
    guard, decided = guard_rules(config), Decisions(facts.decisions)
    stretches = _Stretches(looks, attributed, guard)
    with stage("checks guarded", len(looks)) as advance:
        flips, rows = guard_flips(
            stretches.in_time(advance), len(looks.urls), stretches.hosters, stretches.prefixes, guard, decided
        )
    failed = failed_cycles(facts.canaries, guard, need=config.canary.need)
    ours = canary_quarantines(failed, _faults(looks, failed, guard), guard, decided)
    feeds = feed_quarantines(facts.deliveries, guard, decided)
    quarantines = sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))
    return Changed(rows=rows, numbers=_in_quarantine(looks, rows, rules)), quarantines


class _Stretches:
    """All looks as the guard sees them, in stretches of whole cycles."""

    def __init__(self, looks: Looks, attributed: Attributed, rules: GuardRules) -> None:
        self._looks, self._attributed = looks, attributed
        self._cycle_us = int(rules.cycle_s * 1_000_000)
        sets: dict[tuple[str, ...], int] = {(): 0}
        self._of_made = np.array([*(sets.setdefault(one.hosters, len(sets)) for one in attributed.made), 0], np.int32)
        numbered: dict[str, int] = {}
        of_address = [numbered.setdefault(network_of(one), len(numbered)) for one in looks.coder.address.values]
        self._of_address = np.array([*of_address, NOTHING], np.int32)
        self._unseen = np.array([one.outcome in NOT_SEEN for one in looks.walk.verdicts] or [False], bool)
        self.hosters, self.prefixes = list(sets), list(numbered)

    def in_time(self, advance: Stage) -> Iterator[GuardLooks]:
        """The looks of each stretch; the stretches in time order."""
        if len(self._looks.kept.numbers()) <= 1:
            yield from map(self._seen, self._looks.blocks())
            return
        cycles, ends = self._bounds()
        spool = Spool(self._looks.folder)
        for block in self._looks.blocks():
            seen = self._seen(block)
            stretch = ends[np.searchsorted(cycles, seen.at // self._cycle_us)]
            order = np.argsort(stretch, kind="stable")
            numbers, starts = np.unique(stretch[order], return_index=True)
            for number, own in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
                spool.add(number, seen.taken(own).named())
        for number in spool.numbers():
            looks = GuardLooks(**spool.pop(number))
            yield looks
            advance(len(looks))

    def _bounds(self) -> tuple[Array, Array]:
        """All cycles with looks, and the stretch of each: about as many looks as in a block."""
        found: Counter[int] = Counter()
        for block in self._looks.blocks():
            numbers, looks = np.unique(block.at // self._cycle_us, return_counts=True)
            found.update(dict(zip(numbers.tolist(), looks.tolist(), strict=True)))
        cycles = np.array(sorted(found), np.int64)
        return cycles, np.cumsum([found[one] for one in cycles.tolist()]) // IN_BLOCK

    def _seen(self, block: Block) -> GuardLooks:
        return GuardLooks(
            row=np.arange(block.first, block.first + len(block)),
            url=block.url,
            at=block.at,
            state=states_of(self._looks, block.verdicts),
            unseen=self._unseen[block.verdicts],
            hosters=self._of_made[self._attributed.numbers(block)],
            prefix=self._of_address[block.address],
            site=self._looks.sites[block.url],
        )


def _in_quarantine(looks: Looks, rows: Array, rules: RuleSet) -> Array:
    """The numbers of the verdicts on looks in quarantine."""
    found, walk = np.zeros(len(rows), np.int32), looks.walk
    blocks = np.searchsorted(looks.firsts, rows, "right") - 1
    for number in np.unique(blocks).tolist():
        own = np.flatnonzero(blocks == number)
        block = looks.block(number)
        before = block.verdicts[rows[own] - block.first]
        for verdict in np.unique(before).tolist():
            quarantined = restated(walk.verdicts[verdict], "quarantined", rules, "quarantine")
            found[own[before == verdict]] = walk.number(quarantined)
    return found


def _faults(looks: Looks, failed: Mapping[str, Mapping[int, bool]], rules: GuardRules) -> Faults:
    """Sites looked at in cycles with a failed canary.

    And those of them with an `our_fault` look.
    """
    bad = {vantage: [cycle for cycle, is_failed in its.items() if is_failed] for vantage, its in failed.items()}
    numbers = [
        (looks.coder.vantages.values.index(vantage), vantage, cycles)
        for vantage, cycles in bad.items()
        if cycles and vantage in looks.coder.vantages.values
    ]
    found: dict[tuple[str, int], tuple[set[int], set[int]]] = {}
    ours = np.array([one.outcome == "our_fault" for one in looks.walk.verdicts] or [False], bool)
    for block in looks.blocks() if numbers else ():
        in_cycle = block.at // int(rules.cycle_s * 1_000_000)
        for number, vantage, wanted in numbers:
            rows = np.flatnonzero((block.vantage == number) & np.isin(in_cycle, wanted))
            for cycle in np.unique(in_cycle[rows]).tolist():
                mine = rows[in_cycle[rows] == cycle]
                looked, faulty = found.setdefault((vantage, cycle), (set(), set()))
                sites = looks.sites[block.url[mine]]
                looked.update(sites.tolist())
                faulty.update(sites[ours[block.verdicts[mine]]].tolist())
    return found
