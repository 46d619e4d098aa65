"""The sequence of tests, which err together in 5%."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from waterbed.graphs.displacement.answers import INTERIM, TypedAnswer
from waterbed.graphs.displacement.event import Event
from waterbed.model.message import joined
from waterbed.model.results import TestRole

FALL: Final = "removal, change"
"""The target's own share removed rose."""
BEYOND: Final = "removal, change beyond controls"
"""It rose by more than that of its controls."""
EARLIER: Final = "removal, change beyond earlier"
"""It rose by more than it changed between earlier stretches."""
PAST: Final = "excess reappearance, own past"
LATER: Final = "excess reappearance, later"
BESIDE: Final = (PAST, LATER)
"""What excess reappearance needs besides the controls: p is the largest of all."""
EXCESS: Final = "excess reappearance"
ERROR: Final = 0.05
"""Error of the whole sequence of tests."""


def in_sequence(answers: Sequence[TypedAnswer], event: Event, until: datetime) -> list[TypedAnswer]:
    """Return the answers with their places in the sequence.

    First the fall of the target (`event.fall`), for nothing is displaced from a place that lost nothing; where that is
    a rise of its own share removed, then that it rose by more than that of its controls, and by more than between
    earlier stretches, unless too little is known of these; then the primary outcome; then the secondary ones by Holm.
    Each needs those before it to reject, in the direction of a fall, so false claims are made in at most 5% of reports
    (Maurer, Hothorn and Lehmacher 1995; Holm, Scandinavian Journal of Statistics 6, 1979). Each may be made on every
    declared read date: p is multiplied by their number. A test in several readings or parts has the largest p of all;
    one that is refused has p = 1. Before the first read date nothing is tested: p is left out, and the note says so.
    """
    if event.read and until < min(event.reads):
        return [_interim(answer) if answer.p is not None else answer for answer in answers]
    reads = max(1, len(event.read))
    by_name: dict[str, tuple[TestRole, float]] = {}
    last = 0.0
    for role, name in _first(answers, event):
        last = max(last, _p(answers, name, reads, falling=True))
        by_name[name] = role, last
    last = max(last, _p(answers, event.primary, reads))
    by_name[event.primary] = "primary", by_name[event.primary][1] if event.primary in by_name else last
    if event.primary == EXCESS:
        by_name |= dict.fromkeys(BESIDE, by_name[EXCESS])
    remaining = sorted((_p(answers, name, reads), name) for name in event.secondary if name not in by_name)
    for place, (p, name) in enumerate(remaining):
        last = min(1.0, max(last, p * (len(remaining) - place)))
        by_name[name] = ("secondary", last)
    return [_placed(answer, *by_name[answer.name]) if answer.name in by_name else answer for answer in answers]


def _first(answers: Sequence[TypedAnswer], event: Event) -> Iterator[tuple[TestRole, str]]:
    """Yield the tests before the primary outcome, in order."""
    yield "first", event.fall
    if event.fall == FALL:
        yield "first", BEYOND
        if any(answer.name == EARLIER and answer.refusal is None for answer in answers):
            yield "first", EARLIER


def fell(answers: Sequence[TypedAnswer], event: Event) -> bool:
    """True if the sequence shows that the target fell, and by more than its controls.

    Nothing is called displaced without it.
    """
    needed = [name for _, name in _first(answers, event)]
    shown_names = {answer.name for answer in answers if answer.adjusted is not None and answer.adjusted <= ERROR}
    return shown_names.issuperset(needed)


def _p(answers: Sequence[TypedAnswer], name: str, reads: int, *, falling: bool = False) -> float:
    names = (name, *BESIDE) if name == EXCESS else (name,)
    parts = [answer for answer in answers if answer.name in names]
    if len({answer.name for answer in parts}) < len(names) or any(answer.p is None for answer in parts):
        return 1.0
    if falling and not all(answer.estimate is not None and falls(answer) for answer in parts):
        return 1.0
    return min(1.0, reads * max(answer.p for answer in parts if answer.p is not None))


def falls(answer: TypedAnswer) -> bool:
    """True if an estimate means that the target lost content.

    More was removed, or there were fewer appearances.
    """
    value = answer.estimate or 0.0
    return value > 0 if answer.name in (FALL, BEYOND, EARLIER) else value < 0


def _placed(answer: TypedAnswer, test: TestRole, adjusted: float) -> TypedAnswer:
    return replace(answer, test=test, adjusted=None if answer.refusal is not None else adjusted)


def _interim(answer: TypedAnswer) -> TypedAnswer:
    return replace(answer, p=None, smallest_p=None, note=joined(INTERIM, answer.note), interim=True)
