"""Names at several places, by turns or at once: pages under them went from none to another."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from graphs.episodes import Sighting
from waterbed.model.conclusions import Hop

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
