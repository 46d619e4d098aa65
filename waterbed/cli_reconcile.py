"""The command that holds a hoster's own list against ours."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.clocks import Reconciled
from waterbed.model.errors import InputError
from waterbed.publish.exports import write_whole
from waterbed.reconcile import Reconciliation, answered, counted, reconcile_list
from waterbed.study import open_study

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 100


def reconcile(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The hoster's own list: addresses, perhaps dates and channels.")],
    hoster: Annotated[str, typer.Option(help="The hoster's key, AS64500 or registry:HANDLE.", show_default=False)],
    dates: Annotated[
        str | None, typer.Option(help="dmy or mdy, if the file's dates leave it open.", show_default=False)
    ] = None,
    back: Annotated[
        Path | None, typer.Option(help="Write their own rows with our results here; holds addresses.")
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Hold a hoster's own list against ours: matched, dates that differ, only ours, only theirs, duplicates.

    Exit code 1 if anything does not match. For example: waterbed reconcile theirs.csv --hoster AS64500
    """
    if back is not None and back.exists() and back.samefile(file):
        raise InputError(f"--back {back} is the hoster's own file; name another one")
    with open_study(context.obj) as study:
        found = reconcile_list(study, file, hoster, dates=dates)
    if form is Format.table:
        _printed(found)
    else:
        for_tools(Reconciled, found.rows, found.heading, form)
    if back is not None:
        _written(back, answered(found))
    raise typer.Exit(0 if all(row.result == "matched" for row in found.rows) else 1)


def _written(path: Path, text: str) -> None:
    try:
        old = os.umask(0o077)  # it holds addresses: for its owner alone
        try:
            write_whole(path, text.encode(errors="surrogateescape"))
        finally:
            os.umask(old)
    except OSError as problem:
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place") from None


def _printed(found: Reconciliation) -> None:
    _out.print(f"{found.key}: {found.name}", style="bold", soft_wrap=True)
    told = ", ".join(f"{number:,} {result}" for result, number in counted(found.rows))
    _out.print(told, soft_wrap=True)
    odd = [row for row in found.rows if row.result != "matched"]
    if not odd:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("line", "url_id", "result", "days", "theirs", "ours", "told", "note"):
        table.add_column(name, justify="right" if name in ("line", "days") else "left", no_wrap=name != "note")
    for row in odd[:_SHOWN]:
        table.add_row(
            str(row.line or "-"),
            (row.url_id or "-")[:12],
            row.result,
            "-" if row.days is None else f"{row.days:+d}",
            row.their_date or "-",
            row.our_date or "-",
            "yes" if row.told else "-",
            _note(row),
        )
    _out.print(table)
    if len(odd) > _SHOWN:
        _out.print(f"... {len(odd) - _SHOWN:,} more; all of them with --format csv, json or parquet")


def _note(row: Reconciled) -> str:
    if row.first_line:
        return f"as line {row.first_line}"
    if row.channel_agrees is False:
        return "another channel"
    return row.reason or ("known elsewhere" if row.result == "only theirs" and row.known else "")
