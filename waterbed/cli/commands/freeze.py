"""The `freeze` and `reproduce` commands."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.model.redaction import refuse_address
from waterbed.shown.options import NewStudy, Override, Store, to_write
from waterbed.shown.output import FINDING, OK, say, written_at


def freeze(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The package to make; it may not exist yet.", callback=to_write)
    ],
    shared: Annotated[
        str,
        typer.Option(
            metavar="PARTNER", help="For a partner: contains the output of `lake export` instead of the facts."
        ),
    ] = "",
    without_tables: Annotated[
        bool, typer.Option("--without-tables", help="Include only checksums of dated tables, as licences may require.")
    ] = False,
    override: Override = "",
) -> None:
    """Freeze the study as a package that others can reproduce.

    It holds facts, rules, tables and results.

    For example: waterbed -C mystudy freeze mystudy-1
    """
    from waterbed.publish.freeze.freeze import freeze as freeze_study
    from waterbed.study.study import open_study

    with open_study(context.obj) as study, written_at(folder):
        frozen = freeze_study(study, folder, shared=shared, without_tables=without_tables, override=override)
    contents = f"{frozen.rows:,} facts" if frozen.kind == "facts" else f"what {shared} may have"
    say(f"{frozen.package}: {contents}, {frozen.results:,} tables, {frozen.files:,} files, {frozen.size / 1e6:,.1f} MB")
    say(f"SHA-256 of the package, to be cited: {frozen.name}")
    for name in frozen.outside:
        say(f"not in it, named by checksum: {name}")


def _sha256(text: str) -> str:
    if text and not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise InputError("--sha256 is not one; 64 hexadecimal digits, as freeze prints them, were expected")
    return text


def reproduce(
    package: Annotated[Path, typer.Argument(help="A package of waterbed freeze.")],
    folder: NewStudy,
    store: Store = None,
    tables: Annotated[
        Path | None, typer.Option(help="A folder of files of dated tables that the package names by checksum.")
    ] = None,
    sha256: Annotated[
        str, typer.Option("--sha256", help="The package's SHA-256 as its author cites it.", callback=_sha256)
    ] = "",
) -> None:
    """Verify a package, rebuild its study, and compare all tables.

    The new study has new keys; tables are compared byte for byte.

    For example: waterbed reproduce mystudy-1 again
    """
    from waterbed.publish.freeze.reproduce import refuse_existing
    from waterbed.publish.freeze.reproduce import reproduce as reproduce_package

    refuse_address(folder, "a place")
    with suppress(OSError):  # which is told of the place itself
        refuse_existing(folder)
    with written_at(folder):
        reproduced = reproduce_package(package, folder, store=store, tables=tables, sha256=sha256)
    say(f"package {reproduced.package}: every file is intact")
    if not sha256:
        say("whose it is was not verified: compare this SHA-256 with what its author cites, or give that by --sha256")
    if reproduced.protocol:
        say(f"protocol {reproduced.protocol}: the locked text has this SHA-256")
    for line in reproduced.deviations:
        say(f"deviates from the protocol: {line}")
    for line in reproduced.other:
        say(f"differs from there: {line}")
    for table in reproduced.tables:
        say(f"{'equal  ' if table.equal else 'DIFFERS'} {table.name}{_how(table)}")
    for name in reproduced.cannot:
        say(f"cannot be reproduced from the shared form: {name}")
    differ = sum(not table.equal for table in reproduced.tables)
    say(
        f"{len(reproduced.tables) - differ:,} of {len(reproduced.tables):,} tables are equal; "
        f"they are in {folder}/results"
    )
    raise typer.Exit(FINDING if differ else OK)


def _how(table: object) -> str:
    first, differ, close = (getattr(table, name) for name in ("first", "differ", "close"))
    if not first:
        return ""
    more = f" ({differ:,} values{', all numbers, by a millionth at most' if close else ''})" if differ else ""
    return f": {first}{more}"
