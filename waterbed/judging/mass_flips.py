"""When so much flips at once that it is not believed: mass flips, by cycle and group."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from waterbed.judging.flip_baseline import Count, FlipBaseline
from waterbed.judging.quarantines import Decisions, Group, GuardRules, Held, cycle_bounds
from waterbed.model.conclusions import Quarantine, State, Verdict
from waterbed.model.facts import Observation
from waterbed.model.urls import network_of

ALL: Final[Group] = ("all", "")
NOT_SEEN: Final = ("our_fault", "unwatched", "unobserved")
"""Outcomes of looks that saw nothing: they are no second look at what was up."""
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class _Going:
    """A quarantine that goes on."""

    held: Held
    usual: float | None
    looked: set[str] = field(default_factory=set)
    flipped: set[str] = field(default_factory=set)
    quiet: set[str] = field(default_factory=set)
    """Sites seen in cycles since that were not suspect."""

    def extend(self, end: datetime, count: Count) -> None:
        """Take one more suspect cycle."""
        self.held.ended_at = end
        self.looked |= count.looked
        self.flipped |= count.flipped
        self.quiet = set()

    def result(self) -> Quarantine:
        """As it is concluded."""
        return self.held.quarantine(looked=len(self.looked), flipped=len(self.flipped), usual=self.usual)


def guard_flips(
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    hosters: Sequence[tuple[str, ...]],
    sites: Mapping[str, str],
    rules: GuardRules,
    decided: Decisions,
) -> tuple[list[Quarantine], list[bool]]:
    """Find cycles in which too much flipped at once, and the looks that are not believed for it.

    `looks`, `verdicts` and `hosters` (keys of the look's attribution) are parallel; `sites` gives the site of each
    URL. Returns the quarantines in order of their beginning, and for each look whether it is a down look that a
    quarantine holds. Cost is linear in the looks, after sorting them by time.
    """
    guard = _Guard(looks, verdicts, hosters, sites, rules, decided)
    by_cycle: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(looks)), key=lambda index: looks[index].observed_at):
        by_cycle[rules.cycle_of(looks[index].observed_at)].append(index)
    for cycle in sorted(by_cycle):
        guard.take(cycle, by_cycle[cycle])
    return guard.finish(), guard.held


class _Guard:
    """Walks through the cycles, with the last believed state of each URL."""

    def __init__(
        self,
        looks: Sequence[Observation],
        verdicts: Sequence[Verdict],
        hosters: Sequence[tuple[str, ...]],
        sites: Mapping[str, str],
        rules: GuardRules,
        decided: Decisions,
    ) -> None:
        self.held = [False] * len(looks)
        self._looks, self._verdicts, self._hosters, self._sites = looks, verdicts, hosters, sites
        self._rules, self._decided = rules, decided
        self._state: dict[str, tuple[State, datetime]] = {}
        self._place: dict[str, tuple[Group, ...]] = {}
        self._groups: dict[int, tuple[Group, ...]] = {}
        self._usual: dict[Group, FlipBaseline] = defaultdict(FlipBaseline)
        self._going: dict[Group, _Going] = {}
        self._voided: set[Group] = set()
        self._done: list[Quarantine] = []

    def take(self, cycle: int, members: list[int]) -> None:
        """Take all looks of one cycle, in time order."""
        start, end = cycle_bounds(cycle, self._rules)
        self._groups = {index: self._groups_of(index) for index in members}
        self._close_decided(start)
        counts = self._counts(members)
        for group in counts:
            self._usual[group].forget(cycle - self._rules.usual_cycles)
        suspects = self._suspects(counts)
        for group in suspects:
            own = [index for index in members if group in self._groups[index]]
            self._hold(group, own, start, end, counts[group])
        for group, count in counts.items():
            if group not in suspects:
                self._usual[group].learn(cycle, count)
                self._quiet(group, count)
        for index in members:
            look, state = self._looks[index], self._verdicts[index].state
            if state != "unknown" and not self.held[index]:
                self._state[look.url_id] = state, look.observed_at

    def _groups_of(self, index: int) -> tuple[Group, ...]:
        """The groups of a look; one without an address belongs where its URL was last."""
        look = self._looks[index]
        if look.address is None and not self._hosters[index]:
            return self._place.get(look.url_id, (ALL,))
        groups: list[Group] = [ALL, *(("hoster", key) for key in self._hosters[index])]
        if look.address:
            groups.append(("prefix", network_of(look.address)))
        self._place[look.url_id] = found = tuple(groups)
        return found

    def _counts(self, members: Iterable[int]) -> dict[Group, Count]:
        counts: dict[Group, Count] = defaultdict(Count)
        for index, waited_us, flipped in self._again(members):
            for group in self._groups[index]:
                counts[group].add(self._site(index), waited_us, flipped=flipped)
        return counts

    def _again(self, members: Iterable[int], void_until: datetime | None = None) -> Iterator[tuple[int, int, bool]]:
        """Looks at what was up when last decided, each with the microseconds since then and whether it flipped."""
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
        """The groups whose flips are not believed; the narrowest that explains them, unless the wider goes on already.

        That one hoster flipped is no reason to doubt all others, and that all flipped none to name each hoster.
        """
        suspects = {group for group, count in counts.items() if self._suspect(group, count)}
        if ALL in suspects and ALL not in self._going and not self._beyond_one_hoster(counts):
            suspects.discard(ALL)
        if ALL in suspects:
            return {group for group in suspects if group == ALL or group in self._going}
        explained: set[str] = set()
        for group in suspects:
            if group[0] == "hoster":
                explained |= counts[group].flipped
        return {
            group
            for group in suspects
            if group[0] == "hoster" or group in self._going or not counts[group].flipped <= explained
        }

    def _beyond_one_hoster(self, counts: Mapping[Group, Count]) -> bool:
        """Whether enough flipped besides what is in quarantine already and the one hoster of which most did."""
        rest = Count(set(counts[ALL].looked), set(counts[ALL].flipped))
        for group in self._going:
            rest.leave_out(counts.get(group, Count()))
        hosters = [count for group, count in counts.items() if group[0] == "hoster"]
        rest.leave_out(max(hosters, key=lambda count: len(count.flipped & rest.flipped), default=Count()))
        return len(rest.flipped) >= self._rules.least_sites / 2 and rest.share >= self._rules.share

    def _suspect(self, group: Group, count: Count) -> bool:
        if count.share < self._rules.share:
            return False
        if group in self._going or group in self._voided:
            return True
        far_more = self._rules.times_usual * self._usual[group].expected(count.wait_us)
        return len(count.flipped) >= self._rules.least_sites and count.share - count.error >= far_more

    def _hold(self, group: Group, members: Sequence[int], start: datetime, end: datetime, count: Count) -> None:
        """Put a group's down looks of one cycle in quarantine, up to a decision in it."""
        going = self._going.get(group)
        if going is None:
            held = Held(group=group, began_at=start, decision=self._decided.on(group, start))
            going = self._going[group] = _Going(held=held, usual=self._usual[group].share)
        until = going.held.decided_at
        if until is None or until >= end:
            going.extend(end, count)
            self._mark(members, going)
            return
        before = [index for index in members if self._looks[index].observed_at <= until]
        going.extend(until, self._count(before))
        self._mark(before, going)
        void_until = until if going.held.status == "voided" else None
        self._close(group)
        rest = Count()
        for index, waited_us, flipped in self._again(members, void_until):
            if self._looks[index].observed_at > until:
                rest.add(self._site(index), waited_us, flipped=flipped)
        if self._suspect(group, rest):
            after = [index for index in members if self._looks[index].observed_at > until]
            self._hold(group, after, until, end, rest)

    def _count(self, members: Iterable[int]) -> Count:
        count = Count()
        for index, waited_us, flipped in self._again(members):
            count.add(self._site(index), waited_us, flipped=flipped)
        return count

    def _mark(self, members: Iterable[int], going: _Going) -> None:
        if going.held.status == "released":
            return
        for index in members:
            if self._verdicts[index].state == "down":
                self.held[index] = True

    def _quiet(self, group: Group, count: Count) -> None:
        """End a quarantine once enough sites were seen that did not flip; few or none say nothing."""
        going = self._going.get(group)
        if going is None:
            if len(count.looked) >= self._rules.least_sites:
                self._voided.discard(group)
            return
        going.quiet |= count.looked
        if len(going.quiet) >= self._rules.least_sites:
            self._close(group)
            self._voided.discard(group)

    def _close_decided(self, start: datetime) -> None:
        for group, going in list(self._going.items()):
            if going.held.decided_at is not None and going.held.decided_at <= start:
                self._close(group)

    def _close(self, group: Group) -> None:
        going = self._going.pop(group)
        if going.held.status == "voided":
            self._voided.add(group)
        self._done.append(going.result())

    def finish(self) -> list[Quarantine]:
        """All quarantines, by their beginning."""
        for group in list(self._going):
            self._close(group)
        return sorted(self._done, key=lambda found: (found.began_at, found.kind, found.scope))
