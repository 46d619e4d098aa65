"""The command line's answer to "why": the chain behind a URL, an address or a hoster."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.explain import explain as chain_of
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.conclusions import ChainLink
from waterbed.report import envelope
from waterbed.study import open_study

_out = Console(highlight=False, markup=False, emoji=False)


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ID", help="A url_id, an IP address, or a hoster's key.")],
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="As of this day alone, as 2025-04-11.")
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Show the chain behind a URL, an address or a hoster, each link with source, date and rule."""
    with open_study(context.obj) as study:
        links = chain_of(study, what, day.replace(hour=12, tzinfo=UTC) if day else None)
        if form is not Format.table:
            for_tools(ChainLink, links, envelope(study, "chain", by="link"), form)
            return
    _shown(links)


def _shown(links: Sequence[ChainLink]) -> None:
    """Print a chain; links that hold for the same time stand together."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("time", "about", "step", "value", "source", "data of", "rule", "note"):
        table.add_column(name, overflow="fold")
    before = ""
    for link in links:
        when = _span(link)
        rule = f"{link.rule} ({link.confidence})" if link.confidence else link.rule or ""
        about = link.about[:12] if len(link.about) == 32 else link.about
        dated = f"{link.data_date:%Y-%m-%d}" if link.data_date else ""
        time = "" if when == before else when
        table.add_row(time, about, link.step, link.value, link.source, dated, rule, link.note)
        before = when
    _out.print(table)


def _span(link: ChainLink) -> str:
    if link.since is None:
        return ""
    until = f" to {link.until:%m-%d %H:%M}" if link.until and link.until != link.since else ""
    return f"{link.since:%Y-%m-%d %H:%M}{until}"
