"""A hoster's own list against what the study has at that hoster."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path

from waterbed.analysis.rankings.takedown import episodes_by_key
from waterbed.analysis.reconcile import Ours, Theirs, reconcile
from waterbed.intake.csv_table import Rejected
from waterbed.intake.hoster_lists import TheirLine, TheirList, read_their_list, with_answers
from waterbed.model.errors import InputError
from waterbed.model.table import Envelope
from waterbed.model.takedown import Reconciled
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import envelope
from waterbed.study.study import Study

ANSWERS = ("result", "days", "note")
"""Columns that are added to their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What came of one list. Secret: it holds their rows."""

    key: str
    name: str
    heading: Envelope
    rows: Sequence[Reconciled]
    theirs: TheirList

    def __repr__(self) -> str:
        """Say how many rows there are."""
        return f"<Reconciliation of {len(self.rows)} rows>"


def reconcile_list(study: Study, path: Path, hoster: str, *, dates: str | None = None) -> Reconciliation:
    """Hold a hoster's own list against the study's URLs at that hoster.

    InputError if the list cannot be read, or neither the study nor its book knows the hoster.
    """
    theirs = read_their_list(path, dates)
    done = study.conclude()
    on = (done.until or study.clock()).astimezone(UTC).date()
    key = done.attributor.book.on(on).company(hoster)
    ours = _ours(done, key)
    if not ours and not done.attributor.book.on(on).exists(key):
        raise InputError(
            "the study and its book know no such hoster; a key of waterbed rank was expected (docs/reconcile.md)"
        )
    rows = reconcile([_row(study, line) for line in theirs.read], ours, done.facts.targets.keys())
    heading = envelope(study, "reconciliation", by="url")
    return Reconciliation(key=key, name=done.attributor.name_of(key), heading=heading, rows=list(rows), theirs=theirs)


def _row(study: Study, line: TheirLine | Rejected) -> Theirs:
    if isinstance(line, Rejected):
        return Theirs(line=line.line, url_id=None, day=None, channel=None, reason=line.reason)
    url_id = str(study.vault.ids(line.spelled)["url_id"])
    return Theirs(line=line.line, url_id=url_id, day=line.day, channel=line.channel)


def _ours(done: Conclusions, key: str) -> dict[str, Ours]:
    """The URLs that were at a hoster or about which it was told, with days of notices and reports."""
    notices: dict[str, list[tuple[date, str | None]]] = defaultdict(list)
    latest = {notice.notice_id: notice for notice in done.facts.notices}
    for notice in done.notices:
        if notice.recipient == key and not notice.bounced:
            fact = latest.get(notice.notice_id)
            notices[notice.url_id].append((notice.sent_at.astimezone(UTC).date(), fact.channel if fact else None))
    reports: dict[str, list[date]] = defaultdict(list)
    for episode in episodes_by_key(done.episodes, "hoster").get(key, ()):
        there = reports[episode.url_id]
        for when in done.known[episode.url_id].reported:
            if episode.first_down is None or when < episode.first_down:
                there.append(when.astimezone(UTC).date())
    return {
        url_id: Ours(notices=sorted(notices[url_id], key=lambda each: each[0]), reports=sorted(set(reports[url_id])))
        for url_id in {*notices, *reports}
    }


def answered(found: Reconciliation) -> str:
    """Their own rows as they came, each with its result: nothing of anybody else's.

    A row that we do not have is told as such, whether or not the study knows the URL elsewhere.
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
    """How many rows have each result, in the order in which a reader asks for them."""
    for result in ("matched", "date differs", "only ours", "only theirs", "duplicate", "unreadable"):
        yield result, sum(row.result == result for row in rows)
