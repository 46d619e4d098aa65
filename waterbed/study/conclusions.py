"""Conclusions: judge, attribute, sightings, links, episodes, hops; engine python|sql. No ranking."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self, TypeVar, overload

from msgspec.structs import asdict

from attribution.addressees import ReportedOrigins, SeenAnswer, addressed
from attribution.attribute import Attributor
from graphs.episodes import EpisodeRules, Sighting, UrlHistory, all_episodes, censor_from
from graphs.episodes_sql import set_episodes
from graphs.hop_sources import without_alternating
from graphs.hops import HopContext, find_hops
from graphs.hops_sql import set_hops
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
from waterbed.store.engine import Engine
from waterbed.store.folder import Folder
from waterbed.study.facts import Facts
from waterbed.study.linking import OpenedNames, clusters_of, content_ids, known_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ByText:
    """The engine that runs the texts, and where it may put what does not fit into memory."""

    engine: Engine
    folder: Path

    def episodes(
        self, known: Mapping[str, UrlHistory], sightings: Mapping[str, Sequence[Sighting]], rules: EpisodeRules
    ) -> list[Episode]:
        """The same episodes as the pure definition's."""
        return set_episodes(known, sightings, rules, folder=self.folder, engine=self.engine)

    def hops(self, episodes: Iterable[Episode], frame: HopContext) -> list[Hop]:
        """The same hops as the pure definition's."""
        return set_hops(episodes, frame, folder=self.folder, engine=self.engine)


def by_text_of(folder: Folder) -> ByText | None:
    """What the settings of a study say; None: the pure definitions work."""
    engine = folder.config.engine
    return None if engine == "python" else ByText(engine=engine, folder=folder.path)


Restate = Callable[[Mapping[str, list[Sighting]]], dict[str, list[Sighting]]]
"""Takes the judged looks of each URL for something else: bounds of what nobody saw."""

