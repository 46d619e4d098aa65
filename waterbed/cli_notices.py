"""The command line's part for notices: taking them in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from waterbed import show
from waterbed.intake.notice_files import NOTICE_FORMS
from waterbed.intake.notices import NoticeImport
from waterbed.intake.scart_files import OBSERVER
from waterbed.study import Study, open_study

OK, FINDING = 0, 1
_out = Console(highlight=False, markup=False, emoji=False)
_NAMED = 5
_TOLD_BY_SCART = f"{OBSERVER}:"
"""Recipients by the owner that SCART's log names: a hoster of the book may have them as members."""


def notices(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files; see docs/notices.md.")],
    sender: Annotated[str | None, typer.Option(help="Who sent them; else the file's name.")] = None,
    kind: Annotated[str, typer.Option(help="ntd, legal_order, dsa or citizen, of lines that name none.")] = "ntd",
    form: Annotated[str, typer.Option("--format", help=f"{' or '.join(NOTICE_FORMS)}: the log of SCART.")] = "csv",
    zone: Annotated[
        str | None, typer.Option(help="Time zone of SCART's times, like Europe/Amsterdam.", show_default="UTC")
    ] = None,
) -> None:
    """Import notices; lines that are kept out are listed with number and reason (exit code 1).

    For example: waterbed -C mystudy notices notices.csv --sender hotline
    """
    findings = 0
    with open_study(context.obj) as study:
        for path in files:
            with show.bar() as told:
                found = study.import_notices(
                    path, sender=sender, kind=kind, form=form, zone=zone, progress=lambda done: told("notices", done, 0)
                )
            findings += _imported(study, path, found)
    raise typer.Exit(FINDING if findings else OK)


def _imported(study: Study, path: Path, found: NoticeImport) -> int:
    """Say what an import did; the number of findings."""
    _out.print(
        f"{path.name}: {found.imported:,} notices imported, {found.known:,} already known, "
        f"{len(found.rejected):,} lines kept out",
        soft_wrap=True,
    )
    for line in found.rejected:
        _out.print(f"  line {line.line}: {line.reason}", soft_wrap=True)
    book = study.book().on(study.folder.clock().date())
    strangers = sorted(
        key
        for key in found.recipients
        if (key.startswith(_TOLD_BY_SCART) and book.company(key) == key)
        or (key[0].islower() and ":" not in key and not book.exists(key))
    )
    if strangers:
        some = ", ".join(strangers[:_NAMED]) + (", ..." if len(strangers) > _NAMED else "")
        _out.print(f"  {len(strangers):,} recipients are not in the book of hosters: {some}", soft_wrap=True)
    return len(found.rejected) + len(strangers)
