"""Frozen studies: make a package, reproduce one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from waterbed.cli.options import NewStudy, Override, Store
from waterbed.cli.output import FINDING, OK, say
from waterbed.model.errors import InputError


def freeze(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The package to make; it may not exist yet.")],
    shared: Annotated[
        str, typer.Option(metavar="PARTNER", help="For a partner: what `lake export` gives it in place of the facts.")
    ] = "",
    without_tables: Annotated[
        bool, typer.Option("--without-tables", help="Name dated tables by checksum alone: licences may want that.")
    ] = False,
    override: Override = "",
) -> None:
    """Freeze the study: facts, rules, tables and results as one package that others can reproduce.

    For example: waterbed -C mystudy freeze mystudy-1
    """
    from waterbed.publish.freeze.freeze import freeze as freeze_study
    from waterbed.study.study import open_study

    with open_study(context.obj) as study, _written_at(folder):
        made = freeze_study(study, folder, shared=shared, without_tables=without_tables, override=override)
    what = f"{made.rows:,} facts" if made.kind == "facts" else f"what {shared} may have"
    say(f"{made.package}: {what}, {made.results:,} tables, {made.files:,} files, {made.size / 1e6:,.1f} MB")
    say(f"SHA-256 of the package, to be cited: {made.name}")
    for name in made.outside:
        say(f"not in it, named by checksum: {name}")


def reproduce(
    package: Annotated[Path, typer.Argument(help="A package of waterbed freeze.")],
    folder: NewStudy,
    store: Store = None,
    tables: Annotated[
        Path | None, typer.Option(help="A folder of files of dated tables that the package names by checksum.")
    ] = None,
) -> None:
    """Verify a package, make a new study of it under new keys, and compare all tables byte for byte.

    For example: waterbed reproduce mystudy-1 again
    """
    from waterbed.publish.freeze.reproduce import reproduce as reproduce_package

    with _written_at(folder):
        done = reproduce_package(package, folder, store=store, tables=tables)
    say(f"package {done.package}: every file is as it was frozen")
    if done.protocol:
        say(f"protocol {done.protocol}: the locked text has this SHA-256")
    for told in done.deviations:
        say(f"deviates from the protocol: {told}")
    for told in done.other:
        say(f"other than there: {told}")
    for table in done.tables:
        say(f"{'equal  ' if table.equal else 'DIFFERS'} {table.name}{_how(table)}")
    for name in done.cannot:
        say(f"cannot be reproduced from the shared form: {name}")
    differ = sum(not table.equal for table in done.tables)
    say(f"{len(done.tables) - differ:,} of {len(done.tables):,} tables are equal; they are in {folder}/results")
    raise typer.Exit(FINDING if differ else OK)


@contextmanager
def _written_at(folder: Path) -> Iterator[None]:
    """A place that cannot be is the user's to mend; a disk that is full or closed is told of elsewhere."""
    from waterbed.store.integrity import disk_trouble

    try:
        yield
    except OSError as problem:
        if disk_trouble(problem):
            raise
        at = f" at {problem.filename}" if problem.filename else ""
        raise InputError(
            f"{folder} cannot be made ({problem.strerror}{at}); mend that, or name another place (docs/freeze.md)"
        ) from None


def _how(table: object) -> str:
    first, differ, close = (getattr(table, name) for name in ("first", "differ", "close"))
    if not first:
        return ""
    more = f" ({differ:,} values{', all numbers, by a millionth at most' if close else ''})" if differ else ""
    return f": {first}{more}"
