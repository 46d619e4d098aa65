"""Runs: consecutive checks of one URL that saw the same."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, overload

from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Attribution, EndCause, State, Verdict

UNATTRIBUTED = "unknown"
"""The hoster of addresses that no table knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One judged check and the hosters that answered.

    `down` holds only for confirmed absences. `attribution` is None when the name gave no address.
    """

    verdict: Verdict
    down: bool
    attribution: Attribution | None


class Times(Protocol):
    """Times in order, microseconds; a tuple or an array."""

    def __len__(self) -> int:
        """How many."""

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> "Times": ...
    def __getitem__(self, place: Any, /) -> Any:
        """The time at a place, or those of a slice."""

    def __iter__(self) -> Iterator[int]:
        """All times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive checks of one URL that saw the same.

    Splitting a run at any check changes no conclusion. `answered` is False when the name gave no address; `answer`
    gives the attribution of the n-th check, `answers` the distinct ones from one check to before another, all with the
    same hosters. `at` are the times, microseconds since 1970.
    """

    state: State
    cause: EndCause | None
    down: bool
    answered: bool
    hosters: tuple[str, ...]
    at: Times
    answer: Callable[[int], Attribution]
    answers: Callable[[int, int], Sequence[Attribution]]

    def answered_by(self, answer: Attribution) -> "Run":
        """The same checks, answered by one attribution."""
        return replace(
            self,
            answered=True,
            hosters=answer.hosters,
            answer=partial(_nth, answer),
            answers=partial(_each, answer),
        )

    def before(self, when: int) -> "Run | None":
        """Its checks before a time; None if there are none."""
        count = bisect_left(self.at, when)
        return self if count == len(self.at) else replace(self, at=self.at[:count]) if count else None

    @property
    def every_answer(self) -> Sequence[Attribution]:
        """The distinct attributions of its checks."""
        return self.answers(0, len(self.at)) if self.answered else ()


def runs_of(sightings: Iterable[Sighting]) -> list[Run]:
    """Each sighting as a run of its own."""
    return [
        Run(
            state=sighting.verdict.state,
            cause=sighting.verdict.cause,
            down=sighting.down,
            answered=sighting.attribution is not None,
            hosters=sighting.attribution.hosters if sighting.attribution else (),
            at=(microseconds(sighting.verdict.observed_at),),
            answer=partial(_nth, sighting.attribution),
            answers=partial(_each, sighting.attribution),
        )
        for sighting in sightings
    ]


def addresses_at(hoster: str, answer: Attribution) -> set[str]:
    """The addresses of an answer that a hoster holds."""
    pairs = zip(answer.addresses, answer.address_hosters, strict=False)
    return {address for address, keys in pairs if hoster in keys.split("+")}


def _each(answer: Attribution | None, first: int, last: int) -> Sequence[Attribution]:
    return (answer,) if answer and last > first else ()


def _nth(answer: Attribution | None, _: int) -> Attribution:
    if answer is None:
        raise ValueError("a name that gave no address has no attribution")
    return answer
