"""Judged looks as Arrow tables, one row a look.

In the order of URL, time and id, some at a time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.judging.columns import NOTHING, Array
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.model.facts import Observation
from waterbed.store.engine import Part
from waterbed.store.lake.kinds import TIME, schema_of
from waterbed.store.lake.rows import in_stretches
from waterbed.store.spool import Spool
from waterbed.study.facts import Facts
from waterbed.study.formats import arrow_schema, as_arrow
from waterbed.study.judged import Judged
from waterbed.study.looks import Block, Looks

_AT_ONCE = 100_000
"""Looks in one table, at most."""
LOOK = ("observation_id", "url_id", "observed_at")
"""The columns that say which look it is."""


def verdict_tables(judged: Judged) -> Iterator[pa.Table]:
    """The verdict of each look, with the columns of `Verdict`."""
    looks, changed = judged.looks, judged.changed
    told = as_arrow(Verdict, looks.walk.verdicts)
    urls = pa.array(looks.urls, pa.string())
    for block in looks.blocks():
        numbers = changed.verdicts(block)
        for rows in _slices(block):
            table = told.take(pa.array(numbers[rows]))
            yield _with(table, _look(block, rows, urls))


def attribution_tables(judged: Judged) -> Iterator[pa.Table]:
    """The attribution of each look that has one.

    The columns of `Attribution` after those that say which look it is; its day is the look's time.
    """
    made = as_arrow(Attribution, judged.made)
    urls = pa.array(judged.looks.urls, pa.string())
    schema = pa.schema([*(arrow_schema(Observation).field(name) for name in LOOK), *made.schema])
    for its in judged.blocks():
        for rows in _slices(its.block):
            some = np.flatnonzero(its.attributed[rows] != NOTHING) + rows.start
            look = _look(its.block, some, urls)
            table = _with(made.take(pa.array(its.attributed[some])), {"day": look["observed_at"]})
            yield pa.Table.from_arrays([*look.values(), *table.columns], schema=schema)


def observation_tables(facts: Facts, looks: Looks, names: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of each look's observation, as they are stored.

    One table for each block.
    """
    forms = schema_of(Observation)
    schema = pa.schema([forms.field(name) for name in dict.fromkeys(("observation_id", *names))])
    asked = pa.schema([forms.field(name) for name in names])
    urls = pa.table({"url_id": pa.array(looks.urls, pa.string()), "block": looks.blocks_of(np.arange(len(looks.urls)))})
    text = f"SELECT {', '.join(schema.names)}, block FROM observation JOIN url USING (url_id)"  # noqa: S608 (ours)

    def read(parts: Mapping[type, Part]) -> Spool:
        found = Spool(facts.place)
        columns: Mapping[type, Sequence[str]] = {Observation: ("url_id", *schema.names)}
        for sql in in_stretches(parts, columns, Observation, folder=facts.place):
            sql.add("url", urls)
            for table in sql.batches(text, _AT_ONCE):
                numbers = np.asarray(table.column("block").combine_chunks())
                cells = table.select(schema.names).cast(schema).combine_chunks()
                for number in np.unique(numbers).tolist():
                    own = cells.filter(pa.array(numbers == number)).combine_chunks()
                    found.add(number, {name: own.column(name).chunk(0) for name in schema.names})
        return found

    spool = facts.rows([Observation], read)
    for block in looks.blocks():
        table = spool.table(block.number)
        order = pc.index_in(block.id, table.column("observation_id").combine_chunks())
        yield pa.Table.from_arrays(table.select(asked.names).take(order).columns, schema=asked)


def flat_lists(table: pa.Table) -> pa.Table:
    """The table with lists as JSON text, as in `as_arrow`."""
    fields = [field.with_type(pa.string()) if pa.types.is_list(field.type) else field for field in table.schema]
    cells = [_flat(column.combine_chunks()) if pa.types.is_list(column.type) else column for column in table.columns]
    return pa.Table.from_arrays(cells, schema=pa.schema(fields))


def _flat(lists: pa.ListArray) -> pa.Array:
    cells = lists.flatten().dictionary_encode()
    spelled = pa.array([json.dumps(cell, ensure_ascii=False) for cell in cells.dictionary.to_pylist()], pa.string())
    lengths = np.asarray(pc.list_value_length(lists))
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, spelled.take(cells.indices)), ", ")
    return pc.binary_join_element_wise("[", joined, "]", "")


def _slices(block: Block) -> Iterator[slice]:
    for start in range(0, len(block), _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, len(block)))


def _look(block: Block, rows: slice | Array, urls: pa.Array) -> dict[str, pa.Array]:
    places = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    return {
        "observation_id": block.id.take(pa.array(places)),
        "url_id": urls.take(pa.array(block.url[rows])),
        "observed_at": pa.array(block.at[rows]).cast(TIME),
    }


def _with(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    """The table with other values in some columns."""
    cells = [columns.get(name, table.column(name)) for name in table.schema.names]
    return pa.Table.from_arrays(cells, schema=table.schema)
