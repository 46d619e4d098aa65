"""The audit log: person, action, time and reason."""

import os
import pwd
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from waterbed.model.bookkeeping import Audit
from waterbed.store.folder import Folder, real_clock


def audits(folder: Folder) -> list[Audit]:
    """Return the audit log, oldest first."""
    return folder.store.all(Audit, order=("done_at", "audit_id"))


def put_on_record(folder: Folder, action: str, subject: str, reason: str) -> None:
    """Add an audit entry of this account and moment."""
    folder.store.add([audit_entry(action, subject, reason)])


def audit_entry(action: str, subject: str, reason: str) -> Audit:
    """Return an audit entry of this account and this moment."""
    return Audit(
        audit_id=secrets.token_hex(16),
        done_at=real_clock(),
        who=who(),
        action=action,
        subject_id=subject,
        reason=reason,
    )


def once(entry: Audit, *of: str) -> Audit:
    """The same entry, on record once for these texts.

    Its id is made of them.
    """
    text = "\0".join((entry.action, entry.subject_id, entry.reason, *of))
    return replace(entry, audit_id=blake2b(text.encode(), digest_size=16).hexdigest())


def who() -> str:
    """The account that runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def after(now: datetime, earlier: Iterable[datetime]) -> datetime:
    """Return a time later than all earlier ones.

    It is now, or just after the last of them where the clock was set back.
    """
    return max([now, *(one + timedelta(microseconds=1) for one in earlier)])
