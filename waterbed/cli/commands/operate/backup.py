"""The `backup`, `restore` and `prune` commands."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from waterbed.model.errors import KeyProblem
from waterbed.model.shell import command
from waterbed.model.spelling import counted
from waterbed.shown.options import NewStudy, Store, to_write
from waterbed.shown.output import FINDING, OK, console, note, say
from waterbed.shown.standard_input import passphrase


def backup(
    context: typer.Context,
    place: Annotated[
        Path, typer.Argument(help="A folder of backups, on another disk; created if missing.", callback=to_write)
    ],
    keep: Annotated[int | None, typer.Option(min=1, help="Keep only this many of the newest backups.")] = None,
) -> None:
    """Back up the study without its keys, even while running.

    A backup is written completely or not at all.

    For example: waterbed -C mystudy backup /media/backups/mystudy --keep 14
    """
    from waterbed.store.backup.make import make_backup

    report = make_backup(context.obj, place, keep=keep)
    say(f"{report.backup}")
    note(
        f"{report.rows:,} rows, {report.files:,} files of which {report.new_files:,} are new, "
        f"{report.size / 1e6:,.1f} MB "
        f"written, {report.removed:,} older backups removed",
        broken=True,
    )
    if not report.lake:
        console.print("The lake lies outside the study folder, so it is not in the backup: back it up where it is.")
    if not report.tagged:
        console.print("The study's keys are not here, so it bears no tag: restoring it takes --untagged.")
    if report.unrecorded:
        console.print(f"The backup was made but not recorded: {report.unrecorded}.")
        raise typer.Exit(FINDING)


def restore(
    backup_: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="A backup, or a folder of backups (uses the newest).")
    ],
    folder: NewStudy,
    store: Store = None,
    escrow: Annotated[
        Path | None, typer.Option(help="A file of waterbed key escrow, from which to restore the keys.")
    ] = None,
    untagged: Annotated[
        bool, typer.Option("--untagged", help="Believe a backup without the study's tag, as 0.2.0 made it.")
    ] = False,
) -> None:
    """Restore a study folder from a backup, for either database.

    Every checksum is verified first.

    For example: waterbed restore /media/backups/mystudy mystudy --escrow escrow.txt
    """
    from waterbed.governance import keys as custody
    from waterbed.store.audit import who
    from waterbed.store.backup.restore import restore_backup
    from waterbed.store.folder import open_folder
    from waterbed.store.sealed import from_escrow

    prompt = cache(passphrase)
    keys = from_escrow(escrow, prompt) if escrow else None
    restored = restore_backup(backup_, folder, who=who(), store=store, keys=keys, untagged=untagged)
    say(f"restored {folder} from {restored.backup}")
    console.print(
        f"{restored.rows:,} rows of schema {restored.schema}, {restored.files:,} files; "
        f"{restored.released:,} leases given back, {restored.forgotten:,} entries forgotten again"
    )
    if escrow:
        custody.restore(folder, escrow, prompt)
    try:
        open_folder(folder).close()
    except KeyProblem as problem:
        say(f"It is whole, but its keys are missing here, so nobody knows who made it: {problem}")
        say(f"Put them back: {command('key', 'restore', 'ESCROW', study=folder)}")
        raise typer.Exit(FINDING) from None
    console.print("The keys open it.")


def prune(
    context: typer.Context,
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day to keep; by default from retention.store_days."),
    ] = None,
) -> None:
    """Remove observations from the store that the lake holds.

    They must be sealed and read back; no conclusion changes.

    For example: waterbed -C mystudy prune --before 2026-01-01
    """
    from waterbed.store.retention import prune as remove_sealed
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        pruned = remove_sealed(study.folder, before.date() if before else None)
    subject = f"{counted(pruned.facts, 'fact')} of {counted(pruned.days, 'day')} before {pruned.before}"
    console.print(f"{subject} {'is' if pruned.facts == 1 else 'are'} now only in the lake")
    for reason in pruned.left:
        say(f"left as it is: {reason}")
    raise typer.Exit(FINDING if pruned.left else OK)
