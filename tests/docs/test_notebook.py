"""The tour of notebooks, run block by block, and the tables that it lists."""

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import waterbed
from tests.docs.markdown import page, rows, section
from tests.publish.study import small_study
from waterbed.measures.keys import KINDS
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.conclusions import Hop
from waterbed.model.errors import InputError
from waterbed.publish.notebook import Notebook, described, heading
from waterbed.store.config import Config
from waterbed.study.formats import as_parquet
from waterbed.study.metadata import table_info
from waterbed.study.study import create_study

TABLES = sorted(
    name
    for name, made in getmembers(Notebook, isfunction)
    if not name.startswith("_") and made.__annotations__.get("return") is pa.Table
)
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `study` is the small study, open to its keys."""
    folder = tmp_path_factory.mktemp("notebook")
    with small_study(folder):
        yield folder


@pytest.fixture
def study(room: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """The small study, opened for tables."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(room / "config"))
    with waterbed.open(room / "study") as opened:
        yield opened


def test_every_block_prints_what_the_page_says(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of docs/notebook.md run one after the other, as in one notebook."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(room / "config"))
    monkeypatch.chdir(room)
    names: dict[str, Any] = {}
    found = _BLOCK.findall(page("notebook.md"))
    assert len(found) == page("notebook.md").count("```python")
    for code, expected in found:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, names)
        assert said.getvalue() == expected, code


def test_every_table_is_in_the_page(study: Notebook) -> None:
    """The page lists exactly the methods that give tables."""
    listed = [cells[0].strip("`").partition("(")[0] for cells in rows(section(page("notebook.md"), "Tables"))]
    assert sorted(listed) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_its_meaning(study: Notebook, name: str) -> None:
    """Tables have rows, columns say what they mean, times are UTC, and the envelope says what the table is."""
    table = getattr(study, name)()
    assert table.num_rows or name in ("quarantines", "testimonies", "told_episodes", "overdue")
    columns = described(table).to_pylist()
    assert [one["column"] for one in columns] == table.column_names
    assert all(one["meaning"] for one in columns)
    for field in table.schema:
        assert not pa.types.is_timestamp(field.type) or field.type == pa.timestamp("us", tz="UTC")
        assert field.nullable or table.column(field.name).null_count == 0
    assert heading(table)["version"]
    assert table.to_pandas().shape == table.shape


def test_windows_share_what_was_judged_and_keep_the_rest_apart(study: Notebook) -> None:
    """Weeks add up to the study; looks and verdicts are those of the whole; windows do not nest."""
    weeks = study.by_window("week")
    assert [one.window.name for one in weeks] == ["2026-W02", "2026-W03"]
    assert sum(one.targets().num_rows for one in weeks) == study.targets().num_rows
    assert sum(one.hops().num_rows for one in weeks) == study.hops().num_rows
    assert weeks[0].looks().equals(study.looks())
    assert weeks[0].verdicts().equals(study.verdicts())
    assert weeks[0].within().conclusions is study.conclusions
    day = date(2026, 1, 12)
    assert (
        study.within(until=day)
        .clocks(clock="reported")
        .equals(study.within(None, "2026-01-12").clocks(clock="reported"))
    )
    assert heading(weeks[1].flows())["reports"].startswith("URLs first reported from 2026-01-12")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_standings(study: Notebook, kind: str) -> None:
    """Rankings, volume, places and rankings by source are of every kind."""
    keys = study.rankings(kind).column("key").to_pylist()
    assert keys
    assert {*study.volume(kind).column("key").to_pylist(), "unknown"} == {*keys, "unknown"}
    assert set(study.places(kind).column("key").to_pylist()) <= {*keys}
    assert set(study.feed_rankings(kind).column("key").to_pylist()) == {*keys}


def test_parquet_is_written_from_the_same_table(study: Notebook) -> None:
    """A table of a notebook equals the Parquet export of the same rows, metadata too."""
    spelled = as_parquet(Hop, study.conclusions.hops, table_info(study.study, "hops"))
    table = pq.read_table(pa.BufferReader(spelled))
    assert table.equals(study.hops(), check_metadata=True)


def test_attributions_belong_to_their_looks(study: Notebook) -> None:
    """Each attribution has the id, the URL and the time of its own look."""
    looks = {one["observation_id"]: one for one in study.looks().to_pylist()}
    for row in study.attributions().to_pylist():
        look = looks[row["observation_id"]]
        assert (row["url_id"], row["observed_at"]) == (look["url_id"], look["observed_at"])
        assert look["address"] is None or look["address"] in row["addresses"]


