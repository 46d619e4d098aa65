"""One import of notices: facts, and lines rejected with reasons."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from waterbed.intake.csv_notices import (
    Keys,
    NoticeLine,
    NoticeLines,
    NoticeUpdate,
    read_csv_notices,
    refuse_contradiction,
)
from waterbed.intake.csv_table import BadCell, Rejected, in_future
from waterbed.intake.scart import parse_scart_notices
from waterbed.model.errors import InputError
from waterbed.model.facts import Notice, NoticeKind, Target
from waterbed.model.notices import FILLED, Company, joined_notice, same_notice
from waterbed.model.progress import stage
from waterbed.model.redaction import shown
from waterbed.store.backlog import begin_ladder
from waterbed.store.bounded.limits import MOST_REJECTED, MOST_SOURCES
from waterbed.store.bounded.text import open_lines
from waterbed.store.folder import Folder
from waterbed.store.vault import Vault

_LINES_AT_ONCE = 20_000
"""Lines in one transaction."""
_LATER: Final = ("delivered_at", "bounced", "acknowledged_at", "response", "held_for_police", "withdrawn")
"""Fields that a line with the id of a notice can tell."""
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
    updated: int
    """Lines that tell more, or otherwise, of a known notice."""
    known: int
    rejected: tuple[Rejected, ...]
    """The first MOST_REJECTED rejected lines."""
    rejections: int
    """Rejected lines."""
    recipients: Mapping[str, tuple[int, int]]
    """Recipients of the valid lines, as in the file: the first line of each, and how many."""
    withdrawn: int = 0
    """Lines about withdrawn notices, without a notice_id: they bring none back."""
    repeated: int = 0
    """Of the imported ones, those that another sender sent at the same time, about the same URL, to the same one."""


def import_notices(
    folder: Folder,
    lines: NoticeLines,
    defaults: NoticeDefaults,
    *,
    company: Company = lambda recipient, _: recipient,
    progress: Callable[[int], None] | None = None,
) -> NoticeImport:
    """Import notices, 20,000 lines a transaction.

    A notice about a URL that is unknown to the study is rejected. `company` tells whether a line that names a notice
    gives its recipient another of its names. `progress` gets the number of notices so far.
    """
    rejected: list[Rejected] = []
    recipients: dict[str, tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    batch = list(islice(lines, _LINES_AT_ONCE))  # a file of the wrong kind fails here, before anything is written
    now = folder.clock()
    with folder.run("import") as run, stage("notices") as advance:
        while batch:
            now = max(now, folder.clock())
            done = _one_batch(folder, batch, defaults, company, now)
            now += len(batch) * _BETWEEN
            counts.update(done.counts)
            rejected += sorted(done.rejected, key=lambda line: line.line)[: MOST_REJECTED - len(rejected)]
            for line, recipient in done.recipients:
                first, times = recipients.get(recipient, (line, 0))
                recipients[recipient] = (first, times + 1)
            if len(recipients) > MOST_SOURCES:
                raise InputError(
                    f"the file names more than {MOST_SOURCES:,} recipients; split it (docs/intake.md, Bounds)"
                )
            run.done = advance.done = sum(counts[name] for name in ("imported", "updated", "known"))
            if progress:
                progress(run.done)
            batch = list(islice(lines, _LINES_AT_ONCE))
    return NoticeImport(
        imported=counts["imported"],
        updated=counts["updated"],
        known=counts["known"],
        rejected=tuple(rejected),
        rejections=counts["rejected"],
        recipients=recipients,
        withdrawn=counts["withdrawn"],
        repeated=counts["repeated"],
    )


@dataclass(slots=True)
class _Batch:
    """What became of some lines."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)
    recipients: list[tuple[int, str]] = field(default_factory=list)
    """Line and recipient of those that name one."""

    def refuse(self, line: int, reason: str) -> None:
        self.rejected.append(Rejected(line=line, reason=reason))


