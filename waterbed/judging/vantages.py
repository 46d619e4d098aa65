"""Verdicts of several vantages on one URL, combined."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, get_args

import numpy as np

from waterbed.judging.columns import Array, Columns
from waterbed.judging.judge import restated
from waterbed.judging.walk import Walk
from waterbed.model.conclusions import State

UNREACHABLE: Final = "unreachable"
_STATES: Final = get_args(State)
_UP, _DOWN = _STATES.index("up"), _STATES.index("down")


def combine(columns: Columns, verdicts: Array, walk: Walk, answered: Array, *, networks: int, within_s: float) -> Array:
    """Combine each verdict with others of that URL and time.

    `verdicts` are numbers of the walk's verdicts, `answered` tells which looks got any answer. Looks are sorted by URL
    and time; those within `within_s` seconds of a look count for it. An `unreachable` look is down only if looks from
    at least `networks` networks could not reach the URL and none got an answer of any kind; else it is `unobserved`.
    Another down look is `disputed` if another vantage saw the URL up; that up look stays up. Cost is linear in the
    looks.
    """
    combined = verdicts.copy()
    states = np.array([_STATES.index(verdict.state) for verdict in walk.verdicts], np.int8)[verdicts]
    unreached = np.array([verdict.outcome == UNREACHABLE for verdict in walk.verdicts], bool)[verdicts]
    if not len(columns) or not (states == _DOWN).any():
        return combined
    starts = np.flatnonzero(np.concatenate(([True], columns.url[1:] != columns.url[:-1])))
    down = np.add.reduceat(states == _DOWN, starts) > 0
    alone = _same(columns.vantage, starts) & _same(columns.network, starts)
    ends = np.append(starts[1:], len(columns))
    if networks > 1:  # a vantage alone is never enough networks, and contradicts nobody
        of_alone = np.repeat(alone, ends - starts)
        for number in np.unique(verdicts[of_alone & unreached]).tolist():
            combined[of_alone & (verdicts == number)] = restated_as(walk, number, "unobserved")
        down &= ~alone
    within = round(within_s * 1_000_000)
    for start, end in zip(starts[down].tolist(), ends[down].tolist(), strict=True):
        _one(slice(start, end), columns, (states, unreached, answered), combined, walk, networks, within)
    return combined


def restated_as(walk: Walk, number: int, outcome: str) -> int:
    """The number of a verdict that the panel restates."""
    return walk.number(restated(walk.verdicts[number], outcome, walk.rules, "panel"))


def _same(values: Array, starts: Array) -> Array:
    """For each URL: whether all its looks have one value."""
    same: Array = np.minimum.reduceat(values, starts) == np.maximum.reduceat(values, starts)
    return same


def _one(
    of_url: slice,
    columns: Columns,
    seen: tuple[Array, Array, Array],
    combined: Array,
    walk: Walk,
    networks: int,
    within: int,
) -> None:
    """Combine the looks of one URL, in place."""
    at, vantages = columns.at[of_url].tolist(), columns.vantage[of_url].tolist()
    of_network = columns.network[of_url].tolist()
    states, unreached, answered = (column[of_url].tolist() for column in seen)
    window, start, end = _Window(), 0, 0
    looks = list(zip(vantages, of_network, states, unreached, answered, strict=True))
    for index, when in enumerate(at):
        while end < len(at) and at[end] - when <= within:
            window.count(*looks[end], 1)
            end += 1
        while when - at[start] > within:
            window.count(*looks[start], -1)
            start += 1
        if states[index] != _DOWN:
            continue
        place = of_url.start + index
        if unreached[index]:
            if window.networks < networks or window.answers:
                combined[place] = restated_as(walk, int(combined[place]), "unobserved")
        elif window.up_elsewhere(vantages[index]):
            combined[place] = restated_as(walk, int(combined[place]), "disputed")


@dataclass(slots=True)
class _Window:
    """Looks in the window: networks that failed to reach, vantages that saw up, and answers."""

    unreached: Counter[int] = field(default_factory=Counter)
    up: Counter[int] = field(default_factory=Counter)
    answers: int = 0

    def count(self, vantage: int, network: int, state: int, unreached: bool, answered: bool, step: int) -> None:
        """Add a look to the window, or remove it (-1)."""
        if unreached:
            _add(self.unreached, network, step)
        elif state == _UP or answered:
            # a vantage that got any answer reached the URL
            self.answers += step
        if state == _UP:
            _add(self.up, vantage, step)

    @property
    def networks(self) -> int:
        return len(self.unreached)

    def up_elsewhere(self, vantage: int) -> bool:
        return len(self.up) > (vantage in self.up)


def _add(counter: Counter[int], key: int, step: int) -> None:
    counter[key] += step
    if not counter[key]:
        del counter[key]
