"""What the command line prints of a specification curve: the conclusions, and what flips each."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.pages.frame import NOTHING, percent
from waterbed.pages.sensitivity import estimate_text
from waterbed.sensitivity.findings import Findings

_out = Console(highlight=False, markup=False, emoji=False)


def sensitivity(found: Findings) -> None:
    """Print all conclusions, the choices that were made, and those that the data did not allow."""
    true = found.main.truth is not None
    table = Table(
        title=f"{found.title}: {found.grid}", title_justify="left", box=SIMPLE_HEAD, title_style="bold", pad_edge=False
    )
    table.add_column("conclusion of the reference", min_width=24)
    for name in ("holds", "surely", "range", *(("truth",) if true else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("flipped by", min_width=12)
    for row in found.conclusions:
        span = (
            NOTHING
            if row.least is None
            else f"{estimate_text(row, row.least).removesuffix(' pp')} to {estimate_text(row, row.most)}"
        )
        says = row.says or f"{row.conclusion}: the reference does not say"
        told = f"{says} ({row.untold} untold)" if row.untold else says
        by = f"{row.flipped_by} {percent(row.flips)}" if row.flipped_by else ""
        cells = [estimate_text(row, row.truth)] if true else []
        table.add_row(told, percent(row.holds), percent(row.surely), span, *cells, by)
    _out.print(table)
    main = found.main
    if true and main.below_truth is not None:
        _out.print(
            f"True share of {found.name}: {percent(main.truth)}; "
            f"{percent(main.below_truth)} of the estimates are below it.",
            soft_wrap=True,
        )
    for dimension in dict.fromkeys(row.dimension for row in found.levels):
        own = [row for row in found.levels if row.dimension == dimension]
        used = ", ".join(row.level for row in own if row.specs)
        left = "".join(f"; not {row.level}: {row.why_not}" for row in own if row.why_not)
        _out.print(f"{dimension}: {used}{left}", soft_wrap=True)
    _out.print(
        "holds: share of specifications that say the same; surely: with the 95% interval on that side too. flipped by: "
        "the choice that, changed alone, flips it most often, and in what share of pairs (docs/sensitivity.md).",
        soft_wrap=True,
    )
