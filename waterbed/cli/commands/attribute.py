"""The `attribute` command: observations of the study, or any addresses."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.spelling import percent
from waterbed.shown.options import AsOf, Format, Formatted, to_write
from waterbed.shown.output import console, note, print_cells, say, written_at

if TYPE_CHECKING:
    from waterbed.attribution.space import OriginChanges
    from waterbed.study.study import Study


def attribute(
    context: typer.Context,
    day: AsOf = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Any table with a column of addresses.")] = None,
    column: Annotated[str, typer.Option("--address-column", help="The column's name.")] = "ip",
    against: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Compare with the origins of this day.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the origins of each row here (CSV).", callback=to_write)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Find origin ASes of addresses in a table or study.

    For example: waterbed -C mystudy attribute --csv hosts.csv --address-column ip --as-of 2025-04-11
    """
    from waterbed.attribution.space import origin_changes
    from waterbed.study.study import open_study, read_addresses

    with open_study(context.obj) as study:
        if table is None:
            if out or day or against:
                raise InputError(
                    "--out, --as-of and --against belong to --csv; without it the study's checks are shown"
                )
            _attributions(study, form)
            return
        when = day.date() if day else study.clock().astimezone(UTC).date()
        if against:
            _different_tables(study, when, against.date())
        if out and out.resolve() == table.resolve():
            raise InputError(f"--out {out} is the table itself; name another file")
        with stage("origins of addresses"):
            addresses = list(read_addresses(table, column))
            origins, counts = study.attribute_table(addresses, when)
        if out:
            with written_at(out):
                _write_origins(out, addresses, origins)
        if not against:
            print_cells(("key", "name", "rows"), [(c.key, c.name, c.rows) for c in counts], form)
            return
        changes = origin_changes(origins, study.attribute_table(addresses, against.date())[0])
        _table(changes, form)
        if form is Format.table:
            _say(changes, study, when, against.date())


def _attributions(study: Study, form: str) -> None:
    """Print who answers for each distinct set of addresses."""
    rows = [
        (
            " ".join(a.addresses),
            " ".join(f"AS{origin}" for origin in a.origins),
            " ".join(a.hosters),
            " ".join(a.countries),
            a.rule,
            a.routes_date.date().isoformat() if a.routes_date else "",
            "stale" if a.stale else "",
        )
        for a in study.conclude().answers
    ]
    names = ("addresses", "origins", "hosters", "countries", "rule", "routes", "stale")
    print_cells(names, list(dict.fromkeys(rows)), form)


def _write_origins(path: Path, addresses: Sequence[str], origins: Sequence[tuple[int, ...]]) -> None:
    """Write the origin ASes of each row of a table."""
    from waterbed.model.addresses import canonical_address
    from waterbed.store.whole.files import write_whole

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("row", "address", "origins"))
    for number, (address, address_origins) in enumerate(zip(addresses, origins, strict=True), 1):
        # never any other text: a wrong column may hold URLs
        writer.writerow(
            (number, canonical_address(address) or "", " ".join(f"AS{origin}" for origin in address_origins))
        )
    if path.is_symlink() or (path.exists() and not path.is_file()):  # as /dev/stdout: nothing is put in its place
        path.write_bytes(text.getvalue().encode())
    else:
        write_whole(path, text.getvalue().encode())
    note(f"wrote {len(addresses):,} rows to {path}")


def _different_tables(study: Study, day: date, other: date) -> None:
    """InputError if a table is compared with itself."""
    from waterbed.attribution.snapshots import Snapshots

    routes = Snapshots(study.tables("routes"))
    first, second = routes.both(day), routes.both(other)
    if not first:
        raise InputError("the study has no table of routes; add two with waterbed tables add (docs/attribution.md)")
    if all(first[family].table is second[family].table for family in first):
        only = " and ".join(sorted({chosen.data_date.isoformat() for chosen in first.values()}))
        raise InputError(
            f"--as-of {day} and --against {other} both use the routes of {only}; add a table of another day with "
            "waterbed tables add (docs/attribution.md)"
        )


def _table(found: OriginChanges, form: str) -> None:
    rows = [
        (_spelled(change.before), _spelled(change.after), change.rows, f"{change.rows / found.rows:.4f}")
        for change in found.changes
    ]
    print_cells(("before", "after", "rows", "share"), rows, form)


def _spelled(origins: tuple[int, ...]) -> str:
    return " ".join(f"AS{origin}" for origin in origins) or "none"


def _say(found: OriginChanges, study: Study, day: date, other: date) -> None:
    """Print the change of rows beside that of all addresses."""
    from waterbed.attribution.snapshots import Snapshots
    from waterbed.attribution.space import changed_space

    say(
        f"{found.both:,} of {found.rows:,} rows have origins on both days; {found.changed:,} of them "
        f"({_share(found.share)}) have others on {other} than on {day}."
    )
    console.print(f"{found.lost:,} rows have none any more, {found.gained:,} had none before.")
    routes = Snapshots(study.tables("routes"))
    first, second = routes.both(day), routes.both(other)
    for family in sorted(first.keys() & second.keys()):
        earlier, two = first[family], second[family]
        if earlier.table is not two.table:
            space = changed_space(family, earlier.table.table, two.table.table)
            unit = "IPv4 addresses" if family == 4 else "IPv6 /64s"
            say(
                f"Of all {space.common:,} {unit} routed on {earlier.data_date} and {two.data_date}, "
                f"{_share(space.share)} "
                "changed their origins."
            )


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share, 2)
