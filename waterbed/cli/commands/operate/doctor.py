"""The `doctor`, `quarantine` and `rejudge` commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.conclusions import NO_VERDICT, Quarantine
from waterbed.model.errors import InputError
from waterbed.model.spelling import percent
from waterbed.shown.options import Format, Formatted, Reason, to_write
from waterbed.shown.output import FINDING, OK, console, new_table, print_rows, print_table, say

if TYPE_CHECKING:
    from waterbed.model.bookkeeping import Decision
    from waterbed.model.table import TableInfo

SHOWN_ID = 10
"""Characters of a quarantine's id that are shown."""
quarantine_app = typer.Typer(help="Checks held back until a person decides.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The quarantine's id, or its first characters.")]


def doctor(
    context: typer.Context,
    backups: Annotated[
        Path | None, typer.Option(help="A folder of backups, all of which are read.", show_default=False)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Check the study for problems; exit code 1 for any.

    The resolver is asked live.

    For example: waterbed -C mystudy doctor --format json
    """
    from waterbed.service.doctor import examine
    from waterbed.service.doctor_storage import Finding
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        findings = examine(study, live=True, backups=backups)
        _print(Finding, findings, table_info(study, "findings", by="finding"), form)
    raise typer.Exit(FINDING if any(finding.open for finding in findings) else OK)


@quarantine_app.command("list")
def quarantine_list(context: typer.Context, form: Formatted = Format.table) -> None:
    """List all quarantines; exit code 1 if one is open.

    Decided ones are included.

    For example: waterbed -C mystudy quarantine list
    """
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        quarantines = study.conclude().quarantines
        if form is Format.table and not quarantines:
            say("No check was held back.")
        elif form is Format.table:
            _print_quarantines(
                sorted(quarantines, key=lambda quarantine: (quarantine.kind == "feed", quarantine.began_at))
            )
        else:
            _print(Quarantine, quarantines, table_info(study, "quarantines", by="quarantine"), form)
    raise typer.Exit(FINDING if any(quarantine.status == "open" for quarantine in quarantines) else OK)


@quarantine_app.command("release")
def quarantine_release(
    context: typer.Context,
    quarantine: Id,
    reason: Reason,
    from_now_on: Annotated[
        bool,
        typer.Option("--from-now-on", help="And later ones of this hoster or prefix, until one is voided."),
    ] = False,
) -> None:
    """Accept the observations of a quarantine, up to now.

    A hoster that removes in batches is quarantined at each of them, unless it is released from now on.

    For example: waterbed -C mystudy quarantine release QUARANTINE_ID --reason "the hoster confirmed it"
    """
    _decide(context, quarantine, "release", reason, from_now_on=from_now_on)


@quarantine_app.command("void")
def quarantine_void(context: typer.Context, quarantine: Id, reason: Reason) -> None:
    """Reject the observations of a quarantine, up to now.

    Later ones of this hoster or prefix are no longer released by themselves.

    For example: waterbed -C mystudy quarantine void QUARANTINE_ID --reason "our proxy was broken"
    """
    _decide(context, quarantine, "void", reason)


def _print_quarantines(found: Sequence[Quarantine]) -> None:
    """Print those of hosters, prefixes and all looks before those of feeds."""
    table = new_table("", "id", "of", "from", "to", "down", "usually", "status", look="open")
    for quarantine in found:
        of = (
            f"{quarantine.flipped} of {quarantine.looked} sites"
            if quarantine.kind != "feed"
            else f"{quarantine.flipped} reports"
        )
        usually = f"{quarantine.looked} reports" if quarantine.kind == "feed" else _cell(quarantine.usual)
        status = f"{quarantine.status}: {quarantine.reason}" if quarantine.reason else quarantine.status
        table.add_row(
            quarantine.quarantine_id[:SHOWN_ID],
            f"{quarantine.kind} {quarantine.scope}".rstrip(),
            _cell(quarantine.began_at),
            _cell(quarantine.ended_at),
            of,
            usually,
            status,
        )
    print_table(table)


def _decide(
    context: typer.Context, quarantine: str, decision: Decision, reason: str, *, from_now_on: bool = False
) -> None:
    from waterbed.governance.quarantines import decide
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        quarantines = study.conclude().quarantines
        affected = decide(study.folder, quarantines, quarantine, decision, reason, from_now_on=from_now_on)
    decided = "released" if decision == "release" else "voided"
    say(f"{decided}: {affected.kind} {affected.scope} from {affected.began_at:%Y-%m-%d %H:%M}, until now")
    if from_now_on:
        say(f"later quarantines of {affected.kind} {affected.scope} are released, too, until one is voided")
    if affected.kind in NO_VERDICT:
        console.print("It is closed; it affects no verdict.")


def rejudge(
    context: typer.Context,
    rules: Annotated[
        Path, typer.Option("--rules", help="A rule file (TOML), or a plug-in's name.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for verdicts/; else the study's.", callback=to_write)] = None,
    form: Formatted = Format.table,
) -> None:
    """Judge all observations by other rules, and compare.

    Exit code 1 if anything changes.

    For example: waterbed -C mystudy rejudge --rules mine.toml
    """
    from waterbed.record.rejudge import Change
    from waterbed.record.rejudge import rejudge as judge_again
    from waterbed.store.whole.files import DISK
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        try:
            rejudged = judge_again(study, rules, out)
        except OSError as problem:
            if problem.errno in DISK:
                raise
            raise InputError(f"the verdicts cannot be written ({problem.strerror}); name another --out") from None
        _print(Change, rejudged.changes, table_info(study, "rule changes", by="outcome"), form)
    if form is Format.table:
        console.print(
            f"{rejudged.old} -> {rejudged.new}: "
            f"{sum(change.looks for change in rejudged.changes):,} checks change outcome,"
        )
        console.print(f"{rejudged.ends:,} episodes end differently, {rejudged.hosters:,} hosters change removed_24h")
        for file in rejudged.files:
            say(f"wrote {file}")
    raise typer.Exit(FINDING if rejudged.changed else OK)


def _print(cls: type, rows: Sequence[Any], info: TableInfo, form: Format) -> None:
    print_rows(cls, rows, info, form, look="open", cell=_cell, shown=None)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return percent(value, 1)
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
