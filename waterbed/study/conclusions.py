"""The pipeline from facts to verdicts, attributions, episodes and hops.

Judges, attributes and links; it does not rank.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import TypeVar
from weakref import proxy

from waterbed.attribution.attribute import Attributor
from waterbed.attribution.lookups.rdap.domain_index import DomainIndex
from waterbed.graphs.beyond import Beyond, beyond
from waterbed.graphs.births import Births, births_of
from waterbed.graphs.episodes import EpisodeRules, UrlHistory, all_episodes, censor_from
from waterbed.graphs.hands import Hands
from waterbed.graphs.hop_sources import without_alternating
from waterbed.graphs.hops import HopContext, find_hops
from waterbed.graphs.linking.clusters import Clusters
from waterbed.graphs.name_ends import NameEnds
from waterbed.graphs.runs import Run
from waterbed.model.codec import moment
from waterbed.model.conclusions import Episode, Hop
from waterbed.model.takedown import AddressedNotice, NoticeContext
from waterbed.model.window import ALL, Window
from waterbed.store.config import Config
from waterbed.study.answered import Answered, Answers
from waterbed.study.attributed import hosters_of
from waterbed.study.facts import Facts
from waterbed.study.grown import Grown, grown_of, keep_urls
from waterbed.study.judgements import Judgements, Restate, ToldOrigins
from waterbed.study.kept_runs import KeptRuns
from waterbed.study.kept_urls import Beginning
from waterbed.study.linking import clusters_of, content_ids, known_of, named, opens_names
from waterbed.study.notices import addressed_in, context_of
from waterbed.study.steps import RESTS_ON, Step

Value = TypeVar("Value")
"""Replaces the runs of each URL, for bounds of the unobserved."""


class Conclusions(Judgements):
    """Conclusions from facts, rules, tables and settings.

    The same inputs always give the same conclusions. Each step is computed when first asked for.
    """

    varies: "Conclusions | None" = None
    """The conclusions from which these differ in some choices."""
    _gathered: Answers | None = None
    window: Window = ALL
    """The reports that these are about."""
    grows: bool = False
    """Whether what was kept of URLs with nothing new is taken: for episodes and rankings alone."""

    def with_(
        self,
        *,
        attributor: Attributor | None = None,
        config: Config | None = None,
        codes: Mapping[str, str] | None = None,
        runs: Restate | None = None,
        told: ToldOrigins | None = None,
    ) -> "Conclusions":
        """Return the same facts under other choices.

        Every step that does not depend on these choices is shared. `config` may differ only in how absences are
        confirmed, and whether assessments and link checks tell. `codes` settle cases beside those that people settled.
        `runs` restates the runs of each URL. `told` are addresses behind proxies that an origin service told.
        """
        other = Conclusions(
            lambda: self.all_facts,
            attributor or self.attributor,
            self.given_rules,
            config or self.config,
            self._opened,
            removal_measured=self.removal_measured,
            processes=self.processes,
        )
        other.varies, other._restate, other._codes, other.told = self, runs, codes or {}, told or self.told
        choices = (("attributor", attributor), ("codes", codes), ("told", told))
        changed = {name for name, value in choices if value is not None}
        theirs, ours = other.config.judge, self.config.judge
        # else everything is of other facts, or judged otherwise
        if (theirs.assessment, theirs.hoster_word) == (ours.assessment, ours.hoster_word):
            other.shared = frozenset(step for step, on in RESTS_ON.items() if not on & changed)
        return other

    def before(self, when: datetime) -> "Conclusions":
        """Conclusions from facts that tell of a time before another.

        All are worked out anew: what came later changes none of them. Tables, hosters and settings are those of now.
        """
        return Conclusions(
            lambda: self.all_facts.before(when),
            self.attributor,
            self.given_rules,
            self.config,
            self._opened,
            removal_measured=self.removal_measured,
            processes=self.processes,
        )

    def of_some(self, facts: Facts, beginning: Beginning) -> "Conclusions":
        """The same of some URLs alone, from kept values on."""
        return Conclusions(
            facts,
            self.attributor,
            self.given_rules,
            self.config,
            self._opened,
            removal_measured=self.removal_measured,
            processes=self.processes,
            beginning=beginning,
        )

    @cached_property
    def grown(self) -> "Grown[Conclusions] | None":
        """The news since conclusions were kept, or None.

        None if all must be worked out.
        """
        possible = self.grows and self._kept and self.facts.folder and self.removal_measured
        return grown_of(self, self.of_some, self._kept) if possible and self._kept else None

    @property
    def whole(self) -> "Conclusions":
        """The conclusions of all reports; these, unless of a window."""
        return self

    @property
    def everywhere(self) -> Sequence[Episode]:
        """All episodes to which content may have come back."""
        return self.episodes

    @cached_property
    def past(self) -> Mapping[str, Sequence[Run]]:
        """The same, kept in the study's folder: windows cut them."""
        these = proxy(self)  # kept runs that held these would outlast them until the next collection of cycles
        return KeptRuns(self._kept, lambda: these.judged) if self._kept else self.runs

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
        return known_of(self.facts, self.contents)

    @cached_property
    def contents(self) -> Mapping[str, str]:
        """The content of each URL."""
        made = lambda: content_ids(self.facts.targets, self.facts.reports, self.links)  # noqa: E731
        return self.kept("contents", dict[str, str], made)

    @property
    def _apart(self) -> bool:
        """True if another process finds the contents: links, which it does not give, are not asked for later."""
        much = (self.grown.part if self.grown else self).much
        return self.grows and much and not opens_names(self.config.linking)

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
        return None if self.until is None else self.rules_until(self.until)

    def rules_until(self, until: datetime) -> EpisodeRules:
        """The same where the measurement ends at a time."""
        return EpisodeRules.from_settings(self.config.judge, until)

    @cached_property
    def episodes(self) -> list[Episode]:
        """All episodes: URLs up at hosters, with interval ends."""
        rules = self.episode_rules
        if rules is None or not self.removal_measured:
            return []
        return self.kept("episodes", list[Episode], lambda: self._followed(rules))

    def _followed(self, rules: EpisodeRules) -> list[Episode]:
        apart = self._apart
        if self.grown:
            _ = self.grown.signs  # which both processes need
        with self.found_beside("contents", lambda: self.contents) if apart else nullcontext():
            if self.grown:
                found = self.grown.episodes(rules)
            else:
                self._gathered = Answers(self.runs)
                known = known_of(self.facts) if apart else self.known
                found = list(all_episodes(known, self._gathered, rules))
            found = named(found, self.contents)
        if self._kept:
            keep_urls(self, self.span, self._kept, self.grown)
        told = self.name_ends.told(found)
        if self.grown:
            self.grown.end()
        return told

    @cached_property
    def name_ends(self) -> NameEnds:
        """Givers of names, and answers of registries on them."""
        settings, targets, attributor = self.config.domains, self.facts.targets, self.attributor
        return NameEnds(
            gives=lambda hoster, url_id, when: attributor.gives(hoster, targets[url_id].suffix_id, when),
            answers=self.domains.answers,
            before=timedelta(days=settings.before_expiry_days),
            after=timedelta(days=settings.after_expiry_days),
            within=timedelta(days=settings.within_days),
        )

    @property
    def domains(self) -> DomainIndex:
        """The answers of registries on domains."""
        return self.whole.once("domains", lambda: DomainIndex(self.whole.facts.domains))

    @cached_property
    def hop_context(self) -> HopContext:
        """Jurisdiction, seats, labels and clusters that describe hops."""
        labels = {url_id: target.label_id for url_id, target in self.facts.targets.items()}
        return HopContext(
            home=self.config.home,
            seats=self.seats,
            labels=labels,
            clusters=self.links,
            births=self.births,
            hands=self.hands,
            registrar=self.domains.registrar,
        )

    @cached_property
    def hands(self) -> Hands:
        """Tells hosters that changed from content that moved."""
        attribute, targets = lru_cache(maxsize=1 << 16)(self.attributor.attribute), self.facts.targets

        def holders(episode: Episode, when: datetime) -> tuple[str, ...]:
            day = when.replace(hour=12, minute=0, second=0, microsecond=0)
            return attribute(episode.addresses, targets[episode.url_id].suffix_id, day).hosters

        return Hands(holders)

    @cached_property
    def births(self) -> Births:
        """Births of the URLs' names, as far as episodes agree."""
        whole = self.whole
        return births_of(whole.facts.births, whole.facts.targets, whole.episodes, whole.facts.served_since())

    @cached_property
    def arrivals(self) -> Sequence[Episode]:
        """All episodes, none of which begins before its name."""
        return self.births.bounded(self.episodes)

    @cached_property
    def beyond(self) -> list[Beyond]:
        """Content at Tor and the like, by medium."""
        return beyond(self.episodes, self.facts.reports, self.contents)

    @cached_property
    def hops(self) -> list[Hop]:
        """Hops of content that left a hoster."""
        return self.kept("hops", list[Hop], self._found_hops)

    @property
    def hops_kept(self) -> bool:
        """True if the hops need not be found."""
        return "hops" in self.__dict__ or (self._kept is not None and self._kept.held("hops", list[Hop]) is not None)

    def _found_hops(self) -> list[Hop]:
        found = find_hops(self.episodes, self.hop_context)
        return without_alternating(found, self.runs, soon=timedelta(hours=self.config.judge.rotation_hours))

    @cached_property
    def notices(self) -> list[AddressedNotice]:
        """The latest version of each notice, with its addressees."""
        return self.kept(
            "notices",
            list[AddressedNotice],
            lambda: addressed_in(
                self.facts, self.grown.part.runs if self.grown else self.runs, self.attributor.book, self.domains
            ),
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
