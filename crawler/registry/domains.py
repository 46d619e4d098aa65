"""The domains that a crawl asks registries for."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from waterbed.attribution.lookups.rdap.domain_plan import domains_due
from waterbed.attribution.lookups.rdap.domain_registries import askable_domain
from waterbed.attribution.lookups.rdap.plan import Ask
from waterbed.model.bookkeeping import Sealed
from waterbed.model.codec import moment
from waterbed.model.facts import Report, Resolution, Target
from waterbed.model.registrations import DomainRegistration
from waterbed.store.engine import Part
from waterbed.store.folder import Folder
from waterbed.store.lake.rows import in_stretches, with_rows

_GONE: Final = """
WITH known AS (
    SELECT host_id, epoch_us(resolved_at) AS asked, status = 'ok' AND NOT parked AS found,
        status IN ('nxdomain', 'nodata') OR parked AS missing
    FROM (SELECT *, list_has_any(tags, ['parking', 'parking_by_name_servers']) AS parked FROM resolution) AS told
), newest AS (SELECT host_id, max(asked) FILTER (found) AS seen FROM known GROUP BY host_id)
SELECT host_id, seen, min(asked) FILTER (missing AND (seen IS NULL OR asked > seen)) AS since
FROM known JOIN newest USING (host_id) GROUP BY host_id, seen
"""
"""Of each host when it last had an address of its own, and since when it has none."""


def domain_asks(folder: Folder, now: datetime) -> list[Ask]:
    """The questions about domains that are due.

    A domain is asked for if a report of a category in the settings names it, and none of a category whose profile is
    strict. It is opened in memory alone. None without categories.
    """
    if not folder.config.domains.categories:
        return []
    hosts = _hosts(folder)
    since = with_rows(folder, [Resolution], partial(_gone_since, folder)) if hosts else {}
    sites: dict[str, datetime | None] = {}
    for host_id, site_id in hosts.items():
        gone_since = since.get(host_id)
        sites[site_id] = max(gone_since, sites.get(site_id) or gone_since) if gone_since else sites.get(site_id)
    due = domains_due(
        folder.store.all(DomainRegistration, order=("fetched_at", "answer_id")),
        sites,
        now=now,
        fresh=timedelta(days=folder.config.domains.fresh_days),
        retry=timedelta(hours=folder.config.registry.retry_hours),
    )
    names = dict(_names(folder, hosts, {domain.site_id for domain in due}))
    return [
        Ask(asked=domain.site_id, kind="domain", known=domain.known, name=names[domain.site_id])
        for domain in due
        if domain.site_id in names
    ]


def _hosts(folder: Folder) -> dict[str, str]:
    """The domain of each host that may be asked for."""
    config = folder.config
    strict, eligible = set[str](), set[str]()
    for report in folder.store.all(Report):
        if config.probe.profile_of(report.category) == "strict":
            strict.add(report.url_id)
        elif report.category in config.domains.categories and report.medium == "web":
            eligible.add(report.url_id)
    targets = folder.store.all(Target)
    refused = {target.site_id for target in targets if target.url_id in strict}
    return {
        target.host_id: target.site_id
        for target in targets
        if target.url_id in eligible and target.site_id not in refused and target.suffix_id is None
    }


def _names(folder: Folder, hosts: Mapping[str, str], sites: set[str]) -> Iterator[tuple[str, str]]:
    """The names of domains; what was forgotten, and what no registry knows, has none."""
    for sealed in folder.store.by_ids(Sealed, "entry_id", [host for host, site in hosts.items() if site in sites]):
        name = askable_domain(folder.vault.open(sealed))
        if name is not None:
            yield hosts[sealed.entry_id], name


def _gone_since(folder: Folder, parts: Mapping[type, Part]) -> dict[str, datetime]:
    """Since when each host without an address has none."""
    gone_since: dict[str, datetime] = {}
    for sql in in_stretches(
        parts, {Resolution: ("host_id", "resolved_at", "status", "tags")}, Resolution, folder=folder.path
    ):
        rows = sql.table(_GONE, {}).to_pylist()
        for row in rows:
            host_id = row["host_id"]
            if row["seen"] is not None:
                gone_since.pop(host_id, None)
            if row["since"] is not None:
                gone_since.setdefault(host_id, moment(row["since"]))
    return gone_since
