"""Which loss an arrival answers; URLs that alternate between hosters."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from graphs.episodes import Sighting
from waterbed.model.conclusions import Episode, Hop

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


TURNS = 3
"""Changes between two hosters that a re-pointed name does not make: there, back, and there again."""


def without_alternating(
    hops: Iterable[Hop], sightings: Mapping[str, Sequence[Sighting]], *, soon: timedelta
) -> list[Hop]:
    """The hops without those of a URL whose name stands at both hosters by turns, or at a third one all along.

    What the name servers say counts at every look, whether the page was up, away or not to be told: a page that is
    removed after a few looks was seen up too rarely for that. A name changes by turns if it went from one of the two to
    the other and back three times, or was back within `soon`. Answers that hold both hosters or neither say nothing.
    A URL that was at a third hoster both when last seen at the old one and when first seen at the new one has not gone:
    its name was given other addresses beside. Hops to another URL stay. `sightings` are in time order. Pure.
    """
    kept = []
    for hop in hops:
        seen = sightings.get(hop.to_url_id, ()) if hop.from_url_id == hop.to_url_id else ()
        if not _by_turns(hop, seen, soon) and not _stayed(hop, seen):
            kept.append(hop)
    return kept


def _stayed(hop: Hop, seen: Sequence[Sighting]) -> bool:
    """Whether the two looks between which it moved have a hoster in common."""
    before, after = (
        {key for one in seen if one.verdict.observed_at == when and one.attribution for key in one.attribution.hosters}
        for when in (hop.left_after, hop.arrived_before)
    )
    return bool(before & after)


def _by_turns(hop: Hop, seen: Sequence[Sighting], soon: timedelta) -> bool:
    changes: list[datetime] = []
    last: str | None = None
    for sighting in seen:
        hosters = sighting.attribution.hosters if sighting.attribution else ()
        here = [key for key in (hop.from_hoster, hop.to_hoster) if key in hosters]
        if len(here) != 1 or here[0] == last:
            continue
        if last is not None:
            changes.append(sighting.verdict.observed_at)
        last = here[0]
    back = any(after - before <= soon for before, after in pairwise(changes))
    return len(changes) >= TURNS or back
