"""The graph's measures as rows of one table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Annotated, Final, Generic, Literal, TypeVar

import numpy as np

from waterbed.estimators.refusal import Refusal
from waterbed.graphs.network.communities import communities
from waterbed.graphs.network.concentration import Concentration, concentration
from waterbed.graphs.network.measures import Share, net_flows, returns
from waterbed.graphs.network.moves import CERTAIN, Moves
from waterbed.graphs.network.paths import LEAST, chains
from waterbed.graphs.network.weeks import Weeks, abroad_shares
from waterbed.model.conclusions import Hop
from waterbed.model.message import NOTHING, Count, Message, Number, PValue
from waterbed.model.message import Share as Percent

Bounds = Literal["order", "95%", "null", ""]
Said = TypeVar("Said")
"""A message as it is worked out; text where it is published."""
Measured = Literal["contents", "rate", "share", "number"]
"""A count of contents, a share told by its bounds, another share, or any other number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFigure(Generic[Said]):
    """One measure of the hop graph."""

    measure: Annotated[str, "what is measured; docs/graph.md defines each"]
    key: Annotated[str, "hoster key, AS number or country that it is of; empty: the whole graph"]
    name: Annotated[str, "its name for people"]
    value: Annotated[float | None, "the measure over hops not known to be parallel; null: no number"]
    low: Annotated[float | None, "lower end of the bounds"]
    high: Annotated[float | None, "upper end of the bounds"]
    bounds: Annotated[
        Bounds,
        "order: what unknown order leaves open; 95%: chance between contents; null: graphs with the same margins",
    ]
    n: Annotated[float, "hops behind it; fractional where a hop has several keys"]
    note: Annotated[Said, "what else must be known, or why there is no number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedFigure(GraphFigure[Message]):
    """A measure as it is worked out: its note is a message, which `Formatter.row` spells."""

    kind: Measured = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRow:
    """Hops of one ISO week of arrival, in UTC."""

    week: Annotated[str, "the week, as 2026-W12"]
    surely: Annotated[int, "hops whose arrival lies wholly in it"]
    possibly: Annotated[int, "hops whose arrival may lie in it"]
    surely_until: Annotated[int, "hops that surely arrived by its end"]
    possibly_until: Annotated[int, "hops that may have arrived by its end"]


def graph_figures(
    hops: Sequence[Hop], moves: Moves, *, names: Mapping[str, str], home: str | None, rng: np.random.Generator
) -> list[TypedFigure]:
    """Return all measures of the graph.

    Those of the whole graph first, then sinks and sources by the size of their net flow.
    """
    counts = returns(moves)
    certain = sum(hop.order in CERTAIN for hop in hops)
    rows = [
        _figure("hops", counts.hops, certain, counts.hops, n=len(hops), note=Message.of("n counts parallel hops, too"))
    ]
    for place, share in abroad_shares(hops, home).items():
        rows.append(_share(f"to abroad, of what left {place}", share))
    rows.append(_rate("returns to where it had left", counts.surely, counts.possibly, counts.hops))
    rows += _chain_figures(moves)
    rows += _concentrations(concentration(moves, rng))
    rows += _communities(moves, rng)
    return rows + _net(moves, names)


def week_rows(by_week: Weeks) -> list[WeekRow]:
    """The weeks as rows, first to last."""
    columns = (by_week.surely, by_week.possibly, by_week.surely_until, by_week.possibly_until)
    return [
        WeekRow(week=week, surely=surely, possibly=possibly, surely_until=sure_until, possibly_until=may_until)
        for week, surely, possibly, sure_until, may_until in zip(
            by_week.labels, *(column.tolist() for column in columns), strict=True
        )
    ]


def _chain_figures(moves: Moves) -> Iterator[TypedFigure]:
    surely, possibly = chains(moves, surely=True), chains(moves, surely=False)
    moved = possibly.contents.size
    bounds = [(chain.at_least(LEAST), int(chain.longest.max(initial=0))) for chain in (surely, possibly)]
    say = partial(_figure, n=moved, kind="contents")
    yield say("contents that moved", moved, surely.contents.size, moved)
    yield say(f"contents with a chain of {LEAST} hops", None, bounds[0][0], bounds[1][0])
    yield say("hops of the longest chain", None, bounds[0][1], bounds[1][1])


def _concentrations(measure: Concentration) -> Iterator[TypedFigure]:
    n = measure.hops
    yield _figure("concentration of destinations (HHI)", measure.hhi, n=n)
    yield _sampled("same destination, different contents", measure.between, measure.between_interval, n)
    yield _figure("effective number of destinations", measure.effective, n=n)
    yield _sampled(f"share of the {len(measure.leading)} largest destinations", measure.top, measure.top_interval, n)


def _communities(moves: Moves, rng: np.random.Generator) -> Iterator[TypedFigure]:
    partition = communities(moves, rng)
    if isinstance(partition, Refusal):
        yield _figure("communities", None, n=0, note=partition.reason)
        return
    note = Message.of(
        "{keys} busiest keys; {p}, the smallest that can be had is {least}",
        keys=Number(partition.keys),
        p=PValue(partition.p),
        least=Number(partition.smallest_p),
    )
    yield _figure("communities", len(partition.members), n=partition.hops)
    yield _figure(
        "modularity",
        partition.modularity,
        partition.null,
        partition.null_high,
        bounds="null",
        n=partition.hops,
        note=note,
    )


_SIDES: Final = {
    "sink": Message.of("sink"),
    "source": Message.of("source"),
    "either": Message.of("either"),
}
"""The notes of net flows."""


def _net(moves: Moves, names: Mapping[str, str]) -> list[TypedFigure]:
    balances = net_flows(moves)
    rows = []
    for index in np.argsort(-np.abs(balances.net), kind="stable").tolist():
        low, high = float(balances.low[index]), float(balances.high[index])
        key = balances.keys[index]
        kind = "sink" if low > 0 else "source" if high < 0 else "either"
        rows.append(
            TypedFigure(
                measure="net flow",
                key=key,
                name=names.get(key, key),
                value=float(balances.net[index]),
                low=low,
                high=high,
                bounds="order",
                n=float(balances.left[index] + balances.arrived[index]),
                note=_SIDES[kind],
            )
        )
    return rows


def _share(measure: str, share: Share) -> TypedFigure:
    say = partial(_figure, measure, share.possible, share.low, share.high, n=share.n_possible, kind="share")
    if isnan(share.certain):
        return say()
    hops, part = Count(round(share.n_certain)), Percent(share.certain, 1)
    return say(note=Message.of("{share} among certain hops ({hops})", share=part, hops=hops))


def _rate(measure: str, surely: int, possibly: int, n: int) -> TypedFigure:
    low, high = (surely / n, possibly / n) if n else (None, None)
    return _figure(measure, None, low, high, n=n, kind="rate")


def _sampled(measure: str, value: float, interval: tuple[float, float] | Refusal, n: float) -> TypedFigure:
    if isinstance(interval, Refusal):
        reason = Message.of("no interval: {reason}", reason=interval.reason)
        return _figure(measure, value, n=n, note=reason, kind="share")
    return _figure(measure, value, *interval, bounds="95%", n=n, kind="share")


def _figure(
    measure: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    n: float,
    bounds: Bounds = "order",
    note: Message = NOTHING,
    kind: Measured = "number",
) -> TypedFigure:
    low, high = _number(low), _number(high)
    return TypedFigure(
        measure=measure,
        key="",
        name="",
        value=_number(value),
        low=low,
        high=high,
        bounds=bounds if low is not None else "",
        n=float(n),
        note=note,
        kind=kind,
    )


def _number(value: float | None) -> float | None:
    return None if value is None or isnan(value) else float(value)
