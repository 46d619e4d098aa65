"""The `graph` command: flows, measures, weeks, files for Gephi."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer

from waterbed.model.conclusions import Hop, HopKind, OrderClass
from waterbed.model.errors import InputError
from waterbed.model.progress import stage
from waterbed.model.redaction import shown
from waterbed.questions.hops.printing import print_graph_rows
from waterbed.shown.options import Every, Format, Formatted, Since, Until, to_write
from waterbed.shown.output import for_tools, print_rows, say, written_at
from waterbed.shown.windows import Asked, Cell, asked, print_by_window

if TYPE_CHECKING:
    import numpy as np

    from waterbed.graphs.network.moves import Level, Moves, OriginsOf
    from waterbed.model.table import TableInfo
    from waterbed.study.conclusions import Conclusions
    from waterbed.study.study import Study

METHOD = (
    "hops not known to be parallel; low and high of kind order hold whichever hops of unknown order are displacement "
    "(docs/graph.md)"
)
SEED = 2026
"""Of resampling and of the null graphs: the same facts give the same figures."""


class Nodes(StrEnum):
    """Kinds of nodes."""

    hoster = "hoster"
    asn = "asn"
    country = "country"
    content = "content"


class Shown(StrEnum):
    """The table to show."""

    flows = "flows"
    measures = "measures"
    weeks = "weeks"
    providers = "providers"


_LEVELS: dict[Nodes, Level] = {Nodes.hoster: "hoster", Nodes.asn: "as", Nodes.country: "country"}


def graph(
    context: typer.Context,
    by: Annotated[Nodes, typer.Option(help="Kind of nodes.")] = Nodes.hoster,
    week: Annotated[
        str | None, typer.Option(help="Only hops that may have arrived in that ISO week, as 2026-W12.")
    ] = None,
    cumulative: Annotated[bool, typer.Option("--cumulative", help="With --week: up to its end.")] = False,
    kind: Annotated[str | None, typer.Option(help=f"Only {', '.join(get_args(HopKind))}.")] = None,
    order: Annotated[str | None, typer.Option(help=f"Only {', '.join(get_args(OrderClass))}.")] = None,
    content: Annotated[
        str | None, typer.Option(help="With --by content: the time line of this content, with all hops.")
    ] = None,
    table: Annotated[
        Shown, typer.Option(help="Main flows, measures, hops by week of arrival, or who rents from whom.")
    ] = Shown.flows,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the graph: .gexf, .graphml or .json.", callback=to_write, show_default=False),
    ] = None,
    form: Formatted = Format.table,
    since: Since = None,
    until: Until = None,
    every: Every = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], help="With --table providers: on this day; else of the last check."
        ),
    ] = None,
) -> None:
    """Show the hop graph or write it to a file.

    Tables: main flows, measures and weeks. A hop belongs to the window in which its arrival was first seen.

    For example: waterbed -C mystudy graph --by country --out hops.gexf
    """
    from waterbed.study.study import open_study

    _check(by, cumulative and week is None, content, table, every)
    if table is Shown.providers and any((by is not Nodes.hoster, week, kind, order, since, until, every)):
        raise InputError(
            "--table providers is of hosters on one day: only --as-of, --out and --format go with it (docs/graph.md)"
        )
    if on is not None and table is not Shown.providers:
        raise InputError("--as-of is for --table providers; use --week, --since and --until for hops (docs/graph.md)")
    asked_for = asked(since, until, None, every)
    _check_windows(asked_for, week, by, out)
    window = _window(week, cumulative)
    criteria = {"kind": _one_of("--kind", kind, HopKind), "order": _one_of("--order", order, OrderClass)}
    _writer(out)
    with open_study(context.obj) as study:
        if table is Shown.providers:
            _providers(study, on, out, form)
            return
        each = [
            _Chosen(
                study=study,
                conclusions=conclusions,
                by=by,
                hops=[hop for hop in conclusions.hops if _fits(hop, criteria, window)],
                window=window,
                content=_known(content, conclusions),
            )
            for conclusions in asked_for.each(study)
        ]
        if asked_for.every:
            _by_window(each, table, form, asked_for)
            return
        (chosen,) = each
        if asked_for.window and not chosen.hops and chosen.content is None and form is Format.table:
            say(f"No hop arrived in this window ({asked_for.window.span}).")
        elif out is not None:
            _write(chosen, out)
        elif by is Nodes.content:
            _contents(chosen, form)
        else:
            _print(chosen, *_shown(chosen, table), form)


def _providers(study: Study, on: datetime | None, out: Path | None, form: Format) -> None:
    """Print who stands behind how many hosters, or write the graph of who rents from whom."""
    from waterbed.graphs.network.graph import WRITERS
    from waterbed.graphs.network.providers import ProviderRow, provider_graph, provider_rows
    from waterbed.measures.carriers import METHOD, rented
    from waterbed.store.whole.files import write_whole
    from waterbed.study.metadata import table_info

    conclusions = study.conclude()
    day = on.date() if on else (conclusions.until or study.clock()).date()
    rentals = rented(conclusions, day)
    network = provider_graph(rentals.rents, rentals.hosters, names=rentals.names)
    info = replace(table_info(study, "providers", by="hoster"), clock="data date", window=str(day), method=METHOD)
    if out is not None:
        with written_at(out):
            write_whole(out, WRITERS[out.suffix](network))
        _written(network.number_of_nodes(), network.number_of_edges(), out)
        return
    rows = provider_rows(network)
    print_rows(ProviderRow, rows, info, form, title=f"Who stands behind the study's hosters, {day}")


def _shown(chosen: _Chosen, table: Shown) -> tuple[type, Sequence[Any], str]:
    """The class and the rows of a table, and what they are."""
    from waterbed.graphs.network.figures import GraphFigure, WeekRow, graph_figures, week_rows
    from waterbed.graphs.network.flows import FlowShare, evidence_by_pair, flow_shares
    from waterbed.graphs.network.measures import hop_matrix
    from waterbed.graphs.network.weeks import weeks
    from waterbed.model.formatter import OWN

    if table is Shown.measures:
        with stage("measures of the graph"):
            figures = graph_figures(chosen.hops, chosen.moves, names=chosen.names, home=chosen.home, rng=_rng())
        return GraphFigure, [OWN.row(GraphFigure, figure) for figure in figures], "graph measures"
    if table is Shown.weeks:
        return WeekRow, week_rows(weeks(chosen.moves)), "hops by week"
    evidence = evidence_by_pair(chosen.hops, chosen.level, chosen.origins)
    return FlowShare, flow_shares(hop_matrix(chosen.moves), chosen.names, evidence), "hop matrix"


def _by_window(each: Sequence[_Chosen], table: Shown, form: Format, wanted: Asked) -> None:
    """Print the rows of each week or month."""
    if not each:
        wanted.empty()
        return
    parts = []
    for chosen in each:
        cls, rows, subject = _shown(chosen, table)
        parts.append((chosen.conclusions.window, rows))
    info = _info(replace(each[0], conclusions=each[0].conclusions.whole), subject)
    print_by_window(cls, parts, info, form.value, columns=_BY_WINDOW[table], wanted=wanted)


_BY_WINDOW: Final[dict[Shown, dict[str, Cell]]] = {
    Shown.flows: {"from": "from_key", "to": "to_key", "hops": "hops", "certain": "certain", "left": "left"},
    Shown.measures: {"measure": "measure", "key": "key", "value": "value", "n": "n"},
}
"""Columns shown to people by week or month."""


def _check_windows(wanted: Asked, week: str | None, by: Nodes, out: Path | None) -> None:
    if wanted.every and (out is not None or by is Nodes.content):
        raise InputError(
            "--window is for tables by hoster, asn or country: leave out --out and --by content (docs/windows.md)"
        )
    if week is not None and (wanted.every or wanted.window):
        raise InputError("--week is a window of its own: leave out --since, --until and --window (docs/graph.md)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """The selected hops and their context."""

    study: Study
    conclusions: Conclusions
    by: Nodes
    hops: Sequence[Hop]
    window: tuple[datetime | None, datetime] | None
    content: str | None
    names: dict[str, str] = field(init=False)
    origins: OriginsOf | None = field(init=False)

    def __post_init__(self) -> None:
        from waterbed.questions.hops.graph import key_names, key_origins

        object.__setattr__(self, "names", key_names(self.conclusions, self.level))
        object.__setattr__(self, "origins", key_origins(self.conclusions, self.level))

    @property
    def level(self) -> Level:
        return _LEVELS.get(self.by, "hoster")

    @property
    def moves(self) -> Moves:
        from waterbed.graphs.network.moves import moves_of

        return moves_of(self.hops, by=self.level, origins=self.origins)

    @property
    def home(self) -> str:
        return self.study.config.home


def _rng() -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(SEED)


def _check(by: Nodes, no_week: bool, content: str | None, table: Shown, every: str | None) -> None:
    if every is not None and table is Shown.weeks:
        raise InputError("--table weeks has a row for each week already: leave out --window (docs/graph.md)")
    if by is Nodes.content and table is not Shown.flows:
        raise InputError("--by content cannot have measures or weeks: use --by hoster, asn or country (docs/graph.md)")
    if content is not None and by is not Nodes.content:
        raise InputError(f"--content is for --by content, not --by {by.value} (docs/graph.md)")
    if no_week:
        raise InputError("--cumulative needs the week up to whose end it counts: add --week (docs/graph.md)")


def _window(week: str | None, cumulative: bool) -> tuple[datetime | None, datetime] | None:
    from waterbed.graphs.network.weeks import week_window

    if week is None:
        return None
    try:
        start, end = week_window(week)
    except ValueError:
        raise InputError(f"--week {shown(week)} is not an ISO week like 2026-W12 (docs/graph.md)") from None
    return None if cumulative else start, end


def _one_of(option: str, value: str | None, known: Any) -> str | None:
    if value is not None and value not in get_args(known):
        raise InputError(
            f"{option} {shown(value)} is unknown; {', '.join(get_args(known))} was expected (docs/graph.md)"
        )
    return value


def _fits(hop: Hop, wanted: dict[str, str | None], window: tuple[datetime | None, datetime] | None) -> bool:
    from waterbed.graphs.network.weeks import arrived_within

    if any(value is not None and getattr(hop, name) != value for name, value in wanted.items()):
        return False
    return window is None or arrived_within(hop, *window) != "no"


def _known(content: str | None, conclusions: Conclusions) -> str | None:
    """A content of the study; errors never repeat the input.

    The input could be a URL.
    """
    if content is not None and all(episode.content_id != content for episode in conclusions.whole.episodes):
        raise InputError(
            "--content is not a content id of this study; waterbed graph --by content --format csv lists those that "
            "hopped"
        )
    return content


def _writer(out: Path | None) -> None:
    from waterbed.graphs.network.graph import WRITERS

    if out is not None and out.suffix not in WRITERS:
        raise InputError(f"--out {out} ends with none of {', '.join(WRITERS)}: its end says the form (docs/graph.md)")


def _write(chosen: _Chosen, out: Path) -> None:
    from waterbed.graphs.network.graph import WRITERS, content_graph
    from waterbed.questions.hops.graph import hop_graph
    from waterbed.store.whole.files import write_whole

    if chosen.by is Nodes.content:
        hops = [hop for hop in chosen.hops if chosen.content in (None, hop.content_id)]
        within = {hop.content_id for hop in hops} | {chosen.content}
        stays = [episode for episode in chosen.conclusions.whole.episodes if episode.content_id in within]
        network = content_graph(hops, stays, names=chosen.names)
    else:
        network = hop_graph(chosen.conclusions, chosen.level, chosen.hops, window=chosen.window)
    standing = _info(chosen, "hop matrix").remarks
    network.graph["name"] = "; ".join([network.graph.get("name", ""), *standing])
    with written_at(out):
        write_whole(out, WRITERS[out.suffix](network))
    _written(network.number_of_nodes(), network.number_of_edges(), out)


def _contents(chosen: _Chosen, form: Format) -> None:
    from waterbed.graphs.network.flows import ContentRow, TimelineRow, content_rows, timeline_rows

    if chosen.content is None:
        _print(chosen, ContentRow, content_rows(chosen.hops, chosen.moves), "contents that hopped", form)
        return
    # all of it: a hop of another window, week, kind or order has brought its stay all the same
    conclusions = chosen.conclusions.whole
    stays = [episode for episode in conclusions.episodes if episode.content_id == chosen.content]
    narrowed = replace(
        chosen, conclusions=conclusions, hops=[hop for hop in conclusions.hops if hop.content_id == chosen.content]
    )
    _print(narrowed, TimelineRow, timeline_rows(stays, narrowed.hops, narrowed.names), "stays of one content", form)


def _print(chosen: _Chosen, cls: type, rows: Sequence[Any], what: str, form: Format) -> None:
    info = _info(chosen, what)
    if form is Format.table:
        parallel = sum(hop.order == "parallel" for hop in chosen.hops)
        print_graph_rows(rows, info, len(chosen.hops), parallel)
    else:
        for_tools(cls, rows, info, form)


def _info(chosen: _Chosen, what: str) -> TableInfo:
    from waterbed.study.metadata import table_info

    info = table_info(chosen.study, what, by=chosen.by.value, window=chosen.conclusions.window)
    return replace(info, clock="arrival", method=METHOD)


def _written(nodes: int, edges: int, out: Path) -> None:
    """Print the content of a written file."""
    say(f"wrote {nodes:,} nodes and {edges:,} edges to {out}")
