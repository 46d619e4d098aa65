"""Signs of looks, by SQL and as columns."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.graphs.linking.evidence import Sign
from waterbed.graphs.linking.signs import Span
from waterbed.judging.columns import NOTHING, Array, Columns, Numbered, mixed
from waterbed.model.codec import moment
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.facts import ControlLook, Observation
from waterbed.store.spool import Spool

SIGNS: Final = (Path(__file__).parent / "signs.sql").read_text()
READ: Final[Mapping[type, Sequence[str]]] = {
    Observation: (
        *("url_id", "observed_at", "control_id", "failure", "status", "marks", "redirect"),
        *("redirect_url_id", "redirect_site_id", "certificate_id", "public_key_id", "etag_id", "content_length"),
        *("title_id", "page_id"),
    ),
    ControlLook: ("etag_id",),
}
_TEXTS: Final = ("kind", "key", "role")
_ENTRY: Final = ("url", *_TEXTS)
_SERVERS, _ANSWERED = -1, -2
"""In place of the piece: sets of name servers, and times at which a URL answered."""
_SCHEMA: Final = pa.schema(
    [
        *(("piece", pa.int64()), ("url", pa.int64())),
        *((name, pa.string()) for name in _TEXTS),
        *(("first", pa.int64()), ("last", pa.int64())),
    ]
)


class LookSigns:
    """Signs of looks, gathered piece by piece."""

    def __init__(self, urls: Sequence[str], folder: Path) -> None:
        """Start without any."""
        self._urls = urls
        self._found = Spool(folder)
        self._name_servers: list[tuple[Array, ...]] = []
        self._answered: list[tuple[Array, ...]] = []

    def of_stretch(self, tables: Sequence[pa.Table]) -> None:
        """Take the rows of `SIGNS`."""
        for found in tables:
            pieces = np.asarray(found.column("piece")).astype(np.int64)
            for piece in np.unique(pieces).tolist():
                own = found.filter(pa.array(pieces == piece)).combine_chunks()
                self._found.add(
                    piece,
                    {
                        name: own.column(name).combine_chunks() if name in _TEXTS else np.asarray(own.column(name))
                        for name in (*_ENTRY, "first", "last")
                    },
                )

    def of_block(self, columns: Columns, answered: Array) -> None:
        """Take all looks of some URLs.

        `answered` tells which of them were.
        """
        told = np.flatnonzero(columns.name_servers != NOTHING)
        self._name_servers.append(_spans(columns.at[told], columns.url[told], columns.name_servers[told]))
        seen = np.flatnonzero(answered)
        self._answered.append(_spans(columns.at[seen], columns.url[seen]))

    def table(self, name_servers: Sequence[str]) -> pa.Table:
        """All of them, with URLs by their places.

        `name_servers` are the sets that columns number.
        """
        texts = pa.array(name_servers, pa.string())
        found = [_SCHEMA.empty_table()]
        for piece in self._found.numbers():
            its = pa.table({name: pa.array(column) for name, column in self._found.get(piece).items()})
            found.append(_formed({"piece": _all(its.num_rows, piece), **{n: its.column(n) for n in its.schema.names}}))
        for url, key, first, last in self._name_servers:
            kind = {"piece": _all(len(url), _SERVERS), "kind": _texts(len(url), "name_servers")}
            own = {"url": url, "key": texts.take(pa.array(key)), "role": _texts(len(url), "")}
            found.append(_formed({**kind, **own, "first": first, "last": last}))
        for url, first, last in self._answered:
            kind = {name: _texts(len(url), "") for name in _TEXTS}
            found.append(
                _formed({"piece": _all(len(url), _ANSWERED), **kind, "url": url, "first": first, "last": last})
            )
        return pa.concat_tables(found)

    def add(self, table: pa.Table, name_servers: Numbered[str]) -> None:
        """Take rows of `table`, of URLs not here yet."""
        piece = np.asarray(table.column("piece"))
        self.of_stretch([table.filter(pa.array(piece >= 0))])
        for number, entries in ((_SERVERS, self._name_servers), (_ANSWERED, self._answered)):
            own = table.filter(pa.array(piece == number)).combine_chunks()
            url, first, last = (np.asarray(own.column(name)) for name in ("url", "first", "last"))
            keys = [name_servers.column(own.column("key"))] if number == _SERVERS and len(url) else []
            entries.append((url, *keys, first, last) if keys or number == _ANSWERED else (url, url, first, last))

    def answered(self) -> Mapping[str, Span]:
        """The first and last time that each URL answered."""
        return _Spans(self._urls, self._answered)

    def signs(self, name_servers: Numbered[str], *, alone: bool = False) -> list[Sign]:
        """The signs of all looks.

        Of plain ones only those that several URLs share, unless `alone`: others link nothing. `name_servers` are the
        sets that the columns number.
        """
        found = [
            Sign(
                url_id=self._urls[url],
                kind="name_servers",
                key=name_servers.values[key],
                first=moment(first),
                last=moment(last),
            )
            for url, key, first, last in _rows(_shared(self._name_servers, alone=alone))
        ]
        for piece in self._found.numbers():
            found += self._of_piece(piece, alone=alone)
        return found

    def _of_piece(self, piece: int, *, alone: bool) -> Iterator[Sign]:
        """All signs with some keys, those of equal looks once."""
        columns = self._found.get(piece)
        table = pa.table({name: pa.array(column) for name, column in columns.items()})
        whole = table.group_by(list(_ENTRY)).aggregate([("first", "min"), ("last", "max")])
        if not alone:
            plain = whole.filter(pc.equal(whole.column("role"), ""))
            times = plain.group_by(["kind", "key"]).aggregate([([], "count_all")])
            several = times.filter(pc.greater(times.column("count_all"), 1)).select(["kind", "key"])
            led = whole.filter(pc.not_equal(whole.column("role"), ""))
            whole = pa.concat_tables(
                [plain.join(several, ["kind", "key"], join_type="left semi"), led.select(plain.schema.names)]
            )
        names = (*_ENTRY, "first_min", "last_max")
        for url, kind, key, role, first, last in zip(*(whole.column(name).to_pylist() for name in names), strict=True):
            yield Sign(
                url_id=self._urls[url],
                kind=cast(EvidenceKind, kind),
                key=key,
                first=moment(first),
                last=moment(last),
                role=cast(Literal["", "from", "to"], role),
            )


class _Spans(Mapping[str, Span]):
    """The first and last time that each URL answered, made when asked for."""

    def __init__(self, urls: Sequence[str], entries: Sequence[tuple[Array, ...]]) -> None:
        none = (np.empty(0, np.int64),) * 3
        columns = [np.concatenate(column) for column in zip(none, *entries, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        self._urls, (self._url, self._first, self._last) = urls, (column[order] for column in columns)

    def __getitem__(self, url_id: str) -> Span:
        place = bisect_left(self._urls, url_id)
        at = int(np.searchsorted(self._url, place))
        if place == len(self._urls) or self._urls[place] != url_id or self._url[at : at + 1].tolist() != [place]:
            raise KeyError(url_id)
        return moment(int(self._first[at])), moment(int(self._last[at]))

    def __iter__(self) -> Iterator[str]:
        return (self._urls[place] for place in self._url.tolist())

    def __len__(self) -> int:
        return len(self._url)


def _formed(columns: Mapping[str, Any]) -> pa.Table:
    arrays = [columns[name] for name in _SCHEMA.names]
    made = [array if isinstance(array, (pa.Array, pa.ChunkedArray)) else pa.array(array) for array in arrays]
    return pa.Table.from_arrays([array.cast(of.type) for array, of in zip(made, _SCHEMA, strict=True)], schema=_SCHEMA)


def _all(rows: int, number: int) -> Array:
    return np.full(rows, number, np.int64)


def _texts(rows: int, text: str) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def _spans(at: Array, *keys: Array) -> tuple[Array, ...]:
    """Each distinct row of keys, with its first and last time."""
    if not len(at):
        return (*keys, at, at)
    first, number = mixed([key.astype(np.int32) for key in keys])
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(len(first)))
    times = at[order]
    return (*(key[first] for key in keys), np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts))


def _shared(entries: Sequence[tuple[Array, ...]], *, alone: bool) -> tuple[Array, ...]:
    """Entries of URL, key, first and last whose key several URLs have."""
    if not entries:
        return ()
    columns = [np.concatenate(column) for column in zip(*entries, strict=True)]
    _, number, times = np.unique(columns[1], return_inverse=True, return_counts=True)
    kept = np.ones(len(number), bool) if alone else (times > 1)[number]
    return tuple(column[kept] for column in columns)


def _rows(columns: tuple[Array, ...]) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
