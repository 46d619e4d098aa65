"""The pipeline from facts to verdicts, attributions, episodes and hops.

Judges, attributes and links; it does not rank.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from attribution.addressees import ReportedOrigins
from attribution.attribute import Attributor
from graphs.episodes import EpisodeRules, UrlHistory, all_episodes, censor_from
from graphs.hop_sources import without_alternating
from graphs.hops import HopContext, find_hops
from graphs.linking.clusters import Clusters
from graphs.runs import Run
from waterbed.judging import doubtful
from waterbed.judging.columns import Array
from waterbed.judging.rules import RuleSet
from waterbed.judging.walk import Walk
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution, Episode, Hop, Quarantine, State, Verdict
from waterbed.model.decisions import UNSURE, settled_codes
from waterbed.model.facts import Observation
from waterbed.model.takedown import AddressedNotice, NoticeContext
from waterbed.store.config import Config
from waterbed.store.kept import Kept
from waterbed.study.assessment import SetAside, counting_facts
from waterbed.study.attributed import Attributed, attributed, hosters_of
from waterbed.study.coded import recoded
from waterbed.study.facts import Facts
from waterbed.study.grown import Grown, grown_of
from waterbed.study.guarded import Guarded, guarded
from waterbed.study.judged import Answered, Answers, Changed, Judged, UrlRuns, verdicts_in
from waterbed.study.kept_urls import Beginning, keep_urls, kept_since
from waterbed.study.linking import OpenedNames, clusters_of, content_ids, known_of
from waterbed.study.look_reader import features_of, read_looks
from waterbed.study.looks import Block, Looks
from waterbed.study.notices import addressed_in, context_of
from waterbed.study.steps import RESTS_ON, Step

Value = TypeVar("Value")
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
        facts: Facts | Callable[[], Facts],
        attributor: Attributor,
        rules: RuleSet,
        config: Config,
        opened: OpenedNames | None = None,
        *,
        removal_measured: bool = True,
        kept: Kept | None = None,
        processes: int = 1,
        beginning: Beginning | None = None,
    ) -> None:
        """Take all inputs of the conclusions, or a function that reads facts.

        `opened` is the part of the vault that linking needs. What was `kept` is not worked out again. `processes` share
        the reading of many looks. Where removal is not measured, as in a replay, nothing is concluded of how long
        content stayed or where it went: there are no episodes. `beginning` is what the facts of some URLs alone need.
        """
        self._beginning = beginning
        self._facts = facts
        self._kept = kept
        self.processes = processes
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
            lambda: self.all_facts,
            attributor or self.attributor,
            self.rules,
            config or self.config,
            self._opened,
            removal_measured=self.removal_measured,
            processes=self.processes,
        )
        other.varies, other._restate, other._codes = self, runs, codes or {}
        changed = {name for name, value in (("attributor", attributor), ("codes", codes)) if value is not None}
        if other.config.judge.assessment == self.config.judge.assessment:  # else everything is of other facts
            other.shared = frozenset(step for step, on in RESTS_ON.items() if not on & changed)
        return other

    def of_some(self, facts: Facts, beginning: Beginning) -> "Conclusions":
        """The same of some URLs alone, from what was kept on."""
        return Conclusions(
            facts,
            self.attributor,
            self.rules,
            self.config,
            self._opened,
            removal_measured=self.removal_measured,
            processes=self.processes,
            beginning=beginning,
        )

    _gathered: Answers | None = None
    grows: bool = False
    """Whether what was kept of URLs with nothing new is taken: for episodes and rankings alone."""

    @cached_property
    def grown(self) -> Grown | None:
        """What is new since conclusions were kept; None if all must be worked out."""
        possible = self.grows and self._kept and self.facts.folder and self.removal_measured
        return grown_of(self, self._kept) if possible and self._kept else None

    def kept(self, name: str, form: Any, make: Callable[[], Value]) -> Value:
        """A value that is kept in the study's folder.

        Else it is made, and kept unless some choice differs from the study's.
        """
        return self._kept.of(name, form, make) if self._kept else make()

    @cached_property
    def all_facts(self) -> Facts:
        """The facts of all URLs, whatever their assessment."""
        return self._facts() if callable(self._facts) else self._facts

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
        """All looks as columns, each judged; vantages are combined."""
        before = self._beginning.before if self._beginning else None
        return read_looks(self.facts, self.config, Walk(self.rules), processes=self.processes, before=before)

    @Step
    def verdicts(self) -> list[Verdict]:
        """One verdict for each check, after all steps.

        Vantages are combined, quarantined checks set aside, and people's codes applied. Of many checks take
        `waterbed.study.look_tables`.
        """
        return [
            verdict
            for block in self.looks.blocks()
            for verdict in verdicts_in(self.looks, block, self._coded.verdicts(block), slice(0, len(block)))
        ]

    @cached_property
    def outcomes(self) -> Counter[tuple[str, State]]:
        """Numbers of checks by outcome, first seen first.

        By outcome and state.
        """
        kept = self.kept("outcomes", list[tuple[str, State, int]], lambda: _listed(self.judged.outcomes()))
        return Counter({(outcome, state): looks for outcome, state, looks in kept})

    @cached_property
    def stale_looks(self) -> int:
        """The number of checks attributed with a stale table."""
        return sum(looks for attribution, looks in self._answers if attribution.stale)

    @cached_property
    def answers(self) -> list[Attribution]:
        """The distinct attributions, the first seen first.

        Each has the day of one of its checks.
        """
        return [attribution for attribution, _ in self._answers]

    @cached_property
    def _answers(self) -> list[tuple[Attribution, int]]:
        return self.kept("answers", list[tuple[Attribution, int]], self._counted_answers)

    def _counted_answers(self) -> list[tuple[Attribution, int]]:
        return self.judged.answers()

    def seen_of(self, url_id: str) -> list[tuple[Observation, Verdict, Attribution | None]]:
        """The checks of one URL, one by one.

        Observation, final verdict, attribution. Empty for a URL that was never looked at.
        """
        place = self.looks.place_of(url_id)
        if place is None or not self.looks.lengths[self.looks.block_of(place)]:
            return []
        its = self.judged.of_block(self.looks.block_of(place))
        of_url = its.block.of_url(place)
        verdicts = verdicts_in(self.looks, its.block, its.verdicts, of_url)
        answers = self.judged.answers_of(its, of_url)
        return list(zip(self.facts.looks_at([url_id])[url_id], verdicts, answers, strict=True))

    @cached_property
    def quarantines(self) -> list[Quarantine]:
        """Quarantined cycles and deliveries, also those decided since."""
        if self.varies is not None and "believed" in self.shared:
            return self.varies.quarantines
        return self.kept("quarantines", list[Quarantine], lambda: self.believed.quarantines)

    def uncoded_in(self, block: Block) -> Array:
        """The numbers of a block's verdicts, before people's codes."""
        return self.believed.changed.verdicts(block)

    @Step
    def settled(self) -> dict[str, str]:
        """The codes of settled doubtful cases.

        By people, as far as the settings apply their codes.
        """
        if self.varies:
            return {**self._codes, **self.varies.settled}
        return settled_codes(self.facts.codings, doubtful.QUEUE) if self.config.coding.apply else {}

    @Step
    def _coded(self) -> Changed:
        """The checks that are in quarantine or that people coded, with their verdicts."""
        believed, wanted = self.believed.changed, {look: code for look, code in self.settled.items() if code != UNSURE}
        if not wanted:
            return believed
        return recoded(self.looks, believed, wanted, self.facts.looks_at, self.rules)

    def features(self, looks: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the features that rules used, by observation id.

        All looks are read and judged again.
        """
        return features_of(self.facts, self.config, self.rules, looks)

    @Step
    def believed(self) -> Guarded:
        """The checks in quarantine with their verdicts, and all quarantines."""
        before = self._beginning.guard if self._beginning else None
        keep_at = kept_since(self) if self._kept or before else None
        return guarded(self.looks, self.attributed, self.facts, self.config, self.rules, before=before, keep_at=keep_at)

    @Step
    def attributed(self) -> Attributed:
        """All attributions, and the number of each check's."""
        suffixes = [self.facts.targets[url_id].suffix_id for url_id in self.looks.urls]
        return attributed(self.looks, self.attributor, suffixes, self._origins_reported)

    @Step
    def attributions(self) -> list[Attribution | None]:
        """The attribution of each check.

        None if the name gave no address.
        """
        return [
            answer for its in self.judged.blocks() for answer in self.judged.answers_of(its, slice(0, len(its.block)))
        ]

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
        return Judged(looks=self.looks, changed=self._coded, attributed=self.attributed, settings=self.config.judge)

    @cached_property
    def runs(self) -> Mapping[str, Sequence[Run]]:
        """The judged and attributed checks of each URL, as runs.

        Absences are confirmed.
        """
        runs = UrlRuns(self.judged)
        return self._restate(runs) if self._restate else runs

    @cached_property
    def answered(self) -> Mapping[str, Answered]:
        """The distinct attributions of each run of a URL."""
        _ = self.episodes  # which may go through all runs
        if self._gathered is None:
            self._gathered = Answers(self.runs)
            deque(self._gathered, maxlen=0)
        return self._gathered.found

    @Step
    def links(self) -> Clusters:
        """Clusters of URLs that carry one content, with evidence."""
        signs = self.grown.signs if self.grown else self.looks
        return clusters_of(self.facts, signs, self._opened, self.config.linking)

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
        span = self._extent[1]
        return (moment(span[0]), moment(span[1])) if span else None

    @property
    def look_count(self) -> int:
        """The number of checks that count."""
        return self._extent[0]

    @cached_property
    def _extent(self) -> tuple[int, tuple[int, int] | None]:
        """The number of all checks, and the times of the first and the last one."""
        if self.varies is not None and "looks" in self.shared:
            return self.varies._extent
        return self.kept("extent", tuple[int, tuple[int, int] | None], self._measured)

    def _measured(self) -> tuple[int, tuple[int, int] | None]:
        return self.grown.extent if self.grown else (len(self.looks), self.looks.span)

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
        return self.kept("episodes", list[Episode], lambda: self._followed(rules))

    def _followed(self, rules: EpisodeRules) -> list[Episode]:
        if self.grown:
            found = self.grown.episodes(self.known, rules)
        else:
            self._gathered = Answers(self.runs)
            found = list(all_episodes(self.known, self._gathered, rules))
        if self._kept:
            keep_urls(self, self._kept, self.grown)
        return found

    @cached_property
    def hop_context(self) -> HopContext:
        """Jurisdiction, seats, labels and clusters that describe hops."""
        labels = {url_id: target.label_id for url_id, target in self.facts.targets.items()}
        return HopContext(home=self.config.home, seats=self.seats, labels=labels, clusters=self.links)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops of content that left a hoster."""
        return self.kept("hops", list[Hop], self._found_hops)

    def _found_hops(self) -> list[Hop]:
        found = find_hops(self.episodes, self.hop_context)
        return without_alternating(found, self.runs, soon=timedelta(hours=self.config.judge.rotation_hours))

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """The latest version of each notice, with its addressees."""
        return self.kept(
            "notices",
            list[AddressedNotice],
            lambda: addressed_in(self.facts, self.grown.part.runs if self.grown else self.runs, self.attributor.book),
        )

    @cached_property
    def notice_context(self) -> NoticeContext:
        """Notices and confirmations from which clocks start."""
        return context_of(self.notices, self.facts)

    @cached_property
    def hosters(self) -> list[str]:
        """Keys of all hosters in any check or episode."""
        return self.kept(
            "hosters", list[str], lambda: self.grown.hosters if self.grown else sorted(hosters_of(self.attributed))
        )

    @cached_property
    def seats(self) -> dict[str, str]:
        """The country of each hoster's legal seat, if known."""
        seats = {key: self.attributor.country_of(key) for key in self.hosters}
        return {key: seat for key, seat in seats.items() if seat}


def _listed(outcomes: Counter[tuple[str, State]]) -> list[tuple[str, State, int]]:
    return [(outcome, state, looks) for (outcome, state), looks in outcomes.items()]
