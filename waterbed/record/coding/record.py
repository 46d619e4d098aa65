"""Puts codes on record, one or a sheet of them."""

import csv
import io
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from waterbed.attribution.hosters.changes import find_change
from waterbed.governance.hosters import audited, coding_of, read_book
from waterbed.governance.keys import stated_reason
from waterbed.model import decisions as double
from waterbed.model.decisions import Coding
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something
from waterbed.record.coding.items import CODES, HOSTERS, SEE, Item
from waterbed.record.coding.queues import items
from waterbed.store.audit import who
from waterbed.store.bounded.files import content
from waterbed.store.bounded.limits import MOST_CODES, MOST_COLUMNS, MOST_SHEET
from waterbed.store.folder import real_clock
from waterbed.store.whole.files import DISK, write_whole
from waterbed.study.formats import defused
from waterbed.study.study import Study

_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A person's code for an item.

    `where` names it in errors.
    """

    item_id: str
    code: str
    note: str = ""
    where: str = ""


def named(coder: str | None) -> str:
    """The name of a coder, by default the account.

    InputError if it cannot be a name.
    """
    name = " ".join((coder if coder is not None else who()).split())
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME or names_something(name):
        raise InputError(
            f"--coder must be a name of up to {_LONGEST_NAME} characters, no address; it is kept in the clear ({SEE})"
        )
    return name


def give(study: Study, queue: str, codes: Iterable[Given], coder: str, *, adjudicates: bool = False) -> list[Coding]:
    """Put a person's codes on record, all or none.

    Returns those that were new. A code that the person gave to the item before is passed over if it is the same. The
    audit says that somebody coded, and not what, since a second coder must not learn it. InputError, with its place,
    for what may not be given.
    """
    given, store = list(codes), study.store
    known = {item.item_id: item.codes for item in items(study, queue)} if given and queue != HOSTERS else {}
    made: list[Coding] = []
    with store.writing() as connection:  # on SQLite two people code one after the other
        before = store.all(Coding)
        _refuse_spelling(coder, {one.coder for one in before})
        coded = double.by_item(before, queue)
        known = {**dict.fromkeys(coded, CODES[queue]), **known}
        now = max([real_clock(), *(one.coded_at + timedelta(microseconds=1) for one in before)])
        for one in given:
            try:
                if queue == HOSTERS:
                    coding = _of_change(study, one, coded, coder, adjudicates)
                else:
                    when = now + timedelta(microseconds=len(made))
                    coding = _of_item(queue, one, known, coded, coder, adjudicates, when)
            except InputError as problem:
                raise InputError(f"{one.where}{problem}") from None
            if coding:
                made.append(coding)
                coded.setdefault(coding.item_id, []).append(coding)
        audits = [audited(f"code {queue}", one.item_id, f"coded by {coder}", who()) for one in made]
        store.add([*made, *audits], connection)
    return made


def _refuse_spelling(coder: str, others: Collection[str]) -> None:
    """Refuse a name on record that is spelled otherwise.

    One person would count as two.
    """
    for one in others:
        if one != coder and _folded(one) == _folded(coder):
            raise InputError(f"this coder is on record as {one!r}; spell the name as there ({SEE})")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def found(item: str, known: Collection[str]) -> str:
    """The item with an id, or with its beginning.

    InputError if there is none, or several.
    """
    beginning = item.strip()
    if beginning in known:
        return beginning
    match = [one for one in known if beginning and one.startswith(beginning)]
    if len(match) == 1:
        return match[0]
    said = "that" if names_something(item) or not item.isprintable() else repr(item)
    problem = f"is the beginning of {len(match)} ids: give more of it" if match else "is not an item of this queue"
    raise InputError(f"{said} {problem}; waterbed code queue lists what waits ({SEE})")


def _of_item(
    queue: str,
    one: Given,
    known: Mapping[str, tuple[str, ...]],
    coded: Mapping[str, Sequence[Coding]],
    coder: str,
    adjudicates: bool,
    when: datetime,
) -> Coding | None:
    item_id, note = found(one.item_id, known), stated_reason(one.note) if one.note.strip() else ""
    its = coded.get(item_id, ())
    if _is_there(its, one, coder, adjudicates):
        return None
    double.check_coding(f"item {item_id}", its, coder, one.code, codes=known[item_id], adjudicates=adjudicates, see=SEE)
    return Coding(
        coding_id=uuid.uuid4().hex,
        queue=queue,
        item_id=item_id,
        coder=coder,
        code=one.code,
        adjudicates=adjudicates,
        note=note,
        coded_at=when,
    )


def _of_change(
    study: Study, one: Given, coded: Mapping[str, Sequence[Coding]], coder: str, adjudicates: bool
) -> Coding | None:
    change_id = find_change(read_book(study.folder).changes, one.item_id.strip()).change_id
    its = coded.get(change_id, ())
    if _is_there(its, one, coder, adjudicates):
        return None
    if any(old.coder == coder for old in its):  # in the same sheet, too
        raise InputError(f"{coder} has coded change {change_id} already; a code is not changed ({SEE})")
    return coding_of(study.folder, change_id, one.code, note=one.note, adjudicates=adjudicates, person=coder)


def _is_there(its: Sequence[Coding], one: Given, coder: str, adjudicates: bool) -> bool:
    return any((old.coder, old.code, old.adjudicates) == (coder, one.code, adjudicates) for old in its)


_ASKED: Final = ("code", "note")
_EXPECTED: Final = f"a sheet of waterbed code sheet was expected ({SEE})"


def write_sheet(path: Path, queue: str, items: Sequence[Item]) -> None:
    """Write a CSV file with a row for each item.

    A row holds the evidence, and room for code and note. InputError if there is such a file: it may have been filled
    in.
    """
    if path.exists():
        raise InputError(f"{path} exists already, and may hold codes; name another file ({SEE})")
    names = list(dict.fromkeys(name for item in items for name in item.evidence))
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["queue", "item_id", *names, *_ASKED])
    for item in items:
        evidence = (defused(item.evidence.get(name, "")) for name in names)
        table.writerow([queue, item.item_id, *evidence, *("" for _ in _ASKED)])
    try:
        write_whole(path, out.getvalue().encode())
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place") from None


def read_sheet(path: Path) -> tuple[str, list[Given]]:
    """The queue of a sheet and the codes filled in.

    Rows without a code are passed over. InputError if it is no sheet, names or names several queues.
    """
    try:
        text = content(path, "a sheet in CSV", MOST_SHEET, SEE).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if len(rows.fieldnames or ()) > MOST_COLUMNS:
            raise InputError(
                f"{path} has more than {MOST_COLUMNS} columns; no sheet of waterbed code sheet has ({SEE})"
            )
        missing = [name for name in ("queue", "item_id", "code") if name not in (rows.fieldnames or ())]
        if missing:
            raise InputError(
                f"{path} lacks the column {missing[0]!r}; a sheet of waterbed code sheet was expected ({SEE})"
            )
        filled = [(rows.line_num, row) for row in islice(rows, MOST_CODES) if (row["code"] or "").strip()]
        if next(rows, None) is not None:
            raise InputError(f"{path} has more than {MOST_CODES:,} rows; no sheet of waterbed code sheet has ({SEE})")
    except (csv.Error, UnicodeDecodeError):
        raise InputError(
            f"{path} is not a CSV file in UTF-8; a sheet of waterbed code sheet was expected ({SEE})"
        ) from None
    queues = sorted({(row["queue"] or "").strip() for _, row in filled})
    if len(queues) > 1 or any(name not in CODES for name in queues):
        raise InputError(f"{path}: each row must name the one queue of the sheet, {', '.join(CODES)} ({SEE})")
    codes = [
        Given(
            item_id=(row["item_id"] or "").strip(),
            code=(row["code"] or "").strip().lower(),
            note=row.get("note") or "",
            where=f"{path.name}, line {line}: ",
        )
        for line, row in filled
    ]
    return (queues[0] if queues else ""), codes
