"""The `sizes` commands: dated denominators of rates, by family."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.conclusions import Size
from waterbed.shown.options import WINDOW_DAYS, AsOf, By, ByRow, Format, Formatted, Given
from waterbed.shown.output import SHOWN, console, for_tools, more, new_table, note, print_table, say

if TYPE_CHECKING:
    from waterbed.model.table import TableInfo

sizes_app = typer.Typer(
    help="Sizes of hosters, ASes and countries on a day: the denominators.\n\n"
    "For example: waterbed -C mystudy sizes --by asn",
    invoke_without_command=True,
)
_LONG = 10_000_000_000
_COLUMNS: dict[str, dict[str, str]] = {
    "hoster": {
        "announced_v4": "IPv4",
        "announced_v6_64s": "v6 /64s",
        "hosting_v4": "seen v4",
        "hosting_v6_64s": "seen v6",
        "domains": "domains",
        "hosts": "hosts",
    },
    "country": {
        "announced_v4": "announced",
        "delegated_v4": "delegated",
        "delegated_v4_there": "told del.",
        "registered_v4": "told reg.",
        "hosting_v4": "seen del.",
        "hosting_v4_registered": "seen reg.",
    },
}
"""What people are shown; the other formats have every column."""


@sizes_app.callback()
def sizes(
    context: typer.Context,
    by: ByRow = By.hoster,
    day: AsOf = None,
    frame: Annotated[bool, typer.Option("--frame", help="Include keys of size zero.")] = False,
    window: Annotated[
        int, typer.Option("--window", min=1, max=3_660, help="Days up to that day in which hosting was seen.")
    ] = WINDOW_DAYS,
    form: Formatted = Format.table,
) -> None:
    """Print the size of each hoster, AS or country.

    On a day.
    """
    from waterbed.measures.sizes import size_table
    from waterbed.study.study import open_study

    if context.invoked_subcommand:
        return
    with open_study(context.obj) as study:
        when = day.date() if day else study.clock().astimezone(UTC).date()
        found = size_table(study, by.value, when, window_days=window, everything=frame)
    if form is Format.table:
        _table(found.sizes, found.info)
    else:
        for_tools(Size, found.sizes, found.info, form)


@sizes_app.command("add")
def sizes_add(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV with the header key,domains, or rrname,addresses,first,last; plain or gzip.")
    ],
    day: Given,
) -> None:
    """Add a dated table of domains hosted.

    By AS, hoster or country; or names with their addresses, counted by AS and dropped.

    For example: waterbed -C mystudy sizes add domains.csv --date 2025-04-11
    """
    from waterbed.measures.sizes import add_domains
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        snapshot, unknown = add_domains(study, file, day.date())
    say(f"{snapshot.rows:,} keys with their domains on {day.date()}")
    if unknown:
        some = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        say(f"{len(unknown):,} hosters are not in the book: {some}")
        raise typer.Exit(1)


def _table(rows: Sequence[Size], info: TableInfo) -> None:
    columns = _COLUMNS["country" if info.by == "country" else "hoster"]
    first_day = info.window.partition("/")[0][:10]
    table = new_table(f"Sizes by {info.by}, seen hosting from {first_day}")
    shown = [[_number(getattr(row, name)) for name in columns] for row in rows[:SHOWN]]
    keys = max((3, *(len(row.key) for row in rows[:SHOWN])))
    widths = [max(map(len, column)) for column in zip(columns.values(), *shown, strict=True)]
    table.add_column("key", no_wrap=True, min_width=keys)
    if info.by != "country":
        room = console.width - keys - sum(widths) - len(widths) - 3
        table.add_column("name", no_wrap=True, overflow="ellipsis", max_width=max(8, room))
    for title, width in zip(columns.values(), widths, strict=True):
        table.add_column(title, justify="right", no_wrap=True, min_width=width)
    for row, cells in zip(rows, shown, strict=False):
        table.add_row(*([row.key] if info.by == "country" else [row.key, row.name]), *cells)
    print_table(table)
    note(", ".join(f"{name} of {on}" for name, on in info.data_dates.items()))
    if info.by == "country":
        note("IPv4 only. del.: by delegation; reg.: by registration; told: in networks named by the registries.")
    else:
        note("IPv4 addresses and IPv6 /64s are never added up; - says that no table tells.", broken=True)
    if any(row.stale for row in rows):
        console.print("The routing table is too old or too young for the day: see waterbed tables list.")
    more(len(rows))


def _number(value: int | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if value < _LONG else f"{value:.2e}".replace("e+", "e")
