"""How late the schedule is, and how many workers would keep it."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated

from waterbed.store.backlog import backlog, lateness, leased, rates, taken
from waterbed.store.folder import Folder

_SHARES = (0.0, 0.05, 0.5)
"""The oldest due look, and those at which 5% and 50% are older: the latest, p95 and p50 of lateness."""
_WINDOW = timedelta(hours=1)
USE = 0.8
"""Share of its rate that is planned for a worker: the rest is for bursts and outages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLag:
    """How late looks are, and the workers that they need."""

    measured_at: Annotated[datetime, "when this was measured (study clock)"]
    due: Annotated[int, "looks that are due now, leased ones too"]
    leased: Annotated[int, "of these, being taken at this moment"]
    overdue: Annotated[int, "looks that have been due for longer than schedule.late_s"]
    oldest_due_at: Annotated[datetime | None, "when the oldest of these was due; null: nothing is due"]
    late_p50_s: Annotated[float | None, "half of what is due has been due longer than this, seconds; null: nothing is"]
    late_p95_s: Annotated[float | None, "5% of what is due has been due longer than this, seconds"]
    late_max_s: Annotated[float | None, "how long the oldest has been due, seconds"]
    taken: Annotated[int, "looks taken in the last hour, those of further vantages too"]
    taken_p50_s: Annotated[float | None, "how late the newest 20,000 of these were taken, median, seconds; null: none"]
    taken_p95_s: Annotated[float | None, "the same, 95th percentile"]
    taken_max_s: Annotated[float | None, "the same, the latest"]
    due_an_hour: Annotated[int, "looks that fall due within the next hour"]
    allowed_an_hour: Annotated[int | None, "schedule.looks_an_hour; null: no bound"]
    rate: Annotated[float | None, "looks a second of one worker, median of the newest 20 busy runs; null: none was"]
    workers: Annotated[int | None, "workers that are needed, at 80% of their rate; null: the rate is not known"]
    catch_up_hours: Annotated[float | None, "until these have worked off what is due now; null: not known, or never"]

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        if self.rate is None or self.workers is None:
            return (
                f"With {self.due_an_hour:,} looks due an hour: no run has had much to look at yet, so nobody knows how "
                "many workers are needed."
            )
        said = (
            f"With {self.due_an_hour:,} looks due an hour and {self.rate:,.0f} looks a second and worker, "
            f"{self.workers} {'worker is' if self.workers == 1 else 'workers are'} needed"
        )
        if self.due and self.catch_up_hours is not None:
            said += f"; {self.due:,} that are due now take them {self.catch_up_hours:.1f} h"
        if self.allowed_an_hour is not None and self.allowed_an_hour < self.due_an_hour:
            said += f"; but schedule.looks_an_hour allows {self.allowed_an_hour:,}"
        return f"{said}."


def schedule_lag(folder: Folder) -> ScheduleLag:
    """Measure how late a study's looks are; writes nothing, and reads along indexes alone."""
    store, now, schedule = folder.store, folder.clock(), folder.config.schedule
    found = backlog(store, now, timedelta(seconds=schedule.late_s), _SHARES)
    late = [(now - when).total_seconds() for when in found.due_at]
    latest, late_p95, late_p50 = late or (None, None, None)
    done = lateness(store, now - _WINDOW)
    known = rates(store)
    rate = median(known) if known else None
    workers = workers_needed(found.due_an_hour, found.due, rate)
    return ScheduleLag(
        measured_at=now,
        due=found.due,
        leased=leased(store),
        overdue=found.overdue,
        oldest_due_at=found.due_at[0] if found.due_at else None,
        late_max_s=latest,
        late_p95_s=late_p95,
        late_p50_s=late_p50,
        taken=taken(store, now - _WINDOW),
        taken_p50_s=_quantile(done, 0.5),
        taken_p95_s=_quantile(done, 0.95),
        taken_max_s=done[-1] if done else None,
        due_an_hour=found.due_an_hour,
        allowed_an_hour=schedule.looks_an_hour or None,
        rate=rate,
        workers=workers,
        catch_up_hours=_catch_up(found.due, found.due_an_hour, rate, workers, schedule.looks_an_hour),
    )


def workers_needed(due_an_hour: int, due: int, rate: float | None) -> int | None:
    """Workers that keep up with so many looks an hour, at 80% of the rate (looks a second) of each."""
    if rate is None:
        return None
    return max(math.ceil(due_an_hour / (rate * 3600 * USE)), 1 if due or due_an_hour else 0)


def _catch_up(due: int, due_an_hour: int, rate: float | None, workers: int | None, allowed: int) -> float | None:
    """Hours until what is due is worked off while more falls due."""
    if rate is None or workers is None:
        return None
    can = workers * rate * 3600
    spare = (min(can, allowed) if allowed else can) - due_an_hour
    return due / spare if spare > 0 else None


def _quantile(ordered: list[float], share: float) -> float | None:
    """The value at a share of an ordered list, none of an empty one."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
