"""Lines of an event's plan and check."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from waterbed.analysis.event_answer import deciding, held, open_quarantines
from waterbed.analysis.event_power import DISPLACED, EventPower
from waterbed.estimators.power import ERROR
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.planned import LEAST_MOVES, known_order
from waterbed.graphs.displacement.sequence import FALL
from waterbed.model.results import PlanRow
from waterbed.model.spelling import p_value, percent
from waterbed.study.conclusions import Conclusions

PRIMARY: Final = "excess reappearance"
"""The outcome whose power is worked out."""
_LEAST_PLACEBOS: Final = 4
_DAY: Final = timedelta(days=1)


def power_rows(power: EventPower, removed: float, displaced: float) -> Iterator[PlanRow]:
    """Yield power, least effects, placebo dates and the read date.

    For a stated effect: the share removed within 24 hours after the event, and the share of what ends that moves. A
    number that cannot be told is a sentence with the reason.
    """
    fall = primary = None
    if power.event.fall == FALL:
        fall = power.fall_power(removed)
        yield from _fall(power, removed, fall)
    else:
        yield PlanRow(topic="power, fall", text=f"Power of {power.event.fall} is not worked out, only of {FALL}.")
    if power.event.primary == PRIMARY:
        primary = power.primary_power(removed, displaced, stock=False)
        yield from _primary(power, removed, displaced, primary)
    else:
        text = f"Power of {power.event.primary} is not worked out, only of {PRIMARY}."
        yield PlanRow(topic="power, primary", text=text)
    if isinstance(fall, float) and isinstance(primary, float):
        text = f"Both, and so displacement, are shown with a probability of about {fall * primary:.2f}."
        yield PlanRow(topic="power, report", text=text, value=fall * primary, unit="probability")
    yield from placebo_rows(power)
    yield _read(power)


def _fall(power: EventPower, removed: float, found: float | Refusal) -> Iterator[PlanRow]:
    now, least = power.removes_now, power.least_fall()
    refused = [one.reason for one in (now, found, least) if isinstance(one, Refusal)]
    if isinstance(now, Refusal) or isinstance(least, Refusal):
        reason = refused[0]
        text = f"The power to show that it removes more, and the least that can be shown, cannot be told: {reason}."
        yield PlanRow(topic="power, fall", text=text)
        return
    was = f"within 24 hours ({percent(now)} now)"
    if isinstance(found, Refusal):
        text = f"The power to show that it removes {percent(removed)} {was} cannot be told: {found.reason}."
        yield PlanRow(topic="power, fall", text=text)
    else:
        text = f"If it removes {percent(removed)} {was}, that is shown with a probability of {found:.2f}."
        yield PlanRow(topic="power, fall", text=text, value=found, unit="probability")
    if least is None:
        text = f"Not even the removal of all {was} is shown with a probability of 0.8."
        yield PlanRow(topic="least effect, fall", text=text)
    else:
        text = f"To be shown with a probability of 0.8, it must remove {percent(least)} {was}."
        yield PlanRow(topic="least effect, fall", text=text, value=least, unit="share within 24 h")


def _primary(power: EventPower, removed: float, displaced: float, found: float | Refusal) -> Iterator[PlanRow]:
    least = power.least_displaced(removed)
    if isinstance(found, Refusal) or isinstance(least, Refusal):
        reason = found.reason if isinstance(found, Refusal) else least.reason if isinstance(least, Refusal) else ""
        text = f"The power to show that content moves, and the least that can be shown, cannot be told: {reason}."
        yield PlanRow(topic="power, primary", text=text)
        return
    seen = f" (reports find {percent(power.found)} of it)" if power.event.detection else " and is seen"
    text = (
        f"If it removes {percent(removed)} of what is reported after the event, and {percent(displaced)} of that "
        f"moves{seen}, this is shown with a probability of {found:.2f}"
    )
    stock = power.primary_power(removed, displaced, stock=True)
    more = (
        "."
        if isinstance(stock, Refusal) or stock <= found
        else f"; {stock:.2f} if it removes what is up at the event, too."
    )
    yield PlanRow(topic="power, primary", text=text + more, value=found, unit="probability")
    if least is None:
        text = f"Not even {percent(DISPLACED[-1])} displaced are shown with a probability of 0.8."
        yield PlanRow(topic="least effect, primary", text=text)
    else:
        text = f"To be shown with a probability of 0.8, {percent(least)} of it must move."
        yield PlanRow(topic="least effect, primary", text=text, value=least, unit="share displaced")
    share, moves = known_order(power.movements)
    known = f"{moves:,} moves seen before the event {percent(share)}"
    text = f"Of {known} surely came after the loss; powers count on as many."
    if moves < LEAST_MOVES:
        text = f"{moves:,} moves were seen before the event: powers take half of all to come surely after the loss."
    yield PlanRow(topic="known order", text=text, value=share, unit="share of moves")


def placebo_rows(power: EventPower) -> Iterator[PlanRow]:
    """Yield placebo dates before the event, and stretches."""
    event, movements = power.event, power.movements
    begin = movements.hours(event.since) if event.since else 0.0
    index = int((movements.hours(event.at) - begin) / event.period_h + 1e-9)
    latest = index - event.anticipation - event.after
    count = len(range(latest, event.before + event.anticipation - 1, -event.after))
    least = 1.0 / (count + 1)
    if count < _LEAST_PLACEBOS:
        text = f"{count} placebo dates fit before the event: the mean change needs {_LEAST_PLACEBOS}, and 19 for 5%."
        yield PlanRow(topic="placebo dates", text=text, value=float(count), unit="dates")
    else:
        more = "" if least <= ERROR else "; 5% needs 19"
        text = f"{count} placebo dates fit before the event: their least p is {p_value(least)}{more}."
        yield PlanRow(topic="placebo dates", text=text, value=float(count), unit="dates")
        yield PlanRow(topic="least p, placebo dates", text=f"It is {p_value(least)}.", value=least, unit="p")
    stretches = index - event.anticipation + event.after
    least = 1.0 / stretches
    more = "" if least <= ERROR else "; 5% needs 20"
    compared = f"{stretches} stretches of time will be compared (mean change, blocks)"
    text = f"{compared}: their least p is {p_value(least)}{more}."
    yield PlanRow(topic="least p, stretches", text=text, value=least, unit="p")


def _read(power: EventPower) -> PlanRow:
    event = power.event
    if event.read:
        text = f"It is read on {', '.join(f'{one:%Y-%m-%d}' for one in event.reads)}; earlier outputs are interim."
        return PlanRow(topic="read dates", text=text, value=float(len(event.read)), unit="dates")
    return PlanRow(topic="read dates", text="No read date is declared: every output is a test, so read it once.")


def first_read(event: Event, confirmation: timedelta) -> datetime:
    """From when the report can be read first.

    Looks go on for the time that confirmation takes.
    """
    ready = event.reads[0] if event.read else event.window[1] + timedelta(hours=event.horizon_h)
    return ready + confirmation


def fall_row(power: EventPower) -> Iterator[PlanRow]:
    """Yield that the fall cannot be shown.

    Once data reach the event: a share before it that cannot be told then will not be told later.
    """
    event, now = power.event, power.removes_now
    if event.fall == FALL and isinstance(now, Refusal) and power.movements.until + _DAY >= event.at:
        yield PlanRow(topic="fall", text=f"That the target removes more cannot be shown: {now.reason}.", stops=True)


def quarantine_rows(conclusions: Conclusions, event: Event) -> Iterator[PlanRow]:
    """Yield the open quarantines that stop the answer."""
    for one in open_quarantines(conclusions, event, conclusions.episodes):
        yield PlanRow(topic="quarantine", text=held(one), stops=True, command=deciding(one))


def answer_row(rows: Sequence[PlanRow], first: datetime, wait_days: float) -> PlanRow:
    """From when an answer can be had, or its obstacles."""
    stopping = [row for row in rows if row.stops]
    if stopping:
        others = len(stopping) - 1
        more = f" ({others} more reason{'s' * (others > 1)} above)" if others else ""
        text = f"No answer can be had before this is mended{more}: {stopping[0].text}"
        return PlanRow(topic="answer", text=text, stops=True, command=stopping[0].command)
    text = f"An answer can be had from {first:%Y-%m-%d %H:%M}{'' if wait_days else ': now'}."
    return PlanRow(topic="answer", text=text, value=wait_days, unit="days of data that are missing")
