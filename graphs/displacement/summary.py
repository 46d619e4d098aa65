"""The answer to one event, in at most five paragraphs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.known import IN_WORDS, Known, Moved
from waterbed.graphs.displacement.removal_sentences import (
    changes,
    held_back,
    is_shown,
    p_of,
    reason,
    rejects,
    removed,
    shown,
    unknown,
)
from waterbed.graphs.displacement.sequence import ERROR, EXCESS
from waterbed.model.message import (
    NOTHING,
    Argument,
    Count,
    Hours,
    Message,
    Number,
    PValue,
    Sentence,
    Share,
    Span,
    Term,
    joined,
)

Branch = Literal["held back", "refused", "no change", "removal only", "displacement", "diffusion", "mixed"]
"""What the sentences come to; `diffusion`: the benefit spread to the buffer."""

_MOVES: Final = (EXCESS, "abroad, difference")
"""Primary outcomes that show that content moved."""
_CHANGED: Final = {"appearances": "appearances", "arrivals": "arrivals", "takedowns": "ends of content"}
"""What is counted, as that of which there was a change."""
AT_ONCE: Final = Message.of("Together these intervals hold with 95% confidence.")
"""The sentence that tells them from those in tables, each of which holds for itself."""
NOT_PUBLISHED: Final = Message.of(
    "No answer is published: it is held back (disclosure control), which does not mean that it is negative"
)
UNPUBLISHED: Final = Message.of("{said}", said=Sentence(NOT_PUBLISHED))
"""All that others are told where an event at a place that is not named acts on the same target."""
_NOT_NEGATIVE: Final = Message.of(
    "The answer is held back (disclosure control), which does not mean that it is negative: there may have been "
    "a fall, and a displacement, or neither."
)
"""The same sentence whatever the hidden answer."""
_MOVE_NOT_NEGATIVE: Final = Message.of(
    "This is held back (disclosure control), which does not mean that it is negative."
)
"""The same of the primary outcome, beside a fall that is told."""
_OFTENER: Final = Message.of(
    "its items reappeared elsewhere more often than like items left up, than before the event, and than afterwards"
)
"""What shows that content moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sentences, and what they come to."""

    branch: Branch
    sentences: tuple[Message, ...]
    """A paragraph each."""
    short: tuple[Message, ...] = ()
    """The same without further numbers: a page's first screen has room for these."""
    further: tuple[Message, ...] = ()
    """All that `short` leaves out."""
    changes: tuple[Message, ...] = ()
    """What would change the answer, in sentences."""

    @property
    def text(self) -> Message:
        """The paragraphs as one text."""
        return joined(*self.sentences, by="sentence")


def summary(known: Known) -> Summary:
    """Say what happened in at most five paragraphs.

    Each number stands with its interval, or is said to be of these reports or items alone; all intervals hold together
    at 95%. A change, a displacement and a spread are said only where their test in the sequence rejects.
    """
    if known.stopped:
        is_held_back, sentences = tuple(known.stopped) == (UNPUBLISHED,), tuple(known.stopped)
        return Summary(branch="held back" if is_held_back else "refused", sentences=sentences, short=sentences)
    tests = [test for test in (known.fall, known.beyond, known.earlier) if test is not None]
    fell = all(is_shown(test) or (test is known.earlier and test.refusal is not None) for test in tests)
    more, spread = known.primary.name in _MOVES and _grew(known.primary), _grew(known.spread)
    stated = any(removal.low is not None for removal in (*known.target, *known.controls))
    stated = stated or (fell and known.moved.low is not None)
    shares, at_once, tested = removed(known), [AT_ONCE] if stated else [], [*changes(known)]
    moved = [*_moved(known.moved, known, more=more)] if fell else []
    oftener, last = [*_more(known, fell=fell, more=more, spread=spread)], [*_cause(known), *_events(known)]
    first = len(oftener) if held_back(known.primary) else 1
    return Summary(
        branch=_branch(known, fell, more, spread),
        sentences=_paragraphs([shares, *at_once], tested, moved, oftener, last),
        short=_paragraphs([shares], tested, moved[:1], oftener[:first]),
        further=_paragraphs(at_once, moved[1:], oftener[first:], last),
        changes=tuple(_explanations(known, has_excess=fell and more)),
    )


def _paragraphs(*each: Sequence[Message]) -> tuple[Message, ...]:
    paragraphs = (joined(*paragraph, by="sentence") for paragraph in each)
    return tuple(paragraph for paragraph in paragraphs if paragraph != NOTHING)


