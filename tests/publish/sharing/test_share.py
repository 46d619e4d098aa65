"""What partners may have, and exports of several studies laid together."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.publish.study import small_study
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation, Target
from waterbed.publish.sharing.pool import pool
from waterbed.publish.sharing.share import export
from waterbed.store.audit import audits
from waterbed.study.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with small_study(tmp_path / "one") as made:
        yield made


def test_an_export_holds_no_id_address_or_time_of_ours(study: Study, tmp_path: Path) -> None:
    """Neither a keyed id nor an address nor a time of day of the study's own facts is in any value of any column."""
    export(study, tmp_path / "out", "pool-2026")
    text = values(tmp_path / "out")
    facts = [*study.folder.store.all(Observation), *study.folder.store.all(Target)]
    ours = {str(getattr(fact, name)) for fact in facts for name in fact.__slots__ if name.endswith("_id")} - {"None"}
    ours |= {look.address for look in study.folder.store.all(Observation) if look.address}
    ours.add(study.folder.config.study)
    assert len(ours) > 50
    assert not ours & set(re.split(r"[^\w.:/-]+", text))
    assert not re.search(r"\d\d:\d\d", text)
    assert re.search(r"28\.0\.\d+\.0/24", text) is None, "a /24 of one site is hidden"


def values(folder: Path) -> str:
    """All that stands in an export, as one text."""
    tables = [pq.read_table(path) for path in sorted(folder.rglob("*.parquet"))]
    texts = [str(cell) for table in tables for column in table.columns for cell in column.to_pylist()]
    heads = [str(table.schema.metadata) for table in tables]
    return "\n".join([*texts, *heads, *(path.read_text() for path in folder.glob("*.json"))])


def test_small_cells_are_left_out_and_counted(study: Study, tmp_path: Path) -> None:
    """The hoster with two sites is in no row; how many rows that cost is said."""
    made = export(study, tmp_path / "out", "pool-2026")
    episodes = pq.read_table(tmp_path / "out" / "episodes.parquet")
    assert set(episodes["hoster"].to_pylist()) == {"AS64500", "AS64501"}
    looks = pq.read_table(tmp_path / "out" / "looks.parquet")
    assert "AS64502" not in str(looks["hosters"].to_pylist())
    assert made.left_out > 2
    assert made.hidden > 0
    assert sum(looks["looks"].to_pylist()) + made.left_out >= study.folder.store.count(Observation)


def test_ids_are_equal_for_one_partner_and_differ_for_another(study: Study, tmp_path: Path) -> None:
    """Two exports for one partner can be joined; ids made for another have nothing in common with them."""
    for name, partner in (("a", "first"), ("b", "first"), ("c", "second")):
        export(study, tmp_path / name, partner)
    ids = {name: set(pq.read_table(tmp_path / name / "looks.parquet")["url_id"].to_pylist()) for name in "abc"}
    assert ids["a"] == ids["b"]
    assert ids["a"].isdisjoint(ids["c"])


def test_who_exported_for_whom_is_on_record(study: Study, tmp_path: Path) -> None:
    """The audit log has the export's id and the partner."""
    made = export(study, tmp_path / "out", "pool-2026")
    last = audits(study.folder)[-1]
    assert (last.action, last.subject_id, last.reason) == ("export", made.export_id, "for pool-2026")


def test_what_may_not_leave_is_refused(tmp_path: Path, study: Study) -> None:
    """TLP:RED, a partner that is no word and a folder that exists: one sentence each, and nothing is written."""
    with small_study(tmp_path / "red", tlp="red") as red, pytest.raises(InputError, match=r"publish\.tlp is red"):
        export(red, tmp_path / "out", "pool")
    with pytest.raises(InputError, match="not a plain name"):
        export(study, tmp_path / "out", "a b")
    with pytest.raises(InputError, match=r"\[not shown\] is not a plain name"):
        export(study, tmp_path / "out", "cdn.example.net")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export(study, tmp_path / "out", "pool")


