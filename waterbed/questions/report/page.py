"""A month's report as one page that prints well."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from re import fullmatch, sub
from typing import Annotated, Final

from waterbed.measures.removal import Removal
from waterbed.model.conclusions import NO_SHARE, RankingRow
from waterbed.model.spelling import NOTHING, counted, number, percent, share_of, share_or_range
from waterbed.model.takedown import Overdue
from waterbed.questions.report.report import Laggard, Month, MonthReport, Returned
from waterbed.shown.layout import PageTable, data_files, minute, templates
from waterbed.shown.rankings import MEANINGS
from waterbed.store.whole.files import write_whole

HOSTERS, LATE, BACK, REFERENCES = 8, 6, 5, 4
"""Rows of each table, and references in a row: more do not fit on a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthNumbers:
    """The numbers of one month."""

    month: Annotated[str, "the month (UTC)"]
    since: Annotated[datetime, "its begin"]
    until: Annotated[datetime, "its end: the begin of the next"]
    followed_to: Annotated[datetime | None, "time to which it was followed; null: it ended before the first report"]
    confirm_h: Annotated[float, "hours from the study's end to its last check: a removal is confirmed no sooner"]
    reports: Annotated[int, "reports made in it"]
    urls: Annotated[int, "URLs first reported in it"]
    sites: Annotated[int, "sites of these"]
    again: Annotated[int, "reports of URLs that were first reported before"]
    notices: Annotated[int, "notices sent about its URLs"]
    removed: Annotated[int | None, "of the URLs, those removed by the end; null here and below: not measured"]
    gone_otherwise: Annotated[int | None, "those gone otherwise: the name or the network went"]
    up: Annotated[int | None, "those still up at the end"]
    unseen_h: Annotated[float, "hours after which a sight is old: twice the longest interval between two checks"]
    unseen: Annotated[int | None, "of those still up, those last seen up longer than that before the end"]
    unseen_since: Annotated[datetime | None, "latest time at which one of these was seen up; null: there are none"]
    undecided: Annotated[int | None, "those of which no check could be decided, or none was taken"]
    no_address: Annotated[int | None, "those without an address to check, such as chats"]
    carried_up: Annotated[int | None, "URLs first reported before the month that were still up at its end"]
    carried_overdue: Annotated[int | None, "of these, those up beyond the time that a notice gave"]
    carried_unseen: Annotated[int | None, "of those carried over, those last seen up so long before the end"]
    without_notice: Annotated[int | None, "of the URLs still up, those of which their hosters got no notice"]
    removed_24h: Annotated[float | None, "share removed within 24 h of the report, wherever it was; null: none"]
    removed_24h_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_24h_high: Annotated[float | None, "upper end"]
    removed_24h_worst: Annotated[float | None, "share if nothing was removed whose removal nobody saw"]
    removed_24h_best: Annotated[float | None, "share if all of it was removed in time"]
    first_down: Annotated[int | None, "takedown clocks that ended at the first check: only reports saw these up"]
    told: Annotated[str | None, "told, or why there is no share or interval; null: no clock"]
    median_h: Annotated[float | None, "hours until half was gone, by any cause; null: not seen, or too few"]
    back_here: Annotated[int | None, "removals after which the content was seen again at the same hoster"]
    back_elsewhere: Annotated[int | None, "removals after which it was seen again elsewhere alone"]
    hops_least: Annotated[int | None, "hops that arrived in it and surely are displacement"]
    hops_most: Annotated[int | None, "hops that arrived in it and may be displacement"]
    quarantines_open: Annotated[int, "quarantines of mass outages in the study that are open, whenever they began"]
    quarantines_open_no_verdict: Annotated[int, "the same of our own network or a delivery: they change no verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthHoster:
    """One hoster in a month, and the month before."""

    key: Annotated[str, "the hoster"]
    name: Annotated[str, "its name for people"]
    urls: Annotated[int, "URLs first reported in the month"]
    up: Annotated[int, "of these, those still up there at the end"]
    overdue: Annotated[int, "of these, those up beyond the time that a notice gave"]
    removed_24h: Annotated[float | None, "share removed within 24 h of the report; of too few days: what happened"]
    removed_24h_low: Annotated[float | None, "lower end of its 95% interval"]
    removed_24h_high: Annotated[float | None, "upper end"]
    removed_24h_worst: Annotated[float | None, "share if what we could not see had not been removed"]
    removed_24h_best: Annotated[float | None, "share if all of it had been removed"]
    rank_class: Annotated[str, "ranked, or why no share is given"]
    median_h: Annotated[float | None, "hours until half was gone, by any cause; null: not seen, or too few"]
    before_24h: Annotated[float | None, "share removed of the month before"]
    before_24h_low: Annotated[float | None, "lower end of its 95% interval"]
    before_24h_high: Annotated[float | None, "upper end"]
    before_24h_worst: Annotated[float | None, "share if what we could not see had not been removed"]
    before_24h_best: Annotated[float | None, "share if all of it had been removed"]
    before_class: Annotated[str | None, "its class of the month before; null: nothing was reported there"]
    changed_before: Annotated[
        datetime | None, "of class changed: its share is of reports from then on; null: of the second half of them"
    ] = None
    before_changed_before: Annotated[datetime | None, "the same of the month before"] = None


def report_name(found: MonthReport) -> str:
    """The name of the page's file without its ending.

    A source whose name is none of a file gets one with its checksum.
    """
    name = source = found.source or ""
    if not fullmatch(r"[\w-][\w.-]{0,59}", source) and source:
        name = f"{sub(r'[^A-Za-z0-9_-]+', '-', source)[:40]}-{sha256(source.encode()).hexdigest()[:8]}"
    return f"report-{found.month.window.name}{f'-{name}' if name else ''}"


def report_html(found: MonthReport) -> str:
    """The page: it holds its own style, and loads nothing."""
    return (
        templates()
        .get_template("report.html")
        .render(
            found=found,
            stem=report_name(found),
            followed=followed,
            lines=figures(found),
            sentences=sentences(found),
            hosters=[_cells(one, noticed=bool(found.month.notices)) for one in found.hosters[:HOSTERS]],
            late=_late(found)[:LATE],
            cut_late=len(_late(found)) > LATE or any(number > REFERENCES for _, number, _, _ in _late(found)),
            returned=found.returned[:BACK],
            classes=_classes(found.hosters[:HOSTERS]),
        )
    )


def report_tables(found: MonthReport) -> Iterator[PageTable]:
    """All rows behind the page, which shows the first."""
    stem, counted = report_name(found), "counted at the month's end; docs/notices.md"
    for name, cls, rows, what, by in (
        (
            "numbers",
            MonthNumbers,
            [_numbers(one, found) for one in (found.month, found.before)],
            "months",
            "month",
        ),
        ("hosters", MonthHoster, list(map(_hoster, found.hosters)), "hosters, most still up first", "hoster"),
        ("overdue", Overdue, found.overdue, "notified, and still up beyond the time given", "url"),
        ("returned", Returned, found.returned, "removals after which the content was seen again", "url"),
    ):
        yield PageTable(path=f"{stem}-{name}", cls=cls, rows=rows, what=what, by=by, method=counted)


def write_report(found: MonthReport, out: Path) -> Path:
    """Write the page, and its tables beside it."""
    out.mkdir(parents=True, exist_ok=True)
    for table in report_tables(found):
        for path, file in data_files(table, found.info):
            write_whole(out / path, file.content)
    return write_whole(out / f"{report_name(found)}.html", report_html(found).encode())


def _numbers(month: Month, found: MonthReport) -> MonthNumbers:
    (since, until), share = month.window.bounds, month.share

    def number(name: str) -> int | None:
        return getattr(month, name) if month.measured else None

    return MonthNumbers(
        month=month.window.name, since=since, until=until, followed_to=month.until, confirm_h=month.confirm_h,
        reports=month.reports,
        urls=month.urls, sites=month.sites, again=month.again, notices=month.notices,
        removed=number("removed"), gone_otherwise=number("gone_otherwise"), up=number("up"),
        unseen_h=month.unseen_h, unseen=number("unseen"), unseen_since=month.unseen_since if month.measured else None,
        undecided=number("undecided"), no_address=number("no_address"), carried_up=number("carried_up"),
        carried_overdue=number("carried_overdue"), carried_unseen=number("carried_unseen"),
        without_notice=number("without_notice"),
        removed_24h=share.removed if share else None, removed_24h_low=share.low if share else None,
        removed_24h_high=share.high if share else None, removed_24h_worst=share.worst if share else None,
        removed_24h_best=share.best if share else None, first_down=share.first_down if share else None,
        told=share.estimability if share else None,
        median_h=month.median_h, back_here=number("back_here"), back_elsewhere=number("back_elsewhere"),
        hops_least=number("hops_least"), hops_most=number("hops_most"), quarantines_open=found.open_quarantines,
        quarantines_open_no_verdict=found.open_no_verdict,
    )  # fmt: skip


def _hoster(one: Laggard) -> MonthHoster:
    row, then = one.row, one.before
    return MonthHoster(
        key=row.key, name=row.name, urls=row.urls, up=one.up, overdue=one.overdue, removed_24h=row.removed_24h,
        removed_24h_low=row.removed_24h_low, removed_24h_high=row.removed_24h_high,
        removed_24h_worst=row.removed_24h_worst, removed_24h_best=row.removed_24h_best, rank_class=row.rank_class,
        median_h=row.median_h, before_24h=then.removed_24h if then else None,
        before_24h_low=then.removed_24h_low if then else None, before_24h_high=then.removed_24h_high if then else None,
        before_24h_worst=then.removed_24h_worst if then else None,
        before_24h_best=then.removed_24h_best if then else None, before_class=then.rank_class if then else None,
        changed_before=row.changed_before, before_changed_before=then.changed_before if then else None,
    )  # fmt: skip


_Cell = Callable[[Month], str]
_REPORTED: Final[dict[str, _Cell]] = {
    "reports": lambda month: f"{month.reports:,}",
    "URLs first reported": lambda month: f"{month.urls:,}",
    "on sites": lambda month: f"{month.sites:,}",
    "reports of URLs from before": lambda month: f"{month.again:,}",
    "notices sent about these URLs": lambda month: f"{month.notices:,}",
}
_MEASURED: Final[dict[str, _Cell]] = {
    "removed by the end": lambda month: f"{month.removed:,}",
    "gone otherwise (name, network, or before the first check)": lambda month: f"{month.gone_otherwise:,}",
    "still up at the end": lambda month: f"{month.up:,}",
    "never decided": lambda month: f"{month.undecided:,}",
    "without an address to check": lambda month: f"{month.no_address:,}",
    "carried over: still up at the end": lambda month: f"{month.carried_up:,}",
    "carried over: overdue at the end": lambda month: f"{month.carried_overdue:,}",
    "removed within 24 h": lambda month: share(month.share),
    "hours until half was gone": lambda month: _hours(month.median_h),
    "came back at the same hoster": lambda month: f"{month.back_here:,}",
    "came back elsewhere": lambda month: f"{month.back_elsewhere:,}",
    "hops to another hoster, surely to possibly": lambda month: f"{month.hops_least:,} to {month.hops_most:,}",
}


def figures(found: MonthReport) -> list[tuple[str, str, str]]:
    """Counts of this month and the one before.

    Dashes where nothing was measured, and of a month without a report where nothing was looked at.
    """
    both = (found.month, found.before)

    def rows(lines: Mapping[str, _Cell], known: Callable[[Month], bool]) -> Iterator[tuple[str, str, str]]:
        for what, told in lines.items():
            now, then = (told(month) if known(month) else NOTHING for month in both)
            yield what, now, then

    return [
        *rows(_REPORTED, lambda month: month.measured or month.reports > 0),
        *rows(_MEASURED, lambda month: month.measured),
    ]


def followed(month: Month) -> str:
    """The time to which a month was followed."""
    if month.until is None:
        if month.first is None:
            return "in a study without a report"
        before = month.window.until is not None and month.window.until <= month.first
        return "before the study's first report" if before else "of which none was checked"
    if not month.measured:
        return f"not measured, as the study ends at {minute(month.until)} so far, {_before_last_check(month)}"
    short = month.window.end is not None and month.until < month.window.end
    so_far = f", where the study ends so far, {_before_last_check(month)}" if short else ""
    return f"followed to {minute(month.until)}{so_far}"


def _before_last_check(month: Month) -> str:
    """How a study's end lies to its last check, which other commands name as its end."""
    return f"{number(month.confirm_h)} h before its last check, to confirm removals"


def sentences(found: MonthReport) -> list[str]:
    """The month in words."""
    now = found.month
    if now.first is None:
        return ["The study has no report yet."]
    if now.urls and not now.measured:
        why = followed(now) if now.until else "none was checked yet"
        return [f"{counted(now.urls, 'URL was', 'URLs were')} first reported; {why}."]
    if now.until and not now.measured:
        return [f"This month is {followed(now)}."]
    if not now.urls:
        return ["No URL was first reported in this month.", *_carried(now)]
    told = [
        f"{counted(now.urls, 'URL was', 'URLs were')} first reported; at the end "
        f"{counted(now.removed, 'was', 'were')} removed, {now.gone_otherwise:,} gone otherwise, {now.up:,} still up, "
        f"and of {now.undecided:,} no check could be decided."
        + (f" {counted(now.no_address, 'has', 'have')} no address to check." if now.no_address else ""),
        *_unseen(now),
        *_carried(now),
        f"Removed within 24 h of the report: {share(now.share)}; {found.change}.",
    ]
    most = [one for one in found.hosters if one.up][:3]
    if most:
        named = ", ".join(f"{one.row.name} ({one.up:,} of {one.row.urls:,})" for one in most)
        told.append(f"Most is still up at {named}.")
    if found.overdue:
        late = max(found.overdue, key=lambda one: one.late_h)
        told.append(
            f"{counted(len(found.overdue), 'URL is', 'URLs are')} up beyond the time of a notice, "
            f"the longest by {late.late_h:,.0f} h until {minute(now.until)} ({late.name})."
        )
    if now.notices and now.without_notice:
        lasting = counted(now.without_notice, "URL is", "URLs are")
        told.append(f"{lasting} still up at the end without a notice to the hoster.")
    back = now.back_here + now.back_elsewhere
    if back:
        seen = f"the content was seen again, {counted(now.back_here, 'time')} where it had been"
        told.append(f"After {counted(back, 'removal')} {seen}.")
    if found.open_quarantines:
        held = counted(found.open_quarantines, "quarantine is open: its", "quarantines are open: their")
        told.append(f"{held} down checks do not count until a person decides.")
    if found.open_no_verdict:
        of = "of our own network or of a delivery"
        told.append(
            counted(
                found.open_no_verdict,
                f"quarantine {of} is open: it changes no verdict.",
                f"quarantines {of} are open: they change no verdict.",
            )
        )
    return told


def _unseen(month: Month) -> Iterator[str]:
    """The line on URLs that are up by an old sight alone, if any is."""
    if month.unseen and month.unseen_since:
        yield (
            f"{month.unseen:,} of the {month.up:,} still up {'was' if month.unseen == 1 else 'were'} last seen up more "
            f"than {number(month.unseen_h)} h before the end, none after {minute(month.unseen_since)}: what became of "
            "these since is unknown, here and below."
        )


def _carried(month: Month) -> Iterator[str]:
    """The line on URLs of earlier months, if any is still up."""
    if month.carried_up:
        old = (
            f", {month.carried_unseen:,} last seen up more than {number(month.unseen_h)} h before"
            if month.carried_unseen
            else ""
        )
        yield (
            f"Carried over from earlier months: {counted(month.carried_up, 'URL')} still up at the end of the month, "
            f"{month.carried_overdue:,} of them overdue{old}."
        )


def share(found: Removal | None) -> str:
    """A share removed, or why there is none."""
    if found is None:
        return "no clocks"
    if found.estimability in NO_SHARE:
        return found.estimability
    ends = "" if found.low is None or found.high is None else f" ({percent(found.low)} to {percent(found.high)})"
    text = share_or_range(found.removed, found.worst, found.best)
    return f"{text}{ends or ' (too few days for an interval)'}"


def row_share(row: RankingRow | None) -> str:
    """The share removed in a row of a ranking."""
    if row is None:
        return NOTHING
    text = share_of(row)
    if row.removed_24h_low is not None:
        return f"{text} ({percent(row.removed_24h_low)} to {percent(row.removed_24h_high)}){_since(row)}"
    return row.rank_class if text == NOTHING else text


def _since(row: RankingRow) -> str:
    """Which reports a share that changed is about."""
    if row.rank_class != "changed":
        return ""
    return f" since {row.changed_before:%Y-%m-%d}" if row.changed_before else " of the second half"


def _cells(one: Laggard, *, noticed: bool) -> Sequence[str]:
    row = one.row
    return (
        row.name,
        row.key,
        f"{row.urls:,}",
        f"{one.up:,}",
        f"{one.overdue:,}" if noticed else NOTHING,
        row_share(row),
        row_share(one.before),
        _hours(row.median_h),
    )


def _classes(shown: Sequence[Laggard]) -> list[tuple[str, str]]:
    """What each word in place of a share means, of those that stand in the table."""
    rows = [row for one in shown for row in (one.row, one.before) if row is not None]
    words = {row_share(row) for row in rows} & {row.rank_class for row in rows}
    return [(word, clause) for word, (clause, _) in MEANINGS.items() if word in words]


def _late(found: MonthReport) -> list[tuple[str, int, str, str]]:
    """Overdue content by hoster: how much, how late, and the first references."""
    by_key: dict[str, list[tuple[float, str]]] = {}
    names = {}
    for row in found.overdue:
        by_key.setdefault(row.key, []).append((row.late_h, row.reference or row.url_id[:12]))
        names[row.key] = row.name
    return [
        (names[key], len(own), f"{max(late for late, _ in own):,.0f}", ", ".join(ref for _, ref in own[:REFERENCES]))
        for key, own in by_key.items()
    ]


def _hours(hours: float | None) -> str:
    return NOTHING if hours is None else f"{hours:,.1f}"
