"""A package makes the same tables elsewhere, in either database and under other keys, or says which differ."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tests.publish.freeze.study import HOURS, named_study
from tests.publish.study import small_study
from tests.store.backup.test_backup import empty_database
from tests.study.facts import hour
from waterbed.cli.app import app
from waterbed.model.bookkeeping import KeyCheck, Run, RunEnd, Sealed
from waterbed.model.errors import InputError, StoreGone
from waterbed.publish.build_publication import publication_of
from waterbed.publish.freeze.bag import DATA, damages, seal
from waterbed.publish.freeze.freeze import freeze
from waterbed.publish.freeze.layout import ABOUT, FACTS
from waterbed.publish.freeze.reproduce import reproduce
from waterbed.publish.freeze.results import compared
from waterbed.store.config import write_toml
from waterbed.store.frozen import FROZEN
from waterbed.store.settings import Canary, Domains, Linking, Registry
from waterbed.study.study import open_study


def run(*words: object) -> Result:
    """One command line."""
    return CliRunner().invoke(app, [str(word) for word in words])


def sums(folder: Path) -> dict[str, str]:
    """The checksum of each file of results."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def resealed(package: Path) -> None:
    """Manifests that fit what somebody put together by hand."""
    for path in package.glob("*.txt"):
        path.unlink()
    seal(package, {}, date(2026, 1, 5))


@pytest.fixture
def copy(frozen: Path, tmp_path: Path) -> Path:
    """A package to be changed."""
    shutil.copytree(frozen, tmp_path / "package")
    return tmp_path / "package"


def test_frozen_on_sqlite_it_is_equal_on_postgresql(frozen: Path, tmp_path: Path, postgresql: str) -> None:
    """In a new folder, under new keys, from no sealed name: every table is equal by its checksum."""
    done = run("reproduce", frozen, tmp_path / "again", "--store", empty_database(postgresql))
    assert done.exit_code == 0, done.output
    assert sums(tmp_path / "again/results") == sums(frozen / "data/results")
    assert "DIFFERS" not in done.output
    assert "equal   hops" in done.output  # held back: by checksum
    assert "deviates from the protocol: estimands.removed-24h.level: 0.05 -> 0.1" in done.output
    with open_study(tmp_path / "again") as study:
        assert not study.folder.store.sqlite
        assert not (tmp_path / "again/waterbed.db").exists()
        assert (study.folder.store.count(Sealed), study.folder.clock()) == (0, hour(HOURS))
        (check,) = study.folder.store.all(KeyCheck)
        assert len(study.conclude().hops) == 6, "labels that look alike link what moved"
    with named_study(tmp_path / "other") as other:
        assert check.id_check not in {one.id_check for one in other.folder.store.all(KeyCheck)}
        assert study.folder.config.study != other.folder.config.study


def test_another_seed_of_hashing_changes_nothing(frozen: Path, tmp_path: Path) -> None:
    """Sets are walked in another order in another process; no table shows it."""
    command = [sys.executable, "-m", "waterbed.cli", "reproduce", frozen, tmp_path / "again"]
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert sums(tmp_path / "again/results") == sums(frozen / "data/results")


def test_frozen_again_it_is_the_same_study(frozen: Path, tmp_path: Path) -> None:
    """A study that was reproduced can be frozen in turn, and that package makes the same tables."""
    reproduce(frozen, tmp_path / "again")
    with open_study(tmp_path / "again") as study:
        freeze(study, tmp_path / "second")
    assert sums(tmp_path / "second/data/results") == sums(frozen / "data/results")
    assert reproduce(tmp_path / "second", tmp_path / "third").equal


def test_settings_of_sections_that_name_machines_are_the_studys(tmp_path: Path) -> None:
    """What results rest on is taken over; addresses and categories that were asked about are not."""
    days = {"before_expiry_days": 3.0, "after_expiry_days": 11.0, "within_days": 2.0}
    there = {"bases": {"ripe": "https://base-of-ours-example.com/"}}
    changed = {
        "registry": Registry(fresh_days=5.0, **there),
        "domains": Domains(categories=("phishing",), **days, **there),
        "canary": Canary(need=0.7),
    }
    with named_study(tmp_path / "original", **changed) as study:
        freeze(study, tmp_path / "package")
    assert reproduce(tmp_path / "package", tmp_path / "again").equal
    with open_study(tmp_path / "again") as again:
        settings = again.config
    assert (settings.registry, settings.domains) == (Registry(fresh_days=5.0), Domains(**days))
    assert settings.canary == Canary(need=0.7)


