"""The SQL engine: tables in, a table out, nothing else within reach."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.engine import at_hand, run
from waterbed.store.forked import in_own_process

NUMBERS = pa.table({"n": list(range(1000))})


def test_tables_and_files_answer_alike(tmp_path: Path) -> None:
    """A table in memory and its Parquet files, one or several, give the same result; a name with a quote is a name."""
    first, second = tmp_path / "it's.parquet", tmp_path / "b.parquet"
    pq.write_table(NUMBERS.slice(0, 600), first)
    pq.write_table(NUMBERS.slice(600), second)
    sql = "SELECT sum(n) AS s FROM numbers WHERE n >= $least"
    for source in (NUMBERS, [first, second]):
        assert run(sql, {"numbers": source}, {"least": 10}, folder=tmp_path).to_pylist() == [{"s": 499_455}]
    assert run(sql, {"numbers": second}, {"least": 999}, folder=tmp_path).to_pylist() == [{"s": 999}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.parquet", "it's.parquet"]


def test_what_does_not_fit_is_spilled_and_removed(tmp_path: Path) -> None:
    """A sort far larger than its memory ends well, and leaves nothing behind."""
    sql = "SELECT hash(n * 7919 + i) AS h FROM numbers, range(3000) AS r(i) ORDER BY h LIMIT 1500000"
    assert run(sql, {"numbers": NUMBERS}, folder=tmp_path, memory_mb=64).num_rows == 1_500_000
    assert list(tmp_path.iterdir()) == []


def test_uses_of_the_one_engine_see_nothing_of_each_other(tmp_path: Path) -> None:
    """Not its tables, views and registered tables, at the same time or later; no file is within reach."""
    (tmp_path / "a.csv").write_text("n\n1\n")
    with at_hand() as one, at_hand() as other:
        one.register("given", NUMBERS)
        one.execute("CREATE TEMP TABLE kept AS SELECT * FROM given")
        one.execute("CREATE TEMP VIEW shown AS SELECT * FROM kept")
        assert one.execute("SELECT count(*) FROM shown").fetchall() == [(1000,)]
        for name in ("given", "kept", "shown"):
            with pytest.raises(duckdb.CatalogException):
                other.execute(f"SELECT * FROM {name}")
        for sql in (f"SELECT * FROM '{tmp_path / 'a.csv'}'", f"COPY (SELECT 1) TO '{tmp_path / 'b.csv'}'"):
            with pytest.raises(duckdb.Error):
                other.execute(sql)
    with at_hand() as later, pytest.raises(duckdb.CatalogException):
        later.execute("SELECT * FROM kept")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_forked_process_has_an_engine_of_its_own() -> None:
    """A copy of the parent's would wait for threads that it does not have."""
    with at_hand() as connection:
        connection.execute("SELECT 1")

    def work() -> list[tuple[int]]:
        with at_hand() as connection:
            return list(connection.execute("SELECT sum(n) FROM range(100000) AS r(n)").fetchall())

    assert in_own_process(work) == [(4_999_950_000,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "COPY (SELECT 1) TO '{secret}.copy'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT broken",
    ],
)
def test_nothing_else_is_within_reach(sql: str, tmp_path: Path) -> None:
    """Other files, extensions and settings are refused, and the message repeats nothing of the text."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(OwnFailure) as refused:
        run(sql.format(secret=secret), {"numbers": NUMBERS}, folder=inside)
    assert "secret" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir() if path != inside] == ["secret.csv"]


def test_a_file_that_is_no_parquet_is_the_users_mistake(tmp_path: Path) -> None:
    """It is refused in one sentence that names the table."""
    path = tmp_path / "looks.parquet"
    path.write_text("no")
    with pytest.raises(InputError, match="table looks: its files are not readable Parquet files"):
        run("SELECT 1", {"looks": path}, folder=tmp_path)
