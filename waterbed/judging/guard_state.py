"""The cycle guard's state before a cycle, by names."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from waterbed.judging.columns import Array
from waterbed.judging.flip_baseline import Count
from waterbed.judging.last_known import LastKnown
from waterbed.judging.quarantines import Decisions, Group, QuarantineDraft
from waterbed.model.codec import moment
from waterbed.model.conclusions import Quarantine


class OpenGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A quarantine that has not ended; sites by their ids."""

    group: Group
    began_at: datetime
    ended_at: datetime | None
    baseline: float | None
    looked: tuple[str, ...]
    flipped: tuple[str, ...]
    quiet: tuple[str, ...]


class GuardState(msgspec.Struct, frozen=True, kw_only=True):
    """The guard's knowledge before a cycle, but last states."""

    groups: tuple[Group, ...]
    """All groups that are named here by number."""
    cycles: tuple[tuple[int, tuple[int, ...]], ...]
    """Each cycle of the baseline, with its suspect groups."""
    counts: bytes
    """Their counts, one row for each cycle and group: an Arrow table."""
    open: tuple[OpenGroup, ...]
    voided: tuple[Group, ...]

    @property
    def named(self) -> set[Group]:
        """All groups in it."""
        return {*self.groups, *(one.group for one in self.open), *self.voided}


@dataclass(slots=True, kw_only=True)
class GuardStart:
    """The guard's beginning.

    Its state, each URL's last one, and the number of each site in it.
    """

    state: GuardState
    urls: LastKnown
    sites: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """The guard's knowledge before a cycle.

    It is filled when the guard comes there.
    """

    cycle: int
    sites: Callable[[], Sequence[str]]
    """The id of each site, by number."""
    state: GuardState | None = None
    urls: Mapping[str, Array] | None = None
    """See `LastKnown.columns`."""


def packed(table: pa.Table) -> bytes:
    """A table as bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def unpacked(content: bytes) -> pa.Table:
    """The table of some bytes."""
    with pa.ipc.open_stream(content) as stream:
        return stream.read_all()


COUNTED: Final = ("groups", "looked", "flipped", "looks", "waited")
"""What is kept of a cycle's counts."""
SITES: Final = ("looked", "flipped", "quiet")


@dataclass(slots=True)
class Cycle:
    """Looks of a cycle at URLs last known up.

    They are by group and site. Those of several cycles may stand in one, cycle after cycle.
    """

    groups: Array
    """Each group with such a look, ascending."""
    looked: Array
    flipped: Array
    """Numbers of sites."""
    looks: Array
    waited: Array
    """Microseconds since the sites were last up, summed over looks."""
    earliest: Array
    """The first entry of each group, in time order."""
    pair_group: Array
    """One entry for each group and site."""
    pair_site: Array
    pair_flipped: Array
    others: Array
    """Whether enough sites of a group are seen that were not held a day before: then these do not count."""

    def without_sites(self) -> "Cycle":
        """The numbers alone."""
        none = np.zeros(0, np.int64)
        return replace(
            self,
            groups=self.groups.astype(np.int32),
            looked=self.looked.astype(np.int32),
            flipped=self.flipped.astype(np.int32),
            looks=self.looks.astype(np.int32),
            earliest=none,
            pair_group=none,
            pair_site=none,
            pair_flipped=none,
            others=none,
        )

    def part(self, groups: slice) -> "Cycle":
        """Some of the groups; numbers alone."""
        return replace(self, **{name: getattr(self, name)[groups] for name in COUNTED})

    def place(self, group: int) -> int | None:
        """Where a group is, None without a look."""
        at = int(np.searchsorted(self.groups, group))
        return at if at < len(self.groups) and self.groups[at] == group else None

    def count(self, group: int) -> Count:
        """The sites and looks of a group."""
        at = self.place(group)
        if at is None:
            return Count()
        first, last = np.searchsorted(self.pair_group, [group, group + 1])
        sites, flipped = self.pair_site[first:last], self.pair_flipped[first:last]
        return Count(
            set(sites.tolist()), set(sites[flipped].tolist()), looks=int(self.looks[at]), waited_us=int(self.waited[at])
        )


