"""The `compliance` command: responses to notices, and their speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from waterbed.model.conclusions import ClockKind
from waterbed.model.errors import InputError
from waterbed.model.spelling import NOTHING, counted, percent, percents, share_of
from waterbed.model.takedown import (
    AddressedNotice,
    ComplianceRow,
    ComplianceTrend,
    DeadlineRow,
    NoticeEffect,
    ReturnRow,
    Unanswered,
)
from waterbed.shown.options import Clock, Complied, Every, Follow, Format, Formatted, Since, Until
from waterbed.shown.output import console, for_tools, more, new_table, note, print_rows, print_table, say, short
from waterbed.shown.windows import Asked, Cell, asked, print_by_window, share

if TYPE_CHECKING:
    from waterbed.measures.notices.tables import Compliance

_SHOWN = 60
_WIDE = 100
"""Columns of a terminal from which on names are shown beside keys."""


class What(StrEnum):
    """The table to show."""

    shares = "shares"
    trends = "trends"
    unanswered = "unanswered"
    notices = "notices"
    effect = "effect"
    returns = "returns"
    deadlines = "deadlines"


def compliance(
    context: typer.Context,
    by: Annotated[Complied, typer.Option("--by", help="Unit of a row.")] = Complied.hoster,
    clock: Annotated[Clock, typer.Option(help="Origin of the clocks.")] = Clock.notice_delivered,
    weeks: Annotated[bool, typer.Option("--weeks", help="By ISO week too.")] = False,
    what: Annotated[
        What,
        typer.Option(
            "--table",
            help="Shares, trends, unanswered notices, all notices, their effect, what came back, or deadlines met.",
        ),
    ] = What.shares,
    after: Annotated[
        float | None,
        typer.Option(min=0, help="Hours up without an answer; else 72, after a legal order 12.", show_default=False),
    ] = None,
    form: Formatted = Format.table,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
    every: Every = None,
) -> None:
    """Show removal within hours of notices, its trend, and silence.

    For example: waterbed -C mystudy compliance --by asn --weeks
    """
    from waterbed.measures.about import own_events
    from waterbed.measures.notices.tables import compliance_of
    from waterbed.study.study import open_study

    wanted = asked(since, until, follow, every)
    if weeks and wanted.every:
        raise InputError("--weeks and --window are two ways to cut time: leave out one of them (docs/windows.md)")
    with open_study(context.obj) as study:
        each = (
            compliance_of(
                study,
                by=by.value.replace("-", "_"),
                clock=clock.value,
                conclusions=conclusions,
                events=own_events(study),
            )
            for conclusions in wanted.each(study)
        )
        if wanted.every:
            windows = list(each)
            _by_window(windows, what, after, form, wanted)
            _withdrawn(windows, form)
            return
        found = next(each)
        if wanted.window and form is Format.table and not found.conclusions.facts.targets:
            wanted.empty()
            return
        if what is What.shares:
            _shares(found, weeks, form)
        elif what is What.trends:
            _rows(found, ComplianceTrend, found.trends(), what, form)
        elif what is What.unanswered:
            _rows(found, Unanswered, found.unanswered(after), what, form)
        elif what is What.notices:
            _rows(found, AddressedNotice, found.notices(), what, form)
        elif what is What.effect:
            _effects(found, form)
        elif what is What.deadlines:
            _deadlines(found, form)
        else:
            _returns(found, form)
        _withdrawn([found], form)


def _withdrawn(found: Sequence[Compliance], form: Format) -> None:
    """Tell people how many notices are withdrawn."""
    count = sum(len(one.conclusions.facts.withdrawn_notices) for one in found)
    if count and form is Format.table:
        say(f"{counted(count, 'notice')} withdrawn: left out everywhere.")


def _by_window(each: Sequence[Compliance], what: What, after: float | None, form: Format, wanted: Asked) -> None:
    """Print the rows of each week or month."""
    made: dict[What, tuple[type, Callable[[Compliance], Sequence[Any]], Mapping[str, Cell]]] = {
        What.shares: (ComplianceRow, lambda one: one.shares(), _SHARES),
        What.trends: (ComplianceTrend, lambda one: one.trends(), _named(What.trends)),
        What.unanswered: (Unanswered, lambda one: one.unanswered(after), _named(What.unanswered)),
        What.notices: (AddressedNotice, lambda one: one.notices(), _named(What.notices)),
        What.effect: (
            NoticeEffect,
            lambda one: one.effects(),
            {"what": "what", "ratio": "ratio", "refusal": "refusal"},
        ),
        What.returns: (ReturnRow, lambda one: one.returns(), _RETURNS),
        What.deadlines: (DeadlineRow, lambda one: one.deadlines(), _named(What.deadlines)),
    }
    if not each:
        wanted.empty()
        return
    cls, rows, columns = made[what]
    parts = [(one.conclusions.window, rows(one)) for one in each]
    if what is What.shares and form is Format.table and not any(own for _, own in parts):
        _shares(each[0], False, form)
        return
    info = replace(each[0].info_of(what.value), window=f"{_begin(each[0])}/{_last(each[-1])}")
    print_by_window(cls, parts, info, form.value, columns=columns, wanted=wanted)


def _begin(one: Compliance) -> str:
    return one.info.window.partition("/")[0]


def _last(one: Compliance) -> str:
    return one.info.window.rpartition("/")[2]


_SHARES: dict[str, Cell] = {
    "key": "key",
    "within h": "within_h",
    "clocks": "clocks",
    "removed": lambda row: _share(row),  # noqa: PLW0108 (defined below)
    "moved too": lambda row: share(row.removed_or_moved),
    "class": "rank_class",
}
_RETURNS: dict[str, Cell] = {
    "key": "key",
    "reports": "reports",
    "removed": lambda row: _range(
        row.removed_24h, row.removed_24h_worst, row.removed_24h_best, row.removed_24h_low, row.removed_24h_high
    ),
    "gone": lambda row: share(row.gone_24h, row.gone_24h_low, row.gone_24h_high),
    "durable 30 d": lambda row: share(row.durable_30d, row.durable_30d_low, row.durable_30d_high),
    "back here": "back_here",
    "elsewhere": "back_elsewhere",
}


def _named(what: What) -> dict[str, str]:
    return {"class" if name == "rank_class" else name: name for name in _COLUMNS[what]}


def _shares(found: Compliance, weeks: bool, form: Format) -> None:
    from waterbed.measures.clocks import CLOCK_WORDS
    from waterbed.measures.notices.compliance import WITHIN_H

    rows = found.shares(weeks=weeks)
    if form is not Format.table:
        for_tools(ComplianceRow, rows, found.info, form)
        return
    if not rows:
        say(f"No clocks run from when {CLOCK_WORDS[cast(ClockKind, found.info.clock)]}.")
        _reached(found)
        return
    named = console.width >= _WIDE
    table = new_table(f"Removed within so many hours, %, by {found.info.by}")
    for name in ("key", *(["name"] if named else [])):
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=30)
    if weeks:
        table.add_column("week", no_wrap=True, min_width=8)
    full = named or not weeks
    late = full and any(row.late for row in rows)
    further = [*(["moved"] if full else []), *(["late"] if late else [])]
    for name in ("clocks", *(f"{hours:.0f} h" for hours in WITHIN_H), "before", *further):
        table.add_column(name, justify="right", no_wrap=True, min_width=10 if name == "24 h" else len(name))
    if full:
        table.add_column("class", no_wrap=True, min_width=7)
    step = len(WITHIN_H)
    for start in range(0, min(len(rows), _SHOWN * step), step):
        table.add_row(*_cells(rows[start : start + step], named=named, weeks=weeks, late=late))
    print_table(table)
    note(f"Clocks run from when {CLOCK_WORDS[cast(ClockKind, found.info.clock)]}.")
    note("24 h: with its 95% interval; moved: removed or moved within 24 h; class: of the share in 24 h.", broken=True)
    aside = "; late: under study later, left out" if late else ""
    note(f"before: removed / all that was gone before the clock began{aside}.", broken=True)
    more(len(rows) // step, _SHOWN)
    _reached(found)


def _cells(group: Sequence[ComplianceRow], *, named: bool, weeks: bool, late: bool) -> list[str]:
    day = next(row for row in group if row.within_h == 24.0)
    shares = [
        # of the other hours one number or none: there is no room for ranges in a narrow terminal
        (_share(row) if row is day else _percent(row.removed)).replace("%", "")
        for row in group
    ]
    return [
        day.key,
        *([day.name] if named else []),
        *([day.week or "all"] if weeks else []),
        f"{day.clocks:,}",
        *shares,
        f"{day.removed_before:,}/{day.before:,}",
        *([_percent(day.removed_or_moved)] if named or not weeks else []),
        *([f"{day.late:,}"] if late else []),
        *([day.rank_class] if named or not weeks else []),
    ]


def _reached(found: Compliance) -> None:
    """Print who received the study's notices."""
    notices = found.notices()
    if not notices:
        if found.conclusions.whole.facts.notices:
            say("No notice is about what was first reported in this window (docs/windows.md).")
        else:
            console.print("The study has no notices: see waterbed notices.")
        return
    counts = {how: sum(one.addressed == how for one in notices) for how in ("direct", "indirect", "misaddressed")}
    bounced = sum(one.bounced for one in notices)
    say(
        f"{counted(len(notices), 'notice')}: {counts['direct']:,} to the hoster of that time, "
        f"{counts['indirect']:,} to somebody around it, {counts['misaddressed']:,} misaddressed; {bounced:,} came back."
    )


