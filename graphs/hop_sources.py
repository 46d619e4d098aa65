"""The loss before each arrival; drops hops of alternating DNS."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from waterbed.graphs.hands import Hands
from waterbed.graphs.runs import Run, addresses_at
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Episode, Hop

_MICROSECOND: Final = timedelta(microseconds=1)

_NOT_LEFT = (None, "masked", "lost", "lineage")
"""Ends that are not departures: a proxy in front hides the origin; a network's new owner moves none of its sites."""


def in_order(episode: Episode) -> tuple[datetime, str, str, datetime]:
    """Sort key of a content's episodes: when known up."""
    return episode.known_up_at, episode.url_id, episode.hoster, episode.last_up


def seen_up(episodes: Iterable[Episode]) -> Iterator[Episode]:
    """The episodes that count as arrivals and departures: those that anybody but a bare report saw up.

    A report of what never existed is no arrival, and what nobody saw somewhere did not leave it.
    """
    return (episode for episode in episodes if episode.seen)


def is_loss(episode: Episode) -> bool:
    """True if content is known to have left the hoster."""
    return episode.first_down is not None and episode.cause not in _NOT_LEFT and not episode.proxy


def down_by(episode: Episode) -> datetime:
    """Return the first time an episode was known over.

    ValueError if it is not known to have ended.
    """
    if episode.first_down is None:
        raise ValueError("a loss needs an episode that ended")
    return episode.first_down


@dataclass(frozen=True, slots=True)
class Loss:
    """An episode whose content left its place.

    Up there from `since`: before the episode, if the network changed hands meanwhile.
    """

    episode: Episode
    since: datetime


def losses(episodes: Iterable[Episode]) -> list[Loss]:
    """Episodes of one content that ended by its leaving.

    An end as `lineage` is one where the content was found gone, whoever of the two hosters removed it. Where it was
    found up, the hoster changed alone. `episodes` are in order.
    """
    ordered = list(episodes)
    since: dict[int, datetime] = {}
    went_on: set[int] = set()
    for was, successor in handed_over(ordered):
        since[id(successor)] = min(since.get(id(was), was.known_up_at), since.get(id(successor), successor.known_up_at))
        went_on.add(id(was))
    lost = (episode for episode in ordered if is_loss(episode) or (episode.cause == "lineage" and not episode.proxy))
    return [
        Loss(episode, since.get(id(episode), episode.known_up_at)) for episode in lost if id(episode) not in went_on
    ]


def handed_over(episodes: Iterable[Episode]) -> list[tuple[Episode, Episode]]:
    """Episodes that end as `lineage`, with those that go on.

    Of one URL, in the order of those that go on: its hoster changed, and its place did not.
    """
    ordered = list(episodes)
    handed: dict[str, list[Episode]] = defaultdict(list)
    for episode in ordered:
        if episode.cause == "lineage" and not episode.proxy:
            handed[episode.url_id].append(episode)
    return [
        (was, successor)
        for successor in ordered
        for was in handed.get(successor.url_id, ())
        if _saw(successor, was.first_down)
    ]


def _saw(episode: Episode, when: datetime | None) -> bool:
    """True if content was seen up there then, and before or after."""
    return when is not None and episode.first_up is not None and episode.first_up <= when <= episode.last_up


@dataclass(frozen=True, slots=True)
class Source:
    """The loss that an arrival most likely answers."""

    loss: Episode
    hosters: int
    """Number of hosters with a loss that could be the source, its own included."""
    known_gone: bool
    """True if any of these was over before the arrival."""


REACH = 16
"""Losses considered before an arrival, and as many after it; more distant ones are unlikely sources."""


