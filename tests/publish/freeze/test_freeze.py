"""A frozen study holds what its results rest on, and nothing that names a host, a person or a machine."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.leaks.names import names_of
from tests.leaks.search import Search
from tests.publish.freeze.study import ACCOUNTS, CANARY, HOSTS, named_study
from tests.publish.study import small_study
from waterbed.model.bookkeeping import Audit
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.publish.freeze import package_facts
from waterbed.publish.freeze.freeze import ACTION, freeze
from waterbed.publish.freeze.layout import read_about
from waterbed.publish.freeze.metadata import HEADER
from waterbed.publish.release import publish_all
from waterbed.store import spool
from waterbed.store.folder import open_folder
from waterbed.store.lake import rows
from waterbed.store.lake.reading import facts_of
from waterbed.store.lake.rows import table_of
from waterbed.store.tables import table_name
from waterbed.study import streams
from waterbed.study.study import Study

ROOT = Path(__file__).parents[3]
VALIDATORS = ROOT / ".venv-crate" / "bin" / "python"
OURS = ("canary-of-ours-example.com", "contact-of-ours-example.com", "base-of-ours-example.com")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """The named study, opened."""
    with named_study(tmp_path / "s") as found:
        yield found


@pytest.mark.long
def test_public_validators_take_it(frozen: Path) -> None:
    """The bag, the RO-Crate 1.2 profile and DataCite's schema 4.5 are met, as programs of others see it.

    What the profile recommends beside that needs an organisation's web address or mailbox, or a DOI that resolves.
    """
    assert VALIDATORS.exists(), "the validators have an environment of their own: make .venv-crate/installed"
    accept, context = (ROOT / "tests/crate" / name for name in ("accept.py", "ro-crate-1.2-context.jsonld"))
    done = subprocess.run(
        [VALIDATORS, accept, frozen, context],
        capture_output=True,
        text=True,
        check=False,
        cwd=frozen.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(frozen.parent), "PYTHONPATH": os.environ["PYTHONPATH"]},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    asked = [
        one
        for one in found["crate"]
        if not any(word in one for word in ("have a URL", "ROR", "contactPoint", "SHOULD resolve"))
    ]
    assert (found["bag"], found["datacite"], asked) == ([], [], [])
    assert not [one for one in found["crate"] if one.startswith("REQUIRED")]


def test_the_citation_is_in_both_metadata(frozen: Path) -> None:
    """Creators with ORCID and affiliation, title, licence and DOI, as [citation] says them."""
    cited = json.loads((frozen / "data/datacite.json").read_text())
    assert [(one["name"], one["nameType"]) for one in cited["creators"]] == [
        ("Curie, Maria", "Personal"),
        ("A Hotline", "Organizational"),
    ]
    assert cited["creators"][0]["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert (cited["titles"], cited["doi"]) == ([{"title": "Parcels, frozen"}], "10.5072/waterbed.1")
    assert cited["dates"][1] == {"date": "2026-01-05/2026-01-14", "dateType": "Collected"}
    graph = {one["@id"]: one for one in json.loads((frozen / "data/ro-crate-metadata.json").read_text())["@graph"]}
    assert graph["./"]["license"]["@id"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert graph["https://orcid.org/0000-0002-1825-0097"]["affiliation"] == {"@id": "#affiliation-1"}
    assert graph["./"]["publisher"]["@id"] == "#creator-2"
    files = {path.relative_to(frozen / "data").as_posix() for path in (frozen / "data").rglob("*") if path.is_file()}
    assert files - set(graph) == set(), "every file is described"


def test_no_host_is_named_in_any_byte(frozen: Path, tmp_path: Path) -> None:
    """The search that finds planted names in any packing finds none of the study's, nor of its settings."""
    search = Search(names_of([*HOSTS, *OURS]))
    found = search.over([frozen])
    assert (found.hits, found.unread) == ([], [])
    (tmp_path / "planted.txt").write_text(f"at {HOSTS[0]}, say\n")
    assert search.over([tmp_path]).hits, "the search is awake"


def test_no_account_machine_or_key_is_in_it(frozen: Path) -> None:
    """People are numbered; addresses of our own machines, the study's id and sealed rows are left out."""
    whole = b"".join(path.read_bytes() for path in frozen.rglob("*") if path.is_file())
    whole += str([pq.read_table(path).to_pylist() for path in frozen.rglob("*.parquet")]).encode()
    words = (*ACCOUNTS, CANARY, "198.51.100.53", "198.51.100.99", "f" * 32, str(frozen.parent))
    assert [word for word in words if word.encode() in whole] == []
    kinds = {path.stem for path in (frozen / "data/facts").iterdir()}
    assert kinds & {"sealed", "key_check", "due", "beat", "reserved", "audit", "preview", "reply"} == set()
    coders = pq.read_table(frozen / "data/facts/coding.parquet").column("coder").to_pylist()
    assert len(set(coders)) == 2
    assert all(coder.startswith("person-") for coder in coders)


def test_results_are_what_is_published(study: Study, tmp_path: Path) -> None:
    """CSV and JSON of every table, byte for byte as `waterbed publish` writes them."""
    freeze(study, tmp_path / "package")
    publish_all(study, tmp_path / "out")
    for path in (tmp_path / "package/data/results").iterdir():
        name = f"interventions/{path.name[6:]}" if path.name.startswith("event-") else path.name
        assert path.read_bytes() == (tmp_path / "out" / name).read_bytes(), path.name
    assert set(read_about(tmp_path / "package").held_back) == {"episodes.csv", "episodes.json", "hops.csv", "hops.json"}


