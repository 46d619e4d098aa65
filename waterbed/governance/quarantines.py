"""A person's decision about a quarantine, on record."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from waterbed.governance.keys import stated_reason
from waterbed.judging.quarantines import Decisions, standing_id
from waterbed.model.bookkeeping import Audit, Decision, QuarantineDecision
from waterbed.model.conclusions import Quarantine, QuarantineKind
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something
from waterbed.store.audit import who
from waterbed.store.folder import Folder, real_clock

STANDING: Final[tuple[QuarantineKind, ...]] = ("hoster", "prefix")
"""Kinds of quarantines that may be released from now on."""
LEAST_ID = 6
"""Characters of the beginning of an id."""


def decide(
    folder: Folder,
    quarantines: Iterable[Quarantine],
    quarantine_id: str,
    decision: Decision,
    reason: str,
    *,
    from_now_on: bool = False,
) -> Quarantine:
    """Put a decision about a quarantine on record.

    Returns the quarantine as it was before. The unique beginning of an id will do, of six characters or more.
    InputError for another id and for a reason that is empty or names an address: it is kept in the clear.

    `from_now_on` releases all later quarantines of the same hoster or prefix, too, until one of them is voided.
    """
    why = stated_reason(reason, see="docs/method.md")
    told = quarantine_id if len(quarantine_id) >= LEAST_ID else "-"
    matching = [one for one in quarantines if one.quarantine_id.startswith(told)]
    if len(matching) != 1:
        said = "that" if names_something(quarantine_id) else repr(quarantine_id)
        is_not = "is the beginning of several quarantines" if matching else "is not a quarantine of this study"
        raise InputError(f"{said} {is_not}; waterbed quarantine list shows them with their ids")
    (found,) = matching
    if from_now_on and found.kind not in STANDING:
        raise InputError(
            f"--from-now-on was given for a quarantine of kind {found.kind}; expected one of a "
            f"{' or '.join(STANDING)} (docs/method.md)"
        )
    earlier, group = list(folder.store.all(QuarantineDecision)), (found.kind, found.scope)
    stands = Decisions(earlier).standing(group, folder.clock()) is not None
    name, ids = who(), [found.quarantine_id]
    if from_now_on or (decision == "void" and stands):
        ids.append(standing_id(group))
    facts: list[QuarantineDecision | Audit] = []
    for one in ids:
        before = [made.decided_at for made in earlier if made.quarantine_id == one]
        # the newest counts, on a lab's clock that stands still too
        now = max([folder.clock(), *(at + timedelta(microseconds=1) for at in before)])
        facts.append(
            QuarantineDecision(
                decision_id=uuid.uuid4().hex,
                quarantine_id=one,
                decision=decision,
                who=name,
                reason=why,
                decided_at=now,
            )
        )
        facts.append(
            Audit(
                audit_id=uuid.uuid4().hex,
                done_at=real_clock(),
                who=name,
                action=decision,
                subject_id=one,
                reason=why,
            )
        )
    folder.store.add(facts)
    return found
