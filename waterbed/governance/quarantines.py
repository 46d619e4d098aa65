"""A person's decision about a quarantine, on record."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from waterbed.governance.keys import stated_reason
from waterbed.model.bookkeeping import Audit, Decision, QuarantineDecision
from waterbed.model.conclusions import Quarantine
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something
from waterbed.store.audit import who
from waterbed.store.folder import Folder, real_clock


def decide(
    folder: Folder, quarantines: Iterable[Quarantine], quarantine_id: str, decision: Decision, reason: str
) -> Quarantine:
    """Put a decision about a quarantine on record.

    Returns the quarantine as it was before. InputError for an unknown id and for a reason that is empty or names an
    address: it is kept in the clear.
    """
    why = stated_reason(reason, see="docs/method.md")
    found = next((one for one in quarantines if one.quarantine_id == quarantine_id), None)
    if found is None:
        said = "that" if names_something(quarantine_id) else repr(quarantine_id)
        raise InputError(f"{said} is not a quarantine of this study; waterbed doctor lists them with their ids")
    name, now = who(), folder.clock()
    before = [d.decided_at for d in folder.store.all(QuarantineDecision) if d.quarantine_id == quarantine_id]
    if before:  # the newest counts, on a lab's clock that stands still too
        now = max(now, max(before) + timedelta(microseconds=1))
    folder.store.add(
        [
            QuarantineDecision(
                decision_id=uuid.uuid4().hex,
                quarantine_id=quarantine_id,
                decision=decision,
                who=name,
                reason=why,
                decided_at=now,
            ),
            Audit(
                audit_id=uuid.uuid4().hex,
                done_at=real_clock(),
                who=name,
                action=decision,
                subject_id=quarantine_id,
                reason=why,
            ),
        ]
    )
    return found
