"""The answer to one event, in at most five paragraphs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from waterbed.estimators.detection import Bounds
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.event import Outcome
from waterbed.graphs.displacement.sequence import ERROR, FALL, falls
from waterbed.model.formatter import OWN, Formatter
from waterbed.model.message import Message, Refusal, Sentence
from waterbed.model.spelling import p_value, percent

Branch = Literal["held back", "refused", "no change", "removal only", "displacement", "diffusion", "mixed"]
"""What the sentences come to; `diffusion`: the benefit spread to the buffer."""

EXCESS: Final = "excess reappearance"
_MOVES: Final = (EXCESS, "abroad, difference")
"""Primary outcomes that show that content moved."""
_PRIMARY: Final = {
    "removal, change": "the share that it removed, beyond its controls',",
    "removal, change, buffer": "the share that its buffer removed, beyond its controls',",
    "mean change": "its {}, beyond its controls',",
    "mean change, blocks": "its {}, beyond its controls',",
    "abroad, difference": "the part that went abroad, beyond its controls',",
}
"""Primary outcomes but for the excess, in words."""
IN_WORDS: Final = {"appearances": "new content", "arrivals": "arrivals", "takedowns": "ends of content"}
"""What is counted in each period."""
_CHANGED: Final = {"appearances": "appearances", "arrivals": "arrivals", "takedowns": "ends of content"}
"""What is counted, as that of which there was a change."""
STATED: Final = 7
"""Intervals that one answer states at most: four shares removed, what moved, the excess, and the share abroad."""
LEVEL: Final = 1.0 - 0.05 / STATED
"""Level of each, so that all hold together in 95% of studies (Bonferroni)."""


AT_ONCE: Final = " All intervals hold at once."
"""The sentence that tells them from those in tables, each of which holds for itself."""
NOT_PUBLISHED: Final = Message.of(
    "No answer is published: it is held back (disclosure control), which does not mean that it is negative"
)
UNPUBLISHED: Final = Message.of("{said}", said=Sentence(NOT_PUBLISHED))
"""All that others are told where an event that they may not know of acts on the same target."""
_NOT_NEGATIVE: Final = (
    "The answer is held back (disclosure control), which does not mean that it is negative: there may have been "
    "a fall, and a displacement, or neither."
)
"""The same sentence whatever the hidden answer."""
_MOVE_NOT_NEGATIVE: Final = "This is held back (disclosure control), which does not mean that it is negative."
"""The same of the primary outcome, beside a fall that is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A share removed within 24 hours, with its interval.

    Without ends `share` is of these reports alone; without a share `why` says why.
    """

    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    why: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Content that was elsewhere within the horizon after its end.

    A count is None where it is of too few sites to be told.
    `low` and `high` bound its share at the declared detection; None: none is declared, or `why` they are refused.
    `more_low` and `more_high` are those of the excess over like content, `corrected` for detection or as seen.
    """

    ended: int | None
    surely: int | None
    horizon_h: float
    low: float | None = None
    high: float | None = None
    why: Refusal | None = None
    more_low: float | None = None
    more_high: float | None = None
    corrected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that the sentences say."""

    name: str
    target: tuple[Removed, Removed]
    controls: tuple[Removed, Removed]
    fall: TypedAnswer
    """The test that the target fell: of the sequence the first."""
    primary: TypedAnswer
    spread: TypedAnswer | None
    """The test that the buffer removed more, too."""
    moved: Moved
    abroad: Bounds | None
    stands_out: TypedAnswer | None
    """The event among dates without one."""
    outcome: Outcome = "appearances"
    """What is counted at the target in each period."""
    bias: Sequence[TypedAnswer] = ()
    """The hidden bias that explains the excess, by reading."""
    drift: TypedAnswer | None = None
    """The drift that explains the change of appearances."""
    places: TypedAnswer | None = None
    """The target among places without an event."""
    interim: datetime | None = None
    """The first read date, if that has not come."""
    stopped: Sequence[Message] = ()
    """Sentences that say why nothing is told, such as an open quarantine."""
    events: int = 1
    """Event files that readers know of, this one among them."""
    formatter: Formatter = OWN
    """It spells reasons."""

    def reason(self, refusal: Refusal | None) -> str:
        """The reason of a refusal in words."""
        return self.formatter.text(refusal.reason) if refusal else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sentences, and what they come to."""

    branch: Branch
    sentences: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """What would change the answer, in sentences."""

    @property
    def text(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences)


