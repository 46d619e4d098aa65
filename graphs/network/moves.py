"""Hops as coded arrays for the graph's measures."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from waterbed.model.conclusions import Episode, Hop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Level = Literal["hoster", "as", "country"]
Ends = tuple[tuple[str, ...], tuple[str, ...]]
OriginsOf = Callable[[str, str, datetime], tuple[int, ...]]
"""Origin ASes of a URL at a hoster at a time."""

UNKNOWN: Final = "unknown"
"""Key of an end whose country or origin AS no table knew."""

CERTAIN: Final = frozenset({"sequential", "repointed"})
"""Order classes of hops that surely are displacement; all but `parallel` may be."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """Hops between keys, one row for each key pair.

    `origin` and `destination` are numbers of `keys`, `hop` is the number of the hop, `content` that of its content
    (0 to contents - 1). `weight` is 1 / rows of that hop. Times are seconds since 1970, the earliest arrival minus
    infinity without an earlier check.
    """

    keys: tuple[str, ...]
    contents: int
    hop: Ints
    content: Ints
    origin: Ints
    destination: Ints
    weight: Floats
    certain: Bools
    possible: Bools
    left_after: Floats
    left_before: Floats
    arrived_after: Floats
    arrived_before: Floats

    @property
    def size(self) -> int:
        """The number of rows."""
        return int(self.hop.size)


def origins_index(episodes: Iterable[Episode]) -> OriginsOf:
    """Return a look-up of a URL's origin ASes.

    They are those of the episode at the hoster that had begun by then.
    """
    by_place: dict[tuple[str, str], list[tuple[datetime, tuple[int, ...]]]] = {}
    for episode in episodes:
        by_place.setdefault((episode.url_id, episode.hoster), []).append((episode.known_up_at, episode.origins))
    for begun in by_place.values():
        begun.sort()

    def origins(url_id: str, hoster: str, when: datetime) -> tuple[int, ...]:
        begun = by_place.get((url_id, hoster), [])
        place = bisect_right(begun, when, key=lambda entry: entry[0])
        return begun[place - 1][1] if place else ()

    return origins


def ends_of(hop: Hop, by: Level, origins: OriginsOf | None = None) -> Ends:
    """Return the keys of a hop's two ends.

    `UNKNOWN` if no table knew one. Origin ASes are no part of a hop: `origins` looks them up in the episodes. Raises
    ValueError without it.
    """
    if by == "hoster":
        return (hop.from_hoster,), (hop.to_hoster,)
    if by == "country":
        return hop.from_countries or (UNKNOWN,), hop.to_countries or (UNKNOWN,)
    if origins is None:
        raise ValueError("a graph of origin ASes needs the episodes")
    origins_before = origins(hop.from_url_id, hop.from_hoster, hop.left_after)
    after = origins(hop.to_url_id, hop.to_hoster, hop.arrived_before)
    return _as_keys(origins_before), _as_keys(after)


def moves_of(hops: Iterable[Hop], *, by: Level = "hoster", origins: OriginsOf | None = None) -> Moves:
    """Code hops as arrays, by hoster, origin AS or country.

    A hop from n keys to m has n m rows that share its weight. Keys are sorted by name.
    """
    hops = hops if isinstance(hops, Sequence) else list(hops)
    keys, hop, origin, destination, weight = _rows((ends_of(record, by, origins) for record in hops), len(hops))
    contents: dict[str, int] = {}
    content = np.fromiter(
        (contents.setdefault(record.content_id, len(contents)) for record in hops), np.int64, len(hops)
    )
    certain = np.fromiter((record.order in CERTAIN for record in hops), np.bool_, len(hops))
    possible = np.fromiter((record.order != "parallel" for record in hops), np.bool_, len(hops))
    return Moves(
        keys=keys,
        contents=len(contents),
        hop=hop,
        content=content[hop],
        origin=origin,
        destination=destination,
        weight=weight,
        certain=certain[hop],
        possible=possible[hop],
        left_after=_seconds([record.left_after for record in hops])[hop],
        left_before=_seconds([record.left_before for record in hops])[hop],
        arrived_after=_seconds([record.arrived_after for record in hops])[hop],
        arrived_before=_seconds([record.arrived_before for record in hops])[hop],
    )


def _rows(ends: Iterable[Ends], hops: int) -> tuple[tuple[str, ...], Ints, Ints, Ints, Floats]:
    """Keys, and for each row its hop, origin, destination and weight."""
    seen: dict[tuple[str, ...], int] = {}
    codes = (seen.setdefault(side, len(seen)) for before_after in ends for side in before_after)
    which = np.fromiter(codes, np.int64, 2 * hops).reshape(hops, 2)
    keys = tuple(sorted({key for side in seen for key in side}))
    number = {key: index for index, key in enumerate(keys)}
    members = np.array([number[key] for side in seen for key in side], np.int64)
    sizes = np.array([len(side) for side in seen], np.int64)
    first = (np.cumsum(sizes) - sizes)[which]
    size_before, after = sizes[which].T
    rows = size_before * after
    hop = np.repeat(np.arange(hops), rows)
    within = np.arange(hop.size) - np.repeat(np.cumsum(rows) - rows, rows)
    origin = members[first[hop, 0] + within // after[hop]]
    destination = members[first[hop, 1] + within % after[hop]]
    return keys, hop, origin, destination, 1.0 / rows[hop]


def _seconds(times: Sequence[datetime | None]) -> Floats:
    return np.array([-np.inf if when is None else when.timestamp() for when in times], np.float64)


def _as_keys(origins: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"AS{origin}" for origin in origins) or (UNKNOWN,)


def sums_by(number: Ints, values: npt.ArrayLike, size: int) -> Floats:
    """Sum the values of each number below size."""
    return np.asarray(np.bincount(number, np.asarray(values, np.float64), size), np.float64)
