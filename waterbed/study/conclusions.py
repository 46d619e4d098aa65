"""The pipeline from facts to verdicts, attributions, episodes and hops.

Judges, attributes, links; the engine is python or sql. It does not rank.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Self, TypeVar, overload

from msgspec.structs import asdict

from attribution.addressees import ReportedOrigins, SeenAnswer, addressed
from attribution.attribute import Attributor
from graphs.episodes import EpisodeRules, Sighting, UrlHistory, all_episodes, censor_from
from graphs.hop_sources import without_alternating
from graphs.hops import HopContext, find_hops
from graphs.linking.clusters import Clusters
from waterbed.judging import doubtful
from waterbed.judging.judge import CanaryRecord, confirmed_down, judge, restated
from waterbed.judging.mass_flips import guard_flips
from waterbed.judging.quarantines import Decisions, GuardRules, canary_quarantines, feed_quarantines
from waterbed.judging.rules import RuleSet
from waterbed.judging.vantages import combine
from waterbed.model.conclusions import Attribution, Episode, Hop, Quarantine, Verdict
from waterbed.model.decisions import settled_codes
from waterbed.model.facts import CanaryLook, Observation
from waterbed.model.takedown import AddressedNotice, NoticeContext
from waterbed.store.config import Config
from waterbed.study.assessment import SetAside, counting_facts
from waterbed.study.by_text import ByText
from waterbed.study.facts import Facts
from waterbed.study.linking import OpenedNames, clusters_of, content_ids, known_of

Restate = Callable[[Mapping[str, list[Sighting]]], dict[str, list[Sighting]]]
"""Replaces the judged checks of each URL, for bounds of the unobserved."""

_RESTS_ON: Final[Mapping[str, frozenset[str]]] = {
    "_counted": frozenset(),
    "_combined": frozenset(),
    "_believed": frozenset({"attributor"}),  # the cycle guard goes by hoster
    "settled": frozenset({"codes"}),
    "_coded": frozenset({"attributor", "codes"}),
    "attributions": frozenset({"attributor"}),
    "links": frozenset(),
    "known": frozenset(),
}
"""The choices of `Conclusions.with_` on which each step before the sightings depends."""


Value = TypeVar("Value")


class _Step(cached_property[Value]):
    """A step that is worked out once, or taken from the conclusions that these vary."""

    @overload
    def __get__(self, conclusions: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, conclusions: object, owner: type | None = None) -> Value: ...
    def __get__(self, conclusions: Any, owner: type | None = None) -> Any:
        base = conclusions.varies if conclusions is not None else None
        if base is not None and self.attrname in conclusions.shared:
            return getattr(base, str(self.attrname))
        return super().__get__(conclusions, owner)


class Conclusions:
    """Conclusions from facts, rules, tables and settings.

    The same inputs always give the same conclusions. Each step is computed when first asked for.
    """

    varies: "Conclusions | None" = None
    """The conclusions from which these differ in some choices."""
    shared: frozenset[str] = frozenset()
    """Steps that do not depend on these choices: they are taken from `varies`."""

    def __init__(
        self,
        facts: Facts,
        attributor: Attributor,
        rules: RuleSet,
        config: Config,
        opened: OpenedNames | None = None,
        by_text: ByText | None = None,
        *,
        removal_measured: bool = True,
    ) -> None:
        """Take all inputs of the conclusions.

        `opened` is the part of the vault that linking needs. Where removal is not measured, as in a replay, nothing is
        concluded of how long content stayed or where it went: there are no episodes.
        """
        self.all_facts = facts
        self.attributor = attributor
        self.rules = rules
        self.config = config
        self._opened = opened or OpenedNames()
        self._by_text = by_text
        self.removal_measured = removal_measured
        self._codes: Mapping[str, str] = {}
        self._restate: Restate | None = None

    def with_(
        self,
        *,
        attributor: Attributor | None = None,
        config: Config | None = None,
        codes: Mapping[str, str] | None = None,
        sightings: Restate | None = None,
    ) -> "Conclusions":
        """Return the same facts under other choices.

        Every step that does not depend on these choices is shared. `config` may differ only in how absences are
        confirmed and whether assessments decide. `codes` settle cases beside those that people settled. `sightings`
        restates the judged looks of each URL.
        """
        other = Conclusions(
            self.all_facts,
            attributor or self.attributor,
            self.rules,
            config or self.config,
            self._opened,
            self._by_text,
            removal_measured=self.removal_measured,
        )
        other.varies, other._restate, other._codes = self, sightings, codes or {}
        changed = {name for name, value in (("attributor", attributor), ("codes", codes)) if value is not None}
        if other.config.judge.assessment == self.config.judge.assessment:  # else everything is of other facts
            other.shared = frozenset(step for step, on in _RESTS_ON.items() if not on & changed)
        return other

    @_Step
    def _counted(self) -> tuple[Facts, SetAside]:
        assessed = self.config.judge.assessment == "decides"
        return counting_facts(self.all_facts) if assessed else (self.all_facts, SetAside())

    @property
    def facts(self) -> Facts:
        """The facts of all URLs that count."""
        return self._counted[0]

    @property
    def set_aside(self) -> SetAside:
        """The reported URLs that count nowhere, by their assessment."""
        return self._counted[1]

    @property
    def verdicts(self) -> list[Verdict]:
        """One verdict for each check, after all steps.

        Vantages are combined, quarantined checks set aside, and people's codes applied.
        """
        return self._coded

    @property
    def quarantines(self) -> list[Quarantine]:
        """Quarantined cycles and deliveries, also those decided since."""
        return self._believed[1]

    @property
    def uncoded(self) -> list[Verdict]:
        """One verdict for each check, before people's codes."""
        return self._believed[0]

    @_Step
    def settled(self) -> dict[str, str]:
        """The codes of settled doubtful cases.

        By people, as far as the settings apply their codes.
        """
        if self.varies:
            return {**self._codes, **self.varies.settled}
        return settled_codes(self.facts.codings, doubtful.QUEUE) if self.config.coding.apply else {}

    @_Step
    def _coded(self) -> list[Verdict]:
        return doubtful.recoded(self.facts.looks, self.uncoded, self.settled, self.rules)

    def features(self, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the features that rules used, by observation id.

        As slow as judging all observations.
        """
        features: dict[str, dict[str, Any]] = {look: {} for look in looks}
        if features:
            self._judged(features)
        return features

    @_Step
    def _combined(self) -> list[Verdict]:
        """The verdict on each check, combined over vantage points."""
        settings = self.config.judge
        return combine(
            self.facts.looks,
            self._judged(),
            self.rules,
            networks=settings.networks,
            within_s=settings.vantage_within_s,
        )

    def _judged(self, features: dict[str, dict[str, Any]] | None = None) -> list[Verdict]:
        """Return the verdict on each check by itself."""
        settings, canary = self.config.judge, self.config.canary
        by_vantage: dict[str, list[CanaryLook]] = defaultdict(list)
        for look in self.facts.canaries:
            by_vantage[look.vantage].append(look)
        records = {
            vantage: CanaryRecord(looks, within_s=settings.canary_within_s, need=canary.need)
            for vantage, looks in by_vantage.items()
        }
        return judge(
            self.facts.looks,
            self.facts.controls,
            records,
            self.rules,
            resolutions=self.facts.resolutions,
            hosts={url_id: target.host_id for url_id, target in self.facts.targets.items()},
            features=features,
        )

    @_Step
    def _believed(self) -> tuple[list[Verdict], list[Quarantine]]:
        """The verdicts, and the quarantines that hold some of them."""
        looks, combined, decided = self.facts.looks, self._combined, Decisions(self.facts.decisions)
        sites = {url_id: target.site_id for url_id, target in self.facts.targets.items()}
        hosters = [attribution.hosters if attribution else () for attribution in self.attributions]
        rules = guard_rules(self.config)
        flips, held = guard_flips(looks, combined, hosters, sites, rules, decided)
        verdicts = [
            restated(verdict, "quarantined", self.rules, "quarantine") if is_held else verdict
            for verdict, is_held in zip(combined, held, strict=True)
        ]
        ours = canary_quarantines(
            self.facts.canaries, looks, combined, sites, rules, decided, need=self.config.canary.need
        )
        feeds = feed_quarantines(self.facts.deliveries, rules, decided)
        return verdicts, sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))

    @_Step
    def attributions(self) -> list[Attribution | None]:
        """The attribution of each check.

        None if the name gave no address.
        """
        found: list[Attribution | None] = []
        for look in self.facts.looks:
            resolution = self.facts.resolutions.get(look.resolution_id or "")
            if resolution is None or not resolution.addresses:
                found.append(None)
                continue
            suffix = self.facts.targets[look.url_id].suffix_id
            origin = self.origin_behind(look)
            found.append(
                self.attributor.attribute(
                    resolution.addresses, suffix, look.observed_at, origin, behind_cdn="cdn" in resolution.tags
                )
            )
        return found

    @cached_property
    def _origins_reported(self) -> ReportedOrigins:
        return ReportedOrigins(self.facts.reports)

    def origin_behind(self, look: Observation) -> str | None:
        """Return the reported address behind the proxy.

        The last one reported before a check, else the first one.
        """
        return self._origins_reported.behind(look.url_id, look.observed_at)

    @cached_property
    def sightings(self) -> dict[str, list[Sighting]]:
        """The judged and attributed checks of each URL.

        Absences are confirmed.
        """
        by_url: dict[str, list[tuple[Verdict, Attribution | None, str]]] = defaultdict(list)
        for verdict, attribution, look in zip(self.verdicts, self.attributions, self.facts.looks, strict=True):
            by_url[verdict.url_id].append((verdict, attribution, look.vantage))
        settings = self.config.judge
        sightings = {}
        for url_id, looks in by_url.items():
            down = confirmed_down(
                [verdict for verdict, _, _ in looks],
                looks=settings.confirm_looks,
                over_s=settings.confirm_s,
                vantages=[vantage for _, _, vantage in looks],
                within_s=settings.vantage_within_s,
            )
            sightings[url_id] = [
                # a parked name has the addresses of the parking service, which never held the content
                Sighting(verdict=verdict, down=is_down, attribution=attribution if verdict.cause != "name" else None)
                for (verdict, attribution, _), is_down in zip(looks, down, strict=True)
            ]
        return self._restate(sightings) if self._restate else sightings

    @_Step
    def links(self) -> Clusters:
        """Clusters of URLs that carry one content, with evidence."""
        return clusters_of(self.facts, self._opened, self.config.linking)

    @_Step
    def known(self) -> dict[str, UrlHistory]:
        """The reports and the content of each URL."""
        return known_of(self.facts, content_ids(self.facts.targets, self.facts.reports, self.links))

    @cached_property
    def until(self) -> datetime | None:
        """End of the measurement.

        The last check's time less the time that confirmation takes; None without a check.
        """
        last_look = max((look.observed_at for look in self.facts.looks), default=None)
        return last_look and censor_from(last_look, timedelta(seconds=self.config.judge.freeze_s))

    @property
    def episode_rules(self) -> EpisodeRules | None:
        """The settings' rules of when a hoster was left.

        None without a check.
        """
        if self.until is None:
            return None
        return EpisodeRules.from_settings(self.config.judge, self.until)

    @cached_property
    def episodes(self) -> list[Episode]:
        """All episodes: URLs up at hosters, with interval ends."""
        rules = self.episode_rules
        if rules is None or not self.removal_measured:
            return []
        if self._by_text:
            return self._by_text.episodes(self.known, self.sightings, rules)
        return list(all_episodes(self.known, self.sightings, rules))

    @cached_property
    def hop_context(self) -> HopContext:
        """Jurisdiction, seats, labels and clusters that describe hops."""
        labels = {url_id: target.label_id for url_id, target in self.facts.targets.items()}
        return HopContext(home=self.config.home, seats=self.seats, labels=labels, clusters=self.links)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops of content that left a hoster."""
        find = self._by_text.hops if self._by_text else find_hops
        found = find(self.episodes, self.hop_context)
        return without_alternating(found, self.sightings, soon=timedelta(hours=self.config.judge.rotation_hours))

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """The latest version of each notice, with its addressees."""
        wanted = {notice.url_id for notice in self.facts.notices}
        seen: dict[str, list[SeenAnswer]] = defaultdict(list)
        for url_id in wanted:
            for sighting in self.sightings.get(url_id, ()):
                if sighting.attribution:
                    verdict = sighting.verdict
                    seen[url_id].append(SeenAnswer(verdict.observed_at, sighting.attribution, verdict.state == "down"))
        sites = {url_id: self.facts.targets[url_id].site_id for url_id in wanted}
        return addressed(
            self.facts.notices, seen, sites, lambda key, on: self.attributor.book.on(on.date()).company(key)
        )

    @cached_property
    def notice_context(self) -> NoticeContext:
        """Notices and confirmations from which clocks start."""
        about: dict[str, list[AddressedNotice]] = defaultdict(list)
        for notice in self.notices:
            about[notice.url_id].append(notice)
        since = {url_id: known.reported[0] for url_id, known in self.known.items() if known.reported}
        confirmed: dict[str, list[datetime]] = defaultdict(list)
        for report in self.facts.reports:
            if report.verified_at:
                confirmed[report.url_id].append(report.verified_at)
        return NoticeContext(notices=about, known_since=since, confirmed=confirmed)

    @cached_property
    def hosters(self) -> list[str]:
        """Keys of all hosters in any check or episode."""
        seen = {key for attribution in self.attributions if attribution for key in attribution.hosters}
        return sorted(seen)

    @cached_property
    def seats(self) -> dict[str, str]:
        """The country of each hoster's legal seat, if known."""
        seats = {key: self.attributor.country_of(key) for key in self.hosters}
        return {key: seat for key, seat in seats.items() if seat}


def guard_rules(config: Config) -> GuardRules:
    """Return the settings' rules of suspect cycles and deliveries."""
    return GuardRules(**asdict(config.cycle_guard))
