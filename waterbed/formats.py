"""How rows are printed: a table for people, CSV, JSON or Parquet for tools."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from waterbed.publish.exports import Envelope, as_csv, as_json, as_parquet


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
