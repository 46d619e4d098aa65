"""The bound on looks of the whole study in an hour, however many workers share it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from waterbed.model.bookkeeping import Due
from waterbed.store.backlog import give_back, leased, taken
from waterbed.store.store import Store

_HOUR = timedelta(hours=1)


def within_hour(
    store: Store, run_id: str, now: datetime, most: int, limit: int, lease: Callable[[int], list[Due]]
) -> list[Due]:
    """Lease up to `limit` looks, but no more than may still be taken in this hour; `most` 0 is no bound.

    Looks taken within an hour and those leased count. What two workers leased at the same instant beyond the bound is
    given back by whoever counts last, so it may be too few for a moment, never too many.
    """
    if not most:
        return lease(limit)
    free = most - taken(store, now - _HOUR) - leased(store)
    if free <= 0:
        return []
    found = sorted(lease(min(limit, free)), key=lambda due: due.due_at)
    over = taken(store, now - _HOUR) + leased(store) - most
    if over > 0:
        give_back(store, run_id, [due.url_id for due in found[-over:]])
        return found[:-over]
    return found