@pytest.mark.parametrize("at_once", [7, 1_000_000])
def test_facts_are_all_there_and_sorted_by_key(
    at_once: int, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are sorted at once: the rows are those of all facts, without the names of resolvers."""
    for module, name in (
        (package_facts, "_BUCKET"),
        (package_facts, "_AT_ONCE"),
        (rows, "IN_STRETCH"),
        (streams, "IN_GROUP"),
    ):
        monkeypatch.setattr(module, name, at_once)
    monkeypatch.setattr(spool, "IN_MEMORY", at_once)
    folder = study.folder
    written = package_facts.write_facts(folder, package_facts.frozen_facts(folder), tmp_path / "facts")
    for cls in (Observation, Resolution, ControlLook, CanaryLook):
        every = [replace(one, resolver="") if cls is Resolution else one for one in facts_of(folder, cls)]
        found = pq.read_table(tmp_path / "facts" / f"{table_name(cls)}.parquet")
        assert found.equals(table_of(cls, every))
        assert written[table_name(cls)] == len(every)


def test_a_deviation_is_in_every_frozen_output(frozen: Path) -> None:
    """What was changed after the lock stands on each table with its reason, and in what people read first."""
    told = "estimands.removed-24h.level: 0.05 -> 0.1 (fewer sites came than planned)"
    results = sorted((frozen / "data/results").glob("*.json"))
    assert len(results) > 10
    for path in results:
        table = json.loads(path.read_text())
        assert told in table["deviations"], path.name
        assert read_about(frozen).protocol[0] in table["protocol"]
    assert told in (frozen / "data/README.txt").read_text()


def test_the_codebook_knows_every_column(frozen: Path) -> None:
    """Every column of every Parquet and CSV file stands there with its type and meaning."""
    import csv

    lines = list(csv.DictReader((frozen / "data/codebook.csv").read_text(encoding="utf-8").splitlines()))
    known = {(line["file"], line["column"]) for line in lines}
    assert set(lines[0]) == set(HEADER)
    assert all(line["type"] and line["meaning"] for line in lines)
    assert {line["unit"] for line in lines if line["type"] in ("integer", "number")} >= {
        "milliseconds",
        "hours",
        "count",
    }
    for path in sorted((frozen / "data").rglob("*.*")):
        name = path.relative_to(frozen / "data").as_posix()
        if path.suffix == ".parquet":
            assert {(name, column) for column in pq.read_schema(path).names} <= known
        elif path.suffix == ".csv" and path.parent.name == "results":
            header = next(csv.reader(path.read_text(encoding="utf-8").splitlines()))
            assert {(name, column) for column in header} <= known


def test_who_froze_it_is_on_record(study: Study, tmp_path: Path) -> None:
    """The audit has the package's name, and the clock of the study goes on."""
    made = freeze(study, tmp_path / "package")
    (entry,) = [one for one in study.folder.store.all(Audit) if one.action == ACTION]
    assert entry.subject_id == made.name
    assert len((tmp_path / "package/tagmanifest-sha256.txt").read_text().splitlines()) == 4


def test_what_may_not_be_frozen_is_refused(study: Study, tmp_path: Path) -> None:
    """An existing folder, one inside the study, and a text that names a reported host; nothing is left."""
    (tmp_path / "there").mkdir()
    inside = study.folder.path / "package"
    for out, why in ((tmp_path / "there", "exists already"), (inside, "inside the study folder")):
        with pytest.raises(InputError, match=why):
            freeze(study, out)
    hosters = study.folder.path / "hosters.toml"
    hosters.write_text(f"# one\n# seen at {HOSTS[7].upper()}/login\n")
    with pytest.raises(InputError, match=r"hosters.toml, line 2, names a host of the study") as found:
        freeze(study, tmp_path / "package")
    assert HOSTS[7] not in str(found.value).lower()
    hosters.write_text('[[hoster]]\nkey = "a-platform"\nname = "A"\nsuffixes = ["pages.dev"]\n')
    protocol = study.folder.path / "study.toml"
    protocol.write_text(protocol.read_text() + f"# {HOSTS[0]}\n")
    with pytest.raises(InputError, match=r"study.toml: line \d+ holds what looks like"):
        freeze(study, tmp_path / "package")
    assert {path.name for path in tmp_path.iterdir()} == {"s", "there"}


def test_a_living_run_is_waited_for(study: Study, tmp_path: Path) -> None:
    """While a pass is at work nothing is frozen: its facts would be in half the tables."""
    with study.folder.run("recheck"), pytest.raises(InputError, match="freezing must be the only one at work"):
        freeze(open_again(study), tmp_path / "package")
    assert not list(tmp_path.glob("*package*"))


def open_again(study: Study) -> Study:
    """The same study as another process has it."""
    return Study(open_folder(study.folder.path))


@pytest.mark.parametrize(
    ("policy", "why"),
    [({"tlp": "red"}, "nothing may leave this study"), ({"tlp": "clear"}, "before hosters could answer")],
)
def test_the_policy_holds_for_packages_too(policy: dict[str, Any], why: str, tmp_path: Path) -> None:
    """TLP:RED is never frozen; TLP:CLEAR not before hosters could reply, unless a reason is given and recorded."""
    with small_study(tmp_path / "s", **policy) as study:
        with pytest.raises(InputError, match=why):
            freeze(study, tmp_path / "package")
        assert not list(tmp_path.glob("*package*"))
        if policy["tlp"] == "clear":
            freeze(study, tmp_path / "package", override="a court asked for it")
            text = (tmp_path / "package/data/README.txt").read_text()
            assert "TLP:AMBER: the facts hold ids, addresses and times" in text
            assert "a court asked for it" in [one.reason for one in study.folder.store.all(Audit)]
