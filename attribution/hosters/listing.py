"""The book of hosters as rows for tables."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from waterbed.attribution.hosters.book import HosterBook, undone_ids
from waterbed.attribution.hosters.day import first_day
from waterbed.attribution.hosters.members import stands_alone


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterRow:
    """A hoster of the book, on one day."""

    key: Annotated[str, "its key"]
    name: Annotated[str | None, "name for people"]
    kind: Annotated[str, "hoster, proxy or platform"]
    hosting_type: Annotated[str, "what it mostly offers: shared, vps, dedicated, reseller, platform or unknown"]
    country: Annotated[str | None, "ISO code of its legal seat"]
    members: Annotated[tuple[str, ...], "what it holds on that day; empty if it is part of another"]
    part_of: Annotated[str | None, "the company it is part of on that day, by a merge or a succession"]
    origin: Annotated[str, "who says so: known, file or decided; unclaimed: nobody, it stands for itself"]
    unreviewed: Annotated[bool, "whether a change that formed it lacks the agreement of two people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change of the book, with its status."""

    change_id: Annotated[str, "its id"]
    kind: Annotated[str, "define, merge, split, succession, proposal or undo"]
    key: Annotated[str, "the hoster it is about; for undo, the change"]
    into: Annotated[str | None, "the other hoster, where there is one"]
    hosting_type: Annotated[str | None, "type of hosting that it proposes"]
    members: Annotated[tuple[str, ...], "the members it names"]
    since: Annotated[str | None, "first day on which it holds; null: always"]
    status: Annotated[
        str, "unreviewed, disputed, accepted, rejected, undone, in force (nothing to review) or no effect"
    ]
    who: Annotated[str, "the person who decided it"]
    reason: Annotated[str, "why, in that person's words"]
    decided_at: Annotated[datetime, "when it was decided"]


def hoster_rows(book: HosterBook, day: date, key: str | None = None) -> list[HosterRow]:
    """Rows of all hosters on a day, or one."""
    today = book.on(day)
    by_company = set(today.held().values())
    keys = sorted({*today.entities, *by_company}) if key is None else [key]
    rows = []
    for hoster_key in keys:
        if (
            key is not None
            and hoster_key not in today.entities
            and hoster_key not in by_company
            and not stands_alone(hoster_key)
        ):
            continue
        company = today.company(hoster_key)
        rows.append(
            HosterRow(
                key=hoster_key,
                name=today.name(hoster_key),
                kind=today.kind(hoster_key),
                hosting_type=today.hosting_type(hoster_key),
                country=today.country(hoster_key),
                members=today.members(hoster_key) if hoster_key in by_company or stands_alone(hoster_key) else (),
                part_of=company if company != hoster_key else None,
                origin=today.origin(hoster_key) or ("decided" if hoster_key in by_company else "unclaimed"),
                unreviewed=today.unreviewed(hoster_key),
            )
        )
    return rows


def change_rows(book: HosterBook, key: str | None = None) -> list[ChangeRow]:
    """Rows of all changes in order, or one hoster's."""
    idle = {change.change_id for change in book.without_effect()}
    undone = undone_ids(book.changes)
    rows = []
    for change in book.changes:
        if key is not None and key not in (change.key, change.into, change.change_id):
            continue
        if change.change_id in undone:
            status = "undone"
        elif change.change_id in idle:
            status = "no effect"
        else:
            status = book.statuses.get(change.change_id, "in force")
        since = first_day(change)
        rows.append(
            ChangeRow(
                change_id=change.change_id,
                kind=change.kind,
                key=change.key,
                into=change.into,
                hosting_type=change.hosting_type,
                members=change.members,
                since=since.isoformat() if since else None,
                status=status,
                who=change.who,
                reason=change.reason,
                decided_at=change.decided_at,
            )
        )
    return rows


def taken_from_known(book: HosterBook, day: date) -> list[tuple[str, str, str]]:
    """Members that the study assigns differently from the known list.

    Each with its key in that list and its hoster in the study.
    """
    today = book.on(day)
    taken: list[tuple[str, str, str]] = []
    for definition in book.known:
        company = today.resolve(definition.key)
        for member in definition.members:
            holder = today.held().get(member.what, "nobody")
            if holder != company:
                taken.append((member.what, definition.key, holder))
    return taken
