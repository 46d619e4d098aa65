"""Sentences on what was removed before and after an event."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.known import IN_WORDS, Known, Removed
from waterbed.graphs.displacement.sequence import ERROR, FALL, falls
from waterbed.model.formatter import day_of
from waterbed.model.message import (
    Argument,
    Count,
    Date,
    Listed,
    Message,
    Name,
    Number,
    PValue,
    Refusal,
    Sentence,
    Share,
    Span,
    Term,
)

APART: Final = 0.2
"""Difference of the shares of target and controls before, above which one cause may change them unlike."""
_MORE: Final = Message.of("it removed more than before")
_MORE_AT_MIX: Final = Message.of("it removed more than before, at the same mix of categories and sources")
_BEYOND: Final = Message.of("its share rose by more than that of its controls")


def removed(known: Known) -> Message:
    """Say what target and controls removed, before and after."""
    removed_before, after = known.target
    name = Name(known.name, public=True)
    if after.share is None and removed_before.share is None:
        explanation = reason(after.why)
        if after.why is not None and after.why.held_back:
            return Message.of(
                "How much {name} removed within 24 hours is not disclosed here: {why}.", name=name, why=explanation
            )
        return Message.of(
            "How much {name} removed within 24 hours cannot be estimated: {why}.", name=name, why=explanation
        )
    shares = [removal for removal in (*known.target, *known.controls) if removal.share is not None]
    lacks_intervals = all(removal.low is None for removal in shares)
    parts: dict[str, Argument] = {
        "name": name,
        "after": _of(after, lacks_intervals, noun=True),
        "before": _of(removed_before, lacks_intervals),
    }
    opening = Message.of("After the event {name} removed {after} within 24 hours, before it {before}", **parts)
    if lacks_intervals:
        opening = Message.of(
            "Of these reports alone, after the event {name} removed {after} within 24 hours, before it {before}",
            **parts,
        )
    clauses = [opening]
    if known.same_mix is not None:
        same = _share(known.same_mix, lacks_intervals)
        clauses.append(Message.of("at the mix of categories and sources before, it would be {same} after", same=same))
    if all(removal.share is not None for removal in known.controls):
        first, then = (_share(removal, lacks_intervals) for removal in known.controls)
        clauses.append(Message.of("controls without the event {then} after it, {first} before", then=then, first=first))
    return Message.of("{clauses}.", clauses=Listed(tuple(clauses), by="semicolon"))


def _of(one: Removed, alone: bool, *, noun: bool = False) -> Message:
    n = Count(one.n, "report") if noun else Count(one.n)
    if one.share is not None:
        return Message.of("{share} of {n}", share=_share(one, alone), n=n)
    if one.n:
        return Message.of("an unknown part of {n}", n=n)
    return Message.of("an unknown part ({why})", why=reason(one.why))


def _share(removal: Removed, alone: bool) -> Message:
    if removal.share is None:
        return Message.of("an unknown part")
    share = Share(removal.share)
    if removal.low is not None and removal.high is not None:
        if removal.open:
            return Message.of("{span}", span=Span(removal.low, removal.high))
        return Message.of("{share} ({span})", share=share, span=Span(removal.low, removal.high))
    if alone:
        return Message.of("{share}", share=share)
    return Message.of("{share} (of these reports alone)", share=share)


def changes(known: Known) -> Iterator[Message]:
    """Say if the target removed more, by more than its controls, and by more than between earlier stretches."""
    fall, clause = known.fall, _MORE if known.same_mix is None else _MORE_AT_MIX
    if fall.name != FALL:
        counted = Term(IN_WORDS[known.outcome])
        clause = Message.of("the amount of its {counted} was less than expected from its controls", counted=counted)
    if fall.refusal is not None:
        yield unknown(clause, fall)
    elif known.interim:
        day = Date(day_of(known.interim).day, words=True)
        yield Message.of("This is interim, without a test: the report is read on {day}.", day=day)
    elif not is_shown(fall):
        yield Message.of("It is not shown that {what} ({p}).", what=clause, p=p_of(fall))
        yield from _controls_changed(known)
    else:
        often = _often(fall)
        yield shown(
            Message.of(
                "{what} ({p}: chance alone would do so {often} in 1,000)", what=clause, p=p_of(fall), often=often
            )
        )
        yield from _more_than_controls(known)
        yield from _controls_changed(known)


def shown(clause: Message) -> Message:
    """A clause as a sentence."""
    return Message.of("{said}", said=Sentence(clause))


def unknown(what: Message, answer: TypedAnswer) -> Message:
    """Say why it is not known whether something is so."""
    if held_back(answer):
        return Message.of("Whether {what} is not disclosed here: {why}.", what=what, why=reason(answer.refusal))
    return Message.of("Whether {what} cannot be estimated: {why}.", what=what, why=reason(answer.refusal))


def _more_than_controls(facts: Known) -> Iterator[Message]:
    beyond_controls, earlier = facts.beyond, facts.earlier
    if beyond_controls is None:
        return
    if beyond_controls.refusal is not None:
        yield unknown(_BEYOND, beyond_controls)
        return
    if not is_shown(beyond_controls):
        yield Message.of("It is not shown that {what} ({p}).", what=_BEYOND, p=p_of(beyond_controls))
        return
    yield shown(Message.of("{what} ({p})", what=_BEYOND, p=p_of(beyond_controls)))
    target_share, other = (shares[0].share for shares in (facts.target, facts.controls))
    if target_share is not None and other is not None and abs(target_share - other) > APART:
        yield Message.of(
            "Before the event they lay {points} points apart: one cause may change such shares by unlike amounts.",
            points=Number(round(100 * abs(target_share - other))),
        )
    if earlier is None:
        return
    if earlier.refusal is not None:
        yield unknown(Message.of("so large a change came before"), earlier)
        return
    earlier_ones: dict[str, Argument] = {
        "stretches": Number(facts.stretches, "stretch"),
        "length": _length(facts.stretch),
        "most": Number(round(100 * (facts.largest or 0.0))),
        "p": p_of(earlier),
    }
    if is_shown(earlier):
        yield Message.of(
            "So large a change did not come between its {stretches} of {length} before the event ({most} points at "
            "most; {p}).",
            **earlier_ones,
        )
        return
    yield Message.of(
        "It is not shown that this change is larger than those between its {stretches} of {length} before the event "
        "({most} points at most; {p}): a trend or a season of its own may explain it.",
        **earlier_ones,
    )


def _controls_changed(facts: Known) -> Iterator[Message]:
    """Say that the controls changed, if their intervals, which hold together with all others, do not meet."""
    removed_before, after = facts.controls
    if removed_before.low is None or removed_before.high is None or after.low is None or after.high is None:
        return
    if after.high < removed_before.low:
        yield Message.of("Its controls removed less than before.")
    if after.low > removed_before.high:
        yield Message.of("Its controls removed more than before.")


def _length(length: timedelta) -> Number:
    return Number(round(length / timedelta(days=1)), "day")


def reason(refusal: Refusal | None) -> Message:
    """The reason of a refusal."""
    return refusal.reason if refusal else Message.of("nothing is known of it")


def held_back(answer: TypedAnswer) -> bool:
    """True if disclosure control hides an answer."""
    return answer.refusal is not None and answer.refusal.held_back


def rejects(answer: TypedAnswer | None) -> bool:
    """True if a test of the sequence rejects."""
    return answer is not None and answer.adjusted is not None and answer.adjusted <= ERROR


def is_shown(answer: TypedAnswer) -> bool:
    """True if a test of a fall rejects in its direction."""
    return rejects(answer) and falls(answer)


def p_of(answer: TypedAnswer) -> PValue:
    """The p of a test in its sequence."""
    return PValue(1.0 if answer.adjusted is None else answer.adjusted)


def _often(answer: TypedAnswer) -> Message:
    """A p in words."""
    times = math.ceil((1.0 if answer.adjusted is None else answer.adjusted) * 1000 - 1e-9)
    if times > _TWICE:
        return Message.of("{times} times", times=Number(times))
    return Message.of("twice") if times == _TWICE else Message.of("once")


_TWICE: Final = 2
