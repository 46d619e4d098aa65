"""What other observers told of URLs, beside the study's own conclusions and never among them."""

from datetime import datetime, timedelta
from functools import cached_property

from graphs.external import episodes_before, external_episodes
from graphs.hops import find_hops
from waterbed.model.conclusions import Attribution, ExternalEpisode, Hop
from waterbed.store.settings import ExternalSettings
from waterbed.study.conclusions import Conclusions


class ExternalConclusions:
    """Episodes and hops that rest on the looks of others, each computed when first asked for."""

    def __init__(self, conclusions: Conclusions, settings: ExternalSettings) -> None:
        """Take the study's own conclusions and how the words of others are read."""
        self.conclusions = conclusions
        self.settings = settings

    @cached_property
    def episodes(self) -> list[ExternalEpisode]:
        """When others say that each URL was up, and where."""
        hours = self.settings.within_hours
        within = timedelta(hours=hours) if hours else None
        return external_episodes(self.conclusions.facts.testimonies, self.conclusions.known, self._as_of, within=within)

    def _as_of(self, url_id: str, address: str, when: datetime) -> Attribution | None:
        """Who answered for an address that somebody told; None where no table is of that time."""
        found = self.conclusions.attributor.attribute(
            (address,), self.conclusions.facts.targets[url_id].suffix_id, when
        )
        return None if found.stale else found

    @cached_property
    def began(self) -> datetime | None:
        """When our own looks begin; None without a look."""
        return min((look.observed_at for look in self.conclusions.facts.looks), default=None)

    @cached_property
    def prior(self) -> list[ExternalEpisode]:
        """Those from before our first look, of URLs that none of our own episodes tells of."""
        if self.began is None or self.conclusions.until is None:
            return []
        own = {episode.url_id for episode in self.conclusions.episodes}
        return episodes_before(self.episodes, own, began=self.began, until=self.conclusions.until)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops from, to or among what others told from before our first look; none of ours."""
        ours = set(self.conclusions.hops)
        return [
            hop
            for hop in find_hops([*self.conclusions.episodes, *self.prior], self.conclusions.frame)
            if hop not in ours
        ]
