"""Measures of hops between keys, each with bounds.

The hop matrix, sinks and sources, and returns.
"""

from dataclasses import dataclass

import numpy as np

from waterbed.graphs.network.moves import UNKNOWN, Bools, Floats, Ints, Moves, sums_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with what order classes leave open.

    `certain` is the share among hops that surely are displacement, `possible` among those that may be; NaN without any.
    `low` and `high` hold it whichever of the doubtful hops are displacement. `n_certain` and `n_possible` are the
    weights of hops behind it.
    """

    certain: float
    possible: float
    low: float
    high: float
    n_certain: float
    n_possible: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HopMatrix:
    """Possible hops of each pair of keys, most first.

    One row for each pair; possible hops are those that may be displacement. `hops` counts each hop once, `weight`
    shares it among the pairs of its keys, `certain` is the part of `weight` that surely is displacement. `left` is the
    weight of all that left the origin. `share` is weight / left, so those of one origin add up to 1; it lies in [low,
    high] whichever doubtful hops are displacement.
    """

    keys: tuple[str, ...]
    origin: Ints
    destination: Ints
    hops: Ints
    weight: Floats
    certain: Floats
    left: Floats
    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetFlows:
    """Weights that left and arrived at each key.

    Hops within a key are left out. `net` is arrived - left: above 0 a sink, below 0 a source; it lies in [low, high]
    whichever doubtful hops are displacement. `efficiency` is net / (arrived + left), -1 to 1, NaN where neither.
    """

    keys: tuple[str, ...]
    left: Floats
    arrived: Floats
    net: Floats
    low: Floats
    high: Floats
    efficiency: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Numbers of hops back to a key left before.

    `hops` are all that may be displacement. `surely`: it had left for certain before it can have arrived. `possibly`:
    the intervals allow it.
    """

    hops: int
    surely: int
    possibly: int


def bounded_share(hit_certain: float, certain: float, hit_possible: float, possible: float) -> Share:
    """Return the share of hits with its bounds.

    Doubtful hops, which are possible but not certain, count or not, each for itself: the least is
    hit_certain / (hit_certain + miss_possible), the most hit_possible / (hit_possible + miss_certain).
    """
    least, most = hit_certain + (possible - hit_possible), hit_possible + (certain - hit_certain)
    return Share(
        certain=hit_certain / certain if certain > 0 else float("nan"),
        possible=hit_possible / possible if possible > 0 else float("nan"),
        low=hit_certain / least if least > 0 else (1.0 if possible > 0 else float("nan")),
        high=hit_possible / most if most > 0 else (0.0 if possible > 0 else float("nan")),
        n_certain=certain,
        n_possible=possible,
    )


def hop_matrix(moves: Moves) -> HopMatrix:
    """Return the row-normalised hop matrix as a list of pairs.

    Parallel hops are left out.
    """
    selected = moves.possible
    size = len(moves.keys)
    code = moves.origin[selected] * max(size, 1) + moves.destination[selected]
    pairs, indices = np.unique(code, return_inverse=True)
    weight = sums_by(indices, moves.weight[selected], pairs.size)
    certain = sums_by(indices, moves.weight[selected] * moves.certain[selected], pairs.size)
    origin, destination = pairs // max(size, 1), pairs % max(size, 1)
    outgoing, surely = sums_by(origin, weight, size)[origin], sums_by(origin, certain, size)[origin]
    least, most = certain + (outgoing - weight), weight + (surely - certain)
    order = np.lexsort((pairs, -weight))
    with np.errstate(invalid="ignore"):
        low = np.where(least > 0, certain / np.where(least > 0, least, 1.0), 1.0)
        high = weight / most
    return HopMatrix(
        keys=moves.keys,
        origin=origin[order],
        destination=destination[order],
        hops=np.bincount(indices, minlength=pairs.size).astype(np.int64)[order],
        weight=weight[order],
        certain=certain[order],
        left=outgoing[order],
        share=(weight / outgoing)[order],
        low=low[order],
        high=high[order],
    )


def net_flows(moves: Moves) -> NetFlows:
    """Return sinks and sources: arrivals minus departures of each key.

    `efficiency` is the migration efficiency of demography (Shryock, Siegel and Stockwell, 1976).
    """
    size = len(moves.keys)
    across = moves.possible & (moves.origin != moves.destination)

    def counted(number: Ints, rows: Bools) -> Floats:
        return sums_by(number[rows], moves.weight[rows], size)

    departed, arrived = counted(moves.origin, across), counted(moves.destination, across)
    sure = across & moves.certain
    left_surely, arrived_surely = counted(moves.origin, sure), counted(moves.destination, sure)
    with np.errstate(invalid="ignore", divide="ignore"):
        efficiency = (arrived - departed) / (arrived + departed)
    return NetFlows(
        keys=moves.keys,
        left=departed,
        arrived=arrived,
        net=arrived - departed,
        low=arrived_surely - departed,
        high=arrived - left_surely,
        efficiency=efficiency,
    )


def returns(moves: Moves) -> Returns:
    """Count hops to a key that the content had left.

    Of all hops that may be displacement. Surely: both are certain and some end at that key lies wholly before the
    arrival. Possibly: some end there can lie before it. A hop counts once, whatever the number of its keys; it neither
    leaves nor reaches a key that it has at both ends. `UNKNOWN` is no one place: nothing surely returns to it.
    """
    rows = np.flatnonzero(moves.possible)
    hops, size = _distinct(moves.hop[rows]), max(len(moves.keys), 1)
    within = rows[moves.origin[rows] == moves.destination[rows]]
    stayed = moves.hop[within] * size + moves.origin[within]
    ends = (moves.hop[rows] * size + keys[rows] for keys in (moves.origin, moves.destination))
    leaves, reaches = (~np.isin(end, stayed) for end in ends)
    departures, arrivals = rows[leaves], rows[reaches]
    places, away = np.unique(moves.content[departures] * size + moves.origin[departures], return_inverse=True)
    if not places.size:
        return Returns(hops=hops, surely=0, possibly=0)
    arrival_codes = moves.content[arrivals] * size + moves.destination[arrivals]
    back = np.minimum(np.searchsorted(places, arrival_codes), places.size - 1)
    sure, returned = moves.certain[departures], places[back] == arrival_codes
    surely, possibly = np.full(places.size, np.inf), np.full(places.size, np.inf)
    np.minimum.at(surely, away[sure], moves.left_before[departures][sure])
    np.minimum.at(possibly, away, moves.left_after[departures])
    is_known = np.array([key != UNKNOWN for key in moves.keys], np.bool_)[moves.destination[arrivals]]
    again_surely = returned & is_known & moves.certain[arrivals] & (surely[back] <= moves.arrived_after[arrivals])
    again_possibly = returned & (possibly[back] < moves.arrived_before[arrivals])
    hop = moves.hop[arrivals]
    return Returns(hops=hops, surely=_distinct(hop[again_surely]), possibly=_distinct(hop[again_possibly]))


def _distinct(numbers: Ints) -> int:
    return int(np.count_nonzero(np.bincount(numbers)))
