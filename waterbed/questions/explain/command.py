"""The `explain` command: evidence behind a URL, address or hoster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer

from waterbed.model.conclusions import ChainLink
from waterbed.model.errors import InputError
from waterbed.shown.options import Format, Formatted
from waterbed.shown.output import console, for_tools, new_table, print_table

_LONGEST = 65_536
_SHORT = 12
"""Characters shown of an id that the chain is about, as in other tables."""


def explain(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A url_id (or how it begins), an IP address, or a hoster's key; - reads a URL, or a source's "
            "reference, from standard input.",
        ),
    ],
    day: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="As of this day alone (UTC).")
    ] = None,
    link: Annotated[
        str | None, typer.Option(metavar="ID", help="Another url_id: show the links between the two instead.")
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """Show the chain of evidence behind an attribution.

    Each link of a URL, an address or a hoster has source, date and rule. What - finds is on record (`audit`).

    For example: waterbed -C mystudy explain AS64500 --as-of 2025-04-11
    """
    from waterbed.questions.explain.lookup import explain as chain_of
    from waterbed.questions.explain.lookup import explain_link
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        if what == "-":
            from waterbed.governance.keys import case_of
            from waterbed.shown.standard_input import input_line

            if not (what := input_line(_LONGEST)):
                raise InputError("standard input was empty; a URL, or a source's reference, was expected (docs/cli.md)")
            what = case_of(study.folder, what)
        links = explain_link(study, what, link) if link else chain_of(study, what, day.date() if day else None)
        if form is not Format.table:
            for_tools(ChainLink, links, table_info(study, "chain", by="link"), form)
            return
    _shown(links)


def _shown(links: Sequence[ChainLink]) -> None:
    """Print a chain, grouped by the start of validity.

    Each link stands below the one it starts from.
    """
    subject = links[0].about
    days = "." in subject or subject.count(":") > 1
    blocks = [(since, list(group)) for since, group in groupby(links, key=lambda link: link.since)]
    nested = [list(_nested(block, subject)) for _, block in blocks]
    width = max(len(step) for block in nested for step, _, _ in block)
    console.print(subject, style="bold")
    for (since, block), rows in zip(blocks, nested, strict=True):
        ends = [link.until for link in block]
        last = max((end for end in ends if end), default=None) if None not in ends else None
        if since:
            console.print()
            console.print(_span(since, last, days), style="bold")
        table = new_table(look="open")
        table.show_header, table.expand = False, True
        table.add_column(no_wrap=True, min_width=width)
        table.add_column(overflow="fold", ratio=1)
        table.add_column(overflow="fold", ratio=1)
        for step, value, link in rows:
            table.add_row(step, value, _by(link, last, days))
        print_table(table)


def _nested(links: Sequence[ChainLink], subject: str) -> Iterator[tuple[str, str, ChainLink]]:
    """Each link's indented step and its value.

    A step stands below the link that leads to it, or else beside its starting point.
    """
    depths = {subject: 1}
    for link in links:
        depth = depths.get(link.about)
        value = link.value if depth else f"{link.about[: _SHORT if len(link.about) == 32 else None]}: {link.value}"
        depths.setdefault(link.value.split(" (")[0].split(", ")[0], (depth or 1) + 1)
        yield f"{'  ' * (depth or 1)}{link.step}", value, link


def _by(link: ChainLink, last: datetime | None, days: bool) -> str:
    """The source, day, rule and note of a link."""
    dated = f"{link.source}, {link.data_date:%Y-%m-%d}" if link.data_date else link.source
    rule = f"rule {link.rule}" if link.rule else ""
    sure = f"confidence {link.confidence}" if link.confidence else ""
    ended = f"until {_time(link.until, days)}" if link.until and link.until not in (link.since, last) else ""
    return "; ".join(part for part in (dated, rule, sure, link.note, ended) if part)


def _span(since: datetime, last: datetime | None, days: bool) -> str:
    if last is None:
        return f"from {_time(since, days)}"
    first, end = _time(since, days), _time(last, days)
    return first if first == end else f"{first} to {end}"


def _time(moment: datetime, days: bool) -> str:
    """Format a time; only the day for an address.

    Tables and registrations apply by the day.
    """
    return f"{moment:%Y-%m-%d}" if days else f"{moment:%Y-%m-%d %H:%M}"
