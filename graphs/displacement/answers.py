"""Answers, each with the claims that it allows and forbids."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from waterbed.estimators.changes import Beyond, Change, Share
from waterbed.estimators.detection import AtLeast, Bounds, Population
from waterbed.estimators.displaced import Estimate
from waterbed.estimators.drift import Drift
from waterbed.estimators.hidden_bias import HiddenBias
from waterbed.estimators.interrupted import HalfLife, PlaceboTest
from waterbed.estimators.own_past import Compared
from waterbed.estimators.reappearance import Excess
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.staggered import Effect
from waterbed.estimators.wdd import Difference, Interval
from waterbed.model.message import NOTHING, Message, joined
from waterbed.model.results import Answer, Reading

_REMOVED: Final = "so large a share is removed within 24 hours by how it works, for these reports"
_REMOVED_NOT: Final = "so many would be removed of other reports"
_IF_FOUND: Final = "that it holds if ends change what is found"
_IF_DETECTED: Final = "that it changed by so much where detection changed, too"
CLAIMS: Final[Mapping[str, tuple[str, str]]] = {
    "mean change": (
        "the event stands out among dates (or places) without one by this p",
        "p is smaller than the smallest p; the event alone did it",
    ),
    "step": ("the target changed by so much at once, beyond its controls", "by how much it would have changed anyway"),
    "slope": ("the target's trend changed by so much a period, beyond its controls", "that it goes on for ever"),
    "mean change, drift": (
        "a drift so many times the largest before, and no smaller one, would explain the change",
        "that no drift is so large",
    ),
    "mean change, places": (
        "the target's change, for its size, stands out among places without event by this p",
        "p is smaller than the smallest p; the event alone did it",
    ),
    "mean change, blocks": (
        "the target's course after the event stands out among all its stretches, by this p",
        "p is smaller than the smallest p; the event alone did it",
    ),
    "peak": ("the event came at such a height", "that it came for the height"),
    "beyond the peak": (
        "the change differs by so much from what follows such a height by itself",
        "that the event did the rest",
    ),
    "WDD": ("target and buffer together rose by so much against their controls", "nothing went further away"),
    "WDQ": (
        "the buffer fell, too, by this part of the target's fall: the benefit spread",
        "near 0: there was no displacement",
    ),
    "TNE": ("so many fewer were seen in target and buffer than expected from controls", "so many fewer exist"),
    "excess reappearance": (
        "an end was followed by more reappearance than like content showed",
        "every reappearance was caused by an end",
    ),
    "excess reappearance, own past": (
        "an end was followed by more reappearance than the target's own content of that age showed before the event",
        "every reappearance was caused by an end",
    ),
    "excess reappearance, later": (
        "reappearance followed an end more closely than owners who move content all the time would have it",
        "every reappearance was caused by an end",
    ),
    "reappearance since first seen": (
        "more of the target's content was elsewhere so soon after it was first seen than before the event",
        "that an end was followed by it, or that the event caused it",
    ),
    "excess reappearance, corrected": (
        "between these bounds, at the stated detection, an end was followed by more reappearance than like content",
        _IF_FOUND,
    ),
    "excess reappearance, hidden bias": (
        "an unmeasured difference so strong, and no weaker one, would explain the excess",
        "that no difference is so strong",
    ),
    "displaced share": (
        "the share seen elsewhere after its end lies between these bounds, at the stated detection",
        "the share as detected is the share displaced",
    ),
    "displaced share, estimate": (
        "if names carry their content from birth on, births are known as often of copies, and feeds find independently",
        "the bounds are as narrow; it holds without these assumptions",
    ),
    "abroad": ("of arrivals seen, so many were abroad", "the share as detected is the true one"),
    "abroad after": (
        "the share of it that went abroad lies between these bounds, at the stated detection",
        "the share as detected is the true one",
    ),
    "removed before, target": (_REMOVED, _REMOVED_NOT),
    "removed after, target": (_REMOVED, _REMOVED_NOT),
    "removed before, controls": (_REMOVED, _REMOVED_NOT),
    "removed after, controls": (_REMOVED, _REMOVED_NOT),
    "removed after, same mix, target": (_REMOVED, _REMOVED_NOT),
    "removed after, same mix, controls": (_REMOVED, _REMOVED_NOT),
    "removal, change": (
        "the target's share of removals rose by so much, at the mix of categories and sources of the time before",
        "that it rose by more than others', or because of the event",
    ),
    "removal, change beyond controls": (
        "the target's share of removals rose by so much against its controls'",
        "the event alone did it",
    ),
    "removal, change beyond earlier": (
        "the target's share of removals rose by so much more than it changed between these earlier stretches",
        "that no such change came in other times; the event alone did it",
    ),
    "removal, change, buffer": (
        "the buffer's share of removals rose by so much against its controls'",
        "the event alone did it",
    ),
    "abroad, difference": (
        "the target's share seen abroad rose by so much against its controls'",
        _IF_DETECTED,
    ),
    "half-life": ("half of the first effect was gone after so many periods", "beyond the window"),
    "arrivals in all": (
        "at least about so many arrivals there were, if the feeds find independently",
        "exactly so many",
    ),
    "detection": (
        "the feeds together saw about this part, or with three feeds at most this part, if they find independently",
        "that it held at other times",
    ),
    "many events": ("targets rose by so much against those not yet pressed", "each of them did"),
    "lift, destinations": (
        "content of the place went there more often than content of those weeks",
        "the end caused it; the place attracted it",
    ),
    "lift, timing": (
        "arrivals followed ends more closely than their weeks explain",
        "they went there in particular",
    ),
}
"""The claims that an answer allows and forbids, by its short name; for one in `BELOW`, if it is above `none_of` it."""

_LEVEL: Final = 0.05
_AGAINST_NOTHING: Final = ("WDQ", "TNE", "excess reappearance, corrected")
"""Answers without p, whose interval is the test."""
_NOTHING: Final = (
    "nothing rejects at 5%: the data did not show it, with this power",
    "it did not happen",
)
BELOW: Final[Mapping[str, tuple[str, str]]] = {
    "mean change, drift": _NOTHING,
    "WDD": ("target and buffer together fell by so much against their controls", "it did not go further away"),
    "WDQ": ("this part of the target's fall turned up in this buffer", "that it went nowhere else"),
    "TNE": ("so many more were seen in target and buffer than expected from controls", "so many more exist"),
    "excess reappearance": (
        "an end was followed by less reappearance than like content showed",
        "an end prevented reappearance",
    ),
    "excess reappearance, corrected": (
        "between these bounds, at the stated detection, an end was followed by less reappearance than like content",
        _IF_FOUND,
    ),
    "excess reappearance, hidden bias": _NOTHING,
    "removal, change": (
        "the target's share of removals fell by so much, at the mix of categories and sources of the time before",
        "that it fell by more than others', or because of the event",
    ),
    "removal, change beyond controls": (
        "the target's share of removals fell by so much against its controls'",
        "the event alone did it",
    ),
    "removal, change beyond earlier": _NOTHING,
    "excess reappearance, own past": _NOTHING,
    "excess reappearance, later": _NOTHING,
    "reappearance since first seen": (
        "less of the target's content was elsewhere so soon after it was first seen than before the event",
        "that the event prevented it",
    ),
    "removal, change, buffer": (
        "the buffer's share of removals fell by so much against its controls'",
        "the event alone did it",
    ),
    "abroad, difference": ("the target's share seen abroad fell by so much against its controls'", _IF_DETECTED),
    "many events": ("targets fell by so much against those not yet pressed", "each of them did"),
    "lift, destinations": _NOTHING,
    "lift, timing": _NOTHING,
}
"""The same where the answer is below none: every claim that has a direction is here."""
_RATIOS: Final = ("excess reappearance, hidden bias", "lift, destinations", "lift, timing")
"""Answers that are 1 where there is nothing; others are 0."""
_INTERIM: Final = (
    "nothing yet: this is interim, and the report is read on its read date",
    "that it was shown",
)
_DESCRIBED: Final = (
    "as a description: it is none of the tests of this report, whose errors are held at 5% together",
    "that it was shown",
)

MOVES: Final = (
    "WDQ",
    "TNE",
    "excess reappearance",
    "excess reappearance, own past",
    "excess reappearance, later",
    "reappearance since first seen",
    "excess reappearance, corrected",
    "excess reappearance, hidden bias",
    "displaced share",
    "displaced share, estimate",
    "abroad after",
    "abroad, difference",
    "arrivals in all",
    "detection",
    "lift, destinations",
    "lift, timing",
)
"""Answers about content that moved."""
_SEEN_ALONE: Final = (
    "as a description of what was seen: the target is not shown to have removed more, so none of it is displacement",
    "that content was displaced",
)

ALWAYS: Final = (
    "Where no test rejects, the data did not show it, with this power. It does not say that it did not happen.",
    "Never say that a hoster accepted or attracted content. The data show where it was seen next.",
    "Arrivals that nobody reported are not seen.",
)


Scale = Literal["share", "count", "number"]
"""How disclosure control rounds a number: shares to whole percent, counts as counts are, others to a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAnswer(Answer[Refusal, Message]):
    """An answer as it is worked out: its sentences are messages, which `Formatter.row` turns into an `AnswerRow`."""

    note: Annotated[Message, "what else must be known to read it"] = NOTHING
    scale: Scale = "number"
    pair: tuple[str, str] | None = None
    """The places that it is about, from where to where."""
    interim: bool = False
    """True if its test waits for the read date."""


