"""Takedowns as arrays for estimates of the displaced share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from waterbed.estimators.displaced import Returns
from waterbed.graphs.displacement.takedowns import WAYS, Takedown
from waterbed.model.conclusions import Hop

NEAR: Final = timedelta(hours=24)
"""A name born this shortly before a loss may have been made for it."""


def returns_of(
    ended: Sequence[Takedown], sources_of: Mapping[str, frozenset[str]], clusters: Sequence[int] | None = None
) -> Returns:
    """Return takedowns as units, their new URLs by side.

    Side 0 is home, 1 abroad, and 2, where there are any such, unknown. The first feed is the one that reported most of
    the new URLs, the second all others.
    `clusters` are those of the takedowns, by default their sites.
    """
    new = [(hop.to_url_id, route) for takedown in ended for route, hop in takedown.answers if route]
    feeds = Counter(feed for url_id, _ in new for feed in sources_of.get(url_id, ()))
    first = min(feeds, key=lambda feed: (-feeds[feed], feed)) if feeds else ""
    count, sides = len(ended), len(WAYS) - 1 if any(route == len(WAYS) - 1 for _, route in new) else len(WAYS) - 2
    back = np.zeros(count, bool)
    after, made_before, near, order_open = (np.zeros((count, sides), bool) for _ in range(4))
    caught = np.zeros((count, sides), np.int64)
    for number, takedown in enumerate(ended):
        for route, hop in takedown.answers:
            later = hop.order in ("sequential", "repointed")
            if route == 0:
                back[number] |= later and takedown.possible[0]
                continue
            side, by = route - 1, sources_of.get(hop.to_url_id, frozenset())
            caught[number, side] |= (first in by) + 2 * bool(by - {first})
            if hop.order == "parallel" or not takedown.possible[route]:
                continue
            if later:
                after[number, side] = True
            elif _made_before(hop):
                made_before[number, side] = True
                near[number, side] |= hop.arrived_after is not None and hop.arrived_after > hop.left_after - NEAR
            else:
                order_open[number, side] = True
    # of several arrivals on one side, one that came later counts, then one whose order is told
    made_before &= ~after
    labels = [takedown.site_id for takedown in ended] if clusters is None else clusters
    return Returns(
        cluster=np.unique(labels, return_inverse=True)[1],
        back=back,
        after=after,
        before=made_before,
        near=near & made_before,
        order_open=order_open & ~after & ~made_before,
        feeds=caught,
    )


def _made_before(hop: Hop) -> bool:
    """True if the name was born for the content, before it was lost."""
    if not {"creation", "zone"} & set(hop.arrival_evidence) or hop.arrived_after is None:
        return False
    return hop.arrived_after <= hop.left_after
