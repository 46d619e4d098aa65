"""What the command line prints of a ranking: as many columns as the terminal has room for."""

from collections.abc import Sequence
from typing import Literal

from rich.console import Console

from waterbed.formats import days_of, for_tools, plain_table
from waterbed.model.conclusions import RankingRow
from waterbed.model.table import Envelope
from waterbed.rankings.clocks import CLOCK_WORDS

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 40


def ranking(found: Sequence[RankingRow], heading: Envelope, form: str) -> None:
    """Print a ranking."""
    if form != "table":
        for_tools(RankingRow, found, heading, form)
        return
    table = plain_table(f"Ranking by {heading.by}, {days_of(heading.window)}")
    shown = {name: justify for name, justify, room in _RANKING_COLUMNS if _out.width >= room}
    for name, justify in shown.items():
        least = 2 if name == "#" else 12 if name == "removed" else len(name)
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", min_width=least)
    for row in found[:_SHOWN]:
        cells = _ranking_cells(row)
        table.add_row(*(cells[name] for name in shown))
    _out.print(table)
    origin = {str(kind): words for kind, words in CLOCK_WORDS.items()}.get(heading.clock, heading.clock)
    start = "the report" if heading.clock == "reported" else f"the time at which {origin}"
    _out.print(f"removed: share removed within 24 h of {start}, 95% interval; - not estimable.", soft_wrap=True)
    _out.print("half: hours until half was gone, by any cause.")
    if "if unseen" in shown:
        _out.print("if unseen: the same share if all that we could not follow had not, or had, been removed.")
        _out.print("?: URLs of which no look could be decided.")
    if len(found) > _SHOWN:
        _out.print(f"... {len(found) - _SHOWN:,} more; all of them with --format csv, json or parquet")


_RANKING_COLUMNS: tuple[tuple[str, Literal["left", "right"], int], ...] = (
    ("#", "right", 0),
    ("key", "left", 0),
    ("name", "left", 120),
    ("URLs", "right", 90),
    ("hosts", "right", 0),
    ("sites", "right", 0),
    ("removed", "left", 0),
    ("if unseen", "left", 100),
    ("half", "right", 0),
    ("?", "right", 100),
    ("class", "left", 0),
)
"""Columns, and the width of terminal from which each is shown."""


def _ranking_cells(row: RankingRow) -> dict[str, str]:
    return {
        "#": "" if row.place is None else str(row.place),
        "key": row.key,
        "name": row.name[: max(12, _out.width - 94)],
        "URLs": f"{row.urls:,}",
        "hosts": f"{row.hosts:,}",
        "sites": f"{row.sites:,}",
        "removed": _share(row),
        "if unseen": _bounds(row),
        "half": _hours(row.median_h),
        "?": f"{row.unknown:,}",
        "class": row.rank_class,
    }


def _bounds(row: RankingRow) -> str:
    if row.removed_24h_worst is None or row.removed_24h_best is None:
        return "-"
    low, high = f"{row.removed_24h_worst * 100:.0f}", f"{row.removed_24h_best:.0%}"
    return high if f"{low}%" == high else f"{low}-{high}"


def _hours(hours: float | None) -> str:
    return "-" if hours is None else f"{hours:,.1f}" if hours < 10 else f"{hours:,.0f}"


def _share(row: RankingRow) -> str:
    if row.removed_24h is None or row.removed_24h_low is None or row.removed_24h_high is None:
        return "-"
    return f"{row.removed_24h:4.0%} {row.removed_24h_low * 100:3.0f}-{row.removed_24h_high:.0%}"
