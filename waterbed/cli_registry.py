"""The command line's part for registries."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from crawler.registry import run_enrich
from waterbed import show
from waterbed.formats import Format, Formatted, for_tools
from waterbed.report import envelope
from waterbed.study import open_study

if TYPE_CHECKING:
    from crawler.registry_report import CrawlReport
    from waterbed.cross_check import Compared

OK, FINDING = 0, 1
_out = Console(highlight=False, markup=False, emoji=False)


def enrich(
    context: typer.Context,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many networks and ASes.")] = None,
    cymru: Annotated[bool, typer.Option("--compare", help="Ask no registry; compare origins with Team Cymru.")] = False,
    form: Formatted = Format.table,
) -> None:
    """Ask registries who is registered (RDAP); exit code 1 if a network stays without.

    For example: waterbed -C mystudy enrich --limit 100
    """
    from crawler.registry_report import RegistryRow  # noqa: PLC0415 (no other command should pay for these)
    from waterbed.cross_check import Compared, compare  # noqa: PLC0415 (the same)

    with open_study(context.obj) as study:
        if cymru:
            rows = compare(study, limit=limit)
            if form is Format.table:
                _compared(rows)
            else:
                for_tools(Compared, rows, envelope(study, "origins compared", by="address"), form)
            raise typer.Exit(FINDING if any(row.verdict == "other" for row in rows) else OK)
        with show.bar() as told:
            report = run_enrich(study.folder, limit=limit, progress=lambda done, total: told("look-ups", done, total))
        if form is Format.table:
            _crawled(report)
        else:
            for_tools(RegistryRow, report.rows, envelope(study, "registries", by="registry"), form)
    raise typer.Exit(FINDING if report.without or report.stopped else OK)


def _crawled(report: "CrawlReport") -> None:
    if not report.rows:
        _out.print("nothing to ask: every network and AS has a fresh registration, or was tried a short while ago")
        return
    table = _table("registry", "asked", "ok", "covered", "without", "requests", "waited s", "reasons")
    for row in report.rows:
        without = row.asked - row.ok - row.covered
        counts = (row.asked, row.ok, row.covered, without, row.requests)
        table.add_row(row.registry, *(f"{count:,}" for count in counts), f"{row.waited_s:,.0f}", "\n".join(row.failed))
    _out.print(table)
    asked = sum(row.asked for row in report.rows)
    early = "; ended early by a signal: the rest is asked next time" if report.stopped else ""
    _out.print(f"{asked:,} look-ups in {report.requests:,} requests, {report.without:,} without registration{early}")


def _compared(rows: "list[Compared]") -> None:
    table = _table("address", "ours", "Team Cymru", "verdict")
    for row in rows:
        if row.verdict != "same":
            table.add_row(row.address, _ases(row.ours), _ases(row.theirs), row.verdict)
    counts = Counter(row.verdict for row in rows)
    _out.print(table)
    _out.print(
        f"{len(rows):,} addresses: {', '.join(f'{count:,} {verdict}' for verdict, count in counts.most_common())}"
    )


def _ases(origins: tuple[int, ...]) -> str:
    return " ".join(f"AS{origin}" for origin in origins) or "-"


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table
