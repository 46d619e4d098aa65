"""A spool gives back the rows that it took, in memory or on the disk."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.store.spool import Spool, remove_remains

PIECES = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.text(max_size=3))))
)


@settings(max_examples=60, deadline=None)
@given(PIECES, st.sampled_from([0, 200, 1 << 20]))
def test_rows_come_back_in_their_order(pieces: list[tuple[int, list[tuple[int, bool, str]]]], most: int) -> None:
    """Whatever fits into memory."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), most)
        for number, rows in pieces:
            spool.add(
                number,
                {
                    "n": np.array([row[0] for row in rows], np.int32),
                    "b": np.array([row[1] for row in rows], bool),
                    "t": pa.array([row[2] for row in rows], pa.string()),
                },
            )
        assert spool.numbers() == sorted({number for number, rows in pieces if rows})
        for number in spool.numbers():
            wanted = [row for of, rows in pieces if of == number for row in rows]
            for found in (spool.get(number), spool.pop(number)):
                assert found["n"].dtype == np.int32
                rows = zip(found["n"].tolist(), found["b"].tolist(), found["t"].to_pylist(), strict=True)
                assert list(rows) == wanted
        assert spool.numbers() == []
        del spool
        assert not list(Path(folder).iterdir())


KILLED = """
import os, sys, numpy
from pathlib import Path
from waterbed.store.spool import Spool
spool = Spool(Path(sys.argv[1]), 0)
spool.add(1, {"n": numpy.arange(10)})
os._exit(9)
"""


def test_what_a_killed_command_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Files in use stay."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    spool = Spool(tmp_path, 0)
    spool.add(1, {"n": np.arange(3)})
    assert len(list(tmp_path.iterdir())) == 1
    assert remove_remains(tmp_path) == 0
    assert spool.get(1)["n"].tolist() == [0, 1, 2]


SPILLING = """
import os, sys
from pathlib import Path
from waterbed.store.engine import opened
with opened([], folder=Path(sys.argv[1]), memory_mb=64) as connection:
    connection.execute("CREATE TABLE t AS SELECT hash(i) AS h FROM range(20000000) AS r(i)")
    print(flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_conclusion_spilled_is_removed_by_the_next(tmp_path: Path) -> None:
    """The SQL engine's folder too, and not while it is in use."""
    spilling = subprocess.Popen(
        [sys.executable, "-c", SPILLING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert spilling.stdout is not None
    spilling.stdout.readline()
    (folder,) = tmp_path.iterdir()
    assert sum(file.stat().st_size for file in folder.iterdir()) > 1 << 20
    assert remove_remains(tmp_path) == 0
    spilling.kill()
    spilling.communicate()
    assert remove_remains(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_former_versions_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A folder of theirs goes once it is a day old; a lake of such a name stays, whatever its age."""
    for name, file in (
        ("sql-ab12_xyz", "duckdb_temp_block-1"),
        ("sql-lakeland", "manifest.json"),
        ("sql-new12345", ""),
    ):
        (tmp_path / name).mkdir()
        if file:
            (tmp_path / name / file).write_text("x")
            os.utime(tmp_path / name / file, (0, 0))
            os.utime(tmp_path / name, (0, 0))
    assert remove_remains(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sql-lakeland", "sql-new12345"]
