"""Chooses the facts that count, by analysts' assessments."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from waterbed.model.facts import Report
from waterbed.study.facts import Facts, Later


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Reported URLs that count nowhere; their facts are kept."""

    not_illegal: frozenset[str] = frozenset()
    """The last assessment found their content not illegal."""
    unassessed: frozenset[str] = frozenset()
    """Only sources that assess reported them, and none has assessed them yet."""

    def __contains__(self, url_id: str) -> bool:
        """True if the URL counts nowhere."""
        return url_id in self.not_illegal or url_id in self.unassessed


def assessing_sources(reports: Iterable[Report]) -> set[str]:
    """Return the sources that assessed a report."""
    return {report.source for report in reports if report.assessed_illegal is not None}


def once_each(reports: Sequence[Report]) -> Sequence[Report]:
    """Return the reports without later assessments of them.

    Reports of one source, URL, time, content and category are one, and the first stands for it. The given ones
    themselves where nothing was assessed.
    """
    if not assessing_sources(reports):
        return reports
    first: dict[tuple[str, str, datetime | None, str | None, str], Report] = {}
    for one in reports:
        first.setdefault((one.url_id, one.source, one.reported_at, one.content_id, one.category), one)
    return list(first.values())


def counting_facts(facts: Facts) -> tuple[Facts, SetAside]:
    """Return the facts that count, and URLs set aside.

    The last assessment of a URL decides for all its reports (of two at one time, the one in favour): not illegal, and
    it counts nowhere; illegal, and every report counts but those that said otherwise. Without one, reports of sources
    that assess nothing count, and those of sources that do are not counted yet. Each counts once. Linear in the facts;
    the given ones themselves where nothing was assessed.
    """
    assessing = assessing_sources(facts.reports)
    if not assessing:
        return facts, SetAside()
    by_url: dict[str, list[Report]] = defaultdict(list)
    for report in facts.reports:
        by_url[report.url_id].append(report)
    kept: set[str] = set()
    not_illegal, unassessed = set(), set()
    for url_id, mine in by_url.items():
        assessed = [one for one in mine if one.assessed_illegal is not None]
        last = (
            max(assessed, key=lambda one: (one.received_at, not one.assessed_illegal)).assessed_illegal
            if assessed
            else None
        )
        if last is False:
            not_illegal.add(url_id)
            continue
        counted = [one for one in mine if one.assessed_illegal or (last or one.source not in assessing)]
        counted = [one for one in counted if one.assessed_illegal is not False]
        kept.update(one.report_id for one in counted)
        if not counted:
            unassessed.add(url_id)
    aside = SetAside(not_illegal=frozenset(not_illegal), unassessed=frozenset(unassessed))
    chosen = replace(
        facts,
        targets={url_id: target for url_id, target in facts.targets.items() if url_id not in aside},
        reports=once_each([report for report in facts.reports if report.report_id in kept]),
        looks=Later(lambda: [look for look in facts.looks if look.url_id not in aside]),
        notices=[notice for notice in facts.notices if notice.url_id not in aside],
        external_observations=[one for one in facts.external_observations if one.url_id not in aside],
    )
    return chosen, aside
