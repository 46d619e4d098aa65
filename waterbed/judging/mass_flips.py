"""Mass flips: implausibly many at once, by cycle and group."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.confirmation import DOWN, UNKNOWN, UP
from waterbed.judging.flip_baseline import Count, FlipBaseline
from waterbed.judging.guard_state import (
    Checkpoint,
    Cycle,
    GuardStart,
    OpenQuarantine,
    history_of,
    open_of,
    state_of,
)
from waterbed.judging.last_known import GuardLooks, LastKnown
from waterbed.judging.quarantines import Decisions, Group, GuardRules, QuarantineDraft, cycle_bounds
from waterbed.model.codec import microseconds, moment
from waterbed.model.conclusions import Quarantine

ALL: Final[Group] = ("all", "")
_FIRST: Final = 64
"""Cycles that are counted at once in the beginning."""
_MOST: Final = 65_536
"""Looks that are counted at once, but for those of one cycle."""
_EXPIRES_US: Final = 86_400_000_000
"""How long what is held stays doubted while others of its group are seen."""
NOT_SEEN: Final = ("our_fault", "unwatched", "unobserved")
"""Outcomes of looks that saw nothing; they do not count."""


def guard_flips(
    looks: Iterable[GuardLooks],
    urls: int,
    hoster_sets: Sequence[tuple[str, ...]],
    prefixes: Sequence[str],
    rules: GuardRules,
    decisions: Decisions,
    *,
    begin: GuardStart | None = None,
    keep: Checkpoint | None = None,
) -> tuple[list[Quarantine], Array]:
    """Find cycles with mass flips, and the looks to quarantine.

    `looks` come in stretches of whole cycles, in time order; `urls` is how many there are. Returns the quarantines in
    order of their beginning, and the rows of the down looks in quarantine, ascending. Cost is linear in the looks,
    after sorting them by time; memory grows with the URLs and one stretch. With `begin` it goes on from there; what it
    knows at a cycle is put into `keep`.
    """
    guard = _Guard(urls, hoster_sets, prefixes, rules, decisions, begin)
    for stretch in looks:
        ordered = stretch.taken(np.lexsort((stretch.row, stretch.at)))
        cycles = ordered.at // int(rules.cycle_s * 1_000_000)
        starts = np.flatnonzero(np.diff(cycles, prepend=-1))
        guard.take(ordered, cycles[starts], np.append(starts, len(ordered)), keep)
    if keep and keep.state is None:
        guard.checkpoint(keep)
    return guard.finish(), np.sort(np.concatenate([np.zeros(0, np.int64), *guard.held]))


class _Guard:
    """Walks through the cycles with each URL's last state that is not in quarantine."""

    def __init__(
        self,
        urls: int,
        hoster_sets: Sequence[tuple[str, ...]],
        prefixes: Sequence[str],
        rules: GuardRules,
        decisions: Decisions,
        begin: GuardStart | None,
    ) -> None:
        self.held: list[Array] = []
        """Rows of looks in quarantine."""
        self._rules, self._decisions = rules, decisions
        before = begin.state.named if begin else set()
        hosters = sorted(
            {*(key for keys in hoster_sets for key in keys), *(k for kind, k in before if kind == "hoster")}
        )
        others = sorted({name for kind, name in before if kind == "prefix"}.difference(prefixes))
        self._names: list[Group] = [
            *(ALL, *(("hoster", key) for key in hosters)),
            *(("prefix", one) for one in (*prefixes, *others)),
        ]
        self._numbers = {group: number for number, group in enumerate(self._names)}
        self._first_prefix = 1 + len(hosters)
        of_sets = [[self._numbers["hoster", key] for key in keys] for keys in hoster_sets]
        self._set_sizes = np.array([len(keys) for keys in of_sets], np.int64)
        self._set_starts = np.concatenate(([0], np.cumsum(self._set_sizes)))[:-1]
        self._set_members = np.array([key for keys in of_sets for key in keys], np.int64)
        self._sets_with: dict[int, list[int]] = {}
        for number, keys in enumerate(of_sets):
            for key in keys:
                self._sets_with.setdefault(key, []).append(number)
        self._urls = begin.urls if begin else LastKnown(urls)
        self._looks: GuardLooks
        self._together = _FIRST
        """Cycles to count at once next."""
        self._history: deque[tuple[int, Cycle, frozenset[int]]] = deque()
        self._open: dict[int, OpenQuarantine] = {}
        self._voided: set[int] = set()
        self._ended: list[Quarantine] = []
        if begin:
            self._history.extend(history_of(begin.state, self._numbers))
            self._open = open_of(begin, self._numbers, decisions)
            self._voided = {self._numbers[group] for group in begin.state.voided}

    def checkpoint(self, keep: Checkpoint) -> None:
        """Keep what is known now."""
        keep.urls = self._urls.columns()
        keep.state = state_of(
            self._names, self._history, self._open, [self._names[group] for group in self._voided], keep.sites
        )

    def take(self, looks: GuardLooks, cycles: Array, bounds: Array, keep: Checkpoint | None) -> None:
        """Process whole cycles, in time order.

        `bounds` are where each begins, and the end. As long as nothing is suspect many are counted at once. How many
        doubles each time and falls to one where a group may be suspect, so that no more looks are counted again than
        were counted before.
        """
        at = 0
        while at < len(cycles):
            waiting = keep is not None and keep.state is None
            if keep and waiting and cycles[at] >= keep.cycle:
                self.checkpoint(keep)
                waiting = False
            if self._open or self._voided or self._together == 1:
                self._take_one(int(cycles[at]), looks.taken(slice(*bounds[at : at + 2].tolist())))
                at, self._together = at + 1, 2
                continue
            most = int(np.searchsorted(bounds, bounds[at] + _MOST, "right")) - 1
            end = min(at + self._together, max(at + 1, most), len(cycles))
            if keep and waiting:
                end = min(end, int(np.searchsorted(cycles, keep.cycle)))
            # each look at a URL may end that it is held, so a cycle with one that is held is taken alone
            held = np.flatnonzero(self._urls.held_since(looks.taken(slice(*bounds[[at, end]].tolist()))))
            if len(held):
                end = int(np.searchsorted(bounds, bounds[at] + held[0], "right")) - 1
            if end == at:
                self._together = 1
                continue
            own = looks.taken(slice(*bounds[[at, end]].tolist()))
            calm = self._take_calm(cycles[at:end], bounds[at : end + 1] - bounds[at], own)
            self._together = 2 * self._together if at + calm == end else 1
            at += calm

    def _take_calm(self, cycles: Array, bounds: Array, looks: GuardLooks) -> int:
        """Process cycles up to the first in which a group may be suspect; returns how many. No quarantine is open."""
        self._see(looks)
        counts, nth = self._counts(np.repeat(np.arange(len(cycles)), np.diff(bounds)))
        calm = int(nth[self._likely(counts)].min(initial=len(cycles)))
        numbers, groups = counts.without_sites(), np.searchsorted(nth, np.arange(calm + 1)).tolist()
        for cycle, first, last in zip(cycles[:calm].tolist(), groups[:-1], groups[1:], strict=True):
            self._forget(cycle)
            self._history.append((cycle, numbers.part(slice(first, last)), frozenset()))
        end = int(bounds[calm])
        own = looks.taken(slice(end))
        self._urls.learn(own, self._hosters[:end], self._prefix[:end], np.zeros(end, bool))
        return calm

    def _take_one(self, cycle: int, looks: GuardLooks) -> None:
        """Process all looks of one cycle, in time order."""
        start, end = (microseconds(bound) for bound in cycle_bounds(cycle, self._rules))
        self._close_decided(start)
        self._forget(cycle)
        self._see(looks)
        self._held = np.zeros(len(looks), bool)
        counts, _ = self._counts(np.zeros(len(looks), np.int64))
        suspects = self._suspects(counts)
        for group in suspects:
            self._hold(group, self._doubted(group, counts), start, end, counts.count(group))
        for group in {*self._open, *self._voided}:
            if group not in suspects and counts.place(group) is not None:
                self._quiet(group, counts.count(group))
        self._history.append((cycle, counts.without_sites(), frozenset(suspects)))
        self._urls.learn(looks, self._hosters, self._prefix, self._held)
        if self._held.any():
            self.held.append(looks.row[self._held])

    def _forget(self, cycle: int) -> None:
        """Leave out cycles that are no part of the baseline of one."""
        while self._history and self._history[0][0] < cycle - self._rules.baseline_cycles:
            self._history.popleft()

    def _see(self, looks: GuardLooks) -> None:
        """Set what is known at each look."""
        self._looks = looks
        self._hosters, self._prefix, self._before, self._before_at = self._urls.before(looks)
        self._held_at = self._urls.held_since(looks)

    def _within(self, group: int) -> Array:
        """Which looks of the cycle belong to a group."""
        if group == 0:
            return np.arange(len(self._looks))
        if group >= self._first_prefix:
            return np.flatnonzero(self._prefix == group - self._first_prefix)
        return np.flatnonzero(np.isin(self._hosters, self._sets_with[group]))

    def _doubted(self, group: int, counts: Cycle) -> Array:
        """Which looks of the cycle a suspect group holds: as few as can be of one fault.

        Of everything: those of hosters, and of prefixes with two sites at least, of which as large a share flipped.
        Once its quarantine is open: those held before, and of URLs not seen up since it began; others again if
        enough of them flip together. None of a URL that was down before, or held for a day while its group was
        seen.
        """
        members = self._within(group)
        gone = self._urls.was_down(self._looks) & (self._before == DOWN)
        doubted = ~(gone | self._expired(group, counts))[members]
        if group == 0:
            doubted &= self._affected(counts)[members]
        if opened := self._open.get(group):
            first_end = microseconds(opened.draft.began_at) + int(self._rules.cycle_s * 1_000_000)
            new = (self._held_at[members] == 0) & (self._before_at[members] >= first_end)
            if not self._together_again(members[new]):
                doubted &= ~new
        found: Array = members[doubted]
        return found

    def _affected(self, counts: Cycle) -> Array:
        """Which looks of the cycle are of a hoster or a prefix that flips as everything does, or of neither."""
        high = counts.flipped >= self._rules.share * counts.looked
        hosters = counts.groups[high & (counts.groups > 0) & (counts.groups < self._first_prefix)]
        prefixes = counts.groups[high & (counts.groups >= self._first_prefix) & (counts.flipped > 1)]
        sets = [number for hoster in hosters.tolist() for number in self._sets_with[hoster]]
        nowhere = (self._hosters == 0) & (self._prefix == NOTHING)
        found: Array = np.isin(self._hosters, sets) | np.isin(self._prefix, prefixes - self._first_prefix) | nowhere
        return found

    def _together_again(self, new: Array) -> bool:
        """True if of looks at sites that were seen up enough flip together."""
        seen = new[(self._before[new] == UP) & ~self._looks.unseen[new]]
        looked = np.unique(self._looks.site[seen])
        flipped = np.unique(self._looks.site[seen[self._looks.state[seen] == DOWN]])
        return bool(len(flipped) >= max(self._rules.least_sites / 2, self._rules.share * len(looked)))

    def _old(self) -> Array:
        """Which looks of the cycle are at URLs that were held a day before."""
        found: Array = (self._held_at > 0) & (self._looks.at - self._held_at >= _EXPIRES_US)
        return found

    def _expired(self, group: int, counts: Cycle) -> Array:
        """Which of them a group holds no longer, since enough others of it are seen."""
        old = self._old()
        at = counts.place(group)
        return old if at is not None and counts.others[at] else np.zeros(len(old), bool)

    def _counts(self, nth: Array) -> tuple[Cycle, Array]:
        """All looks at URLs that were last known up, by group; `nth` is the number of each look's cycle.

        Also that number of each group.
        """
        rows = np.flatnonzero((self._before == UP) & ~self._looks.unseen)
        waited, flipped = self._looks.at[rows] - self._before_at[rows], self._looks.state[rows] == DOWN
        sets, prefix = self._hosters[rows], self._prefix[rows]
        sizes, addressed = self._set_sizes[sets], np.flatnonzero(prefix != NOTHING)
        of_hosters = np.repeat(np.arange(len(rows)), sizes)
        place = np.arange(len(of_hosters)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        row = np.concatenate((np.arange(len(rows)), of_hosters, addressed))
        group = np.concatenate(
            (
                np.zeros(len(rows), np.int64),
                self._set_members[np.repeat(self._set_starts[sets], sizes) + place],
                prefix[addressed].astype(np.int64) + self._first_prefix,
            )
        )
        cycle, site = nth[rows][row], self._looks.site[rows][row].astype(np.int64)
        order = np.lexsort((site, group, cycle))
        cycle, group, site, row = cycle[order], group[order], site[order], row[order]
        left, others = self._without_old(cycle, group, site, self._old()[rows][row])
        cycle, group, site, row = cycle[left], group[left], site[left], row[left]
        new_group = _differs(cycle) | _differs(group)
        new_pair = new_group | _differs(site)
        pairs, groups = np.flatnonzero(new_pair), np.flatnonzero(new_group)
        pair_flipped = np.logical_or.reduceat(flipped[row], pairs) if len(pairs) else np.zeros(0, bool)
        begins = np.searchsorted(pairs, groups)
        looked = np.diff(begins, append=len(pairs))
        counts = Cycle(
            groups=group[groups],
            looked=looked,
            flipped=np.add.reduceat(pair_flipped.astype(np.int64), begins) if len(begins) else begins,
            looks=np.diff(groups, append=len(group)),
            waited=np.add.reduceat(waited[row], groups) if len(groups) else groups,
            earliest=np.minimum.reduceat(row, groups) if len(groups) else groups,
            pair_group=group[pairs],
            pair_site=site[pairs],
            pair_flipped=pair_flipped,
            others=looked >= self._rules.least_sites / 2 if others is None else others[left][groups],
        )
        return counts, cycle[groups]

    def _without_old(self, cycle: Array, group: Array, site: Array, old: Array) -> tuple[Array, Array | None]:
        """Which entries count: all but old ones of groups with enough others; if there are such, which entries are."""
        if not old.any():
            return np.ones(len(old), bool), None
        groups = np.cumsum(_differs(cycle) | _differs(group)) - 1
        pairs = np.unique(np.stack((groups[~old], site[~old])), axis=1)
        enough = np.bincount(pairs[0], minlength=int(groups[-1]) + 1) >= self._rules.least_sites / 2
        return ~(old & enough[groups]), enough[groups]

    def _likely(self, counts: Cycle) -> Array:
        """Which groups may be suspect: enough flipped, of all and in number, but in open quarantines."""
        known = np.isin(counts.groups, [*self._open, *self._voided])
        high = counts.flipped >= self._rules.share * counts.looked * (1 - 1e-12)
        return ((counts.flipped >= self._rules.least_sites) | known) & high

    def _suspects(self, counts: Cycle) -> set[int]:
        """The groups to quarantine: the narrowest that explains the flips, unless a wider quarantine is open.

        A flip at one hoster casts no doubt on the others, and a flip everywhere is not blamed on each hoster.
        """
        likely = counts.groups[self._likely(counts)].tolist()
        suspects = {group for group in likely if self._suspect(group, counts.count(group))}
        if 0 in suspects and 0 not in self._open and not self._beyond_one_hoster(counts):
            suspects.discard(0)
        if 0 in suspects:
            return {group for group in suspects if group == 0 or group in self._open}
        explained: set[int] = set()
        for group in suspects:
            if self._names[group][0] == "hoster":
                explained |= counts.count(group).flipped
        return {
            group
            for group in suspects
            if self._names[group][0] == "hoster" or group in self._open or not counts.count(group).flipped <= explained
        }

    def _beyond_one_hoster(self, counts: Cycle) -> bool:
        """True if enough sites flipped outside open quarantines and the most affected hoster."""
        rest = counts.count(0)
        for group in self._open:
            rest.leave_out(counts.count(group))
        places = np.flatnonzero((counts.groups > 0) & (counts.groups < self._first_prefix))
        hosters = [
            counts.count(int(counts.groups[at])) for at in places[np.argsort(counts.earliest[places], kind="stable")]
        ]
        rest.leave_out(max(hosters, key=lambda count: len(count.flipped & rest.flipped), default=Count()))
        return len(rest.flipped) >= self._rules.least_sites / 2 and rest.share >= self._rules.share

    def _suspect(self, group: int, count: Count) -> bool:
        if count.share < self._rules.share:
            return False
        if group in self._open or group in self._voided:
            return True
        if len(count.flipped) < self._rules.least_sites:
            return False
        far_more = self._rules.times_usual * self._baseline(group).expected(count.wait_us)
        return count.share - count.error >= far_more

    def _baseline(self, group: int) -> FlipBaseline:
        """The flip rate of a group over its earlier cycles that were not suspect."""
        baseline = FlipBaseline()
        for cycle, counts, suspects in self._history:
            at = counts.place(group)
            if at is not None and group not in suspects:
                baseline.learn(
                    cycle,
                    looked=int(counts.looked[at]),
                    flipped=int(counts.flipped[at]),
                    looks=int(counts.looks[at]),
                    waited_us=int(counts.waited[at]),
                )
        return baseline

    def _hold(self, group: int, members: Array, start: int, end: int, count: Count) -> None:
        """Quarantine a group's down looks of one cycle, up to each decision within it.

        A decision dated before its quarantine, by a clock that is behind, holds for the first cycle.
        """
        while True:
            opened, name = self._open.get(group), self._names[group]
            if opened is None:
                began = moment(start)
                draft = QuarantineDraft(group=name, began_at=began, decision=self._decisions.on(name, began))
                opened = self._open[group] = OpenQuarantine(draft=draft, baseline=self._baseline(group).share)
            decided_at = opened.draft.decided_at
            until = end if decided_at is None else microseconds(decided_at)
            if not start < until < end:
                opened.extend(end, count)
                self._mark(members, opened)
                return
            before = members[self._looks.at[members] <= until]
            opened.extend(until, self._count(before))
            self._mark(before, opened)
            void_until = until if opened.draft.status == "voided" else None
            self._close(group)
            count = self._count(members, void_until, since=until)
            if not self._suspect(group, count):
                return
            members, start = members[self._looks.at[members] > until], until

    def _count(self, members: Array, void_until: int | None = None, *, since: int | None = None) -> Count:
        """Count some looks of a cycle; voided down looks tell no state. Only those after `since` count."""
        looks, count = self._looks, Count()
        now: dict[int, tuple[int, int]] = {}
        for index in members.tolist():
            url, when, state = int(looks.url[index]), int(looks.at[index]), int(looks.state[index])
            before = now.get(url) or self._urls.known(url)
            if before and before[0] == UP and not looks.unseen[index] and (since is None or when > since):
                count.add(int(looks.site[index]), when - before[1], flipped=state == DOWN)
            voided = void_until is not None and when <= void_until and state == DOWN
            if state != UNKNOWN and not voided:
                now[url] = state, when
        return count

    def _mark(self, members: Array, opened: OpenQuarantine) -> None:
        if opened.draft.status != "released":
            self._held[members[self._looks.state[members] == DOWN]] = True

    def _quiet(self, group: int, count: Count) -> None:
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

    def _close_decided(self, start: int) -> None:
        for group, opened in list(self._open.items()):
            if opened.draft.decided_at is not None and microseconds(opened.draft.decided_at) <= start:
                self._close(group)

    def _close(self, group: int) -> None:
        opened = self._open.pop(group)
        if opened.draft.status == "voided":
            self._voided.add(group)
        self._ended.append(opened.result())

    def finish(self) -> list[Quarantine]:
        """All quarantines, by their beginning."""
        for group in list(self._open):
            self._close(group)
        return sorted(self._ended, key=lambda ended: (ended.began_at, ended.kind, ended.scope))


def _differs(column: Array) -> Array:
    """True where an entry is not that before it, and at the first."""
    return np.concatenate((np.ones(min(len(column), 1), bool), column[1:] != column[:-1]))
