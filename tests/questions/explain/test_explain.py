"""The chain behind a URL, an address or a hoster, by the command line and on both databases."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.attribution.lookups.tables.test_geoip import database
from waterbed.cli.main import main
from waterbed.governance import hosters, keys
from waterbed.model.conclusions import ChainLink
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, Observation, Resolution, Target
from waterbed.model.registrations import Registration
from waterbed.model.urls import canonicalize
from waterbed.questions.explain.lookup import explain
from waterbed.service.doctor import examine
from waterbed.store.config import Config
from waterbed.store.hoster_settings import Hosters
from waterbed.store.machine_settings import StoreAt
from waterbed.study.study import Study, create_study

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
SOLD = date(2026, 1, 9)
URLS = ("https://shop.example-one.com/a", "https://shop.example-two.com/b", "https://shop.example-three.com/c")
BOOK = """
[[hoster]]
key = "old"
name = "Old Hosting"
asns = [64500]
country = "NL"
[[hoster]]
key = "new"
name = "New Hosting"
asns = [64501]
"""
Run = Callable[..., tuple[int, str, str]]


def _resolution(host_id: str, number: int, addresses: tuple[str, ...], status: str = "ok") -> Resolution:
    return Resolution(
        resolution_id=f"{host_id[:24]}{number:08}",
        host_id=host_id,
        run_id="r",
        vantage="v",
        status=status,  # type: ignore[arg-type]  # tests name them
        addresses=addresses,
        cname_ids=(),
        ttl_s=60,
        ede=(),
        resolver="127.0.0.1:53",
        resolved_at=START + timedelta(days=number),
    )


def _look(url_id: str, resolution: Resolution) -> Observation:
    values = dict[str, object].fromkeys(_names(Observation))
    values |= {
        "observation_id": resolution.resolution_id,
        "url_id": url_id,
        "run_id": "r",
        "vantage": "v",
        "scheduled_at": resolution.resolved_at,
        "observed_at": resolution.resolved_at,
        "resolution_id": resolution.resolution_id,
        "profile": "strict",
        "phase": "http",
        "status": 200,
        "marks": (),
        "steps": 0,
        "bytes_read": 0,
        "network": "",
    }
    return Observation(**values)  # type: ignore[arg-type]  # fields by name


def _well(when: datetime) -> CanaryLook:
    """A look that finds our own network as it should be."""
    return CanaryLook(canary_id=f"{when:%d}", run_id="r", vantage="v", observed_at=when, targets=2, reached=2)


def _registered(day: int, holder: str = "ripe:ORG-OLD", name: str = "Old Hosting") -> Registration:
    values = dict[str, object].fromkeys(_names(Registration))
    values |= {
        "registration_id": f"reg{day}",
        "asked": "28.1.0.5",
        "kind": "network",
        "level": 0,
        "status": "ok",
        "registry": "ripe",
        "first": "28.1.0.0",
        "last": "28.1.255.255",
        "handle": "NET-1",
        "allocation": "ASSIGNED PA",
        "country": "NL",
        "holder": holder,
        "holder_name": name,
        "source": "rdap",
        "fetched_at": START + timedelta(days=day),
    }
    return Registration(**values)  # type: ignore[arg-type]  # fields by name


def _see(study: Study, url_id: str, answers: list[tuple[str, ...]]) -> None:
    host_id = next(one.host_id for one in study.folder.store.all(Target) if one.url_id == url_id)
    found = [_resolution(host_id, n, a, "ok" if a else "nxdomain") for n, a in enumerate(answers)]
    study.folder.store.add([*found, *(_look(url_id, one) for one in found)])


@pytest.fixture
def study(tmp_path: Path, store_url: str):
    """Three URLs: one whose network is sold on a day, one that rotates, one whose name goes away."""
    settings = Config(study=os.urandom(16).hex(), store=StoreAt(url=store_url), hosters=Hosters(known=False))
    with create_study(tmp_path / "study", settings) as made:
        reports = tmp_path / "reports.csv"
        reports.write_text("url,reported_at\n" + "".join(f"{url},2026-01-05T00:00:00Z\n" for url in URLS))
        made.import_reports(reports, source="feed")
        for day, asn in ((date(2026, 1, 1), 64500), (SOLD, 64501)):
            table = tmp_path / f"routes-{day}.csv"
            table.write_text(f"28.1.0.0,28.1.255.255,{asn},Holder {asn}\n28.2.0.0,28.2.255.255,64502,\x1b[31mOther\n")
            made.add_table(table, day)
        book = tmp_path / "hosters.toml"
        book.write_text(BOOK)
        made.set_hosters(book)
        made.folder.store.add([_registered(0), _registered(2)])
        sold, turning, gone = _ids(made)
        _see(made, sold, [("28.1.0.5",)] * 7)
        _see(made, turning, [("28.2.0.1",), ("28.2.0.2",)] * 4)
        _see(made, gone, [("28.1.0.9",), ()])
        yield made


def _ids(study: Study) -> list[str]:
    """The ids of the three URLs, in the order of the file."""
    return [study.folder.vault.keyed_id("url", canonicalize(url).url) for url in URLS]


@pytest.fixture
def run(study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line on the study as the shell would: (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["waterbed", "-C", str(study.folder.path), *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert not any(name in said.out + said.err for name in ("example-one", "example-two", "example-three"))
        return int(end.value.code or 0), said.out, said.err

    return call


def _names(cls: type) -> set[str]:
    return {field.name for field in fields(cls)}


def _of(links: list[ChainLink], step: str) -> list[ChainLink]:
    return [link for link in links if link.step == step]


def test_a_change_over_time_is_told_once(study: Study) -> None:
    """A sold network: each link stands once, with when it held, and one link says what changed."""
    sold = _ids(study)[0]
    links = explain(study, sold)
    assert [one.value for one in _of(links, "report")] == ["phishing"]
    assert [(one.value, one.since, one.until) for one in _of(links, "origin")] == [
        ("AS64500 (Holder 64500)", START, START + timedelta(days=3)),
        ("AS64501 (Holder 64501)", START + timedelta(days=4), START + timedelta(days=6)),
    ]
    (change,) = _of(links, "change")
    assert (change.since, change.value.startswith("hoster ")) == (START + timedelta(days=4), True)
    (network,) = _of(links, "registration")
    assert (network.value, network.note) == (
        "28.1.0.0-28.1.255.255, NET-1, ASSIGNED PA",
        "the same on 2026-01-07",
    )
    assert [one.value for one in _of(links, "holder")] == ["ripe:ORG-OLD (Old Hosting)"]
    assert all(one.rule and one.confidence for one in _of(links, "hoster"))
    assert sum("7 checks" in one.value for one in _of(links, "look")) == 1
    assert not _of(links, "rotation")
    assert not [one for one in links if "\x1b" in repr(one)]


def test_a_rotation_is_counted_and_not_repeated(study: Study) -> None:
    """A name that gives two addresses in turn has two address links and one line on its rotation."""
    links = explain(study, _ids(study)[1][:8])
    assert [one.value for one in _of(links, "address")] == ["28.2.0.1", "28.2.0.2"]
    (rotation,) = _of(links, "rotation")
    assert rotation.value == "7 changes of the answer, 6 back to something known"
    assert len(_of(links, "change")) == 1
    assert [one.value for one in _of(links, "origin")] == ["AS64502 ([31mOther)"]


def test_a_name_without_address_is_told(study: Study) -> None:
    """Where the name went away, the chain says so, and the hoster changes to none."""
    links = explain(study, _ids(study)[2])
    assert [one.value for one in _of(links, "address")] == ["28.1.0.9", "none (nxdomain)"]
    assert " to none" in _of(links, "change")[0].value


def test_the_addresses_of_a_parked_name_are_told_to_be_those_of_its_parking_service(study: Study) -> None:
    """The chain names who holds the parking page's address, and says why no result does; no episode is there."""
    url_id = _ids(study)[0]
    host_id = next(one.host_id for one in study.folder.store.all(Target) if one.url_id == url_id)
    parked = [replace(_resolution(host_id, n, ("28.2.0.9",), "ok"), tags=("parking",)) for n in range(7, 12)]
    study.folder.store.add([*parked, *(_look(url_id, one) for one in parked)])
    study.folder.store.add([_well(one.resolved_at) for one in parked])
    links = explain(study, url_id)
    note = "its addresses are those of the parking service or banner; no result names their hoster"
    assert [one.note for one in _of(links, "look")] == ["", note]
    assert [one.value.split()[0] for one in _of(links, "hoster")] == ["old", "new", "AS64502"]
    assert not any("AS64502" in one.value for one in _of(links, "episode"))


