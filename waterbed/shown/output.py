"""Output: consoles, tables, formats for tools, and exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal

from rich.cells import cell_len
from rich.console import Console

from waterbed.model.errors import InputError, OwnFailure, ReadOnly
from waterbed.model.progress import stage
from waterbed.model.redaction import refuse_address
from waterbed.model.shell import command
from waterbed.model.spelling import percent as spelled
from waterbed.shown.streams import unread

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

    from waterbed.model.table import TableInfo

# Neither tables, bars nor formats are loaded by a command that prints none of them: hence PLC0415 below.
OK, FINDING, USAGE, OURS = 0, 1, 2, 3
"""Exit codes: done; done and something was found; the user's to mend; our fault."""

if (_COLUMNS := os.environ.get("COLUMNS", "")) and not (_COLUMNS.isdecimal() and int(_COLUMNS)):
    del os.environ["COLUMNS"]  # nothing fits in a width of 0: some terminals say so where they know none
console = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
SHOWN = 40
"""Rows of a long table shown to people; the other formats print all."""
_OUTPUT = {"quiet": False}
"""Output beside results; the root option --quiet sets it."""

Look = Literal["ruled", "wide", "open", "bold"]
"""Table styles: a ruled head with less or more padding; no rule; a bold title with margins."""
_PADDING: dict[Look, tuple[int, int, int, int]] = {
    "ruled": (0, 1, 0, 0),
    "wide": (0, 1, 0, 1),
    "open": (0, 2, 0, 0),
    "bold": (0, 1, 0, 1),
}


def be_quiet(quiet: bool = True) -> None:
    """Print only results and errors from now on, or not.

    Progress, notes and confirmations are left out.
    """
    _OUTPUT["quiet"] = quiet


def say(text: str = "", *, style: str | None = None, broken: bool = False) -> None:
    """Print one line of a result.

    Broken: a sentence, wrapped between words at a terminal's width. Other programs get each line whole.
    """
    console.print(_obeyed_by_none(text), style=style, soft_wrap=not (broken and console.is_terminal))


def note(text: str, *, broken: bool = False) -> None:
    """Print a note or confirmation, unless --quiet is set.

    Broken: wrapped at the terminal's width.
    """
    if not _OUTPUT["quiet"]:
        console.print(_obeyed_by_none(text), soft_wrap=not broken)


def unchecked(study: Path) -> None:
    """Tell that nothing was measured, and where it goes on."""
    note(f"No URL was checked yet; {command('status', study=study)} says what comes next.", broken=True)


_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that terminals obey or turn lines around by."""


def _obeyed_by_none(text: str) -> str:
    """A text whose control characters are shown as escapes: no terminal obeys them."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def complain(problem: object, who: str = "waterbed: ") -> None:
    """Print a problem on standard error, in one line.

    Control characters of what it quotes are shown as escapes: no terminal obeys them.
    """
    err.print(_obeyed_by_none(" ".join(f"{who}{problem}".split())), style="red", soft_wrap=True)


def page_of(file: IO[str], width: int) -> Console:
    """A colourless console of given width, writing to a file."""
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False, no_color=True)


@contextmanager
def written_at(place: object, *, published: bool = False) -> Iterator[None]:
    """InputError for a place that cannot be written.

    Nor may a study's own files or its keys be replaced, or anything be put into a publication that is not `published`.
    Full disks and failed reads are said as everywhere.
    """
    from waterbed.store.integrity import UNNAMED, disk_trouble  # noqa: PLC0415 (see above)
    from waterbed.store.own_files import refuse_own  # noqa: PLC0415 (see above)
    from waterbed.store.whole.replacing import refuse_published  # noqa: PLC0415 (see above)

    refuse_address(place, "a place")
    try:
        refuse_own(Path(str(place)))
        if not published:
            refuse_published(Path(str(place)))
        yield
    except OSError as problem:
        trouble, at, failed = disk_trouble(problem), Path(str(place)), Path(str(problem.filename or ""))
        here = isinstance(trouble, ReadOnly) or at.is_relative_to(failed) or failed.is_relative_to(at)
        if isinstance(trouble, OwnFailure) or (trouble and not here and problem.errno not in UNNAMED):
            raise trouble from None
        what = "" if here or not problem.filename else f": {problem.filename}"
        raise InputError(f"{place} cannot be written ({problem.strerror}{what}); name another place") from None


