"""The `fact-sheet` command: one hoster on one page."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.conclusions import RankingRow, Reached, Size
from waterbed.model.spelling import counted, percent, percents
from waterbed.model.takedown import AddressedNotice, Case, CauseShare, ComplianceRow, Duration
from waterbed.shown.options import Clock, Every, Follow, Format, Formatted, Hoster, Since, Until
from waterbed.shown.output import console, for_tools, more, new_table, page_of, print_table, whole
from waterbed.shown.windows import Asked, Cell, asked, print_by_window, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from waterbed.questions.fact_sheet.sheet import Sheet


def fact_sheet(
    context: typer.Context,
    hoster: Hoster,
    clock: Annotated[
        Clock | None,
        typer.Option(
            help="Origin of clocks; by default notice_delivered, or reported without notices.", show_default=False
        ),
    ] = None,
    form: Formatted = Format.table,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
    every: Every = None,
) -> None:
    """Print the fact sheet of one hoster.

    Numbers, curve by cause, and cases by id; csv and parquet hold the cases. With --window the shares removed alone.

    For example: waterbed -C mystudy fact-sheet AS64500
    """
    from waterbed.questions.fact_sheet.sheet import sheet_of
    from waterbed.study.study import open_study

    window_choice = asked(since, until, follow, every)
    with open_study(context.obj) as study:
        each = [
            sheet_of(study, hoster, clock=clock.value if clock else None, conclusions=conclusions)
            for conclusions in window_choice.each(study)
        ]
    if window_choice.every:
        _by_window(each, form, window_choice)
        return
    (sheet,) = each
    if form is Format.json:
        sys.stdout.write(sheet_json(sheet))
    elif form is Format.table:
        print_sheet(sheet, console)
    else:
        for_tools(Case, sheet.cases, sheet.info, form)


def _by_window(each: Sequence[Sheet], form: Format, wanted: Asked) -> None:
    """Print the shares removed of each week or month."""
    if not each:
        wanted.empty()
        return
    columns: dict[str, Cell] = {
        "within h": "within_h",
        "clocks": "clocks",
        "removed": lambda row: share(row.removed, row.removed_low, row.removed_high),
        "moved too": lambda row: share(row.removed_or_moved),
        "class": "rank_class",
    }
    parts = [(sheet.window, sheet.shares) for sheet in each]
    print_by_window(ComplianceRow, parts, each[0].info, form.value, columns=columns, wanted=wanted)


_SHOWN = 100
_CARRIERS = 8
_WIDE = 120
_PARTS: dict[str, type] = {
    "ranking": RankingRow,
    "size": Size,
    "shares": ComplianceRow,
    "curve": CauseShare,
    "duration": Duration,
    "cases": Case,
    "reached_through": Reached,
    "misaddressed": AddressedNotice,
}


def sheet_text(found: Sheet) -> str:
    """The printed sheet without colour, and its remarks."""
    text = io.StringIO()
    page = page_of(text, _WIDE)
    print_sheet(found, page)
    for status in found.info.remarks:
        page.print(status, soft_wrap=True)
    return text.getvalue()


def sheet_json(found: Sheet) -> str:
    """The sheet as one JSON object.

    It holds the metadata, the hoster, and the rows of each part.
    """
    from waterbed.questions.fact_sheet.sheet import as_mapping
    from waterbed.study.formats import as_json

    document: dict[str, Any] = {}
    for name, rows in as_mapping(found).items():
        read = json.loads(as_json(_PARTS[name], rows, found.info))
        part = read.pop("rows")
        document = document or {**read, "key": found.key, "name": found.name}
        document |= {"hosting_type": found.hosting_type, "hoster_word": found.hoster_word}
        document[name] = part
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def print_sheet(found: Sheet, out: Console) -> None:
    """Print the sheet for people."""
    out.print(f"{found.key}: {found.name}", style="bold", soft_wrap=True)
    out.print(f"{found.info.window}; clocks run from the time at which {_clock(found)}", soft_wrap=True)
    if found.info.caveat:
        out.print(f"{found.info.caveat}.", soft_wrap=True)
    _numbers(found, out)
    _curve(found, out)
    _durations(found, out)
    _cases(found, out)
    _astray(found, out)


def _clock(found: Sheet) -> str:
    from waterbed.measures.clocks import CLOCK_WORDS

    clock_texts = {str(kind): text for kind, text in CLOCK_WORDS.items()}
    return clock_texts[found.info.clock]


def _numbers(found: Sheet, out: Console) -> None:
    from waterbed.measures.constancy import change_message
    from waterbed.model.formatter import OWN

    row, size = found.ranking, found.size
    if row:
        out.print(
            f"{counted(row.urls, 'URL')} on {counted(row.hosts, 'host')} of {counted(row.sites, 'site')}; ", end=""
        )
        ranking_note = (
            "" if row.rank_class == found.rank_class else f" ({row.rank_class} in the ranking, by its own clock)"
        )
        out.print(
            f"class {found.rank_class}{ranking_note}; {counted(row.unknown, 'URL')} of which no check could be decided",
            soft_wrap=True,
        )
        if row.first_down:
            out.print(
                f"{row.first_down:,} of {row.episodes:,} were down at the first check; fast removal, wrong reports and "
                "content hidden from our checks look alike",
                soft_wrap=True,
            )
        if change_text := OWN.text(change_message(row)):
            out.print(f"removed within 24 h of its own clock in the ranking: {change_text}", soft_wrap=True)
        if row.removals:
            batches = counted(row.batches, "batch", "batches")
            out.print(f"{counted(row.removals, 'removal')} of content that was seen up came in {batches} or more")
    else:
        out.print("Nothing that was reported was checked there.")
    if found.hosting_type != "unknown":
        out.print(f"mostly offers {found.hosting_type} hosting", soft_wrap=True)
    if found.hoster_word:
        looks = f"{found.hoster_word:,} check{'s' if found.hoster_word > 1 else ''}"
        out.print(f"the hoster's word: its own link check decided {looks}, in place of the content", soft_wrap=True)
    if size:
        size_by_kind = {
            "IPv4 announced": size.announced_v4,
            "IPv6 /64s announced": size.announced_v6_64s,
            "IPv4 seen hosting": size.hosting_v4,
            "domains": size.domains,
        }
        sizes = ", ".join(f"{value:,} {name}" for name, value in size_by_kind.items() if value is not None)
        out.print(f"size on {size.day:%Y-%m-%d}: {sizes or 'not known'}", soft_wrap=True)
    if found.reached_through:
        carriers = (
            f"{carrier.key} ({carrier.kind}, {carrier.hosts:,} of {carrier.of:,} hosts)"
            for carrier in found.reached_through[:_CARRIERS]
        )
        out.print(f"reached through {', '.join(carriers)}", soft_wrap=True)
    if found.shares:
        first = found.shares[0]
        out.print(
            f"{first.clocks:,} clocks; gone before their start: {first.before:,}, of these removed: "
            f"{first.removed_before:,}; came under study later: {first.late:,}",
            soft_wrap=True,
        )


def _curve(found: Sheet, out: Console) -> None:
    from waterbed.questions.fact_sheet.sheet import SHEET_H

    if not found.curve:
        if found.rank_class:
            reason = f"the share is withheld ({found.rank_class})" if found.shares else "no clock runs"
            out.print(f"No curve, nor hours until half had ended: {reason}.", soft_wrap=True)
        return
    table = new_table("Ended within")
    table.add_column("cause")
    for hours in SHEET_H:
        table.add_column(f"{hours:.0f} h", justify="right", no_wrap=True)
    shares = {(row.cause, row.within_h): row for row in found.curve}
    for cause in dict.fromkeys(row.cause for row in found.curve):
        table.add_row(cause, *(_share(shares[cause, hours]) for hours in SHEET_H))
    print_table(whole(table), out)
    out.print("95% intervals; - where fewer than 10 sites or batches tell about those hours.")


def _durations(found: Sheet, out: Console) -> None:
    for duration in found.duration:
        half = _between(duration.median_h, duration.median_low, duration.median_high)
        mean = _between(duration.mean_h, duration.mean_low, duration.mean_high)
        out.print(f"hours until half had ended: {half}; mean within {duration.within_h:.0f} h: {mean}", soft_wrap=True)


def _between(hours: float | None, low: float | None, high: float | None) -> str:
    if low is None:
        return "-"
    middle = "-" if hours is None else f"{hours:.1f}"
    return f"{middle} ({low:.1f}-{'' if high is None else f'{high:.1f}'})"


def _share(one: CauseShare) -> str:
    if one.share is None or one.low is None or one.high is None:
        return "-"
    return f"{percent(one.share)} {percents(one.low, one.high)}"


def _cases(found: Sheet, out: Console) -> None:
    table = new_table()
    timed = any(_timing(case) for case in found.cases)
    for name in (
        "url_id",
        "state",
        "clock from",
        "hours to the end",
        "cause",
        "notices",
        *(["timing"] if timed else []),
    ):
        table.add_column(name, no_wrap=True)
    for case in found.cases[:_SHOWN]:
        table.add_row(
            case.url_id[:12],
            case.state,
            f"{case.origin:%m-%d %H:%M}" if case.origin else "-",
            _span(case),
            case.cause or "-",
            f"{case.notices}{' answered' if case.acknowledged else ''}",
            *([_timing(case)] if timed else []),
        )
    print_table(whole(table), out)
    if timed:
        out.print("before: gone before its clock began; around: gone in an interval that holds the beginning.")
    if found.info.clock == "notice_delivered" and any(case.notices and case.origin is None for case in found.cases):
        out.print(
            "- under clock from: no notice known to have arrived started it; orders have a clock of their own: "
            "--clock legal_order.",
            soft_wrap=True,
        )
    more(len(found.cases), _SHOWN, on=out)


def _timing(one: Case) -> str:
    return {"before": "before", "open": "around"}.get(one.timing or "", "")


def _span(one: Case) -> str:
    if one.left_h is None:
        return "-"
    return f"over {one.left_h:.1f}" if one.right_h is None else f"{one.left_h:.1f} to {one.right_h:.1f}"


def _astray(found: Sheet, out: Console) -> None:
    received = sum(notice.recipient == found.key for notice in found.misaddressed)
    to_others = len(found.misaddressed) - received
    out.print(
        f"misaddressed: {counted(received, 'notice')} to it about what it did not host, "
        f"{to_others:,} to others about what it hosted",
        soft_wrap=True,
    )
    for notice in found.misaddressed[:_SHOWN]:
        where = " ".join(notice.hosters) or "nobody known"
        out.print(
            f"  {notice.url_id[:12]} {notice.sent_at:%Y-%m-%d %H:%M} to {notice.recipient}, hosted by {where}",
            soft_wrap=True,
        )
