"""Previews, replies, rulings and editions in a study's store."""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final, Literal

from waterbed.attribution.hosters.book import HosterBook
from waterbed.governance.keys import stated_reason
from waterbed.model.decisions import HosterChange
from waterbed.model.errors import InputError
from waterbed.model.governance import Answer, Edition, Preview, Reply, Ruling, RulingKind
from waterbed.model.redaction import names_something
from waterbed.store.audit import after, who
from waterbed.store.folder import Folder
from waterbed.store.lake.reading import observed_span

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
    """The state of one hoster's right of reply."""

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


def reply_status(
    hosters: Collection[str], record: Record, *, now: datetime, data_until: datetime | None, valid: timedelta
) -> list[ReplyRow]:
    """One row for each hoster, in order of key.

    A preview serves for data up to `valid` after its own. A hoster that answered "no objection" to its newest preview
    need not be waited for.
    """
    return [_reply_row(hoster, record, now, data_until, valid) for hoster in sorted(hosters)]


def _reply_row(hoster: str, record: Record, now: datetime, data_until: datetime | None, valid: timedelta) -> ReplyRow:
    shown = [one for one in record.previews if one.hoster == hoster]
    newest = max(shown, key=_in_order, default=None)
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


def _in_order(one: Preview) -> tuple[datetime, datetime, str]:
    """The order of previews: by the beginning of the period, then as they were made."""
    return one.starts_at, one.made_at, one.preview_id


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
    """Corrections by rulings since the newest edition.

    A sentence each, oldest first.
    """
    since = max((one.published_at for one in record.editions), default=None)
    hosters = {one.reply_id: one.hoster for one in record.replies}
    for one in sorted(record.rulings, key=lambda one: (one.decided_at, one.ruling_id)):
        if one.erratum and (since is None or one.decided_at > since):
            yield f"{hosters.get(one.reply_id, 'unknown')}: {one.erratum}"


PUBLIC: Final = "clear"
"""Traffic light under which what is published is public."""
SEE: Final = "docs/reply.md"
_SHOWN: Final = 5
_words: Final = partial(stated_reason, most=1000, see="docs/reply.md")


def record(folder: Folder) -> Record:
    """Everything on record, oldest first."""
    store = folder.store
    return Record(
        previews=sorted(store.all(Preview), key=_in_order),
        replies=store.all(Reply, order=("received_at", "reply_id")),
        rulings=store.all(Ruling, order=("decided_at", "ruling_id")),
        editions=store.all(Edition, order=("number",)),
    )


def rows(folder: Folder, hosters: Collection[str]) -> list[ReplyRow]:
    """The state of each hoster's right of reply now."""
    return reply_status(
        hosters,
        record(folder),
        now=folder.clock(),
        data_until=observed_span(folder)[1],
        valid=timedelta(days=folder.config.reply.valid_days),
    )


def public_successions(folder: Folder, book: HosterBook) -> list[HosterChange]:
    """Confirmed takeovers of which both companies were told.

    Both had a preview after the takeover was put forward, which says so, and could answer; no dispute is open. From
    then on the old one's previews do not age: its successor answers for it.
    """
    known, confirmed, now = record(folder), book.confirmed(), folder.clock()

    def heard(change: HosterChange) -> bool:
        told = replace(known, previews=[one for one in known.previews if one.made_at >= change.decided_at])
        both = reply_status({change.key, change.into or ""}, told, now=now, data_until=None, valid=timedelta(0))
        return all(row.state == "done" for row in both)

    return [change for change in confirmed if heard(change)]


def show(folder: Folder, hoster: str, files: Mapping[str, bytes], starts_at: datetime | None) -> Preview:
    """Record that a hoster has its preview."""
    made = preview_of(folder, hoster, files, starts_at)
    folder.store.add([made])
    return made


def preview_of(folder: Folder, hoster: str, files: Mapping[str, bytes], starts_at: datetime | None) -> Preview:
    """A hoster's preview, which is not on record yet.

    Its period runs from `starts_at`, else from now. InputError if that lies in the future, or before the first look:
    nothing could have been shown then.
    """
    now, (first, last) = folder.clock(), observed_span(folder)
    begun = starts_at or now
    _refuse_future("a preview that is given", begun, now)
    if first and begun.date() < first.date():
        raise InputError(
            f"a preview that is given on {begun:%Y-%m-%d} lies before the first check, {first:%Y-%m-%d}: there was "
            f"nothing to show yet ({SEE})"
        )
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return Preview(
        preview_id=uuid.uuid4().hex,
        hoster=hoster,
        made_at=now,
        starts_at=begun,
        ends_at=begun + timedelta(days=folder.config.reply.period_days),
        data_until=begun if last and begun.date() < last.date() else last,
        sha256=hashlib.sha256(sums.encode()).hexdigest(),
        who=who(),
    )


