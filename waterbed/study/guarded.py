"""The cycle guard over a study's looks, stretch by stretch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import asdict

from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.confirmation import UNKNOWN
from waterbed.judging.guard_state import Checkpoint, GuardStart, GuardState
from waterbed.judging.judge import restated
from waterbed.judging.last_known import GuardLooks, LastKnown
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Looks in quarantine with verdicts, and all quarantines by time."""

    changed: Changed
    quarantines: list[Quarantine]
    kept: "KeptGuard | None"
    """What was known at the cycle that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGuard:
    """The guard's knowledge before a cycle, in names."""

    since: int
    """When the cycle began, microseconds."""
    state: GuardState
    urls: pa.Table
    """`url_id`, and the columns of `LastKnown`."""
    hosters: Sequence[tuple[str, ...]]
    """Sets of hosters, by the numbers in `urls`."""
    prefixes: Sequence[str]
    held: pa.Array
    """The ids of looks before the cycle that are in quarantine."""


def cycle_start(at: int, config: Config) -> int:
    """When the guard's cycle of a time began, microseconds."""
    cycle_us = int(config.cycle_guard.cycle_s * 1_000_000)
    return at // cycle_us * cycle_us


def guarded(
    looks: Looks,
    attributed: Attributed,
    facts: Facts,
    config: Config,
    rules: RuleSet,
    *,
    before: KeptGuard | None = None,
    keep_at: int | None = None,
) -> Guarded:
    """Quarantine looks of cycles and deliveries that are suspect.

    With `before` the guard goes on with what was kept: looks before that are in quarantine if they were. `keep_at` is a
    time, the beginning of a cycle, at which what is known is kept.
    """
    guard, decided = guard_rules(config), Decisions(facts.decisions)
    stretches = _Stretches(looks, attributed, guard, before)
    checkpoint = None if keep_at is None else Checkpoint(cycle=keep_at // stretches.cycle_us, sites=stretches.site_ids)
    stretches.facts = facts
    with stage("checks guarded", len(looks)) as advance:
        flips, rows = guard_flips(
            stretches.in_time(advance),
            len(looks.urls),
            stretches.hosters,
            stretches.prefixes,
            guard,
            decided,
            begin=stretches.begin(),
            keep=checkpoint,
        )
    if before:
        rows = np.union1d(rows, _rows_of(looks, before.held))
    failed = failed_cycles(facts.canaries, guard, need=config.canary.need)
    ours = canary_quarantines(failed, _faults(looks, failed, guard), guard, decided)
    feeds = feed_quarantines(facts.deliveries, guard, decided)
    quarantines = sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))
    return Guarded(
        changed=Changed(rows=rows, numbers=_in_quarantine(looks, rows, rules)),
        quarantines=quarantines,
        kept=None if checkpoint is None else stretches.kept(checkpoint, rows),
    )


def _rows_of(looks: Looks, ids: pa.Array) -> Array:
    """The numbers of looks, by their ids."""
    found = [np.zeros(0, np.int64)]
    for block in looks.blocks() if len(ids) else ():
        found.append(np.flatnonzero(pc.is_in(block.id, ids)) + block.first)
    return np.concatenate(found)


