"""Losses of content: the one that an arrival most likely answers, found in logarithmic time."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from waterbed.model.conclusions import Episode

_NOT_LEFT = (None, "masked", "lost", "lineage")
"""Ends that are no departure: a proxy put in front hides the origin, a network's new owner moves no site in it."""

REACH = 16
"""Losses looked at before an arrival, and as many after it: what is further away is no likely source."""


@dataclass(frozen=True, slots=True)
class Source:
    """The loss that an arrival most likely answers."""

    loss: Episode
    hosters: int
    """How many hosters had a loss that could be meant in its place, its own included."""
    known_gone: bool
    """Whether any of these was over before the arrival."""


def in_order(episode: Episode) -> tuple[datetime, str, str, datetime]:
    """Sorts the episodes of a content by when they were known up."""
    return episode.known_up_at, episode.url_id, episode.hoster, episode.last_up


def is_loss(episode: Episode) -> bool:
    """Whether content left that hoster, for all that is known."""
    return episode.first_down is not None and episode.cause not in _NOT_LEFT and not episode.proxy


def down_by(episode: Episode) -> datetime:
    """When an episode was first known over; ValueError if it is not known to have ended."""
    if episode.first_down is None:
        raise ValueError("a loss needs an episode that ended")
    return episode.first_down


class Losses:
    """Losses of one content."""

    def __init__(self, losses: Iterable[Episode]) -> None:
        """Take all losses, in any order."""
        self._all = sorted(losses, key=lambda e: (down_by(e), in_order(e)))
        self._ends = [down_by(e) for e in self._all]

    def nearest(self, when: datetime, hoster: str) -> Source | None:
        """The loss at another hoster that is nearest in time to an arrival there.

        Asked are the last `REACH` before it, and of as many after it those that were up before: the content may have
        been copied while it still stood. Of two equally near ones it is the one before. Takes logarithmic time.
        """
        place = bisect_right(self._ends, when)
        gone = [e for e in self._all[max(0, place - REACH) : place] if e.hoster != hoster]
        later = [e for e in self._all[place : place + REACH] if e.hoster != hoster and e.known_up_at < when]
        if not gone and not later:
            return None
        after = not gone or (bool(later) and down_by(later[0]) - when < when - down_by(gone[-1]))
        hosters = len({e.hoster for e in (*gone, *later)})
        return Source(later[0] if after else gone[-1], hosters, known_gone=bool(gone))