class _Record:
    """The notices on record about the URLs of some lines."""

    def __init__(self, notices: Iterable[Notice]) -> None:
        self._by_id: dict[str, Notice] = {}
        self._facts: dict[tuple[object, ...], list[Notice]] = defaultdict(list)
        self._senders: dict[tuple[object, ...], set[str]] = defaultdict(set)
        for notice in notices:
            self.takes(notice)
        for words in self._facts.values():
            if not self.withdrawn(words[0]):
                self._senders[self._sending(words[0])].add(words[0].sender)

    def takes(self, notice: Notice) -> str:
        """Take in a notice: imported, updated or known."""
        known, about = notice.notice_id in self._by_id, self._facts[same_notice(notice)]
        self._by_id[notice.notice_id] = notice
        about.append(notice)
        return "known" if known else "updated" if len(about) > 1 else "imported"

    def latest(self, notice_id: str) -> Notice | None:
        """Return the notice of an id, with its updates."""
        fact = self._by_id.get(notice_id)
        return joined_notice(self._facts[same_notice(fact)]) if fact else None

    def withdrawn(self, notice: Notice) -> bool:
        """True if a notice is withdrawn, by its last word."""
        words = self._facts[same_notice(notice)]
        return any(word.withdrawn for word in words) and bool(joined_notice(words).withdrawn)

    def repeats(self, notice: Notice) -> bool:
        """True if another sender sent it before this import."""
        return bool(self._senders[self._sending(notice)] - {notice.sender})

    @staticmethod
    def _sending(notice: Notice) -> tuple[object, ...]:
        return notice.url_id, notice.recipient, notice.sent_at


def _one_batch(
    folder: Folder,
    lines: list[NoticeLine | NoticeUpdate | Rejected],
    defaults: NoticeDefaults,
    company: Company,
    now: datetime,
) -> _Batch:
    """Store the notices of valid lines. Each line is received after the one before, the first one `now`."""
    store, done = folder.store, _Batch()
    about = [None if isinstance(line, Rejected) else _about(line, folder.vault) for line in lines]
    named = {line.notice_id for line in lines if isinstance(line, NoticeUpdate)}
    url_ids = {url_id for url_id in about if url_id} | {one.url_id for one in store.by_ids(Notice, "notice_id", named)}
    facts: dict[str, Notice] = {}
    new: list[Notice] = []
    with store.writing() as connection:
        known = store.known_ids(Target, "url_id", url_ids, connection)
        gone = store.forgotten_among(known, connection)
        record = _Record(
            store.by_ids(Notice, "url_id", known, connection)
        )  # one whose URL was forgotten can be withdrawn
        for number, (line, url_id) in enumerate(zip(lines, about, strict=True)):
            received_at = now + number * _BETWEEN
            if isinstance(line, Rejected):
                done.rejected.append(line)
                continue
            if isinstance(line, NoticeUpdate):
                latest = record.latest(line.notice_id)
                made = _updated(line, url_id, latest, company, received_at)
                reason = made if isinstance(made, str) else _future(line, now)
            else:
                reason = _reason(line, url_id, known, gone, now)
                made = _fact(line, str(url_id), defaults, received_at)
            if reason or isinstance(made, str):
                done.refuse(line.line, str(reason))
                continue
            became = record.takes(made) if made else "known"
            done.counts[became] += 1
            if made:
                facts[made.notice_id] = made
            withdrawn = bool(made and record.withdrawn(made))
            if made and became != "known" and not withdrawn:
                new.append(made)
            done.counts["withdrawn"] += withdrawn and isinstance(line, NoticeLine)
            if isinstance(line, NoticeLine):
                done.recipients.append((line.line, line.recipient))
            if made and became == "imported":
                done.counts["repeated"] += record.repeats(made)
        store.add(facts.values(), connection)
        _check_often(folder, new, now, connection)
    done.counts["rejected"] = len(done.rejected)
    return done


_UNKNOWN_NOTICE: Final = (
    "its notice_id is of no notice of the study; waterbed compliance --table notices --format csv lists them"
)


def _other_notice(line: NoticeUpdate, url_id: str | None, latest: Notice, company: Company) -> str | None:
    """The reason to reject a line that describes another notice than the one that it names; None if it does not."""
    named, on = line.recipient or latest.recipient, latest.delivered_at or latest.sent_at
    differ = {
        "url": line.canonical is not None and url_id != latest.url_id,
        "url_id": line.url_id not in (None, latest.url_id),
        "recipient": named != latest.recipient and company(named, on) != company(latest.recipient, on),
        "kind": line.kind not in (None, latest.kind),
        "sent_at": line.sent_at is not None and not _same_sending(line.sent_at, latest.sent_at),
    }
    for name, differs in differ.items():
        if differs:
            return f"{name} is not that of the notice with its notice_id; a new notice has no notice_id"
    if line.reminder and not latest.reminder:
        return "reminder is yes, and the notice with its notice_id is none; a new notice has no notice_id"
    return None


def _same_sending(told: datetime, sent_at: datetime) -> bool:
    """True if a line tells when a notice was sent; spreadsheets leave out seconds."""
    return abs(told - sent_at) < timedelta(seconds=1) or told == sent_at.replace(second=0, microsecond=0)


