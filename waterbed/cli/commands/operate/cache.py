"""The `cache` commands: show, refresh and drop kept conclusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import typer

from waterbed.model.errors import ReadOnly
from waterbed.shown.output import new_table, note, print_table, say

if TYPE_CHECKING:
    from waterbed.store.kept import KeptFile
    from waterbed.study.study import Study

cache_app = typer.Typer(help="Conclusions kept in the study's folder.", no_args_is_help=True)


@cache_app.command("show")
def show(context: typer.Context) -> None:
    """List what is kept, and whether it is current.

    It is current if facts, settings, tables and program are as they were.

    For example: waterbed -C mystudy cache show
    """
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        files = study.kept().files()
    if not files:
        say("Nothing is kept: the next command that concludes keeps what it works out.")
        return
    table = new_table("name", "MB", "made", "current")
    for file in files:
        table.add_row(*_cells(file))
    print_table(table)


def _cells(file: KeptFile) -> tuple[str, ...]:
    return file.name, f"{file.bytes / 1e6:,.1f}", f"{file.made_at:%Y-%m-%d %H:%M}", "yes" if file.current else "no"


@cache_app.command("refresh")
def refresh(context: typer.Context) -> None:
    """Conclude, and keep what the next commands need.

    For example: waterbed -C mystudy cache refresh
    """
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        cached = study.kept()
        if not cached.writable and not any(file.current for file in cached.files()):
            raise ReadOnly(
                "kept/ in the study's folder cannot be written to, so nothing can be kept; conclusions can be had all "
                "the same (docs/operations.md, Read only)"
            )
        _conclude(study)
        files = study.kept().files()
    current = [file for file in files if file.current]
    say(f"{len(current):,} things kept, {sum(file.bytes for file in current) / 1e6:,.1f} MB")


def _conclude(study: Study) -> None:
    """Conclude what most commands print: episodes, hops, rankings."""
    from waterbed.measures.keys import Kind
    from waterbed.measures.ranking_tables import RankingTables

    conclusions = study.conclude()
    _ = conclusions.hops, conclusions.quarantines, conclusions.outcomes, conclusions.answers, conclusions.notices
    for kind in get_args(Kind):
        tables = RankingTables(conclusions=conclusions, kind=kind, clock=conclusions.config.clock)
        _ = tables.rows, tables.weighing()


@cache_app.command("drop")
def drop(context: typer.Context) -> None:
    """Remove what is kept, and what killed commands left.

    No fact is lost: all of it is made anew when it is asked for.

    For example: waterbed -C mystudy cache drop
    """
    from waterbed.store.spool import remove_remains
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        cached = study.kept()
        files = cached.files()
        cached.drop()
        removed = remove_remains(study.path)
    say(f"{len(files):,} things removed, {sum(file.bytes for file in files) / 1e6:,.1f} MB")
    if removed:
        note(f"{removed:,} folders of commands that were killed removed")
