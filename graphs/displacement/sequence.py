"""The sequence of tests, which err together in 5%."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from waterbed.graphs.displacement.answers import INTERIM, TypedAnswer
from waterbed.graphs.displacement.event import Event
from waterbed.model.message import joined
from waterbed.model.results import TestRole

FALL: Final = "removal, change"
ERROR: Final = 0.05
"""Error of the whole sequence of tests."""


def in_sequence(answers: Sequence[TypedAnswer], event: Event, until: datetime) -> list[TypedAnswer]:
    """Return the answers with their places in the sequence.

    First the fall of the target (`event.fall`), for nothing is displaced from a place that lost nothing; then the
    primary outcome, if that rejects in the direction of a fall; then the secondary ones, if the primary rejects, by
    Holm. So false claims are made in at most 5% of reports (Maurer, Hothorn and Lehmacher 1995; Holm, Scandinavian
    Journal of Statistics 6, 1979). Each may be made on every declared read date: p is multiplied by their number. A
    test in two readings has the larger p of both; one that is refused has p = 1. Before the first read date nothing is
    tested: p is left out, and the note says so.
    """
    if event.read and until < min(event.reads):
        return [_interim(one) if one.p is not None else one for one in answers]
    reads = max(1, len(event.read))
    fall = _p(answers, event.fall, reads, falling=True)
    primary = max(fall, _p(answers, event.primary, reads))
    found: dict[str, tuple[TestRole, float]] = {event.fall: ("first", fall), event.primary: ("primary", primary)}
    left = sorted((_p(answers, name, reads), name) for name in event.secondary if name not in found)
    last = primary
    for place, (p, name) in enumerate(left):
        last = min(1.0, max(last, p * (len(left) - place)))
        found[name] = ("secondary", last)
    return [_placed(one, *found[one.name]) if one.name in found else one for one in answers]


def fell(answers: Sequence[TypedAnswer], event: Event) -> bool:
    """True if the sequence shows that the target fell.

    Nothing is called displaced without it.
    """
    return any(one.name == event.fall and one.adjusted is not None and one.adjusted <= ERROR for one in answers)


def _p(answers: Sequence[TypedAnswer], name: str, reads: int, *, falling: bool = False) -> float:
    own = [one for one in answers if one.name == name]
    if not own or any(one.p is None for one in own):
        return 1.0
    if falling and not all(one.estimate is not None and falls(one) for one in own):
        return 1.0
    return min(1.0, reads * max(one.p for one in own if one.p is not None))


def falls(answer: TypedAnswer) -> bool:
    """True if an estimate means that the target lost content.

    More was removed, or there were fewer appearances.
    """
    value = answer.estimate or 0.0
    return value > 0 if answer.name == FALL else value < 0


def _placed(answer: TypedAnswer, test: TestRole, adjusted: float) -> TypedAnswer:
    return replace(answer, test=test, adjusted=None if answer.refusal is not None else adjusted)


def _interim(answer: TypedAnswer) -> TypedAnswer:
    return replace(answer, p=None, smallest_p=None, note=joined(INTERIM, answer.note), interim=True)
