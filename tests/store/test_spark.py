"""The same SQL texts on Spark: equal results, and one sentence where something is missing."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from graphs.episodes_sql import set_episodes
from graphs.hops import find_hops
from graphs.hops_sql import set_hops
from waterbed.lab.simulate.draw import draw_hop_world
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError, OwnFailure
from waterbed.store import spark
from waterbed.store.engine import run


def test_spark_finds_what_duckdb_and_the_pure_definition_find(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a lab study of a drawn world, Spark's episodes and hops equal the others in every field; it logs nothing."""
    chance = random.Random("one text, two engines")
    drawn_world = draw_hop_world(read_world(scenario_path("waterbed")), chance, sites=16)
    made = virtual_study(simulate(drawn_world.world), drawn_world.plan, chance).conclusions
    assert made.episode_rules is not None
    with spark.session(tmp_path, threads=1):
        theirs = set_episodes(made.known, made.sightings, made.episode_rules, folder=tmp_path, engine="spark")
        hops = set_hops(made.episodes, made.hop_context, folder=tmp_path, engine="spark")
    assert theirs == set_episodes(made.known, made.sightings, made.episode_rules, folder=tmp_path)
    assert sorted(map(repr, theirs)) == sorted(map(repr, made.episodes))
    assert hops
    assert hops == set_hops(made.episodes, made.hop_context, folder=tmp_path)
    assert sorted(map(repr, hops)) == sorted(map(repr, find_hops(made.episodes, made.hop_context)))
    assert list(tmp_path.iterdir()) == []
    heard = capfd.readouterr()
    assert heard.out == ""
    greetings = ("WARNING: Using incubator modules", "Setting ", "To adjust logging level")
    assert [line for line in heard.err.splitlines() if not line.startswith(greetings)] == []


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
