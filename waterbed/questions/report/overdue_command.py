"""The `overdue` command: notified, and still up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from waterbed.model.shell import command
from waterbed.model.spelling import counted
from waterbed.model.takedown import Overdue
from waterbed.shown.options import Format, Formatted, OfSource, to_write
from waterbed.shown.output import FINDING, complain, note, print_rows, say, short, written_at


def overdue(
    context: typer.Context,
    hoster: Annotated[
        str | None, typer.Argument(metavar="HOSTER", help="Only what is at this hoster: its key.", show_default=False)
    ] = None,
    source: OfSource = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write the rows to this file, for reminders.", callback=to_write, show_default=False
        ),
    ] = None,
    after: Annotated[float, typer.Option(min=0, help="Hours that count where neither order nor law gives any.")] = 24.0,
    form: Formatted = Format.table,
) -> None:
    """List what hosters were notified of and is still up.

    By hoster, with the source's own reference and the hours late.

    For example: waterbed -C mystudy overdue AS64500 --source hotline --csv reminders.csv
    """
    from waterbed.questions.report.overdue import overdue_of
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        found, info = overdue_of(study, source=source, after_h=after, hoster=hoster)
        freeze_h = study.folder.config.judge.freeze_s / 3600
    rows = found.late
    if csv is not None:
        from waterbed.store.whole.files import write_whole
        from waterbed.study.formats import as_csv

        with written_at(csv):
            write_whole(csv, as_csv(Overdue, rows).encode())
        note(f"wrote {len(rows):,} rows to {csv}")
    elif form is not Format.table or rows:
        title = f"{counted(len(rows), 'URL')} overdue at {counted(len({row.key for row in rows}), 'hoster')}"
        print_rows(Overdue, rows, info, form.value, columns=_columns(rows), title=title, cell=_cell, unbroken=_IDS)
    if not found.notified:
        first = command("notices", "notices.csv", study=context.obj)
        told = f"This study has no notice, so nothing can be overdue; import notices first ({first}; {_SEE})"
        say(told, broken=True) if form is Format.table else complain(told)
    elif form is Format.table:
        held = sum(row.held_for_police for row in rows)
        if not rows:
            say(f"Nothing that {hoster or 'a hoster'} was notified of is up beyond its time.")
        if not found.checked:
            say("Nothing that was reported was checked there (waterbed rank lists the keys of hosters).")
        note(
            f"{found.in_time:,} more are up and within their time: that of the order or the law, else {after:g} hours."
        )
        note(f"{len(found.without_notice):,} more are up and without a notice to their hoster.")
        if found.newly_down:
            note(f"{counted(len(found.newly_down), 'URL')} last seen down, not confirmed yet: no reminder now.")
        if found.forgotten:
            note(f"{counted(len(found.forgotten), 'forgotten URL')} left out: waterbed reveal opens none.")
        if held:
            note(f"{held:,} {'was' if held == 1 else 'were'} held for the police: no reminder for these.")
        note(
            "late: hours from then to the last check that saw it up, "
            f"leaving out the study's last {freeze_h:g} hours of checks ({_OVERDUE}).",
            broken=True,
        )
        if any(row.reminders for row in rows):
            note("again: further notices since, by arrival, or by sending where no arrival is known.", broken=True)
    raise typer.Exit(FINDING if rows else 0)


_SEE = "docs/notices.md, The file"
_OVERDUE = "docs/notices.md, Overdue"
_COLUMNS = {
    "hoster": "key",
    "reference": "reference",
    "url_id": "url_id",
    "kind": "kind",
    "notified": "notified_at",
    "late": "late_h",
    "time by": "deadline",
    "again": "reminders",
    "answer": "acknowledged",
}
_IDS = ("hoster", "url_id")
_OPTIONAL = {"reference", "reminders", "acknowledged"}


def _columns(rows: Sequence[Overdue]) -> dict[str, str]:
    """The columns, without an optional one that is empty in every row."""
    return {
        name: field
        for name, field in _COLUMNS.items()
        if field not in _OPTIONAL or any(getattr(row, field) for row in rows)
    }


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.0f}" if isinstance(value, float) else short(value)