def written(files: Sequence[Path]) -> None:
    """Print which files were written, the page last."""
    note(f"wrote {len(files)} files to {files[0].parent}")
    note(f"page: {files[-1].resolve()}")


def new_table(title: str = "", *names: str, look: Look = "ruled", overflow: Literal["fold"] | None = "fold") -> Table:
    """A table for people; named columns fold when narrow.

    Other columns are added by hand.
    """
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 (see above)
    from rich.table import Table  # noqa: PLC0415 (see above)

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold" if look == "bold" else None,
        box=None if look == "open" else SIMPLE_HEAD,
        pad_edge=look == "bold",
        padding=_PADDING[look],
    )
    for name in names:
        made.add_column(name, overflow=overflow or "ellipsis")
    return made


def print_table(made: Table, on: Console = console, *, unbroken: bool = False) -> None:
    """Print a table, wider than the terminal if necessary.

    No column is cut off.
    An unbroken title is not held to the table's width.
    """
    columns = made.columns
    gap = made.padding[1] + made.padding[3]
    need = sum((column.min_width or column.width or 1) + gap for column in columns)
    need += 0 if made.pad_edge else -gap
    if made.box:
        need += len(columns) + 1
    if need > on.width:
        made.width = need
    on.print(made, crop=False, no_wrap=unbroken or None, overflow="ignore" if unbroken else None)


def whole(made: Table) -> Table:
    """Make each column as wide as its longest cell."""
    return unbroken(made, [str(column.header) for column in made.columns])


def unbroken(made: Table, headings: Sequence[str]) -> Table:
    """Make columns, by heading, as wide as their longest cells.

    Others give way where a terminal is narrow.
    """
    for column in made.columns:
        if column.header in headings:
            column.no_wrap = True
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    return made


def more(rows: int, shown: int = SHOWN, formats: str = "csv, json or parquet", on: Console = console) -> None:
    """Print how many rows were left out, and the remedy."""
    if rows > shown:
        on.print(f"... {rows - shown:,} more; all of them with --format {formats}")


def print_rows(
    cls: type, rows: Sequence[Any], info: TableInfo, form: str, *, columns: Mapping[str, str] | None = None, **how: Any
) -> None:
    """Print rows of a class for people or tools.

    People see `columns` (heading to field; else all fields), tools all fields.
    `how` is for people: `title`, `look`, `shown` (rows), `total` (if there are more than these rows), `cell`, which
    formats a value, and `unbroken`: headings of columns that never fold; ids and times never do.
    """
    if form != "table":
        for_tools(cls, rows, info, form)
        return
    named = columns if columns is not None else {field.name: field.name for field in fields(cls)}
    cell, shown, total = how.get("cell", short), how.get("shown", SHOWN), how.get("total", len(rows))
    made = new_table(how.get("title", ""), *named, look=how.get("look", "ruled"))
    for row in rows[:shown]:
        made.add_row(*(cell(getattr(row, name)) for name in named.values()))
    whole_cells = [head for head, name in named.items() if any(_is_whole(getattr(row, name)) for row in rows[:shown])]
    unbroken(made, [*how.get("unbroken", ()), *whole_cells])
    for column in made.columns if whole_cells else ():
        longest = max(len(str(cell)) for cell in (column.header, *column.cells))
        column.min_width = column.min_width or min(longest, _LEAST_WIDTH)
    print_table(made)
    more(total, shown or total)


def _is_whole(value: Any) -> bool:
    """True for an id or a time, which nobody could copy from two lines."""
    return hasattr(value, "strftime") or (isinstance(value, str) and _ID.fullmatch(value) is not None)


_ID = re.compile("[0-9a-f]{32}")
_LEAST_WIDTH = 6
"""Width that a column keeps beside ids and times."""


def for_tools(cls: type, rows: Sequence[Any], info: TableInfo, form: str) -> None:
    """Write rows to standard output in a format for tools."""
    from waterbed.study.formats import as_csv, as_json, as_parquet  # noqa: PLC0415 (see above)

    with stage("formatting"):
        made = (
            as_parquet(cls, rows, info)
            if form == "parquet"
            else as_csv(cls, rows)
            if form == "csv"
            else as_json(cls, rows, info)
        )
    if isinstance(made, bytes):
        _binary().write(made)
    else:
        sys.stdout.write(made)