def _explanations(facts: Known, *, has_excess: bool) -> Iterator[Message]:
    """Say how strong something unmeasured would have to be, to explain what is said."""
    if facts.interim:
        return
    biases = [bias.estimate for bias in facts.bias if bias.estimate is not None]
    if has_excess and facts.primary.name == EXCESS and biases and len(biases) == len(facts.bias):
        odds = math.floor(min(biases) * 10) / 10
        if odds > 1.0:
            yield Message.of(
                "Something unmeasured explains that more reappeared elsewhere only if it made an end {odds} times as "
                "likely and made content reappear elsewhere, too.",
                odds=Number(odds, decimals=1),
            )
        else:
            yield Message.of(
                "A second, harder test, among matched items of one site each, has a result of its own: it does not "
                "show that more reappeared elsewhere, as a slight unmeasured difference would explain it. The result "
                "of the first test stands, unless something unmeasured matters."
            )
    drift, places, quantity = facts.drift, facts.places, Term(_CHANGED[facts.outcome])
    if drift is not None and drift.estimate:
        times = math.floor(drift.estimate * 10) / 10
        if times:
            yield Message.of(
                "A drift of its own {times} times as large as its largest earlier change would explain its change of "
                "{what}.",
                times=Number(times, decimals=1),
                what=quantity,
            )
        else:
            yield Message.of(
                "A drift of its own much smaller than its earlier changes would explain its change of {what}.",
                what=quantity,
            )
    if places is not None and places.p is not None and places.smallest_p is not None:
        p = Message.of("{p}", p=PValue(places.p))
        if places.smallest_p > ERROR:
            p = Message.of(
                "{p}; with so few places even the first has {least}, above {level}",
                p=PValue(places.p),
                least=PValue(places.smallest_p),
                level=Number(ERROR),
            )
        yield Message.of(
            "Of {every}, each by its size, the target is number {place} by how much its {what} changed ({p}).",
            every=Number(round(1.0 / places.smallest_p), "place"),
            place=Number(round(places.p / places.smallest_p)),
            what=quantity,
            p=p,
        )


def _branch(facts: Known, fell: bool, more: bool, spread: bool) -> Branch:
    has_fallen = is_shown(facts.fall)
    needed = [facts.fall, *filter(None, [facts.beyond if has_fallen else None, facts.primary if fell else None])]
    if any(held_back(answer) for answer in needed):
        return "held back"
    if any(answer.refusal is not None for answer in needed) or facts.interim:
        return "refused"
    if not has_fallen:
        return "no change"
    if fell and more:
        return "mixed" if spread else "displacement"
    return "diffusion" if fell and spread else "removal only"


def _grew(answer: TypedAnswer | None) -> bool:
    """True if a test of the sequence shows an increase."""
    return answer is not None and rejects(answer) and (answer.estimate or 0.0) > 0


def _moved(moved: Moved, known: Known, *, more: bool) -> Iterator[Message]:
    if moved.ended is None:
        yield Message.of(
            "Too few sites are behind what went offline there after the event to say how much of it moved."
        )
        return
    if not moved.ended:
        yield Message.of(
            "No item that went offline there after the event could be followed long enough to see if it moved."
        )
        return
    seen: dict[str, Argument] = {"ended": Count(moved.ended, "item"), "within": Hours(moved.horizon_h)}
    if moved.surely is None:
        yield Message.of(
            "An undisclosed part of the {ended} that went offline there reappeared elsewhere within {within}.",
            **seen,
        )
    elif not moved.surely:
        yield Message.of(
            "Of the {ended} that went offline there none surely reappeared elsewhere within {within}.", **seen
        )
    elif moved.surely < moved.ended:
        yield Message.of(
            "At least {surely} of the {ended} that went offline there reappeared elsewhere within {within}, some "
            "perhaps by chance.",
            **seen,
            surely=Count(moved.surely, least=True),
        )
    else:
        yield Message.of(
            "The {ended} that went offline there reappeared elsewhere within {within}, some perhaps by chance.", **seen
        )
    abroad = Span(known.abroad.low, known.abroad.high) if known.abroad and more else None
    if moved.low is None or moved.high is None:
        yield Message.of("How many more moved cannot be estimated: {why}.", why=reason(moved.why))
    else:
        yield _bounds(moved.low, moved.high, more=more)
    if abroad is not None:
        yield Message.of("Of what moved, {abroad} went abroad.", abroad=abroad)


def _bounds(low: float, high: float, *, more: bool) -> Message:
    """How much moved; a lower bound above 0 would say that content moved."""
    least, most = Share(low, rounding="down"), Share(high, rounding="up")
    if not more:
        if high >= 1.0:
            return Message.of("No useful maximum of what moved can be given.")
        return Message.of("Assuming reporters find as much as declared, at most {most} moved.", most=most)
    if high >= 1.0:
        return Message.of(
            "Assuming reporters find as much as declared, at least {least} moved; no useful maximum can be given.",
            least=least,
        )
    return Message.of("Assuming reporters find as much as declared, {span} moved.", span=Span(low, high))


