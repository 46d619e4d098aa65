"""The `episodes`, `verdicts` and `hops` commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waterbed.model.conclusions import Episode, ExternalEpisode, Hop, Verdict
from waterbed.model.errors import InputError
from waterbed.shown.options import Every, Follow, Format, Formatted, Since, Until
from waterbed.shown.output import days_of, print_rows, print_tables, say
from waterbed.shown.windows import Asked, asked, print_by_window

if TYPE_CHECKING:
    from waterbed.model.table import TableInfo
    from waterbed.model.window import Window
    from waterbed.study.study import Study

_SHORT = 12


class Whose(StrEnum):
    """The episodes to show."""

    episodes = "episodes"
    external = "external"


class Hops(StrEnum):
    """The table to show."""

    hops = "hops"
    external = "external"
    labels = "labels"
    near = "near-labels"


class Told(StrEnum):
    """Words of reports on content."""

    category = "category"
    site_type = "site-type"
    commercial = "commercial"


def episodes(
    context: typer.Context,
    table: Annotated[Whose, typer.Option(help="Our own, or those reported by third parties.")] = Whose.episodes,
    form: Formatted = Format.table,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
    every: Every = None,
) -> None:
    """List each URL's episodes at a hoster; ends are intervals.

    For example: waterbed -C mystudy episodes --format csv
    """
    from waterbed.study.external import ExternalConclusions
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    window_choice = asked(since, until, follow, every)
    table_name, cls = ("told_episodes", ExternalEpisode) if table is Whose.external else ("episodes", Episode)
    with open_study(context.obj) as study:
        rows_by_window: list[tuple[Window, Sequence[Any]]] = [
            (
                conclusions.window,
                ExternalConclusions(conclusions, study.config.testimony).episodes
                if cls is ExternalEpisode
                else conclusions.episodes,
            )
            for conclusions in window_choice.each(study)
        ]
        info = table_info(study, table_name.replace("_", " "), window=window_choice.window)
    _windows(cls, rows_by_window, info, table_name, form, window_choice)


def verdicts(context: typer.Context, form: Formatted = Format.table) -> None:
    """List the verdict of each check, and its rule.

    For example: waterbed -C mystudy verdicts --format parquet
    """
    from waterbed.study.look_tables import verdict_tables
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with open_study(context.obj) as study:
        conclusions, info = study.conclude(), table_info(study, "verdicts")
        rows = len(conclusions.looks)
        print_tables(Verdict, verdict_tables(conclusions.judged), rows, info, form, **_shown("verdicts", rows, info))


_COLUMNS = {
    "episodes": ("url_id", "hoster", "known_up_at", "last_up", "first_down", "cause", "looks"),
    "told_episodes": ("observer", "source", "url_id", "hoster", "known_up_at", "last_up", "first_down", "cause"),
    "hops": ("kind", "order", "from_hoster", "to_hoster", "left_before", "arrived_before"),
    "verdicts": ("url_id", "observed_at", "outcome", "state", "cause", "rule"),
}
"""Columns shown to people; other formats have every column."""


def _rows(cls: type, rows: Sequence[Any], info: TableInfo, what: str, form: Format) -> None:
    print_rows(cls, rows, info, form, **_shown(what, len(rows), info))


def _shown(what: str, rows: int, info: TableInfo) -> dict[str, Any]:
    """How rows are shown to people."""
    title = f"{rows:,} {what.replace('_', ' ')}, {days_of(info.window)}"
    return {"columns": {name: name for name in _COLUMNS[what]}, "title": title}


def hops(
    context: typer.Context,
    table: Annotated[
        Hops,
        typer.Option(
            help="Our own hops; those from third-party observations before our first check; labels under several "
            "suffixes; pairs of similar labels, which decrypts the names."
        ),
    ] = Hops.hops,
    by: Annotated[
        Told | None, typer.Option(help="Count our own hops by what reports tell instead.", show_default=False)
    ] = None,
    form: Formatted = Format.table,
    since: Since = None,
    until: Until = None,
    every: Every = None,
) -> None:
    """List hops between hosters, or of names between suffixes.

    A hop belongs to the window in which its arrival was first seen.

    For example: waterbed -C mystudy hops --format csv
    """
    from waterbed.graphs.hops import count_hops
    from waterbed.model.mediums import MEDIUM_WORDS
    from waterbed.study.external import ExternalConclusions
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    window_choice = asked(since, until, None, every)
    if by and (table is not Hops.hops or window_choice.every):
        raise InputError("--by counts our own hops of one window: leave out --table and --window (docs/graph.md)")
    with open_study(context.obj) as study:
        if by:
            _by(study, by, form, window_choice)
            return
        if table in (Hops.labels, Hops.near):
            if window_choice.window or window_choice.every:
                raise InputError(
                    f"--table {table.value} is of all time: leave out --since, --until and --window (docs/windows.md)"
                )
            _labels(study, table is Hops.near, form)
            return
        external = table is Hops.external
        info = table_info(study, "told hops" if external else "hops", window=window_choice.window)
        each = list(window_choice.each(study))
        rows_by_window = [(conclusions.window, conclusions.hops) for conclusions in each]
        other_mediums = each[0].whole.beyond if each and table is Hops.hops and form is Format.table else []
        if external and each:
            external_hops = ExternalConclusions(each[0].whole, study.config.testimony).hops
            rows_by_window = [
                (conclusions.window, [hop for hop in external_hops if conclusions.window.holds(hop.arrived_before)])
                for conclusions in each
            ]
    _windows(Hop, rows_by_window, info, "hops", form, window_choice)
    if form is Format.table and (window_choice.every or rows_by_window[0][1] or not window_choice.window):
        for window, window_hops in rows_by_window:
            if window_hops:
                bounds = count_hops(window_hops)
                when = f"{window.label}: between" if window_choice.every else "Between"
                sure = f"{when} {bounds.least:,} and {bounds.most:,} hops are displacement"
                say(f"{sure}; the others were already there.")
        for other_medium in other_mediums:
            say(
                f"To {MEDIUM_WORDS[other_medium.medium]}, at home and abroad alike: "
                f"{other_medium.least:,} to {other_medium.most:,} contents "
                f"({other_medium.contents:,} were reported there); no hoster can be told."
            )


def _by(study: Study, by: Told, form: Format, wanted: Asked) -> None:
    """Print hops by what reports tell of the content that left."""
    from waterbed.questions.hops.by import HopsBy, hops_by
    from waterbed.study.metadata import table_info

    (conclusions,) = wanted.each(study)
    kind = by.value.replace("-", "_")
    rows = hops_by(conclusions.hops, conclusions.whole.facts.reports, kind, study.config.home)
    info = table_info(study, "hops", by=kind, window=wanted.window)
    columns = {by.value: "key", "contents": "contents", "hops": "hops", "certain": "certain"}
    columns |= {"left home, least": "left_home_least", "most": "left_home_most"}
    print_rows(HopsBy, rows, info, form, columns=columns, title=f"Hops by {by.value}, {days_of(info.window)}")


def _windows(
    cls: type, found: Sequence[tuple[Window, Sequence[Any]]], info: TableInfo, what: str, form: Format, wanted: Asked
) -> None:
    """Print the rows of one window, or of each week or month."""
    if wanted.every:
        columns = {name: name for name in _COLUMNS[what]}
        print_by_window(cls, found, info, form.value, columns=columns, wanted=wanted)
        return
    ((_, rows),) = found
    if wanted.window and form is Format.table and not rows:
        say(f"There are none in this window ({wanted.window.words}).")
        return
    _rows(cls, rows, info, what, form)


def _labels(study: Study, near: bool, form: Format) -> None:
    from waterbed.graphs.label_hops import LabelRow, NearRow, label_spells, label_table, near_table
    from waterbed.study.linking import near_of

    conclusions = study.conclude()
    spells = label_spells(conclusions.arrivals, conclusions.facts.targets, conclusions.known.values())
    if near:
        pairs = near_table(spells, near_of(study.folder))
        _label_rows(study, NearRow, pairs, _NEAR, "near labels", form)
        return
    rows = label_table(spells)
    _label_rows(study, LabelRow, rows, _EXACT, "labels under several suffixes", form)
    if form is Format.table:
        least, most = sum(row.hops_least for row in rows), sum(row.hops_most for row in rows)
        say(f"label hops: {least:,} to {most:,}, depending on steps of unknown order.")


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


def _label_rows(
    study: Study, cls: type, rows: Sequence[Any], columns: Mapping[str, str], what: str, form: Format
) -> None:
    """Print rows of a class; people see the named columns."""
    from waterbed.study.metadata import table_info

    info = table_info(study, what, by="label")
    print_rows(cls, rows, info, form, columns=columns, title=f"{len(rows):,} {what}", look="wide", cell=_cell)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return value[:_SHORT] if isinstance(value, str) else f"{value:,}"