class _Stretches:
    """All looks as the guard sees them, in stretches of whole cycles."""

    facts: Facts

    def __init__(
        self, looks: Looks, attributed: Attributed, rules: GuardRules, before: KeptGuard | None = None
    ) -> None:
        self._looks, self._attributed, self._before = looks, attributed, before
        self.cycle_us = int(rules.cycle_s * 1_000_000)
        sets: dict[tuple[str, ...], int] = {(): 0}
        self._of_made = np.array([*(sets.setdefault(one.hosters, len(sets)) for one in attributed.made), 0], np.int32)
        numbered: dict[str, int] = {}
        of_address = [numbered.setdefault(network_of(one), len(numbered)) for one in looks.coder.address.values]
        self._of_address = np.array([*of_address, NOTHING], np.int32)
        self._unseen = np.array([one.outcome in NOT_SEEN for one in looks.walk.verdicts] or [False], bool)
        for one in before.hosters if before else ():
            sets.setdefault(one, len(sets))
        for name in before.prefixes if before else ():
            numbered.setdefault(name, len(numbered))
        self._sets, self._prefixes = sets, numbered
        self.hosters, self.prefixes = list(sets), list(numbered)
        self._others: list[str] = []

    def site_ids(self) -> list[str]:
        """The id of each site, by number.

        Those of these URLs, then others in open quarantines.
        """
        found = [""] * (int(self._looks.sites.max(initial=-1)) + 1)
        for url_id, site in zip(self._looks.urls, self._looks.sites.tolist(), strict=True):
            found[site] = self.facts.targets[url_id].site_id
        return [*found, *self._others]

    def begin(self) -> GuardStart | None:
        """The guard's beginning, in the numbers of these looks."""
        if self._before is None:
            return None
        told, its = self._before.urls, self._before
        place = pc.index_in(pa.array(self._looks.urls, pa.string()), told.column("url_id").combine_chunks())
        known, at = np.asarray(place.is_valid()), np.asarray(place.fill_null(0))
        columns = dict[str, Array]()
        for name, absent in (("state", UNKNOWN), ("at", 0), ("hosters", 0), ("prefix", NOTHING), ("held", 0)):
            values = np.asarray(told.column(name)) if told.num_rows else np.zeros(1, np.int64)
            columns[name] = np.where(known, values[at], absent)
        of_sets = np.array([self._sets[one] for one in its.hosters] or [0], np.int64)
        of_prefixes = np.array([*(self._prefixes[name] for name in its.prefixes), NOTHING], np.int64)
        columns["hosters"] = np.where(known, of_sets[columns["hosters"]], 0)
        columns["prefix"] = of_prefixes[columns["prefix"]]
        sites: dict[str, int] = {}
        if its.state.open:
            sites = {site: number for number, site in enumerate(self.site_ids())}
            for one in its.state.open:
                for site in (*one.looked, *one.flipped, *one.quiet):
                    sites.setdefault(site, len(sites))
            self._others = list(sites)[len(self.site_ids()) :]
        return GuardStart(state=its.state, urls=LastKnown.of(columns), sites=sites)

    def kept(self, checkpoint: Checkpoint, rows: Array) -> KeptGuard | None:
        """The guard's knowledge at a cycle, in names."""
        if checkpoint.state is None or checkpoint.urls is None:
            return None
        since, held = checkpoint.cycle * self.cycle_us, [pa.array([], pa.string())]
        blocks = np.searchsorted(self._looks.firsts, rows, "right") - 1
        for number in np.unique(blocks).tolist():
            block = self._looks.block(number)
            own = rows[blocks == number] - block.first
            held.append(block.id.take(pa.array(own[block.at[own] < since])))
        return KeptGuard(
            since=since,
            state=checkpoint.state,
            urls=pa.table({"url_id": pa.array(self._looks.urls, pa.string()), **checkpoint.urls}),
            hosters=self.hosters,
            prefixes=self.prefixes,
            held=pa.concat_arrays(held),
        )

    def in_time(self, advance: Stage) -> Iterator[GuardLooks]:
        """The looks of each stretch; the stretches in time order."""
        if len(self._looks.kept.numbers()) <= 1:
            yield from map(self._seen, self._looks.blocks())
            return
        cycles, ends = self._bounds()
        spool = Spool(self._looks.folder)
        for block in self._looks.blocks():
            seen = self._seen(block)
            if not len(seen):
                continue
            stretch = ends[np.searchsorted(cycles, seen.at // self.cycle_us)]
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
            numbers, looks = np.unique(block.at // self.cycle_us, return_counts=True)
            found.update(dict(zip(numbers.tolist(), looks.tolist(), strict=True)))
        cycles = np.array(sorted(found), np.int64)
        return cycles, np.cumsum([found[one] for one in cycles.tolist()]) // IN_BLOCK

    def _seen(self, block: Block) -> GuardLooks:
        seen = GuardLooks(
            row=np.arange(block.first, block.first + len(block)),
            url=block.url,
            at=block.at,
            state=states_of(self._looks, block.verdicts),
            unseen=self._unseen[block.verdicts],
            hosters=self._of_made[self._attributed.numbers(block)],
            prefix=self._of_address[block.address],
            site=self._looks.sites[block.url],
        )
        return seen if self._before is None else seen.taken(np.flatnonzero(seen.at >= self._before.since))


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
