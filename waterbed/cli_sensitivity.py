"""The command line's part for the specification curve: which conclusions hold under other choices."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from waterbed import show
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.errors import InputError
from waterbed.study import open_study


class Shown(StrEnum):
    """Which table is printed for tools."""

    conclusions = "conclusions"
    flips = "flips"
    levels = "levels"
    curve = "curve"
    values = "values"


def sensitivity(
    context: typer.Context,
    hoster: Annotated[
        str, typer.Option(help="Key whose share is drawn; else the first place by volume.", show_default=False)
    ] = "",
    than: Annotated[
        str, typer.Option(help="Key that it is compared with; else the next place.", show_default=False)
    ] = "",
    slowest: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many are called the slowest; else a quarter of those ranked.", show_default=False
        ),
    ] = None,
    most: Annotated[
        int, typer.Option(min=16, help="Specifications at most; of a larger grid, a balanced fraction.")
    ] = 256,
    truth: Annotated[
        str, typer.Option(help="Lab study: the scenario or world file whose truth is shown.", show_default=False)
    ] = "",
    table: Annotated[Shown, typer.Option(help="Which table, in other formats than table.")] = Shown.conclusions,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and the JSON, instead.", show_default=False)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """The specification curve: which conclusions hold whatever defensible choice is made, and which choice flips them.

    For example: waterbed -C mystudy sensitivity --out out
    """
    from waterbed import show_sensitivity  # noqa: PLC0415 (no other command should pay for these)
    from waterbed.sensitivity.findings import findings_of  # noqa: PLC0415 (the same)
    from waterbed.sensitivity.true_values import true_outcomes, truth_of  # noqa: PLC0415 (the same)
    from waterbed.sensitivity.written import TABLES, write_findings  # noqa: PLC0415 (the same)

    with open_study(context.obj) as study:
        done = study.conclude()
        happened = truth_of(study.folder, truth, done.facts.targets.keys()) if truth else None
        with show.bar() as told:
            found = findings_of(
                study,
                hoster=hoster or None,
                than=than or None,
                slowest=slowest,
                most=most,
                true_values=partial(true_outcomes, happened) if happened else None,
                progress=lambda ran, of_all: told("specifications", ran, of_all),
                done=done,
            )
        if out is not None:
            try:
                show.written(write_findings(found, out))
            except OSError as problem:
                raise InputError(f"{out} cannot be written ({problem.strerror}); name another place") from None
        elif form is Format.table:
            show_sensitivity.sensitivity(found)
        else:
            for_tools(TABLES[table.value], getattr(found, table.value), found.heading, form)
