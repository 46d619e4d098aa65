"""Writes the facts of looks and the schedule they lead to, a batch in one transaction."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from crawler.probe.look import HostFacts, HostResult
from crawler.recheck.schedule import next_due
from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.reports import Defaults, report_facts
from waterbed.judging.judge import judge_one
from waterbed.judging.rules import read_rules
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.conclusions import State
from waterbed.store.folder import Folder
from waterbed.store.leases import record

REDIRECT_SOURCE = "redirect"
"""The source of reports that a lasting redirect of a reported URL stands for."""


class Recorder:
    """Turns a batch of looks into rows. Judges only to time the next look; no verdict is kept."""

    def __init__(self, folder: Folder) -> None:
        """Take the study that is written to."""
        self._folder = folder
        self._rules = read_rules()
        self._chance = random.Random()  # noqa: S311 (jitter of the schedule, nothing secret)

    def write(self, run_id: str, batch: Sequence[HostFacts]) -> int:
        """Record a batch; how many looks were still the run's own to answer."""
        facts = [fact for done in batch for fact in done.facts]
        facts += [fact for done in batch for looked in done.answered for fact in self._moved_to(looked)]
        shut = self._on_forgotten_hosts(batch)
        facts = [fact for fact in facts if not (shut and isinstance(fact, Sealed) and fact.entry_id in shut)]
        advances = [self._advance(looked) for done in batch for looked in done.answered]
        return record(self._folder.store, run_id, facts, advances)

    def _on_forgotten_hosts(self, batch: Sequence[HostFacts]) -> set[str]:
        """The ids of redirect targets on hosts that were forgotten: they are not sealed anew."""
        ids = [self._folder.vault.ids(one.target) for done in batch for one in done.answered if one.target]
        if not ids:
            return set()
        gone = self._folder.store.forgotten(str(known["host_id"]) for known in ids)
        return {str(known["url_id"]) for known in ids if known["host_id"] in gone}

    def _advance(self, looked: HostResult) -> Due:
        return next_due(
            looked.due,
            seen=self._seen(looked),
            retry_after_s=looked.seen[0].retry_after_s,
            now=looked.seen[0].observed_at,
            fingerprint=looked.fingerprint,
            schedule=self._folder.config.schedule,
            chance=self._chance,
        )

    def _seen(self, looked: HostResult) -> State:
        """What the look seems to have seen: it times the next one and is judged again when conclusions are drawn.

        A changed answer that equals its control is taken for a loss until proved otherwise, and so is a server that no
        network reached.
        """
        due = looked.due
        differed = due.streak > 0 or (due.fingerprint is not None and due.fingerprint != looked.fingerprint)
        verdicts = [
            judge_one(seen, looked.control, canary="ok", differed_before=differed, rules=self._rules)
            for seen in looked.seen
        ]
        if any(verdict.state == "up" for verdict in verdicts):
            return "up"
        pairs = zip(looked.seen, verdicts, strict=True)
        unreached = {seen.network for seen, verdict in pairs if verdict.outcome == "unreachable"}
        alone = len(unreached) < self._folder.config.judge.networks
        return "unknown" if verdicts[0].outcome == "unreachable" and alone else verdicts[0].state

    def _moved_to(self, looked: HostResult) -> Iterator[Any]:
        """If policy allows, a lasting redirect's target is looked at from now on, as if it had been reported."""
        seen = looked.seen[0]
        if not self._folder.config.probe.look_at_redirect_targets or looked.target is None:
            return
        if seen.redirect != "other" or seen.status not in (301, 308):
            return
        line = ReportLine(
            line=0,
            canonical=looked.target,
            reported_at=None,
            verified_at=None,
            source=None,
            category=None,
            content_id=None,
            site_type=None,
            commercial=None,
            assessed_illegal=None,
        )
        defaults = Defaults(source=REDIRECT_SOURCE, category=looked.due.category)
        yield from report_facts(line, self._folder.vault, defaults=defaults, now=seen.observed_at)