@pytest.mark.parametrize("left_out", [{"common": ()}, {"suffixes": {}}, {"near": ()}])
def test_what_the_vault_told_is_needed(left_out: dict[str, object], copy: Path, tmp_path: Path) -> None:
    """Without the ids that mean nothing, the suffixes or the near labels, tables differ and are named: exit 1."""
    about = json.loads((copy / DATA / ABOUT).read_text())
    about["frozen"] |= left_out
    (copy / DATA / ABOUT).write_text(json.dumps(about))
    resealed(copy)
    done = run("reproduce", copy, tmp_path / "again")
    assert done.exit_code == 1, done.output
    assert "DIFFERS episodes: it is withheld: the package has only its checksums" in done.output


def test_where_a_table_differs_first_is_said(copy: Path, tmp_path: Path) -> None:
    """A package whose results are not those of its facts: the table, row and column, what was and what is."""
    path = copy / "data/results/ranking-hoster.json"
    table = json.loads(path.read_text())
    table["rows"][1]["urls"] += 3
    path.write_text(json.dumps(table))
    resealed(copy)
    done = run("reproduce", copy, tmp_path / "again")
    urls = table["rows"][1]["urls"]
    assert done.exit_code == 1
    name = table["rows"][1]["name"]
    assert f"DIFFERS ranking-hoster: rows 2 ({name}).urls: {urls} -> {urls - 3} (1 values)" in done.output
    assert done.output.count("DIFFERS") == 1


def test_answers_to_public_events_are_frozen_and_compared(copy: Path, tmp_path: Path) -> None:
    """A package has file and answers of an event that may be published, and nothing of another; a change is named."""
    assert [path.name for path in (copy / "data/events").iterdir()] == ["pressed-1.toml"]
    assert not [path for path in copy.rglob("*") if "secret" in path.name]
    path = copy / "data/results/event-pressed-1-answers.json"
    table = json.loads(path.read_text())
    number, row = next((n, row) for n, row in enumerate(table["rows"], 1) if row["n"])
    row["n"] += 7
    path.write_text(json.dumps(table))
    resealed(copy)
    done = run("reproduce", copy, tmp_path / "again")
    assert done.exit_code == 1
    said = f"DIFFERS event-pressed-1-answers: rows {number} ({row['name']}).n: {row['n']} -> {row['n'] - 7} (1 values)"
    assert said in done.output
    assert done.output.count("DIFFERS") == 1
    assert "equal   event-pressed-1-sentences" in done.output


def test_another_event_file_gives_other_answers(copy: Path, tmp_path: Path) -> None:
    """Answers are those of the frozen event file: with another one they differ, and are named."""
    path = copy / "data/events/pressed-1.toml"
    path.write_text(path.read_text().replace("after = 4", "after = 3"))
    resealed(copy)
    done = run("reproduce", copy, tmp_path / "again")
    assert done.exit_code == 1
    assert "DIFFERS event-pressed-1-answers" in done.output


def test_comparison_tells_rounding_from_more() -> None:
    """Last digits are told apart from other values, and from a table that is gone or new."""
    was = {"a.csv": b"x\n0.5\n", "a.json": b'{"rows": [{"x": 0.5}]}', "b.csv": b"", "b.json": b"{}"}
    near = {"a.csv": b"x\n0.500001\n", "a.json": b'{"rows": [{"x": 0.500001}]}', "c.csv": b"", "c.json": b"{}"}
    a, b, c = compared(was, near)
    assert (a.close, a.differ, a.first) == (True, 1, "rows 1.x: 0.5 -> 0.500001")
    assert (b.first, c.first) == ("the reproduction lacks this table", "the package lacks this table")
    far = compared(was, {**was, "a.csv": b"x\n1\n", "a.json": b'{"rows": [{"x": 1}]}'})[0]
    assert (far.close, far.equal) == (False, False)
    spelled = compared(was, {**was, "a.csv": b"x\n0.50\n"})[0]
    assert spelled.first == "the same values, written differently from line 2 of the CSV file on"


