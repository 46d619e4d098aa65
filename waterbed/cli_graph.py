"""The command line's part for the hop graph: main flows, measures, weeks, files for Gephi."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import typer

from graphs.graph_figures import GraphFigure, WeekRow, graph_figures, week_rows
from graphs.graph_files import WRITERS
from graphs.measures import hop_matrix
from graphs.moves import Level, Moves, OriginsOf, moves_of, origins_index
from graphs.network import content_graph, displacement_graph
from graphs.snapshots import arrived_within, week_window, weeks
from waterbed import show_graph
from waterbed.conclude import Conclusions
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.conclusions import Hop, HopKind, OrderClass
from waterbed.model.errors import InputError
from waterbed.publish.exports import write_whole
from waterbed.publish.flows import FlowShare, flow_shares
from waterbed.publish.stays import ContentRow, StayRow, content_rows, stay_rows
from waterbed.report import envelope
from waterbed.study import Study, open_study

METHOD = (
    "hops not known to be parallel; low and high of kind order hold whichever hops of unknown order are displacement; "
    "see docs/graph.md"
)
SEED = 2026
"""Of resampling and of the null graphs: the same facts give the same figures."""


class By(StrEnum):
    """What the nodes are."""

    hoster = "hoster"
    asn = "as"
    country = "country"
    content = "content"


_LEVELS: dict[By, Level] = {By.hoster: "hoster", By.asn: "as", By.country: "country"}


def graph(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="What the nodes are.")] = By.hoster,
    week: Annotated[
        str | None, typer.Option(help="Only hops that may have arrived in that ISO week, as 2026-W12.")
    ] = None,
    cumulative: Annotated[bool, typer.Option("--cumulative", help="With --week: up to its end.")] = False,
    kind: Annotated[str | None, typer.Option(help=f"Only {', '.join(get_args(HopKind))}.")] = None,
    order: Annotated[str | None, typer.Option(help=f"Only {', '.join(get_args(OrderClass))}.")] = None,
    content: Annotated[str | None, typer.Option(help="With --by content: the time line of that one.")] = None,
    measures: Annotated[bool, typer.Option("--measures", help="All measures, instead of flows.")] = False,
    by_week: Annotated[bool, typer.Option("--weeks", help="Hops by week of arrival, instead.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the graph: .gexf, .graphml or .json.", show_default=False)
    ] = None,
    form: Formatted = Format.table,
) -> None:
    """The hop graph: main flows, measures, weeks, or a file for Gephi.

    For example: waterbed -C mystudy graph --by country --out hops.gexf
    """
    _check(by, cumulative and week is None, content, measures, by_week)
    window = _window(week, cumulative)
    wanted = {"kind": _one_of("--kind", kind, HopKind), "order": _one_of("--order", order, OrderClass)}
    _writer(out)
    with open_study(context.obj) as study:
        done = study.conclude()
        hops = [hop for hop in done.hops if _fits(hop, wanted, window)]
        chosen = _Chosen(study=study, done=done, by=by, hops=hops, window=window, content=_known(content, done))
        if out is not None:
            _write(chosen, out)
        elif by is By.content:
            _contents(chosen, form)
        elif measures:
            rows = graph_figures(hops, chosen.moves, names=chosen.names, home=chosen.home, rng=_rng())
            _print(chosen, GraphFigure, rows, "graph measures", form)
        elif by_week:
            _print(chosen, WeekRow, week_rows(weeks(chosen.moves)), "hops by week", form)
        else:
            rows_of_flows = flow_shares(hop_matrix(chosen.moves), chosen.names)
            _print(chosen, FlowShare, rows_of_flows, "hop matrix", form)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """The hops asked for, and what they are shown with."""

    study: Study
    done: Conclusions
    by: By
    hops: Sequence[Hop]
    window: tuple[datetime | None, datetime] | None
    content: str | None
    names: dict[str, str] = field(init=False)
    origins: OriginsOf | None = field(init=False)

    def __post_init__(self) -> None:
        keys: Collection[str] = self.done.hosters
        if self.by is By.asn:
            keys = {f"AS{origin}" for episode in self.done.episodes for origin in episode.origins}
        told = {} if self.by is By.country else {key: self.done.attributor.name_of(key) for key in keys}
        object.__setattr__(self, "names", told)
        object.__setattr__(self, "origins", origins_index(self.done.episodes) if self.by is By.asn else None)

    @property
    def level(self) -> Level:
        return _LEVELS.get(self.by, "hoster")

    @property
    def moves(self) -> Moves:
        return moves_of(self.hops, by=self.level, origins=self.origins)

    @property
    def home(self) -> str:
        return self.study.folder.config.home


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def _check(by: By, no_week: bool, content: str | None, measures: bool, by_week: bool) -> None:
    if measures and by_week:
        raise InputError("--measures and --weeks are two tables: name one of them (docs/graph.md)")
    if by is By.content and (measures or by_week):
        raise InputError("--by content has no measures and no weeks: use --by hoster, as or country (docs/graph.md)")
    if content is not None and by is not By.content:
        raise InputError(f"--content is for --by content, not --by {by.value} (docs/graph.md)")
    if no_week:
        raise InputError("--cumulative needs the week up to whose end it counts: add --week (docs/graph.md)")


def _window(week: str | None, cumulative: bool) -> tuple[datetime | None, datetime] | None:
    if week is None:
        return None
    try:
        start, end = week_window(week)
    except ValueError:
        raise InputError(f"--week {week!r} is no ISO week; one as 2026-W12 was expected (docs/graph.md)") from None
    return None if cumulative else start, end


def _one_of(option: str, value: str | None, known: Any) -> str | None:
    if value is not None and value not in get_args(known):
        raise InputError(f"{option} {value!r} is unknown; {', '.join(get_args(known))} was expected (docs/graph.md)")
    return value


def _fits(hop: Hop, wanted: dict[str, str | None], window: tuple[datetime | None, datetime] | None) -> bool:
    if any(value is not None and getattr(hop, name) != value for name, value in wanted.items()):
        return False
    return window is None or arrived_within(hop, *window) != "no"


def _known(content: str | None, done: Conclusions) -> str | None:
    """A content that the study has; what was given is not repeated, as it could be a URL."""
    if content is not None and all(episode.content_id != content for episode in done.episodes):
        raise InputError(
            "--content is no content id of this study; waterbed graph --by content --format csv lists those that hopped"
        )
    return content


def _writer(out: Path | None) -> None:
    if out is not None and out.suffix not in WRITERS:
        raise InputError(f"--out {out} ends with none of {', '.join(WRITERS)}: its end says the form (docs/graph.md)")


def _write(chosen: _Chosen, out: Path) -> None:
    if chosen.by is By.content:
        hops = [hop for hop in chosen.hops if chosen.content in (None, hop.content_id)]
        within = {hop.content_id for hop in hops} | {chosen.content}
        stays = [episode for episode in chosen.done.episodes if episode.content_id in within]
        network = content_graph(hops, stays, names=chosen.names)
    else:
        network = displacement_graph(
            chosen.hops,
            names=chosen.names,
            seats={} if chosen.by is By.asn else chosen.done.seats,
            home=chosen.home,
            by=chosen.level,
            origins=chosen.origins,
            window=chosen.window,
        )
    standing = envelope(chosen.study, "hop matrix", by=chosen.by.value).standing
    network.graph["name"] = "; ".join([network.graph.get("name", ""), *standing])
    try:
        write_whole(out, WRITERS[out.suffix](network))
    except OSError as problem:
        raise InputError(f"{out} cannot be written ({problem.strerror}); name another place") from None
    show_graph.written(network.number_of_nodes(), network.number_of_edges(), out)


def _contents(chosen: _Chosen, form: Format) -> None:
    if chosen.content is None:
        _print(chosen, ContentRow, content_rows(chosen.hops, chosen.moves), "contents that hopped", form)
        return
    stays = [episode for episode in chosen.done.episodes if episode.content_id == chosen.content]
    own = replace(chosen, hops=[hop for hop in chosen.hops if hop.content_id == chosen.content])
    _print(own, StayRow, stay_rows(stays, own.hops, own.names), "stays of one content", form)


def _print(chosen: _Chosen, cls: type, rows: Sequence[Any], what: str, form: Format) -> None:
    heading = replace(envelope(chosen.study, what, by=chosen.by.value), clock="arrival", method=METHOD)
    if form is Format.table:
        parallel = sum(hop.order == "parallel" for hop in chosen.hops)
        show_graph.table(rows, heading, len(chosen.hops), parallel)
    else:
        for_tools(cls, rows, heading, form)
