"""Reads sealed days from the lake, others from the store."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa
from sqlalchemy import BigInteger, ColumnElement, Connection, Text, func, select, type_coerce

from waterbed.model.bookkeeping import RunEnd
from waterbed.model.codec import moment
from waterbed.model.errors import StoreFailure
from waterbed.model.facts import Observation, Report, Resolution
from waterbed.model.registrations import Registration
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import DAY_US, PRUNABLE, SEALED, TIME, day_of, facts_in, number_of, schema_of
from waterbed.store.lake.lake import Lake, lake_of
from waterbed.store.lake.manifest import File, Manifest
from waterbed.store.store import Store
from waterbed.store.tables import TABLES, TupleText, UtcTime, table_name

Fact = TypeVar("Fact")
_TRIES: Final = 5


def facts_of(folder: Folder, cls: type[Fact], *, order: Sequence[str] = ()) -> list[Fact]:
    """Return all facts of a kind, each once, sorted.

    They are sorted by `order`, then by key.

    A day of which the lake has as many facts as the store, or which was pruned, is read from the lake.
    """
    by = attrgetter(*dict.fromkeys((*order, *cls.KEY)))  # type: ignore[attr-defined]
    lake = lake_of(folder)
    for _ in range(_TRIES):
        manifest = lake.manifest()
        if cls not in PRUNABLE or not manifest.days(table_name(cls)):
            return sorted(folder.store.all(cls), key=by)
        try:
            found = _both(folder, lake, manifest, cls)
        except FileNotFoundError:  # merged away meanwhile
            continue
        if lake.manifest().generation == manifest.generation:  # else a day may have left the store meanwhile
            return sorted(found, key=by)
    raise StoreFailure("the lake was changed whenever it was read; see waterbed lake verify (docs/lake.md)")


def _both(folder: Folder, lake: Lake, manifest: Manifest, cls: type[Fact]) -> list[Fact]:
    sealed, stored = manifest.days(table_name(cls)), days_in(folder.store, cls)
    whole = {day for day, its in sealed.items() if stored.get(day, 0) == (0 if its.pruned else its.rows)}
    from_store = folder.store.all(cls, in_days(cls, set(stored) - whole)) if set(stored) - whole else []
    (key,) = cls.KEY  # type: ignore[attr-defined]
    known = {getattr(fact, key) for fact in from_store}
    found = list(from_store)
    for day, its in sealed.items():
        for file in its.files:
            facts = facts_in(cls, lake.table(file))
            if day not in whole or len(its.files) > 1:
                facts = [fact for fact in facts if getattr(fact, key) not in known]
                known.update(getattr(fact, key) for fact in facts)
            found += facts
    return found


def observed_span(folder: Folder) -> tuple[datetime | None, datetime | None]:
    """Return the times of the first and the last look.

    Sealed looks count too.
    """
    ends = [when for when in folder.store.observed_span() if when is not None]
    for file in _files(lake_of(folder).manifest(), Observation):
        ends += [moment(file.first), moment(file.last)]
    return min(ends, default=None), max(ends, default=None)


def count_of(folder: Folder, cls: type) -> int:
    """Count the facts of a kind, pruned ones included."""
    lake = lake_of(folder)
    pruned = {day: its for day, its in lake.manifest().days(table_name(cls)).items() if its.pruned}
    count, stored = folder.store.count(cls), days_in(folder.store, cls) if pruned else {}
    for day, its in pruned.items():
        count += its.rows
        if day in stored:  # late facts, of which the lake may have some by now
            (key,) = cls.KEY  # type: ignore[attr-defined]
            late: list[Any] = folder.store.all(cls, in_days(cls, [day]))
            there = {getattr(fact, key) for fact in late}
            count -= len(there & lake.keys(cls, its.files))
    return count


def known_resolved(folder: Folder) -> set[str]:
    """Return every address that a host was ever resolved to.

    From the lake and the store.
    """
    lake = lake_of(folder)
    column = TABLES[Resolution].c.addresses
    with folder.store.reading() as connection:
        found = {address for addresses in connection.scalars(select(column).distinct()) for address in addresses}
    for file in _files(lake.manifest(), Resolution, pruned=True):
        found.update(lake.table(file, ["addresses"]).column("addresses").combine_chunks().flatten().to_pylist())
    return found


def _files(manifest: Manifest, cls: type, *, pruned: bool = False) -> Iterable[File]:
    for its in manifest.days(table_name(cls)).values():
        if its.pruned or not pruned:
            yield from its.files


_AT_ONCE: Final = 50_000
"""Rows fetched at once."""


def day_number(cls: type) -> ColumnElement[int]:
    """SQL expression of a fact's day, in days since 1970."""
    when = type_coerce(TABLES[cls].c[SEALED[cls]], BigInteger)
    return when.op("/")(DAY_US)  # of whole numbers: both databases leave the rest


def in_days(cls: type, days: Collection[date]) -> ColumnElement[bool]:
    """Condition that a fact belongs to one of the days."""
    return day_number(cls).in_([number_of(day) for day in days])


def days_in(store: Store, cls: type) -> dict[date, int]:
    """Count the store's facts of a kind by day."""
    number = day_number(cls).label("number")
    query = select(number, func.count()).select_from(TABLES[cls]).group_by(number)
    with store.reading() as connection:
        return {day_of(int(day)): count for day, count in connection.execute(query)}


def tables_of(cls: type, days: Collection[date], connection: Connection) -> Iterator[pa.Table]:
    """Yield all facts of some days as tables.

    They come in the order of their recording.
    """
    schema, table = schema_of(cls), TABLES[cls]
    plain = [_plain(column) for column in table.c]
    query = select(*plain).where(in_days(cls, days))
    streamed = connection.execution_options(stream_results=True, max_row_buffer=_AT_ONCE).execute(query)
    for rows in streamed.partitions(_AT_ONCE):
        cells = zip(*rows, strict=True)
        yield pa.Table.from_arrays(
            [_array(values, field.type) for values, field in zip(cells, schema, strict=True)], schema=schema
        )


def _plain(column: Any) -> Any:
    """Return a column in its stored form: integers and text.

    Times are integers, lists are text.
    """
    if isinstance(column.type, UtcTime):
        return type_coerce(column, BigInteger)
    return type_coerce(column, Text) if isinstance(column.type, TupleText) else column


def _array(values: Any, form: pa.DataType) -> pa.Array:
    if form == TIME:
        return pa.array(values, pa.int64()).cast(TIME)
    if pa.types.is_list(form):
        return pa.array([_listed(text) for text in values], form)
    return pa.array(values, form)


@lru_cache(maxsize=10_000)
def _listed(text: str) -> list[Any]:
    return msgspec.json.decode(text, type=list)


def known_addresses(folder: Folder) -> set[str]:
    """Return all resolved addresses and reported origin addresses."""
    found, reported = known_resolved(folder), TABLES[Report].c.origin_address
    with folder.store.reading() as connection:
        found.update(connection.scalars(select(reported).where(reported.is_not(None)).distinct()))
    return found


def registrations(store: Store) -> Iterator[Registration]:
    """All registrations, in the order in which they were fetched."""
    yield from store.all(Registration, order=("fetched_at", "registration_id"))


def last_asked(store: Store, kind: str) -> datetime | None:
    """Return when registries were last asked.

    It is the end of the last crawl, or the time of its last answer.
    """
    runs = store.newest_runs(kind, 5)
    ends = [end.finished_at for end in store.by_ids(RunEnd, "run_id", [run.run_id for run in runs])]
    return max([*ends, *(run.started_at for run in runs)], default=None)
