"""What the command line prints of the hop graph."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from graphs.graph_figures import GraphFigure, WeekRow
from waterbed.model.table import Envelope
from waterbed.publish.flows import FlowShare
from waterbed.publish.stays import ContentRow, StayRow

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 40


def table(rows: Sequence[Any], heading: Envelope, hops: int, parallel: int) -> None:
    """Print rows of one kind with what must be known to read them."""
    without = f", {parallel:,} of them parallel and left out" if parallel else ""
    _out.print(f"{heading.what.capitalize()}, by {heading.by}: {hops:,} hops{without}", style="italic", soft_wrap=True)
    if not rows:
        _out.print("nothing to show: no hop was found, or none of the kind, order and week asked for")
        return
    columns, cells, footnote = _KINDS[type(rows[0])]
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        text = name in _TEXT
        shown.add_column(name, justify="left" if text else "right", no_wrap=not text, overflow="fold")
    for row in rows[:_SHOWN]:
        shown.add_row(*cells(row))
    _out.print(shown)
    if len(rows) > _SHOWN:
        _out.print(f"... {len(rows) - _SHOWN:,} more; all of them with --format csv, json or parquet")
    _out.print(footnote, soft_wrap=True)


def written(nodes: int, edges: int, out: Path) -> None:
    """Say what a file holds."""
    _out.print(f"wrote {nodes:,} nodes and {edges:,} edges to {out}", soft_wrap=True)


def _flow(row: FlowShare) -> list[str]:
    hops = f"{row.hops:,}"
    share = f"{row.share:.0%} of {row.left:,.4g}"
    bounds = f"{100 * row.share_low:.0f}-{row.share_high:.0%}"
    return [
        _name(row.from_key, row.from_name),
        _name(row.to_key, row.to_name),
        hops,
        f"{row.certain:,.4g}",
        share,
        bounds,
    ]


def _figure(row: GraphFigure) -> list[str]:
    bounds = "-" if row.low is None or row.high is None else f"{_short(row.low)} to {_short(row.high)}"
    what = f"{row.measure} {_name(row.key, row.name)}" if row.key else row.measure
    return [what, _short(row.value), bounds, row.bounds, f"{row.n:,.4g}", row.note]


def _week(row: WeekRow) -> list[str]:
    numbers = (row.surely, row.possibly, row.surely_until, row.possibly_until)
    return [row.week, *(f"{number:,}" for number in numbers)]


def _content(row: ContentRow) -> list[str]:
    numbers = (row.hops, row.urls, row.hosters)
    chain = str(row.chain_surely)
    if row.chain_possibly != row.chain_surely:
        chain = f"{row.chain_surely}-{row.chain_possibly}"
    return [row.content_id, *(f"{number:,}" for number in numbers), chain]


def _stay(row: StayRow) -> list[str]:
    down = "-" if row.first_down is None else _day(row.first_down)
    came = f"{row.kind}, {row.order}, from {row.came_from}" if row.came_from else "-"
    return [
        row.url_id[:12],
        _name(row.hoster, row.name),
        _day(row.known_up_at),
        _day(row.last_up),
        down,
        row.cause or "-",
        came,
    ]


_TEXT: Final = frozenset({"from", "to", "measure", "note", "hoster", "came as", "week", "content", "URL", "cause"})

_KINDS: Final[dict[type, tuple[tuple[str, ...], Callable[[Any], list[str]], str]]] = {
    FlowShare: (
        ("from", "to", "hops", "certain", "share", "bounds"),
        _flow,
        "certain: surely displacement, the rest may be. share: of all that left; bounds: whichever the doubtful are. "
        "Arrivals that nobody reported are not seen.",
    ),
    GraphFigure: (
        ("measure", "value", "bounds", "of", "n", "note"),
        _figure,
        "bounds of order: what hops of unknown order leave open; of 95%: chance between contents; of null: mean and "
        "largest of graphs with the same margins. See docs/graph.md.",
    ),
    WeekRow: (
        ("week", "surely", "possibly", "surely until", "possibly until"),
        _week,
        "surely: the arrival's whole interval lies in the week (UTC); possibly: it overlaps it.",
    ),
    ContentRow: (
        ("content", "hops", "URLs", "hosters", "chain"),
        _content,
        "chain: hops of the longest path in order of time, surely-possibly. One content: --content ID.",
    ),
    StayRow: (
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


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"
