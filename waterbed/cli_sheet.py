"""The command line's part for fact sheets: everything about one hoster on one page."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from waterbed.compliance import Clock
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.clocks import Case
from waterbed.sheet import sheet_of
from waterbed.show_sheet import print_sheet, sheet_json
from waterbed.study import open_study

_out = Console(highlight=False, markup=False, emoji=False)


def sheet(
    context: typer.Context,
    hoster: Annotated[str, typer.Argument(metavar="HOSTER", help="A hoster's key, AS64500 or registry:HANDLE.")],
    clock: Annotated[
        Clock | None,
        typer.Option(help="What clocks run from; else notice_delivered, without notices reported.", show_default=False),
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Print the fact sheet of one hoster: numbers, curve by cause, cases by id; csv and parquet hold the cases.

    For example: waterbed -C mystudy sheet AS64500
    """
    with open_study(context.obj) as study:
        found = sheet_of(study, hoster, clock=clock.value if clock else None)
    if form is Format.json:
        sys.stdout.write(sheet_json(found))
    elif form is Format.table:
        print_sheet(found, _out)
    else:
        for_tools(Case, found.cases, found.heading, form)
