"""Facts of valid lines: targets, reports, sealed URLs, due looks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from waterbed.intake.csv_reports import ReportLine, Sighting
from waterbed.model.bookkeeping import Due
from waterbed.model.facts import ExternalObservation, Report, Target
from waterbed.model.mediums import LOOKED_AT, ipfs_content, medium_of
from waterbed.model.urls import SPELLING, SUFFIX_LIST, CanonicalUrl
from waterbed.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Source and category of lines that do not give them."""

    source: str
    category: str
    look: bool = True
    """True if URLs are to be checked; False for history."""
    live: tuple[str, ...] = ()
    """Site types of live streams, which are never checked."""
    reassess: bool = False
    """True if the file's assessments are the newest, though they are older ones as far as the study knows."""


def report_facts(
    line: ReportLine, vault: Vault, *, defaults: Defaults, now: datetime, sealed: set[str] | None = None
) -> Iterator[Any]:
    """Yield the facts of one valid line.

    A first look is due at once, unless the source says that the content is gone, or there is no address to look at:
    at hidden services, invitations to chats and live streams. Content behind gateways to IPFS is the same by its own
    identifier, whoever reports it. A page that shows what is reported is reported with it, and looked at, but was not
    assessed with it; where the reporter came from is kept alone. The same report gives the same ids, so importing a
    file twice adds nothing; with another assessment it is a report of its own. Entries in `sealed` are not sealed
    again; new ones are added to it.
    """
    seen = set() if sealed is None else sealed
    told = f"{line.source or defaults.source}\x00{line.content_id}" if line.content_id else ipfs_content(line.canonical)
    content_id = vault.keyed_id("content", told) if told else None
    parent_id = vault.keyed_id("url", line.parent.url) if line.parent else None
    referer_id = vault.keyed_id("url", line.referer.url) if line.referer else None
    if line.referer and referer_id not in seen:
        seen.add(str(referer_id))
        yield vault.seal("url", line.referer.url, referer_id)
    own = _facts(line, line.canonical, vault, defaults, now, seen, content_id, parent_id, referer_id)
    yield from own
    if line.parent:
        page = replace(
            line, content_id=None, sighting=None, origin_address=None, verified_at=None, assessed_illegal=None
        )
        yield from _facts(page, line.parent, vault, defaults, now, seen, None, None, None)


def report_id_of(
    source: str, url_id: str, reported_at: datetime | None, content_id: str | None, category: str, assessed: bool | None
) -> str:
    """Return a report's id, made of what tells it apart."""
    same = f"{source}\x00{url_id}\x00{reported_at}\x00{content_id}\x00{category}"
    if assessed is not None:  # without one, the id is that of studies from before ids told it
        same += f"\x00{assessed}"
    return hashlib.blake2b(same.encode(), digest_size=16).hexdigest()


def _facts(
    line: ReportLine,
    canonical: CanonicalUrl,
    vault: Vault,
    defaults: Defaults,
    now: datetime,
    seen: set[str],
    content_id: str | None,
    parent_id: str | None,
    referer_id: str | None,
) -> Iterator[Any]:
    """Yield the facts of one URL of a line: its own, or the page's that shows it."""
    ids = vault.ids(canonical)
    url_id, host_id = str(ids["url_id"]), str(ids["host_id"])
    source, category = line.source or defaults.source, line.category or defaults.category
    medium = medium_of(canonical, line.site_type, defaults.live)
    for kind, text, entry_id in (("url", canonical.url, url_id), ("host", canonical.host, host_id)):
        if entry_id not in seen:
            seen.add(entry_id)
            yield vault.seal(kind, text, entry_id)
    yield Target(**ids, spelling=SPELLING, suffix_list=SUFFIX_LIST, added_at=now)  # type: ignore[arg-type]  # ids has exactly Target's id fields
    yield Report(
        report_id=report_id_of(source, url_id, line.reported_at, content_id, category, line.assessed_illegal),
        url_id=url_id,
        source=source,
        category=category,
        site_type=line.site_type,
        commercial=line.commercial,
        assessed_illegal=line.assessed_illegal,
        verified_at=line.verified_at,
        content_id=content_id,
        reported_at=line.reported_at,
        received_at=now,
        origin_address=line.origin_address,
        medium=medium,
        parent_id=parent_id,
        referer_id=referer_id,
    )
    if line.sighting:
        yield _external(line.sighting, url_id, source, now)
    if not defaults.look or medium not in LOOKED_AT or (line.sighting and line.sighting.gone):
        return
    yield Due(
        url_id=url_id,
        host_id=host_id,
        due_at=now,
        streak=0,
        first_report_at=min(line.reported_at or now, now),
        category=category,
        lease_run_id=None,
    )


def _external(seen: Sighting, url_id: str, source: str, now: datetime) -> ExternalObservation:
    """An external observation. Its id is a hash of all fields: an update is a separate fact."""
    values = {field.name: getattr(seen, field.name) for field in fields(seen)}
    same = "\x00".join(f"{name}={value}" for name, value in {"url_id": url_id, "source": source, **values}.items())
    testimony_id = hashlib.blake2b(same.encode(), digest_size=16).hexdigest()
    return ExternalObservation(testimony_id=testimony_id, url_id=url_id, source=source, received_at=now, **values)
