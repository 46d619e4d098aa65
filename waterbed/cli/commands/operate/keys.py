"""The `key`, `reveal`, `forget` and `audit` commands."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.spelling import counted
from waterbed.shown import standard_input
from waterbed.shown.options import Format, Formatted, Reason, to_write
from waterbed.shown.output import console, for_tools, new_table, note, print_table, say

if TYPE_CHECKING:
    from waterbed.model.bookkeeping import Audit

key_app = typer.Typer(help="The study's keys: rotate, escrow, restore.", no_args_is_help=True)
_NOT_WIPED = (
    "Another process is reading the store: removed data stay in its log until that process ends. "
    "Then run any command on the study to wipe them."
)
Entry = Annotated[str, typer.Argument(metavar="ID", help="A url_id or host_id, 32 hexadecimal digits.")]


@key_app.command("rotate")
def key_rotate(context: typer.Context) -> None:
    """Make a new encryption key and re-encrypt every URL.

    Ids do not change.

    For example: waterbed -C mystudy key rotate
    """
    from waterbed.governance import keys
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        rotated = keys.rotate(folder)
    finally:
        folder.close()
    note(
        f"{rotated.resealed:,} entries encrypted with key {rotated.number}; older keys decrypt nothing any more.",
        broken=True,
    )
    note("Older escrows no longer open this study: make a new one (waterbed key escrow).", broken=True)
    _end(wiped=rotated.wiped)


@key_app.command("escrow")
def key_escrow(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The file to write, outside the study; it may not exist yet.", callback=to_write)
    ],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase and seal the copy.")] = False,
) -> None:
    """Write a copy of the keys for safekeeping elsewhere.

    Only you can read it; keep it apart from the study.

    For example: waterbed -C mystudy key escrow escrow.txt --passphrase
    """
    from waterbed.governance import keys
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        keys.escrow(folder, file, standard_input.passphrase(twice=True) if passphrase else None)
    finally:
        folder.close()
    note(f"keys written to {file}; keep it apart from the study and its backups")


@key_app.command("restore")
def key_restore(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="A file that waterbed key escrow wrote.")]
) -> None:
    """Restore escrowed keys, if they are this study's.

    For example: waterbed -C mystudy key restore escrow.txt
    """
    from waterbed.governance import keys

    place = keys.restore(context.obj, file, standard_input.passphrase)
    note(f"keys are in place: {place}")


def reveal(context: typer.Context, entry: Entry, reason: Reason) -> None:
    """Print the URL or host name behind an id.

    The id's first eight digits will do, if no other begins so. The audit first records who asked and why.

    For example: waterbed -C mystudy reveal URL_ID --reason "case 2026-117"
    """
    from waterbed.governance import keys
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        sys.stdout.write(keys.reveal(folder, entry, reason) + "\n")
    finally:
        folder.close()


def forget(context: typer.Context, entry: Entry, reason: Reason) -> None:
    """Shred a URL, or a host with all its URLs.

    It cannot be undone, and the entry is never imported again. After a kill, repeat it: the remains are overwritten.

    For example: waterbed -C mystudy forget URL_ID --reason "asked to by the hotline"
    """
    from waterbed.governance import keys
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        removed = keys.forget(folder, entry, reason)
    finally:
        folder.close()
    if removed.urls or removed.hosts:
        text = f"forgotten: {counted(removed.urls, 'URL')}, {counted(removed.hosts, 'host')}."
    else:
        text = "forgotten before; what remained is overwritten." if removed.wiped else "forgotten before."
    console.print(f"{text} Backups and escrowed copies are yours to cleanse.")
    _end(wiped=removed.wiped)


def audit(
    context: typer.Context,
    form: Formatted = Format.table,
) -> None:
    """List reveals, deletions, key changes and decisions, with reasons.

    For example: waterbed -C mystudy audit --format csv
    """
    from waterbed.model.bookkeeping import Audit
    from waterbed.model.table import TableInfo
    from waterbed.store.audit import audits
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        rows = audits(folder)
    finally:
        folder.close()
    if form is Format.table:
        _table(rows)
        return
    span = f"{rows[0].done_at.isoformat()}/{rows[-1].done_at.isoformat()}" if rows else "no entry yet"
    info = TableInfo(
        what="audit",
        by="entry",
        clock="real",
        window=span,
        method="as recorded",
        data_dates={},
        run="none",
        version=version("waterbed"),
    )
    for_tools(Audit, rows, info, form)


def _table(rows: list[Audit]) -> None:
    table = new_table(look="open")
    for name in ("when", "who", "action", "id", "reason"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(f"{row.done_at:%Y-%m-%d %H:%M:%S}", row.who, row.action, row.subject_id, row.reason)
    print_table(table)


def _end(*, wiped: bool) -> None:
    if not wiped:
        say(_NOT_WIPED)
        raise typer.Exit(1)