def _more(facts: Known, *, fell: bool, more: bool, spread: bool) -> Iterator[Message]:
    primary = facts.primary
    if held_back(facts.fall):
        yield _NOT_NEGATIVE
        return
    if facts.interim:
        return
    if not fell:
        if is_shown(facts.fall) and facts.beyond is not None:
            yield Message.of("Without all of this shown, no displacement is spoken of.")
        else:
            yield Message.of("Without a fall that is shown, no displacement is spoken of.")
        return
    if primary.name == EXCESS:
        yield from _reappeared(facts, more=more)
    else:
        yield from _changed(facts)
    if spread and primary.refusal is None:
        yield Message.of("Its buffer removed more, too: the benefit spread.")


def _changed(known: Known) -> Iterator[Message]:
    """Say if a primary outcome other than the excess changed."""
    primary = known.primary
    clause = {
        "removal, change": Message.of("the share that it removed changed"),
        "removal, change, buffer": Message.of("the share that its buffer removed, beyond its controls', changed"),
        "abroad, difference": Message.of("the part that went abroad, beyond its controls', changed"),
    }.get(primary.name)
    if clause is None:
        counted = Term(IN_WORDS[known.outcome])
        clause = Message.of("its {counted}, beyond its controls', changed", counted=counted)
    if primary.refusal is not None:
        yield from _refused(clause, primary)
    elif rejects(primary):
        yield shown(Message.of("{what} ({p})", what=clause, p=p_of(primary)))
    else:
        yield Message.of("It is not shown that {what} ({p}).", what=clause, p=p_of(primary))


def _reappeared(facts: Known, *, more: bool) -> Iterator[Message]:
    """Say if content moved: by the excess of what reappeared elsewhere after it went offline."""
    primary, moved = facts.primary, facts.moved
    if primary.refusal is not None:
        yield from _refused(_OFTENER, primary)
        return
    p = p_of(primary)
    if not more:
        yield Message.of("It is not shown that content moved: that {what} ({p}).", what=_OFTENER, p=p)
    elif moved.more_low is not None and moved.more_high is not None:
        assumption = Term("unreported arrivals not counted")
        if moved.corrected:
            assumption = Term("assuming reporters find as much as declared")
        yield Message.of(
            "Content moved: {what} ({more} of every 100 than of like items left up, {how}; {p}).",
            what=_OFTENER,
            more=_per_hundred(moved.more_low, moved.more_high),
            how=assumption,
            p=p,
        )
    else:
        yield Message.of("Content moved: {what} ({p}).", what=_OFTENER, p=p)
    if moved.own is not None:
        after, share_before = moved.own
        yield Message.of(
            "Among what was reported, {after} of these items reappeared elsewhere within {within}, and {before} of its "
            "own items of that age before the event.",
            after=Share(after),
            before=Share(share_before),
            within=Hours(moved.horizon_h),
        )
    if not more:
        yield Message.of("Moves that nobody reported are unknown.")


def _refused(what: Message, primary: TypedAnswer) -> Iterator[Message]:
    yield unknown(what, primary)
    if held_back(primary):
        yield _MOVE_NOT_NEGATIVE


def _cause(facts: Known) -> Iterator[Message]:
    """Say how unusual the change of what is counted is among other times."""
    test = facts.stands_out
    if test is None or test.smallest_p is None or test.p is None:
        return
    spans = round(1.0 / test.smallest_p) - 1
    counted = Term(IN_WORDS[facts.outcome])
    if test.smallest_p > ERROR:
        yield Message.of(
            "Whether its {counted} changed with the event cannot be estimated: {wanted} as long as that after the "
            "event are needed, and {others} can be had.",
            counted=counted,
            wanted=Number(19, "span"),
            others=Number(spans),
        )
    elif test.p > ERROR:
        yield Message.of(
            "No unusual change in the amount of its {counted} was found ({p}).", counted=counted, p=PValue(test.p)
        )
    else:
        yield Message.of(
            "Compared with its controls, its {counted} changed as much or more in {as_much} of {others} of equal "
            "length ({p}).",
            counted=counted,
            as_much=Number(round(test.p / test.smallest_p) - 1),
            others=Number(spans, "span"),
            p=PValue(test.p),
        )


def _events(known: Known) -> Iterator[Message]:
    if known.events < _SEVERAL or known.interim:
        return
    most = math.floor(ERROR / known.events * 10_000) / 10_000
    yield Message.of(
        "With {events} on this study, a p above {most} shows nothing.",
        events=Number(known.events, "event file"),
        most=Number(most),
    )


_SEVERAL: Final = 2


def _per_hundred(low: float, high: float) -> Message:
    """Both ends per hundred, rounded outwards."""
    lowest, other = math.floor(low * 100 + 1e-9), math.ceil(high * 100 - 1e-9)
    if lowest == other:
        return Message.of("{most} more", most=Number(other))
    if lowest < 0:
        return Message.of("{least} fewer to {most} more", least=Number(-lowest), most=Number(other))
    return Message.of("{least} to {most} more", least=Number(lowest), most=Number(other))
