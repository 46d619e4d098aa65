"""Hosters as people decide them, by the command line and on both databases."""

import csv
import io
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.store.study_folder import made
from waterbed.governance import hosters
from waterbed.governance.hosters import VERSIONS, book_as_decided, read_book
from waterbed.model.bookkeeping import Audit
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError
from waterbed.questions.networks.command import hosters_app
from waterbed.store.config import Config
from waterbed.store.hoster_settings import Hosters
from waterbed.store.machine_settings import StoreAt
from waterbed.study.study import Study, create_study

FILE = """
[[hoster]]
key = "first"
name = "First Hosting"
asns = [64500]
[[hoster]]
key = "second"
name = "Amazon"
asns = [64501, 64502]
"""
DAY, BEFORE = date(2025, 4, 11), date(2025, 4, 1)


@pytest.fixture
def study(tmp_path: Path, store_url: str):
    """A study with a file of two hosters, without the known list."""
    settings = Config(study=os.urandom(16).hex(), store=StoreAt(url=store_url), hosters=Hosters(known=False))
    file = tmp_path / "hosters.toml"
    file.write_text(FILE)
    with create_study(tmp_path / "study", settings) as made_study:
        made_study.set_hosters(file)
        yield made_study


class Shell:
    """The commands on a study, run by one account or another."""

    def __init__(self, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.study = study
        self._monkeypatch = monkeypatch
        self.app = typer.Typer()
        self.app.callback()(self._root)
        self.app.add_typer(hosters_app, name="hosters")

    def _root(self, context: typer.Context) -> None:
        context.obj = self.study

    def be(self, number: int) -> None:
        """Be the account of a number from now on."""
        self._monkeypatch.setattr(os, "getuid", lambda: 90_000 + number)

    def run(self, *words: object) -> tuple[int, str]:
        """Run a command: exit code, and what it said or why not."""
        done = CliRunner().invoke(self.app, ["hosters", *map(str, words)])
        if isinstance(done.exception, InputError):
            assert "\n" not in str(done.exception)
            return 2, str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    def rows(self, *words: object) -> list[dict[str, str]]:
        """The rows that a command prints as CSV."""
        return list(csv.DictReader(io.StringIO(self.run(*words, "--format", "csv")[1])))


@pytest.fixture
def shell(study: Study, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The commands, by account 1 at first."""
    found = Shell(study.folder.path, monkeypatch)
    found.be(1)
    return found


def test_a_merge_is_proposed_coded_by_two_and_undone(study: Study, shell: Shell) -> None:
    """The whole life of a decision by commands: blind queue, dispute, third person, agreement, undo."""
    code, said = shell.run("merge", "first", "second", "--since", DAY, "--reason", "case 12: one owner since then")
    assert (code, "first is the same company as second from 2025-04-11" in said) == (0, True)
    change_id = said.partition(":")[0]
    assert [study.book().on(day).key_of_as(64500) for day in (BEFORE, DAY)] == ["first", "second"]
    assert study.book().on(DAY).unreviewed("second")
    assert shell.run("queue")[0] == 0
    code, said = shell.run("code", change_id, "accept")
    assert (code, "two others code it" in said) == (2, True)

    shell.be(2)
    code, said = shell.run("queue")
    assert (code, change_id in said, "AS64500" in said, "case 12" in said) == (1, True, True, True)
    assert shell.run("code", change_id[:8], "accept", "--note", "same invoices")[0] == 0
    assert shell.run("queue")[0] == 0
    shell.be(3)
    assert "invoices" not in shell.run("queue", "--format", "json")[1]
    assert shell.rows("show", "--table", "changes")[0]["status"] == "unreviewed"
    assert shell.run("code", change_id, "reject")[0] == 0
    assert shell.rows("show", "--table", "changes")[0]["status"] == "disputed"
    shell.be(4)
    assert shell.rows("queue")[0]["task"] == "settle"
    assert "--adjudicate" in shell.run("code", change_id, "accept")[1]
    assert shell.run("code", change_id, "accept", "--adjudicate")[0] == 0
    assert shell.rows("show", "--table", "changes")[0]["status"] == "accepted"
    assert not study.book().on(DAY).unreviewed("second")
    agreed = shell.rows("agreement")[0]
    assert (agreed["queue"], agreed["items"], agreed["agreed"], agreed["share"]) == ("hosters", "1", "0", "0.0")
    assert json.loads(agreed["prevalence"]) == ["accept 1", "reject 1"]

    assert shell.run("undo", change_id, "--reason", "case 13")[0] == 0
    assert study.book().on(DAY).key_of_as(64500) == "first"
    shell.be(5)
    assert "was undone" in shell.run("code", change_id, "accept")[1]
    actions = [(a.action, a.who) for a in study.folder.store.all(Audit, order=("done_at", "audit_id"))]
    assert [action for action, _ in actions] == [
        "hosters",
        "hosters merge",
        *["hosters code"] * 3,
        "hosters undo",
    ]
    assert [who for _, who in actions[1:]] == ["uid 90001", "uid 90002", "uid 90003", "uid 90004", "uid 90004"]


def test_the_audit_does_not_tell_a_coder_what_others_think(study: Study) -> None:
    """Who coded is on record for everybody, the code and its note only among the codings."""
    merge = hosters.decide(study.folder, "merge", "first", into="second", reason="case 1", person="ann")
    hosters.code(study.folder, merge.change_id, "reject", note="not so", person="bob")
    told = [audit for audit in study.folder.store.all(Audit) if audit.action == "hosters code"]
    assert [(one.who, one.reason, one.subject_id) for one in told] == [("bob", "coded", merge.change_id)]
    assert [(one.code, one.note) for one in study.folder.store.all(Coding)] == [("reject", "not so")]


def test_define_split_and_succession_by_command(shell: Shell, study: Study) -> None:
    """A new hoster gets its name, members and a successor, as of their days."""
    assert shell.run("define", "cloud", "--name", "Cloud", "--country", "NL", "--reason", "case 1")[0] == 0
    assert shell.run("split", "cloud", "second", "--members", "AS64502, 192.0.2.0/24", "--reason", "case 1")[0] == 0
    assert shell.run("succession", "cloud", "AS64510", "--since", DAY, "--reason", "case 2")[0] == 0
    book = study.book()
    assert [book.on(day).key_of_as(64502) for day in (BEFORE, DAY)] == ["cloud", "AS64510"]
    assert [book.on(day).key_of_address("192.0.2.9") for day in (BEFORE, DAY)] == ["cloud", "AS64510"]
    code, said = shell.run("show", "cloud", "--as-of", DAY)
    assert (code, "AS64510 succeeded cloud on 2025-04-11" in said, "case 2" in said) == (0, True, True)
    rows = {row["key"]: row for row in shell.rows("show", "--as-of", BEFORE)}
    assert json.loads(rows["cloud"]["members"]) == ["AS64502", "192.0.2.0/24"]
    assert rows["cloud"]["unreviewed"] == "true"
    assert shell.run("show", "nobody")[0] == 2
    assert [row["part_of"] for row in shell.rows("show", "AS64502", "--as-of", BEFORE)] == ["cloud"]
    assert [(row["part_of"], row["origin"]) for row in shell.rows("show", "AS64999")] == [("", "unclaimed")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("merge", "first", "second", "--reason", " "), "--reason"),
        (("merge", "first", "second", "--reason", "see www.example.com/x"), "--reason holds"),
        (("merge", "first", "first", "--reason", "x"), "given twice"),
        (("merge", "first", "nobody", "--reason", "x"), "not a hoster of this book"),
        (("split", "new", "first", "--members", "", "--reason", "x"), "--members"),
        (("split", "new", "first", "--members", "AS64501", "--reason", "x"), "not held by first"),
        (("define", "new", "--name", "New", "--kind", "cloud", "--reason", "x"), "--kind"),
        (("merge", "http://www.example.com/x", "first", "--reason", "x"), "[not shown] is not a hoster's key"),
        (("merge", "http:www.example.com", "first", "--reason", "x"), "[not shown] is not a hoster's key"),
        (("define", "www.example.com", "--name", "New", "--reason", "x"), "key [not shown] is not"),
        (("define", "new", "--name", "New", "--country", "http://www.example.com/", "--reason", "x"), "[not shown]"),
        (("define", "new", "--name", "New", "--kind", "http://www.example.com/", "--reason", "x"), "[not shown]"),
        (("succession", "first", "second", "--since", "9999-12-31", "--reason", "x"), "after 2100"),
        (("split", "new", "first", "--members", "www.example.com", "--reason", "x"), "[not shown] is not a member"),
        (("undo", "0" * 32, "--reason", "x"), "not a change of this book"),
        (("code", "0" * 32, "accept"), "not a change of this book"),
        (("show", "--decided-by", "yesterday"), "--decided-by"),
        (("add", "missing.toml"), "cannot be read"),
    ],
)
def test_bad_input_changes_nothing(shell: Shell, study: Study, words: tuple[str, ...], says: str) -> None:
    """One sentence with exit code 2, and neither a change nor an entry in the audit."""
    before = study.folder.store.count(Audit)
    code, said = shell.run(*words)
    assert (code, says in said, "docs/" in said) == (2, True, True)
    assert (study.folder.store.count(HosterChange), study.folder.store.count(Audit)) == (0, before)
    assert study.book().on(DAY).key_of_as(64500) == "first"


def test_the_book_of_an_earlier_time_can_be_had_again(shell: Shell, study: Study, tmp_path: Path) -> None:
    """File, changes and codings are those of the moment; each version of the file is kept under its checksum."""
    folder = study.folder
    first = read_book(folder)
    start = datetime.now(UTC)
    merge = hosters.decide(folder, "merge", "first", into="second", reason="case 1", person="ann")
    merged = read_book(folder)
    for person in ("bob", "cas"):
        hosters.code(folder, merge.change_id, "reject", person=person)
    newer = tmp_path / "newer.toml"
    newer.write_text(FILE.replace("64500", "64509"))
    code, said = shell.run("add", newer, "--reason", "new numbers")
    assert (code, said) == (0, "2 hosters with 3 ASes and 0 platform suffixes\n")
    assert read_book(folder).on(DAY).key_of_as(64509) == "first"
    assert book_as_decided(folder, start).checksum == first.checksum
    assert book_as_decided(folder, merge.decided_at).checksum == merged.checksum
    assert book_as_decided(folder, datetime.now(UTC)).checksum == read_book(folder).checksum
    assert book_as_decided(folder, datetime(2020, 1, 1, tzinfo=UTC)).by_key == {}
    rows = {row["key"]: row for row in shell.rows("show", "--decided-by", merge.decided_at.isoformat())}
    assert rows["first"]["part_of"] == "second"
    taken = [audit for audit in folder.store.all(Audit, order=("done_at",)) if audit.action == "hosters"]
    assert [(one.reason, one.who) for one in taken] == [
        ("file of 2 hosters", taken[0].who),
        ("new numbers", "uid 90001"),
    ]
    kept = folder.path / VERSIONS / f"{taken[0].subject_id}.toml"
    assert kept.read_text() == FILE
    kept.write_text(FILE.replace("64500", "64509"))
    with pytest.raises(InputError, match="is not what was taken in"):
        book_as_decided(folder, start)
    kept.unlink()
    with pytest.raises(InputError, match="missing"):
        book_as_decided(folder, start)


def test_a_new_file_under_old_decisions_is_told(shell: Shell, tmp_path: Path) -> None:
    """A decision that the new file leaves without effect is named, and shown so."""
    shell.run("split", "cloud", "second", "--members", "AS64502", "--reason", "case 1")
    small = tmp_path / "small.toml"
    small.write_text(FILE.partition('[[hoster]]\nkey = "second"')[0])
    assert "no longer has an effect" in shell.run("add", small)[1]
    assert shell.rows("show", "--table", "changes")[0]["status"] == "no effect"


def test_decisions_decide_an_attribution(study: Study, tmp_path: Path) -> None:
    """A look is attributed to the company of its own day, and never to one that is only called alike."""
    routes = tmp_path / "routes.csv"
    routes.write_text("192.0.2.0,192.0.2.255,64500,First\n198.51.100.0,198.51.100.255,64999,AMAZONET\n")
    study.add_table(routes, BEFORE)
    hosters.decide(study.folder, "succession", "first", into="second", since=DAY, reason="case 1", person="ann")
    attributor = study.attributor()
    days = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (BEFORE, DAY)]
    assert [attributor.attribute(("192.0.2.1",), None, day).hosters for day in days] == [("first",), ("second",)]
    assert attributor.attribute(("198.51.100.1",), None, days[1]).hosters == ("AS64999",)


def test_the_known_list_can_be_switched_off(tmp_path: Path) -> None:
    """It lies beneath every study unless its settings say otherwise."""
    folder = made(tmp_path / "s")
    assert read_book(folder).on(DAY).kind("cloudflare") == "proxy"
    folder.close()
    settings = Config(study=os.urandom(16).hex(), hosters=Hosters(known=False))
    with create_study(tmp_path / "t", settings) as study:
        assert read_book(study.folder).by_key == {}


def test_a_file_added_after_the_clock_was_set_back_is_in_force(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file taken in last holds, whatever the clock says."""
    monkeypatch.setattr(hosters, "real_clock", lambda: datetime(2020, 1, 1, tzinfo=UTC))
    file = tmp_path / "later.toml"
    file.write_text(FILE.replace("First Hosting", "Later Hosting"))
    study.set_hosters(file)
    first, second = study.folder.store.all(Audit, order=("done_at",))
    assert first.done_at < second.done_at
    assert {one.name for one in read_book(study.folder).file} == {"Later Hosting", "Amazon"}
