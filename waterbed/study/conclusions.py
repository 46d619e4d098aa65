"""The pipeline from facts to verdicts, attributions, episodes and hops.

Judges, attributes and links; it does not rank.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from attribution.addressees import ReportedOrigins
from attribution.attribute import Attributor
from graphs.episodes import EpisodeRules, UrlHistory, all_episodes, censor_from
from graphs.hop_sources import without_alternating
from graphs.hops import HopContext, find_hops
from graphs.linking.clusters import Clusters
from graphs.runs import Run
from waterbed.judging import doubtful
from waterbed.judging.columns import Array
from waterbed.judging.confirmation import confirmed
from waterbed.judging.judge import restated
from waterbed.judging.mass_flips import guard_flips
from waterbed.judging.quarantines import Decisions, canary_quarantines, failed_cycles, feed_quarantines
from waterbed.judging.rules import RuleSet
from waterbed.judging.vantages import combine
from waterbed.judging.walk import EPOCH, Walk
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution, Episode, Hop, Quarantine, State, Verdict
from waterbed.model.decisions import UNSURE, settled_codes
from waterbed.model.facts import Observation
from waterbed.model.takedown import AddressedNotice, NoticeContext
from waterbed.store.config import Config
from waterbed.study.assessment import SetAside, counting_facts
from waterbed.study.attributed import Attributions
from waterbed.study.facts import Facts
from waterbed.study.features import features_of
from waterbed.study.judged import Judged, faults_of, guard_looks, guard_rules, states_of, verdicts_in
from waterbed.study.linking import OpenedNames, clusters_of, content_ids, known_of
from waterbed.study.looks import Looks, read_looks
from waterbed.study.notices import addressed_in, context_of
from waterbed.study.steps import RESTS_ON, Step

Restate = Callable[[Mapping[str, Sequence[Run]]], Mapping[str, Sequence[Run]]]
"""Replaces the runs of each URL, for bounds of the unobserved."""


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
        self.removal_measured = removal_measured
        self._codes: Mapping[str, str] = {}
        self._restate: Restate | None = None

    def with_(
        self,
        *,
        attributor: Attributor | None = None,
        config: Config | None = None,
        codes: Mapping[str, str] | None = None,
        runs: Restate | None = None,
    ) -> "Conclusions":
        """Return the same facts under other choices.

        Every step that does not depend on these choices is shared. `config` may differ only in how absences are
        confirmed and whether assessments decide. `codes` settle cases beside those that people settled. `runs` restates
        the runs of each URL.
        """
        other = Conclusions(
            self.all_facts,
            attributor or self.attributor,
            self.rules,
            config or self.config,
            self._opened,
            removal_measured=self.removal_measured,
        )
        other.varies, other._restate, other._codes = self, runs, codes or {}
        changed = {name for name, value in (("attributor", attributor), ("codes", codes)) if value is not None}
        if other.config.judge.assessment == self.config.judge.assessment:  # else everything is of other facts
            other.shared = frozenset(step for step, on in RESTS_ON.items() if not on & changed)
        return other

    @Step
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

    @Step
    def looks(self) -> Looks:
        """All looks as columns."""
        return read_looks(self.facts, self.config, Walk(self.rules))

    @Step
    def verdicts(self) -> list[Verdict]:
        """One verdict for each check, after all steps.

        Vantages are combined, quarantined checks set aside, and people's codes applied.
        """
        return verdicts_in(self.looks, self._coded, slice(0, len(self.looks)))

    @cached_property
    def outcomes(self) -> Counter[tuple[str, State]]:
        """Numbers of checks by outcome, first seen first.

        By outcome and state.
        """
        return self.judged.outcomes()

    @cached_property
    def stale_looks(self) -> int:
        """The number of checks attributed with a stale table."""
        made = self._attributed[0]
        return sum(looks for number, looks in self.judged.answers().items() if made[number].stale)

    @cached_property
    def answers(self) -> list[Attribution]:
        """The distinct attributions, the first seen first.

        Each has the day of one of its checks.
        """
        made = self._attributed[0]
        return [made[number] for number in self.judged.answers()]

    def seen_of(self, url_id: str) -> list[tuple[Observation, Verdict, Attribution | None]]:
        """The checks of one URL, one by one.

        Observation, final verdict, attribution. Empty for a URL that was never looked at.
        """
        place = bisect_left(self.looks.urls, url_id)
        if place == len(self.looks.urls) or self.looks.urls[place] != url_id:
            return []
        of_url = self.looks.of_url(place)
        verdicts = verdicts_in(self.looks, self._coded, of_url)
        answers = [self.judged.attribution(at) for at in range(of_url.start, of_url.stop)]
        return list(zip(self.facts.looks_at([url_id])[url_id], verdicts, answers, strict=True))

    @property
    def quarantines(self) -> list[Quarantine]:
        """Quarantined cycles and deliveries, also those decided since."""
        return self._believed[1]

    @cached_property
    def uncoded(self) -> list[Verdict]:
        """One verdict for each check, before people's codes."""
        return verdicts_in(self.looks, self._believed[0], slice(0, len(self.looks)))

    @Step
    def settled(self) -> dict[str, str]:
        """The codes of settled doubtful cases.

        By people, as far as the settings apply their codes.
        """
        if self.varies:
            return {**self._codes, **self.varies.settled}
        return settled_codes(self.facts.codings, doubtful.QUEUE) if self.config.coding.apply else {}

    @Step
    def _coded(self) -> Array:
        """The number of each check's verdict, with people's codes."""
        numbers, wanted = self._believed[0], {look: code for look, code in self.settled.items() if code != UNSURE}
        if not wanted:
            return numbers
        looks, numbers = self.looks, numbers.copy()
        coded = np.flatnonzero(pc.is_in(looks.columns.id, pa.array(list(wanted), pa.string())))
        urls = np.unique(looks.columns.url[coded]).tolist()
        seen = self.facts.looks_at([looks.urls[url] for url in urls])
        for url in urls:
            places = looks.of_url(url)
            before = verdicts_in(looks, numbers, places)
            after = doubtful.recoded(seen[looks.urls[url]], before, wanted, self.rules)
            numbers[places] = [looks.walk.number(_bare(verdict)) for verdict in after]
        return numbers

    def features(self, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the features that rules used, by observation id.

        As slow as judging all observations one by one.
        """
        return features_of(self.facts, self.config, self.rules, looks)

    @Step
    def _combined(self) -> Array:
        """The number of each check's verdict, combined over vantage points."""
        looks, settings = self.looks, self.config.judge
        verdicts = looks.walk.judge(looks.columns.url, looks.seen, looks.neighbours)
        answered = looks.walk.answered()[looks.seen] if len(looks) else np.zeros(0, bool)
        return combine(
            looks.columns,
            verdicts,
            looks.walk,
            answered,
            networks=settings.networks,
            within_s=settings.vantage_within_s,
        )

    @Step
    def _believed(self) -> tuple[Array, list[Quarantine]]:
        """The numbers of the verdicts, and the quarantines that hold some of them."""
        looks, combined, decided = self.looks, self._combined, Decisions(self.facts.decisions)
        rules, walk = guard_rules(self.config), looks.walk
        made, attributed = self._attributed
        guarded, hosters, prefixes = guard_looks(looks, combined, attributed, made)
        flips, held = guard_flips(guarded, hosters, prefixes, rules, decided)
        numbers = combined.copy()
        for number in np.unique(combined[held]).tolist():
            quarantined = restated(walk.verdicts[number], "quarantined", self.rules, "quarantine")
            numbers[held & (combined == number)] = walk.number(quarantined)
        failed = failed_cycles(self.facts.canaries, rules, need=self.config.canary.need)
        ours = canary_quarantines(failed, faults_of(looks, combined, failed, rules), rules, decided)
        feeds = feed_quarantines(self.facts.deliveries, rules, decided)
        return numbers, sorted([*flips, *ours, *feeds], key=lambda found: (found.began_at, found.kind, found.scope))

    @Step
    def _attributed(self) -> tuple[list[Attribution], Array]:
        """All attributions, and the number of each check's."""
        looks, origins = self.looks, self._origins_reported
        numbered = {url_id: number for number, url_id in enumerate(looks.urls)}
        made = Attributions(self.attributor)
        numbers = made.numbers(
            looks.columns,
            looks.coder.addresses.values,
            looks.coder.tags.values,
            [self.facts.targets[url_id].suffix_id for url_id in looks.urls],
            {numbered[url_id]: partial(_behind, origins, url_id) for url_id in origins.urls if url_id in numbered},
        )
        return made.made, numbers

    @Step
    def attributions(self) -> list[Attribution | None]:
        """The attribution of each check.

        None if the name gave no address.
        """
        return [self.judged.attribution(place) for place in range(len(self.looks))]

    @cached_property
    def _origins_reported(self) -> ReportedOrigins:
        return ReportedOrigins(self.facts.reports)

    def origin_behind(self, look: Observation) -> str | None:
        """Return the reported address behind the proxy.

        The last one reported before a check, else the first one.
        """
        return self._origins_reported.behind(look.url_id, look.observed_at)

    @cached_property
    def judged(self) -> Judged:
        """All looks with their final verdicts and attributions."""
        looks, settings = self.looks, self.config.judge
        made, attributed = self._attributed
        down = confirmed(
            looks.columns.url,
            looks.columns.at,
            states_of(looks, self._coded),
            looks.columns.vantage,
            looks=settings.confirm_looks,
            over_s=settings.confirm_s,
            within_s=settings.vantage_within_s,
        )
        return Judged(looks=looks, verdicts=self._coded, attributed=attributed, made=made, down=down)

    @cached_property
    def runs(self) -> Mapping[str, Sequence[Run]]:
        """The judged and attributed checks of each URL, as runs.

        Absences are confirmed.
        """
        urls = self.looks.urls
        runs = {urls[url]: own for url, own in self.judged.runs()}
        return self._restate(runs) if self._restate else runs

    @Step
    def links(self) -> Clusters:
        """Clusters of URLs that carry one content, with evidence."""
        return clusters_of(self.facts, self._opened, self.config.linking, self.config.engine)

    @Step
    def known(self) -> dict[str, UrlHistory]:
        """The reports and the content of each URL."""
        return known_of(self.facts, content_ids(self.facts.targets, self.facts.reports, self.links))

    @cached_property
    def until(self) -> datetime | None:
        """End of the measurement.

        The last check's time less the time that confirmation takes; None without a check.
        """
        span = self.span
        return censor_from(span[1], timedelta(seconds=self.config.judge.freeze_s)) if span else None

    @cached_property
    def span(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last check."""
        at = self.looks.columns.at
        return (moment(int(at.min())), moment(int(at.max()))) if len(at) else None

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
        return list(all_episodes(self.known, self.runs, rules))

    @cached_property
    def hop_context(self) -> HopContext:
        """Jurisdiction, seats, labels and clusters that describe hops."""
        labels = {url_id: target.label_id for url_id, target in self.facts.targets.items()}
        return HopContext(home=self.config.home, seats=self.seats, labels=labels, clusters=self.links)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops of content that left a hoster."""
        found = find_hops(self.episodes, self.hop_context)
        return without_alternating(found, self.runs, soon=timedelta(hours=self.config.judge.rotation_hours))

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """The latest version of each notice, with its addressees."""
        return addressed_in(self.facts, self.runs, self.attributor.book)

    @cached_property
    def notice_context(self) -> NoticeContext:
        """Notices and confirmations from which clocks start."""
        return context_of(self.notices, self.known, self.facts.reports)

    @cached_property
    def hosters(self) -> list[str]:
        """Keys of all hosters in any check or episode."""
        return sorted({key for attribution in self._attributed[0] for key in attribution.hosters})

    @cached_property
    def seats(self) -> dict[str, str]:
        """The country of each hoster's legal seat, if known."""
        seats = {key: self.attributor.country_of(key) for key in self.hosters}
        return {key: seat for key, seat in seats.items() if seat}


def _bare(verdict: Verdict) -> Verdict:
    """The verdict without look, URL and time."""
    return replace(verdict, observation_id="", url_id="", observed_at=EPOCH)


def _behind(origins: ReportedOrigins, url_id: str, at: int) -> str | None:
    return origins.behind(url_id, moment(at))
