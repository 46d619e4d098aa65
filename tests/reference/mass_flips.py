"""Mass flips: implausibly many at once, by cycle and group."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tests.reference.flip_baseline import Count, FlipBaseline
from waterbed.judging.quarantines import Decisions, Group, GuardRules, QuarantineDraft, cycle_bounds
from waterbed.model.conclusions import Quarantine, State, Verdict
from waterbed.model.facts import Observation
from waterbed.model.urls import network_of

ALL: Final[Group] = ("all", "")
NOT_SEEN: Final = ("our_fault", "unwatched", "unobserved")
"""Outcomes of looks that saw nothing; they do not count."""
_MICROSECOND: Final = timedelta(microseconds=1)
_EXPIRES: Final = timedelta(days=1)
"""How long what is held stays doubted while others of its group are seen."""


@dataclass(slots=True, kw_only=True)
class _OpenQuarantine:
    """A quarantine that has not ended."""

    draft: QuarantineDraft
    baseline: float | None
    looked: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    quiet: set[str] = field(default_factory=set)
    """Sites seen in later cycles that were not suspect."""

    def extend(self, end: datetime, count: Count) -> None:
        """Add a suspect cycle."""
        self.draft.ended_at = end
        self.looked |= count.looked
        self.flipped |= count.flipped
        self.quiet = set()

    def result(self) -> Quarantine:
        """The quarantine as a conclusion."""
        return self.draft.quarantine(looked=len(self.looked), flipped=len(self.flipped), usual=self.baseline)


def guard_flips(
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    hosters: Sequence[tuple[str, ...]],
    sites: Mapping[str, str],
    rules: GuardRules,
    decisions: Decisions,
) -> tuple[list[Quarantine], list[bool]]:
    """Find cycles with mass flips, and the looks to quarantine.

    `looks`, `verdicts` and `hosters` (keys of the look's attribution) are parallel; `sites` gives the site of each
    URL. Returns the quarantines in order of their beginning, and for each look True if it is a down look in
    quarantine. Cost is linear in the looks, after sorting them by time.
    """
    guard = _Guard(looks, verdicts, hosters, sites, rules, decisions)
    by_cycle: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(looks)), key=lambda index: looks[index].observed_at):
        by_cycle[rules.cycle_of(looks[index].observed_at)].append(index)
    for cycle in sorted(by_cycle):
        guard.take(cycle, by_cycle[cycle])
    return guard.finish(), guard.held


class _Guard:
    """Walks through the cycles with each URL's last state that is not in quarantine."""

    def __init__(
        self,
        looks: Sequence[Observation],
        verdicts: Sequence[Verdict],
        hosters: Sequence[tuple[str, ...]],
        sites: Mapping[str, str],
        rules: GuardRules,
        decisions: Decisions,
    ) -> None:
        self.held = [False] * len(looks)
        self._looks, self._verdicts, self._hosters, self._sites = looks, verdicts, hosters, sites
        self._rules, self._decisions = rules, decisions
        self._state: dict[str, tuple[State, datetime]] = {}
        self._last_groups: dict[str, tuple[Group, ...]] = {}
        self._groups: dict[int, tuple[Group, ...]] = {}
        self._before: dict[int, tuple[State, datetime]] = {}
        """The last decided look at its URL before each look of the cycle."""
        self._held_since: dict[str, datetime] = {}
        """When the first look of a URL was held since one was believed."""
        self._baselines: dict[Group, FlipBaseline] = defaultdict(FlipBaseline)
        self._open: dict[Group, _OpenQuarantine] = {}
        self._voided: set[Group] = set()
        self._ended: list[Quarantine] = []

    def take(self, cycle: int, members: list[int]) -> None:
        """Process all looks of one cycle, in time order."""
        start, end = cycle_bounds(cycle, self._rules)
        self._groups = {index: self._groups_of(index) for index in members}
        self._close_decided(start)
        self._before = dict(self._last_decided(members))
        counts = self._counts(members)
        for group in counts:
            self._baselines[group].forget(cycle - self._rules.baseline_cycles)
        suspects = self._suspects(counts)
        for group in suspects:
            self._hold(group, self._doubted(group, members, counts), start, end, counts[group])
        for group, count in counts.items():
            if group not in suspects:
                self._baselines[group].learn(cycle, count)
                self._quiet(group, count)
        for index in members:
            look, state = self._looks[index], self._verdicts[index].state
            if self.held[index]:
                self._held_since.setdefault(look.url_id, look.observed_at)
            elif state != "unknown":
                self._state[look.url_id] = state, look.observed_at
                self._held_since.pop(look.url_id, None)

    def _last_decided(self, members: list[int]) -> Iterator[tuple[int, tuple[State, datetime]]]:
        now: dict[str, tuple[State, datetime]] = {}
        for index in members:
            look, state = self._looks[index], self._verdicts[index].state
            if before := now.get(look.url_id) or self._state.get(look.url_id):
                yield index, before
            if state != "unknown":
                now[look.url_id] = state, look.observed_at

    def _old(self, index: int) -> bool:
        """True if its URL was held a day before."""
        look = self._looks[index]
        held = self._held_since.get(look.url_id)
        return held is not None and look.observed_at - held >= _EXPIRES

    def _doubted(self, group: Group, members: list[int], counts: Mapping[Group, Count]) -> list[int]:
        """The looks of the cycle that a suspect group holds."""
        own = [index for index in members if group in self._groups[index]]
        new = set(self._new(group, own))
        if self._together_again(new):
            new = set()
        others = self._others(group, members)
        return [
            index
            for index in own
            if index not in new
            and not self._stays_down(index)
            and not (others and self._old(index))
            and (group != ALL or self._affected(index, counts))
        ]

    def _new(self, group: Group, own: list[int]) -> Iterator[int]:
        """Looks at URLs that were decided after the first cycle of an open quarantine, and not held before."""
        opened = self._open.get(group)
        if opened is None:
            return
        first_end = opened.draft.began_at + timedelta(seconds=self._rules.cycle_s)
        for index in own:
            before = self._before.get(index)
            if self._looks[index].url_id not in self._held_since and before and before[1] >= first_end:
                yield index

    def _together_again(self, new: set[int]) -> bool:
        """True if of sites seen up enough flip together."""
        count = Count()
        for index in new:
            verdict = self._verdicts[index]
            if self._before[index][0] == "up" and verdict.outcome not in NOT_SEEN:
                count.add(self._site(index), 0, flipped=verdict.state == "down")
        return len(count.flipped) >= max(self._rules.least_sites / 2, self._rules.share * len(count.looked))

    def _stays_down(self, index: int) -> bool:
        """True if its URL was believed down before the cycle, and not seen up in it."""
        before = self._state.get(self._looks[index].url_id)
        return before is not None and before[0] == "down" and self._before[index][0] == "down"

    def _affected(self, index: int, counts: Mapping[Group, Count]) -> bool:
        """True if a hoster or a prefix of the look flips as everything does, or it has neither."""
        groups = self._groups[index][1:]
        return not groups or any(
            count.share >= self._rules.share and (kind == "hoster" or len(count.flipped) > 1)
            for kind, count in ((group[0], counts.get(group, Count())) for group in groups)
            if count.looked
        )

    def _others(self, group: Group, members: list[int]) -> bool:
        """True if enough sites of a group are seen whose URLs were not held for a day."""
        seen = {self._site(i) for i, _, _ in self._repeated(members) if group in self._groups[i] and not self._old(i)}
        return len(seen) >= self._rules.least_sites / 2

    def _groups_of(self, index: int) -> tuple[Group, ...]:
        """The groups of a look; without an address, those of its URL's previous look."""
        look = self._looks[index]
        if look.address is None and not self._hosters[index]:
            return self._last_groups.get(look.url_id, (ALL,))
        groups: list[Group] = [ALL, *(("hoster", key) for key in self._hosters[index])]
        if look.address:
            groups.append(("prefix", network_of(look.address)))
        self._last_groups[look.url_id] = of_look = tuple(groups)
        return of_look

    def _counts(self, members: list[int]) -> dict[Group, Count]:
        counts: dict[Group, Count] = defaultdict(Count)
        others: dict[Group, bool] = {}
        for index, waited_us, flipped in self._repeated(members):
            for group in self._groups[index]:
                if group not in others:
                    others[group] = self._others(group, members)
                if not (others[group] and self._old(index)):
                    counts[group].add(self._site(index), waited_us, flipped=flipped)
        return counts

    def _repeated(self, members: Iterable[int], void_until: datetime | None = None) -> Iterator[tuple[int, int, bool]]:
        """Looks at URLs that were last known up: index, microseconds since then, and True if flipped."""
        now: dict[str, tuple[State, datetime]] = {}
        for index in members:
            look, verdict = self._looks[index], self._verdicts[index]
            before = now.get(look.url_id) or self._state.get(look.url_id)
            if before and before[0] == "up" and verdict.outcome not in NOT_SEEN:
                yield index, (look.observed_at - before[1]) // _MICROSECOND, verdict.state == "down"
            voided = void_until is not None and look.observed_at <= void_until and verdict.state == "down"
            if verdict.state != "unknown" and not voided:
                now[look.url_id] = verdict.state, look.observed_at

    def _site(self, index: int) -> str:
        url_id = self._looks[index].url_id
        return self._sites.get(url_id, url_id)

    def _suspects(self, counts: Mapping[Group, Count]) -> set[Group]:
        """The groups to quarantine: the narrowest that explains the flips, unless a wider quarantine is open.

        A flip at one hoster casts no doubt on the others, and a flip everywhere is not blamed on each hoster.
        """
        suspects = {group for group, count in counts.items() if self._suspect(group, count)}
        if ALL in suspects and ALL not in self._open and not self._beyond_one_hoster(counts):
            suspects.discard(ALL)
        if ALL in suspects:
            return {group for group in suspects if group == ALL or group in self._open}
        explained: set[str] = set()
        for group in suspects:
            if group[0] == "hoster":
                explained |= counts[group].flipped
        return {
            group
            for group in suspects
            if group[0] == "hoster" or group in self._open or not counts[group].flipped <= explained
        }

    def _beyond_one_hoster(self, counts: Mapping[Group, Count]) -> bool:
        """True if enough sites flipped outside open quarantines and the most affected hoster."""
        rest = Count(set(counts[ALL].looked), set(counts[ALL].flipped))
        for group in self._open:
            rest.leave_out(counts.get(group, Count()))
        hosters = [count for group, count in counts.items() if group[0] == "hoster"]
        rest.leave_out(max(hosters, key=lambda count: len(count.flipped & rest.flipped), default=Count()))
        return len(rest.flipped) >= self._rules.least_sites / 2 and rest.share >= self._rules.share

    def _suspect(self, group: Group, count: Count) -> bool:
        if count.share < self._rules.share:
            return False
        if group in self._open or group in self._voided:
            return True
        far_more = self._rules.times_usual * self._baselines[group].expected(count.wait_us)
        return len(count.flipped) >= self._rules.least_sites and count.share - count.error >= far_more

    def _hold(self, group: Group, members: Sequence[int], start: datetime, end: datetime, count: Count) -> None:
        """Quarantine a group's down looks of one cycle, up to a decision within it; one dated before holds for all."""
        opened = self._open.get(group)
        if opened is None:
            draft = QuarantineDraft(group=group, began_at=start, decision=self._decisions.on(group, start))
            opened = self._open[group] = _OpenQuarantine(draft=draft, baseline=self._baselines[group].share)
        until = opened.draft.decided_at
        if until is None or not start < until < end:
            opened.extend(end, count)
            self._mark(members, opened)
            return
        before = [index for index in members if self._looks[index].observed_at <= until]
        opened.extend(until, self._count(before))
        self._mark(before, opened)
        void_until = until if opened.draft.status == "voided" else None
        self._close(group)
        rest = Count()
        for index, waited_us, flipped in self._repeated(members, void_until):
            if self._looks[index].observed_at > until:
                rest.add(self._site(index), waited_us, flipped=flipped)
        if self._suspect(group, rest):
            after = [index for index in members if self._looks[index].observed_at > until]
            self._hold(group, after, until, end, rest)

    def _count(self, members: Iterable[int]) -> Count:
        count = Count()
        for index, waited_us, flipped in self._repeated(members):
            count.add(self._site(index), waited_us, flipped=flipped)
        return count

    def _mark(self, members: Iterable[int], opened: _OpenQuarantine) -> None:
        if opened.draft.status == "released":
            return
        for index in members:
            if self._verdicts[index].state == "down":
                self.held[index] = True

    def _quiet(self, group: Group, count: Count) -> None:
        """End a quarantine after enough sites were seen in cycles that are not suspect."""
        opened = self._open.get(group)
        if opened is None:
            if len(count.looked) >= self._rules.least_sites:
                self._voided.discard(group)
            return
        opened.quiet |= count.looked
        if len(opened.quiet) >= self._rules.least_sites:
            self._close(group)
            self._voided.discard(group)

    def _close_decided(self, start: datetime) -> None:
        for group, opened in list(self._open.items()):
            if opened.draft.decided_at is not None and opened.draft.decided_at <= start:
                self._close(group)

    def _close(self, group: Group) -> None:
        opened = self._open.pop(group)
        if opened.draft.status == "voided":
            self._voided.add(group)
        self._ended.append(opened.result())

    def finish(self) -> list[Quarantine]:
        """All quarantines, by their beginning."""
        for group in list(self._open):
            self._close(group)
        return sorted(self._ended, key=lambda ended: (ended.began_at, ended.kind, ended.scope))
