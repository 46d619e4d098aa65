"""The `protocol` commands: write, lock and compare the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from waterbed.model.facts import Report
from waterbed.model.shell import command
from waterbed.model.spelling import counted
from waterbed.shown.options import Format, Formatted
from waterbed.shown.output import FINDING, OK, console, for_tools, new_table, note, print_table, say

protocol_app = typer.Typer(help="The study protocol: written before the data, locked, and compared with every output.")
Printed = Annotated[str, typer.Option("--reason", help="Reason, printed with every output; must contain no address.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationRow:
    """One deviation from the locked protocol."""

    subject: Annotated[str, "its name, for waterbed protocol explain"]
    deviation: Annotated[str, "what deviates, and why"]


@protocol_app.command("init")
def protocol_init(context: typer.Context) -> None:
    """Write a draft protocol from the study's settings and sources.

    For example: waterbed -C mystudy protocol init
    """
    from waterbed.governance.protocol.file import PROTOCOL
    from waterbed.governance.protocol.lock import first_text
    from waterbed.store.whole.files import write_whole
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        path, store = study.path / PROTOCOL, study.store
        text = first_text(
            path,
            study.config,
            store.distinct(Report, "source") or ["hotline"],
            store.distinct(Report, "category") or ["phishing"],
        )
        write_whole(path, text.encode())
    lock = command("protocol", "lock", study=context.obj)
    note(f"{path} is written. Change it until it says what the study asks, then: {lock}")


@protocol_app.command("check")
def protocol_check(context: typer.Context) -> None:
    """Check the protocol file; print its checksum without locking it.

    For example: waterbed -C mystudy protocol check
    """
    from waterbed.governance.protocol.file import PROTOCOL, checksum, read_protocol
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        protocol, text = read_protocol(study.path / PROTOCOL)
    main = protocol.main
    say(f"{protocol.title}: {protocol.question}")
    console.print(f"primary outcome: {main.name}, {main.measure} ({main.output} by {main.by}, clock {main.clock})")
    console.print(f"SHA-256 {checksum(text)}")


@protocol_app.command("lock")
def protocol_lock(context: typer.Context, reason: Printed = "") -> None:
    """Hash and time-stamp the protocol.

    Outputs are compared with its first lock from then on.

    For example: waterbed -C mystudy protocol lock
    """
    from waterbed.governance.protocol.lock import lock
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        made = lock(study.folder, reason)
    console.print(f"locked {made.locked_at:%Y-%m-%d %H:%M} UTC, {counted(made.looks, 'check')} made before")
    console.print(f"SHA-256 {made.sha256}")
    note("Deposit this checksum where you cannot change it: a registry of studies, or a signed mail.", broken=True)


@protocol_app.command("show")
def protocol_show(context: typer.Context, form: Formatted = Format.table) -> None:
    """Show the locks and all deviations from the first one.

    Exit code 1 if there are any.

    For example: waterbed -C mystudy protocol show
    """
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        now = study.protocol
        if now is None:
            console.print("no protocol is locked; outputs are exploratory (docs/protocol.md)")
            raise typer.Exit(OK)
        now.log(study.folder)
        rows = [
            DeviationRow(subject=one.subject, deviation=sentence)
            for one, sentence in zip(now.deviations, now.sentences, strict=True)
        ]
        if form is not Format.table:
            for_tools(DeviationRow, rows, table_info(study, "deviations", by="subject"), form)
        else:
            for number, one in enumerate(now.locks, 1):
                why = f": {one.reason}" if one.reason else ""
                when = f"{one.locked_at:%Y-%m-%d %H:%M} UTC"
                say(f"lock {number}, {when}, SHA-256 {one.sha256}{why}")
            table = new_table("Deviations from the first lock" if rows else "No deviation from the first lock")
            table.add_column("subject")
            table.add_column("deviation", overflow="fold")
            for row in rows:
                table.add_row(row.subject, row.deviation)
            print_table(table)
    raise typer.Exit(FINDING if rows else OK)


@protocol_app.command("explain")
def protocol_explain(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="The deviation, as protocol show or log names it.")],
    reason: Annotated[str, typer.Option("--reason", help="Reason, printed with every output.", show_default=False)],
) -> None:
    """Record the reason for a deviation from the locked protocol.

    For example: waterbed -C mystudy protocol explain data.interim --reason "the board asked for it"
    """
    from waterbed.governance.protocol.lock import explain
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        found = explain(study.folder, subject, reason)
    say(f"on record: {found.text}")


@protocol_app.command("log")
def protocol_log(context: typer.Context, form: Formatted = Format.table) -> None:
    """List all deviations and explanations on record, oldest first.

    For example: waterbed -C mystudy protocol log --format csv
    """
    from waterbed.governance.protocol.lock import locked_protocol
    from waterbed.model.governance import DeviationNote
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        now = locked_protocol(study.folder)
        notes = list(now.notes) if now else []
        if form is not Format.table:
            for_tools(DeviationNote, notes, table_info(study, "deviation log", by="note"), form)
            return
        table = new_table("Deviations on record")
        for name in ("noted", "by", "deviation", "reason"):
            table.add_column(name, overflow="fold")
        for note in notes:
            table.add_row(f"{note.noted_at:%Y-%m-%d %H:%M}", note.who, note.deviation, note.reason or "noticed")
        print_table(table)
