"""The same SQL texts on Spark: equal results, and one sentence where something is missing."""

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from tests.store.lake.rig import concluded, days_of, in_store, prune, shifted, virtual
from tests.study.random_studies import Drawn
from waterbed.model.errors import InputError, OwnFailure
from waterbed.store import spark
from waterbed.store.engine import run
from waterbed.store.lake.sealing import seal


def test_spark_concludes_what_duckdb_does(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of looks in files of the lake and in the store, Spark reads the same; it logs nothing."""
    like = virtual(4)
    folder = in_store(tmp_path / "study", like.conclusions.facts)
    seal(folder)
    days = days_of(like.conclusions.facts)
    prune(folder, days[:2])
    folder.store.add([shifted(like.conclusions.facts.looks[0], 1)])
    ours = concluded(folder, like)
    with spark.session(tmp_path, threads=1):
        theirs = ours.with_(config=msgspec.structs.replace(ours.config, engine="spark"))
        theirs.shared = frozenset()
        assert theirs.verdicts == ours.verdicts
        assert theirs.attributions == ours.attributions
        assert theirs.episodes == ours.episodes
        assert theirs.hops == ours.hops
    assert ours.episodes
    heard = capfd.readouterr()
    assert heard.out == ""
    greetings = ("WARNING: Using incubator modules", "Setting ", "To adjust logging level")
    assert [line for line in heard.err.splitlines() if not line.startswith(greetings)] == []


def test_spark_sees_all_that_rules_can_see(tmp_path: Path) -> None:
    """Of a drawn study, every verdict and link is that of DuckDB."""
    ours = Drawn(7).conclusions()
    with spark.session(tmp_path, threads=1):
        theirs = ours.with_(config=msgspec.structs.replace(ours.config, engine="spark"))
        theirs.shared = frozenset()
        assert theirs.verdicts == ours.verdicts
        assert theirs.episodes == ours.episodes


def test_a_text_that_fails_says_nothing_of_its_values(tmp_path: Path) -> None:
    """An engine's own message could repeat a value, so only its kind is told."""
    with pytest.raises(OwnFailure, match=r"^the SQL engine Spark failed \(\w+\)$"):
        run("SELECT no FROM t WHERE a = $x", {"t": pa.table({"a": [1]})}, {"x": 7}, folder=tmp_path, engine="spark")


def test_without_java_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Java is no reason to skip: the sentence says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(InputError, match="openjdk-17-jre-headless"):
        run("SELECT 1 AS a", {}, folder=tmp_path, engine="spark")


def test_places_in_lists_and_nulls_last_are_kept() -> None:
    """Where the dialects differ it is spelled out: places in lists, places of nulls, division of whole numbers."""
    steps, asked = spark.translated(
        "WITH a AS MATERIALIZED (SELECT l[n] AS x, l[1] AS y, 7 // 2 AS z FROM t), b AS (SELECT * FROM a) "
        "SELECT row_number() OVER (ORDER BY x) AS r, list_has_any(y, y) AS o FROM b WHERE z = $z"
    )
    assert [(step.name, step.once) for step in steps] == [("a", True), ("b", False)]
    assert steps[0].sql == "SELECT TRY_ELEMENT_AT(l, n) AS x, l[0] AS y, 7 DIV 2 AS z FROM t"
    assert asked == (
        "SELECT ROW_NUMBER() OVER (ORDER BY x NULLS LAST) AS r, ARRAYS_OVERLAP(y, y) AS o FROM b WHERE z = :z"
    )
