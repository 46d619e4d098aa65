"""Authorisations of link checks, on record before use."""

from collections.abc import Iterable

from waterbed.crawler.probe.link_checks import LinkCheck
from waterbed.model.bookkeeping import Audit
from waterbed.store.audit import audit_entry, once
from waterbed.store.folder import Folder

AUTHORISED = "authorise"


def record_authorisations(folder: Folder, checks: Iterable[LinkCheck]) -> None:
    """Put each link check beyond HEAD on record, once.

    The entry names the check, what it sends and reads, and by whom and when that was authorised. Its subject is the
    hash of the definition, so a changed one is another entry. Nothing is written where all are on record.
    """
    entries = [_entry(check) for check in checks if check.beyond_head]
    recorded = {
        audit.audit_id for audit in folder.store.by_ids(Audit, "audit_id", [entry.audit_id for entry in entries])
    }
    if new := [entry for entry in entries if entry.audit_id not in recorded]:
        folder.store.add(new)


def _entry(check: LinkCheck) -> Audit:
    reads = f"reads up to {check.body_limit} bytes" if check.body_limit else "reads no answer"
    reason = f"link check {check.name}: sends {check.method}, {reads}; authorised by {check.authorised}"
    return once(audit_entry(AUTHORISED, check.definition, reason))


def record_trial(folder: Folder, checks: Iterable[LinkCheck], files: int, consent: str) -> None:
    """Put a trial at real hosters on record."""
    reason = f"trial of {files} files; allowed by {consent}"
    folder.store.add(audit_entry("try", check.definition, f"link check {check.name}: {reason}") for check in checks)
