"""The command line's part for compliance: who acts on notices, how fast, and who stays silent."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, cast

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.compliance import Clock, Compliance, compliance_of
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.clocks import AddressedNotice, ComplianceRow, ComplianceTrend, Unanswered
from waterbed.model.conclusions import ClockKind
from waterbed.rankings.clocks import CLOCK_WORDS
from waterbed.rankings.compliance import WITHIN_H
from waterbed.study import open_study

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 60
_WIDE = 100
"""Columns of a terminal from which on names are shown beside keys."""


class By(StrEnum):
    """What a row stands for."""

    hoster = "hoster"
    asn = "asn"
    country = "country"


class What(StrEnum):
    """Which table is shown."""

    shares = "shares"
    trends = "trends"
    unanswered = "unanswered"
    notices = "notices"


def compliance(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="What a row stands for.")] = By.hoster,
    clock: Annotated[Clock, typer.Option(help="What the clocks run from.")] = Clock.notice_delivered,
    weeks: Annotated[bool, typer.Option("--weeks", help="By ISO week too.")] = False,
    what: Annotated[
        What, typer.Option("--show", help="Shares, their trends, what nobody answered, or all notices.")
    ] = (What.shares),
    after: Annotated[
        float | None,
        typer.Option(min=0, help="Hours up without an answer; else 72, after a legal order 12.", show_default=False),
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Show what hosters acted on within hours of the notice, its trend, and what nobody answered.

    For example: waterbed -C mystudy compliance --by asn --weeks
    """
    with open_study(context.obj) as study:
        found = compliance_of(study, by=by.value, clock=clock.value)
        if what is What.shares:
            _shares(found, weeks, form)
        elif what is What.trends:
            _rows(found, ComplianceTrend, found.trends(), what, form)
        elif what is What.unanswered:
            _rows(found, Unanswered, found.unanswered(after), what, form)
        else:
            _rows(found, AddressedNotice, found.notices(), what, form)


def _shares(found: Compliance, weeks: bool, form: Format) -> None:
    rows = found.shares(weeks=weeks)
    if form is not Format.table:
        for_tools(ComplianceRow, rows, found.heading, form)
        return
    if not rows:
        _out.print(f"No clocks run from when {CLOCK_WORDS[cast(ClockKind, found.heading.clock)]}.", soft_wrap=True)
        _reached(found.notices())
        return
    named = _out.width >= _WIDE
    table = _table(f"Removed within so many hours, %, by {found.heading.by}")
    for name in ("key", *(["name"] if named else [])):
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=30)
    if weeks:
        table.add_column("week", no_wrap=True, min_width=8)
    full = named or not weeks
    for name in ("clocks", *(f"{hours:.0f} h" for hours in WITHIN_H), "before", *(["moved", "late"] if full else [])):
        table.add_column(name, justify="right", no_wrap=True, min_width=9 if name == "24 h" else len(name))
    if full:
        table.add_column("class", no_wrap=True, min_width=7)
    step = len(WITHIN_H)
    for start in range(0, min(len(rows), _SHOWN * step), step):
        table.add_row(*_cells(rows[start : start + step], named=named, weeks=weeks))
    _out.print(table)
    _out.print(f"Clocks run from when {CLOCK_WORDS[cast(ClockKind, found.heading.clock)]}.", soft_wrap=True)
    _out.print("24 h: with its 95% interval; moved: removed or moved within 24 h; class: of the share in 24 h.")
    _out.print("before: removed / all that was gone before the clock began; late: under study later, left out.")
    if len(rows) > _SHOWN * step:
        _out.print(f"... {len(rows) // step - _SHOWN:,} more; all of them with --format csv, json or parquet")
    _reached(found.notices())


def _cells(group: Sequence[ComplianceRow], *, named: bool, weeks: bool) -> list[str]:
    day = next(row for row in group if row.within_h == 24.0)
    shares = [_percent(row.removed) + (_interval(row) if row is day else "") for row in group]
    return [
        day.key,
        *([day.name] if named else []),
        *([day.week or "all"] if weeks else []),
        f"{day.clocks:,}",
        *shares,
        f"{day.removed_before:,}/{day.before:,}",
        *([_percent(day.removed_or_moved), f"{day.late:,}", day.rank_class] if named or not weeks else []),
    ]


def _reached(notices: Sequence[AddressedNotice]) -> None:
    """Say whom the study's notices reached."""
    if not notices:
        _out.print("The study has no notices: see waterbed notices.")
        return
    counts = {how: sum(one.addressed == how for one in notices) for how in ("direct", "indirect", "misaddressed")}
    bounced = sum(one.bounced for one in notices)
    _out.print(
        f"{len(notices):,} notices: {counts['direct']:,} to the hoster of that time, {counts['indirect']:,} to "
        f"somebody around it, {counts['misaddressed']:,} misaddressed; {bounced:,} came back.",
        soft_wrap=True,
    )


_COLUMNS: dict[What, tuple[str, ...]] = {
    What.trends: ("key", "name", "weeks", "clusters", "slope", "slope_low", "slope_high", "rank_class"),
    What.unanswered: ("key", "url_id", "origin", "up_h", "ended", "reminders", "batch"),
    What.notices: ("url_id", "kind", "recipient", "addressed", "role", "hosters", "sent_at"),
}
"""What people are shown of each table; the other formats have every column."""


def _rows(found: Compliance, cls: type, rows: Sequence[Any], what: What, form: Format) -> None:
    if form is not Format.table:
        for_tools(cls, rows, found.headed(what.value), form)
        return
    if not rows:
        _out.print(f"No {what.value} to show.")
        return
    table = _table(f"{len(rows):,} {what.value}")
    for name in _COLUMNS[what]:
        table.add_column("class" if name == "rank_class" else name, overflow="fold")
    for row in rows[:_SHOWN]:
        table.add_row(*(_short(getattr(row, name)) for name in _COLUMNS[what]))
    _out.print(table)
    if len(rows) > _SHOWN:
        _out.print(f"... {len(rows) - _SHOWN:,} more; all of them with --format csv, json or parquet")


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.0f}"


def _interval(row: ComplianceRow) -> str:
    if row.removed_low is None or row.removed_high is None:
        return ""
    return f" {row.removed_low * 100:.0f}-{row.removed_high * 100:.0f}"


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:,.1f}"
    if hasattr(value, "strftime"):
        return str(value.strftime("%m-%d %H:%M"))
    return value[:12] if isinstance(value, str) and len(value) == 32 else str(value)
