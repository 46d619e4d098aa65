"""From facts to judged and attributed checks."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from waterbed.attribution.addressees import ReportedOrigins
from waterbed.attribution.attribute import Attributor
from waterbed.graphs.runs import Run
from waterbed.judging import doubtful
from waterbed.judging.columns import Array
from waterbed.judging.rules import RuleSet
from waterbed.judging.walk import Walk
from waterbed.model.collector import collector_paused
from waterbed.model.conclusions import Attribution, Quarantine, State, Verdict
from waterbed.model.decisions import UNSURE, settled_codes
from waterbed.model.facts import Observation, as_counted, claimed_before
from waterbed.store.config import Config
from waterbed.store.forked import beside
from waterbed.store.kept import Kept
from waterbed.study.assessment import SetAside, counting_facts, once_each
from waterbed.study.attributed import Attributed, attributed
from waterbed.study.coded import recoded
from waterbed.study.facts import Facts
from waterbed.study.guarded import Guarded, guarded
from waterbed.study.judged import Changed, Judged, UrlRuns, verdicts_in
from waterbed.study.kept_urls import Beginning, kept_since
from waterbed.study.linking import OpenedNames
from waterbed.study.look_reader import SHARED, features_of, read_looks
from waterbed.study.looks import Block, Looks
from waterbed.study.steps import Step

Value = TypeVar("Value")


ToldOrigins = Mapping[str, Sequence[tuple[datetime, str]]]
Restate = Callable[[Mapping[str, Sequence[Run]]], Mapping[str, Sequence[Run]]]


class Judgements:
    """Verdicts and attributions from facts, rules, tables and settings.

    The same inputs always give the same conclusions. Each step is computed when first asked for.
    """

    varies: "Judgements | None" = None
    """The conclusions from which these differ in some choices."""
    shared: frozenset[str] = frozenset()
    """Steps that do not depend on these choices: they are taken from `varies`."""
    _restate: Restate | None = None
    told: ToldOrigins | None = None
    """Addresses behind proxies that an origin service told, by URL."""

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
        self.given_rules = rules
        self.rules = rules if config.judge.hoster_word == "counts" else rules.without_link_checks()
        self.config = config
        self._opened = opened or OpenedNames()
        self.removal_measured = removal_measured
        self._codes: Mapping[str, str] = {}
        self._common: dict[str, Any] = {}
        self._elsewhere: dict[str, Callable[[], Any]] = {}

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """A value for several questions, made when first asked for."""
        if name not in self._common:
            self._common[name] = make()
        found: Value = self._common[name]
        return found

    def kept(self, name: str, form: Any, make: Callable[[], Value]) -> Value:
        """A value that is kept in the study's folder.

        Else it is made, and kept unless some choice differs from the study's.
        """
        with collector_paused():
            make = self._elsewhere.get(name, make)
            return self._kept.of(name, form, make) if self._kept else make()

    @contextmanager
    def found_beside(self, name: str, find: Callable[[], Any]) -> Iterator[None]:
        """Have another process find a kept value beside the block."""
        with beside(find, forked=True) as found:
            self._elsewhere[name] = found
            try:
                yield
            finally:
                del self._elsewhere[name]

    @cached_property
    def all_facts(self) -> Facts:
        """The facts of all URLs, whatever their assessment; reports as they count by the order in which they came."""
        facts = self._facts() if callable(self._facts) else self._facts
        counted = as_counted(facts.reports)
        if counted is facts.reports:
            return facts
        return replace(facts, reports=counted, claimed=claimed_before(facts.reports, counted))

    @Step
    def _counted(self) -> tuple[Facts, SetAside]:
        facts = self.all_facts
        if self.config.judge.assessment == "decides":
            return counting_facts(facts)
        return replace(facts, reports=once_each(facts.reports)), SetAside()

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

    @property
    def much(self) -> bool:
        """True if processes share the work on its checks."""
        return self.processes > 1 and len(self.looks) >= SHARED

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
    def hoster_words(self) -> Counter[tuple[str, ...]]:
        """Numbers of looks that rest on a hoster's own word.

        Its link check decided them; by the hosters of their addresses.
        """
        form = list[tuple[tuple[str, ...], int]]
        return Counter(dict(self.kept("hoster-words", form, lambda: list(self.judged.hoster_words().items()))))

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
        kept = before or (self._kept and len(self.looks) >= SHARED)
        keep_at = kept_since(self.facts, self.looks, self.config) if kept else None
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
        return ReportedOrigins(self.facts.reports, self.told)

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


def _listed(outcomes: Counter[tuple[str, State]]) -> list[tuple[str, State, int]]:
    return [(outcome, state, looks) for (outcome, state), looks in outcomes.items()]
