"""The `tables` and `data` commands: dated tables and sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from waterbed.model.errors import InputError
from waterbed.model.progress import stage, staged
from waterbed.model.redaction import shown
from waterbed.model.shell import command
from waterbed.model.spelling import percent
from waterbed.shown.options import TABLE_KINDS, Format, Formatted, to_write
from waterbed.shown.output import FINDING, OK, for_tools, minute, new_table, note, print_cells, print_table, say

if TYPE_CHECKING:
    from waterbed.model.facts import Snapshot
    from waterbed.questions.networks.table_check import TableCheck
    from waterbed.study.sources import Fetched, Source

tables_app = typer.Typer(
    help="Dated tables: address to origin AS, country or use; AS to organisation or provider; births of names.",
    no_args_is_help=True,
)
data_app = typer.Typer(help="Known public sources of dated tables.", no_args_is_help=True)
_BIRTHS: Final = TABLE_KINDS[-1]
Kind = Annotated[str, typer.Option("--kind", help=f"{', '.join(TABLE_KINDS)}.")]


@tables_app.command("add")
def tables_add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tables, plain or gzip (docs/tables.md).")],
    day: Annotated[
        datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day that the tables describe, as 2025-04-11.")
    ],
    kind: Kind = "routes",
    licence: Annotated[str | None, typer.Option(help="Licence of the data, kept with it.", show_default=False)] = None,
) -> None:
    """Add dated tables to the study; content determines the format.

    For example: waterbed -C mystudy tables add asn-ipv4.csv.gz --date 2025-04-11 --licence CC0-1.0
    """
    from waterbed.store.bounded.files import check_readable
    from waterbed.study.study import open_study

    if kind == _BIRTHS:
        _add_births(context, files, day, licence)
    _known(kind)
    with open_study(context.obj) as study:
        check_readable(files, "a dated table", "docs/tables.md")
        staged_files = staged("tables added", files)
        added = [
            snapshot
            for file in staged_files
            for snapshot in study.add_table(file, day.date(), kind=kind, licence=licence)
        ]
    _snapshots(added, Format.table)


def _add_births(context: typer.Context, files: list[Path], day: datetime, licence: str | None) -> NoReturn:
    """Import births; nothing is said of rows of other names."""
    from waterbed.store.bounded.files import check_readable
    from waterbed.study.study import open_study

    rejected = 0
    with open_study(context.obj) as study:
        check_readable(files, "a file of births", "docs/tables.md, Births")
        for file in staged("files of births", files):
            report = study.add_births(file, day.date(), licence=licence)
            note(f"{file.name}: {report.imported:,} births of this study's names kept, {report.known:,} already known")
            rejected += len(report.rejected)
            for line in report.rejected:
                say(f"  line {line.line}: {line.reason}")
    raise typer.Exit(FINDING if rejected else OK)


@tables_app.command("list")
def tables_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List the study's dated tables.

    For example: waterbed -C mystudy tables list
    """
    from waterbed.study.dated_tables import births_of
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        _snapshots([*study.snapshots(), *births_of(study.folder)], form)


