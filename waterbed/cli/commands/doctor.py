"""Whatever is amiss: doctor, quarantines, other rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.cli.options import Format, Formatted, Reason
from waterbed.cli.output import FINDING, OK, console, print_rows, say
from waterbed.model.conclusions import Quarantine
from waterbed.model.errors import InputError

if TYPE_CHECKING:
    from waterbed.model.bookkeeping import Decision
    from waterbed.model.table import TableInfo

quarantine_app = typer.Typer(help="Looks that are not believed until a person decides.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The quarantine, as waterbed doctor names it.")]


def doctor(context: typer.Context, form: Formatted = Format.table) -> None:
    """Look the study over; exit code 1 if something is to be done.

    For example: waterbed -C mystudy doctor --format json
    """
    from waterbed.analysis.doctor import examine
    from waterbed.analysis.doctor_storage import Finding
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        found = examine(study)
        _print(Finding, found, table_info(study, "findings", by="finding"), form)
    raise typer.Exit(FINDING if any(finding.open for finding in found) else OK)


@quarantine_app.command("list")
def quarantine_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List quarantines, decided ones too; exit code 1 if one is open.

    For example: waterbed -C mystudy quarantine list
    """
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        found = study.conclude().quarantines
        _print(Quarantine, found, table_info(study, "quarantines", by="quarantine"), form)
    raise typer.Exit(FINDING if any(one.status == "open" for one in found) else OK)


@quarantine_app.command("release")
def quarantine_release(context: typer.Context, quarantine: Id, reason: Reason) -> None:
    """Believe the looks of a quarantine after all, up to now.

    For example: waterbed -C mystudy quarantine release QUARANTINE_ID --reason "the hoster confirmed it"
    """
    _decide(context, quarantine, "release", reason)


@quarantine_app.command("void")
def quarantine_void(context: typer.Context, quarantine: Id, reason: Reason) -> None:
    """Never believe the looks of a quarantine, up to now.

    For example: waterbed -C mystudy quarantine void QUARANTINE_ID --reason "our proxy was broken"
    """
    _decide(context, quarantine, "void", reason)


def _decide(context: typer.Context, quarantine: str, decision: Decision, reason: str) -> None:
    from waterbed.governance.quarantines import decide
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        found = decide(study.folder, study.conclude().quarantines, quarantine, decision, reason)
    done = "released" if decision == "release" else "voided"
    say(f"{done}: {found.kind} {found.scope} from {found.began_at:%Y-%m-%d %H:%M}, until now")
    if found.kind in ("canary", "feed"):
        console.print("No verdict hangs on it: it is closed, that is all.")


def rejudge(
    context: typer.Context,
    rules: Annotated[Path, typer.Option("--rules", help="A rule file (TOML).", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder for verdicts/; else the study's.")] = None,
    form: Formatted = Format.table,
) -> None:
    """Judge all looks by other rules too, and say what changes (exit code 1 if anything does).

    For example: waterbed -C mystudy rejudge --rules mine.toml
    """
    from waterbed.analysis.rejudge import Change
    from waterbed.analysis.rejudge import rejudge as judge_again
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        try:
            done = judge_again(study, rules, out)
        except OSError as problem:
            raise InputError(f"the verdicts cannot be written ({problem.strerror}); name another --out") from None
        _print(Change, done.changes, table_info(study, "rule changes", by="outcome"), form)
    if form is Format.table:
        console.print(
            f"{done.old} -> {done.new}: {sum(change.looks for change in done.changes):,} looks change outcome,"
        )
        console.print(f"{done.ends:,} episodes end otherwise, {done.hosters:,} hosters have another removed_24h")
        for file in done.files:
            say(f"wrote {file}")
    raise typer.Exit(FINDING if done.changed else OK)


def _print(cls: type, rows: Sequence[Any], heading: TableInfo, form: Format) -> None:
    print_rows(cls, rows, heading, form, look="open", cell=_cell, shown=None)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1%}"
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
