"""Lines of an event's plan and check."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from waterbed.estimators.power import ERROR
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.planned import LEAST_MOVES, known_order
from waterbed.graphs.displacement.sequence import FALL
from waterbed.model.formatter import day_of
from waterbed.model.message import (
    NOTHING,
    Count,
    Listed,
    Message,
    Moment,
    Number,
    PValue,
    Share,
    Term,
    joined,
)
from waterbed.model.results import PlanRow
from waterbed.questions.intervention.answer import deciding, held, open_quarantines
from waterbed.questions.intervention.power import DISPLACED, EventPower
from waterbed.study.conclusions import Conclusions

PRIMARY: Final = "excess reappearance"
"""The outcome whose power is worked out."""
_LEAST_PLACEBOS: Final = 4
_DAY: Final = timedelta(days=1)


Row = PlanRow[Message]
"""A line whose sentence is a message."""


def power_rows(power: EventPower, removed: float, displaced: float) -> Iterator[Row]:
    """Yield power, least effects, placebo dates and the read date.

    For a stated effect: the share removed within 24 hours after the event, and the share of what ends that moves. A
    number that cannot be told is a sentence with the reason.
    """
    fall = primary = None
    if power.event.fall == FALL:
        fall = power.fall_power(removed)
        yield from _fall(power, removed, fall)
    else:
        yield _not_worked_out("power, fall", power.event.fall, FALL)
    if power.event.primary == PRIMARY:
        primary = power.primary_power(removed, displaced, stock=False)
        yield from _primary(power, removed, displaced, primary)
    else:
        yield _not_worked_out("power, primary", power.event.primary, PRIMARY)
    if isinstance(fall, float) and isinstance(primary, float):
        joint_probability = fall * primary
        text = Message.of(
            "Both, and so displacement, are shown with a probability of about {p}.", p=_probability(joint_probability)
        )
        yield PlanRow(topic="power, report", text=text, value=joint_probability, unit="probability")
    yield from placebo_rows(power)
    yield _read(power)


def _not_worked_out(topic: str, outcome: str, other: str) -> Row:
    text = Message.of("Power of {asked} is not worked out, only of {other}.", asked=Term(outcome), other=Term(other))
    return PlanRow(topic=topic, text=text)


def _probability(value: float) -> Number:
    return Number(value, decimals=2)


def _fall(power: EventPower, removed: float, chance: float | Refusal) -> Iterator[Row]:
    now, least = power.removes_now, power.least_fall()
    refused = [refusal.reason for refusal in (now, chance, least) if isinstance(refusal, Refusal)]
    if isinstance(now, Refusal) or isinstance(least, Refusal):
        text = Message.of(
            "The power to show that it removes more, and the least that can be shown, cannot be told: {reason}.",
            reason=refused[0],
        )
        yield PlanRow(topic="power, fall", text=text)
        return
    was, share = Share(now), Share(removed)
    if isinstance(chance, Refusal):
        text = Message.of(
            "The power to show that it removes {share} within 24 hours ({now} now) cannot be told: {reason}.",
            share=share,
            now=was,
            reason=chance.reason,
        )
        yield PlanRow(topic="power, fall", text=text)
    else:
        text = Message.of(
            "If it removes {share} within 24 hours ({now} now), that is shown with a probability of {p}.",
            share=share,
            now=was,
            p=_probability(chance),
        )
        yield PlanRow(topic="power, fall", text=text, value=chance, unit="probability")
    if least is None:
        text = Message.of(
            "Not even the removal of all within 24 hours ({now} now) is shown with a probability of 0.8.", now=was
        )
        yield PlanRow(topic="least effect, fall", text=text)
    else:
        text = Message.of(
            "To be shown with a probability of 0.8, it must remove {least} within 24 hours ({now} now).",
            least=Share(least),
            now=was,
        )
        yield PlanRow(topic="least effect, fall", text=text, value=least, unit="share within 24 h")


def _primary(power: EventPower, removed: float, displaced: float, chance: float | Refusal) -> Iterator[Row]:
    least = power.least_displaced(removed)
    refused = [refusal.reason for refusal in (chance, least) if isinstance(refusal, Refusal)]
    if isinstance(chance, Refusal) or isinstance(least, Refusal):
        text = Message.of(
            "The power to show that content moves, and the least that can be shown, cannot be told: {reason}.",
            reason=refused[0],
        )
        yield PlanRow(topic="power, primary", text=text)
        return
    seen = Message.of("moves and is seen")
    if power.event.detection:
        seen = Message.of("moves (reports find {part} of it)", part=Share(power.found))
    text = Message.of(
        "If it removes {removed} of what is reported after the event, and {displaced} of that {seen}, this is shown "
        "with a probability of {p}",
        removed=Share(removed),
        displaced=Share(displaced),
        seen=seen,
        p=_probability(chance),
    )
    stock = power.primary_power(removed, displaced, stock=True)
    if not isinstance(stock, Refusal) and stock > chance:
        more = Message.of("{p} if it removes what is up at the event, too", p=_probability(stock))
        text = joined(text, more)
    yield PlanRow(topic="power, primary", text=ended(text), value=chance, unit="probability")
    if least is None:
        most = Share(DISPLACED[-1])
        text = Message.of("Not even {most} displaced are shown with a probability of 0.8.", most=most)
        yield PlanRow(topic="least effect, primary", text=text)
    else:
        text = Message.of("To be shown with a probability of 0.8, {least} of it must move.", least=Share(least))
        yield PlanRow(topic="least effect, primary", text=text, value=least, unit="share displaced")
    share, moves = known_order(power.movements)
    text = Message.of(
        "Of {moves} seen before the event {share} surely came after the loss; powers count on as many.",
        moves=Count(moves, "move"),
        share=Share(share),
    )
    if moves < LEAST_MOVES:
        text = Message.of(
            "{moves} were seen before the event: powers take half of all to come surely after the loss.",
            moves=Count(moves, "move"),
        )
    yield PlanRow(topic="known order", text=text, value=share, unit="share of moves")


def ended(clause: Message) -> Message:
    """A clause that begins as a sentence does as a sentence."""
    return Message.of("{clause}.", clause=clause)


def placebo_rows(power: EventPower) -> Iterator[Row]:
    """Yield placebo dates before the event, and stretches."""
    event, movements = power.event, power.movements
    begin = movements.hours(event.since) if event.since else 0.0
    index = int((movements.hours(event.at) - begin) / event.period_h + 1e-9)
    latest = index - event.anticipation - event.after
    count = len(range(latest, event.before + event.anticipation - 1, -event.after))
    least, dates = 1.0 / (count + 1), Number(count, "placebo date")
    if count < _LEAST_PLACEBOS:
        text = Message.of(
            "{dates} fit before the event: the mean change needs {least}, and 19 for 5%.",
            dates=dates,
            least=Number(_LEAST_PLACEBOS),
        )
        yield PlanRow(topic="placebo dates", text=text, value=float(count), unit="dates")
    else:
        more = NOTHING if least <= ERROR else Message.of("5% needs 19")
        text = Message.of("{dates} fit before the event: their least {p}", dates=dates, p=PValue(least))
        yield PlanRow(topic="placebo dates", text=ended(joined(text, more)), value=float(count), unit="dates")
        yield PlanRow(topic="least p, placebo dates", text=_least_p(least), value=least, unit="p")
    stretches = index - event.anticipation + event.after
    least = 1.0 / stretches
    more = NOTHING if least <= ERROR else Message.of("5% needs 20")
    text = Message.of(
        "{stretches} of time will be compared (mean change, blocks): their least {p}",
        stretches=Number(stretches, "stretch"),
        p=PValue(least),
    )
    yield PlanRow(topic="least p, stretches", text=ended(joined(text, more)), value=least, unit="p")


def _least_p(least: float) -> Message:
    return Message.of("No date can show more than {p}.", p=PValue(least))


def _read(power: EventPower) -> Row:
    event = power.event
    if event.read:
        days = Listed(tuple(day_of(read_at) for read_at in event.reads))
        text = Message.of("It is read on {days}; earlier outputs are interim.", days=days)
        return PlanRow(topic="read dates", text=text, value=float(len(event.read)), unit="dates")
    text = Message.of("No read date is declared: every output is a test, so read it once.")
    return PlanRow(topic="read dates", text=text)


def first_read(event: Event, confirmation: timedelta) -> datetime:
    """From when the report can be read first.

    Looks go on for the time that confirmation takes.
    """
    ready = event.reads[0] if event.read else event.window[1] + timedelta(hours=event.horizon_h)
    return ready + confirmation


def fall_row(power: EventPower) -> Iterator[Row]:
    """Yield that the fall cannot be shown.

    Once data reach the event: a share before it that cannot be told then will not be told later.
    """
    event, now = power.event, power.removes_now
    if event.fall == FALL and isinstance(now, Refusal) and power.movements.until + _DAY >= event.at:
        text = Message.of("That the target removes more cannot be shown: {reason}.", reason=now.reason)
        yield PlanRow(topic="fall", text=text, stops=True)


def quarantine_rows(conclusions: Conclusions, event: Event) -> Iterator[Row]:
    """Yield the open quarantines that stop the answer."""
    for quarantine in open_quarantines(conclusions, event, conclusions.episodes):
        yield PlanRow(topic="quarantine", text=ended(held(quarantine)), stops=True, command=deciding(quarantine))


def answer_row(rows: Sequence[Row], first: datetime, wait_days: float) -> Row:
    """From when an answer can be had, or its obstacles."""
    stopping = [row for row in rows if row.stops]
    if stopping:
        text = Message.of("No answer can be had before this is mended: {what}", what=stopping[0].text)
        if other_count := len(stopping) - 1:
            more = Number(other_count, "more reason")
            text = Message.of(
                "No answer can be had before this is mended ({more} above): {what}", more=more, what=stopping[0].text
            )
        return PlanRow(topic="answer", text=text, stops=True, command=stopping[0].command)
    text = Message.of("An answer can be had from {first}.", first=Moment(first))
    if not wait_days:
        text = Message.of("An answer can be had from {first}: now.", first=Moment(first))
    return PlanRow(topic="answer", text=text, value=wait_days, unit="days of data that are missing")