def test_pooled_rows_say_where_they_come_from(study: Study, tmp_path: Path) -> None:
    """Each row has its study, publisher and export; hosters count the sites of each study apart."""
    export(study, tmp_path / "a", "pool")
    with small_study(tmp_path / "two", title="another", publisher="B hotline") as other:
        export(other, tmp_path / "b", "pool")
    made = pool(tmp_path / "pooled", [tmp_path / "a", tmp_path / "b"])
    assert [its.publisher for its in made.exports] == ["B hotline", "a hotline"]
    looks = pa.concat_tables(pq.read_table(tmp_path / name / "looks.parquet") for name in "ab")
    together = pq.read_table(tmp_path / "pooled" / "looks")
    assert together.num_rows == looks.num_rows
    assert set(together["publisher"].to_pylist()) == {"a hotline", "B hotline"}
    assert set(together["export_id"].to_pylist()) == {its.export_id for its in made.exports}
    first = made.hosters[0]
    assert (first.hoster, first.studies, first.sites) == ("AS64500", 2, 24)
    written = json.loads((tmp_path / "pooled" / "provenance.json").read_text())
    assert [its["export_id"] for its in written] == [its.export_id for its in made.exports]


def test_of_one_study_the_newest_export_counts(study: Study, tmp_path: Path) -> None:
    """An older export of the same study is named and left out, so that nothing counts twice."""
    export(study, tmp_path / "old", "pool")
    now = study.folder.clock()
    study.folder.clock = lambda: now.replace(year=now.year + 1)
    newest = export(study, tmp_path / "new", "pool")
    made = pool(tmp_path / "pooled", [tmp_path / "new", tmp_path / "old"])
    assert [its.made_on for its in made.exports] == [newest.made_on]
    assert all(row.studies == 1 for row in made.hosters)


def test_a_damaged_or_foreign_export_is_refused(study: Study, tmp_path: Path) -> None:
    """One flipped byte, no manifest, another partner: named in one sentence, and no pool is written."""
    for name, partner in (("a", "pool"), ("c", "another")):
        export(study, tmp_path / name, partner)
    with pytest.raises(InputError, match="another and pool"):
        pool(tmp_path / "pooled", [tmp_path / "a", tmp_path / "c"])
    with pytest.raises(InputError, match=r"export\.json cannot be read"):
        pool(tmp_path / "pooled", [tmp_path])
    with pytest.raises(InputError, match="name the folders of one or more exports"):
        pool(tmp_path / "pooled", [])
    content = bytearray((tmp_path / "a" / "looks.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a" / "looks.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"looks\.parquet is missing or differs from its checksum"):
        pool(tmp_path / "pooled", [tmp_path / "a"])
    (tmp_path / "a" / "export.json").write_text("[]")
    with pytest.raises(InputError, match="is not a manifest"):
        pool(tmp_path / "pooled", [tmp_path / "a"])
    assert not (tmp_path / "pooled").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"study": "../../../out"},
        {"export_id": "../../../../out"},
        {"looks": 5},
        {"last_day": "2040-01-01"},
        {"partner": "not a word"},
        {"publisher": "two\nlines"},
    ],
)
def test_an_export_that_tells_untruths_of_itself_is_refused(
    study: Study, tmp_path: Path, wrong: dict[str, object]
) -> None:
    """Folders are named by what it says: nothing is written, least of all elsewhere."""
    export(study, tmp_path / "a" / "b", "pool")
    said = json.loads((tmp_path / "a" / "b" / "export.json").read_text())
    (tmp_path / "a" / "b" / "export.json").write_text(json.dumps({**said, **wrong}))
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="does not list its files"):
        pool(tmp_path / "a" / "pooled", [tmp_path / "a" / "b"])
    assert sorted(tmp_path.rglob("*")) == there
