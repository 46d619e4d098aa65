"""The command line's part for hops: of content from hoster to hoster, of labels from suffix to suffix."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from graphs.hops import count_hops
from graphs.label_hops import LabelRow, NearRow, label_stays, label_table, near_table
from waterbed import show
from waterbed.formats import Format, Formatted, for_tools
from waterbed.links import near_of
from waterbed.model.errors import InputError
from waterbed.others import Others
from waterbed.report import envelope
from waterbed.study import Study, open_study

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 40
_SHORT = 12


def hops(
    context: typer.Context,
    labels: Annotated[bool, typer.Option("--labels", help="Exact labels that were under several suffixes.")] = False,
    near: Annotated[
        bool, typer.Option("--near", help="With --labels: pairs that look alike, in place of these. Opens the names.")
    ] = False,
    told: Annotated[
        bool, typer.Option("--told", help="Those that rest on what others told from before our first look, instead.")
    ] = False,
    form: Formatted = Format.table,
) -> None:
    """Where content went after it left a hoster; with --labels, which names moved to another suffix.

    For example: waterbed -C mystudy hops --format csv
    """
    if near and not labels:
        raise InputError("--near tells of labels: name --labels too (docs/linking.md, Near labels)")
    if told and labels:
        raise InputError("--told is about hops of content, and --labels is not: name one of them (docs/intake.md)")
    with open_study(context.obj) as study:
        if labels:
            _labels(study, near, form)
            return
        done, heading = study.conclude(), envelope(study, "told hops" if told else "hops")
        found = Others(done, study.folder.config.testimony).hops if told else done.hops
    show.rows(found, heading, "hops", form.value)
    if form is Format.table:
        bounds = count_hops(found)
        least = f"{bounds.least:,} surely came after the leaving"
        _out.print(f"{least}, {bounds.most:,} at most: the others were there before.", soft_wrap=True)


def _labels(study: Study, near: bool, form: Format) -> None:
    done = study.conclude()
    stays = label_stays(done.episodes, done.facts.targets)
    if near:
        pairs = near_table(stays, near_of(study.folder))
        _told(study, NearRow, pairs, _NEAR, "near labels", form)
        return
    rows = label_table(stays)
    _told(study, LabelRow, rows, _EXACT, "labels under several suffixes", form)
    if form is Format.table:
        least, most = sum(row.hops_least for row in rows), sum(row.hops_most for row in rows)
        _out.print(f"label hops: {least:,} to {most:,}; steps of unknown order make the difference.", soft_wrap=True)


_EXACT = {
    "label": "label_id",
    "least": "hops_least",
    "most": "hops_most",
    "sites": "sites",
    "tlds": "tlds",
    "countries": "countries",
    "first seen": "first_seen",
    "last seen": "last_seen",
}
_NEAR = {
    "label": "label_id",
    "sites": "sites",
    "alike": "near_label_id",
    "its sites": "near_sites",
    "by": "likeness",
    "order": "order",
    "seen from": "near_first_seen",
}


def _told(study: Study, cls: type, rows: Sequence[Any], columns: Mapping[str, str], what: str, form: Format) -> None:
    """Print rows of a class, for people the named columns of the first ones."""
    if form is not Format.table:
        for_tools(cls, rows, envelope(study, what, by="label"), form)
        return
    table = Table(title=f"{len(rows):,} {what}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows[:_SHOWN]:
        table.add_row(*(_cell(getattr(row, name)) for name in columns.values()))
    _out.print(table)
    if len(rows) > _SHOWN:
        _out.print(f"... {len(rows) - _SHOWN:,} more; all of them with --format csv, json or parquet")


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return value[:_SHORT] if isinstance(value, str) else f"{value:,}"