def _binary() -> BinaryIO:
    """Standard output for bytes; InputError if it is a terminal."""
    if sys.stdout.isatty():
        raise InputError(
            "Parquet is not text for a terminal; end the command with > FILE.parquet, or name another --format"
        )
    return sys.stdout.buffer


def print_tables(
    cls: type, tables: Iterable[pa.Table], rows: int, info: TableInfo, form: str, **for_people: Any
) -> None:
    """Print rows of a class that come in Arrow tables.

    `rows` is how many there are; `for_people` is what `print_rows` takes for them.
    """
    from waterbed.study.formats import arrow_schema  # noqa: PLC0415 (see above)
    from waterbed.study.streams import csv_pieces, json_pieces, write_parquet  # noqa: PLC0415 (see above)

    if form == "table":
        first = [row for table in islice(tables, 1) for row in table.slice(0, SHOWN).to_pylist()]
        print_rows(cls, [SimpleNamespace(**row) for row in first], info, form, total=rows, **for_people)
        return
    with stage("formatting", rows) as advance:
        counted = _counted(tables, advance)
        if form == "parquet":
            write_parquet(arrow_schema(cls, info), counted, _binary())
            return
        for piece in csv_pieces(cls, counted) if form == "csv" else json_pieces(cls, counted, info):
            sys.stdout.write(piece)


def _counted(tables: Iterable[pa.Table], advance: Callable[[int], None]) -> Iterator[pa.Table]:
    """Pass tables on while anybody reads what is made of them."""
    for table in tables:
        if unread():
            return
        yield table
        advance(table.num_rows)


def print_cells(names: Sequence[str], found: Sequence[Sequence[Any]], form: str) -> None:
    """Print rows that have no dataclass."""
    if form == "table":
        made = new_table("", *names, overflow=None)
        for row in found[:SHOWN]:
            made.add_row(*map(str, row))
        print_table(made)
        more(len(found), formats="csv or json")
        return
    if form == "json":
        sys.stdout.write(json.dumps([dict(zip(names, row, strict=True)) for row in found], indent=1) + "\n")
        return
    from waterbed.study.formats import defused, parquet_of  # noqa: PLC0415 (see above)

    if form == "parquet":
        cells = [[str(cell) for cell in column] for column in zip(*found, strict=True)] or [[] for _ in names]
        _binary().write(parquet_of(names, cells))
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *([*map(defused, row)] for row in found)])
    sys.stdout.write(text.getvalue())


def days_of(window: str) -> str:
    """The first and last day of a window of times."""
    return " to ".join(end[:10] for end in window.split("/")) if "/" in window else window


def short(value: Any) -> str:
    """Shorten a value for a narrow cell.

    Ids are cut, and times lose their year.
    """
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if hasattr(value, "strftime"):
        return str(value.strftime("%m-%d %H:%M"))
    return value[:12] if isinstance(value, str) and len(value) == 32 else str(value)


def minute(value: Any) -> str:
    """Format a time to the minute, a dash for none."""
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"


def percent(share: float | None, digits: int = 1) -> str:
    """Format a share in percent, a dash for none."""
    return "-" if share is None else spelled(share, digits)


def points(difference: float | None, digits: int = 1) -> str:
    """Format a difference of shares in percentage points.

    A dash for none.
    """
    return "-" if difference is None else f"{100 * difference:.{digits}f} points"


def number(value: float | None, form: str) -> str:
    """Format a number, a dash for none."""
    return "-" if value is None else format(value, form)


_LEFT_COLUMNS = ("key", "name", "class", "source", "deliveries")


def print_columns(title: str, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a table whose names shrink to numbers when narrow."""
    table = new_table(title)
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    room = console.width - sum(w + 1 for name, w in zip(names, widths, strict=True) if name != "name")
    for name, width in zip(names, widths, strict=True):
        table.add_column(
            name,
            justify="left" if name in _LEFT_COLUMNS else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if name == "name" else width,
            max_width=max(8, min(width, room - 1)) if name == "name" else None,
        )
    for row in cells:
        table.add_row(*row)
    print_table(table)


def hours_text(value: float | None) -> str:
    """Hours as a table shows them."""
    return "-" if value is None else f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
