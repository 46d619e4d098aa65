"""An event's answers in words: claims, refusals, what would help."""

from collections.abc import Sequence
from typing import Final

from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.sequence import ERROR
from waterbed.model.results import AnswerRow

FORMS: Final = (
    ("place", "measured: where content that ended at the target was next seen"),
    ("time", "measured within the window alone: the series, and returns within the horizon"),
    ("target", "not measured: which victims or brands are attacked instead"),
    ("tactic", "not measured: how content is hidden or spread instead"),
    ("offence", "not measured: other crimes instead of these"),
    ("perpetrator", "not measured: other people who take their place"),
)
"""The six forms of displacement, and which are measured here."""


def by_question(answers: Sequence[AnswerRow]) -> list[tuple[str, list[AnswerRow]]]:
    """Answers by question, in order."""
    grouped: dict[str, list[AnswerRow]] = {}
    for answer in answers:
        grouped.setdefault(answer.question, []).append(answer)
    return list(grouped.items())


def refusals_of(answers: Sequence[AnswerRow]) -> list[tuple[str, list[str]]]:
    """Reasons for which no number is given, and the numbers."""
    grouped: dict[str, list[str]] = {}
    for answer in answers:
        if answer.refusal is not None and answer.name not in grouped.setdefault(answer.refusal, []):
            grouped[answer.refusal].append(answer.name)
    return list(grouped.items())


def better(answers: Sequence[TypedAnswer]) -> list[str]:
    """Ways to let the report tell more.

    They follow from its refusals, and from the least p of its tests.
    """
    wants = {one.refusal.kind for one in answers if one.refusal}
    few = any(one.smallest_p is not None and one.smallest_p > ERROR for one in answers)
    wanted = (
        ("quarantine" in wants, "A decision on the checks that are set aside."),
        ("days" in wants, "More days: a share tells how a hoster works from seven days of reports on either side on."),
        (
            few or "windows" in wants,
            "A longer time before the event: 19 dates without an event are needed, each as far from the next as the "
            "periods after the event are long.",
        ),
        (bool(wants & {"sites", "suppressed"}), "More independent sites: below ten of them no number is given."),
        ("contamination" in wants, "Controls that do not receive what leaves the target."),
        ("detection" in wants, "The share of arrivals that reports find, at home and abroad (detection)."),
        ("feeds" in wants, "Two sources of reports that find arrivals independently."),
        ("births" in wants, "Dates on which the names of new addresses were registered (births)."),
    )
    return [text for lacks, text in wanted if lacks]


def claims_of(answers: Sequence[AnswerRow]) -> list[tuple[str, str, str]]:
    """Numbers behind each claim that is or is not supported."""
    grouped: dict[tuple[str, str], list[str]] = {}
    several = len({answer.reading for answer in answers}) > 1
    for answer in answers:
        if answer.refusal is None:
            label = f"{answer.name} ({answer.reading})" if several else answer.name
            grouped.setdefault((answer.may, answer.may_not), []).append(label)
    return [(", ".join(about), may, may_not) for (may, may_not), about in grouped.items()]
