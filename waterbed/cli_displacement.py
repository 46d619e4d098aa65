"""The command line's part for displacement: did pressing a place remove content, or move it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from waterbed import show, show_displacement
from waterbed.displacement.event import read_event
from waterbed.displacement.prior import findings_of
from waterbed.displacement.written import as_json, write_findings
from waterbed.model.errors import InputError
from waterbed.study import open_study


class Printed(StrEnum):
    """How answers are printed."""

    table = "table"
    json = "json"


def displacement(
    context: typer.Context,
    event: Annotated[
        Path | None, typer.Option(help="The event file; without one, the study as a whole.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and the JSON, instead.", show_default=False)
    ] = None,
    form: Annotated[Printed, typer.Option("--format", help="table for people; json for tools.")] = Printed.table,
) -> None:
    """Tell whether pressing a hoster, AS or country removed content or moved it, and where to.

    For example: waterbed -C mystudy displacement --event event.toml --out out
    """
    planned = read_event(event) if event else None
    with open_study(context.obj) as study:
        found = findings_of(study, planned)
        if out is not None:
            try:
                show.written(write_findings(found, out, study.folder.config))
            except OSError as problem:
                raise InputError(f"{out} cannot be written ({problem.strerror}); name another place") from None
        elif form is Printed.json:
            sys.stdout.write(as_json(found))
        else:
            show_displacement.displacement(found)
