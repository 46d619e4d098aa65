"""Prints networks that changed hands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from waterbed.cli.output import more, new_table, note, percent, print_table, say

if TYPE_CHECKING:
    from waterbed.analysis.successions import Succession, Successions
    from waterbed.model.decisions import HosterChange

_SHOWN: Final = 60
_COLUMNS: Final = {"old": 8, "new": 8, "moved": 9, "out": 4, "kept": 4, "in": 4} | {
    "blocks": 6,
    "expected": 8,
    "adj. p": 6,
    "alike": 5,
}
"""Columns with their least widths."""


def print_successions(found: Successions, rate: float) -> None:
    """Print pairs up to the rate, and count others."""
    sure = [row for row in found.rows if row.found]
    table = new_table(f"Networks that may have changed hands, {found.info.window.replace('/', ' to ')}", look="open")
    table.padding = (0, 1, 0, 0)
    for name, width in _COLUMNS.items():
        left = name in ("old", "new")
        table.add_column(name, justify="left" if left else "right", no_wrap=True, min_width=width)
    for row in sure[:_SHOWN]:
        table.add_row(*_cells(row))
    if sure:
        print_table(table)
        more(len(sure), _SHOWN)
    say(f"{len(sure)} pairs at a false discovery rate of {rate:.0%}, of {found.compared:,} that were compared.")
    alone = len(found.rows) - len(sure)
    if alone:
        say(f"{alone} more have such shares, and are not told from ordinary transfers: mostly one block.")
    for row in sure[:_SHOWN]:
        shared = f"{len(row.handles)} organisations hold both" if row.handles else ""
        kept = f"{row.upstreams_kept} of {row.upstreams} upstreams kept" if row.upstreams_kept else ""
        known = row.queue if row.queue != "new" else ""
        if words := "; ".join(filter(None, (shared, kept, known))):
            say(f"{row.old}, {row.new}: {words}")
    note("moved: addresses; out, in: as shares of old and new; kept: by the old one;", broken=True)
    note("expected: blocks by chance; alike: ASes of that size with such an heir.", broken=True)
    note("Private: nothing is merged. csv, json and parquet have prefixes to look up.", broken=True)


def print_proposed(made: Sequence[HosterChange]) -> None:
    """Print what now waits for coders."""
    for change in made:
        what = "have taken over from" if change.since else "be one company with"
        say(f"{change.change_id}: {change.into} may {what} {change.key}")
    say(f"{len(made)} proposals wait for two coders (waterbed hosters queue); until both accept, they have no effect.")


def _cells(row: Succession) -> tuple[str, ...]:
    return (
        row.old,
        row.new,
        f"{row.moved:,}",
        percent(row.share_out, 0),
        percent(row.kept, 0),
        percent(row.share_in, 0),
        f"{row.blocks:,}",
        f"{row.expected:.2g}",
        f"{row.adjusted:.1g}",
        percent(row.alike),
    )