class Losses:
    """Losses of one content."""

    def __init__(self, losses: Iterable[Loss], hands: Hands) -> None:
        """Take all losses, in any order."""
        self._hands = hands
        self._all = sorted(losses, key=lambda loss: (down_by(loss.episode), in_order(loss.episode)))
        self._ends = [down_by(loss.episode) for loss in self._all]

    def nearest(self, arrived: Episode) -> Source | None:
        """Return the loss at another hoster nearest in time.

        Candidates are the last `REACH` losses before the arrival, and of as many after it those that were up before:
        the content may have been copied while it still stood. Of two equally near ones it is the one before. Takes
        logarithmic time.
        """
        when = arrived.known_up_at
        place = bisect_right(self._ends, when)
        earlier = [loss.episode for loss in self._all[max(0, place - REACH) : place]]
        later = [loss.episode for loss in self._all[place : place + REACH] if loss.since < when]
        earlier, later = ([e for e in candidates if not self._hands.one(e, arrived)] for candidates in (earlier, later))
        if not earlier and not later:
            return None
        after = not earlier or (bool(later) and down_by(later[0]) - when < when - down_by(earlier[-1]))
        hosters = len({e.hoster for e in (*earlier, *later)})
        return Source(later[0] if after else earlier[-1], hosters, known_gone=bool(earlier))


TURNS = 3
"""Changes between two hosters that mean alternation: there, back, and there again."""
SETTLED = 3
"""Checks of a stay that show where the name was set up."""


def without_alternating(hops: Iterable[Hop], runs: Mapping[str, Sequence[Run]], *, soon: timedelta) -> list[Hop]:
    """Drop hops of URLs whose DNS alternates or keeps another.

    Alternates between the two hosters, or also keeps a third one. The DNS answers of every check count, whatever the
    state of the page: a page that is removed after a few checks was seen up too rarely. A name alternates if it was
    back within `soon`, or went from one of the two hosters to the other and back three times, unless each stay was at
    addresses of its own: what alternates comes back to those that it had. Answers that hold both hosters or neither
    are ignored. A URL that was at a third hoster both when last seen at the old one and when first seen at the new one
    has not left: its name was given further addresses. Hops to another URL stay. `runs` are in time order. Pure.
    """
    all_hops = list(hops)
    dropped = set()
    for place in sorted(
        range(len(all_hops)), key=lambda index: all_hops[index].to_url_id
    ):  # runs are made in this order
        hop = all_hops[place]
        seen = runs.get(hop.to_url_id, ()) if hop.from_url_id == hop.to_url_id else ()
        if _alternates(hop, seen, soon) or _shares_hoster(hop, seen):
            dropped.add(place)
    return [hop for place, hop in enumerate(all_hops) if place not in dropped]


def _shares_hoster(hop: Hop, seen: Sequence[Run]) -> bool:
    """True if the checks around the hop share a hoster."""
    hosters_before, after = (
        {key for run in seen if _at(run, when) for key in run.hosters}
        for when in map(microseconds, (hop.left_after, hop.arrived_before))
    )
    return bool(hosters_before & after)


def _at(run: Run, when: int) -> bool:
    """True if a check of the run was at that time."""
    place = bisect_left(run.at, when)
    return place < len(run.at) and run.at[place] == when


def _alternates(hop: Hop, seen: Sequence[Run], soon: timedelta) -> bool:
    stays: list[tuple[str, list[Run]]] = []
    for run in seen:
        present = [key for key in (hop.from_hoster, hop.to_hoster) if key in run.hosters]
        if len(present) != 1:
            continue
        if not stays or present[0] != stays[-1][0]:
            stays.append((present[0], []))
        stays[-1][1].append(run)
    changes = [int(runs[0].at[0]) for _, runs in stays[1:]]
    back = any(after - previous <= soon / _MICROSECOND for previous, after in pairwise(changes))
    return back or (len(changes) >= TURNS and not _each_elsewhere(stays))


def _each_elsewhere(stays: Sequence[tuple[str, Sequence[Run]]]) -> bool:
    """True if no stay was at addresses of an earlier one.

    Each kept an address throughout. Those that began and ended were seen by `SETTLED` checks: few checks of a name
    that draws its addresses from many find other ones each time.
    """
    had: dict[str, set[str]] = defaultdict(set)
    for hoster, runs in stays:
        answers = [addresses_at(hoster, answer) for run in runs for answer in run.every_answer]
        its = set.union(*answers)
        if not set.intersection(*answers) or its & had[hoster]:
            return False
        had[hoster] |= its
    return all(sum(len(run.at) for run in runs) >= SETTLED for _, runs in stays[1:-1])
