"""Compares a hoster's own list with ours, row by row."""

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Annotated

from waterbed.intake.csv_table import Rejected
from waterbed.intake.hoster_lists import HosterLine, HosterList, read_hoster_list, with_answers
from waterbed.measures.takedown import episodes_by_key
from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.redaction import shown
from waterbed.model.table import TableInfo
from waterbed.model.takedown import Reconciled
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """One row of their list."""

    line: Annotated[int, "line of their file"]
    url_id: Annotated[str | None, "the URL; null: unreadable"]
    day: Annotated[date | None, "the day it names"]
    channel: Annotated[str | None, "the channel it names"]
    reason: Annotated[str | None, "why it is unreadable"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Our records of one URL at that hoster."""

    notices: Annotated[Sequence[tuple[date, str | None]], "day (UTC) and channel of each notice to them"]
    reports: Annotated[Sequence[date], "days (UTC) on which it was reported while it was there"]

    @property
    def days(self) -> Sequence[tuple[date, str | None]]:
        """The days compared with their date: notices, else reports."""
        return self.notices or [(day, None) for day in self.reports]


def reconcile(theirs: Sequence[Theirs], ours: Mapping[str, Ours], known: Collection[str]) -> Iterator[Reconciled]:
    """Compare their rows with ours.

    One row for each of theirs in their order, then those that only we have, by id. A row is held against the nearest of
    our days; without a date it matches by its URL alone. A later row of the same URL and day is a duplicate. `known`
    are the URLs that the study knows anywhere. Pure.
    """
    first: dict[tuple[str, date | None], int] = {}
    for row in theirs:
        if row.url_id is None:
            yield _unmatched(row, "unreadable", known)
        elif (row.url_id, row.day) in first:
            yield _unmatched(row, "duplicate", known, first_line=first[row.url_id, row.day])
        else:
            first[row.url_id, row.day] = row.line
            own = ours.get(row.url_id)
            yield _matched(row, own) if own else _unmatched(row, "only theirs", known)
    theirs_ids = {row.url_id for row in theirs}
    for url_id in sorted(set(ours) - theirs_ids):
        yield _only_ours(url_id, ours[url_id])


def _matched(row: Theirs, own: Ours) -> Reconciled:
    days = own.days
    nearest = min(days, key=lambda each: (abs((row.day - each[0]).days) if row.day else 0, each[0]), default=None)
    apart = (row.day - nearest[0]).days if row.day and nearest else None
    channels = [channel for day, channel in days if nearest and day == nearest[0] and channel]
    return Reconciled(
        line=row.line,
        url_id=row.url_id,
        result="date differs" if apart else "matched",
        days=apart,
        their_date=_iso(row.day),
        our_date=_iso(nearest[0]) if nearest else None,
        told=bool(own.notices),
        channel_agrees=row.channel.lower() in {c.lower() for c in channels} if row.channel and channels else None,
        known=True,
        first_line=None,
        reason=None,
    )


def _unmatched(row: Theirs, result: str, known: Collection[str], *, first_line: int | None = None) -> Reconciled:
    return Reconciled(
        line=row.line,
        url_id=row.url_id,
        result=result,  # type: ignore[arg-type]  # one of the three that match nothing
        days=None,
        their_date=_iso(row.day),
        our_date=None,
        told=False,
        channel_agrees=None,
        known=row.url_id in known,
        first_line=first_line,
        reason=row.reason,
    )


def _only_ours(url_id: str, own: Ours) -> Reconciled:
    return Reconciled(
        line=None,
        url_id=url_id,
        result="only ours",
        days=None,
        their_date=None,
        our_date=_iso(min((day for day, _ in own.days), default=None)),
        told=bool(own.notices),
        channel_agrees=None,
        known=True,
        first_line=None,
        reason=None,
    )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


ANSWERS = ("result", "days", "note")
"""Columns that are added to their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The result of one list.

    Secret: it holds the hoster's rows.
    """

    key: str
    name: str
    info: TableInfo
    rows: Sequence[Reconciled]
    theirs: HosterList

    def __repr__(self) -> str:
        """Say how many rows there are."""
        return f"<Reconciliation of {len(self.rows)} rows>"


@stage("comparing the list")
def reconcile_list(study: Study, path: Path, hoster: str, *, dates: str | None = None) -> Reconciliation:
    """Compare a hoster's own list with the study.

    Only the study's URLs at that hoster are compared. InputError if the list cannot be read, or neither the study nor
    its book knows the hoster.
    """
    theirs = read_hoster_list(path, dates)
    conclusions = study.conclude()
    on = (conclusions.until or study.clock()).astimezone(UTC).date()
    key = conclusions.attributor.book.on(on).company(hoster)
    ours = _ours(conclusions, key)
    if not ours and not conclusions.attributor.book.on(on).exists(key):
        raise InputError(
            f"neither the study nor its book knows the hoster {shown(hoster)}; a key of waterbed rank was expected "
            "(docs/reconcile.md)"
        )
    rows = reconcile([_row(study, line) for line in theirs.read], ours, conclusions.facts.targets.keys())
    info = table_info(study, "reconciliation", by="url")
    return Reconciliation(key=key, name=conclusions.attributor.name_of(key), info=info, rows=list(rows), theirs=theirs)


def _row(study: Study, line: HosterLine | Rejected) -> Theirs:
    if isinstance(line, Rejected):
        return Theirs(line=line.line, url_id=None, day=None, channel=None, reason=line.reason)
    url_id = str(study.vault.ids(line.canonical)["url_id"])
    return Theirs(line=line.line, url_id=url_id, day=line.day, channel=line.channel)


def _ours(conclusions: Conclusions, key: str) -> dict[str, Ours]:
    """The URLs at a hoster, or in notices to it.

    With the days of notices and reports.
    """
    notices: dict[str, list[tuple[date, str | None]]] = defaultdict(list)
    latest = {notice.notice_id: notice for notice in conclusions.facts.notices}
    for notice in conclusions.notices:
        if notice.recipient == key and not notice.bounced:
            fact = latest.get(notice.notice_id)
            notices[notice.url_id].append((notice.sent_at.astimezone(UTC).date(), fact.channel if fact else None))
    reports: dict[str, list[date]] = defaultdict(list)
    for episode in episodes_by_key(conclusions.episodes, "hoster").get(key, ()):
        there = reports[episode.url_id]
        for when in conclusions.known[episode.url_id].reported:
            if episode.first_down is None or when < episode.first_down:
                there.append(when.astimezone(UTC).date())
    return {
        url_id: Ours(notices=sorted(notices[url_id], key=lambda each: each[0]), reports=sorted(set(reports[url_id])))
        for url_id in {*notices, *reports}
    }


def answered(found: Reconciliation) -> str:
    """Their own rows, each with its result.

    The rows are as they came; they hold no data of anybody else. A row that we do not have is marked so, whether or
    not the study knows the URL elsewhere.
    """
    out = io.StringIO()
    table = csv.writer(out, delimiter=found.theirs.separator, lineterminator="\n")
    by_line = {row.line: row for row in found.rows if row.line is not None}
    answers = [_answer(by_line[number]) for number, _ in found.theirs.rows]
    table.writerows(with_answers(found.theirs, answers, ANSWERS))
    return out.getvalue()


def _answer(row: Reconciled) -> tuple[str, ...]:
    words = {"only theirs": "not in our list"}
    note = f"as line {row.first_line}" if row.first_line else row.reason or ""
    return words.get(row.result, row.result), "" if row.days is None else str(row.days), note


def counted(rows: Sequence[Reconciled]) -> Iterator[tuple[str, int]]:
    """The number of rows with each result.

    In the order in which a reader asks for them.
    """
    for result in ("matched", "date differs", "only ours", "only theirs", "duplicate", "unreadable"):
        yield result, sum(row.result == result for row in rows)
