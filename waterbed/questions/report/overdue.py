"""Content still up after a notice to its hoster."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.measures.by_source import sources
from waterbed.measures.clocks import clocks_of_groups, reaches
from waterbed.measures.company import company_named, day_of
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import WITHIN_H, joined_episodes
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
    "late: from the deadline to the last check that saw it up and can be concluded from (docs/notices.md, Overdue)"
)
_CLOCKS: Final[tuple[ClockKind, ...]] = ("legal_order", "notice_delivered", "notice_sent")
"""Of two notices with one deadline the first of these counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillUp:
    """Content that is up, by notices about it."""

    noticed: Sequence[Overdue]
    """URLs that a notice to their hosters reached, overdue or not."""
    without_notice: frozenset[str]
    """The other URLs that are up: their present hosters got no notice about them."""
    newly_down: frozenset[str]
    """URLs that are in neither: no end is concluded yet, but their last decided checks saw them down."""
    forgotten: frozenset[str] = frozenset()
    """URLs of which a hoster was notified and that were forgotten since: nobody can name them to it."""
    checked: bool = True
    """False if nothing was ever checked at the hoster that was asked for."""
    notified: bool
    """False if the study has no notice at all."""

    @property
    def late(self) -> list[Overdue]:
        """Content that is up after its deadline.

        Hosters with the most come first, with the longest overdue first.
        """
        found = [row for row in self.noticed if row.late_h > 0]
        count = Counter(row.key for row in found)
        return sorted(found, key=lambda row: (-count[row.key], row.key, -row.late_h, row.url_id))

    @property
    def in_time(self) -> int:
        """Number of rows that are within their time."""
        return sum(row.late_h <= 0 for row in self.noticed)


def still_up(
    conclusions: Conclusions, *, source: str | None = None, after_h: float = WITHIN_H, hoster: str | None = None
) -> StillUp:
    """Content that is up, overdue or not.

    The deadline is that of the order, else of the law, else `after_h` hours after the notice. With a `source` only what
    it reported, with its own reference; with a `hoster` only what is there.
    """
    tables = RankingTables(conclusions=conclusions, kind="hoster", source=source)
    unended = [(key, one) for key, one in _running(tables.groups) if hoster in (None, key)]
    newly_down = _newly_down(conclusions, {one.url_id for _, one in unended})
    running = {(key, one.url_id, one.known_up_at): one for key, one in unended if one.url_id not in newly_down}
    notices = {one.notice_id: one for one in conclusions.notices}
    references = _references(conclusions, source)
    sent_to = {one.notice_id: one.recipient for one in conclusions.facts.notices}
    found: dict[tuple[str, str], Overdue] = {}
    for clock in _CLOCKS:
        groups = clocks_of_groups(tables.groups, conclusions.notice_context, hosters=True, clock=clock)
        for key, clocks in groups.items():
            for one in clocks:
                spell = running.get((key, one.url_id, one.known_up_at))
                if spell is None or one.notice_id is None:
                    continue
                again = _reminders(one, conclusions.notice_context.notices[one.url_id])
                row = _row(key, one, spell.last_up, notices[one.notice_id], after_h, again)
                held = found.get((key, one.url_id))
                if held is None or (held.notice_id != row.notice_id and row.late_h > held.late_h):
                    found[key, one.url_id] = row
    name = conclusions.attributor.name_of
    return StillUp(
        noticed=[
            replace(
                row,
                name=name(row.key),
                reference=references.get(row.url_id),
                recipient=sent_to.get(row.notice_id, row.recipient),
            )
            for row in found.values()
        ],
        without_notice=frozenset({url_id for _, url_id, _ in running} - {url_id for _, url_id in found}),
        newly_down=newly_down,
        notified=bool(conclusions.facts.notices),
    )


def overdue_of(
    study: Study, *, source: str | None = None, after_h: float = WITHIN_H, hoster: str | None = None
) -> tuple[StillUp, TableInfo]:
    """Content of a study that is up, overdue or not.

    InputError for a source that reported nothing, and for a hoster that neither the study nor the book knows.
    """
    conclusions = study.conclude()
    known_source(conclusions, source)
    key = None if hoster is None else company_named(conclusions, hoster, day_of(study, conclusions))
    up = still_up(conclusions, source=source, after_h=after_h, hoster=key)
    noticed = {row.url_id for row in up.noticed}
    gone = study.folder.store.forgotten(noticed | up.without_notice | up.newly_down)
    found = replace(
        up,
        noticed=[row for row in up.noticed if row.url_id not in gone],
        without_notice=up.without_notice - gone,
        newly_down=up.newly_down - gone,
        forgotten=frozenset(gone & noticed),
        checked=key is None or key in conclusions.whole.hosters,
    )
    return found, replace(table_info(study, "overdue", by="hoster", clock="notice_delivered"), method=METHOD)


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


def _newly_down(conclusions: Conclusions, url_ids: Collection[str]) -> frozenset[str]:
    """Those of some URLs that their last decided checks saw down.

    Such checks are too recent to be confirmed. None in a window that ends: it tells how things were at its end.
    """
    if conclusions.window.end is not None or not url_ids:
        return frozenset()
    runs = conclusions.past
    decided = {
        url_id: [run.state for run in runs.get(url_id, ()) if run.state != "unknown"] for url_id in sorted(url_ids)
    }
    return frozenset(url_id for url_id, states in decided.items() if states[-1:] == ["down"])


def _references(conclusions: Conclusions, source: str | None) -> dict[str, str]:
    """The number that a source gave to each of its cases."""
    told = sorted(conclusions.facts.external_observations, key=lambda one: one.received_at)
    return {one.url_id: one.reference for one in told if one.reference and source in (None, one.source)}


def _reminders(clock: TakedownClock, notices: Sequence[AddressedNotice]) -> int:
    """Further notices to the hoster since a clock began.

    Each counts from its arrival, or from its sending where none is known, as the clock does.
    """
    return sum(
        one.notice_id != clock.notice_id
        and reaches(one, clock.key, hosters=True)
        and not one.bounced
        and (one.delivered_at or one.sent_at) >= clock.origin
        for one in notices
    )


def _row(
    key: str, clock: TakedownClock, last_up: datetime, notice: AddressedNotice, after_h: float, reminders: int
) -> Overdue:
    deadline_h = clock.due_h if clock.due_h is not None else after_h
    return Overdue(
        key=key,
        name=key,
        reference=None,
        url_id=clock.url_id,
        kind=notice.kind,
        notice_id=notice.notice_id,
        batch=notice.batch.removeprefix(f"{notice.sender}: ") if notice.batch else None,
        notified_at=clock.origin,
        deadline_h=deadline_h,
        deadline=notice.deadline[1] if notice.deadline else "asked",
        late_h=round((last_up - clock.origin) / timedelta(hours=1) - deadline_h, 3),
        last_up=last_up,
        reminders=reminders,
        acknowledged=clock.acknowledged_h is not None,
        held_for_police=clock.held_for_police,
        sender=notice.sender,
        recipient=notice.recipient,
        sent_at=notice.sent_at,
        due_at=notice.due_at,
        acknowledged_at=notice.acknowledged_at,
    )
