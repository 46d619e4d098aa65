"""All conclusions of a study, look by look."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

from tests.reference.canaries import canary_quarantines
from tests.reference.confirmation import confirmed_down
from tests.reference.episodes import all_episodes
from tests.reference.mass_flips import guard_flips
from tests.reference.signs import signs_of
from tests.reference.vantages import combine
from waterbed.graphs.episodes import EpisodeRules
from waterbed.graphs.hop_sources import without_alternating
from waterbed.graphs.hops import find_hops
from waterbed.graphs.linking.clusters import Clusters, cluster
from waterbed.graphs.linking.links import find_links
from waterbed.graphs.runs import Run, Sighting, runs_of
from waterbed.judging import doubtful
from waterbed.judging.judge import CanaryRecord, judge, restated
from waterbed.judging.quarantines import Decisions, feed_quarantines
from waterbed.model.conclusions import Attribution, Episode, Hop, Quarantine, Verdict
from waterbed.model.facts import CanaryLook
from waterbed.study.conclusions import Conclusions
from waterbed.study.guarded import guard_rules
from waterbed.study.linking import content_ids, known_of, link_rules


def _others(verdict: Verdict) -> bool:
    """True if the addresses are those of a parking service or of a seizure's banner."""
    return verdict.cause in ("name", "seized")


class Reference:
    """The same inputs as a study's conclusions; each step as its definition says, for each look."""

    def __init__(self, conclusions: Conclusions) -> None:
        self.its = conclusions
        self.facts = conclusions.facts
        self.config = conclusions.config
        self.rules = conclusions.rules

    @cached_property
    def judged(self) -> list[Verdict]:
        by_vantage: dict[str, list[CanaryLook]] = defaultdict(list)
        for look in self.facts.canaries:
            by_vantage[look.vantage].append(look)
        settings = self.config.judge
        records = {
            vantage: CanaryRecord(looks, within_s=settings.canary_within_s, need=self.config.canary.need)
            for vantage, looks in by_vantage.items()
        }
        hosts = {url_id: target.host_id for url_id, target in self.facts.targets.items()}
        alone = judge(
            self.facts.looks,
            self.facts.controls,
            records,
            self.rules,
            resolutions=self.facts.resolutions,
            hosts=hosts,
        )
        return combine(
            self.facts.looks,
            alone,
            self.rules,
            networks=settings.networks,
            within_s=settings.vantage_within_s,
        )

    @cached_property
    def attributions(self) -> list[Attribution | None]:
        found: list[Attribution | None] = []
        for look in self.facts.looks:
            resolution = self.facts.resolutions.get(look.resolution_id or "")
            if resolution is None or not resolution.addresses:
                found.append(None)
                continue
            led = look.address and look.link_check is None and look.address not in resolution.addresses
            found.append(
                self.its.attributor.attribute(
                    (look.address,) if led else resolution.addresses,
                    self.facts.targets[look.url_id].suffix_id,
                    look.observed_at,
                    self.its.origin_behind(look),
                    behind_cdn="cdn" in resolution.tags,
                )
            )
        return found

    @cached_property
    def _believed(self) -> tuple[list[Verdict], list[Quarantine]]:
        looks, decided = self.facts.looks, Decisions(self.facts.decisions)
        sites = {url_id: target.site_id for url_id, target in self.facts.targets.items()}
        hosters = [attribution.hosters if attribution else () for attribution in self.attributions]
        rules = guard_rules(self.config)
        flips, held = guard_flips(looks, self.judged, hosters, sites, rules, decided)
        verdicts = [
            restated(verdict, "quarantined", self.rules, "quarantine") if is_held else verdict
            for verdict, is_held in zip(self.judged, held, strict=True)
        ]
        need = self.config.canary.need
        ours = canary_quarantines(self.facts.canaries, looks, self.judged, sites, rules, decided, need=need)
        feeds = feed_quarantines(self.facts.deliveries, rules, decided)
        return verdicts, sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))

    @property
    def quarantines(self) -> list[Quarantine]:
        return self._believed[1]

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return doubtful.recoded(self.facts.looks, self._believed[0], self.its.settled, self.rules)

    @cached_property
    def sightings(self) -> dict[str, list[Sighting]]:
        by_url: dict[str, list[tuple[Verdict, Attribution | None, str]]] = defaultdict(list)
        for verdict, attribution, look in zip(self.verdicts, self.attributions, self.facts.looks, strict=True):
            by_url[verdict.url_id].append((verdict, attribution, look.vantage))
        settings = self.config.judge
        found = {}
        for url_id, looks in by_url.items():
            down = confirmed_down(
                [verdict for verdict, _, _ in looks],
                looks=settings.confirm_looks,
                over_s=settings.confirm_s,
                vantages=[vantage for _, _, vantage in looks],
                within_s=settings.vantage_within_s,
            )
            found[url_id] = [
                Sighting(verdict=verdict, down=is_down, attribution=None if _others(verdict) else attribution)
                for (verdict, attribution, _), is_down in zip(looks, down, strict=True)
            ]
        return found

    @cached_property
    def links(self) -> Clusters:
        rules = link_rules(self.config.linking)
        near = self.its._opened.near() if {"fuzzy_label", "alike_name"} & rules.kinds.keys() else ()
        signs = signs_of(
            self.facts.targets,
            self.facts.reports,
            self.facts.looks,
            resolutions=self.facts.resolutions,
            controls=self.facts.controls,
            near=near,
        )
        links = find_links(signs, self.facts.targets, rules, common=self.its._opened.common)
        return cluster(links, rules, least=self.config.linking.least)

    @cached_property
    def episodes(self) -> list[Episode]:
        until = self.its.until
        if until is None or not self.its.removal_measured:
            return []
        known = known_of(self.facts, content_ids(self.facts.targets, self.facts.reports, self.links))
        rules = EpisodeRules.from_settings(self.config.judge, until)
        return self.its.name_ends.told(list(all_episodes(known, self.sightings, rules)))

    @cached_property
    def hops(self) -> list[Hop]:
        seen: Mapping[str, list[Run]] = {url_id: runs_of(looks) for url_id, looks in self.sightings.items()}
        found = find_hops(self.episodes, self.its.hop_context)
        return without_alternating(found, seen, soon=timedelta(hours=self.config.judge.rotation_hours))
