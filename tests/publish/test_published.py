"""What a study publishes: nothing that is held back, the same ids each time, and no name of a host."""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import event

from tests.leaks.names import names_of
from tests.leaks.search import Search
from tests.publish.study import HOURS, SEEN, at, small_study
from tests.study.facts import hour
from tests.study.rig import Run
from waterbed.judging.doubtful import QUEUE
from waterbed.model.decisions import Coding
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation
from waterbed.publish import exports
from waterbed.publish.build_publication import publication_of
from waterbed.publish.contents import readme
from waterbed.publish.policy import publishable
from waterbed.publish.release import SUMS, publish_all
from waterbed.store.config import read_config
from waterbed.store.kept import FOLDER
from waterbed.study.study import Study

ALWAYS = {
    "feeds",
    "flows",
    "ranking-category",
    *(f"{what}-{by}" for what in ("ranking", "places", "feeds", "flow-shares") for by in ("hoster", "asn", "country")),
}
IDS = {"url_id", "host_id", "site_id", "label_id", "content_id", "from_url_id", "to_url_id"}
ADDRESS = re.compile("|".join(re.escape(at(letter, number)) for letter in SEEN for number in range(12)))


def test_several_processes_publish_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hops and weeks that other processes find are the same, and no other process touches the database."""
    ours = os.getpid()

    def refused(*_: object) -> None:
        assert os.getpid() == ours, "another process touched the database"

    def published(study: Study, fewest: int) -> dict[str, list[object]]:
        monkeypatch.setattr("waterbed.measures.ranking_tables._SHARED", fewest)
        publication = publication_of(study, study.conclude(processes=2))
        return {one.name: list(one.rows) for one in publication.tables}

    with small_study(tmp_path, cases=True, least=1) as study:
        look = study.store.all(Observation, order=("url_id", "observed_at"))[4]
        coded = {"queue": QUEUE, "item_id": look.observation_id, "code": "suspended", "note": "", "adjudicates": False}
        study.store.add([Coding(coding_id=who, coder=who, coded_at=hour(50), **coded) for who in ("one", "two")])
        told = published(study, 1_000_000)
        assert told["hops"]
        assert told["weeks-hoster"]
        event.listen(study.store.engine, "checkout", refused)
        assert published(study, 0) == told
        for lost in ("hops", "runs.*", "*"):
            gone = list((study.path / FOLDER).glob(lost))
            assert gone
            for path in gone:
                path.unlink()
            assert published(study, 0) == told


def tables(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of each table by name."""
    names = [path.name.removesuffix(".schema.json") for path in folder.glob("*.schema.json")]
    return {name: json.loads((folder / f"{name}.json").read_text())["rows"] for name in names if "stix" not in name}


def texts(folder: Path) -> dict[str, str]:
    """Everything in each file as text, Parquet read out; by name."""
    found = {}
    for path in sorted(folder.rglob("*.*")):
        table = pq.read_table(path) if path.suffix == ".parquet" else None
        found[path.name] = path.read_text() if table is None else f"{table.to_pylist()} {table.schema}"
    return found


def test_no_case_and_no_address_is_published_unasked(published: Path, everything: Path) -> None:
    """By default rows are about groups and hold no id; with leave, episodes, hops and addresses are there, too."""
    assert set(tables(published)) >= ALWAYS
    assert not {"episodes", "hops", "ranking-upstream"} & set(tables(published))  # nothing tells upstreams
    for name, rows in tables(published).items():
        assert not [row for row in rows if IDS & set(row)], name
    assert not [name for name, text in texts(published).items() if ADDRESS.search(text)]
    assert {"episodes", "hops"} <= set(tables(everything))
    with_addresses = {name for name, text in texts(everything).items() if ADDRESS.search(text)}
    assert with_addresses == {"episodes.csv", "episodes.json", "episodes.parquet", "intelmq-addresses.jsonl"}


def test_places_by_speed_are_among_the_hosters_shown(tmp_path: Path) -> None:
    """Where a ranked hoster is left out, the others have the places, and the number called slowest, that it leaves."""
    with small_study(tmp_path, least=1) as study:
        publication = publication_of(study, study.conclude())
    every, one = (
        publishable(replace(publication, basis=replace(publication.basis, exposed=frozenset(hidden))))
        for hidden in ((), [("hoster", "AS64501")])
    )
    both = {row.key: row.place_high for row in every.table("places-hoster").rows if row.place_low}
    assert both == {"AS64500": 2, "AS64501": 2} | {key: 1 for key, last in both.items() if last == 1}
    (alone,) = [row for row in one.table("places-hoster").rows if row.place_low]
    assert (alone.key, alone.place_low, alone.place_high, alone.among_worst) == ("AS64500", 1, 1, 1.0)
    assert "the 1 slowest" in one.table("places-hoster").envelope.method
    assert one.slowest["hoster"] == 1


