"""A month's report as one page that prints well."""

from collections.abc import Sequence
from pathlib import Path

from waterbed.analysis.rankings.takedown import Removal
from waterbed.analysis.report import Laggard, Month, MonthReport
from waterbed.model.conclusions import RankingRow
from waterbed.model.spelling import NOTHING, percent
from waterbed.publish.site.layout import minute, templates
from waterbed.store.whole.files import write_whole

HOSTERS, LATE, BACK = 10, 8, 6
"""Rows of each table: more do not fit on a page."""


def report_html(found: MonthReport) -> str:
    """The page: it holds its own style, and loads nothing."""
    return (
        templates()
        .get_template("report.html")
        .render(
            found=found,
            followed=followed,
            lines=figures(found),
            sentences=sentences(found),
            hosters=[_cells(one, noticed=bool(found.month.notices)) for one in found.hosters[:HOSTERS]],
            late=_late(found)[:LATE],
            returned=found.returned[:BACK],
        )
    )


def write_report(found: MonthReport, out: Path) -> list[Path]:
    """Write the page into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    name = f"report-{found.month.window.name}{f'-{found.source}' if found.source else ''}.html".replace(" ", "-")
    path = out / name
    write_whole(path, report_html(found).encode())
    return [path]


def figures(found: MonthReport) -> list[tuple[str, str, str]]:
    """Counts of this month and the one before."""
    now, then = found.month, found.before

    def row(what: str, name: str) -> tuple[str, str, str]:
        return what, f"{getattr(now, name):,}", f"{getattr(then, name):,}"

    rows = [
        row("reports", "reports"),
        row("URLs first reported", "urls"),
        row("on sites", "sites"),
        row("reports of URLs from before", "again"),
        row("notices sent about these URLs", "notices"),
        row("removed by the end", "removed"),
        row("gone otherwise (name, network)", "gone_otherwise"),
        row("still up at the end", "up"),
        row("never decided", "undecided"),
        ("removed within 24 h", share(now.share), share(then.share)),
        ("hours until half was gone", _hours(now.median_h), _hours(then.median_h)),
        row("came back at the same hoster", "back_here"),
        row("came back elsewhere", "back_elsewhere"),
        (
            "hops that are displacement, at least to at most",
            f"{now.hops_least:,} to {now.hops_most:,}",
            f"{then.hops_least:,} to {then.hops_most:,}",
        ),
    ]
    return rows if then.until else [(what, number, NOTHING) for what, number, _ in rows]


def followed(month: Month) -> str:
    """The time to which a month was followed."""
    if month.until is None:
        return "before the study's first report"
    short = month.window.end is not None and month.until < month.window.end
    return f"followed to {minute(month.until)}{', where the study ends so far' if short else ''}"


def sentences(found: MonthReport) -> list[str]:
    """The month in words."""
    now = found.month
    if not now.urls:
        return ["No URL was first reported in this month."]
    told = [
        f"{now.urls:,} URLs were first reported; at the end {now.removed:,} were removed, {now.gone_otherwise:,} gone "
        f"otherwise, {now.up:,} still up, and of {now.undecided:,} no check could be decided.",
        f"Removed within 24 h of the report: {share(now.share)}; {found.change}.",
    ]
    most = [one for one in found.hosters if one.up][:3]
    if most:
        named = ", ".join(f"{one.row.name} ({one.up:,} of {one.row.urls:,})" for one in most)
        told.append(f"Most is still up at {named}.")
    if found.overdue:
        late = max(found.overdue, key=lambda one: one.late_h)
        told.append(
            f"{len(found.overdue):,} URLs are up beyond the time of a notice, the latest by {late.late_h:,.0f} h "
            f"({late.name})."
        )
    back = now.back_here + now.back_elsewhere
    if back:
        told.append(f"After {back:,} removals the content was seen again, {now.back_here:,} times where it had been.")
    if found.open_quarantines:
        word = "quarantine is" if found.open_quarantines == 1 else "quarantines are"
        told.append(f"{found.open_quarantines:,} {word} open: its checks do not count until a person decides.")
    return told


def share(found: Removal | None) -> str:
    """A share removed, or why there is none."""
    if found is None:
        return "no clocks"
    if found.removed is None:
        return found.estimability
    ends = "" if found.low is None or found.high is None else f" ({percent(found.low)} to {percent(found.high)})"
    return f"{percent(found.removed)}{ends or ' (too few days for an interval)'}"


def row_share(row: RankingRow | None) -> str:
    """The share removed in a row of a ranking."""
    if row is None:
        return NOTHING
    if row.removed_24h is not None:
        ends = row.removed_24h_low, row.removed_24h_high
        return f"{percent(row.removed_24h)} ({percent(ends[0])} to {percent(ends[1])})"
    if row.rank_class == "too few days" and row.removed_24h_worst is not None:
        worst, best = percent(row.removed_24h_worst), percent(row.removed_24h_best)
        return best if worst == best else f"{worst} to {best}"
    return row.rank_class


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


def _late(found: MonthReport) -> list[tuple[str, int, str, str]]:
    """Overdue content by hoster: how much, how late, and the first references."""
    by_key: dict[str, list[tuple[float, str]]] = {}
    names = {}
    for row in found.overdue:
        by_key.setdefault(row.key, []).append((row.late_h, row.reference or row.url_id[:12]))
        names[row.key] = row.name
    return [
        (names[key], len(own), f"{max(late for late, _ in own):,.0f}", ", ".join(ref for _, ref in own[:4]))
        for key, own in by_key.items()
    ]


def _hours(hours: float | None) -> str:
    return NOTHING if hours is None else f"{hours:,.1f}"
