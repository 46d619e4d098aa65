"""One import of notices: facts, and lines rejected with reasons."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from waterbed.intake.csv_notices import NoticeLine, read_csv_notices
from waterbed.intake.csv_table import Rejected
from waterbed.intake.scart import parse_scart_notices
from waterbed.model.errors import InputError
from waterbed.model.facts import Notice, NoticeKind, Target
from waterbed.model.progress import stage
from waterbed.model.redaction import shown
from waterbed.store.backlog import begin_ladder
from waterbed.store.bounded.limits import MOST_REJECTED, MOST_SOURCES
from waterbed.store.bounded.text import open_lines
from waterbed.store.folder import Folder
from waterbed.store.vault import Vault

_LINES_AT_ONCE = 20_000
"""Lines in one transaction."""
_BETWEEN: Final = timedelta(microseconds=1)
"""Time between two lines of a file: of two about one notice, the later one holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDefaults:
    """Sender and kind of lines that do not give them."""

    sender: str
    kind: NoticeKind = "ntd"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeImport:
    """Results of an import; each line is in one count.

    Comments are not counted.
    """

    imported: int
    known: int
    rejected: tuple[Rejected, ...]
    """The first MOST_REJECTED rejected lines."""
    rejections: int
    """Rejected lines."""
    recipients: frozenset[str]
    """Recipients of the valid lines, as in the file."""
    repeated: int = 0
    """Of the imported ones, those that another sender sent at the same time, about the same URL, to the same one."""


def import_notices(
    folder: Folder,
    lines: Iterator[NoticeLine | Rejected],
    defaults: NoticeDefaults,
    *,
    progress: Callable[[int], None] | None = None,
) -> NoticeImport:
    """Import notices, 20,000 lines a transaction.

    A notice about a URL that is unknown to the study is rejected. `progress` gets the number of notices so far.
    """
    rejected: list[Rejected] = []
    recipients: set[str] = set()
    imported = done = rejections = repeated = 0
    batch = list(islice(lines, _LINES_AT_ONCE))  # a file of the wrong kind fails here, before anything is written
    now = folder.clock()
    with folder.run("import") as run, stage("notices") as advance:
        while batch:
            bad = [line for line in batch if isinstance(line, Rejected)]
            good = [line for line in batch if isinstance(line, NoticeLine)]
            now = max(now, folder.clock())
            kept, new, again, refused = _one_batch(folder, good, defaults, now)
            now += len(kept) * _BETWEEN
            repeated += again
            bad += refused
            rejections += len(bad)
            rejected += sorted(bad, key=lambda line: line.line)[: MOST_REJECTED - len(rejected)]
            recipients.update(notice.recipient for notice in kept)
            if len(recipients) > MOST_SOURCES:
                raise InputError(
                    f"the file names more than {MOST_SOURCES:,} recipients; split it (docs/intake.md, Bounds)"
                )
            imported += new
            done += len(kept)
            run.done = advance.done = done
            if progress:
                progress(done)
            batch = list(islice(lines, _LINES_AT_ONCE))
    return NoticeImport(
        imported=imported,
        known=done - imported,
        rejected=tuple(rejected),
        rejections=rejections,
        recipients=frozenset(recipients),
        repeated=repeated,
    )


def _one_batch(
    folder: Folder, lines: list[NoticeLine], defaults: NoticeDefaults, now: datetime
) -> tuple[list[Notice], int, int, list[Rejected]]:
    """The notices of valid lines, the number of new ones and of repeated ones, and the rejected lines.

    Each line is received after the one before, the first one `now`.
    """
    store = folder.store
    about = [_about(line, folder.vault) for line in lines]
    kept: list[Notice] = []
    refused = []
    with store.writing() as connection:
        known = store.known_ids(Target, "url_id", {url_id for url_id in about if url_id}, connection)
        gone = store.forgotten_among(known, connection)
        for line, url_id in zip(lines, about, strict=True):
            reason = _reason(line, url_id, known, gone, now)
            if reason:
                refused.append(Rejected(line=line.line, reason=reason))
            else:
                kept.append(_fact(line, str(url_id), defaults, now + len(kept) * _BETWEEN))
        facts = {notice.notice_id: notice for notice in kept}
        known_notices = store.known_ids(Notice, "notice_id", facts, connection)
        new = [notice for notice_id, notice in facts.items() if notice_id not in known_notices]
        names = ("url_id", "recipient", "sent_at", "sender")
        sent = store.cells(Notice, names, "url_id", {notice.url_id for notice in new}, connection)
        senders: dict[tuple[str, str, datetime], set[str]] = defaultdict(set)
        for *what, sender in sent:
            senders[tuple(what)].add(sender)
        again = sum(bool(senders[notice.url_id, notice.recipient, notice.sent_at] - {notice.sender}) for notice in new)
        store.add(facts.values(), connection)
        _check_often(folder, new, now, connection)
    return kept, len(new), again, refused