def _updated(
    line: NoticeUpdate, url_id: str | None, latest: Notice | None, company: Company, now: datetime
) -> Notice | str | None:
    """The fact that a line adds to a notice: None if it tells nothing new, the reason to reject it as a text."""
    if latest is None:
        return _UNKNOWN_NOTICE
    if reason := _other_notice(line, url_id, latest, company):
        return reason
    told = {name: value for name in _LATER if (value := getattr(line, name)) is not None}
    if not latest.withdrawn and not line.withdrawn:
        told.pop("withdrawn", None)
    came_back = {"delivered_at": None, "acknowledged_at": None} if line.bounced else {}
    after = replace(latest, **{**came_back, **told})
    if after == latest:
        return None
    if told.keys() != {"withdrawn"}:
        try:
            refuse_contradiction(after)
        except BadCell as problem:
            return str(problem)
    empty = dict.fromkeys(FILLED)
    # a notice can be withdrawn and taken back any number of times, each after the word before it
    before = latest.notice_id if after.withdrawn != latest.withdrawn else None
    received_at = max(now, latest.received_at + _BETWEEN)
    return _with_id(replace(latest, **{**empty, **told}, received_at=received_at), before)


def _check_often(folder: Folder, notices: list[Notice], now: datetime, connection: Any) -> None:
    """Check URLs of fresh notices now, and often from now on; old notices change nothing."""
    fresh = now - timedelta(seconds=folder.config.schedule.fresh_s)
    url_ids = sorted({notice.url_id for notice in notices if (notice.delivered_at or notice.sent_at) > fresh})
    begin_ladder(url_ids, now, now, connection)
    folder.store.make_due(now, url_ids, connection)


def _about(line: NoticeLine | NoticeUpdate, vault: Vault) -> str | None:
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
    return _future(line, now)


def _future(line: NoticeLine | NoticeUpdate, now: datetime) -> str | None:
    """The reason to reject a line that tells what is yet to come."""
    for name in ("sent_at", "delivered_at", "acknowledged_at"):
        when = getattr(line, name, None)
        if when and when > now:
            return in_future(name, now)
    return None


def _fact(line: NoticeLine, url_id: str, defaults: NoticeDefaults, now: datetime) -> Notice:
    """The notice of a line."""
    return _with_id(
        Notice(
            notice_id="",
            url_id=url_id,
            kind=line.kind or defaults.kind,
            sender=line.sender or defaults.sender,
            recipient=line.recipient,
            batch=line.batch,
            channel=line.channel,
            reminder=line.reminder,
            sent_at=line.sent_at,
            delivered_at=line.delivered_at,
            bounced=line.bounced,
            acknowledged_at=line.acknowledged_at,
            response=line.response,
            held_for_police=line.held_for_police,
            received_at=now,
            due_at=line.due_at,
        )
    )


def _with_id(notice: Notice, before: str | None = None) -> Notice:
    """The notice with its id, a hash of all that is told: an update of a notice is a separate fact.

    With the id of the fact `before` it, the same can be told again later.
    """
    told = {one.name: getattr(notice, one.name) for one in fields(Notice) if one.name not in _UNTOLD}
    for name in ("due_at", "withdrawn"):  # without them a notice has the id that it had before it could have them
        if told[name] is None:
            del told[name]
    if before:
        told["before"] = before
    same = "\x00".join(f"{name}={value}" for name, value in told.items())
    return replace(notice, notice_id=hashlib.blake2b(same.encode(), digest_size=16).hexdigest())


_UNTOLD: Final = ("notice_id", "received_at")


NOTICE_FORMATS: Final = ("csv", "scart")


def read_notices(
    path: Path,
    file_format: str,
    vault: Vault,
    zone: tzinfo | None = None,
    dates: str | None = None,
    keys: Keys = tuple,
) -> NoticeLines:
    """Read a file of notices in the named format.

    InputError if the format is unknown or the file does not have it.
    """
    if file_format not in NOTICE_FORMATS:
        raise InputError(
            f"--format {shown(file_format)} is not known; one of {', '.join(NOTICE_FORMATS)} was expected "
            "(docs/notices.md)"
        )
    if file_format == "csv":
        return read_csv_notices(path, dates, keys, zone)
    if dates:
        raise InputError("--dates is for CSV; leave it out, or say --format csv (docs/intake.md, Dates)")
    lines = open_lines(path, "a file of notices")
    return parse_scart_notices(lines, str(path), partial(vault.keyed_id, "owner"), zone or UTC)
