"""Prints rows of the hop graph for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from waterbed.model.spelling import percent, percents
from waterbed.shown.output import SHOWN, console, minute, more, new_table, note, print_table, say

if TYPE_CHECKING:
    from waterbed.graphs.network.figures import GraphFigure, WeekRow
    from waterbed.graphs.network.flows import ContentRow, FlowShare, TimelineRow
    from waterbed.model.table import TableInfo


def hops_counted(hops: int, parallel: int) -> str:
    """The number of hops, and how many flows leave out."""
    return f"{hops:,} hops{f', {parallel:,} of them parallel and left out' if parallel else ''}"


def print_graph_rows(rows: Sequence[Any], info: TableInfo, hops: int, parallel: int) -> None:
    """Print rows of one kind with the notes they need."""
    say(f"{info.what.capitalize()}, by {info.by}: {hops_counted(hops, parallel)}", style="italic")
    if not rows:
        console.print("nothing to show: no hop was found, or none of the kind, order and week asked for")
        return
    columns, cells, footnote = _KINDS[type(rows[0]).__name__]
    table = new_table()
    for name in columns:
        text = name in _TEXT
        table.add_column(name, justify="left" if text else "right", no_wrap=not text, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*cells(row))
    print_table(table)
    more(len(rows))
    note(footnote)


def _flow(row: FlowShare) -> list[str]:
    hops = f"{row.hops:,}"
    share = "-" if row.share is None else f"{percent(row.share)} of {row.left:,.4g}"
    bounds = "-" if row.share_low is None or row.share_high is None else percents(row.share_low, row.share_high)
    return [
        _name(row.from_key, row.from_name),
        _name(row.to_key, row.to_name),
        hops,
        f"{row.certain:,.4g}",
        share,
        bounds,
    ]


def _figure(row: GraphFigure[str]) -> list[str]:
    bounds = "-" if row.low is None or row.high is None else f"{_short(row.low)} to {_short(row.high)}"
    measure_name = f"{row.measure} {_name(row.key, row.name)}" if row.key else row.measure
    return [measure_name, _short(row.value), bounds, row.bounds, f"{row.n:,.4g}", row.note]


def _week(row: WeekRow) -> list[str]:
    numbers = (row.surely, row.possibly, row.surely_until, row.possibly_until)
    return [row.week, *(f"{number:,}" for number in numbers)]


def _content(row: ContentRow) -> list[str]:
    numbers = (row.hops, row.urls, row.hosters)
    chain = str(row.chain_surely)
    if row.chain_possibly != row.chain_surely:
        chain = f"{row.chain_surely}-{row.chain_possibly}"
    return [row.content_id, *(f"{number:,}" for number in numbers), chain]


def _stay(row: TimelineRow) -> list[str]:
    down = minute(row.first_down)
    arrival = f"{row.kind}, {row.order}, from {row.came_from}" if row.came_from else "-"
    return [
        row.url_id[:12],
        _name(row.hoster, row.name),
        minute(row.known_up_at),
        minute(row.last_up),
        down,
        row.cause or "-",
        arrival,
    ]


_TEXT: Final = frozenset({"from", "to", "measure", "note", "hoster", "came as", "week", "content", "URL", "cause"})
_KINDS: Final[dict[str, tuple[tuple[str, ...], Callable[[Any], list[str]], str]]] = {
    "FlowShare": (
        ("from", "to", "hops", "certain", "share", "bounds"),
        _flow,
        "certain: surely displacement, the rest may be. share: of all that left; bounds: whichever the doubtful are. "
        "Arrivals that nobody reported are not seen.",
    ),
    "GraphFigure": (
        ("measure", "value", "bounds", "of", "n", "note"),
        _figure,
        "bounds of order: what hops of unknown order leave open; of 95%: chance between contents; of null: mean and "
        "largest of graphs with the same margins. See docs/graph.md.",
    ),
    "WeekRow": (
        ("week", "surely", "possibly", "surely until", "possibly until"),
        _week,
        "surely: the arrival's whole interval lies in the week (UTC); possibly: it overlaps it.",
    ),
    "ContentRow": (
        ("content", "hops", "URLs", "hosters", "chain"),
        _content,
        "chain: hops of the longest path in order of time, surely-possibly. One content: --content ID.",
    ),
    "TimelineRow": (
        ("URL", "hoster", "known up", "last up", "down", "cause", "came as"),
        _stay,
        "Times are UTC. A stay without a hop was there first, or beside another.",
    ),
}
"""Columns, cells and footnote of each kind of row."""


def _name(key: str, name: str) -> str:
    return key if name in ("", key) else f"{name} ({key})"


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