def summary(known: Known) -> Summary:
    """Say what happened in at most five paragraphs.

    Each number stands with its interval, or is said to be of these reports alone; all intervals hold together at 95%. A
    change, a displacement and a spread are said only where their test in the sequence rejects.
    """
    if known.stopped:
        held = tuple(known.stopped) == (UNPUBLISHED,)
        said = tuple(known.formatter.text(one) for one in known.stopped)
        return Summary(branch="held back" if held else "refused", sentences=said)
    fell = _rejects(known.fall) and falls(known.fall)
    more, spread = known.primary.name in _MOVES and _grew(known.primary), _grew(known.spread)
    stated = any(one.low is not None for one in (*known.target, *known.controls))
    stated = stated or (fell and known.moved.low is not None)
    sentences = [
        f"{_removed(known)}{AT_ONCE if stated else ''}",
        _change(known, fell),
        _moved(known, more) if fell else "",
        _more(known, fell=fell, more=more, spread=spread),
        " ".join(filter(None, [_cause(known), _events(known)])),
    ]
    return Summary(
        branch=_branch(known, fell, more, spread),
        sentences=tuple(filter(None, sentences)),
        changes=tuple(_changes(known, shown=fell and more)),
    )


def _changes(known: Known, *, shown: bool) -> Iterator[str]:
    """Say how strong something unmeasured would have to be, to explain what is said."""
    if known.interim:
        return
    biases = [one.estimate for one in known.bias if one.estimate is not None]
    if shown and known.primary.name == EXCESS and biases and len(biases) == len(known.bias):
        odds = math.floor(min(biases) * 10) / 10
        if odds > 1.0:
            yield (
                "Something unmeasured explains that more came up elsewhere only if it made an end "
                f"{odds:.1f} times as likely and made content come up elsewhere, too."
            )
        else:
            yield (
                "A second, harder test, among matched contents of one site each, has a result of its own: it does not "
                "show that more came up elsewhere, as a slight unmeasured difference would explain it. The result of "
                "the first test stands, unless something unmeasured matters."
            )
    drift, places = known.drift, known.places
    if drift is not None and drift.estimate:
        times = math.floor(drift.estimate * 10) / 10
        yield (
            f"A drift of its own {times:.1f} times as large as its largest earlier change would explain its change of "
            f"{_CHANGED[known.outcome]}."
            if times
            else "A drift of its own much smaller than its earlier changes would explain its change of "
            f"{_CHANGED[known.outcome]}."
        )
    if places is not None and places.p is not None and places.smallest_p is not None:
        every = round(1.0 / places.smallest_p)
        place = _place(round(places.p / places.smallest_p))
        few = f"; with so few places even the 1st has p {_number(places.smallest_p)}, above {ERROR:g}"
        yield (
            f"Of {every} places, each by its size, the target ranks {place} by how much its "
            f"{_CHANGED[known.outcome]} changed (p {_number(places.p)}{few if places.smallest_p > ERROR else ''})."
        )


def _branch(known: Known, fell: bool, more: bool, spread: bool) -> Branch:
    if _held_back(known.fall) or (fell and _held_back(known.primary)):
        return "held back"
    if known.fall.refusal is not None or (fell and known.primary.refusal is not None) or known.interim:
        return "refused"
    if not fell:
        return "no change"
    if more:
        return "mixed" if spread else "displacement"
    return "diffusion" if spread else "removal only"


def _held_back(answer: TypedAnswer) -> bool:
    """True if disclosure control hides an answer."""
    return answer.refusal is not None and answer.refusal.held_back


