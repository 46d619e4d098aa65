"""Bounds of arrivals by the births of reported names."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.graphs.hop_sources import down_by, seen_up
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Birth, Target

Bound = tuple[datetime, str]
"""The time of a birth, and its kind."""

MADE_FOR: Final = timedelta(days=30)
"""A name born longer before its content was known anywhere was not made for it: its birth says nothing."""


@dataclass(frozen=True, slots=True)
class Births:
    """Births of the names of a study's URLs.

    A site's registration or its absence from a zone bounds arrivals. A certificate is evidence, and orders nothing.
    """

    bounds: Mapping[str, Sequence[Bound]] = field(default_factory=dict)
    """By site, in time order."""
    began: Mapping[str, datetime] = field(default_factory=dict)
    """By content: when it was first known anywhere; empty without bounds."""
    certified: Mapping[str, datetime] = field(default_factory=dict)
    """By URL: begin of the first certificate for exactly its host, as logged or served."""

    def before(self, site_id: str, when: datetime) -> Bound | None:
        """Return a site's last birth before a time."""
        site_bounds = self.bounds.get(site_id, ())
        place = bisect_left(site_bounds, when, key=lambda bound: bound[0])
        return site_bounds[place - 1] if place else None

    def bounded(self, episodes: Sequence[Episode]) -> Sequence[Episode]:
        """Episodes that begin after the births of their sites.

        A later `absent_at` where a birth gives one; the same episodes otherwise.
        """
        return [self._bounded(episode) for episode in episodes] if self.bounds else episodes

    def _bounded(self, episode: Episode) -> Episode:
        birth = self.before(episode.site_id, episode.known_up_at)
        if birth is None or birth[0] < self.began.get(episode.content_id, episode.known_up_at) - MADE_FOR:
            return episode
        if episode.absent_at is not None and birth[0] <= episode.absent_at:
            return episode
        return replace(episode, absent_at=birth[0])

    def evidence(self, left: Episode, arrived: Episode) -> tuple[str, ...]:
        """Return the evidence on the order of a hop.

        The birth on which the arrival's bound rests, and on which side of the loss a certificate was logged first.
        """
        evidence = []
        birth = self.before(arrived.site_id, arrived.known_up_at)
        if birth is not None and birth[0] == arrived.absent_at:
            evidence.append(birth[1])
        logged = self.certified.get(arrived.url_id)
        if logged is not None and logged != self.certified.get(left.url_id):
            if logged >= down_by(left):
                evidence.append("certificate_after")
            elif logged <= left.last_up:
                evidence.append("certificate_before")
        return tuple(evidence)


def births_of(
    births: Iterable[Birth],
    targets: Mapping[str, Target],
    episodes: Iterable[Episode],
    served: Mapping[str, datetime] | None = None,
) -> Births:
    """Sort births by the names of targets.

    `served` gives the earliest begin of a certificate that each URL's looks met.

    Names of platforms have none: their domain was there before. A birth is left out where the site was up on both sides
    of it: the registration changed under the content.
    """
    hard: dict[str, set[Bound]] = defaultdict(set)
    logged: dict[str, datetime] = {}
    for birth in births:
        if birth.kind == "certificate":
            logged[birth.name_id] = min(birth.born_at, logged.get(birth.name_id, birth.born_at))
        else:
            hard[birth.name_id].add((birth.born_at, birth.kind))
    if not hard and not logged and not served:
        return Births()
    platforms = {target.site_id for target in targets.values() if target.suffix_id is not None}
    for site_id in hard.keys() & platforms:
        del hard[site_id]
    began: dict[str, datetime] = {}
    for episode in seen_up(episodes) if hard else ():
        began[episode.content_id] = min(episode.known_up_at, began.get(episode.content_id, episode.known_up_at))
        if its := hard.get(episode.site_id):
            hard[episode.site_id] = {bound for bound in its if not episode.known_up_at < bound[0] <= episode.last_up}
    certified = {url_id: when for url_id, when in (served or {}).items() if url_id in targets}
    for url_id, target in targets.items():
        if target.suffix_id is None and target.host_id in logged:
            first = logged[target.host_id]
            certified[url_id] = min(first, certified.get(url_id, first))
    bounds = {site_id: sorted(its) for site_id, its in hard.items() if its}
    return Births(bounds=bounds, began=began, certified=certified)
