"""Writes facts and the next schedule, a batch a transaction."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from waterbed.crawler.probe.prober import HostFacts, HostResult
from waterbed.crawler.recheck.schedule import next_due, put_off
from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.reports import Defaults, report_facts
from waterbed.judging.features import Past
from waterbed.judging.judge import judge_one
from waterbed.judging.rules import UNREACHABLE, WITNESSES, read_rules
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.conclusions import State
from waterbed.store.folder import Folder
from waterbed.store.leases import record

REDIRECT_SOURCE = "redirect"
"""The source of reports that are made from permanent redirects of reported URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckItem:
    """One recorded check, as Scrapy's item: keyed ids alone, and what the schedule took it for.

    Conclusions judge it anew, with all that was seen before and after.
    """

    url_id: Annotated[str, "the URL"]
    host_id: Annotated[str, "its host"]
    observed_at: Annotated[str, "when the check started, UTC"]
    vantage: Annotated[str, "the first vantage: where it was checked from"]
    profile: Annotated[str, "how much the check was allowed to ask"]
    method: Annotated[str | None, "HTTP method of the deciding request"]
    phase: Annotated[str, "the last phase reached"]
    failure: Annotated[str | None, "what went wrong in that phase; null: a response head was read"]
    status: Annotated[int | None, "HTTP status code"]
    redirect: Annotated[str | None, "kind of the last redirect"]
    outcome: Annotated[str, "what the response alone was taken for"]
    state: Annotated[State, "up, down or unknown, as all vantages together timed the next check"]


@dataclass(frozen=True, slots=True)
class Apparent:
    """The outcome of a check by itself, and the state that times the next one."""

    outcome: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A batch on record."""

    looks: int
    """Looks whose leases still held."""
    apparent: Sequence[Sequence[Apparent]]
    """By host, what each of its checks was taken for."""


def items_of(host: HostFacts, apparent: Sequence[Apparent]) -> list[CheckItem]:
    """The items of a host's checks."""
    return [
        CheckItem(
            url_id=seen.url_id,
            host_id=host.host_id,
            observed_at=seen.observed_at.isoformat(),
            vantage=seen.vantage,
            profile=seen.profile,
            method=seen.method,
            phase=seen.phase,
            failure=seen.failure,
            status=seen.status,
            redirect=seen.redirect,
            outcome=its.outcome,
            state=its.state,
        )
        for result, its in zip(host.answered, apparent, strict=True)
        if (seen := result.observations[0])
    ]


class Recorder:
    """Turns a batch of looks into rows.

    Verdicts are made only to time the next look; none is kept.
    """

    def __init__(self, folder: Folder) -> None:
        """Take the study to write to."""
        self._folder = folder
        self._rules = read_rules()
        self._rng = random.Random()  # noqa: S311 (jitter of the schedule, nothing secret)
        self.unknown = Counter[str]()
        """Recorded looks that decide nothing, by outcome, and by reason where we asked nobody."""

    def write(self, run_id: str, batch: Sequence[HostFacts]) -> Recorded:
        """Record a batch.

        URLs that were left unchecked wait, in a transaction of their own.
        """
        facts = [fact for host in batch for fact in host.facts]
        facts += [fact for host in batch for result in host.answered for fact in self._redirect_reports(result)]
        forgotten = self._on_forgotten_hosts(batch)
        facts = [fact for fact in facts if not (forgotten and isinstance(fact, Sealed) and fact.entry_id in forgotten)]
        undecided = Counter[str]()
        apparent = [[self._apparent(result, undecided) for result in host.answered] for host in batch]
        advances = [
            self._advance(result, host.wait_s, its.state)
            for host, host_apparent in zip(batch, apparent, strict=True)
            for result, its in zip(host.answered, host_apparent, strict=True)
        ]
        looks = record(self._folder.store, run_id, facts, advances)
        self.unknown += undecided  # not before: a transaction that fails is tried again
        now = self._folder.clock()
        later = [put_off(due, now, host.wait_s) for host in batch for due in host.unasked]
        if later:
            record(self._folder.store, run_id, [], later)
        return Recorded(looks=looks, apparent=apparent)

    def _on_forgotten_hosts(self, batch: Sequence[HostFacts]) -> set[str]:
        """Return the ids of redirect targets on forgotten hosts: they are not sealed again."""
        ids = [self._folder.vault.ids(result.target) for host in batch for result in host.answered if result.target]
        if not ids:
            return set()
        forgotten = self._folder.store.forgotten(str(target_ids["host_id"]) for target_ids in ids)
        return {str(target_ids["url_id"]) for target_ids in ids if target_ids["host_id"] in forgotten}

    def _advance(self, result: HostResult, wait_s: float, state: State) -> Due:
        return next_due(
            result.due,
            seen=state,
            retry_after_s=max(wait_s, result.limited_s or 0.0),
            now=result.observations[0].observed_at,
            fingerprint=result.fingerprint,
            schedule=self._folder.config.schedule,
            rng=self._rng,
        )

    def _apparent(self, result: HostResult, undecided: Counter[str]) -> Apparent:
        """Return what a look is taken for until the conclusions judge it again.

        A changed response that equals its control or goes to the front page counts as a loss for now, and so does a
        server that no network reached. One of which nothing is known is counted among the undecided.
        """
        due = result.due
        differed = due.streak > 0 or (due.fingerprint is not None and due.fingerprint != result.fingerprint)
        past = Past(answered="up", control_answer="as before", controls={"as before"}) if differed else None
        verdicts = [
            judge_one(seen, result.control, canary="ok", differed_before=differed, rules=self._rules, past=past)
            for seen in result.observations
        ]
        outcome = verdicts[0].outcome
        if any(verdict.state == "up" for verdict in verdicts):
            return Apparent(outcome, "up")
        if verdicts[0].state == "unknown":
            seen = result.observations[0]
            undecided[f"{outcome}, {seen.failure}" if seen.phase == "guard" else outcome] += 1
        pairs = zip(result.observations, verdicts, strict=True)
        agreeing = {(seen.network, seen.agent_id) for seen, verdict in pairs if verdict.outcome == outcome}
        networks = {network for network, _ in agreeing}
        if outcome == UNREACHABLE:
            enough = len(networks) >= self._folder.config.judge.networks
            return Apparent(outcome, "down" if enough else "unknown")
        witnesses = networks if verdicts[0].cause == "removed" else agreeing
        confirmed = verdicts[0].rule not in self._rules.alone or len(witnesses) >= WITNESSES
        return Apparent(outcome, verdicts[0].state if confirmed else "unknown")

    def _redirect_reports(self, result: HostResult) -> Iterator[Any]:
        """Report the target of a permanent redirect, if the settings allow it, so that it is checked from now on."""
        seen = result.observations[0]
        if not self._folder.config.probe.look_at_redirect_targets or result.target is None:
            return
        if seen.redirect != "other" or seen.status not in (301, 308):
            return
        line = ReportLine(
            line=0,
            canonical=result.target,
            reported_at=None,
            verified_at=None,
            source=None,
            category=None,
            content_id=None,
            site_type=None,
            commercial=None,
            assessed_illegal=None,
        )
        defaults = Defaults(source=REDIRECT_SOURCE, category=result.due.category)
        yield from report_facts(line, self._folder.vault, defaults=defaults, now=seen.observed_at)