def _rejects(answer: TypedAnswer | None) -> bool:
    """True if a test of the sequence rejects."""
    return answer is not None and answer.adjusted is not None and answer.adjusted <= ERROR


def _grew(answer: TypedAnswer | None) -> bool:
    """True if a test of the sequence shows an increase."""
    return answer is not None and _rejects(answer) and (answer.estimate or 0.0) > 0


def _removed(known: Known) -> str:
    before, after = known.target
    if after.share is None and before.share is None:
        told = "is not told here" if after.why and after.why.held_back else "cannot be told"
        return f"How much {known.name} removed within 24 hours {told}: {known.reason(after.why)}."
    said = [one for one in (*known.target, *known.controls) if one.share is not None]
    alone = all(one.low is None for one in said)
    text = "Of these reports alone, after" if alone else "After"
    text += f" the event {known.name} removed {_of(known, after, alone, ' reports')} within 24 hours"
    text += f", before it {_of(known, before, alone)}"
    if all(one.share is not None for one in known.controls):
        first, then = (_share(one, alone) for one in known.controls)
        text += f"; controls without the event {then} after it, {first} before"
    return f"{text}."


def _of(known: Known, one: Removed, alone: bool, noun: str = "") -> str:
    if one.share is None:
        return f"an unknown part of {one.n:,}{noun}" if one.n else f"a part that is not told ({known.reason(one.why)})"
    return f"{_share(one, alone)} of {one.n:,}{noun}"


def _share(one: Removed, alone: bool) -> str:
    if one.share is None:
        return "unknown"
    if one.low is None or one.high is None:
        return percent(one.share) if alone else f"{percent(one.share)} (of these reports alone)"
    return f"{percent(one.share)} ({_span(one.low, one.high)})"


def _change(known: Known, fell: bool) -> str:
    fall = known.fall
    change = "it removed more" if fall.name == FALL else f"its {IN_WORDS[known.outcome]} fell"
    change += ", beyond its controls"
    if fall.refusal is not None:
        told = "is not told here" if _held_back(fall) else "cannot be told"
        return f"Whether {change}, {told}: {known.reason(fall.refusal)}."
    if known.interim:
        return f"This is interim, without a test: the report is read on {known.interim:%-d %B %Y}."
    if fell:
        return f"{change[:1].upper()}{change[1:]} ({_p(fall)}: {_by_chance(fall)})."
    return f"It is not shown that {change} ({_p(fall)})."


def _moved(known: Known, more: bool) -> str:
    moved = known.moved
    if moved.ended is None:
        return "Too few sites are behind what ended there after the event to tell how much of it moved."
    if not moved.ended:
        return "No content that ended there after the event could be followed long enough to see if it moved."
    seen = "a part that is not told"
    if moved.surely is not None:
        least = "at least " if moved.surely < moved.ended else ""
        seen = f"{least}{moved.surely:,}" if moved.surely else "none surely"
    said = f"Of {moved.ended:,} content{'s' * (moved.ended > 1)} that ended there, {seen} came up elsewhere "
    said += f"within {_hours(moved.horizon_h)}{', some perhaps by chance' if moved.surely != 0 else ''}"
    abroad = _span(known.abroad.low, known.abroad.high) if known.abroad and more else ""
    if moved.low is None or moved.high is None:
        also = f" Of what moved, {abroad} went abroad." if abroad else ""
        return f"{said}; how many more moved cannot be told: {known.reason(moved.why)}.{also}"
    # a lower bound above 0 would say that content moved
    part = _span(moved.low, moved.high) if more else f"at most {math.ceil(moved.high * 100 - 1e-9)}%"
    said += f". If reports find as much as declared, {part} moved{f', {abroad} of that abroad' if abroad else ''}"
    return f"{said}; what else moved is unknown." if moved.high > moved.low else f"{said}."


