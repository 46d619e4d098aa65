"""The `reconcile` command: a hoster's own list compared with ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.model.takedown import Reconciled
from waterbed.shown.options import Format, Formatted, to_write
from waterbed.shown.output import for_tools, more, new_table, print_table, say, written_at

if TYPE_CHECKING:
    from waterbed.record.reconcile import Reconciliation

_SHOWN = 100


def reconcile(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The hoster's own list: addresses, perhaps dates and channels.")],
    hoster: Annotated[str, typer.Option(help="The hoster's key, AS64500 or registry:HANDLE.", show_default=False)],
    dates: Annotated[
        str | None, typer.Option(help="dmy or mdy, if the file's dates leave it open.", show_default=False)
    ] = None,
    back: Annotated[
        Path | None, typer.Option(help="Write their rows with our results here; contains addresses.", callback=to_write)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Compare a hoster's own list with the study.

    Rows match, differ in dates, are only ours, are only theirs, or are duplicates.
    Exit code 1 if anything does not match. For example: waterbed reconcile theirs.csv --hoster AS64500
    """
    from waterbed.record.reconcile import answered, reconcile_list
    from waterbed.study.study import open_study

    if back is not None and back.exists() and back.samefile(file):
        raise InputError(f"--back {back} is the hoster's own file; name another one")
    with open_study(context.obj) as study:
        found = reconcile_list(study, file, hoster, dates=dates)
    if form is Format.table:
        _printed(found)
    else:
        for_tools(Reconciled, found.rows, found.info, form)
    if back is not None:
        _written(back, answered(found))
    raise typer.Exit(0 if all(row.result == "matched" for row in found.rows) else 1)


def _written(path: Path, text: str) -> None:
    from waterbed.store.folder import private
    from waterbed.store.whole.files import write_whole

    with written_at(path), private():  # it holds addresses
        write_whole(path, text.encode(errors="surrogateescape"))


def _printed(found: Reconciliation) -> None:
    from waterbed.record.reconcile import counted

    say(f"{found.key}: {found.name}", style="bold")
    counts = ", ".join(f"{number:,} {result}" for result, number in counted(found.rows))
    say(counts)
    odd = [row for row in found.rows if row.result != "matched"]
    if not odd:
        return
    table = new_table()
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
    print_table(table)
    more(len(odd))


def _note(row: Reconciled) -> str:
    if row.first_line:
        return f"as line {row.first_line}"
    if row.channel_agrees is False:
        return "another channel"
    return row.reason or ("known elsewhere" if row.result == "only theirs" and row.known else "")
