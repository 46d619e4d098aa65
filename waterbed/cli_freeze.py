"""The command line's part for frozen studies: make a package, reproduce one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from waterbed.disks import disk_trouble
from waterbed.model.errors import InputError

OK, FINDING = 0, 1
_out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def freeze(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The package to make; it may not exist yet.")],
    shared: Annotated[
        str, typer.Option(metavar="PARTNER", help="For a partner: what `lake export` gives it in place of the facts.")
    ] = "",
    without_tables: Annotated[
        bool, typer.Option("--without-tables", help="Name dated tables by checksum alone: licences may want that.")
    ] = False,
    override: Annotated[str, typer.Option(help="TLP:CLEAR: why not to wait for hosters' replies; on record.")] = "",
) -> None:
    """Freeze the study: facts, rules, tables and results as one package that others can reproduce.

    For example: waterbed -C mystudy freeze mystudy-1
    """
    from waterbed.freeze.freezing import freeze as freeze_study  # noqa: PLC0415 (no other command should pay for it)
    from waterbed.study import open_study  # noqa: PLC0415 (the same)

    with open_study(context.obj) as study, _written_at(folder):
        made = freeze_study(study, folder, shared=shared, without_tables=without_tables, override=override)
    what = f"{made.rows:,} facts" if made.kind == "facts" else f"what {shared} may have"
    _out.print(f"{made.package}: {what}, {made.results:,} tables, {made.files:,} files, {made.size / 1e6:,.1f} MB")
    _out.print(f"SHA-256 of the package, to be cited: {made.name}")
    for name in made.outside:
        _out.print(f"not in it, named by checksum: {name}")


def reproduce(
    package: Annotated[Path, typer.Argument(help="A package of waterbed freeze.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The study folder to make; it may not exist yet.")],
    store: Annotated[
        str | None,
        typer.Option(help="sqlite, or a postgresql:// URL of an empty database; else $WATERBED_STORE, else sqlite."),
    ] = None,
    tables: Annotated[
        Path | None, typer.Option(help="A folder of files of dated tables that the package names by checksum.")
    ] = None,
) -> None:
    """Verify a package, make a new study of it under new keys, and compare all tables byte for byte.

    For example: waterbed reproduce mystudy-1 again
    """
    from waterbed.freeze.reproducing import reproduce as reproduce_package  # noqa: PLC0415 (see above)

    with _written_at(folder):
        done = reproduce_package(package, folder, store=store, tables=tables)
    _out.print(f"package {done.package}: every file is as it was frozen")
    if done.protocol:
        _out.print(f"protocol {done.protocol}: the locked text has this SHA-256")
    for told in done.deviations:
        _out.print(f"deviates from the protocol: {told}")
    for told in done.other:
        _out.print(f"other than there: {told}")
    for table in done.tables:
        _out.print(f"{'equal  ' if table.equal else 'DIFFERS'} {table.name}{_how(table)}")
    for name in done.cannot:
        _out.print(f"cannot be reproduced from the shared form: {name}")
    differ = sum(not table.equal for table in done.tables)
    _out.print(f"{len(done.tables) - differ:,} of {len(done.tables):,} tables are equal; they are in {folder}/results")
    raise typer.Exit(FINDING if differ else OK)


@contextmanager
def _written_at(folder: Path) -> Iterator[None]:
    """A place that cannot be is the user's to mend; a disk that is full or closed is told of elsewhere."""
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
