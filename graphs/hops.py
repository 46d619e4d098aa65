"""Hops: the same content up at another hoster after it left one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from waterbed.model.conclusions import Episode, Hop, OrderClass

_NOT_LEFT = (None, "masked", "lost", "lineage")
"""Ends that are no departure: a proxy put in front hides the origin, a network's new owner moves no site in it."""


def find_hops(episodes: Iterable[Episode], *, home: str, seats: Mapping[str, str]) -> list[Hop]:
    """All hops in the episodes of any number of contents.

    A hop needs a loss and a gain. The gain: an episode at a hoster where the content was not up just then. The loss:
    for a URL that was up before, its own latest episode; for a new URL, the episode of the same content that ended
    last before it was seen, else one that ended after (then the two were parallel). Ends as masked, lost or lineage are
    no loss.
    `home` is the declared jurisdiction, `seats` the country of a hoster's legal seat. Pure; sorts within a content.
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
    ordered = sorted(episodes, key=lambda e: (e.known_up_at, e.url_id, e.hoster))
    hops: list[Hop] = []
    for place, arrived in enumerate(ordered):
        if arrived.proxy or _up_there(arrived, ordered):
            continue
        own = [e for e in ordered[:place] if e.url_id == arrived.url_id]
        left = _own_loss(arrived, own) if own else _loss_elsewhere(arrived, ordered[:place])
        if left is not None:
            hops.append(_hop(left, arrived, home, seats))
    return hops


def _up_there(arrived: Episode, ordered: Sequence[Episode]) -> bool:
    """Whether another URL of the content was up at that hoster just then."""
    return any(
        e.hoster == arrived.hoster
        and e.url_id != arrived.url_id
        and e.known_up_at < arrived.known_up_at
        and (e.first_down is None or e.first_down > arrived.known_up_at)
        for e in ordered
    )


def _is_loss(episode: Episode, arrived: Episode) -> bool:
    return (
        episode.first_down is not None
        and episode.cause not in _NOT_LEFT
        and not episode.proxy
        and episode.hoster != arrived.hoster
    )


def _own_loss(arrived: Episode, own: Sequence[Episode]) -> Episode | None:
    """The URL's latest earlier episode, if it was at another hoster and ended."""
    earlier = [e for e in own if e.known_up_at < arrived.known_up_at]
    if not earlier:
        return None
    latest = max(earlier, key=lambda e: (e.known_up_at, e.last_up))
    if any(e.hoster == arrived.hoster and e.known_up_at == latest.known_up_at for e in earlier):
        return None
    return latest if _is_loss(latest, arrived) and _given_up_for(latest, arrived) else None


def _given_up_for(left: Episode, arrived: Episode) -> bool:
    """Whether a URL's place was given up for another: what was there together and ended together moved nowhere."""
    if left.first_down is None or left.first_down <= arrived.known_up_at:
        return True
    return left.cause == "moved" and arrived.last_up >= left.first_down


def _loss_elsewhere(arrived: Episode, before: Sequence[Episode]) -> Episode | None:
    """The loss that a new URL most likely answers."""
    losses = [(e.first_down, e) for e in before if e.first_down is not None and _is_loss(e, arrived)]
    gone = [(left, e) for left, e in losses if left <= arrived.known_up_at]
    if gone:
        return max(gone, key=lambda pair: pair[0])[1]
    return min(losses, key=lambda pair: pair[0])[1] if losses else None


def _hop(left: Episode, arrived: Episode, home: str, seats: Mapping[str, str]) -> Hop:
    if left.first_down is None:
        raise ValueError("a hop needs an episode that ended")
    same_url = left.url_id == arrived.url_id
    after = arrived.absent_at if same_url else None
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
        kind=_kind(left, after, same_url=same_url),
        order=_order(left, after, arrived.known_up_at, same_url=same_url),
        levels=_levels(left, arrived, home, seats),
        evidence="same_url" if same_url else "content_id",
    )


def _kind(left: Episode, after: datetime | None, *, same_url: bool) -> str:
    if not same_url:
        return "copy"
    return "relocation" if _repointed(left, after) else "reappearance"


def _repointed(left: Episode, after: datetime | None) -> bool:
    """Whether the URL moved without a time in which it was known away: a lasting redirect is such a time."""
    known_away = after is not None and left.first_down is not None and after >= left.first_down
    return left.cause == "moved" and not known_away


def _order(left: Episode, after: datetime | None, seen: datetime, *, same_url: bool) -> OrderClass:
    """Sequential iff last known absent no earlier than known gone; parallel iff seen before that.

    A name pointed elsewhere leaves and arrives in one interval: a class of its own.
    """
    if same_url and _repointed(left, after):
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
