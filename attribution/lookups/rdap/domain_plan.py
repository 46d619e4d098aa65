"""The query plan for domains."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waterbed.model.registrations import DomainRegistration

ANSWERS: Final = ("ok", "not_found")
"""Statuses that are a registry's answer on a domain: registered, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDue:
    """A due domain, and its last answer with an ETag."""

    site_id: str
    known: DomainRegistration | None


def domains_due(
    facts: Iterable[DomainRegistration],
    sites: Mapping[str, datetime | None],
    *,
    now: datetime,
    fresh: timedelta,
    retry: timedelta,
) -> list[DomainDue]:
    """The domains due now, each once, ordered by id.

    `sites` gives since when a domain's names have no address, None while they have. An answer serves for `fresh`, one
    from before the names were gone no longer; what failed is tried again after `retry`. Linear.
    """
    last: dict[str, DomainRegistration] = {}
    answers: dict[str, DomainRegistration] = {}
    last_ok: dict[str, DomainRegistration] = {}
    for fact in facts:
        for newest_by_site, counts in ((last, True), (answers, fact.status in ANSWERS), (last_ok, fact.status == "ok")):
            if counts and (
                fact.site_id not in newest_by_site or newest_by_site[fact.site_id].fetched_at <= fact.fetched_at
            ):
                newest_by_site[fact.site_id] = fact
    due = []
    for site_id, gone_since in sorted(sites.items()):
        newest, answer = last.get(site_id), answers.get(site_id)
        served = (
            answer is not None
            and now - answer.fetched_at < fresh
            and (gone_since is None or answer.fetched_at >= gone_since)
        )
        if newest is not None and newest.status not in ANSWERS:
            pause = fresh if newest.status == "no_registry" else retry
            served = served or now - newest.fetched_at < pause
        if not served:
            due.append(DomainDue(site_id=site_id, known=last_ok.get(site_id)))
    return due
