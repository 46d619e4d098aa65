"""Looks as columns of numbers."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from waterbed.judging.walk import CANARIES, Kind

Array = NDArray[Any]
Value = TypeVar("Value", bound=Hashable)
OWN: Final = ("length", "etag", "key", "control_answer")
"""What is numbered within the URL."""
AROUND: Final = ("host_class", "canary")
"""What is known of a look by its host and its vantage."""
SEEN: Final = tuple(name for name in Kind._fields if name not in (*OWN, *AROUND))
"""Columns that are the same for all URLs."""
NOTHING: Final = -1
_LARGEST: Final = 1 << 62


class Numbered(Generic[Value]):
    """Values with a number each, by first appearance."""

    def __init__(self) -> None:
        """Start without values."""
        self.values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def pack(self) -> None:
        """Keep the values alone; more can still come."""
        self._numbers = {}

    def number(self, value: Value) -> int:
        """The number of a value."""
        if len(self._numbers) != len(self.values):
            self._numbers = {value: number for number, value in enumerate(self.values)}
        known = self._numbers.get(value)
        if known is None:
            known = self._numbers[value] = len(self.values)
            self.values.append(value)
        return known

    def column(self, column: pa.ChunkedArray | pa.Array) -> Array:
        """The number of each cell; null is `NOTHING`."""
        coded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = coded.dictionary_encode()
        numbers = np.array([self.number(value) for value in coded.dictionary.to_pylist()] or [0], np.int32)
        indices = coded.indices
        if indices.null_count:
            places = np.asarray(indices.fill_null(0))
            return np.where(np.asarray(indices.is_null()), NOTHING, numbers[places]).astype(np.int32)
        known: Array = numbers[np.asarray(indices)]
        return known


def mixed(columns: Sequence[Array]) -> tuple[Array, Array]:
    """Number the distinct rows of columns of small numbers.

    From `NOTHING` on.
    Returns the first row of each, and each row's number.
    """
    code, size = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        least = int(column.min(initial=0))
        span = int(column.max(initial=0)) - least + 1
        if size > _LARGEST // span:
            _, code = np.unique(code, return_inverse=True)
            size = int(code.max(initial=0)) + 1
        code = code * span + (column - least)
        size *= span
    _, first, number = np.unique(code, return_index=True, return_inverse=True)
    return first, number


@dataclass(slots=True, kw_only=True)
class Columns:
    """Looks as columns, one row a look.

    `at` is in microseconds since 1970; `seen` numbers rows of `SEEN`; those of `OWN` are any numbers that agree where
    the values do. Missing is `NOTHING`.
    """

    url: Array
    host: Array
    at: Array
    vantage: Array
    network: Array
    agent: Array
    address: Array
    addresses: Array
    tags: Array
    name_servers: Array
    seen: Array
    length: Array
    etag: Array
    key: Array
    control_answer: Array
    id: pa.Array

    def __len__(self) -> int:
        """The number of looks."""
        return len(self.url)

    def named(self) -> dict[str, Any]:
        """The columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def taken(self, order: Array) -> "Columns":
        """The rows at some places, in that order."""
        return Columns(
            **{name: its.take(pa.array(order) if name == "id" else order) for name, its in self.named().items()}
        )

    def split(self, number: Array) -> Iterator[tuple[int, "Columns"]]:
        """The rows of each number, in their order."""
        if not len(number):
            return
        order = np.argsort(number, kind="stable")
        found, starts = np.unique(number[order], return_index=True)
        for one, start, end in zip(found.tolist(), starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
            yield one, self if len(found) == 1 else self.taken(order[start:end])

    def in_order(self) -> "Columns":
        """Sort by URL, time and id."""
        order = np.lexsort((self.at, self.url))
        url, at = self.url[order], self.at[order]
        alike = np.flatnonzero((url[1:] == url[:-1]) & (at[1:] == at[:-1]))
        if len(alike):
            order = _ties_by_id(order, alike, self.id)
        return self.taken(order)


def _ties_by_id(order: Array, alike: Array, ids: pa.Array) -> Array:
    """Sort runs of equal URL and time by id."""
    within = np.zeros(len(order), bool)
    within[alike] = within[alike + 1] = True
    places = np.flatnonzero(within)
    group = np.cumsum(np.concatenate(([True], ~np.isin(places[1:] - 1, alike))))
    names = ids.take(pa.array(order[places])).to_pylist()
    by_id = sorted(range(len(places)), key=lambda n: (group[n], names[n]))
    order[places] = order[places[by_id]]
    return order


class Coder:
    """Makes columns of numbers from tables of looks."""

    def __init__(self) -> None:
        """Start without any value known."""
        self.vantages: Numbered[str] = Numbered()
        self.networks: Numbered[str] = Numbered()
        self.agents: Numbered[str] = Numbered()
        self.address: Numbered[str] = Numbered()
        self.addresses: Numbered[str] = Numbered()
        self.tags: Numbered[str] = Numbered()
        self.name_servers: Numbered[str] = Numbered()
        self.seen: Numbered[tuple[Any, ...]] = Numbered()

    def pack(self) -> None:
        """Keep the values alone; more can still come."""
        for of in _CODED.values():
            getattr(self, of).pack()

    def renumbering(self, other: "Coder") -> Callable[[Columns], Columns]:
        """Take another coder's values; its numbers become these."""
        numbers = {
            name: np.array([*map(getattr(self, of).number, getattr(other, of).values), NOTHING], np.int32)
            for name, of in _CODED.items()
        }

        def renumber(columns: Columns) -> Columns:
            return replace(columns, **{name: own[getattr(columns, name)] for name, own in numbers.items()})

        return renumber

    def columns(self, table: pa.Table) -> Columns:
        """The columns of a table with the names of `looks.sql`."""
        texts = {name: _local(table.column(name)) for name in SEEN}
        first, number = mixed([numbers for numbers, _ in texts.values()])
        rows = [
            tuple(values[place] if place != NOTHING else _ABSENT.get(name) for name, place, values in row)
            for row in zip(
                *([(name, numbers[at], values) for at in first.tolist()] for name, (numbers, values) in texts.items()),
                strict=True,
            )
        ]
        known = np.array([self.seen.number(row) for row in rows] or [0], np.int32)
        return Columns(
            url=_plain(table.column("url"), np.int32),
            host=_plain(table.column("host"), np.int32),
            at=_plain(table.column("at"), np.int64),
            vantage=self.vantages.column(table.column("vantage")),
            network=self.networks.column(table.column("network")),
            agent=self.agents.column(table.column("agent")),
            address=self.address.column(table.column("address")),
            addresses=self.addresses.column(_emptied(table.column("addresses"))),
            tags=self.tags.column(table.column("tags")),
            name_servers=self.name_servers.column(table.column("name_servers")),
            seen=known[number],
            length=_plain(table.column("length"), np.int64),
            etag=_plain(table.column("etag"), np.int64),
            key=_plain(table.column("key"), np.int64),
            control_answer=_plain(table.column("control_answer"), np.int64),
            id=table.column("id").combine_chunks(),
        )


_CODED: Final = {
    "vantage": "vantages",
    **{name: name for name in ("address", "addresses", "tags", "name_servers", "seen")},
    "network": "networks",
    "agent": "agents",
}
"""The values that each numbered column has."""
_ABSENT: Final = {"marks": "", "tags": "", "unstable": ""}


def _local(column: pa.ChunkedArray) -> tuple[Array, list[Any]]:
    coded = column.combine_chunks().dictionary_encode()
    indices = coded.indices
    if indices.null_count:
        indices = indices.fill_null(NOTHING)
    return np.asarray(indices), coded.dictionary.to_pylist()


def _plain(column: pa.ChunkedArray, form: Any) -> Array:
    whole = column.combine_chunks()
    if whole.null_count:
        whole = (
            whole.fill_null(NOTHING)
            if not pa.types.is_unsigned_integer(whole.type)
            else whole.cast("int64").fill_null(NOTHING)
        )
    return np.asarray(whole).astype(form, copy=False)


def _emptied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Sets without an address are none."""
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def ordinals(url: Array, values: Array) -> Array:
    """Number each URL's values by first appearance.

    Rows of one URL are together. `NOTHING` stays.
    """
    found = np.full(len(url), NOTHING, np.int32)
    there = np.flatnonzero(values != NOTHING)
    if not len(there):
        return found
    own_url, own = url[there].astype(np.int64), values[there]
    _, dense = np.unique(own, return_inverse=True)
    _, first, number = np.unique(own_url * (int(dense.max()) + 1) + dense, return_index=True, return_inverse=True)
    by_first = np.argsort(first)
    place = np.empty(len(first), np.int64)
    place[by_first] = np.arange(len(first))
    urls_of = own_url[first[by_first]]
    begins = np.concatenate(([True], urls_of[1:] != urls_of[:-1]))
    offset = np.maximum.accumulate(np.where(begins, np.arange(len(first)), 0))
    found[there] = (place - offset[place])[number]
    return found


def kinds_of(
    columns: Columns, seen: Sequence[tuple[Any, ...]], host_class: Array, canary: Array
) -> tuple[list[Kind], Array]:
    """The kinds of looks, and each look's kind.

    Rows of one URL are together and in time order. `host_class` is 0 where none is known; `canary` is a place in
    `CANARIES`.
    """
    own = [ordinals(columns.url, getattr(columns, name)) for name in OWN]
    first, number = mixed([columns.seen, host_class, canary, *own])
    kinds = []
    for at in first.tolist():
        values: dict[str, Any] = dict(zip(SEEN, seen[columns.seen[at]], strict=True))
        for name, ordinal in zip(OWN, own, strict=True):
            values[name] = None if ordinal[at] == NOTHING else int(ordinal[at])
        kinds.append(Kind(**values, host_class=int(host_class[at]) or None, canary=CANARIES[canary[at]]))
    return kinds, number
