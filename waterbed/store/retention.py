"""Removes days from the store that the lake holds.

They must be sealed and read back; only facts in the lake are removed.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Annotated

from waterbed.model.bookkeeping import Audit
from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.store.audit import who
from waterbed.store.folder import Folder, real_clock
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.lake import changing
from waterbed.store.lake.pruning import keys, mark_pruned, ready
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.removed_days import PRUNE, remove
from waterbed.store.schema import held

_LEAST_DAYS = 2
"""Days that passes look back at: control looks, name servers, how late looks were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The result of pruning."""

    before: Annotated[date, "the first day that was not asked for"]
    days: Annotated[int, "days of which facts were removed"]
    facts: Annotated[int, "checks, answers of names, control and canary checks that were removed"]
    left: Annotated[tuple[str, ...], "why days were left as they are, a sentence each"]


def prune(folder: Folder, before: date | None = None) -> Pruned:
    """Remove looks of sealed days before a day.

    Without a day, those older than `retention.store_days`.

    A day is left as it is unless all of it lies in the lake and every byte there was just read back. Each day is one
    transaction; killed between, nothing is lost. Passes may be at work. InputError for a day that is too near.
    """
    today = folder.clock().astimezone(UTC).date()
    latest = today - timedelta(days=_least(folder))
    if before is None:
        before = min(latest, today - timedelta(days=folder.config.retention.store_days))
    if before > latest:
        raise InputError(
            f"{before} is too near: passes still read the days from {latest} on, so --before {latest} is the latest "
            "(docs/backup.md)"
        )
    with changing(folder), held(folder.path, folder.store, alone=False) as free:
        if not free:
            raise InputError("keys are being changed or URLs forgotten at this moment; start again when that has ended")
        days = sorted({day for cls in PRUNABLE for day in days_in(folder.store, cls) if day < before})
        facts, left = 0, []
        for day in staged("days pruned", days):
            why = ready(folder, day)
            if why:
                left.append(why)
                continue
            mark_pruned(folder, [day])
            facts += _removed(folder, day)
    return Pruned(before=before, days=len(days) - len(left), facts=facts, left=tuple(left))


def _least(folder: Folder) -> int:
    """Days that must stay for the next passes."""
    config = folder.config
    return max(_LEAST_DAYS, 1 + int(max(config.probe.control_hours, config.names.name_server_hours) // 24) + 1)


def _removed(folder: Folder, day: date) -> int:
    """Remove a day's facts from the store, as sealed.

    Exactly those that the lake has.

    One transaction that is on record.
    """
    sealed = {cls: keys(folder, cls, day) for cls in PRUNABLE}
    entry = Audit(
        audit_id=secrets.token_hex(16),
        done_at=real_clock(),
        who=who(),
        action=PRUNE,
        subject_id=day.isoformat(),
        reason="sealed in the lake and read back",
    )
    return remove(folder.store, sealed, entry)
