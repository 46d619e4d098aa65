"""The command that takes reports in: files, or a folder in which they appear."""

from pathlib import Path
from typing import Annotated

import typer

from waterbed import show, show_import
from waterbed.intake.forms import FORMS
from waterbed.model.errors import InputError
from waterbed.study import ImportReport, open_study
from waterbed.watch import Watched, keep_watching


def import_(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of reports.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Who reported; else the file's name.")] = None,
    category: Annotated[str, typer.Option(help="Category of lines that name none.")] = "phishing",
    form: Annotated[
        str | None, typer.Option("--format", help=f"One of {', '.join(FORMS)}; else what the file looks like.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of SCART's times, like Europe/Amsterdam.", show_default="UTC")
    ] = None,
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
    if bool(files) == bool(watch):
        raise InputError("name files of reports, or a folder with --watch, and not both (docs/intake.md)")
    findings = 0
    with open_study(context.obj) as study:
        if watch:
            named = {"source": source, "category": category, "form": form, "zone": zone, "history": history}
            watched = Watched(study=study, folder=watch, named=named)
            findings = keep_watching(watched, _told, every_s=every, rounds=rounds)
        for path in files or ():
            with show.bar() as told:
                report = study.import_reports(
                    path,
                    source=source,
                    category=category,
                    form=form,
                    zone=zone,
                    history=history,
                    progress=lambda done: told("reports", done, 0),
                )
            show_import.imported(path, report)
            findings += len(report.rejected) + report.empty
    raise typer.Exit(1 if findings else 0)


def _told(path: Path, outcome: ImportReport | InputError) -> None:
    if isinstance(outcome, InputError):
        show_import.problem(outcome)
    else:
        show_import.imported(path, outcome)
