"""Questions to a CDN's origin service: pace, audit, facts."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep
from typing import Annotated, Final

from waterbed.attribution.lookups.origin_service import (
    SEE,
    OriginService,
    ServiceBusy,
    ServiceFailed,
    ServiceRefused,
    credentials_of,
)
from waterbed.model.bookkeeping import Audit, Sealed
from waterbed.model.errors import InputError
from waterbed.model.facts import Origin
from waterbed.store.audit import audit_entry
from waterbed.store.folder import Folder, real_clock
from waterbed.store.tables import TABLES

ASKED: Final = "ask"
_FAILURES: Final = 3
"""Failures in a row after which no more is asked."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginReport:
    """The outcome of one round of questions."""

    fresh: Annotated[int, "hosts with a recent answer, which were not asked about"]
    told: Annotated[int, "hosts whose origin was told"]
    not_behind: Annotated[int, "hosts that do not use the CDN"]
    not_known: Annotated[int, "hosts of which the service knows no origin"]
    failed: Annotated[int, "questions without a usable answer"]
    waiting: Annotated[int, "hosts that are still to be asked about"]
    stopped: Annotated[str, "why asking ended early; empty: it did not"]


def ready(folder: Folder) -> OriginService:
    """Return the service of a study's settings.

    InputError if it is not set up; nothing is sent.
    """
    settings = folder.config.origins
    if not settings.url or not settings.proxy or not settings.categories:
        raise InputError(
            f"origins.url, origins.proxy and origins.categories are not all set; nothing is asked without them ({SEE})"
        )
    return OriginService(
        settings.url, credentials_of(), timeout_s=settings.timeout_s, loopback_alone=folder.lab is not None
    )


def ask_origins(
    folder: Folder, hosts: Sequence[str], *, limit: int | None = None, wait: Callable[[float], None] = sleep
) -> OriginReport:
    """Ask about hosts by their ids, within the limits.

    Each question is on record before it is sent, and each answer is kept as it comes. InputError if the service is not
    set up or refuses us.
    """
    service = ready(folder)
    with folder.run("origins"):
        return _ask(folder, service, hosts, limit, wait)


def _ask(
    folder: Folder, service: OriginService, hosts: Sequence[str], limit: int | None, wait: Callable[[float], None]
) -> OriginReport:
    settings, store = folder.config.origins, folder.store
    since = folder.clock() - timedelta(days=settings.fresh_days)
    fresh_hosts = {
        origin.host_id for origin in store.all(Origin) if origin.told_at > since and origin.proxy == settings.proxy
    }
    due = [host for host in dict.fromkeys(hosts) if host not in fresh_hosts]
    names = {sealed.entry_id: sealed for sealed in store.by_ids(Sealed, "entry_id", due) if sealed.kind == "host"}
    due = [host for host in due if host in names]
    counts, failures, done, stopped = dict.fromkeys(("told", "not_behind", "not_known", "failed"), 0), 0, 0, ""
    for host_id in due[:limit]:
        earlier = _asked_today(folder)
        if len(earlier) >= settings.a_day:
            stopped = f"origins.a_day is {settings.a_day}, and so many were asked in 24 hours"
            break
        pause = timedelta(minutes=1) / settings.a_minute
        if earlier and (remaining := earlier[-1] + pause - real_clock()) > timedelta():
            wait(min(remaining, pause).total_seconds())
        store.add([audit_entry(ASKED, host_id, f"origin service of {settings.proxy}: host name and case number sent")])
        try:
            answer = service.ask(folder.vault.open(names[host_id]), case_number(folder, host_id))
        except ServiceRefused as problem:
            answer_count = sum(counts.values()) - counts["failed"]
            raise InputError(f"{problem}; {answer_count} answers of this round are kept") from None
        except ServiceBusy as problem:
            seconds = f" for {problem.wait_s:.0f} s" if problem.wait_s is not None else ""
            stopped = f"the service asks for patience{seconds}"
            break
        except ServiceFailed:
            counts["failed"] += 1
            failures += 1
            done += 1
            if failures == _FAILURES:
                stopped = f"{_FAILURES} questions in a row had no usable answer"
                break
            continue
        failures, done = 0, done + 1
        counts[answer.outcome] += 1
        store.add(
            [
                Origin(
                    origin_id=secrets.token_hex(16),
                    host_id=host_id,
                    proxy=settings.proxy,
                    told_at=folder.clock(),
                    outcome=answer.outcome,
                    addresses=answer.addresses,
                    asn=answer.asn,
                    hoster=answer.hoster,
                )
            ]
        )
    waiting = len(due) - done + counts["failed"]
    return OriginReport(fresh=len(fresh_hosts.intersection(hosts)), waiting=waiting, stopped=stopped, **counts)


def case_number(folder: Folder, host_id: str) -> str:
    """Return the number by which a host is asked about.

    It is the same each time, and tells nobody without the study's keys anything.
    """
    return f"WB{folder.vault.keyed_id('case', host_id)[:16]}"


def _asked_today(folder: Folder) -> list[datetime]:
    """The times of all questions of the last 24 hours, by the real clock: of other rounds, too."""
    since = real_clock() - _DAY
    entries = folder.store.all(Audit, TABLES[Audit].c.action == ASKED, order=("done_at",))
    return [entry.done_at for entry in entries if entry.done_at > since]
