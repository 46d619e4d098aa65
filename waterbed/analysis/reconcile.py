"""A hoster's own list held against ours, row by row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from waterbed.model.takedown import Reconciled


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
    """What we have about one URL at that hoster."""

    notices: Annotated[Sequence[tuple[date, str | None]], "day (UTC) and channel of each notice to them"]
    reports: Annotated[Sequence[date], "days (UTC) on which it was reported while it was there"]

    @property
    def days(self) -> Sequence[tuple[date, str | None]]:
        """What their date is held against: notices, else reports."""
        return self.notices or [(day, None) for day in self.reports]


def reconcile(theirs: Sequence[Theirs], ours: Mapping[str, Ours], known: Collection[str]) -> Iterator[Reconciled]:
    """One row for each of theirs in their order, then those that only we have, by id.

    A row is held against the nearest of our days; without a date it matches by its URL alone. A later row of the same
    URL and day is a duplicate. `known` are the URLs that the study knows anywhere. Pure.
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
