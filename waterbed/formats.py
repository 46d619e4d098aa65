"""How rows are printed: a table for people, CSV, JSON or Parquet for tools."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from waterbed.model.table import Envelope
from waterbed.publish.exports import as_csv, as_json, as_parquet


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


Formatted = Annotated[Format, typer.Option("--format", help="table for people; csv, json, parquet for tools.")]


def for_tools(cls: type, rows: Sequence[Any], heading: Envelope, form: str) -> None:
    """Write rows of a class to standard output, in any format but the table."""
    if form == Format.parquet:
        sys.stdout.buffer.write(as_parquet(cls, rows, heading))
    else:
        sys.stdout.write(as_csv(cls, rows) if form == Format.csv else as_json(cls, rows, heading))


def plain_table(title: str) -> Table:
    """A table for people, with its title and no lines but one below the head."""
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def days_of(window: str) -> str:
    """The first and last day of a window of times."""
    return " to ".join(end[:10] for end in window.split("/")) if "/" in window else window