def test_a_name_that_its_platform_took_back_is_told(study: Study, tmp_path: Path) -> None:
    """Below a hoster's own suffix a name that is gone was removed, and the episode says why.

    Elsewhere, or once the suffix is no longer the hoster's, nobody knows.
    """
    url = "https://kit.pages.dev/x"
    for at, names in (("28.1.0.7", [url]), ("28.1.0.8", ["https://shop.example-four.com/x"])):
        (tmp_path / "more.csv").write_text(f"url,reported_at\n{names[0]},2026-01-05T00:00:00Z\n")
        study.import_reports(tmp_path / "more.csv", source="feed")
        url_id = study.folder.vault.keyed_id("url", canonicalize(names[0]).url)
        _see(study, url_id, [(at,), (at,)])
        host_id = next(one.host_id for one in study.folder.store.all(Target) if one.url_id == url_id)
        gone = [_resolution(host_id, n, (), "nxdomain") for n in range(2, 8)]
        looks = [replace(_look(url_id, one), status=None, phase="dns", failure="nxdomain") for one in gone]
        study.folder.store.add([*gone, *looks])
    study.folder.store.add([_well(one.resolved_at) for one in gone])
    (tmp_path / "book.toml").write_text(BOOK.replace("asns = [64500]", 'asns = [64500]\nsuffixes = ["pages.dev"]'))
    study.set_hosters(tmp_path / "book.toml")
    urls = [url, "https://shop.example-four.com/x"]
    found = [_of(explain(study, study.folder.vault.keyed_id("url", one)), "episode")[0] for one in urls]
    assert [one.value.split(" by ")[0] for one in found] == ["at old, ended (removed)", "at old, ended (name)"]
    assert [one.note for one in found] == ["the platform took back the name that it gave", ""]
    first = _of(explain(study, study.folder.vault.keyed_id("url", url), day=START.date()), "episode")[0]
    assert first.note == found[0].note  # whichever day is asked for
    (tmp_path / "book.toml").write_text(BOOK)
    study.set_hosters(tmp_path / "book.toml")
    withdrawn = _of(explain(study, study.folder.vault.keyed_id("url", url)), "episode")[0]
    assert (withdrawn.value.split(" by ")[0], withdrawn.note) == ("at old, ended (name)", "")


