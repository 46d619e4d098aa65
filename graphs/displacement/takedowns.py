"""Takedowns and the arrivals elsewhere that followed them.

Each arrival is certain or possible, and of one way.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waterbed.graphs.hop_sources import seen_up
from waterbed.graphs.hops import side_of
from waterbed.model.conclusions import NAME_ENDS, Episode, Hop

WAYS: Final = ("same URL", "new URL at home", "new URL abroad", "new URL on an unknown side")
"""Ways that content goes, as they differ in detection: a known URL is looked at wherever it is, a new one must be
reported first."""

_NEW: Final = {"home": 1, "abroad": 2, "unknown": 3}
"""The way of a new URL, by its side."""

TAKEDOWNS: Final = ("removed", *NAME_ENDS, "network", "seized")
"""Ends of episodes that are takedowns, whoever made them: an owner lets a name expire.

Moved, masked and lost are not among them. Sentences call them ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takedown:
    """One takedown of a URL at a hoster.

    `certain` and `possible` mark the ways on which its content went on.
    """

    url_id: str
    content_id: str
    site_id: str
    hoster: str
    certain: tuple[bool, ...]
    """Surely after it, and within the horizon."""
    possible: tuple[bool, ...]
    """Perhaps so: not known to have been there before, nor to have come later."""
    answers: tuple[tuple[int, Hop], ...] = ()
    """Hops that answer it, parallel ones too, and the way of each."""


def takedowns(
    episodes: Iterable[Episode],
    hops: Iterable[Hop],
    *,
    home: str,
    seats: Mapping[str, str],
    within: timedelta,
    until: datetime,
) -> list[Takedown]:
    """Return the takedowns known by `until` of what anybody saw up, with their hops.

    Hops count within the time `within` after each takedown. `until` is early enough for arrivals within the horizon to
    be reported and looked at before the measurement ends: later takedowns had no time to be followed by anything. A hop
    is of the one takedown that it answers, and a proxy's episodes have none: what lies behind it is not seen to leave.
    It is certain if it is sequential or repointed and came within the horizon even by the outer ends of both intervals,
    possible if it is not parallel and may have come within it. Pure.
    """
    by_loss: dict[tuple[str, str, datetime], list[Hop]] = defaultdict(list)
    for hop in hops:
        by_loss[hop.from_url_id, hop.from_hoster, hop.left_before].append(hop)
    ended = []
    for episode in seen_up(episodes):
        down = episode.first_down
        if down is None or down > until or episode.cause not in TAKEDOWNS or episode.proxy:
            continue
        certain, possible = [False] * len(WAYS), [False] * len(WAYS)
        answers = tuple((_way(hop, home, seats), hop) for hop in by_loss[episode.url_id, episode.hoster, down])
        for route, hop in answers:
            sure = hop.order in ("sequential", "repointed") and hop.arrived_before - hop.left_after <= within
            certain[route] = certain[route] or sure
            possible[route] = possible[route] or (hop.order != "parallel" and _may_be_within(hop, within))
        ended.append(
            Takedown(
                url_id=episode.url_id,
                content_id=episode.content_id,
                site_id=episode.site_id,
                hoster=episode.hoster,
                certain=tuple(certain),
                possible=tuple(possible),
                answers=answers,
            )
        )
    return ended


def _way(hop: Hop, home: str, seats: Mapping[str, str]) -> int:
    if hop.from_url_id == hop.to_url_id:
        return 0
    return _NEW[side_of(hop.to_countries, hop.to_hoster, home, seats)]


def detection_by_way(home: tuple[float, float], abroad: tuple[float, float]) -> list[tuple[float, float]]:
    """The lowest and highest detection of each way.

    A known URL is looked at wherever it is; where the side of a new one is unknown, that of either may hold.
    """
    return [(1.0, 1.0), home, abroad, (min(home[0], abroad[0]), max(home[1], abroad[1]))]


def _may_be_within(hop: Hop, within: timedelta) -> bool:
    return hop.arrived_after is None or hop.arrived_after - hop.left_before <= within
