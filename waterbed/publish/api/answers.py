"""Serialises a publication into HTTP answers before any request."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Final

from waterbed.model.codec import columns
from waterbed.publish.policy import KEYS, Publication, Table
from waterbed.shown.layout import START, Site
from waterbed.study.formats import loose, records

PAGE: Final = 100
"""Default rows of a page; pages of this size are precomputed."""
MOST: Final = 1_000
"""Most rows of a page."""
CASE_KEYS: Final = ("url_id", "content_id", "from_url_id", "to_url_id", "hoster", "from_hoster", "to_hoster")
"""Fields by which rows of single cases are found, besides those that identify the subject."""
RANKING: Final = "ranking-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms on which a table is published."""

    publisher: Annotated[str, "who publishes, a name for people"]
    tlp: Annotated[str, "traffic light (TLP 2.0) of everything published"]
    licence: Annotated[str, "SPDX name of the licence"]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """The part of the rows that an answer holds."""

    total: Annotated[int, "rows that match"]
    offset: Annotated[int, "rows passed over before the first one here"]
    limit: Annotated[int, "most rows of this page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCard:
    """One entry in a list of tables."""

    name: Annotated[str, "name of the table, the last part of its address"]
    title: Annotated[str, "what it holds, for people"]
    by: Annotated[str, "what a row stands for: hoster, asn, country, ..."]
    rows: Annotated[int, "how many rows it has"]
    left_out: Annotated[int, "rows left out because they are about too few, at least so many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The overview of a publication."""

    title: Annotated[str, "name of the study"]
    made_at: Annotated[datetime, "when the conclusions were drawn"]
    first: Annotated[datetime | None, "first check; null: none yet"]
    last: Annotated[datetime | None, "last check"]
    tables: Annotated[tuple[str, ...], "names of the tables under /v1/tables"]
    rankings: Annotated[tuple[str, ...], "what is ranked under /v1/rankings"]
    cases: Annotated[tuple[str, ...], "names of the tables of single cases under /v1/cases"]


@dataclass(frozen=True, kw_only=True)
class Body:
    """The bytes of an answer and their strong entity tag."""

    content: bytes
    etag: str

    @cached_property
    def gzipped(self) -> bytes:
        """The same compressed, once."""
        return gzip.compress(self.content, compresslevel=6, mtime=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a table."""

    body: Body
    portion: Portion


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One file of the publication."""

    body: Body
    media: str
    cases: bool = False
    """True if it holds single cases."""


class Answers:
    """All answers of one edition; immutable."""

    def __init__(self, publication: Publication, site: Site) -> None:
        """Serialise all answers; both arguments hold only publishable data."""
        policy = publication.policy
        terms = Terms(
            publisher=policy.publisher, tlp=policy.tlp, licence=policy.licence, sources=dict(publication.sources)
        )
        tables = [SerializedTable(table, terms) for table in publication.tables]
        self.tables = {one.table.name: one for one in tables if not one.table.case_level}
        self.cases = {one.table.name: one for one in tables if one.table.case_level}
        self.rankings = {
            name.removeprefix(RANKING): one for name, one in self.tables.items() if name.startswith(RANKING)
        }
        self.pages = {
            path: Leaf(body=body(file.content), media=file.media, cases=file.cases) for path, file in site.items()
        }
        if START in self.pages:
            self.pages[""] = self.pages[START]
        self.made_at = publication.made_at
        self.table_list = _listed(self.tables)
        self.case_list = _listed(self.cases)
        whole = Overview(
            title=publication.title,
            made_at=publication.made_at,
            first=publication.first,
            last=publication.last,
            tables=tuple(self.tables),
            rankings=tuple(self.rankings),
            cases=tuple(self.cases),
        )
        self.overview = body(_json({**_record(whole), "terms": _terms(terms)}))


class SerializedTable:
    """A table with serialised rows, from which pages are cut."""

    def __init__(self, table: Table, terms: Terms) -> None:
        """Serialise each row once and index rows by their keys.

        The default pages are kept ready.
        """
        self.table = table
        self._rows = [_json(record) for record in records(table.cls, table.rows)]
        self._head = _json({**loose(table.envelope), "terms": _terms(terms)})[:-1]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(table.rows):
            for key in set(_keys(row, key_fields(table))):
                self._places[key].append(place)
        self._ready = {offset: self._page(self._rows, offset, PAGE) for offset in range(0, len(self._rows) + 1, PAGE)}

    def page(self, offset: int, limit: int, key: str | None = None) -> Page:
        """Return at most `limit` rows from `offset` on.

        With a key, only the rows about it.
        """
        if key is None and limit == PAGE and offset in self._ready:
            return self._ready[offset]
        rows = self._rows if key is None else [self._rows[place] for place in self._places.get(key, ())]
        return self._page(rows, offset, limit)

    def row(self, key: str) -> Body | None:
        """The single row about a key, or None."""
        places = self._places.get(key)
        return body(self._head + b', "row": ' + self._rows[places[0]] + b"}") if places else None

    def _page(self, rows: Sequence[bytes], offset: int, limit: int) -> Page:
        portion = Portion(total=len(rows), offset=offset, limit=limit)
        inside = b", ".join(rows[offset : offset + limit])
        part = _json(_record(portion))[1:-1]
        return Page(body=body(self._head + b", " + part + b', "rows": [' + inside + b"]}"), portion=portion)


def key_fields(table: Table) -> list[str]:
    """Fields of a table's rows that identify a row."""
    wanted = (*KEYS, *CASE_KEYS) if table.case_level else KEYS
    return [name for name in wanted if name in columns(table.cls)]


def body(content: bytes) -> Body:
    """Return an answer with its SHA-256 as entity tag.

    RFC 9110, 8.8.3.
    """
    return Body(content=content, etag=f'"{sha256(content).hexdigest()}"')


def links(portion: Portion) -> list[tuple[str, Portion]]:
    """Links to further pages by relation (RFC 8288).

    The relations are first, prev, next and last, where such a page exists.
    """
    total, offset, limit = portion.total, portion.offset, portion.limit
    if not total:
        return []
    found = [("first", 0)]
    if offset > 0:
        found.append(("prev", max(0, min(offset, total) - limit)))
    if offset + limit < total:
        found.append(("next", offset + limit))
    found.append(("last", (total - 1) // limit * limit))
    return [(name, replace(portion, offset=where)) for name, where in found]


def _keys(row: Any, fields: Sequence[str]) -> Iterator[str]:
    return (str(getattr(row, name)) for name in fields)


def _listed(tables: Mapping[str, SerializedTable]) -> Body:
    cards = [
        TableCard(
            name=name,
            title=one.table.title,
            by=one.table.envelope.by,
            rows=len(one.table.rows),
            left_out=one.table.envelope.left_out,
        )
        for name, one in tables.items()
    ]
    return body(_json({"tables": records(TableCard, cards)}))


def _terms(terms: Terms) -> dict[str, Any]:
    return {**_record(terms), "sources": dict(terms.sources)}


def _record(value: Any) -> dict[str, Any]:
    return records(type(value), [value])[0]


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