def test_rankings_are_those_of_the_command(study: Notebook) -> None:
    """By hoster, AS and country the rows are those of `Conclusions.rank`; a side and a source narrow them."""
    for by in ("hoster", "asn", "country"):
        expected = [(row.key, row.hosts) for row in ranking_of(study.conclusions, by)]
        table = study.rankings(by)
        assert list(zip(*(table.column(name).to_pylist() for name in ("key", "hosts")), strict=True)) == expected
    assert study.rankings(side="home").column("key").to_pylist() == ["AS64500"]
    assert sum(study.rankings(source="second").column("urls").to_pylist()) == 14


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rankings", {"by": "planet"}),
        ("rankings", {"clock": "noon"}),
        ("rankings", {"side": "beside"}),
        ("rankings", {"source": "nobody"}),
        ("places", {"worst": 0}),
        ("volume", {"worst": -1}),
        ("compliance", {"by": "seat"}),
        ("clocks", {"clock": "noon"}),
        ("flow_shares", {"by": "seat"}),
        ("within", {"since": "noon"}),
        ("within", {"since": "2026-02-01", "until": "2026-01-01"}),
        ("within", {"until": "2026-01-05"}),
        ("within", {"follow": "7d", "since": "2026-01-05"}),
        ("by_window", {"every": "day"}),
    ],
)
def test_words_that_are_not_known_are_refused(study: Notebook, name: str, words: dict[str, Any]) -> None:
    """A wrong word is one sentence that names it and the page."""
    with pytest.raises(InputError, match=r"docs/(notebook|windows)\.md") as problem:
        getattr(study, name)(**words)
    assert str(next(iter(words.values()))) in str(problem.value)


def test_a_ranking_that_is_not_known_is_told_with_those_of_plug_ins(
    study: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever could be asked for is listed, what packages add, too."""
    monkeypatch.setattr("waterbed.publish.notebook.added", lambda *_: {"union": None})
    with pytest.raises(InputError, match=r"must be one of .*hoster.*, union \("):
        study.rankings("planet")


def test_no_table_has_a_url_or_host_name(tmp_path: Path) -> None:
    """What was imported under a host name is in no cell and no metadata of any table."""
    reports = tmp_path / "reports.csv"
    reports.write_text(
        "url,date\nhttp://planted-name.example/planted-path,2026-01-05\nhttp://other.example/,2026-01-05\n"
    )
    with create_study(tmp_path / "study", Config(study="e" * 32)) as made:
        assert not made.import_reports(reports, source="one").rejected
        made.import_reports(reports, source="two")
    with waterbed.open(tmp_path / "study") as study:
        assert study.targets().num_rows == 2
        for name in TABLES:
            text = f"{getattr(study, name)().to_pydict()} {getattr(study, name)().schema.to_string()}"
            assert not re.search("planted|example", text), name


def test_a_missing_study_is_one_sentence(tmp_path: Path) -> None:
    """Opening a folder without a study says how to make one."""
    with pytest.raises(InputError, match="waterbed init"):
        waterbed.open(tmp_path)


def test_importing_is_cheap() -> None:
    """`import waterbed` loads no library beside the standard one."""
    heavy = "{'numpy', 'pyarrow', 'scipy', 'sqlalchemy', 'scrapy', 'typer', 'msgspec'}"
    code = f"import sys, waterbed; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_notebook_has_the_graph_and_one_curve(study: Notebook) -> None:
    """The graph has a weight of one for each hop; a curve rises from 0; an unknown key is an InputError."""
    graph = study.graph()
    assert sum(weight for _, _, weight in graph.edges(data="weight")) == pytest.approx(study.hops().num_rows)
    shares = study.curves(key="AS64500").column("removed").to_pylist()
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    with pytest.raises(InputError, match="'AS1' has no reported URL"):
        study.curves(key="AS1")


def test_a_notebook_answers_an_event(study: Notebook, tmp_path: Path) -> None:
    """The answer is text, its numbers are a table; a window is refused, as an event has periods of its own."""
    event = tmp_path / "event.toml"
    event.write_text(
        'target = "AS64500"\ndate = 2026-01-12\nchosen_until = 2026-01-11\ncontrols = ["AS64501"]\nperiod_h = 12.0\n'
        "before = 8\nafter = 4\n"
    )
    assert "removed within 24 hours" in study.answer(event)
    assert "removal, change" in study.displacement(event).column("name").to_pylist()
    with pytest.raises(InputError, match="periods of its own"):
        study.within(until="2026-01-12").displacement(event)
