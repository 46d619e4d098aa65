"""Hops: the same content up at another hoster after it left one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from waterbed.model.conclusions import Episode, Hop, OrderClass

_NOT_LEFT = (None, "masked", "lost")
"""Ends that are no departure: a proxy put in front hides the origin, it does not move it."""


def find_hops(episodes: Iterable[Episode], *, home: str, seats: Mapping[str, str]) -> list[Hop]:
    """All hops in the episodes of any number of contents.

    A hop needs a loss and a gain: an episode that ended at hoster A (masked and lost ends are no loss), and the nearest
    later first sighting of the same content at a hoster that it was not yet at. `home` is the declared jurisdiction,
    `seats` the country of a hoster's legal seat. Pure; sorts within a content only.
    """
    contents: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        contents[episode.content_id].append(episode)
    hops: list[Hop] = []
    for of_content in contents.values():
        if len(of_content) > 1:
            hops += _hops_of_content(of_content, home, seats)
    return hops


def _hops_of_content(episodes: Sequence[Episode], home: str, seats: Mapping[str, str]) -> list[Hop]:
    by_arrival = sorted(episodes, key=lambda e: (e.known_up_at, e.url_id, e.hoster))
    by_loss = sorted(
        (e for e in episodes if e.first_down is not None and e.cause not in _NOT_LEFT and not e.proxy),
        key=lambda e: (e.last_up, e.url_id, e.hoster),
    )
    hops: list[Hop] = []
    explained: set[int] = set()
    for left in by_loss:
        for arrived in by_arrival:
            if id(arrived) in explained or not _could_follow(left, arrived):
                continue
            if _already_there(left, arrived, episodes):
                continue
            explained.add(id(arrived))
            hops.append(_hop(left, arrived, home, seats))
            break
    return hops


def _could_follow(left: Episode, arrived: Episode) -> bool:
    if arrived is left or arrived.hoster == left.hoster or arrived.proxy:
        return False
    if left.first_down is None or arrived.hoster in left.hosters:
        return False
    if arrived.url_id == left.url_id:
        return arrived.known_up_at >= left.first_down
    # another URL: first known there once it was going, or no earlier than it was known here
    return arrived.known_up_at > left.known_up_at


def _already_there(left: Episode, arrived: Episode, episodes: Sequence[Episode]) -> bool:
    """Whether the content was at that hoster before it came to the one it left."""
    return any(e.hoster == arrived.hoster and e.known_up_at <= left.known_up_at for e in episodes if e is not arrived)


def _hop(left: Episode, arrived: Episode, home: str, seats: Mapping[str, str]) -> Hop:
    if left.first_down is None:
        raise ValueError("a hop needs an episode that ended")
    same_url = left.url_id == arrived.url_id
    after = arrived.absent_at
    return Hop(
        content_id=left.content_id,
        from_url_id=left.url_id,
        to_url_id=arrived.url_id,
        from_hoster=left.hoster,
        to_hoster=arrived.hoster,
        from_countries=left.countries,
        to_countries=arrived.countries,
        left_after=left.last_up,
        left_before=left.first_down,
        arrived_after=after,
        arrived_before=arrived.known_up_at,
        kind=_kind(left, same_url=same_url),
        order=_order(left, after, arrived.known_up_at, same_url=same_url),
        levels=_levels(left, arrived, home, seats),
        evidence="same_url" if same_url else "content_id",
    )


def _kind(left: Episode, *, same_url: bool) -> str:
    if not same_url:
        return "copy"
    return "relocation" if left.cause == "moved" else "reappearance"


def _order(left: Episode, after: datetime | None, seen: datetime, *, same_url: bool) -> OrderClass:
    """Sequential iff last known absent no earlier than known gone; parallel iff seen before that.

    A name pointed elsewhere leaves and arrives in one interval: a class of its own.
    """
    if same_url and left.cause == "moved":
        return "repointed"
    if after is not None and left.first_down is not None and after >= left.first_down:
        return "sequential"
    return "parallel" if seen <= left.last_up else "unknown"


def _levels(left: Episode, arrived: Episode, home: str, seats: Mapping[str, str]) -> tuple[str, ...]:
    changed = {
        "address": not set(left.addresses) & set(arrived.addresses),
        "as": not set(left.origins) & set(arrived.origins),
        "organisation": left.hoster != arrived.hoster,
        "country": not set(left.countries) & set(arrived.countries),
        "home_abroad": is_home(left, home, seats) != is_home(arrived, home, seats),
    }
    return tuple(level for level, differs in changed.items() if differs)


def is_home(episode: Episode, home: str, seats: Mapping[str, str]) -> bool:
    """Whether an episode was in the declared jurisdiction.

    By the country of its addresses; where that is not known, by the hoster's legal seat.
    """
    return home in episode.countries if episode.countries else seats.get(episode.hoster) == home
