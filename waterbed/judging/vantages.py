"""Verdicts of several vantages on one URL, combined."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self, get_args

import numpy as np

from waterbed.judging.columns import NOTHING, Array, Columns
from waterbed.judging.judge import restated
from waterbed.judging.rules import UNREACHABLE, WITNESSES
from waterbed.judging.walk import Walk
from waterbed.model.conclusions import State

_STATES: Final = get_args(State)
_UP, _DOWN = _STATES.index("up"), _STATES.index("down")


def combine(columns: Columns, verdicts: Array, walk: Walk, answered: Array, *, networks: int, within_s: float) -> Array:
    """Combine each verdict with others of that URL and time.

    `verdicts` are numbers of the walk's verdicts, `answered` tells which looks got any answer. Looks are sorted by URL
    and time; those within `within_s` seconds of a look count for it. An `unreachable` look is down only if looks from
    at least `networks` networks could not reach the URL and none got an answer of any kind; else it is `unobserved`.
    Another down look is `disputed` if another vantage, network or user agent saw the URL up; that up look stays up. Of
    a rule that says what it is worth `alone`, it is that unless `WITNESSES` networks or agents saw the same outcome by
    such rules; networks alone count where it is a removal: who hides from our address hides from all its agents. Cost
    is linear in the looks.
    """
    combined = verdicts.copy()
    seen = _Seen.of(columns, verdicts, walk, answered)
    if not len(columns) or not seen.down.any():
        return combined
    starts = np.flatnonzero(np.concatenate(([True], columns.url[1:] != columns.url[:-1])))
    down = np.add.reduceat(seen.down, starts) > 0
    alone = _same(seen.place, starts)
    ends = np.append(starts[1:], len(columns))
    if networks > 1:  # a vantage alone is never enough networks, and contradicts nobody
        of_alone = np.repeat(alone, ends - starts)
        for number in np.unique(verdicts[of_alone & (seen.unreached | (seen.said != NOTHING))]).tolist():
            combined[of_alone & (verdicts == number)] = restated_as(walk, number, seen.alone_as[number] or "unobserved")
        down &= ~alone
    within = round(within_s * 1_000_000)
    for start, end in zip(starts[down].tolist(), ends[down].tolist(), strict=True):
        for place, outcome in _one(slice(start, end), columns, seen, networks, within):
            number = int(verdicts[place])
            combined[place] = restated_as(walk, number, outcome or seen.alone_as[number] or "disputed")
    return combined


def restated_as(walk: Walk, number: int, outcome: str) -> int:
    """The number of a verdict that the panel restates."""
    return walk.number(restated(walk.verdicts[number], outcome, walk.rules, "panel"))


def _both(first: Array, second: Array) -> Array:
    """A number for each pair of numbers, from `NOTHING` on."""
    pairs: Array = first.astype(np.int64) * (int(second.max(initial=0)) + 2) + second + 1
    return pairs


def _same(values: Array, starts: Array) -> Array:
    """For each URL: whether all its looks have one value."""
    same: Array = np.minimum.reduceat(values, starts) == np.maximum.reduceat(values, starts)
    return same


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The looks as their own vantages saw them."""

    place: Array
    """A number for vantage, network and user agent."""
    view: Array
    """A number for network and user agent; for the network alone where a removal was seen."""
    up: Array
    down: Array
    unreached: Array
    answered: Array
    said: Array
    """The number of an outcome that another network is to confirm, else `NOTHING`."""
    alone_as: list[str | None]
    """By verdict: the outcome of such a look alone."""

    @classmethod
    def of(cls, columns: Columns, verdicts: Array, walk: Walk, answered: Array) -> Self:
        """Take the number of each look's verdict."""
        view = _both(columns.network, columns.agent)
        place = _both(columns.vantage, view)
        removed = np.array([verdict.cause == "removed" for verdict in walk.verdicts], bool)[verdicts]
        states = np.array([_STATES.index(verdict.state) for verdict in walk.verdicts], np.int8)[verdicts]
        weak = walk.rules.alone
        alone_as = [weak.get(verdict.rule) if verdict.state == "down" else None for verdict in walk.verdicts]
        outcomes: dict[str, int] = {}
        said = [
            outcomes.setdefault(verdict.outcome, len(outcomes)) if other else NOTHING
            for verdict, other in zip(walk.verdicts, alone_as, strict=True)
        ]
        return cls(
            place=place,
            view=np.where(removed, columns.network, view),
            up=states == _UP,
            down=states == _DOWN,
            unreached=np.array([verdict.outcome == UNREACHABLE for verdict in walk.verdicts], bool)[verdicts],
            answered=answered,
            said=np.array(said, np.int32)[verdicts],
            alone_as=alone_as,
        )


def _one(of_url: slice, columns: Columns, seen: _Seen, networks: int, within: int) -> Iterator[tuple[int, str | None]]:
    """The looks of one URL that are restated, and as what; None: as their rule says of a look alone."""
    at, places, networks_of = (its[of_url].tolist() for its in (columns.at, seen.place, columns.network))
    views, up, down, unreached, answered, said = (
        column[of_url].tolist() for column in (seen.view, seen.up, seen.down, seen.unreached, seen.answered, seen.said)
    )
    window, start, end = _Window(), 0, 0
    looks = list(zip(places, networks_of, views, up, unreached, answered, said, strict=True))
    for index, when in enumerate(at):
        while end < len(at) and at[end] - when <= within:
            window.count(1, *looks[end])
            end += 1
        while when - at[start] > within:
            window.count(-1, *looks[start])
            start += 1
        if not down[index]:
            continue
        place = of_url.start + index
        if unreached[index]:
            if window.networks < networks or window.answers:
                yield place, "unobserved"
        elif window.up_elsewhere(places[index]):
            yield place, "disputed"
        elif said[index] != NOTHING and window.witnesses(said[index]) < WITNESSES:
            yield place, None


@dataclass(slots=True)
class _Window:
    """Looks in the window: networks that failed to reach, views that say one thing, places that saw up, answers."""

    unreached: Counter[int] = field(default_factory=Counter)
    up: Counter[int] = field(default_factory=Counter)
    said: Counter[tuple[int, int]] = field(default_factory=Counter)
    answers: int = 0

    def count(
        self, step: int, place: int, network: int, view: int, up: bool, unreached: bool, answered: bool, said: int
    ) -> None:
        """Add a look to the window, or remove it (-1)."""
        if unreached:
            _add(self.unreached, network, step)
        elif up or answered:
            # a vantage that got any answer reached the URL
            self.answers += step
        if up:
            _add(self.up, place, step)
        if said != NOTHING:
            _add(self.said, (said, view), step)

    @property
    def networks(self) -> int:
        return len(self.unreached)

    def up_elsewhere(self, place: int) -> bool:
        return len(self.up) > (place in self.up)

    def witnesses(self, said: int) -> int:
        """Networks and user agents that say one thing."""
        return sum(what == said for what, _ in self.said)


def _add(counter: Counter[Any], key: Any, step: int) -> None:
    counter[key] += step
    if not counter[key]:
        del counter[key]