def test_one_day_alone(study: Study) -> None:
    """With a date only the looks, the book and the tables of that day are told."""
    sold = _ids(study)[0]
    links = explain(study, sold, SOLD)
    assert [one.value for one in _of(links, "origin")] == ["AS64501 (Holder 64501)"]
    assert not _of(links, "change")
    assert [one.value for one in _of(explain(study, sold, date(2027, 1, 1)), "look")] == ["none on 2027-01-01"]
    assert [one.value for one in _of(explain(study, "28.1.0.5", date(2026, 1, 2)), "origin")] == [
        "AS64500 (Holder 64500)"
    ]
    early = explain(study, "28.1.0.5", date(1990, 1, 1))
    assert "younger than the day" in _of(early, "range")[0].note


def test_databases_of_the_user_have_a_say_of_an_address(study: Study) -> None:
    """A MaxMind database in the study's folder is asked; one that is damaged is named, and ends nothing else."""
    path = database(study.folder.path / "places.mmdb", "GeoLite2-Country", {"country": {"iso_code": "DE"}})
    study.folder.config = msgspec.structs.replace(study.config, geoip=("places.mmdb",))
    (said,) = [link for link in explain(study, "28.0.0.1") if link.step.startswith("second opinion")]
    assert (said.step, said.value, said.source) == ("second opinion: country", "DE", "GeoLite2-Country")
    assert said.note == "no conclusion rests on it"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"places\.mmdb .*damaged"):
        explain(study, "28.0.0.1")


