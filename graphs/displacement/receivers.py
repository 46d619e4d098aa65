"""Controls that receive the target's content after the event."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import Gain
from waterbed.graphs.displacement.series import Series
from waterbed.model.message import Count, Message, Name, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A control to which content of the target went.

    Counts are of site clusters: `came` from the target after the event, `expected` of these by those before it, and
    `usual` arrivals of all that did not come from the target, in as long a time before it.
    """

    place: str
    came: int
    expected: float
    usual: float

    @property
    def share(self) -> float:
        """The part of what arrives there that is displaced."""
        more = max(0.0, self.came - self.expected)
        return more / (more + self.usual) if more else 0.0

    def words(self, name: str, most: float, *, left_out: bool) -> Message:
        """Say what it received, and what becomes of it."""
        out = Message.of("it is left out")
        retained = Message.of("no other is left, and what is compared with it is refused")
        return Message.of(
            "A control received the target's content after the event ({place}): {came}, {expected} to be expected by "
            "those before. That is {share} of what arrives there, more than {most} (most_contaminated); {consequence}.",
            place=Name(name, self.place),
            came=Count(self.came, "site"),
            expected=Count(round(self.expected)),
            share=Share(self.share),
            most=Share(most),
            consequence=out if left_out else retained,
        )


def receivers(series: Series) -> list[Receiver]:
    """Find controls that the event filled with the target's content.

    Those at which hops from the target, beyond as many as came before, are more than `most_contaminated` of what
    arrives. What arrives by itself is taken from before the event, so that a control's own course after it does not
    decide if it stays: the controls that fell would be left out first.
    """
    event = series.event
    (start, until), (since, end) = series.before, series.after
    longer = (end - since) / (until - start)
    receiving = []
    by_place: dict[str, list[Gain]] = {place: [] for place in (*event.controls, *event.buffer_controls)}
    for gain in series.movements.gains:
        if gain.place in by_place:
            by_place[gain.place].append(gain)
    for place, place_gains in by_place.items():
        theirs = [gain for gain in place_gains if series.left_target(gain)]
        previous = _sites(gain for gain in theirs if start <= gain.seen < until)
        usual = _sites(gain for gain in place_gains if start <= gain.seen < until and not series.left_target(gain))
        arrived = _sites(gain for gain in theirs if since <= gain.seen < end)
        receiver = Receiver(place=place, came=arrived, expected=previous * longer, usual=usual * longer)
        if receiver.share > event.most_contaminated:
            receiving.append(receiver)
    return receiving


def _sites(gains: Iterable[Gain]) -> int:
    return len({gain.cluster for gain in gains})


def without(event: Event, received: Collection[str]) -> Event:
    """Return the event without these controls.

    A group of which none would remain stays as it is: what is compared with it is refused.
    """
    groups = {
        group: tuple(place for place in getattr(event, group) if place not in received) or getattr(event, group)
        for group in ("controls", "buffer_controls")
    }
    return msgspec.structs.replace(event, **groups)
