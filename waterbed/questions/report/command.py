"""The `report` command: a month on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.window import month_of
from waterbed.shown.options import Follow, OfSource, to_write
from waterbed.shown.output import new_table, note, print_table, say, written_at

if TYPE_CHECKING:
    from waterbed.questions.report.report import MonthReport

_SHOWN = 12


def report(
    context: typer.Context,
    month: Annotated[str, typer.Option("--month", help="The month, as 2026-03 (UTC).", show_default=False)],
    source: OfSource = None,
    follow: Follow = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the page, which prints well.", callback=to_write, show_default=False),
    ] = None,
) -> None:
    """Print a month's report on one page.

    Reports, removed, still up, who lags, what came back, against the month before.

    For example: waterbed -C mystudy report --month 2026-03 --source hotline --out month
    """
    from waterbed.questions.report.report import report_of
    from waterbed.study.study import open_study

    window = month_of(month, follow)
    with open_study(context.obj) as study:
        found = report_of(study, window, source=source)
    path = None
    if out is not None:
        from waterbed.questions.report.page import write_report

        with written_at(out):
            path = write_report(found, out)
    print_report(found, written=path is not None)
    if path is not None:
        note(f"page: {path.resolve()}")


def print_report(found: MonthReport, *, written: bool) -> None:
    """Print a month's report; `written`: its page was written, too."""
    from waterbed.questions.report.page import figures, followed, row_share, sentences

    whose = f", reports of {found.source}" if found.source else ""
    say(f"{found.title}: {found.month.window.name}{whose}", style="bold")
    say(
        f"URLs first reported in {found.month.window.name}, {followed(found.month)}; clocks run from the report. "
        f"{found.before.window.name}: {followed(found.before)}.",
        broken=True,
    )
    if found.info.caveat:
        say(f"{found.info.caveat}.", broken=True)
    say()
    for sentence in sentences(found):
        say(f"- {sentence}", broken=True)
    table = new_table("", "", found.month.window.name, found.before.window.name)
    for what, now, then in figures(found):
        table.add_row(what, now, then)
    print_table(table)
    if found.hosters:
        table = new_table("Who lags: most still up first")
        for name in ("hoster", "URLs", "up", "overdue", "removed in 24 h", "month before"):
            table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=min(len(name), 12))
        for one in found.hosters[:_SHOWN]:
            numbers = (one.row.urls, one.up, one.overdue)
            table.add_row(
                one.row.key, *(f"{number:,}" for number in numbers), row_share(one.row), row_share(one.before)
            )
        print_table(table)
    if found.overdue:
        note("Notified and up beyond its time, by own reference: waterbed overdue.")
    if found.returned:
        table = new_table("What came back", "own reference or id", "removed at", "gone", "seen again", "at")
        for back in found.returned[:_SHOWN]:
            table.add_row(
                back.reference or back.url_id[:12],
                back.hoster,
                f"{back.removed_at:%m-%d %H:%M}",
                f"{back.back_at:%m-%d %H:%M}",
                back.where,
            )
        print_table(table)
        if len(found.returned) > _SHOWN:
            more = f"{len(found.returned) - _SHOWN:,} more"
            say(f"... {more}, in the tables beside the page" if written else f"... {more}: --out FOLDER writes all")