def claimed(answer: TypedAnswer, *, sequence: bool = False, fell: bool = True) -> TypedAnswer:
    """Return the answer with the claims that it allows.

    One of before the read date allows none. An answer whose test does not reject, or that is on neither side of none,
    allows only the claim that nothing was shown; a claim with a direction is that of its side. One with a p outside the
    report's `sequence` of tests allows none. Where the target is not shown to have fallen, nothing moved away from it.
    """
    may, may_not = _NOTHING if _open(answer) else _sided(answer)
    if answer.interim:
        may, may_not = _INTERIM
    if sequence and answer.p is not None and not answer.test:
        may, may_not = _DESCRIBED
    if not fell and answer.name in MOVES:
        may, may_not = _SEEN_ALONE
    return answer if answer.refusal is not None else replace(answer, may=may, may_not=may_not)


def _open(answer: TypedAnswer) -> bool:
    if answer.p is not None:
        return (answer.p if answer.adjusted is None else answer.adjusted) > _LEVEL
    return answer.name == "half-life" and answer.high is None


def _sided(answer: TypedAnswer) -> tuple[str, str]:
    """The claims of the side of none on which an answer is; of neither side nothing was shown."""
    none = none_of(answer.name)
    ends = (answer.low, answer.high) if _by_interval(answer) else (answer.estimate, answer.estimate)
    if answer.name not in BELOW or (ends[0] is not None and ends[0] > none):
        return CLAIMS[answer.name]
    return BELOW[answer.name] if ends[1] is not None and ends[1] < none else _NOTHING


