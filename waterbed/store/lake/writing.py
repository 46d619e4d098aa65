"""Writes files of many days at once, each whole."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from waterbed.store.lake.kinds import DAY_US, SEALED, day_of, schema_of
from waterbed.store.lake.lake import Lake, sorted_table
from waterbed.store.lake.manifest import File

_GROUP: Final = 100_000
"""Rows of a row group, sorted among themselves."""
_MOST: Final = 1_000_000
"""Rows kept in memory, of all days together."""


class DayFiles:
    """One file per day, for one kind of fact."""

    def __init__(self, lake: Lake, cls: type, scratch: Path) -> None:
        """Write in a scratch folder first."""
        self._lake, self._cls, self._scratch = lake, cls, scratch
        self._waiting: dict[date, list[pa.Table]] = defaultdict(list)
        self._rows: dict[date, int] = defaultdict(int)
        self._writers: dict[date, pq.ParquetWriter] = {}
        self._spans: dict[date, tuple[int, int]] = {}

    def add(self, table: pa.Table) -> None:
        """Add rows, each to its day."""
        times = table.column(SEALED[self._cls]).cast(pa.int64()).to_numpy()
        numbers = times // DAY_US
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            day, its = day_of(number), table.filter(pa.array(mine))
            first, last = int(times[mine].min()), int(times[mine].max())
            before = self._spans.get(day, (first, last))
            self._spans[day] = min(first, before[0]), max(last, before[1])
            self._waiting[day].append(its)
            self._rows[day] += its.num_rows
            if self._rows[day] >= _GROUP:
                self._flush(day)
        if sum(self._rows.values()) >= _MOST:
            for day in list(self._waiting):
                self._flush(day)

    def close(self) -> dict[date, File]:
        """Finish all files and put them into the lake.

        The manifest does not name them yet.
        """
        made = {}
        for day in sorted(self._spans):
            self._flush(day)
            self._writers.pop(day).close()
            path = self._path(day)
            made[day] = self._lake.put(self._cls, day, path, self._spans[day])
            path.unlink()
        return made

    def _flush(self, day: date) -> None:
        waiting = self._waiting.pop(day, [])
        self._rows.pop(day, None)
        if not waiting:
            return
        if day not in self._writers:
            self._writers[day] = pq.ParquetWriter(
                self._path(day),
                schema_of(self._cls),
                compression="zstd",
                write_page_checksum=True,
                store_schema=True,
            )
        self._writers[day].write_table(sorted_table(self._cls, pa.concat_tables(waiting)), row_group_size=_GROUP)

    def _path(self, day: date) -> Path:
        return self._scratch / f"{day.isoformat()}.parquet"


def days_of(cls: type, table: pa.Table) -> set[date]:
    """The days to which rows belong."""
    numbers = table.column(SEALED[cls]).cast(pa.int64()).to_numpy() // DAY_US
    return {day_of(number) for number in np.unique(numbers).tolist()}


def without(cls: type, table: pa.Table, known: set[str]) -> pa.Table:
    """Return the rows with new keys, each key once."""
    (key,) = cls.KEY  # type: ignore[attr-defined]
    keys = table.column(key).to_pylist()
    fresh = []
    for one in keys:
        fresh.append(one not in known)
        known.add(one)
    return table if all(fresh) else table.filter(pa.array(fresh))


def as_now(cls: type, tables: Iterable[pa.Table]) -> pa.Table:
    """Convert rows of older files to today's columns.

    A younger column is filled with its default.
    """
    schema = schema_of(cls)
    defaults = {name: field.default for name, field in cls.__dataclass_fields__.items()}  # type: ignore[attr-defined]
    fitted = []
    for table in tables:
        arrays = []
        for field in schema:
            if field.name in table.column_names:
                arrays.append(table.column(field.name).cast(field.type))
            else:
                value = defaults[field.name]
                filled = pa.array([list(value) if isinstance(value, tuple) else value], field.type)
                arrays.append(pc.take(filled, pa.array(np.zeros(table.num_rows, np.int64))))
        fitted.append(pa.Table.from_arrays(arrays, schema=schema))
    return pa.concat_tables(fitted) if fitted else schema.empty_table()
