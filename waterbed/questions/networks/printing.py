"""Prints changes of the book of hosters, and proposals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from waterbed.shown.output import more, new_table, note, percent, print_table, say

if TYPE_CHECKING:
    from waterbed.attribution.hosters.book import HosterBook
    from waterbed.attribution.hosters.listing import ChangeRow
    from waterbed.model.decisions import HosterChange
    from waterbed.questions.networks.successions import Succession, Successions

_SHOWN: Final = 60
_COLUMNS: Final = {"old": 8, "new": 8, "IP": 2, "moved": 9, "out": 4, "kept": 4, "in": 4} | {
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
    say(f"{len(sure)} pairs at a false discovery rate of {percent(rate, 0)}, of {found.compared:,} that were compared.")
    alone = len(found.rows) - len(sure)
    if alone:
        say(f"{alone} more have such shares, and are not told from ordinary transfers: mostly one block.")
    for row in sure[:_SHOWN]:
        shared = f"{len(row.handles)} organisations hold both" if row.handles else ""
        kept = f"{row.upstreams_kept} of {row.upstreams} upstreams kept" if row.upstreams_kept else ""
        known = row.queue if row.queue != "new" else ""
        if words := "; ".join(filter(None, (shared, kept, known))):
            say(f"{row.old}, {row.new}: {words}")
    note("moved: addresses or /48s; out, in: shares of old and new; kept: by the old one;", broken=True)
    note("expected: blocks by chance; alike: ASes of that size with such an heir.", broken=True)
    note("Private: nothing is merged. csv, json and parquet have prefixes to look up.", broken=True)


def print_proposed(made: Sequence[HosterChange]) -> None:
    """Print what now waits for coders."""
    for change in made:
        say(f"{change.change_id}: {sentence(change)}")
    say(f"{len(made)} proposals wait for two coders (waterbed hosters queue); until both accept, they have no effect.")


def sentence(change: HosterChange | ChangeRow) -> str:
    """A change in words."""
    key, into = change.key, change.into
    day = change.since.date().isoformat() if isinstance(change.since, datetime) else change.since
    when = f" from {day}" if day else ""
    if change.kind == "proposal":
        may = f"may {'have taken over from' if day else 'be one company with'} {key}{when}"
        return (
            f"{into} {may}: no effect as yet" if into else f"{key} may mostly offer {change.hosting_type} hosting{when}"
        )
    return {
        "define": f"{key} is defined",
        "merge": f"{key} is the same company as {into}{when}",
        "split": f"{', '.join(change.members)} left {into} for {key}{when}",
        "succession": f"{into} took over everything of {key}{when}",
        "undo": f"change {key} does not hold",
    }[change.kind]


def print_footnotes(book: HosterBook, day: date, key: str | None) -> None:
    """Print successions, and members that the known list has elsewhere."""
    from waterbed.attribution.hosters.listing import taken_from_known  # noqa: PLC0415 (help needs none of it)

    for old, new, since in book.lineage():
        if key in (None, old, new):
            say(f"{new} succeeded {old} on {since}.")
    for what, known, holder in taken_from_known(book, day):
        if key in (None, known, holder):
            say(f"{what} is {known}'s in the known list; here {holder} has it.")
    note(f"book {book.checksum[:16]} as of {day}", broken=True)


def _cells(row: Succession) -> tuple[str, ...]:
    return (
        row.old,
        row.new,
        str(row.family),
        f"{row.moved:,}",
        percent(row.share_out, 0),
        percent(row.kept, 0),
        percent(row.share_in, 0),
        f"{row.blocks:,}",
        f"{row.expected:.2g}",
        f"{row.adjusted:.1g}",
        percent(row.alike),
    )
