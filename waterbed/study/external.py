"""Conclusions from external observations, separate from the study's own."""

from datetime import datetime, timedelta
from functools import cached_property

from waterbed.graphs.external import episodes_before, external_episodes
from waterbed.graphs.hops import find_hops
from waterbed.model.conclusions import Attribution, ExternalEpisode, Hop
from waterbed.store.settings import ExternalSettings
from waterbed.study.conclusions import Conclusions


class ExternalConclusions:
    """Episodes and hops that rest on external observations.

    Each is computed when first asked for.
    """

    def __init__(self, conclusions: Conclusions, settings: ExternalSettings) -> None:
        """Take the study's conclusions and the settings for observers."""
        self.conclusions = conclusions
        self.settings = settings

    @cached_property
    def episodes(self) -> list[ExternalEpisode]:
        """Episodes of the URLs as external observers saw them."""
        hours = self.settings.within_hours
        within = timedelta(hours=hours) if hours else None
        return external_episodes(
            self.conclusions.facts.external_observations, self.conclusions.known, self._as_of, within=within
        )

    def _as_of(self, url_id: str, address: str, when: datetime) -> Attribution | None:
        """Return the attribution of a reported address.

        None if no table is of that time.
        """
        attribution = self.conclusions.attributor.attribute(
            (address,), self.conclusions.facts.targets[url_id].suffix_id, when
        )
        return None if attribution.stale else attribution

    @cached_property
    def began(self) -> datetime | None:
        """Time of our first check; None without one."""
        return self.conclusions.span[0] if self.conclusions.span else None

    @cached_property
    def prior(self) -> list[ExternalEpisode]:
        """External episodes from before our first check.

        Only of URLs without an episode of our own.
        """
        if self.began is None or self.conclusions.until is None:
            return []
        own = {episode.url_id for episode in self.conclusions.episodes}
        return episodes_before(self.episodes, own, began=self.began, until=self.conclusions.until)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops that involve an external episode from before.

        From before our first check; none of our own hops is among them.
        """
        ours = set(self.conclusions.hops)
        return [
            hop
            for hop in find_hops([*self.conclusions.episodes, *self.prior], self.conclusions.hop_context)
            if hop not in ours
        ]
