"""Previews, replies, rulings and editions in a study's store."""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from waterbed.governance.keys import stated_reason
from waterbed.governance.standing import Record, ReplyRow, errata, standings
from waterbed.model.errors import InputError
from waterbed.model.governance import Answer, Edition, Preview, Reply, Ruling, RulingKind
from waterbed.model.redaction import names_something
from waterbed.store.audit import after, who
from waterbed.store.folder import Folder
from waterbed.store.lake.reading import observed_span

PUBLIC: Final = "clear"
"""Traffic light under which what is published is public."""
SEE: Final = "see docs/reply.md"
_SHOWN: Final = 5
_words: Final = partial(stated_reason, most=1000, see="docs/reply.md")


def record(folder: Folder) -> Record:
    """Everything on record, oldest first."""
    store = folder.store
    return Record(
        previews=store.all(Preview, order=("starts_at", "preview_id")),
        replies=store.all(Reply, order=("received_at", "reply_id")),
        rulings=store.all(Ruling, order=("decided_at", "ruling_id")),
        editions=store.all(Edition, order=("number",)),
    )


def rows(folder: Folder, hosters: Collection[str]) -> list[ReplyRow]:
    """How far each hoster is now."""
    return standings(
        hosters,
        record(folder),
        now=folder.clock(),
        data_until=observed_span(folder)[1],
        valid=timedelta(days=folder.config.reply.valid_days),
    )


def show(folder: Folder, hoster: str, files: Mapping[str, bytes], starts_at: datetime | None) -> Preview:
    """Put on record that a hoster has its preview; its period runs from `starts_at`, else from now.

    InputError if that lies in the future, or before the first look: nothing could have been shown then.
    """
    now, (first, last) = folder.clock(), observed_span(folder)
    begun = starts_at or now
    _refuse_future("a preview that is given", begun, now)
    if first and begun.date() < first.date():
        raise InputError(
            f"a preview that is given on {begun:%Y-%m-%d} lies before the first look, {first:%Y-%m-%d}: there was "
            f"nothing to show yet, {SEE}"
        )
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    made = Preview(
        preview_id=uuid.uuid4().hex,
        hoster=hoster,
        made_at=now,
        starts_at=begun,
        ends_at=begun + timedelta(days=folder.config.reply.period_days),
        data_until=begun if last and begun.date() < last.date() else last,
        sha256=hashlib.sha256(sums.encode()).hexdigest(),
        who=who(),
    )
    folder.store.add([made])
    return made


def take(folder: Folder, hoster: str, answer: Answer, text: str, received_at: datetime | None) -> Reply:
    """Put a hoster's answer on record, to the newest preview that it had by then; InputError if it had none."""
    now = folder.clock()
    when = received_at or now
    _refuse_future("an answer that came in", when, now)
    known = [one for one in record(folder).previews if one.hoster == hoster]
    shown = [one for one in known if one.starts_at.date() <= when.date()]
    if not shown:
        said = "that hoster" if names_something(hoster) else repr(hoster)
        by_then = f" by {when:%Y-%m-%d}" if known else ""
        raise InputError(
            f"{said} was shown no preview{by_then}, so it cannot have answered one; waterbed reply list, {SEE}"
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
    """Decide a dispute; upheld needs an erratum, the others have none."""
    known = record(folder)
    disputes = [one for one in known.replies if one.answer == "dispute" and one.reply_id.startswith(reply_id)]
    if not reply_id or len(disputes) != 1:
        raise InputError(
            f"{'that' if names_something(reply_id) else repr(reply_id)} is the id of {len(disputes)} disputes; one was "
            f"expected, waterbed reply list names them, {SEE}"
        )
    if disputes[0].reply_id in {one.reply_id for one in known.rulings}:
        raise InputError(f"dispute {disputes[0].reply_id} is decided already; nothing is changed, {SEE}")
    if (ruling == "upheld") != bool(erratum):
        raise InputError(f"an upheld dispute needs --erratum, what was corrected, and no other has one, {SEE}")
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


def refuse_unheard(folder: Folder, hosters: Collection[str], override: str = "") -> str:
    """Refuse to publish while hosters that are named could still answer; returns the reason of an override.

    Only what is public (TLP:CLEAR) must wait. InputError names the hosters.
    """
    if folder.config.publish.tlp != PUBLIC:
        return ""
    waiting = [row for row in rows(folder, hosters) if row.state != "done"]
    if override:
        return _words(override, "--override") if waiting else ""
    if waiting:
        first = ", ".join(f"{row.hoster} ({_why(row)})" for row in waiting[:_SHOWN])
        more = f" and {len(waiting) - _SHOWN:,} more" if len(waiting) > _SHOWN else ""
        raise InputError(
            f"nothing is published under TLP:CLEAR before hosters could answer: {first}{more}; show them their numbers "
            f"with waterbed reply preview, or give a reason with --override, {SEE}"
        )
    return ""


def next_edition(folder: Folder, *, override: str, more: str, tables: bytes) -> Edition:
    """The edition that a public publication is going to be; it is put on record by `add_edition`."""
    known = record(folder)
    told = [*errata(known), *([_words(more, "--errata")] if more else [])]
    return Edition(
        number=len(known.editions) + 1,
        published_at=folder.clock(),
        errata="; ".join(told),
        override=override,
        sha256=hashlib.sha256(tables).hexdigest(),
        who=who(),
    )


def add_edition(folder: Folder, edition: Edition) -> None:
    """Put an edition on record; InputError if another publication took its number meanwhile."""
    folder.store.add([edition])
    if edition not in folder.store.all(Edition):
        raise InputError(
            f"another publication became edition {edition.number} at this moment, so this one was not made; publish "
            f"again, {SEE}"
        )


def _refuse_future(what: str, when: datetime, now: datetime) -> None:
    if when > now + timedelta(days=1):
        raise InputError(f"{what} on {when:%Y-%m-%d} lies in the future; record it then, {SEE}")


def _why(row: ReplyRow) -> str:
    return f"may reply until {row.until:%Y-%m-%d}" if row.state == "may reply" and row.until else row.state