def take(folder: Folder, hoster: str, answer: Answer, text: str, received_at: datetime | None) -> Reply:
    """Put a hoster's answer on record.

    It answers the newest preview that the hoster had by then; InputError if it had none.
    """
    now = folder.clock()
    when = received_at or now
    _refuse_future("an answer that came in", when, now)
    known = [one for one in record(folder).previews if one.hoster == hoster]
    shown = [one for one in known if one.starts_at.date() <= when.date()]
    if not shown:
        said = "that hoster" if names_something(hoster) else repr(hoster)
        by_then = f" by {when:%Y-%m-%d}" if known else ""
        raise InputError(
            f"{said} had not been shown a preview{by_then}, so it cannot have answered one; waterbed reply list ({SEE})"
        )
    made = Reply(
        reply_id=uuid.uuid4().hex,
        hoster=hoster,
        preview_id=shown[-1].preview_id,
        answer=answer,
        text=_words(text, "--text"),
        received_at=when,
        who=who(),
    )
    folder.store.add([made])
    return made


def decide(folder: Folder, reply_id: str, ruling: RulingKind, reason: str, erratum: str) -> Ruling:
    """Decide a dispute.

    An upheld one needs an erratum, the others have none.
    """
    known = record(folder)
    disputes = [one for one in known.replies if one.answer == "dispute" and one.reply_id.startswith(reply_id)]
    if not reply_id or len(disputes) != 1:
        raise InputError(
            f"{'that' if names_something(reply_id) else repr(reply_id)} is the id of {len(disputes)} disputes; one was "
            f"expected, waterbed reply list names them ({SEE})"
        )
    if disputes[0].reply_id in {one.reply_id for one in known.rulings}:
        raise InputError(f"dispute {disputes[0].reply_id} is decided already; nothing is changed ({SEE})")
    if (ruling == "upheld") != bool(erratum):
        raise InputError(f"an upheld dispute needs --erratum, what was corrected, and no other has one ({SEE})")
    made = Ruling(
        ruling_id=uuid.uuid4().hex,
        reply_id=disputes[0].reply_id,
        ruling=ruling,
        reason=_words(reason, "--reason"),
        erratum=_words(erratum, "--erratum") if erratum else "",
        decided_at=after(folder.clock(), (one.published_at for one in known.editions)),
        who=who(),
    )
    folder.store.add([made])
    return made


def refuse_unheard(folder: Folder, hosters: Collection[str], override: str = "", *, told: Collection[str] = ()) -> str:
    """Refuse to publish while named hosters could still answer.

    Returns the reason of an override. Only what is public (TLP:CLEAR) must wait. InputError names the hosters. Of those
    in `told` an override published the same data: now an open dispute alone is waited for.
    """
    if folder.config.publish.tlp != PUBLIC:
        return ""
    waiting = [
        row
        for row in rows(folder, hosters)
        if row.state != "done" and (row.state == "disputed" or row.hoster not in told)
    ]
    if override:
        return _words(override, "--override") if waiting else ""
    if waiting:
        first = ", ".join(f"{row.hoster} ({_why(row)})" for row in waiting[:_SHOWN])
        more = f" and {len(waiting) - _SHOWN:,} more" if len(waiting) > _SHOWN else ""
        raise InputError(
            f"nothing is published under TLP:CLEAR before hosters could answer: {first}{more}; show them their numbers "
            f"with waterbed reply preview, or give a reason with --override ({SEE})"
        )
    return ""


def next_edition(folder: Folder, *, override: str, more: str, tables: bytes) -> Edition:
    """The edition that a public publication is going to be.

    `add_edition` puts it on record.
    """
    known = record(folder)
    sentences = [*errata(known), *([_words(more, "--errata")] if more else [])]
    return Edition(
        number=len(known.editions) + 1,
        published_at=folder.clock(),
        errata="; ".join(sentences),
        override=override,
        sha256=hashlib.sha256(tables).hexdigest(),
        who=who(),
    )


def add_edition(folder: Folder, edition: Edition) -> None:
    """Put an edition on record.

    InputError if another publication took its number meanwhile.
    """
    folder.store.add([edition])
    if edition not in folder.store.all(Edition):
        raise InputError(
            f"another publication became edition {edition.number} at this moment, so this one was not made; publish "
            f"again ({SEE})"
        )


def _refuse_future(what: str, when: datetime, now: datetime) -> None:
    if when > now + timedelta(days=1):
        raise InputError(f"{what} on {when:%Y-%m-%d} lies in the future; record it then ({SEE})")


def _why(row: ReplyRow) -> str:
    return f"may reply until {row.until:%Y-%m-%d}" if row.state == "may reply" and row.until else row.state
