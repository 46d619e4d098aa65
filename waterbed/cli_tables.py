"""The command line's part for dated tables: add, list and check them; known sources of them."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from waterbed import show
from waterbed.catalogue import Source, catalogue, source_of
from waterbed.dated_tables import READERS
from waterbed.fetch import fetch
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.errors import InputError
from waterbed.report import envelope
from waterbed.study import open_study
from waterbed.table_check import TableCheck, check_tables

OK, FINDING = 0, 1

routes_app = typer.Typer(
    help="Dated tables: address to origin AS, country or use; AS to organisation.", no_args_is_help=True
)
data_app = typer.Typer(help="Known public sources of dated tables.", no_args_is_help=True)
_out = Console(highlight=False, markup=False, emoji=False)

Kind = Annotated[str, typer.Option("--kind", help=f"{', '.join(READERS)}.")]


@routes_app.command("add")
def routes_add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tables, plain or gzip; see docs/tables.md.")],
    day: Annotated[
        datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day whose state they give, as 2025-04-11.")
    ],
    kind: Kind = "routes",
    licence: Annotated[str | None, typer.Option(help="Licence of the data, kept with it.", show_default=False)] = None,
) -> None:
    """Add dated tables to the study; the form of each file is told by its content.

    For example: waterbed -C mystudy routes add asn-ipv4.csv.gz --date 2025-04-11 --licence CC0-1.0
    """
    _known(kind)
    with open_study(context.obj) as study:
        added = [one for file in files for one in study.add_table(file, day.date(), kind=kind, licence=licence)]
    show.snapshots(added, Format.table.value)


@routes_app.command("list")
def routes_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List the study's dated tables.

    For example: waterbed -C mystudy routes list
    """
    with open_study(context.obj) as study:
        show.snapshots(study.snapshots(), form.value)


@routes_app.command("check")
def routes_check(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only tables of this kind.", show_default=False)] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Only tables of this day.")
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Look the dated tables over; exit code 1 if something is amiss with one.

    For example: waterbed -C mystudy routes check --kind routes
    """
    if kind is not None:
        _known(kind)
    with open_study(context.obj) as study:
        found = [
            check
            for check in check_tables(study)
            if kind in (None, check.kind) and (day is None or check.data_date.date() == day.date())
        ]
        if not found:
            raise InputError("the study has no such table; waterbed routes list shows all (docs/tables.md)")
        if form is Format.table:
            _print_checks(found)
        else:
            for_tools(TableCheck, found, envelope(study, "tables", by="snapshot"), form)
    raise typer.Exit(FINDING if any(check.findings for check in found) else OK)


def _known(kind: str) -> None:
    if kind not in READERS:
        raise InputError(f"--kind {kind!r} is unknown; {', '.join(READERS)} was expected (docs/tables.md)")


@data_app.command("list")
def data_list(form: Formatted = Format.table) -> None:
    """List known public sources: what each is, its licence, how to get it.

    For example: waterbed data list
    """
    if form is not Format.table:
        show.plain(_SOURCE_COLUMNS, [_as_row(source) for source in catalogue()], form.value)
        return
    for source in catalogue():
        _out.print(f"{source.id}  ({', '.join(source.kinds)}; {', '.join(source.forms)})", style="bold", soft_wrap=True)
        _out.print(f"  what     {source.what}", soft_wrap=True)
        _out.print(f"  licence  {source.licence}", soft_wrap=True)
        _out.print(f"  get      {_way(source)}", soft_wrap=True)
        _out.print(f"  date     {source.day}", soft_wrap=True)
        if source.note:
            _out.print(f"  note     {source.note}", soft_wrap=True)


@data_app.command("fetch")
def data_fetch(
    source_id: Annotated[str, typer.Argument(metavar="ID", help="A source, as waterbed data list names it.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    version: Annotated[str | None, typer.Option(help="The package's version; else the catalogue's.")] = None,
) -> None:
    """Get a source with its package client (npm, apt-get), and say how to add it.

    For example: waterbed data fetch ip-location-asn --out tables
    """
    source = source_of(source_id)
    fetched = fetch(source, out, version)
    _out.print(f"licence: {source.licence}. Date of the data: {source.day}.", soft_wrap=True)
    for one in fetched:
        words = ["routes", "add", str(one.path), "--date", one.day.isoformat() if one.day else "YYYY-MM-DD"]
        line = shlex.join(["waterbed", *words, "--kind", one.kind, "--licence", source.licence])
        _out.print(line, soft_wrap=True)


_SOURCE_COLUMNS = ("id", "what", "kinds", "forms", "licence", "registration", "get", "version", "date", "note")


def _as_row(source: Source) -> tuple[Any, ...]:
    several = " ".join(source.kinds), " ".join(source.forms)
    registration = "needed" if source.registration else ""
    way = _way(source), source.version or "", source.day, source.note
    return source.id, source.what, *several, source.licence, registration, *way


def _way(source: Source) -> str:
    if source.client is None:
        return f"by hand{', with registration' if source.registration else ''}: {source.how}"
    known = f"; known versions: {', '.join(source.versions)}" if source.versions else ""
    return f"waterbed data fetch {source.id} --out DIR ({source.client} package {source.package}{known})"


def _print_checks(found: Sequence[TableCheck]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("kind", "date", "form"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "covers", "overlap", "multi", "reserved", "age", "known"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        table.add_row(
            _name(one),
            one.data_date.date().isoformat(),
            one.form or "-",
            _amount(one.rows),
            _amount(one.covered) if one.family == 6 or one.share is None else f"{one.share:.1%}",
            _amount(one.overlapping),
            _amount(one.several),
            _amount(one.reserved),
            "-" if one.age_days is None else f"{one.age_days:.0f} d",
            "-" if one.known is None or not one.addresses else f"{one.known / one.addresses:.0%}",
        )
    _out.print(table)
    _out.print("covers: share of all IPv4, or /48s of IPv6; overlap: ranges in or across others;")
    _out.print("multi: ranges with several origins, countries or tags; known: of our addresses.")
    if any(one.form == "mmdb" for one in found):
        _out.print("mmdb: its networks are no BGP prefixes.")
    for one in found:
        for finding in one.findings:
            _out.print(f"{_name(one)} {one.data_date:%Y-%m-%d}: {finding}", style="red", soft_wrap=True)


def _name(one: TableCheck) -> str:
    return f"{one.kind} v{one.family}" if one.family else one.kind


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 1e4:
        return f"{value:,.0f}"
    return f"{value / 1e3:,.0f}k" if value < 1e7 else f"{value / 1e6:,.0f}M"