@tables_app.command("check")
def tables_check(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only tables of this kind.", show_default=False)] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Only tables of this day.")
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Check the dated tables; exit code 1 for any problem.

    For example: waterbed -C mystudy tables check --kind routes
    """
    from waterbed.questions.networks.table_check import TableCheck, check_tables
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    if kind is not None:
        _known(kind)
    with open_study(context.obj) as study:
        checks = [
            check
            for check in check_tables(study)
            if kind in (None, check.kind) and (day is None or check.data_date.date() == day.date())
        ]
        if not checks:
            raise InputError("the study does not have such a table; waterbed tables list shows all (docs/tables.md)")
        if form is Format.table:
            _print_checks(checks)
        else:
            for_tools(TableCheck, checks, table_info(study, "tables", by="snapshot"), form)
    raise typer.Exit(FINDING if any(check.findings for check in checks) else OK)


def _known(kind: str) -> None:
    if kind not in TABLE_KINDS:
        raise InputError(f"--kind {shown(kind)} is unknown; {', '.join(TABLE_KINDS)} was expected (docs/tables.md)")


@data_app.command("list")
def data_list(form: Formatted = Format.table) -> None:
    """List known public sources with licences and download instructions.

    For example: waterbed data list
    """
    from waterbed.study.sources import catalogue

    if form is not Format.table:
        print_cells(_SOURCE_COLUMNS, [_as_row(source) for source in catalogue()], form)
        return
    for source in catalogue():
        say(f"{source.id}  ({', '.join(source.kinds)}; {', '.join(source.forms)})", style="bold")
        say(f"  what     {source.what}")
        say(f"  licence  {source.licence}")
        say(f"  get      {_way(source)}")
        say(f"  date     {source.day}")
        if source.note:
            say(f"  note     {source.note}")


@data_app.command("lists")
def data_lists(context: typer.Context, form: Formatted = Format.table) -> None:
    """List what is known of IANA and CDNs, with days.

    Each is shipped, and a study may have a newer one.

    For example: waterbed -C mystudy data lists
    """
    from waterbed.attribution.lookups.lists import list_rows

    names = ("id", "what", "day", "renewed", "get")
    rows = [(row.id, row.what, row.day.isoformat(), "yes" if row.renewed else "", row.get) for row in
            list_rows(context.obj)]  # fmt: skip
    print_cells(names, rows, form)


@data_app.command("renew")
def data_renew(
    context: typer.Context,
    list_id: Annotated[str, typer.Argument(metavar="ID", help="A list, as named by waterbed data lists.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The newer list, as its source gives it.")],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day of the list.")],
) -> None:
    """Take a newer list into the study.

    It adds to the shipped one, from the next pass on.

    For example: waterbed -C mystudy data renew special-names special-use-domain.csv --date 2026-11-25
    """
    from contextlib import closing

    from waterbed.attribution.lookups.lists import keep_list, newer_list
    from waterbed.store.audit import audit_entry, once
    from waterbed.store.folder import open_folder, real_clock

    with closing(open_folder(context.obj)) as folder:
        entries = newer_list(folder.path, list_id, file, day.date(), real_clock().date())
        entry = audit_entry("renew", f"list {list_id}", f"of {day.date()}: {len(entries)} entries")
        folder.store.add([once(entry, *entries)])
        keep_list(folder.path, list_id, day.date(), entries)
    say(f"{len(entries):,} entries of {list_id}.")


@data_app.command("fetch")
def data_fetch(
    context: typer.Context,
    source_id: Annotated[str, typer.Argument(metavar="ID", help="A source, as named by waterbed data list.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files.", callback=to_write, show_default=False)
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Add the tables to the study.")] = False,
    version: Annotated[str | None, typer.Option(help="The package's version; else the catalogue's.")] = None,
) -> None:
    """Fetch a source with its package client (npm, apt-get).

    Without --add it prints the commands that add it.

    For example: waterbed -C mystudy data fetch ip-location-asn --add
    """
    from waterbed.study.sources import add_source, fetch, source_of
    from waterbed.study.study import open_study

    source = source_of(source_id)
    if add:
        with open_study(context.obj) as study, TemporaryDirectory(prefix="waterbed-") as work:
            print_added(add_source(study, source, out or Path(work), version))
        return
    if out is None:
        raise InputError("name a folder for the files with --out, or add them to the study with --add (docs/tables.md)")
    with stage("fetching"):
        fetched = fetch(source, out, version)
    say(f"licence: {source.licence}. Date of the data: {source.day}.")
    say("Add them to a study with:")
    for table in fetched:
        arguments = ["tables", "add", table.path, "--date", table.day.isoformat() if table.day else "YYYY-MM-DD"]
        say(command(*arguments, "--kind", table.kind, "--licence", source.licence, study=context.obj))


def print_added(fetched: Iterable[Fetched]) -> None:
    """Print each table that was fetched and added."""
    for table in fetched:
        say(f"added   {table.kind} of {table.day} ({table.path.name})")


_SOURCE_COLUMNS = ("id", "what", "kinds", "forms", "licence", "registration", "get", "version", "date", "note")


def _as_row(source: Source) -> tuple[Any, ...]:
    several = " ".join(source.kinds), " ".join(source.forms)
    registration = "needed" if source.registration else ""
    access = _way(source), source.version or "", source.day, source.note
    return source.id, source.what, *several, source.licence, registration, *access


def _way(source: Source) -> str:
    if source.client is None:
        return f"by hand{', with registration' if source.registration else ''}: {source.how}"
    versions = f"; known versions: {', '.join(source.versions)}" if source.versions else ""
    return f"waterbed data fetch {source.id} --out DIR ({source.client} package {source.package}{versions})"


def _snapshots(found: Sequence[Snapshot], form: Format) -> None:
    """List dated tables."""
    names = ("kind", "form", "family", "date", "rows", "source", "licence", "built")
    rows = [
        (
            snapshot.kind,
            snapshot.form or "-",
            f"IPv{snapshot.family}" if snapshot.family else "-",
            snapshot.data_date.date().isoformat(),
            f"{snapshot.rows:,}",
            snapshot.source,
            snapshot.licence or "-",
            minute(snapshot.built_at),
        )
        for snapshot in found
    ]
    print_cells(names, rows, form)


def _print_checks(found: Sequence[TableCheck]) -> None:
    table = new_table(look="open")
    table.padding = (0, 1, 0, 0)
    for name in ("kind", "date", "form"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "covers", "overlap", "multi", "reserved", "age", "known"):
        table.add_column(name, justify="right", no_wrap=True)
    for check in found:
        table.add_row(
            _name(check),
            check.data_date.date().isoformat(),
            check.form or "-",
            _amount(check.rows),
            _amount(check.covered) if check.family == 6 or check.share is None else percent(check.share, 1),
            _amount(check.overlapping),
            _amount(check.several),
            _amount(check.reserved),
            "-" if check.age_days is None else f"{check.age_days:.0f} d",
            "-" if check.known is None or not check.addresses else percent(check.known / check.addresses),
        )
    print_table(table)
    note("covers: share of all IPv4, or /48s of IPv6; overlap: ranges in or across others;", broken=True)
    note("multi: ranges with several origins, countries or tags; known: of our addresses.", broken=True)
    if any(check.form == "mmdb" for check in found):
        note("mmdb: its networks are not BGP prefixes.", broken=True)
    for check in found:
        for finding in check.findings:
            say(f"{_name(check)} {check.data_date:%Y-%m-%d}: {finding}", style="red")


def _name(one: TableCheck) -> str:
    return f"{one.kind} v{one.family}" if one.family else one.kind


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 1e4:
        return f"{value:,.0f}"
    return f"{value / 1e3:,.0f}k" if value < 1e7 else f"{value / 1e6:,.0f}M"