_RESTS_ON: Final[Mapping[str, frozenset[str]]] = {
    "_heard": frozenset(),
    "_believed": frozenset({"attributor"}),  # the cycle guard goes by hoster
    "settled": frozenset({"codes"}),
    "_coded": frozenset({"attributor", "codes"}),
    "attributions": frozenset({"attributor"}),
    "links": frozenset(),
    "known": frozenset(),
}
"""Which choices of `Conclusions.with_` bear on each step before the sightings."""


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
    """What facts, rules, tables and settings say: the same ones always the same. Each step waits until it is asked."""

    varies: "Conclusions | None" = None
    """The conclusions from which these differ in some choices."""
    shared: frozenset[str] = frozenset()
    """Steps on which these choices do not bear: they are taken from `varies`."""

    def __init__(
        self,
        facts: Facts,
        attributor: Attributor,
        rules: RuleSet,
        config: Config,
        opened: OpenedNames | None = None,
        by_text: ByText | None = None,
    ) -> None:
        """Take everything that conclusions depend on; `opened` is what linking needs of the vault."""
        self.facts = facts
        self.attributor = attributor
        self.rules = rules
        self.config = config
        self._opened = opened or OpenedNames()
        self._by_text = by_text
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
        """The same facts under other choices; every step on which these do not bear is shared.

        `config` may differ in how absences are confirmed, and in nothing else. `codes` settle cases beside those that
        people settled. `sightings` restates the judged looks of each URL.
        """
        other = Conclusions(
            self.facts, attributor or self.attributor, self.rules, config or self.config, self._opened, self._by_text
        )
        other.varies, other._restate, other._codes = self, sightings, codes or {}
        changed = {name for name, value in (("attributor", attributor), ("codes", codes)) if value is not None}
        other.shared = frozenset(step for step, on in _RESTS_ON.items() if not on & changed)
        return other

    @property
    def verdicts(self) -> list[Verdict]:
        """One verdict a look: all vantages heard, what is not believed set aside, what people coded taken."""
        return self._coded

    @property
    def quarantines(self) -> list[Quarantine]:
        """Cycles and deliveries that are not believed, or were not until a person decided."""
        return self._believed[1]

    @property
    def uncoded(self) -> list[Verdict]:
        """One verdict a look, whatever people coded."""
        return self._believed[0]

    @_Step
    def settled(self) -> dict[str, str]:
        """The doubtful cases that are settled, each with its code: by people, as far as the settings let that apply."""
        if self.varies:
            return {**self._codes, **self.varies.settled}
        return settled_codes(self.facts.codings, doubtful.QUEUE) if self.config.coding.apply else {}

    @_Step
    def _coded(self) -> list[Verdict]:
        return doubtful.recoded(self.facts.looks, self.uncoded, self.settled, self.rules)

    def features(self, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What rules asked about some looks, by their ids. As slow as judging all looks."""
        told: dict[str, dict[str, Any]] = {look: {} for look in looks}
        if told:
            self._judged(told)
        return told

    @_Step
    def _heard(self) -> list[Verdict]:
        """The verdict on each look by the rules, then beside those of other vantages."""
        settings = self.config.judge
        return combine(
            self.facts.looks,
            self._judged(),
            self.rules,
            networks=settings.networks,
            within_s=settings.vantage_within_s,
        )

    def _judged(self, told: dict[str, dict[str, Any]] | None = None) -> list[Verdict]:
        """The verdict on each look by itself."""
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
            features=told,
        )

    @_Step
    def _believed(self) -> tuple[list[Verdict], list[Quarantine]]:
        """The verdicts, and the quarantines that hold some of them."""
        looks, heard, decided = self.facts.looks, self._heard, Decisions(self.facts.decisions)
        sites = {url_id: target.site_id for url_id, target in self.facts.targets.items()}
        hosters = [attribution.hosters if attribution else () for attribution in self.attributions]
        rules = guard_rules(self.config)
        flips, held = guard_flips(looks, heard, hosters, sites, rules, decided)
        verdicts = [
            restated(verdict, "quarantined", self.rules, "quarantine") if is_held else verdict
            for verdict, is_held in zip(heard, held, strict=True)
        ]
        ours = canary_quarantines(
            self.facts.canaries, looks, heard, sites, rules, decided, need=self.config.canary.need
        )
        feeds = feed_quarantines(self.facts.deliveries, rules, decided)
        return verdicts, sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))

    @_Step
    def attributions(self) -> list[Attribution | None]:
        """Who answered for the URL at each look, None where the name gave no address."""
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
    def _origins_told(self) -> ReportedOrigins:
        return ReportedOrigins(self.facts.reports)

    def origin_behind(self, look: Observation) -> str | None:
        """The address behind the proxy as it was last told before a look, else as it was told first."""
        return self._origins_told.behind(look.url_id, look.observed_at)

    @cached_property
    def sightings(self) -> dict[str, list[Sighting]]:
        """The judged and attributed looks of each URL, absences confirmed."""
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
                # a parked name's addresses are the parking service's, which never held the content
                Sighting(verdict=verdict, down=is_down, attribution=attribution if verdict.cause != "name" else None)
                for (verdict, attribution, _), is_down in zip(looks, down, strict=True)
            ]
        return self._restate(sightings) if self._restate else sightings

    @_Step
    def links(self) -> Clusters:
        """Which URLs carry one content, and on what evidence."""
        return clusters_of(self.facts, self._opened, self.config.linking)

    @_Step
    def known(self) -> dict[str, UrlHistory]:
        """What reports say of each URL, and which content it carries."""
        return known_of(self.facts, content_ids(self.facts.targets, self.facts.reports, self.links))

    @cached_property
    def until(self) -> datetime | None:
        """The end of the measurement: the last look's time less what confirmation takes; None without a look."""
        last_look = max((look.observed_at for look in self.facts.looks), default=None)
        return last_look and censor_from(last_look, timedelta(seconds=self.config.judge.freeze_s))

    @property
    def episode_rules(self) -> EpisodeRules | None:
        """When a hoster counts as left, as the settings say; None without a look."""
        if self.until is None:
            return None
        return EpisodeRules.from_settings(self.config.judge, self.until)

    @cached_property
    def episodes(self) -> list[Episode]:
        """When each URL was up, at which hoster, with interval ends."""
        rules = self.episode_rules
        if rules is None:
            return []
        if self._by_text:
            return self._by_text.episodes(self.known, self.sightings, rules)
        return list(all_episodes(self.known, self.sightings, rules))

    @cached_property
    def frame(self) -> HopContext:
        """What hops are described by, beside the episodes."""
        labels = {url_id: target.label_id for url_id, target in self.facts.targets.items()}
        return HopContext(home=self.config.home, seats=self.seats, labels=labels, clusters=self.links)

    @cached_property
    def hops(self) -> list[Hop]:
        """Where content went after it left a hoster."""
        find = self._by_text.hops if self._by_text else find_hops
        found = find(self.episodes, self.frame)
        return without_alternating(found, self.sightings, soon=timedelta(hours=self.config.judge.rotation_hours))

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """Each notice as its latest word has it, and whom it reached."""
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
        """What clocks with an explicit origin need beside the episodes."""
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
        """Keys of all hosters that any look or episode names."""
        seen = {key for attribution in self.attributions if attribution for key in attribution.hosters}
        return sorted(seen)

    @cached_property
    def seats(self) -> dict[str, str]:
        """The country of each hoster's legal seat, where it is known."""
        seats = {key: self.attributor.country_of(key) for key in self.hosters}
        return {key: seat for key, seat in seats.items() if seat}


def guard_rules(config: Config) -> GuardRules:
    """When a cycle or a delivery is suspect, as the settings say."""
    return GuardRules(**asdict(config.cycle_guard))
