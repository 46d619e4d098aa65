"""Parquet files that others wrote: a few bytes that stand for gigabytes."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from waterbed.model.errors import InputError
from waterbed.store.bounded.limits import MOST_PARQUET_MEMORY
from waterbed.store.bounded.parquet import batches, check, columns_of


def bombs(folder: Path) -> list[Path]:
    """Dictionaries, runs, deltas, pages and nesting."""
    small = {"store_schema": False, "compression": "zstd"}
    long, many = pa.DictionaryArray.from_arrays([0] * 10_000, ["a" * 60_000]), ["a" * 1_500] * 150_000
    nested, value = pa.int64(), 1
    for _ in range(40):
        nested, value = pa.list_(nested), [value]
    made = {
        "dictionary": ({"x": long}, small),
        "runs": ({"x": pa.repeat(1, 5_000_000)}, small),
        "page": ({"x": pa.array(many, pa.string())}, {**small, "use_dictionary": False, "data_page_size": 1 << 30}),
        "delta": (
            {"x": [f"{'a' * 3_000}{n}" for n in range(10_000)]},
            {**small, "use_dictionary": False, "column_encoding": {"x": "DELTA_BYTE_ARRAY"}},
        ),
        "list": ({"x": pa.ListArray.from_arrays([0, 30_000_000], pa.repeat(1, 30_000_000))}, small),
        "nested": ({"x": pa.array([value], nested)}, {}),
        "columns": ({f"c{n}": [1] for n in range(300)}, {}),
        "kind": ({"x": pa.array([{"a": 1}])}, {}),
    }
    for name, (columns, how) in made.items():
        pq.write_table(pa.table(columns), folder / name, **how)
    (folder / "footer").write_bytes(b"PAR1" + bytes(100) + b"\xff\xff\xff\x7fPAR1")
    (folder / "empty").write_bytes(b"")
    return [folder / name for name in (*made, "footer", "empty")]


_CHECK = (
    "import json, pathlib, resource, sys; from waterbed.store.bounded.parquet import faults;"
    "told = faults([pathlib.Path(name) for name in sys.argv[1:]], 2048);"
    "print(json.dumps([list(told.values()), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10]))"
)


@pytest.mark.long
def test_a_bomb_is_refused_in_a_process_that_is_bounded(tmp_path: Path) -> None:
    """Each is refused; the process that reads them takes no more than the bound above its start."""
    paths = bombs(tmp_path)
    done = subprocess.run([sys.executable, "-c", _CHECK, *map(str, paths)], capture_output=True, check=True)
    told, peak = json.loads(done.stdout)
    assert all(told), dict(zip([path.name for path in paths], told, strict=True))
    assert peak < MOST_PARQUET_MEMORY + (150 << 20)
    with pytest.raises(InputError, match=r"runs is not an export: it unpacks to more than 50 .* \(docs/lake\.md\)"):
        check([tmp_path / "runs"], 2_048, "an export", "docs/lake.md")


def test_what_passes_is_read_as_it_is(tmp_path: Path) -> None:
    """All rows of all columns, in order, with what the file says of itself."""
    table = pa.table({"a": [f"{n:08}" for n in range(1_000)], "b": [[n] for n in range(1_000)], "c": [None, 0.5] * 500})
    table = table.replace_schema_metadata({"what": "a test"})
    pq.write_table(table, tmp_path / "t.parquet")
    check([tmp_path / "t.parquet"], 8, "a table", "docs/lake.md")
    again = pa.Table.from_batches(batches(tmp_path / "t.parquet"), columns_of(tmp_path / "t.parquet"))
    assert again.equals(pq.read_table(tmp_path / "t.parquet"), check_metadata=True)
    assert next(batches(tmp_path / "t.parquet", ["c"])).column_names == ["c"]
    with pytest.raises(InputError, match="a text of more than 7 bytes"):
        check([tmp_path / "t.parquet"], 7, "a table", "docs/lake.md")
