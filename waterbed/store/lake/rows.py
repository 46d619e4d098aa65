"""Facts of a study as SQL tables.

Sealed days come from their files, others from the store.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from waterbed.model.codec import microseconds
from waterbed.model.errors import OwnFailure, StoreFailure
from waterbed.store.engine import MEMORY_MB, Duck, Part, at_hand, failures_told, opened
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import PRUNABLE, TIME, schema_of
from waterbed.store.lake.lake import Lake, lake_of
from waterbed.store.lake.manifest import Day, File, Manifest
from waterbed.store.lake.reading import days_in, tables_of
from waterbed.store.tables import table_name

Result = TypeVar("Result")
_TRIES: Final = 5
_DAY: Final = timedelta(days=1)
IN_STRETCH: Final = 500_000
"""Facts of a stretch of days, about."""


def table_of(cls: type, facts: Iterable[Any]) -> pa.Table:
    """Facts in memory as a table, with the lake's columns."""
    listed, schema = list(facts), schema_of(cls)
    arrays = []
    for field in schema:
        cells: list[Any] = list(map(attrgetter(field.name), listed))
        if field.type == TIME:
            cells = [None if cell is None else microseconds(cell) for cell in cells]
            arrays.append(pa.array(cells, pa.int64()).cast(TIME))
        else:
            arrays.append(pa.array(cells, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def with_rows(
    folder: Folder,
    kinds: Sequence[type],
    read: Callable[[Mapping[type, Part]], Result],
    since: date | None = None,
    until: datetime | None = None,
    counted: dict[type, dict[date, int]] | None = None,
) -> Result:
    """Call a function with the facts of some kinds.

    All, or those of days from `since` on and from before the time `until`. It is called again if the lake was changed
    meanwhile. Days of the store are `counted` once for all calls with one such memory: facts that come later to a
    sealed day, or to one that the store did not have, are told by none of them. StoreFailure if a file is damaged.
    """
    span = since or date.min, until
    known = {} if counted is None else counted
    lake = lake_of(folder)
    for _ in range(_TRIES):
        manifest = lake.manifest()
        try:
            known |= {cls: days_in(folder.store, cls) for cls in kinds if cls not in known}
            with folder.store.reading() as connection:
                found = read({cls: _part(lake, manifest, cls, connection, span, known[cls]) for cls in kinds})
        except FileNotFoundError:  # merged away meanwhile
            continue
        except OwnFailure:
            if lake.manifest().generation == manifest.generation:
                raise
            continue
        if lake.manifest().generation == manifest.generation:
            return found
    raise StoreFailure("the lake was changed whenever it was read; see waterbed lake verify (docs/lake.md)")


_Span = tuple[date, datetime | None]
"""The first day of which facts are read, and the time before which they are; None: all."""


def _part(lake: Lake, manifest: Manifest, cls: type, connection: Any, span: _Span, counted: Mapping[date, int]) -> Part:
    first, until = span
    last = until.astimezone(UTC).date() if until else date.max
    sealed = {day: its for day, its in manifest.days(table_name(cls)).items() if first <= day <= last}
    stored = {day: rows for day, rows in counted.items() if first <= day <= last}
    if cls not in PRUNABLE:
        sealed, stored = {}, {}
    whole = whole_days(sealed, stored)
    once = {day: its.files for day, its in sealed.items() if day in whole and len(its.files) == 1}
    again = {day: its.files for day, its in sealed.items() if day not in once}
    open_days = frozenset(stored) - whole
    rows = {day: its.rows for day, its in sealed.items()}
    rows |= {day: rows.get(day, 0) + stored[day] for day in open_days}
    local = lake.place.local
    return Part(
        once={day: _checked(lake, files) for day, files in once.items()} if local else {},
        again={day: _checked(lake, files) for day, files in again.items()} if local else {},
        stored=open_days if local else frozenset(rows),
        here=open_days,
        read=_Read(cls, lake, {} if local else {day: its.files for day, its in sealed.items()}, open_days, connection),
        rows=rows,
        until=microseconds(until) if until else None,
    )


def whole_days(sealed: Mapping[date, Day], stored: Mapping[date, int]) -> set[date]:
    """The sealed days of which the store has nothing else."""
    return {day for day, its in sealed.items() if stored.get(day, 0) == (0 if its.pruned else its.rows)}


class _Read:
    """Reads tables of some days from the store, and from a lake that is elsewhere.

    Another process reads sealed days alone.
    """

    def __init__(
        self, cls: type, lake: Lake, sealed: Mapping[date, Sequence[File]], stored: frozenset[date], connection: Any
    ) -> None:
        self._cls, self._lake, self._sealed, self._stored, self._connection = cls, lake, sealed, stored, connection

    def __reduce__(self) -> tuple[Any, ...]:
        return _Read, (self._cls, self._lake, self._sealed, frozenset(), None)

    def __call__(self, days: frozenset[date]) -> Iterator[pa.Table]:
        files = [file for day, its in self._sealed.items() if day in days for file in its]
        own = days & self._stored
        tables = tables_of(self._cls, own, self._connection) if own else ()
        return _distinct(self._cls, chain(tables, map(self._lake.table, files))) if files else iter(tables)


def _checked(lake: Lake, files: Sequence[File]) -> list[Path]:
    """The paths of files whose checksums are right."""
    for file in files:
        if file.sha256 and lake.place.checksum(file.path)[1] != file.sha256:
            raise StoreFailure(
                f"{file.path} of the lake is damaged; see waterbed lake verify, and mend it by waterbed lake rebuild "
                "or from a backup (docs/lake.md)"
            )
    return [Path(lake.place.root) / file.path for file in files]


def _distinct(cls: Any, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    (key,) = cls.KEY
    known: set[str] = set()
    for table in tables:
        ids = table.column(key).to_pylist()
        yield table.filter(pa.array([one not in known for one in ids], pa.bool_()))
        known.update(ids)


def stretches(parts: Mapping[type, Part], by: type) -> list[Mapping[type, Part]]:
    """The facts of each stretch of days.

    A stretch has about `IN_STRETCH` facts of the kind `by`, or one day; of all other kinds there are also those of at
    least the day before, and those of days without facts of that kind.
    """
    days = sorted(parts[by].rows)
    found: list[Mapping[type, Part]] = []
    before = date.min
    for end in _ends(parts[by].rows, days):
        last = date.max if end == days[-1] else end
        found.append({cls: part.between(before + _DAY if cls is by else before, last) for cls, part in parts.items()})
        before = end
    return found


def in_stretches(
    parts: Mapping[type, Part],
    columns: Mapping[type, Sequence[str]],
    by: type,
    *,
    folder: Path,
    beside: int = 0,
) -> Iterator[Duck]:
    """Open an engine for each stretch, one after the other."""
    for own in stretches(parts, by):
        with in_sql(own, columns, folder=folder, beside=beside) as sql:
            yield sql


def _ends(rows: Mapping[date, int], days: Sequence[date]) -> Iterator[date]:
    """The last day of each stretch."""
    held = 0
    for day in days:
        held += rows[day]
        if held >= IN_STRETCH or day == days[-1]:
            yield day
            held = 0


_IN_MB: Final = 5_000
"""Facts that a join holds in a megabyte; with more it may find no way to go on the disk."""
_IN_MB_ALONE: Final = 7_500
"""The same with one thread."""
_MOST_MB: Final = 4096
_FEW: Final = 20_000
"""Facts in the store with which no join needs the disk."""


@contextmanager
def in_sql(
    parts: Mapping[type, Part],
    columns: Mapping[type, Sequence[str]],
    *,
    folder: Path,
    threads: int = 2,
    beside: int = 0,
) -> Iterator[Duck]:
    """Open an engine with a view of each kind.

    It has the name of the kind's table, and each fact once.
    A view has the named columns alone. `beside` is the number of rows that are added later and joined. What does not
    fit into memory goes to a folder inside `folder`, removed at the end.
    """
    files = [path for part in parts.values() for paths in part.files() for path in paths]
    facts = sum(rows for part in parts.values() for rows in part.rows.values())
    memory_mb = min(max(MEMORY_MB, facts // (_IN_MB if threads > 1 else _IN_MB_ALONE)) + beside // _IN_MB, _MOST_MB)
    few = not files and facts + beside <= _FEW
    with at_hand() if few else opened(files, folder=folder, memory_mb=memory_mb, threads=threads) as connection:
        with failures_told():
            for cls, part in parts.items():
                _view(connection, cls, part, columns[cls])
        yield Duck(connection)


def _view(connection: duckdb.DuckDBPyConnection, cls: Any, part: Part, names: Sequence[str]) -> None:
    (key,) = cls.KEY
    kind, schema = table_name(cls), schema_of(cls)
    names = list(dict.fromkeys((key, *names, *([PRUNABLE[cls]] if part.until is not None else ()))))
    selected = ", ".join(names)
    tables = iter(part.tables())
    into = f"CREATE TEMP TABLE stored_{kind} AS"
    for table in chain([next(tables, schema.empty_table())], tables):
        connection.register("made", table.select(names))
        connection.execute(f"{into} SELECT {selected} FROM made")  # noqa: S608 (names of ours)
        connection.unregister("made")
        into = f"INSERT INTO stored_{kind}"
    pieces = [f"SELECT {selected} FROM stored_{kind}"]  # noqa: S608 (the same)
    once, again = part.files()
    if once:
        cells = _cells(connection, cls, names, once)
        pieces.append(f"SELECT {cells} FROM {_files(once)}")  # noqa: S608 (the same)
    if again:
        cells = _cells(connection, cls, names, again)
        pieces.append(
            f"SELECT {selected} FROM (SELECT {cells}, row_number() OVER (PARTITION BY {key}) AS nth FROM "  # noqa: S608
            f"{_files(again)} WHERE {key} NOT IN (SELECT {key} FROM stored_{kind})) WHERE nth = 1"
        )
    view = " UNION ALL ".join(pieces)
    if part.until is not None:
        view = f"SELECT * FROM ({view}) WHERE epoch_us({PRUNABLE[cls]}) < {part.until}"  # noqa: S608 (a number)
    connection.execute(f"CREATE TEMP VIEW {kind} AS {view}")


def _files(paths: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}], union_by_name = true, hive_partitioning = false)"


def _cells(connection: duckdb.DuckDBPyConnection, cls: Any, names: Sequence[str], paths: Sequence[Path]) -> str:
    """The columns of files; one that is younger than all of them has its default."""
    asked = f"DESCRIBE SELECT * FROM {_files(paths)}"  # noqa: S608 (paths of ours, quoted)
    there = {row[0] for row in connection.execute(asked).fetchall()}
    defaults = {field.name: field.default for field in fields(cls)}
    forms = {field.name: field.type for field in schema_of(cls)}
    cells = []
    for name in names:
        default = defaults[name]
        literal = "NULL" if default is None or default is MISSING else "''" if default == "" else "[]"
        if name not in there:
            if default is MISSING:
                raise KeyError(name)
            literal = literal if literal != "NULL" else "NULL"
            cells.append(f"{literal} AS {name}")
        elif pa.types.is_list(forms[name]) or default == "":
            cells.append(f"coalesce({name}, {literal}) AS {name}")
        else:
            cells.append(name)
    return ", ".join(cells)
