"""How long entries stay in a feed, as its deliveries tell: presence in a feed, not whether a page is up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.estimators.midpoint import kaplan_meier
from waterbed.estimators.survival import Survival, turnbull
from waterbed.intake.feed_presence import Delivered, Presence
from waterbed.judging.quarantines import Decided, GuardRules, feed_quarantines
from waterbed.model.bookkeeping import Delivery
from waterbed.model.conclusions import Quarantine

Floats = npt.NDArray[np.float64]
HOUR: Final = 1 / 24
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stays:
    """Ages of entries in days: last listed, first missing (inf: still listed), and when they came into sight."""

    left: Floats
    right: Floats
    entry: Floats


def suspect_deliveries(source: str, deliveries: Iterable[Delivered], rules: GuardRules) -> list[Quarantine]:
    """The deliveries that are empty or much too small, in time order, by the rule for imports (`feed_quarantines`)."""
    came = [
        Delivery(
            delivery_id=f"{number:09}",
            source=source,
            run_id="",
            received_at=one.received,
            reports=one.entries,
            new=0,
            rejected=0,
        )
        for number, one in enumerate(deliveries)
    ]
    return feed_quarantines(came, rules, Decided())


def stays(entries: Iterable[Presence], believed: Sequence[datetime] = ()) -> Stays:
    """The stay of each entry.

    `believed` are the times of the deliveries that tell of absence, increasing: an entry is missing from the first of
    them after it was last listed, whatever its own `first_missing` says. Without them that holds. An entry came into
    sight at `first_listed`, else with itself.
    """
    rows = [(one.entered, one.first_listed, one.last_listed, one.first_missing) for one in entries]
    told = np.array([_days(when) for when in believed])
    entered = np.array([_days(row[0]) for row in rows])
    last = np.array([_days(row[2]) for row in rows])
    missing = np.array([np.inf if row[3] is None else _days(row[3]) for row in rows])
    if told.size:
        missing = np.append(told, np.inf)[np.searchsorted(told, np.maximum(last, entered), side="right")]
    left = np.maximum(last - entered, 0.0)
    seen = np.array([_days(row[1] or row[0]) for row in rows]) - entered
    return Stays(left=left, right=missing - entered, entry=np.clip(seen, 0.0, left))


def staying(found: Stays, *, midpoint: bool = False, ignore_entry: bool = False) -> Survival:
    """How long entries stay, in days: the interval estimate on an hour grid, given entry.

    `midpoint` puts each end in the middle of its interval and takes the product limit. With it `ignore_entry` counts
    what was there before the first delivery as followed from its beginning, and warns. Both exist to reproduce what
    others published. ValueError for `ignore_entry` alone, or without any entry.
    """
    if midpoint:
        return kaplan_meier(found.left, found.right, found.entry, midpoint=True, ignore_entry=ignore_entry)
    if ignore_entry:
        raise ValueError("only the product limit of midpoints can ignore entry")
    return turnbull(found.left, found.right, found.entry, step=HOUR)


def _days(when: datetime) -> float:
    return when.timestamp() / _DAY.total_seconds()
