"""The `lake` commands: seal, verify, compact, rebuild, export, pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.spelling import counted
from waterbed.shown.options import to_write
from waterbed.shown.output import FINDING, OK, console, new_table, print_table, say, written_at

if TYPE_CHECKING:
    from rich.table import Table

    from waterbed.model.results import PooledHoster, Provenance
    from waterbed.store.folder import Folder

lake_app = typer.Typer(help="Closed days of facts as Parquet files.", no_args_is_help=True)
_MOST_ROWS = 20


@contextmanager
def _folder(context: typer.Context) -> Iterator[Folder]:
    from waterbed.store.folder import open_folder

    folder = open_folder(context.obj)
    try:
        yield folder
    finally:
        folder.close()


@lake_app.command("seal")
def seal(context: typer.Context) -> None:
    """Write the facts of closed days to the lake.

    Existing files stay as they are.

    For example: waterbed -C mystudy lake seal
    """
    from waterbed.store.lake import sealing

    with _folder(context) as folder:
        sealed = sealing.seal(folder)
    say(_sealed(sealed.facts, sealed.days, sealed.files, sealed.late))


@lake_app.command("verify")
def verify(context: typer.Context) -> None:
    """Verify all files of the lake, and their completeness.

    Checks bytes, counts and checksums, and that no fact of the store is missing.

    For example: waterbed -C mystudy lake verify
    """
    from waterbed.store.lake import verifying

    with _folder(context) as folder:
        verification = verifying.verify(folder)
    for finding in verification.findings:
        say(f"{finding.severity}: {finding.path}: {finding.what}")
    if verification.sealed:
        told_as = "whole" if verification.whole else "damaged"
        console.print(f"the lake is {told_as}: {verification.facts:,} facts in {verification.files:,} files")
    else:
        console.print("nothing was sealed yet: no sealing is on record, and all facts are in the store")
    raise typer.Exit(OK if verification.whole else FINDING)


@lake_app.command("compact")
def compact(context: typer.Context) -> None:
    """Merge the files of days that late facts have split.

    For example: waterbed -C mystudy lake compact
    """
    from waterbed.store.lake import sealing

    with _folder(context) as folder:
        merged = sealing.compact(folder)
    console.print(f"{merged:,} files were merged into others.")


@lake_app.command("rebuild")
def rebuild(
    context: typer.Context,
    untagged: Annotated[
        bool, typer.Option("--untagged", help="Also take in files without this study's tag, as 0.2.0 left them.")
    ] = False,
) -> None:
    """Repair the lake from intact files and the store.

    Intact files are kept; everything else is sealed again from the store.

    For example: waterbed -C mystudy lake rebuild
    """
    from waterbed.store.lake import rebuilding

    with _folder(context) as folder:
        rebuilt = rebuilding.rebuild(folder, untagged=untagged)
    sealed = rebuilt.sealed
    console.print(f"{rebuilt.dropped:,} damaged files dropped, {rebuilt.adopted:,} unnamed ones taken in.")
    say(_sealed(sealed.facts, sealed.days, sealed.files, sealed.late))


@lake_app.command("export")
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="The folder to write; it may not exist yet.", callback=to_write)],
    partner: Annotated[str, typer.Option("--to", help="The partner, as a plain word; ids are specific to it.")],
) -> None:
    """Export data for a partner: less detail, new ids.

    Prefixes replace addresses, days replace times, and small cells are left out.

    For example: waterbed -C mystudy lake export shared --to pool-2026
    """
    from waterbed.publish.sharing import share
    from waterbed.study.study import open_study

    with open_study(context.obj) as study, written_at(out):
        exported = share.export(study, out, partner)
    say(
        f"{out}: {counted(exported.looks, 'row')} of checks and "
        f"{counted(exported.episodes, 'episode')} for {exported.partner}; "
        f"{exported.left_out:,} left out and {counted(exported.hidden, 'prefix', 'prefixes')} hidden: "
        f"about fewer than {exported.least} sites"
    )


@lake_app.command("pool")
def pool(
    out: Annotated[Path, typer.Argument(help="The folder to write; it may not exist yet.", callback=to_write)],
    exports: Annotated[list[Path], typer.Argument(metavar="EXPORT...", help="Folders of waterbed lake export.")],
) -> None:
    """Pool exports of several studies, each row with its source.

    For example: waterbed lake pool pooled one/shared two/shared
    """
    from waterbed.publish.sharing import pool as pooling

    pooled = pooling.pool(out, exports)
    for its in pooled.older:
        console.print(f"left out: export {its.export_id} of {its.publisher}: a newer one of that study is here too")
    _provenance(pooled.exports)
    _hosters(pooled.hosters)
    say(f"{out}: checks, episodes, hosters and where each comes from")


def _provenance(exports: list[Provenance]) -> None:
    table = _titled("Exports", ("publisher", "days", "checks", "episodes", "left out", "licence", "TLP"))
    for its in exports:
        days = f"{its.first_day} to {its.last_day}" if its.first_day else "no check"
        counts = (f"{its.looks:,}", f"{its.episodes:,}", f"{its.left_out:,}")
        table.add_row(its.publisher, days, *counts, its.licence, its.tlp)
    print_table(table)


def _hosters(rows: list[PooledHoster]) -> None:
    table = _titled("Hosters", ("hoster", "studies", "sites", "URLs", "episodes", "ended", "removed"))
    for row in rows[:_MOST_ROWS]:
        counts = (row.studies, row.sites, row.urls, row.episodes, row.ended, row.removed)
        table.add_row(row.hoster, *(f"{count:,}" for count in counts))
    print_table(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"... and {len(rows) - _MOST_ROWS:,} more in hosters.csv")


def _titled(title: str, columns: tuple[str, ...]) -> Table:
    table = new_table(title)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _sealed(facts: int, days: int, files: int, late: int) -> str:
    if not files:
        return "Nothing new: every closed day is sealed."
    came_late = f", {late:,} of them after their day was sealed" if late else ""
    return f"{counted(facts, 'fact')} of {counted(days, 'day')} sealed in {counted(files, 'file')}{came_late}."
