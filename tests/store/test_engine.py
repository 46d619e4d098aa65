"""The SQL engine: tables in, a table out, nothing else within reach."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.engine import run

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
