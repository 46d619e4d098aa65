"""What is said of series that begin with another observer's looks."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from graphs.episodes import UNATTRIBUTED
from waterbed.displacement.event import Event
from waterbed.model.conclusions import ToldEpisode
from waterbed.others import Others

SEE = "docs/displacement.md, History as the period before"


def prior_notes(others: Others, event: Event | None) -> Iterator[str]:
    """How much of the data others told, and where they change to ours; nothing if nobody told anything of before."""
    told, began = others.prior, others.began
    if not told or began is None:
        return
    who = ", ".join(sorted({f"{one.observer} (source {one.source})" for one in told}))
    count = f"{len(told):,} episodes of {len({one.url_id for one in told}):,} URLs from before our first look"
    if not others.settings.in_series:
        yield f"{count} were told by {who} and are left out (testimony.in_series): see {SEE}."
        return
    yield f"{count}, {began:%Y-%m-%d %H:%M}, are told by {who}, not seen by us{_nowhere(told)}."
    if event is not None:
        yield (
            f"The observer changes {_where(began, event)}: what differs between the two may be the observer, and only "
            f"what target and controls do not share tells of the event. See {SEE}."
        )


def _nowhere(told: Sequence[ToldEpisode]) -> str:
    lost = sum(one.hoster == UNATTRIBUTED for one in told)
    return (
        f"; {lost:,} of them are at no known hoster, for want of an address or of a table of that time" if lost else ""
    )


def _where(began: datetime, event: Event) -> str:
    start, end = event.window
    if began <= start:
        return "before the periods used"
    if began >= end:
        return "after the periods used"
    if began < event.at:
        return f"{(event.at - began) / event.period:.1f} periods before the event, within those used"
    return "at the event or after it, within the periods used"
