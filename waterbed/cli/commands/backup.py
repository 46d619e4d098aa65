"""Lasting copies: make a backup, restore one, take sealed days out of the store."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from waterbed.cli.options import NewStudy, Store
from waterbed.cli.output import FINDING, OK, console, progress, say
from waterbed.model.errors import KeyProblem


def backup(
    context: typer.Context,
    place: Annotated[Path, typer.Argument(help="A folder of backups, on another disk; made if need be.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all but so many of the newest backups.")] = None,
) -> None:
    """Back the study up while it is at work: whole or not at all, and never its keys.

    For example: waterbed -C mystudy backup /media/backups/mystudy --keep 14
    """
    from waterbed.store.backup.make import make_backup

    with progress() as told:
        done = make_backup(context.obj, place, keep=keep, progress=lambda now, all_: told("rows", now, all_))
    say(f"{done.backup}")
    console.print(
        f"{done.rows:,} rows, {done.files:,} files of which {done.new_files:,} are new, {done.size / 1e6:,.1f} MB "
        f"written, {done.removed:,} older backups removed"
    )
    if not done.lake:
        console.print("The lake lies outside the study folder, so it is not in the backup: back it up where it is.")
    if not done.recorded:
        console.print("The study's store cannot be written to, so it does not know of this backup.")
        raise typer.Exit(FINDING)


def restore(
    backup_: Annotated[Path, typer.Argument(metavar="BACKUP", help="A backup, or a folder of them: then the newest.")],
    folder: NewStudy,
    store: Store = None,
    escrow: Annotated[
        Path | None, typer.Option(help="A file that waterbed key escrow wrote: its keys are put in their place.")
    ] = None,
) -> None:
    """Make a study folder again from a backup, in either database; every checksum is verified first.

    For example: waterbed restore /media/backups/mystudy mystudy --escrow escrow.txt
    """
    from waterbed.governance import keys as custody
    from waterbed.store.audit import who
    from waterbed.store.backup.restore import restore_backup
    from waterbed.store.folder import open_folder
    from waterbed.store.sealed import from_escrow

    asked = cache(lambda: str(typer.prompt("Passphrase", hide_input=True, err=True)))
    keys = from_escrow(escrow, asked) if escrow else None
    with progress() as told:
        done = restore_backup(
            backup_,
            folder,
            who=who(),
            store=store,
            keys=keys,
            progress=lambda now, all_: told("rows", now, all_),
        )
    say(f"restored {folder} from {done.backup}")
    console.print(
        f"{done.rows:,} rows of schema {done.schema}, {done.files:,} files; {done.released:,} leases given back, "
        f"{done.forgotten:,} entries forgotten again"
    )
    if escrow:
        custody.restore(folder, escrow, asked)
    try:
        open_folder(folder).close()
    except KeyProblem as problem:
        say(f"It is whole, but its keys are missing here: {problem}")
        say(f"Put them back: waterbed -C {folder} key restore ESCROW")
        raise typer.Exit(FINDING) from None
    console.print("The keys open it.")


def prune(
    context: typer.Context,
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day that stays; else by retention.store_days."),
    ] = None,
) -> None:
    """Remove looks from the store that lie in the lake, sealed and read back; no conclusion changes.

    For example: waterbed -C mystudy prune --before 2026-01-01
    """
    from waterbed.store.retention import prune as remove_sealed
    from waterbed.study.study import open_study

    with open_study(context.obj) as study, progress() as told:
        done = remove_sealed(
            study.folder, before.date() if before else None, progress=lambda now, all_: told("days", now, all_)
        )
    console.print(f"{done.facts:,} facts of {done.days:,} days before {done.before} are in the lake alone now")
    for why in done.left:
        say(f"left as it is: {why}")
    raise typer.Exit(FINDING if done.left else OK)