def test_cases_without_addresses_hold_none(tmp_path: Path) -> None:
    """Episodes one by one, and no address in them, where only cases are allowed."""
    with small_study(tmp_path, cases=True) as study:
        publish_all(study, tmp_path / "out")
    rows = tables(tmp_path / "out")["episodes"]
    assert len(rows) == 28
    assert not [name for name, text in texts(tmp_path / "out").items() if ADDRESS.search(text)]


def test_a_hoster_with_too_few_sites_is_nowhere(published: Path, everything: Path) -> None:
    """Hosters with two sites are in no file, table, graph or page; the envelopes say that some are left out."""
    assert not [name for name, text in texts(published).items() if re.search("AS6450[23]|Hoster [cd]", text)]
    shown = {name for name, text in texts(everything).items() if "Hoster c" in text}
    assert shown > {"ranking.html", "hops.gexf", "stix.json", "intelmq.jsonl", "flows.csv", "feeds-asn.parquet"}
    assert [path.name for path in sorted((published / "hosters").glob("*.html"))] == ["AS64500.html", "AS64501.html"]
    assert (everything / "hosters" / "AS64502.html").is_file()
    for name in ("ranking-hoster", "flows", "flow-shares-asn", "feeds-hoster"):
        assert json.loads((published / f"{name}.json").read_text())["left_out"] > 0, name
        assert json.loads((everything / f"{name}.json").read_text())["left_out"] == 0, name
    assert "Left out: at least 1 hoster with fewer than 3 sites" in (published / "ranking.html").read_text()


def test_checksums_and_readme_name_every_file(everything: Path) -> None:
    """SHA256SUMS holds each other file's checksum, and README.txt says what each is, and on what terms."""
    sums = dict(reversed(line.split("  ")) for line in (everything / SUMS).read_text().splitlines())
    files = {str(path.relative_to(everything)) for path in everything.rglob("*") if path.is_file()}
    assert set(sums) == files - {SUMS}
    assert all(sha256((everything / name).read_bytes()).hexdigest() == told for name, told in sums.items())
    text = (everything / "README.txt").read_text()
    named = {*tables(everything), *(f"{name.partition('/')[0]}" for name in files if not known_by_table(name))}
    assert not [name for name in named - {"README.txt"} if name not in text]
    assert all(word in text for word in ("TLP:AMBER+STRICT", "CC-BY-4.0", "a hotline", "CC0-1.0", "NPMLE"))
    rest = text.partition("What they rest on")[2].partition("Ranking by hoster:")[0]
    heads = [name for line in rest.splitlines()[3::2] for name in line.partition(": ")[0].split(", ")]
    assert sorted(heads) == sorted(tables(everything))


def test_the_readme_says_in_words_that_no_licence_is_given(tmp_path: Path) -> None:
    """README.txt names a licence, or says as the pages do that none is given."""
    with small_study(tmp_path) as study:
        given = publication_of(study, study.conclude())
    none = replace(given, policy=replace(given.policy, licence="LicenseRef-none"))
    texts = [readme(one, ["index.html"], {}) for one in (given, none)]
    assert ["Licence: CC-BY-4.0." in text for text in texts] == [True, False]
    assert ["No licence is given." in text for text in texts] == [False, True]


def known_by_table(name: str) -> bool:
    """Whether a file is one of the forms of a table, or a page that the first one leads to."""
    if name.endswith(".html"):
        return name != "index.html"
    return name.endswith((".csv", ".parquet", ".schema.json", ".json")) and not name.startswith(("stix", "datapackage"))


