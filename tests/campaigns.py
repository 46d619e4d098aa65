"""Campaigns: a thing is done, and struck at many of its calls, and what was promised of it is asked after each."""

import errno as codes
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tests.faults import SHORT, Call, Layer, Strike, Struck, struck


def classes(calls: Iterable[Call]) -> list[Call]:
    """The last call of each kind: the same change, of the same kind of file, by the same lines of ours."""
    found = {(*_kind(call), call.site): call for call in calls}
    return sorted(found.values(), key=lambda call: call.number)


def edges(calls: Sequence[Call]) -> list[Call]:
    """The first and last call of each run of like calls, between the same others but once.

    Pages are written by the hundred, and files of a day by the dozen. A database's journal is struck at each.
    """
    runs = [[*run] for _, run in groupby(calls, key=_kind)]
    found: dict[object, Call] = {}
    for number, run in enumerate(runs):
        around = [_kind(other[0]) for other in runs[max(0, number - 1) : number + 2]]
        for call in (run[0], run[-1]):
            found[call.number if call.path.endswith("-wal") else (*around, call is run[0])] = call
    return sorted({call.number: call for call in found.values()}.values(), key=lambda call: call.number)


def _kind(call: Call) -> tuple[str, str]:
    return call.what, Path(call.path).suffix


class Case(Protocol):
    """One thing to be done, on files of its own, and what is promised of it."""

    below: Sequence[Path]
    """Folders in which calls are struck."""

    def work(self) -> object:
        """Do it: in the child."""

    def complaints(self, struck: Struck) -> Iterator[str]:
        """Look at what is there afterwards, and say what was promised otherwise; it may go on from there."""


@dataclass(slots=True)
class Campaign:
    """What came of many strikes."""

    calls: int = 0
    kills: int = 0
    errors: int = 0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line of figures."""
        broken = f"{len(self.complaints):,} promises broken"
        told = f"{self.calls:,} calls, {self.kills:,} kills, {self.errors:,} errors, {broken}"
        return "; ".join([told, *self.complaints[:5]])


def campaign(
    fresh: Callable[[], AbstractContextManager[Case]],
    *,
    errors: Sequence[int] = (codes.EIO, codes.ENOSPC),
    chosen: Callable[[list[Call]], Iterable[Call]] = list,
    by: Layer | None = None,
) -> Campaign:
    """Strike at all calls, or those that are chosen: a kill, then each error, once and lasting."""
    made = Campaign()
    with fresh() as case:
        calm = struck(case.work, case.below, by=by)
        made.complaints += [f"unharmed: {said}" for said in case.complaints(calm)]
    made.calls = len(calm.calls)
    ways = [(None, False), *((errno, lasting) for errno in errors for lasting in (False, True))]
    for call in chosen(calm.calls):
        for errno, lasting in ways:
            if (errno == SHORT and call.what != "write") or (errno in (SHORT, codes.EINTR) and lasting):
                continue
            with fresh() as case:
                found = struck(case.work, case.below, Strike(call.number, errno, lasting), by)
                made.kills += found.code is None
                made.errors += found.code is not None
                how = "killed" if errno is None else codes.errorcode.get(errno, "short")
                how += " from here on" if lasting else ""
                where = f"{how} at {call.number} ({call.what} {Path(call.path).name}, {' < '.join(call.site[:2])})"
                made.complaints += [f"{where}: {said}" for said in case.complaints(found)]
    return made
