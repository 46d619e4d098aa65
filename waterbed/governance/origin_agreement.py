"""The agreement by which rankings may use told origins."""

from dataclasses import replace
from typing import Final

from waterbed.governance.keys import stated_reason
from waterbed.model.bookkeeping import Audit
from waterbed.model.errors import InputError
from waterbed.store.audit import after, audit_entry
from waterbed.store.folder import Folder
from waterbed.store.tables import TABLES

AGREED: Final = "agree"
WITHDRAWN: Final = "withdraw"
SUBJECT: Final = "told origins in rankings"
SEE: Final = "docs/origins.md"


def decide_use(folder: Folder, *, agreed: bool, reason: str) -> None:
    """Put on record whether rankings may use them.

    InputError for a reason that is empty or names an address.
    """
    entry = audit_entry(AGREED if agreed else WITHDRAWN, SUBJECT, stated_reason(reason, see=SEE))
    earlier = [one.done_at for one in _decisions(folder)]
    folder.store.add([replace(entry, done_at=after(entry.done_at, earlier))])


def agreement(folder: Folder) -> Audit | None:
    """Return the agreement in force, None without one."""
    last = next(reversed(_decisions(folder)), None)
    return last if last and last.action == AGREED else None


def require_agreement(folder: Folder) -> Audit:
    """Return the agreement; InputError if one is missing.

    Both the settings and a decision on record must allow the use.
    """
    found = agreement(folder)
    if not folder.config.origins.in_rankings or found is None:
        lacks = (
            "no agreement is on record (waterbed origins agree)" if found is None else "origins.in_rankings is false"
        )
        raise InputError(f"told origins cannot be used in rankings: {lacks}; both were expected ({SEE})")
    return found


def _decisions(folder: Folder) -> list[Audit]:
    return folder.store.all(Audit, TABLES[Audit].c.subject_id == SUBJECT, order=("done_at", "audit_id"))
