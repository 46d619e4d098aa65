"""Sheets for coders who do not have the study: ids and evidence out, codes in."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from waterbed.analysis.coding.items import CODES, SEE, Item
from waterbed.analysis.coding.record import Given
from waterbed.model.errors import InputError
from waterbed.study.formats import defused, write_whole

_ASKED: Final = ("code", "note")
_EXPECTED: Final = f"a sheet of waterbed code sheet was expected ({SEE})"


def write_sheet(path: Path, queue: str, items: Sequence[Item]) -> None:
    """Write a CSV file with a row for each item, its evidence, and room for code and note.

    InputError if there is such a file: it may have been filled in.
    """
    if path.exists():
        raise InputError(f"{path} exists already, and may hold codes; name another file ({SEE})")
    names = list(dict.fromkeys(name for item in items for name in item.evidence))
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["queue", "item_id", *names, *_ASKED])
    for item in items:
        told = (defused(item.evidence.get(name, "")) for name in names)
        table.writerow([queue, item.item_id, *told, *("" for _ in _ASKED)])
    try:
        write_whole(path, out.getvalue().encode())
    except OSError as problem:
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place") from None


def read_sheet(path: Path) -> tuple[str, list[Given]]:
    """The queue of a sheet and the codes filled in; rows without a code are passed over.

    InputError if it is no sheet, names or names several queues.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            missing = [name for name in ("queue", "item_id", "code") if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{path} has no column {missing[0]!r}; a sheet of waterbed code sheet was expected ({SEE})"
                )
            filled = [(rows.line_num, row) for row in rows if (row["code"] or "").strip()]
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); a sheet in CSV was expected ({SEE})") from None
    except (csv.Error, UnicodeDecodeError):
        raise InputError(
            f"{path} is no CSV file in UTF-8; a sheet of waterbed code sheet was expected ({SEE})"
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