def test_an_address_on_each_day_that_is_new(study: Study) -> None:
    """An address has its links by the day, ends them on the last day on which they held, and counts our hosts."""
    links = explain(study, " ::ffff:28.1.0.5 ")
    assert links == explain(study, "28.1.0.5")
    old, new = _of(links, "origin")
    assert (old.since, old.until) == (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 8, 12, tzinfo=UTC))
    assert (new.since, new.until) == (datetime(2026, 1, 9, 12, tzinfo=UTC), None)
    (seen,) = _of(links, "seen")
    assert (seen.value, seen.since, seen.until) == ("1 host of the study", START, START + timedelta(days=6))
    assert {one.about for one in links[:1]} == {"28.1.0.5"}


def test_a_hoster_with_its_decisions(study: Study) -> None:
    """Name, seat, members, decisions with their status, looks by rule and role; an AS that it holds is part of it."""
    hosters.decide(study.folder, "succession", "old", into="new", since=SOLD, reason="case 7", person="ann")
    links = explain(study, "old", date(2026, 1, 5))
    told = {one.step: one.value for one in links}
    assert (told["name"], told["legal seat"], told["member"]) == ("Old Hosting", "NL", "AS64500")
    assert [(one.value, one.note) for one in _of(links, "succession")] == [
        ("new took over from old from 2026-01-09: case 7", "unreviewed")
    ]
    assert told["seen"] == "1 URL in 1 check" or told["seen"] == "2 URLs in 2 checks"
    assert {one.step: one.value for one in explain(study, "old")}["part of"] == "new"
    assert {one.step: one.value for one in explain(study, "as64500", date(2026, 1, 5))}["part of"] == "old"
    assert explain(study, "AS65000")[-1].value == "in no check"


UNKNOWN = (
    ("f" * 32, "no URL of this study has the id"),
    ("f" * 33, "no hoster of this study"),
    ("abcdef", "no id of a URL begins with it"),
    ("nobody", "no hoster of this study has the key 'nobody'"),
    ("ripe:ORG-NONE", "no hoster of this study"),
    (URLS[0], "explain -, press Enter, paste the URL"),
    ("05b5", "an id of a URL is named by at least its first 6 digits"),
    ("shop.example-one.com", "an address or name was given"),
    ("http:shop.example-one.com", "an address or name was given"),
    ("fe80::1%eth0", "is neither"),
    ("", "is neither"),
)


def test_what_is_not_known_is_refused_in_one_sentence(run: Run) -> None:
    """Exit code 2, nothing on standard output, where to look, and no address of the web."""
    for text, says in UNKNOWN:
        code, out, err = run("explain", text)
        assert (code, out) == (2, "")
        assert says in err
        assert "docs/attribution.md" in err
        assert err.count("\n") == 1


def test_an_id_must_be_told_apart(study: Study) -> None:
    """The beginning of several ids is refused."""
    target = study.folder.store.all(Target)[0]
    values = {name: getattr(target, name) for name in _names(Target)}
    study.folder.store.add([Target(**{**values, "url_id": f"{target.url_id[:30]}{end}"}) for end in ("00", "01")])
    with pytest.raises(InputError, match="several ids"):
        explain(study, target.url_id[:20])


def test_a_forgotten_url_is_told_to_be_so(study: Study) -> None:
    """What was seen under its id stays, and that its URL is gone is said first."""
    sold = _ids(study)[0]
    keys.forget(study.folder, sold, "case 1")
    links = explain(study, sold)
    assert [one.step for one in links[:2]] == ["report", "forgotten"]


def test_every_format_has_the_same_rows(run: Run, study: Study) -> None:
    """CSV and JSON agree, and the table names every step in 80 columns."""
    sold = _ids(study)[0]
    rows = list(csv.DictReader(io.StringIO(run("explain", sold, "--format", "csv")[1])))
    whole = json.loads(run("explain", sold, "--format", "json")[1])
    assert (whole["what"], [row["value"] for row in whole["rows"]]) == ("chain", [row["value"] for row in rows])
    assert set(rows[0]) == _names(ChainLink)
    table = run("explain", sold)[1]
    assert all(row["step"] in table for row in rows)
    assert "2026-01-05 06:00 to 2026-01-11 06:00" in table
    assert all(len(line) <= 80 for line in table.splitlines())