def _more(known: Known, *, fell: bool, more: bool, spread: bool) -> str:
    primary, moved = known.primary, known.moved
    if _held_back(known.fall):
        return _NOT_NEGATIVE
    if known.interim:
        return ""
    if not fell:
        return "Without a fall that is shown, no displacement is spoken of."
    what = _PRIMARY[primary.name].format(IN_WORDS[known.outcome]) if primary.name in _PRIMARY else ""
    if primary.refusal is not None:
        asked = f"{what} changed" if what else "it came up elsewhere more often than like content left up"
        if _held_back(primary):
            return f"Whether {asked} is not told here: {known.reason(primary.refusal)}. {_MOVE_NOT_NEGATIVE}"
        return f"Whether {asked} cannot be told: {known.reason(primary.refusal)}."
    also = " Its buffer removed more, too: the benefit spread." if spread else ""
    if what:
        shown = f"{what[:1].upper()}{what[1:]} changed" if _rejects(primary) else f"It is not shown that {what} changed"
        return f"{shown} ({_p(primary)}).{also}"
    if not more:
        fewer = _rejects(primary) and (primary.estimate or 0.0) < 0
        often = "it came up elsewhere less often" if fewer else "that it came up elsewhere more often"
        return (
            f"It is not shown that content moved: {often} than like content left up ({_p(primary)}). Moves that nobody "
            f"reported are unknown.{also}"
        )
    by = ""
    if moved.more_low is not None and moved.more_high is not None:
        how = "if reports find as much as declared" if moved.corrected else "unreported arrivals not counted"
        by = f"{_more_span(moved.more_low, moved.more_high)} of every 100, {how}; "
    return f"Content moved: it came up elsewhere more often than like content left up ({by}{_p(primary)}).{also}"


def _cause(known: Known) -> str:
    test = known.stands_out
    if test is None or test.smallest_p is None or test.p is None:
        return ""
    others = round(1.0 / test.smallest_p) - 1
    counted = IN_WORDS[known.outcome]
    if test.smallest_p > ERROR:
        return (
            f"Whether its {counted} changed with the event cannot be told: 19 other spans as long as that after the "
            f"event are needed, {others or 'none'} can be had."
        )
    as_much = round(test.p / test.smallest_p) - 1
    usual = ": not unusual" if test.p > 0.5 else ""
    return (
        f"Compared with its controls, its {counted} changed as much or more in {as_much or 'none'} of {others} other "
        f"spans of equal length (p {_number(test.p)}{usual})."
    )


def _place(n: int) -> str:
    end = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{end}"


def _events(known: Known) -> str:
    if known.events < 2 or known.interim:
        return ""
    number = _WORDS.get(known.events, f"{known.events:,}")
    most = math.floor(ERROR / known.events * 10_000) / 10_000
    return f"With {number} event files on this study, a p above {most:g} shows nothing."


_LEAST_P: Final = 0.001
_WORDS: Final = dict(enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine"), 2))


def _p(answer: TypedAnswer) -> str:
    return f"p {_number(answer.adjusted if answer.adjusted is not None else 1.0)}"


def _by_chance(answer: TypedAnswer) -> str:
    """A p in words."""
    times = math.ceil((1.0 if answer.adjusted is None else answer.adjusted) * 1000 - 1e-9)
    often = {0: "once", 1: "once", 2: "twice"}.get(times, f"{times} times")
    return f"chance alone would do so {often} in 1,000"


def _number(p: float) -> str:
    return f"below {_LEAST_P}" if p < _LEAST_P else p_value(p)


def _span(low: float, high: float) -> str:
    """Both ends in whole percent, rounded outwards."""
    one, other = math.floor(low * 100 + 1e-9), math.ceil(high * 100 - 1e-9)
    return f"{one}%" if one == other else f"{one} to {other}%"


def _more_span(low: float, high: float) -> str:
    """Both ends per hundred, rounded outwards."""
    one, other = math.floor(low * 100 + 1e-9), math.ceil(high * 100 - 1e-9)
    least = f"{-one} fewer" if one < 0 else f"{one}"
    return f"{other} more" if one == other else f"{least} to {other} more"


def _hours(hours: float) -> str:
    days = hours / 24.0
    return f"{days:g} days" if days >= 3 and days == int(days) else f"{hours:g} hour{'s' * (hours != 1)}"
