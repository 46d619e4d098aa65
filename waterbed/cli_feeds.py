"""The command line's part for sources: their cards, and whether one drops its entries by rule."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from waterbed import show_rank
from waterbed.formats import Format, Formatted, for_tools
from waterbed.intake.csv_files import Rejected
from waterbed.intake.csv_presence import Presence, read_presence
from waterbed.model.errors import InputError
from waterbed.model.standings import FeedCard
from waterbed.rankings.feeds import retention_spike
from waterbed.report import envelope
from waterbed.standings import cards, sources
from waterbed.study import open_study

_out = Console(highlight=False, markup=False, emoji=False)
_FINDING = 1


def feeds(
    context: typer.Context,
    form: Formatted = Format.table,
    presence: Annotated[
        Path | None, typer.Option(help="CSV of a feed's entries: entered,last_listed,first_missing.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source that this file is of.")] = None,
) -> None:
    """A card for each source: coverage, delay, overlap, deliveries; with --presence whether entries leave by rule."""
    with open_study(context.obj) as study:
        done = study.conclude()
        retention: dict[str, int] = {}
        bad: list[Rejected] = []
        if presence:
            named = _of(source, sources(done))
            entries, bad = _entries(presence)
            spike = retention_spike([one.left_days for one in entries], [one.right_days for one in entries])
            retention = {named: spike.age} if spike else {}
        heading = envelope(study, "feeds", by="source")
        found = cards(done, retention)
    if form is not Format.table:
        for_tools(FeedCard, found, heading, form)
        raise typer.Exit(_FINDING if retention or bad else 0)
    show_rank.cards(found)
    for line in bad:
        _out.print(f"  line {line.line}: {line.reason}", soft_wrap=True)
    if presence and spike:
        _out.print(
            f"{named}: {spike.hazard:.0%} of what is {spike.age - 1} days old leaves on the next day, beside "
            f"{spike.usual:.1%} before and after: a rule of the feed, not the end of pages.",
            soft_wrap=True,
        )
    elif presence:
        _out.print(f"{named}: {len(entries):,} entries, no age at which they leave by rule", soft_wrap=True)
    raise typer.Exit(_FINDING if retention or bad else 0)


def _of(source: str | None, known: list[str]) -> str:
    """The source that a presence list is of."""
    if source in known:
        return source or ""
    if source is None and len(known) == 1:
        return known[0]
    raise InputError(
        f"--presence needs --source, one of those that reported: {', '.join(known[:10]) or 'none yet'} "
        "(docs/ranking.md)"
    )


def _entries(path: Path) -> tuple[list[Presence], list[Rejected]]:
    good: list[Presence] = []
    bad: list[Rejected] = []
    for line in read_presence(path):
        if isinstance(line, Rejected):
            bad.append(line)
        else:
            good.append(line)
    return good, bad