def _check_often(folder: Folder, notices: list[Notice], now: datetime, connection: Any) -> None:
    """Check URLs of fresh notices now, and often from now on; old notices change nothing."""
    fresh = now - timedelta(seconds=folder.config.schedule.fresh_s)
    url_ids = sorted({notice.url_id for notice in notices if (notice.delivered_at or notice.sent_at) > fresh})
    begin_ladder(url_ids, now, now, connection)
    folder.store.make_due(now, url_ids, connection)


def _about(line: NoticeLine, vault: Vault) -> str | None:
    """The id of a line's URL; None if the line names two."""
    if line.canonical is None:
        return line.url_id
    url_id = vault.keyed_id("url", line.canonical.url)
    return url_id if line.url_id in (None, url_id) else None


def _reason(line: NoticeLine, url_id: str | None, known: set[str], gone: set[str], now: datetime) -> str | None:
    """The reason to reject a line; None if it is valid."""
    if url_id is None:
        return "url and url_id are different URLs"
    if url_id in gone:
        return "its URL was forgotten"
    if url_id not in known:
        return "its URL is unknown to the study; import its report first"
    for name in ("sent_at", "delivered_at", "acknowledged_at"):
        when = getattr(line, name)
        if when and when > now:
            return f"{name} is in the future"
    return None


def _fact(line: NoticeLine, url_id: str, defaults: NoticeDefaults, now: datetime) -> Notice:
    """The notice of a line. Its id is a hash of all fields: an update of a notice is a separate fact."""
    fields: dict[str, Any] = {
        "url_id": url_id,
        "kind": line.kind or defaults.kind,
        "sender": line.sender or defaults.sender,
        "recipient": line.recipient,
        "batch": line.batch,
        "channel": line.channel,
        "reminder": line.reminder,
        "sent_at": line.sent_at,
        "delivered_at": line.delivered_at,
        "bounced": line.bounced,
        "acknowledged_at": line.acknowledged_at,
        "response": line.response,
        "held_for_police": line.held_for_police,
    }
    if line.due_at is not None:  # else a notice has the id that it had before notices could state a time
        fields["due_at"] = line.due_at
    same = "\x00".join(f"{name}={value}" for name, value in fields.items())
    notice_id = hashlib.blake2b(same.encode(), digest_size=16).hexdigest()
    return Notice(notice_id=notice_id, received_at=now, **fields)


NOTICE_FORMATS: Final = ("csv", "scart")


def read_notices(
    path: Path, file_format: str, vault: Vault, zone: tzinfo | None = None, dates: str | None = None
) -> Iterator[NoticeLine | Rejected]:
    """Read a file of notices in the named format.

    InputError if the format is unknown or the file does not have it.
    """
    if file_format not in NOTICE_FORMATS:
        raise InputError(
            f"--format {shown(file_format)} is not known; one of {', '.join(NOTICE_FORMATS)} was expected "
            "(docs/notices.md)"
        )
    if file_format == "csv":
        if zone:
            raise InputError("--zone is for SCART's times; name --format scart, or leave it out (docs/notices.md)")
        return read_csv_notices(path, dates)
    if dates:
        raise InputError("--dates is for CSV; leave it out, or say --format csv (docs/intake.md, Dates)")
    lines = open_lines(path, "a file of notices")
    return parse_scart_notices(lines, str(path), partial(vault.keyed_id, "owner"), zone or UTC)
