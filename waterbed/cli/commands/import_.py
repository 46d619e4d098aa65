"""Reports and notices taken in: files, or a folder in which they appear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.cli.options import NOTICE_FORMS, REPORT_FORMS, Zone
from waterbed.cli.output import FINDING, OK, complain, console, progress, say
from waterbed.model.errors import InputError

if TYPE_CHECKING:
    from waterbed.intake.importer import ImportReport
    from waterbed.intake.notices import NoticeImport
    from waterbed.study.study import Study


def import_(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of reports.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Who reported; else the file's name.")] = None,
    category: Annotated[str, typer.Option(help="Category of lines that name none.")] = "phishing",
    form: Annotated[
        str | None, typer.Option("--format", help=f"One of {', '.join(REPORT_FORMS)}; else what the file looks like.")
    ] = None,
    zone: Zone = None,
    history: Annotated[
        bool, typer.Option("--history", help="All of it is over: it is kept, and nothing of it is looked at.")
    ] = False,
    watch: Annotated[Path | None, typer.Option(help="Import what appears in this folder, until stopped.")] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the folder.")] = 10.0,
    rounds: Annotated[int | None, typer.Option(min=2, help="Stop after so many looks at the folder.")] = None,
) -> None:
    """Import reports; bad lines are listed with number and reason (exit code 1), an empty file is recorded.

    For example: waterbed import reports.csv --source hotline
    """
    from waterbed.service.watch import WatchedFolder, keep_watching
    from waterbed.study.study import open_study

    if bool(files) == bool(watch):
        raise InputError("name files of reports, or a folder with --watch, and not both (docs/intake.md)")
    findings = 0
    with open_study(context.obj) as study:
        if watch:
            named = {"source": source, "category": category, "form": form, "zone": zone, "history": history}
            watched = WatchedFolder(study=study, folder=watch, named=named)
            findings = keep_watching(watched, _told, every_s=every, rounds=rounds)
        for path in files or ():
            with progress() as told:
                report = study.import_reports(
                    path,
                    source=source,
                    category=category,
                    form=form,
                    zone=zone,
                    history=history,
                    progress=lambda done: told("reports", done, 0),
                )
            print_import(path, report)
            findings += len(report.rejected) + report.empty
    raise typer.Exit(FINDING if findings else OK)


def _told(path: Path, outcome: ImportReport | InputError) -> None:
    if isinstance(outcome, InputError):
        complain(outcome)
    else:
        print_import(path, outcome)


def print_import(path: Path, report: ImportReport) -> None:
    """Say what an import did, each rejected line with number and reason."""
    console.print(f"{path.name}: {report.imported:,} reports imported, {report.known:,} already known, ", end="")
    forgotten = f", {report.forgotten:,} left out because their URLs were forgotten" if report.forgotten else ""
    console.print(f"{len(report.rejected):,} lines rejected{forgotten}")
    if report.external:
        console.print(f"{report.external:,} words on what another observer saw itself: kept apart from our looks.")
    if report.empty:
        console.print("The file is empty: it is on record as a delivery without reports; see waterbed doctor.")
    for line in report.rejected:
        say(f"  line {line.line}: {line.reason}")


_NAMED = 5
_TOLD_BY_SCART = "scart:"
"""Recipients by the owner that SCART's log names: a hoster of the book may have them as members."""


def notices(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files; see docs/notices.md.")],
    sender: Annotated[str | None, typer.Option(help="Who sent them; else the file's name.")] = None,
    kind: Annotated[str, typer.Option(help="ntd, legal_order, dsa or citizen, of lines that name none.")] = "ntd",
    form: Annotated[str, typer.Option("--format", help=f"{' or '.join(NOTICE_FORMS)}: the log of SCART.")] = "csv",
    zone: Zone = None,
) -> None:
    """Import notices; lines that are kept out are listed with number and reason (exit code 1).

    For example: waterbed -C mystudy notices notices.csv --sender hotline
    """
    from waterbed.study.study import open_study

    findings = 0
    with open_study(context.obj) as study:
        for path in files:
            with progress() as told:
                found = study.import_notices(
                    path, sender=sender, kind=kind, form=form, zone=zone, progress=lambda done: told("notices", done, 0)
                )
            findings += _imported(study, path, found)
    raise typer.Exit(FINDING if findings else OK)


def _imported(study: Study, path: Path, found: NoticeImport) -> int:
    """Say what an import did; the number of findings."""
    say(
        f"{path.name}: {found.imported:,} notices imported, {found.known:,} already known, "
        f"{len(found.rejected):,} lines kept out"
    )
    for line in found.rejected:
        say(f"  line {line.line}: {line.reason}")
    book = study.book().on(study.clock().date())
    strangers = sorted(
        key
        for key in found.recipients
        if (key.startswith(_TOLD_BY_SCART) and book.company(key) == key)
        or (key[0].islower() and ":" not in key and not book.exists(key))
    )
    if strangers:
        some = ", ".join(strangers[:_NAMED]) + (", ..." if len(strangers) > _NAMED else "")
        say(f"  {len(strangers):,} recipients are not in the book of hosters: {some}")
    return len(found.rejected) + len(strangers)
