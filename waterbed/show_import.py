"""What an import did, said to people."""

from pathlib import Path

from rich.console import Console

from waterbed.model.errors import InputError
from waterbed.study import ImportReport

_out = Console(highlight=False, markup=False, emoji=False)
_err = Console(stderr=True)


def problem(found: InputError) -> None:
    """Say what was wrong with one of several inputs, on standard error."""
    _err.print(f"waterbed: {found}", style="red", markup=False, highlight=False, soft_wrap=True)


def imported(path: Path, report: ImportReport) -> None:
    """Say what an import did, each rejected line with number and reason."""
    _out.print(f"{path.name}: {report.imported:,} reports imported, {report.known:,} already known, ", end="")
    forgotten = f", {report.forgotten:,} left out because their URLs were forgotten" if report.forgotten else ""
    _out.print(f"{len(report.rejected):,} lines rejected{forgotten}")
    if report.heard:
        _out.print(f"{report.heard:,} words on what another observer saw itself: kept apart from our looks.")
    if report.empty:
        _out.print("The file is empty: it is on record as a delivery without reports; see waterbed doctor.")
    for line in report.rejected:
        _out.print(f"  line {line.line}: {line.reason}", soft_wrap=True)
