"""The `sensitivity` command: conclusions under other choices."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.shown.options import Format, Formatted, Page
from waterbed.shown.output import for_tools, new_table, note, print_table, say, written, written_at

if TYPE_CHECKING:
    from waterbed.questions.sensitivity.results import Findings


class Shown(StrEnum):
    """The table printed for tools."""

    conclusions = "conclusions"
    flips = "flips"
    levels = "levels"
    curve = "curve"
    values = "values"


def sensitivity(
    context: typer.Context,
    hoster: Annotated[
        str, typer.Option(help="Key whose share is shown; by default the first by volume.", show_default=False)
    ] = "",
    than: Annotated[str, typer.Option(help="Key to compare with; by default the next one.", show_default=False)] = "",
    slowest: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of keys called slowest; by default a quarter of those ranked.", show_default=False
        ),
    ] = None,
    most: Annotated[
        int,
        typer.Option(min=16, help="Maximum number of specifications; a larger grid is sampled as a balanced fraction."),
    ] = 256,
    truth: Annotated[
        str, typer.Option(help="Lab study: the scenario or world file whose truth is shown.", show_default=False)
    ] = "",
    table: Annotated[Shown, typer.Option(help="The table to print in other formats than table.")] = Shown.conclusions,
    out: Page = None,
    form: Formatted = Format.table,
) -> None:
    """Test which conclusions hold under every defensible choice.

    This is the specification curve; it lists the choices that flip a conclusion.

    For example: waterbed -C mystudy sensitivity --out sensitivity
    """
    from functools import partial

    from waterbed.lab.score.specification import true_outcomes, truth_of
    from waterbed.questions.sensitivity.results import findings_of
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        conclusions = study.conclude()
        happened = truth_of(study.folder, truth, conclusions.facts.targets.keys()) if truth else None
        findings = findings_of(
            study,
            hoster=hoster or None,
            than=than or None,
            slowest=slowest,
            most=most,
            true_values=partial(true_outcomes, happened) if happened else None,
            conclusions=conclusions,
        )
        if out is not None:
            from waterbed.questions.sensitivity.page import write_findings

            with written_at(out):
                written(write_findings(findings, out))
        elif form is Format.table:
            _print(findings)
        else:
            from waterbed.questions.sensitivity.page import TABLES

            for_tools(TABLES[table.value], getattr(findings, table.value), findings.info, form)


def _print(found: Findings) -> None:
    """Print conclusions, choices, and specifications without an estimate."""
    from waterbed.model.spelling import NOTHING, estimate_text, percent

    true = found.main.truth is not None
    table = new_table(f"{found.title}: {found.grid}", look="wide")
    table.title_style = "bold"
    table.add_column("conclusion of the reference", min_width=24)
    for name in ("holds", "surely", "range", *(("truth",) if true else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("flipped by", min_width=12)
    for row in found.conclusions:
        span = (
            NOTHING
            if row.least is None
            else f"{estimate_text(row, row.least, unit='')} to {estimate_text(row, row.most)}"
        )
        says = row.says or f"{row.conclusion}: the reference does not say"
        label = f"{says} ({row.untold} untold)" if row.untold else says
        by = f"{row.flipped_by} {percent(row.flips)}" if row.flipped_by else ""
        cells = [estimate_text(row, row.truth)] if true else []
        table.add_row(label, percent(row.holds), percent(row.surely), span, *cells, by)
    print_table(table)
    main = found.main
    if true and main.below_truth is not None:
        say(
            f"True share of {found.name}: {percent(main.truth)}; "
            f"{percent(main.below_truth)} of the estimates are below it."
        )
    for dimension in dict.fromkeys(row.dimension for row in found.levels):
        levels = [row for row in found.levels if row.dimension == dimension]
        used = ", ".join(row.level for row in levels if row.specs)
        unused = "".join(f"; not {row.level}: {row.why_not}" for row in levels if row.why_not)
        say(f"{dimension}: {used}{unused}")
    note(
        "holds: share of specifications that say the same; surely: with the 95% interval on that side too. flipped by: "
        "the choice that, changed alone, flips it most often, and in what share of pairs (docs/sensitivity.md).",
    )