_COLUMNS: dict[What, tuple[str, ...]] = {
    What.trends: ("key", "name", "weeks", "clusters", "slope", "slope_low", "slope_high", "rank_class"),
    What.unanswered: ("key", "url_id", "origin", "up_h", "ended", "reminders", "batch"),
    What.deadlines: ("key", "kind", "clocks", "due", "due_h", "met", "met_low", "met_high", "missed", "action_h"),
    What.notices: ("url_id", "kind", "recipient", "addressed", "role", "hosters", "sent_at"),
}
"""What people are shown of each table; the other formats have every column."""


def _rows(found: Compliance, cls: type, rows: Sequence[Any], what: What, form: Format) -> None:
    if form is Format.table and not rows:
        console.print(f"No {what.value} to show.")
        return
    columns = _named(what)
    title = f"{len(rows):,} {what.value}"
    print_rows(cls, rows, found.info_of(what.value), form, columns=columns, title=title, shown=_SHOWN, cell=_short)


def _deadlines(found: Compliance, form: Format) -> None:
    rows = found.deadlines()
    if form is not Format.table or not rows:
        _rows(found, DeadlineRow, rows, What.deadlines, form)
        return
    table = new_table(f"Removed by the deadline, %, by {found.info.by} and kind of notice")
    table.add_column("key", no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column("kind", no_wrap=True)
    for name in ("clocks", "due", "due h", "met", "missed", "half h"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:_SHOWN]:
        met = _percent(row.met) + _ends(row.met_low, row.met_high)
        hours = [_short(row.due_h), met, f"{row.missed:,}", _short(row.action_h)]
        table.add_row(row.key, row.kind, f"{row.clocks:,}", f"{row.due:,}", *hours)
    print_table(table)
    note("due: clocks with a deadline, of the order or the law; met: with its 95% interval.", broken=True)
    note("missed: still up at the deadline; half h: hours until half was gone, of clocks without one.", broken=True)
    more(len(rows), _SHOWN)


def _returns(found: Compliance, form: Format) -> None:
    rows, info = found.returns(), found.info_of(What.returns.value)
    if form is not Format.table:
        for_tools(ReturnRow, rows, info, form)
        return
    if not rows:
        say("Nothing was reported anywhere.")
        return
    table = new_table(f"Removed, gone and gone for good, %, by {info.by}")
    table.add_column("key", no_wrap=True, overflow="ellipsis", max_width=12)
    for name in ("reports", "removed", "at most", "gone", "30 d", "90 d", "here", "elsewhere"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:_SHOWN]:
        shares = (
            (row.removed_24h, row.removed_24h_low, row.removed_24h_high),
            (row.gone_24h, row.gone_24h_low, row.gone_24h_high),
            (row.durable_30d, row.durable_30d_low, row.durable_30d_high),
            (row.durable_90d, row.durable_90d_low, row.durable_90d_high),
        )
        back = [f"{count}/{row.removals}" for count in (row.back_here, row.back_elsewhere)]
        cells = [_percent(share) + _ends(*ends) for share, *ends in shares]
        bounds = row.removed_24h_worst, row.removed_24h_best
        cells[0] = _range(row.removed_24h, *bounds, *shares[0][1:]).replace("%", "")
        cells.insert(1, _percent(row.removed_24h_best))
        table.add_row(row.key, f"{row.reports:,}", *cells, *back)
    print_table(table)
    note("removed: within 24 h of the report, not back within a day; gone: and not up there at 24 h.", broken=True)
    note("at most: what was out of sight, or first found down, was removed too.", broken=True)
    note("30 d, 90 d: removed within 24 h, and for so long back nowhere known.", broken=True)
    note("here, elsewhere: of removals followed for 30 days, content seen again there, or only elsewhere.", broken=True)
    more(len(rows), _SHOWN)


def _effects(found: Compliance, form: Format) -> None:
    rows, info = found.effects(), found.info_of(What.effect.value)
    if form is not Format.table:
        for_tools(NoticeEffect, rows, info, form)
        return
    table = new_table("Removal once this happened, against before")
    table.add_column("what", min_width=34)
    for name in ("ratio", "95%", "p", "clocks", "clusters"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        wide = "-" if row.low is None or row.high is None else f"{row.low:.2f}-{row.high:.2f}"
        numbers = [
            ("-" if value is None else f"{value:{digits}}") for value, digits in ((row.ratio, ".2f"), (row.p, ".3f"))
        ]
        table.add_row(row.what, numbers[0], wide, numbers[1], f"{row.clocks:,}", f"{row.clusters:,}")
    print_table(table)
    for row in rows:
        if row.refusal:
            note(f"{row.what}: {row.refusal}.", broken=True)
    if any(row.ratio is not None for row in rows):
        note("ratio: content is removed so many times as fast once this happened, at one age and hoster.", broken=True)
        note("It shows an effect of the notice only if notices are not sent to what would go soon anyway.", broken=True)


def _percent(share: float | None) -> str:
    return "-" if share is None else percent(share, sign="")


def _share(row: ComplianceRow) -> str:
    """A row's share with its interval, as all views have it."""
    if share_of(row, "removed") == NOTHING:
        return "-"
    return _range(row.removed, row.removed_worst, row.removed_best, row.removed_low, row.removed_high)


def _range(one: float | None, worst: float | None, best: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval; worst and best case where it has no single number; a dash for neither."""
    if one is None and (worst is None or best is None):
        return "-"
    text = percents(worst or 0.0, best or 0.0) if one is None else percent(one)
    return f"{text}{_ends(low, high)}"


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" {percents(low, high, sign='')}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1 else f"{value:,.1f}"
    return short(value)
