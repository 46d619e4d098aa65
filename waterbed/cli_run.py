"""The command line's part for the schedule: keep going, and how late it is."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from waterbed.formats import Format, Formatted, for_tools
from waterbed.lag import ScheduleLag
from waterbed.report import envelope
from waterbed.study import open_study

if TYPE_CHECKING:
    from waterbed.service.endpoint import Endpoint

OK, FINDING = 0, 1

_out = Console(highlight=False, markup=False, emoji=False)
_MEANT = {
    "measured_at": "measured at",
    "due": "due now",
    "leased": "of these being taken",
    "overdue": "overdue",
    "oldest_due_at": "oldest was due at",
    "late_p50_s": "due since, median",
    "late_p95_s": "due since, 95%",
    "late_max_s": "due since, oldest",
    "taken": "taken in the last hour",
    "taken_p50_s": "taken late by, median",
    "taken_p95_s": "taken late by, 95%",
    "taken_max_s": "taken late by, most",
    "due_an_hour": "due in the next hour",
    "allowed_an_hour": "allowed an hour",
    "rate": "looks a second and worker",
    "workers": "workers needed",
    "catch_up_hours": "hours to catch up",
}


def run(
    context: typer.Context,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="End by itself after so many seconds.", show_default=False)
    ] = None,
    systemd: Annotated[
        Path | None, typer.Option(help="Write unit files for this study into a folder, and end.", show_default=False)
    ] = None,
) -> None:
    """Keep going on schedule until a signal: passes, chores, a line of health a minute, /health and /metrics.

    For example: waterbed -C mystudy run
    """
    import uvloop  # noqa: PLC0415 (no other command should pay for its libraries)

    from crawler.log_lines import speak  # noqa: PLC0415 (the same)
    from waterbed.service.keeping import Service  # noqa: PLC0415 (the same)
    from waterbed.service.units import write_units  # noqa: PLC0415 (the same)
    from waterbed.store.vault import key_file  # noqa: PLC0415 (the same)

    with open_study(context.obj) as study:
        config = study.folder.config
        if systemd:
            for path in write_units(systemd, study=context.obj, keys=key_file(config.study), config=config):
                _out.print(f"wrote {path}", soft_wrap=True)
            return
        handler = speak(config.log.format, verbose=context.find_root().params["verbose"])
        try:
            kept = uvloop.run(Service(study.folder, seconds=seconds).keep(_begun))
        finally:
            handler.flush()
    _out.print(f"{kept.looks:,} looks in {kept.passes:,} passes and {kept.seconds:,.0f} s; ended in order")


def _begun(endpoint: "Endpoint | None") -> None:
    if endpoint:
        _out.print(f"health at {endpoint.shown}/health, figures at {endpoint.shown}/metrics; end with Ctrl-C")


def lag(context: typer.Context, form: Formatted = Format.table) -> None:
    """How late the schedule is, and how many workers would keep it; exit code 1 if looks are overdue.

    For example: waterbed -C mystudy lag --format json
    """
    with open_study(context.obj) as study:
        found = study.schedule_lag()
        if form is Format.table:
            _print(found)
        else:
            for_tools(ScheduleLag, [found], envelope(study, "schedule lag", by="study"), form)
    raise typer.Exit(FINDING if found.overdue else OK)


def _print(found: ScheduleLag) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for field in fields(found):
        table.add_row(_MEANT[field.name], _cell(field.name, getattr(found, field.name)))
    _out.print(table)
    _out.print(found.sentence, soft_wrap=True)


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f} s" if name.endswith("_s") else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:%Y-%m-%d %H:%M:%S}"
