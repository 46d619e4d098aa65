"""Names of what no field of a file reads, where none of its reports has a time of its own."""

import re
from pathlib import Path
from typing import Final

from waterbed.intake.csv_reports import named_columns, values_in_csv
from waterbed.intake.csv_table import looks_dated, same_header
from waterbed.intake.formats import HEAD, Reading, form_of
from waterbed.intake.json_reports import values_in_json
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.store.bounded.text import TextFile

_PAIR: Final = re.compile(r'"([^"\\]{1,64})"\s*:\s*"([^"\\]{8,40})"')
"""A key and its text, in JSON."""


def unread_in_file(path: Path, how: Reading) -> tuple[str, ...]:
    """Return the names in a file's first lines that no field reads: in CSV and JSON all, in other JSON those of times.

    InputError if in CSV or JSON there are such of times and nothing is read as the time of the report: the clocks
    would start at the import. `--column reported_at=` says that none of them is it.
    """
    head = TextFile(path, "a reports file").head(HEAD)
    form = form_of(how, head)
    if form == "csv":
        values = values_in_csv(head, how.columns)
    elif form in ("json", "jsonl"):
        values = values_in_json("".join(head), form)
    else:
        return tuple(sorted({name for name, value in _PAIR.findall("".join(head)) if looks_dated(value)}))
    names = named_columns(how.columns)
    unread = {name: value for name, value in values.items() if not _is_one(name, *names.values())}
    dated = [name for name, value in unread.items() if looks_dated(value)]
    known = any(value for name, value in values.items() if _is_one(name, names.get("reported_at", ())))
    reports = any(_is_one(name, names["url"]) for name in values)  # a file without a URL is refused for that
    if reports and dated and not known and how.columns.get("reported_at") != "":
        raise InputError(
            f"{path} has nothing that is read as reported_at, and {', '.join(map(shown, dated))} "
            f"{'holds' if len(dated) == 1 else 'hold'} times: say with --column reported_at=NAME which is the time of "
            "the report, or with --column reported_at= that none is and this import's time counts (docs/intake.md, "
            "Columns)"
        )
    return tuple(unread)


def _is_one(name: str, *fields: tuple[str, ...]) -> bool:
    """True if a name is one of those of some fields."""
    return any(same_header(name, one) for names in fields for one in names)