def test_a_protocol_that_is_not_the_locked_one_is_refused(copy: Path, tmp_path: Path) -> None:
    """Fitting manifests do not help: the text must have the SHA-256 under which it was locked."""
    path = copy / "data/facts/protocol_lock.parquet"
    table = pq.read_table(path)
    text = table.column("text").to_pylist()[0].replace("level = 0.05", "level = 0.1")
    changed = table.set_column(table.column_names.index("text"), table.schema.field("text"), pa.array([text]))
    pq.write_table(changed, path)
    resealed(copy)
    with pytest.raises(InputError, match="lacks the SHA-256 that its outputs name"):
        reproduce(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_tables_of_others_are_found_by_checksum(tmp_path: Path) -> None:
    """Without tables the package has their checksums; their files are found whatever they are called."""
    with small_study(tmp_path / "s") as study:
        made = freeze(study, tmp_path / "package", without_tables=True)
    assert len(made.outside) == 2
    assert not (tmp_path / "package/data/tables").exists()
    with pytest.raises(InputError, match=r"names 2 dated tables by checksum alone: routes of 2026-01-05, SHA-256"):
        reproduce(tmp_path / "package", tmp_path / "again")
    (tmp_path / "files/deep").mkdir(parents=True)
    shutil.copy(tmp_path / "s/routes.csv", tmp_path / "files/deep/other name.txt")
    with pytest.raises(InputError, match=r"no file in .* is places of 2026-01-05"):
        reproduce(tmp_path / "package", tmp_path / "again", tables=tmp_path / "files")
    shutil.copy(tmp_path / "s/places.csv", tmp_path / "files")
    assert reproduce(tmp_path / "package", tmp_path / "again", tables=tmp_path / "files").equal


def test_a_partner_s_package_says_what_it_can(tmp_path: Path) -> None:
    """It has no facts and no other ids; hosters are worked out of it and equal, and all else is named as not."""
    with small_study(tmp_path / "s") as study:
        freeze(study, tmp_path / "package", shared="pool-2026")
    data = tmp_path / "package/data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == {"shared", "results", "rules"}
    looks = pq.read_table(data / "shared/looks.parquet").to_pylist()
    assert {len(row["url_id"]) for row in looks} == {32}  # the study's own are a00, a01, ...
    assert not json.loads((data / ABOUT).read_text())["held_back"]
    done = run("reproduce", tmp_path / "package", tmp_path / "again")
    assert done.exit_code == 0, done.output
    assert "equal   shared-hosters" in done.output
    assert "cannot be reproduced from the shared form: ranking-hoster" in done.output
    assert "1 of 1 tables are equal" in done.output
    with pytest.raises(InputError, match="leave out --store and --tables"):
        reproduce(tmp_path / "package", tmp_path / "third", store="sqlite")


def test_nothing_is_added_to_a_reproduced_study(frozen: Path, tmp_path: Path) -> None:
    """Its ids are of other keys: imports and passes are refused, while conclusions can be drawn."""
    reproduce(frozen, tmp_path / "again")
    (tmp_path / "reports.csv").write_text("url\nhttp://new.example/\n")
    for words in (("import", tmp_path / "reports.csv"), ("recheck", "--all")):
        done = run("-C", tmp_path / "again", *words)
        assert isinstance(done.exception, InputError)
        assert "was reproduced from a package" in str(done.exception)
    assert run("-C", tmp_path / "again", "rank").exit_code == 0


@pytest.mark.long
@pytest.mark.parametrize("with_ends", [True, False])
def test_runs_of_a_reproduced_study_are_over(with_ends: bool, tmp_path: Path) -> None:
    """How they ended is frozen; older packages lack it, and either way doctor asks for nothing that is past mending."""
    run_ = Run(run_id="1" * 32, kind="recheck", vantage="here", started_at=hour(1), version="1", config_hash="0" * 64)
    ended = RunEnd(run_id=run_.run_id, finished_at=hour(2), outcome="stopped", done=3, rate=1.5)
    with named_study(tmp_path / "s") as study:
        study.store.add([run_, ended])
        freeze(study, tmp_path / "package")
    if not with_ends:
        about = json.loads((tmp_path / "package" / DATA / ABOUT).read_text())
        assert about["rows"].pop("run_end") == about["rows"]["run"]
        (tmp_path / "package" / DATA / ABOUT).write_text(json.dumps(about))
        (tmp_path / "package" / DATA / FACTS / "run_end.parquet").unlink()
        resealed(tmp_path / "package")
    assert reproduce(tmp_path / "package", tmp_path / "again").equal
    with open_study(tmp_path / "again") as again:
        assert again.folder.mark_dead_runs() == 0
        ends = {end.run_id: end for end in again.store.all(RunEnd)}
        assert ends.get(run_.run_id) == (replace(ended, rate=None) if with_ends else None)
        assert len(ends) + len(again.store.unfinished_runs()) == again.store.count(Run) > 1
    said = run("-C", tmp_path / "again", "status").output
    assert ("stopped" if with_ends else "its end is not in the package") in said
    found = json.loads(run("-C", tmp_path / "again", "doctor", "--format", "json").output)["rows"]
    assert [row for row in found if row["severity"] == "problem"] == []
    assert not [row for row in found for word in ("canary", "reach us", "runs", "registr") if word in row["what"]]


def test_near_labels_that_were_not_frozen_are_never_guessed(tmp_path: Path) -> None:
    """Switched on in a study whose package has none, linking refuses; it does not go without."""
    linking = Linking(near_labels=True, least="weak")
    with named_study(tmp_path / "s", linking=Linking()) as study:
        freeze(study, tmp_path / "package")
    assert reproduce(tmp_path / "package", tmp_path / "again").equal
    with open_study(tmp_path / "again") as study:
        assert study.folder.frozen is not None
        assert study.folder.frozen.near is None
        write_toml(tmp_path / "again/waterbed.toml", msgspec.structs.replace(study.folder.config, linking=linking))
    with open_study(tmp_path / "again") as study, pytest.raises(InputError, match="from a package that holds none"):
        publication_of(study, study.conclude())


def test_bad_places_and_packages_are_refused(copy: Path, tmp_path: Path) -> None:
    """A folder that holds something, a form from the future, a kind of fact that is not known; nothing is made."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        reproduce(copy, tmp_path / "full")
    about = json.loads((copy / DATA / ABOUT).read_text())
    for change, why in (
        ({"form": 9}, "has format 9, and this version reads format 1"),
        ({"rows": {"wish": 1}}, "facts of a kind 'wish'"),
        ({"rows": {**about["rows"], "target": 7}}, "has 21 rows, and 7 were frozen"),
        ({"kind": "guess"}, "does not describe a package"),
    ):
        (copy / DATA / ABOUT).write_text(json.dumps(about | change))
        resealed(copy)
        with pytest.raises(InputError, match=why):
            reproduce(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".again*"))


def test_no_study_is_made_inside_the_package(copy: Path, tmp_path: Path) -> None:
    """A package stays as it was frozen: a place in it is refused, by whatever links it is named."""
    (tmp_path / "linked").symlink_to(copy / DATA, target_is_directory=True)
    (tmp_path / "package-too").symlink_to(copy, target_is_directory=True)
    for package, place in (
        (copy, copy / DATA / "again"),
        (copy, copy / "new" / "again"),
        (copy, tmp_path / "linked" / "again"),
        (tmp_path / "package-too", copy / "again"),
        (copy, tmp_path / "other" / ".." / "package" / "again"),
    ):
        with pytest.raises(InputError, match=r"lies inside the package; .*docs/freeze\.md"):
            reproduce(package, place)
    assert damages(copy) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linked", "package", "package-too"]


def test_a_failure_leaves_neither_folder_nor_keys(
    frozen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the database is not there nothing of the new study is left, on disk and among the keys."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(StoreGone):
        reproduce(frozen, tmp_path / "again", store="postgresql://127.0.0.1:1/none")
    assert not list(tmp_path.glob("*again*"))
    assert not [path for path in (tmp_path / "config").rglob("*") if path.is_file()]


@pytest.mark.parametrize("server", [False, True])
def test_a_failure_of_conclusions_leaves_nothing(
    server: bool, frozen: Path, tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where conclusions need too much memory there is neither folder nor key nor row, and the same command works."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    store = empty_database(postgresql) if server else "sqlite"
    with monkeypatch.context() as patched:
        patched.setattr("waterbed.publish.freeze.reproduce.publication_of", _greedy)
        with pytest.raises(InputError, match=r"needs more than \d+ MiB of memory"):
            reproduce(frozen, tmp_path / "again", store=store)
    assert not list(tmp_path.glob("*again*"))
    assert not [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
    assert reproduce(frozen, tmp_path / "again", store=store).equal


def _greedy(*_: object) -> None:
    bytearray(1 << 40)


@pytest.mark.long
def test_what_libraries_hold_is_no_part_of_the_bound(frozen: Path, tmp_path: Path) -> None:
    """A small package is taken in where the engine and linear algebra alone take more, with a thread a processor."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment |= {"WATERBED_MOST_MIB": "96"}
    code = (
        "import sys; from pathlib import Path; from waterbed.publish.freeze.reproduce import reproduce;"
        "sys.exit(not reproduce(Path(sys.argv[1]), Path(sys.argv[2])).equal)"
    )
    words = [sys.executable, "-c", code, str(frozen), str(tmp_path / "again")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_marker_of_a_reproduced_study_is_checked(frozen: Path, tmp_path: Path) -> None:
    """A damaged marker is said: without it the study would be judged by the clock of today."""
    reproduce(frozen, tmp_path / "again")
    (tmp_path / "again" / FROZEN).write_text("{")
    with pytest.raises(InputError, match="reproduce the package into a new folder"):
        open_study(tmp_path / "again")