def test_publishing_again_updates_and_removes_what_is_held_back(tmp_path: Path) -> None:
    """Ids stay; case tables of an earlier publication go, once nobody has changed one, and foreign files stay."""
    out = tmp_path / "out"
    with small_study(tmp_path / "one", cases=True, addresses=True) as study:
        publish_all(study, out)
    ids = [one["id"] for one in json.loads((out / "stix.json").read_text())["objects"]]
    event = {path.name for path in (out / "misp").iterdir()}
    (out / "hops.csv").write_text("mine now\n")
    (out / "notes.csv").write_text("mine\n")
    with small_study(tmp_path / "two") as study:
        with pytest.raises(InputError, match=r"hops\.csv; nothing was changed"):
            publish_all(study, out)
        assert "episodes.csv" in texts(out)
        (out / "hops.csv").rename(tmp_path / "hops.csv")
        publish_all(study, out)
    assert not {"episodes.csv", "episodes.parquet", "hops.csv", "intelmq-addresses.jsonl"} & set(texts(out))
    assert (out / "notes.csv").read_text() == "mine\n"
    assert [one["id"] for one in json.loads((out / "stix.json").read_text())["objects"]] == ids
    assert {path.name for path in (out / "misp").iterdir()} == event


def test_a_plain_installation_publishes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither stix2 nor pymisp is installed, a folder takes a second edition; own files are refused."""
    monkeypatch.setattr(exports, "built_in", lambda: {"intelmq": exports.EXPORTS["intelmq"]})
    out = tmp_path / "out"
    with small_study(tmp_path) as study:
        publish_all(study, out)
        assert not {"stix.json", "misp"} & {path.name for path in out.iterdir()}
        study.folder.clock = lambda: hour(HOURS + 1)
        publish_all(study, out)
        (out / "README.txt").write_text("mine\n")
        with pytest.raises(InputError, match=r"README\.txt; nothing was changed"):
            publish_all(study, out)


def test_a_feed_is_not_lost_for_want_of_a_library(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edition with feeds is not replaced by one without them; a new folder gets a note of what is left out."""
    out, new = tmp_path / "out", tmp_path / "new"
    with small_study(tmp_path) as study:
        publish_all(study, out)
        place = study.folder.path
        before = texts(out)
        monkeypatch.setattr(exports, "built_in", lambda: {"intelmq": exports.EXPORTS["intelmq"]})
        with pytest.raises(InputError, match=r"holds stix.* lacks stix2"):
            publish_all(study, out)
        assert texts(out) == before
        code, said, _ = run("-C", place, "publish", new)
        assert (code, "STIX and MISP" in said, "[exports]" in said) == (0, True, True), said


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A machine that is in another time zone, a second later."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.05)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


def test_times_are_the_publications_own(everything: Path, tmp_path: Path, elsewhere: None) -> None:
    """The same study published later, by a machine in another time zone, has the same bytes in every file."""
    with small_study(tmp_path, cases=True, addresses=True, least=1, tlp="amber+strict") as study:
        publish_all(study, tmp_path / "out")
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (everything, tmp_path / "out")
    )
    assert [str(name) for name in first.keys() | second.keys() if first.get(name) != second.get(name)] == []


@pytest.mark.parametrize(
    "line",
    ['tlp = "white"', "least = 0", 'licence = "do what you like"', 'publisher = "a\\u0007"', "secret = true"],
)
def test_bad_policies_are_refused(line: str, tmp_path: Path) -> None:
    """A setting of [publish] that means nothing is refused as it is read."""
    path = tmp_path / "waterbed.toml"
    path.write_text(f'study = "s"\n[publish]\n{line}\n')
    with pytest.raises(InputError, match=r"\(docs/"):
        read_config(path)


def test_planted_names_are_found_in_every_form(published: Path, tmp_path: Path) -> None:
    """Where registries call hosters by secret host names, the byte search finds these in every form published."""
    search = Search(names_of(f"{letter}-planted-host.com" for letter in "ab"))
    assert search.over([published]).hits == []
    with small_study(tmp_path, names="{}-planted-host.com", title="about b-planted-host.com") as study:
        publish_all(study, tmp_path / "out")
    found = search.over([tmp_path / "out"])
    assert found.unread == []
    hit = {Path(one.where.partition("!")[0]).relative_to(tmp_path / "out") for one in found.hits}
    named = {str(path) for path in hit if path.parent == Path()}
    forms = {f"ranking-hoster{ending}" for ending in (".csv", ".json", ".parquet")}
    forms |= {"stix.json", "intelmq.jsonl", "hops.gexf", "hops.graphml", "index.html", "ranking.html", "README.txt"}
    forms |= {"datapackage.json"}
    assert forms <= named
    assert {Path("misp"), Path("hosters")} <= {path.parent for path in hit}
