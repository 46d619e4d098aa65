"""Content still up after a notice to its hoster."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.analysis.rankings.by_source import sources
from waterbed.analysis.rankings.clocks import clocks_of_groups
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import WITHIN_H, joined_episodes
from waterbed.model.conclusions import ClockKind, Episode
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.model.table import TableInfo
from waterbed.model.takedown import AddressedNotice, Overdue, TakedownClock
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

METHOD: Final = (
    "content at a hoster that was up at the last check that could be decided, and that a notice to it reached; hours "
    "late: from the deadline to the last check that saw it up (docs/notices.md, Overdue)"
)
_CLOCKS: Final[tuple[ClockKind, ...]] = ("legal_order", "notice_delivered", "notice_sent")
"""Of two notices with one deadline the first of these counts."""


def overdue_rows(
    conclusions: Conclusions, *, source: str | None = None, after_h: float = WITHIN_H, all_up: bool = False
) -> list[Overdue]:
    """Content up after its deadline, by hoster, the latest first.

    The deadline is that of the order, else of the law, else `after_h` hours after the notice. Hosters with the most
    come first. With a `source` only what it reported, with its own reference. `all_up` adds what is within its time.
    """
    tables = RankingTables(conclusions=conclusions, kind="hoster", source=source)
    running = {(key, one.url_id, one.known_up_at): one for key, one in _running(tables.groups)}
    notices = {one.notice_id: one for one in conclusions.notices}
    references = _references(conclusions, source)
    found: dict[tuple[str, str], Overdue] = {}
    for clock in _CLOCKS:
        groups = clocks_of_groups(tables.groups, conclusions.notice_context, hosters=True, clock=clock)
        for key, clocks in groups.items():
            for one in clocks:
                spell = running.get((key, one.url_id, one.known_up_at))
                if spell is None or one.notice_id is None:
                    continue
                row = _row(key, one, spell.last_up, notices[one.notice_id], after_h)
                held = found.get((key, one.url_id))
                if held is None or (held.notice_id != row.notice_id and row.late_h > held.late_h):
                    found[key, one.url_id] = row
    name = conclusions.attributor.name_of
    told = [
        replace(row, name=name(row.key), reference=references.get(row.url_id))
        for row in found.values()
        if all_up or row.late_h > 0
    ]
    count = Counter(row.key for row in told)
    return sorted(told, key=lambda row: (-count[row.key], row.key, -row.late_h, row.url_id))


def overdue_of(
    study: Study, *, source: str | None = None, after_h: float = WITHIN_H
) -> tuple[list[Overdue], TableInfo, int]:
    """A study's overdue content, and how much is in time.

    InputError for a source that reported nothing.
    """
    conclusions = study.conclude()
    known_source(conclusions, source)
    rows = overdue_rows(conclusions, source=source, after_h=after_h, all_up=True)
    late = [one for one in rows if one.late_h > 0]
    info = replace(table_info(study, "overdue", by="hoster", clock="notice_delivered"), method=METHOD)
    return late, info, len(rows) - len(late)


def known_source(conclusions: Conclusions, source: str | None) -> None:
    """Refuse a source that reported nothing."""
    named = sources(conclusions)
    if source is not None and source not in named:
        raise InputError(
            f"--source {shown(source)} did not report anything; sources are {', '.join(named) or 'none yet'} "
            "(docs/windows.md)"
        )


def _running(groups: Mapping[str, Sequence[Episode]]) -> Iterator[tuple[str, Episode]]:
    """What is still up under each key, as far as we know."""
    for key, group in groups.items():
        by_url: dict[str, list[Episode]] = {}
        for episode in group:
            if not episode.proxy:
                by_url.setdefault(episode.url_id, []).append(episode)
        for own in by_url.values():
            last = joined_episodes(own)[-1]
            if last.first_down is None:
                yield key, last


def _references(conclusions: Conclusions, source: str | None) -> dict[str, str]:
    """The number that a source gave to each of its cases."""
    told = sorted(conclusions.facts.external_observations, key=lambda one: one.received_at)
    return {one.url_id: one.reference for one in told if one.reference and source in (None, one.source)}


def _row(key: str, clock: TakedownClock, last_up: datetime, notice: AddressedNotice, after_h: float) -> Overdue:
    deadline_h = clock.due_h if clock.due_h is not None else after_h
    return Overdue(
        key=key,
        name=key,
        reference=None,
        url_id=clock.url_id,
        kind=notice.kind,
        notice_id=notice.notice_id,
        batch=clock.batch,
        notified_at=clock.origin,
        deadline_h=deadline_h,
        deadline=notice.deadline[1] if notice.deadline else "asked",
        late_h=round((last_up - clock.origin) / timedelta(hours=1) - deadline_h, 3),
        last_up=last_up,
        reminders=sum(hours >= 0 for hours in clock.reminders_h),
        acknowledged=clock.acknowledged_h is not None,
        held_for_police=clock.held_for_police,
    )
