"""The `event` commands: plan an intervention's study, check it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.shown.options import Format, Formatted, to_write
from waterbed.shown.output import new_table, note, print_rows, print_table, say, written_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waterbed.graphs.displacement.candidates import Candidate
    from waterbed.model.message import Message
    from waterbed.model.results import PlanRow
    from waterbed.study.study import Study

event_app = typer.Typer(help="Interventions: plan their study, and see what it still needs.", no_args_is_help=True)
Removed = Annotated[
    float, typer.Option(min=0.01, max=1.0, help="Share that the target will remove within 24 hours, for power.")
]
Displaced = Annotated[float, typer.Option(min=0.01, max=1.0, help="Share of what ends there that moves, for power.")]
_SHOWN = 12


@event_app.command("init")
def event_init(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A hoster's key, AS64500, or a country like NL.")],
    date: Annotated[
        str, typer.Option(help="When it begins: a day, or a time like 2026-03-15T06:00, UTC.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; else events/TARGET-DATE.toml.", callback=to_write, show_default=False),
    ] = None,
    after: Annotated[
        float, typer.Option(min=1.0, max=3660.0, help="Days after it that are read; more answer more often.")
    ] = 14.0,
    removed: Removed = 0.9,
    displaced: Displaced = 0.3,
    form: Formatted = Format.table,
) -> None:
    """Write an event file, from data before the event alone.

    Proposes controls and buffer, and says what the study can show. A file that is there stays as it is.

    For example: waterbed -C mystudy event init moerashost --date 2025-04-08
    """
    from waterbed.graphs.displacement.event import events_in
    from waterbed.model.window import time_of
    from waterbed.questions.intervention.check import overlapping
    from waterbed.questions.intervention.plan import plan_event
    from waterbed.store.whole.files import write_new
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        event_at = time_of("date", date, "docs/displacement.md")
        name = re.sub("[^A-Za-z0-9]+", "-", target).strip("-")[:60] or "event"
        path = out or study.path / "events" / f"{name}-{event_at:%Y-%m-%d}.toml"
        if path.exists():
            raise InputError(f"{path} is there already and stays as it is; name another file with --out")
        conclusions, (other_events, _) = study.conclude(), events_in(study.path)
        plan = plan_event(conclusions, study.config, target, event_at, days=after, removed=removed, displaced=displaced)
        with written_at(path):
            if out is None:
                path.parent.mkdir(exist_ok=True)
            try:
                write_new(path, plan.text.encode())
            except FileExistsError:
                raise InputError(f"{path} is there already and stays as it is; name another file with --out") from None
        if form is Format.table:
            _places(plan.places, target)
        _rows(study, [*overlapping(conclusions, plan.event, other_events), *plan.rows], form)
        if form is Format.table:
            note(f"wrote {path}: read it and change it, before the event")


@event_app.command("check")
def event_check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The event file.", show_default=False)],
    removed: Removed = 0.9,
    displaced: Displaced = 0.3,
    form: Formatted = Format.table,
) -> None:
    """Say what an answer to an event still needs.

    What stops it comes first, and the last line says from when an answer can be had.

    For example: waterbed -C mystudy event check mystudy/events/moerashost-2025-04-08.toml
    """
    from waterbed.graphs.displacement.event import events_in, named_in, read_event
    from waterbed.questions.intervention.check import check_event
    from waterbed.study.study import open_study

    event = read_event(file)
    with open_study(context.obj) as study, named_in(file):
        other_events, _ = events_in(study.path)
        rows = check_event(
            study.conclude(), study.config, event, removed=removed, displaced=displaced, other_events=other_events
        )
        _rows(study, rows, form)


def _rows(study: Study, planned: Sequence[PlanRow[Message]], form: Format) -> None:
    from waterbed.model.formatter import OWN
    from waterbed.model.results import PlanRow
    from waterbed.questions.intervention.power import METHOD
    from waterbed.study.metadata import table_info

    rows = [OWN.row(PlanRow, row) for row in planned]
    if form is not Format.table:
        info = replace(table_info(study, "event plan", by="event"), method=METHOD)
        print_rows(PlanRow, rows, info, form)
        return
    for row in rows:
        say(f"{row.topic}: {row.text}", style="bold" if row.stops or row.topic == "answer" else None, broken=True)


def _places(places: Sequence[Candidate], target: str) -> None:
    """Print the places that were compared with the target."""
    from waterbed.model.formatter import OWN

    table = new_table(f"Places beside {target}, from before the event", look="bold")
    for name in ("place", "proposed as", "sites", "apart", "from target", "note"):
        table.add_column(name, justify="right" if name in ("sites", "apart", "from target") else "left")
    for candidate in places[:_SHOWN]:
        arrivals = f"{candidate.received:,} of {candidate.arrivals:,}"
        table.add_row(
            candidate.key,
            candidate.role or "-",
            f"{candidate.sites:,}",
            f"{candidate.apart:.2f}",
            arrivals,
            OWN.text(candidate.why),
        )
    print_table(table)
    if len(places) > _SHOWN:
        say(f"... {len(places) - _SHOWN:,} more")