@dataclass(slots=True, kw_only=True)
class OpenQuarantine:
    """A quarantine that has not ended."""

    draft: QuarantineDraft
    baseline: float | None
    looked: set[int] = field(default_factory=set)
    flipped: set[int] = field(default_factory=set)
    quiet: set[int] = field(default_factory=set)
    """Sites seen in later cycles that were not suspect."""

    def extend(self, end: int, count: Count) -> None:
        """Add a suspect cycle, or its part until a time."""
        self.draft.ended_at = moment(end)
        self.looked |= count.looked
        self.flipped |= count.flipped
        self.quiet = set()

    def result(self) -> Quarantine:
        """The quarantine as a conclusion."""
        return self.draft.quarantine(looked=len(self.looked), flipped=len(self.flipped), usual=self.baseline)


History: TypeAlias = tuple[int, Cycle, frozenset[int]]
"""A cycle, its counts, and its suspect groups."""


def history_of(state: GuardState, numbers: Mapping[Group, int]) -> Iterator[History]:
    """The cycles of a state.

    `numbers` are those of groups now.
    """
    own_numbers = np.array([numbers[group] for group in state.groups] or [0], np.int32)
    counts = unpacked(state.counts)
    columns = {name: np.asarray(counts.column(name)) for name in counts.schema.names}
    columns["groups"] = own_numbers[columns["groups"]]
    order = np.lexsort((columns["groups"], columns["cycle"]))
    in_order = columns["cycle"][order]
    none = np.zeros(0, np.int64)
    for cycle, suspects in state.cycles:
        own = order[slice(*np.searchsorted(in_order, [cycle, cycle + 1]).tolist())]
        its = Cycle(
            **{name: columns[name][own] for name in COUNTED},
            earliest=none, pair_group=none, pair_site=none, pair_flipped=none, others=none,
        )  # fmt: skip
        yield cycle, its.without_sites(), frozenset(own_numbers[list(suspects)].tolist())


def open_of(begin: GuardStart, numbers: Mapping[Group, int], decisions: Decisions) -> dict[int, OpenQuarantine]:
    """The open quarantines of a state, with people's decisions."""
    found = {}
    for one in begin.state.open:
        looked, flipped, quiet = ({begin.sites[site] for site in its} for its in (one.looked, one.flipped, one.quiet))
        draft = QuarantineDraft(
            group=one.group,
            began_at=one.began_at,
            decision=decisions.on(one.group, one.began_at),
            ended_at=one.ended_at,
        )
        found[numbers[one.group]] = OpenQuarantine(
            draft=draft, baseline=one.baseline, looked=looked, flipped=flipped, quiet=quiet
        )
    return found


def state_of(
    names: Sequence[Group],
    history: Iterable[History],
    opened: Mapping[int, OpenQuarantine],
    voided: Iterable[Group],
    sites: Callable[[], Sequence[str]],
) -> GuardState:
    """The knowledge of a guard, by names."""
    cycles = list(history)
    none = np.zeros(0, np.int32)
    columns = {name: np.concatenate([none, *(getattr(its, name) for _, its, _ in cycles)]) for name in COUNTED}
    numbers = np.unique(columns["groups"])
    columns["groups"] = np.searchsorted(numbers, columns["groups"]).astype(np.int32)
    place = {number: at for at, number in enumerate(numbers.tolist())}
    of_rows = np.concatenate(
        [none.astype(np.int64), *(np.full(len(its.groups), cycle, np.int64) for cycle, its, _ in cycles)]
    )
    of_sites = sites() if opened else ()
    return GuardState(
        groups=tuple(names[number] for number in numbers.tolist()),
        cycles=tuple((cycle, tuple(sorted(place[one] for one in suspects))) for cycle, _, suspects in cycles),
        counts=packed(pa.table({"cycle": of_rows, **columns})),
        open=tuple(
            OpenGroup(
                group=its.draft.group,
                began_at=its.draft.began_at,
                ended_at=its.draft.ended_at,
                baseline=its.baseline,
                **{name: tuple(sorted(of_sites[number] for number in getattr(its, name))) for name in SITES},
            )
            for its in opened.values()
        ),
        voided=tuple(sorted(voided)),
    )