def test_parquet_can_be_read(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain as Parquet has the columns of the schema."""
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(
        sys, "argv", ["waterbed", "-C", str(study.folder.path), "explain", "AS64500", "--format", "parquet"]
    )
    with pytest.raises(SystemExit):
        main()
    table = pq.read_table(io.BytesIO(out.buffer.getvalue()))
    assert set(table.column_names) == _names(ChainLink)


def test_the_doctor_tells_what_waits(study: Study) -> None:
    """Changes that wait, are disputed or change nothing any more, and networks without a fresh registration."""
    merge = hosters.decide(study.folder, "merge", "old", into="new", reason="case 1", person="ann")
    split = hosters.decide(
        study.folder, "split", "part", into="new", members=("AS64501",), reason="case 2", person="ann"
    )
    for person, code in (("bob", "accept"), ("cas", "reject")):
        hosters.code(study.folder, merge.change_id, code, person=person)
    found = {one.what: one for one in examine(study)}
    assert found["changes of hosters are disputed"].figures == "1"
    assert found["changes of hosters wait for review"].figures == "1"
    stale = found["networks without a fresh registration"]
    assert (stale.severity, stale.figures.startswith("2 of 4 addresses without")) == ("warning", True)
    small = study.folder.path / "small.toml"
    small.write_text(BOOK.partition('[[hoster]]\nkey = "new"')[0])
    study.set_hosters(small)
    idle = {one.what: one for one in examine(study)}["changes of hosters have no effect"]
    assert split.change_id[:8] in idle.figures


def test_one_set_of_addresses_may_have_several_answers(study: Study, run: Run) -> None:
    """`attribute` shows a set once for each answer, so a second hoster on the same day is not left out."""
    hosters.decide(study.folder, "succession", "old", into="new", since=date(2026, 1, 7), reason="case 1", person="ann")
    rows = list(csv.DictReader(io.StringIO(run("attribute", "--format", "csv")[1])))
    mine = [row for row in rows if row["addresses"] == "28.1.0.5" and row["routes"] == "2026-01-01"]
    assert len({row["hosters"] for row in mine}) == len(mine) == 2


def test_a_column_of_urls_is_not_written_out(study: Study, run: Run, tmp_path: Path) -> None:
    """Of a wrong column only addresses get into the file of origins, and no holder's name becomes a formula."""
    table, out = tmp_path / "table.csv", tmp_path / "out.csv"
    table.write_text(f"ip\n{URLS[0]}\n28.1.0.5\n28.9.0.1\n")
    formula = tmp_path / "formula.csv"
    formula.write_text("28.9.0.0,28.9.0.255,64509,=1+1\n")
    study.add_table(formula, date(2026, 2, 1))
    code, said, _ = run("attribute", "--csv", table, "--as-of", "2026-02-02", "--out", out, "--format", "csv")
    assert code == 0
    assert out.read_text().splitlines()[1:] == ["1,,", "2,28.1.0.5,", "3,28.9.0.1,AS64509"]
    assert "AS64509,'=1+1,1" in said


def test_a_table_of_an_impossible_day_is_refused(study: Study, tmp_path: Path) -> None:
    """A slip of the pen in the year adds nothing."""
    before = len(study.snapshots())
    for day in (date(25, 4, 11), date.today() + timedelta(days=3), date(9999, 12, 31)):
        with pytest.raises(InputError, match="1980 to today was expected"):
            study.add_table(tmp_path / f"routes-{SOLD}.csv", day)
    assert len(study.snapshots()) == before


def test_a_damaged_table_is_one_sentence(study: Study, run: Run) -> None:
    """A broken folder of a table stops explaining with its name and what to do."""
    for file in (study.folder.tables).rglob("*.npy"):
        file.write_bytes(b"broken")
    code, out, err = run("explain", "28.1.0.5")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "routes-2026-01" in err
