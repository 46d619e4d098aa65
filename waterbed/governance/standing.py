"""How far each hoster is with its right of reply, and whom publication must wait for. No I/O."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from waterbed.model.governance import Edition, Preview, Reply, Ruling

State = Literal["not shown", "may reply", "disputed", "done", "outdated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything on record about replies."""

    previews: Sequence[Preview] = ()
    replies: Sequence[Reply] = ()
    rulings: Sequence[Ruling] = ()
    editions: Sequence[Edition] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """How far one hoster is with its right of reply."""

    hoster: Annotated[str, "its key"]
    state: Annotated[
        State,
        "not shown: no preview; may reply: the period runs; disputed: a dispute is open; outdated: the data of its "
        "preview are too old; done: nothing stands against publication",
    ]
    shown_at: Annotated[datetime | None, "when it had its newest preview"]
    until: Annotated[datetime | None, "when its period ends"]
    replies: Annotated[int, "its replies"]
    open_disputes: Annotated[tuple[str, ...], "ids of its disputes that are not decided"]


def standings(
    hosters: Collection[str], record: Record, *, now: datetime, data_until: datetime | None, valid: timedelta
) -> list[ReplyRow]:
    """One row for each hoster, in the order of their keys.

    A preview serves for data up to `valid` after its own. A hoster that answered "no objection" to its newest preview
    need not be waited for.
    """
    return [_standing(hoster, record, now, data_until, valid) for hoster in sorted(hosters)]


def _standing(hoster: str, record: Record, now: datetime, data_until: datetime | None, valid: timedelta) -> ReplyRow:
    shown = [one for one in record.previews if one.hoster == hoster]
    newest = max(shown, key=lambda one: (one.starts_at, one.made_at), default=None)
    answers = [one for one in record.replies if one.hoster == hoster]
    decided = {one.reply_id for one in record.rulings}
    disputes = tuple(one.reply_id for one in answers if one.answer == "dispute" and one.reply_id not in decided)
    return ReplyRow(
        hoster=hoster,
        state=_state(newest, answers, bool(disputes), now, data_until, valid),
        shown_at=newest.starts_at if newest else None,
        until=newest.ends_at if newest else None,
        replies=len(answers),
        open_disputes=disputes,
    )


def _state(
    newest: Preview | None,
    answers: Sequence[Reply],
    disputed: bool,
    now: datetime,
    data_until: datetime | None,
    valid: timedelta,
) -> State:
    if newest is None:
        return "not shown"
    if disputed:
        return "disputed"
    if data_until and (newest.data_until is None or data_until - newest.data_until > valid):
        return "outdated"
    content = any(one.answer == "no objection" and one.preview_id == newest.preview_id for one in answers)
    return "done" if content or now >= newest.ends_at else "may reply"


def errata(record: Record) -> Iterator[str]:
    """What rulings since the newest edition corrected, a sentence each, oldest first."""
    since = max((one.published_at for one in record.editions), default=None)
    hosters = {one.reply_id: one.hoster for one in record.replies}
    for one in sorted(record.rulings, key=lambda one: (one.decided_at, one.ruling_id)):
        if one.erratum and (since is None or one.decided_at > since):
            yield f"{hosters.get(one.reply_id, 'unknown')}: {one.erratum}"