def _by_interval(answer: TypedAnswer) -> bool:
    return answer.p is None and answer.name in _AGAINST_NOTHING


def none_of(name: str) -> float:
    """The value of an answer that tells of no difference."""
    return 1.0 if name in _RATIOS else 0.0


INTERIM: Final = Message.of("interim, no test")
"""The note of an answer whose test waits for the read date."""
SEED = 20_260
"""Seed of all random numbers: the same study and event give the same answers."""

Result = (
    Difference
    | Interval
    | Excess
    | HalfLife
    | Effect
    | Bounds
    | Population
    | AtLeast
    | PlaceboTest
    | Change
    | Beyond
    | Compared
    | Share
    | Estimate
    | Drift
    | HiddenBias
    | Refusal
    | float
)


def answer(
    name: str,
    question: str,
    estimator: str,
    result: Result,
    *,
    reading: Reading = "all",
    n: int,
    n_of: str,
    unit: str = "",
    scale: Scale = "number",
    estimate: float | None = None,
    note: Message = NOTHING,
) -> TypedAnswer:
    """Turn a result into the answer that all outputs show.

    Infinite ends become None, with a note.
    """
    value = estimate if estimate is not None else _estimate(result)
    ends = [_of(result, end) for end in ("low", "high")]
    if any(end is not None and math.isinf(end) for end in ends):
        note = joined(note, Message.of("the window is too short to see the end of it"))
    refused = result if isinstance(result, Refusal) else None
    return TypedAnswer(
        question=question,
        name=name,
        estimator=estimator,
        reading=reading,
        n=n,
        n_of=n_of,
        estimate=None if refused else _finite(value),
        unit=unit,
        scale=scale,
        low=_finite(ends[0]),
        high=_finite(ends[1]),
        p=_of(result, "p"),
        smallest_p=_of(result, "smallest_p"),
        refusal=refused,
        note=note,
    )


def _estimate(result: Result) -> float | None:
    if isinstance(result, float):
        return result
    return next(
        (estimate for name in ("estimate", "excess", "periods") if (estimate := _of(result, name)) is not None), None
    )


def _of(result: Result, name: str) -> float | None:
    value = getattr(result, name, None)
    return None if value is None else float(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
