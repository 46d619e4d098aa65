"""Two coders, blind to each other, by commands on a study."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.study.facts import _canary, _looks, hour, report, resolution, written
from waterbed.cli.app import app
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.bookkeeping import Audit
from waterbed.model.decisions import Coding
from waterbed.model.errors import InputError
from waterbed.record.coding.queues import items
from waterbed.store import config
from waterbed.store.own_files import SETTINGS
from waterbed.study.study import Study, open_study

HOURS = 40


def states(letter: str, end: str) -> dict[str, str]:
    """Twelve URLs of a hoster that end one after the other, so that no mass flip is seen."""
    return {f"{letter}{n:02}": ("u" * (1 + n)).ljust(HOURS, end) for n in range(12)}


SEEN = {**states("a", "d"), **states("b", "?"), **states("c", "u")}
"""a removes within hours, of b nobody can tell, c removes nothing."""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study with twelve cases in doubt."""
    with written(tmp_path, SEEN) as found:
        yield found


def run(study: Study, *words: object) -> Result:
    """One command line on the study."""
    return CliRunner().invoke(app, ["-C", str(study.folder.path), "code", *map(str, words)])


def refused(study: Study, *words: object) -> str:
    """Why a command was refused, in one sentence; nothing was put on record."""
    before = study.folder.store.count(Coding)
    done = run(study, *words)
    assert isinstance(done.exception, InputError), done.output
    assert "\n" not in str(done.exception)
    assert study.folder.store.count(Coding) == before
    return str(done.exception)


def rows(study: Study, *words: object) -> list[dict[str, str]]:
    """The rows that a command prints as CSV."""
    return list(csv.DictReader(io.StringIO(run(study, *words, "--format", "csv").stdout)))


def give_all(study: Study, coder: str, codes: dict[str, str], note: str = "") -> None:
    """Put one coder's codes of many cases on record, by one sheet."""
    sheet = study.folder.path.parent / f"codes of {coder}.csv"
    sheet.write_text(
        "".join(["queue,item_id,code,note\n", *(f"outcomes,{c},{code},{note}\n" for c, code in codes.items())])
    )
    assert (
        f"{len(codes)} codes of {coder} on record, 0 were there" in run(study, "read", sheet, "--coder", coder).stdout
    )


def waiting(study: Study, coder: str, task: str = "code") -> list[str]:
    """What waits for a coder, in order."""
    return [row["item_id"] for row in rows(study, "queue", "--coder", coder) if row["task"] == task]


def everything(study: Study, coder: str, sheet: Path) -> bytes:
    """All that a coder is shown: queue, each format, the next item, a sheet."""
    said = [run(study, "queue", "--coder", coder, "--format", form).stdout_bytes for form in ("table", "csv", "json")]
    said += [run(study, "next", *more, "--coder", coder).stdout_bytes for more in ((), ("--settle",))]
    sheet.unlink(missing_ok=True)
    said.append(run(study, "sheet", sheet, "--coder", coder).stdout_bytes)
    return b"".join([*said, sheet.read_bytes()])


def settings(study: Study, tmp_path: Path, **changes: object) -> Study:
    """The same study with other settings of [coding]."""
    study.folder.config = config.Config(study="f" * 32, coding=config.Coding(**changes))  # type: ignore[arg-type]
    path = study.folder.path / SETTINGS
    path.unlink()
    config.write_toml(path, study.folder.config)
    return study


@pytest.mark.long
def test_a_coder_is_shown_the_same_whether_or_not_another_has_coded(study: Study, tmp_path: Path) -> None:
    """Byte for byte: queue, next item, sheet, before and after the other coded every case, notes included."""
    before = everything(study, "ben", tmp_path / "ben.csv")
    cases = waiting(study, "ann")
    assert len(cases) == 12
    assert run(study, "give", cases[0], "up", "--coder", "ann", "--note", "a hunch").exit_code == 0
    give_all(study, "ann", {case: "gone" if number % 2 else "up" for number, case in enumerate(cases[1:])}, "a hunch")
    assert everything(study, "ben", tmp_path / "ben.csv") == before
    assert not waiting(study, "ann")
    assert b"hunch" not in before
    assert [one.note for one in study.folder.store.all(Coding)] == ["a hunch"] * 12
    assert {(one.action, one.reason) for one in study.folder.store.all(Audit)} == {("code outcomes", "coded by ann")}


def test_each_coder_has_an_order_of_its_own(study: Study) -> None:
    """The same cases, not in the same order; twice the same for one coder."""
    ann, ben = waiting(study, "ann"), waiting(study, "ben")
    assert sorted(ann) == sorted(ben)
    assert ann != ben
    assert ann == waiting(study, "ann")
    assert run(study, "next", "--coder", "ann").stdout.splitlines()[0] == ann[0]


def test_what_two_agree_on_is_the_outcome(study: Study, tmp_path: Path) -> None:
    """One code changes nothing; the second that agrees ends the episode; the facts stay; a switch takes it back."""
    case = "b03@4"
    look = next(
        one for one in study.folder.store.all(type(study.conclude().facts.looks[0])) if one.observation_id == case
    )
    before = study.conclude()
    run(study, "give", case, "gone", "--coder", "ann")
    assert study.conclude().verdicts == before.verdicts
    run(study, "give", case, "gone", "--coder", "ben")
    after = study.conclude()
    changed = [(a, b) for a, b in zip(before.verdicts, after.verdicts, strict=True) if a != b]
    assert {b.url_id for _, b in changed} == {"b03"}
    assert len(changed) == HOURS - 4
    assert {(b.outcome, b.rule) for _, b in changed} == {("gone", "H10-server-error+coded")}
    ended = {one.url_id: (one.first_down, one.cause) for one in after.episodes}
    assert ended["b03"] == (look.observed_at, "removed")
    assert ended["b04"] == (None, None)
    assert look in after.facts.looks
    assert settings(study, tmp_path, apply=False).conclude().verdicts == before.verdicts


@pytest.mark.long
def test_a_third_person_settles_what_two_dispute(study: Study) -> None:
    """Neither of the two may, nor anybody before; afterwards the settled code applies and nothing waits."""
    case = "b05@6"
    assert "not disputed" in refused(study, "adjudicate", case, "gone", "--coder", "cas", "--reason", "seen")
    run(study, "give", case, "up", "--coder", "ann")
    run(study, "give", case, "unsure", "--coder", "ben")
    assert waiting(study, "cas", "settle") == [case]
    assert "has coded item b05@6 already" in refused(
        study, "adjudicate", case, "up", "--coder", "ann", "--reason", "mine"
    )
    assert "not unsure" in refused(study, "adjudicate", case, "unsure", "--coder", "cas", "--reason", "hm")
    assert "adjudicate" in refused(study, "give", case, "up", "--coder", "cas")
    assert "address" in refused(study, "adjudicate", case, "up", "--coder", "cas", "--reason", "see one.com")
    assert run(study, "next", "--settle", "--coder", "cas").stdout.startswith(case)
    assert run(study, "adjudicate", case, "moved", "--coder", "cas", "--reason", "case 12").exit_code == 0
    assert {v.outcome for v in study.conclude().verdicts if v.url_id == "b05"} == {"up", "moved"}
    assert not waiting(study, "dee", "settle")
    assert "it is settled" in refused(study, "give", case, "up", "--coder", "dee")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("give", "b03@4", "hacked", "--coder", "ann"),
            "'hacked' is not a code; up, gone, moved, no_name, unreach",
        ),
        (("give", "nothing", "up", "--coder", "ann"), "'nothing' is not an item"),
        (("give", "", "up", "--coder", "ann"), "'' is not an item"),
        (("give", "b", "up", "--coder", "ann"), "is the beginning of 12 ids"),
        (("give", "https://one.com/a", "up", "--coder", "ann"), "that is not an item"),
        (("give", "a00@0", "up", "--coder", "ann"), "is not an item"),
        (("give", "b03@4", "up", "--coder", "ann@one.com"), "--coder must be a name"),
        (("give", "b03@4", "up", "--coder", " "), "--coder must be a name"),
        (("give", "b03@4", "up", "--coder", "ann", "--note", "see one.com"), "address"),
        (("queue", "--queue", "verdicts"), "'verdicts' is not a queue; the queues are hosters, roles, outcomes"),
    ],
)
def test_what_makes_no_sense_is_refused(study: Study, words: tuple[str, ...], says: str) -> None:
    """One sentence with the value where it may be told, and nothing on record."""
    said = refused(study, *words)
    assert says in said
    assert "docs/" in said
    assert "one.com" not in said


def filled(sheet: Path, codes: dict[str, str], out: Path) -> Path:
    """A sheet with some rows filled in."""
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with out.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows({**row, "code": codes.get(row["item_id"], "")} for row in rows)
    return out


def test_a_sheet_goes_out_and_its_codes_come_in(study: Study, tmp_path: Path) -> None:
    """Rows without a code are passed over, reading twice changes nothing, another code for an item is refused."""
    sheet = tmp_path / "ann.csv"
    assert run(study, "sheet", sheet, "--coder", "ann").exit_code == 0
    with sheet.open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [row["item_id"] for row in told] == waiting(study, "ann")
    assert {row["status"] for row in told} == {"500"}
    assert not {"verdict", "rule", "outcome"} & told[0].keys()
    assert "exists already" in refused(study, "sheet", sheet, "--coder", "ann")
    mine = filled(sheet, {"b03@4": "GONE ", "b04@5": "up"}, tmp_path / "mine.csv")
    assert "2 codes" in run(study, "read", mine, "--coder", "ann").stdout
    assert "0 codes of ann on record, 2 were there" in run(study, "read", mine, "--coder", "ann").stdout
    assert {(one.item_id, one.code) for one in study.folder.store.all(Coding)} == {("b03@4", "gone"), ("b04@5", "up")}
    other = filled(sheet, {"b06@7": "up", "b03@4": "up"}, tmp_path / "other.csv")
    assert "a code is not changed" in refused(study, "read", other, "--coder", "ann")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "lacks the column 'queue'"),
        (b"queue,item_id\noutcomes,b03@4\n", "lacks the column 'code'"),
        (b"queue,item_id,code\noutcomes,b03@4,up\noutcomes,b04@5,down\n", "line 3: 'down' is not a code"),
        (b"queue,item_id,code\noutcomes,b03@4,up\noutcomes,nowhere,up\n", "line 3: 'nowhere' is not an item"),
        (b"queue,item_id,code\noutcomes,b03@4,up\noutcomes,b03@4,gone\n", "line 3: ann has coded"),
        (b"queue,item_id,code\noutcomes,b03@4,up\nroles,AS64500,proxy\n", "the one queue"),
        (b"queue,item_id,code\nothers,b03@4,up\n", "the one queue"),
        (b"queue,item_id,code\n\xff\xfe\x00", "not a CSV file in UTF-8"),
        (b'queue,item_id,code\noutcomes,"b03@4,up\n', "not a CSV file in UTF-8"),
    ],
)
def test_a_bad_sheet_changes_nothing(study: Study, tmp_path: Path, content: bytes, says: str) -> None:
    """The first bad line is named, and no line of the sheet is put on record."""
    (tmp_path / "bad.csv").write_bytes(content)
    assert says in refused(study, "read", tmp_path / "bad.csv", "--coder", "ann")
    assert "cannot be read" in refused(study, "read", tmp_path / "none.csv", "--coder", "ann")


@pytest.mark.long
def test_agreement_and_checks(study: Study, tmp_path: Path) -> None:
    """Kappa over cases that two coded; checks are drawn by seed, counted apart, and change no verdict."""
    settings(study, tmp_path, checks=2, seed=7)
    drawn = [one for one in items(study, "outcomes") if not one.doubtful]
    assert sorted(one.stratum for one in drawn) == ["gone"] * 2 + ["up"] * 2
    assert {one.item_id for one in drawn} == {one.item_id for one in items(study, "outcomes") if not one.doubtful}
    assert {one.said for one in drawn} == {"up", "gone"}
    shown = everything(study, "ann", tmp_path / "ann.csv")
    assert shown.count(b"H5-gone") == shown.count(b"doubt") == 0
    before = study.conclude().verdicts
    for coder, codes in (("ann", ["gone", "up", "up"]), ("ben", ["gone", "up", "gone"])):
        mine = dict(zip(("b03@4", "b04@5", "b05@6"), codes, strict=True))
        give_all(study, coder, {**{one.item_id: "up" for one in drawn}, **mine})
    hosters, roles, cases, checks = rows(study, "agreement")
    assert (hosters["items"], roles["items"]) == ("0", "0")
    assert (cases["items"], cases["agreed"], cases["disputed"], float(cases["kappa"])) == (
        "3",
        "2",
        "1",
        pytest.approx(0.4),
    )
    assert json.loads(cases["prevalence"]) == ["gone 3", "up 3"]
    assert (checks["cases"], checks["items"], checks["codes"], checks["others"]) == ("checks", "4", "8", "4")
    changed = {a.url_id for a, b in zip(before, study.conclude().verdicts, strict=True) if a != b}
    assert changed == {"b03", "b04"}
    settings(study, tmp_path, checks=2, seed=8)
    assert {one.item_id for one in items(study, "outcomes") if not one.doubtful} != {one.item_id for one in drawn}


def test_roles_that_two_agree_on_feed_the_book(tmp_path: Path) -> None:
    """An AS in doubt becomes a reverse proxy in book, attributions and ranking; the switch takes it back."""
    with written(tmp_path, SEEN, routes_max_age_days=0.0) as study:
        settings_of = study.folder.config
        assert [row["item_id"] for row in rows(study, "queue", "--queue", "roles", "--coder", "ann")] != []
        told = run(study, "next", "--queue", "roles", "--coder", "ann").stdout
        assert "looks_with_low_confidence" in told
        checksum = study.book().checksum
        for coder in ("ann", "ben"):
            assert study.book().on(date.max).kind("AS64501") != "proxy"
            assert run(study, "give", "AS64501", "proxy", "--queue", "roles", "--coder", coder).exit_code == 0
        assert study.book().on(date.max).kind("AS64501") == "proxy"
        assert study.book().checksum != checksum
        assert {row.key: row.rank_class for row in ranking_of(study.conclude())}["AS64501"] == "proxy"
        assert study.attributor().name_of("AS64501") == "Hoster b"
        for coder in ("ann", "ben"):
            run(study, "give", "AS64500", "upstream", "--queue", "roles", "--coder", coder)
        assert study.book().on(hour(0).date()).kind("AS64500") == "hoster"
        assert study.book().without_kinds().checksum == checksum
        settings(study, tmp_path, apply=False)
        assert study.book().checksum == checksum
        assert settings_of.coding.apply


def test_changes_of_hosters_are_coded_by_the_same_commands(study: Study, tmp_path: Path) -> None:
    """A merge waits in the queue of hosters, goes out in a sheet, and is settled by the codes of two."""
    words = ["merge", "AS64500", "AS64501", "--reason", "case 1"]
    made = CliRunner().invoke(app, ["-C", str(study.folder.path), "hosters", *words])
    change = made.stdout.partition(":")[0]
    sheet = tmp_path / "ann.csv"
    assert run(study, "sheet", sheet, "--queue", "hosters", "--coder", "ann").exit_code == 0
    mine = filled(sheet, {change: "accept"}, tmp_path / "mine.csv")
    assert "1 codes" in run(study, "read", mine, "--coder", "ann").stdout
    assert "0 codes" in run(study, "read", mine, "--coder", "ann").stdout
    assert run(study, "give", change[:8], "reject", "--queue", "hosters", "--coder", "ben").exit_code == 0
    assert [row["task"] for row in rows(study, "queue", "--queue", "hosters", "--coder", "cas")] == ["settle"]
    assert "already" in refused(study, "give", change, "accept", "--queue", "hosters", "--coder", "ben")
    run(study, "adjudicate", change, "accept", "--queue", "hosters", "--coder", "cas", "--reason", "case 2")
    assert study.book().statuses == {change: "accepted"}


def test_coders_meet_no_url(tmp_path: Path) -> None:
    """No host name and no path is in anything that coders are shown, on screen, in sheets, in the database's rows."""
    with written(tmp_path, {"a00": "u"}) as study:
        (tmp_path / "reports.csv").write_text("url\nhttps://secret-name.example.com/hidden-path?q=1\n")
        study.import_reports(tmp_path / "reports.csv", source="hotline")
        (url_id,) = set(study.conclude().facts.targets) - {"a00"}
        target = study.conclude().facts.targets[url_id]
        answer = resolution("x", "28.0.9.9", resolution_id=f"r-{url_id}", host_id=target.host_id)
        study.folder.store.add(
            [answer, *_looks(url_id, "uuu???", "28.0.9.9"), *(_canary(n, True) for n in range(1, 6))]
        )
        assert len(waiting(study, "ann")) == 1
        shown = everything(study, "ann", tmp_path / "ann.csv") + run(study, "effect").stdout_bytes
        run(study, "give", waiting(study, "ann")[0], "up", "--coder", "ann")
        shown += run(study, "agreement").stdout_bytes + repr(study.folder.store.all(Coding)).encode()
        assert url_id.encode() in shown
        for secret in (b"secret", b"example", b"hidden", b"https"):
            assert secret not in shown


def test_a_study_without_doubt_has_nothing_to_code(tmp_path: Path) -> None:
    """Empty queues end with exit code 0, an empty sheet can be read, agreement and effect have no numbers."""
    with written(tmp_path, {"a00": "uuu"}) as study:
        for queue in ("hosters", "roles", "outcomes"):
            assert run(study, "queue", "--queue", queue, "--coder", "ann").exit_code == 0
        assert "Nothing waits" in run(study, "next", "--coder", "ann").stdout
        assert run(study, "sheet", tmp_path / "s.csv").exit_code == 0
        assert "0 codes" in run(study, "read", tmp_path / "s.csv", "--coder", "ann").stdout
        assert [row["kappa"] for row in rows(study, "agreement")] == ["", "", ""]
        assert "0 cases are unresolved" in run(study, "effect").stdout


def test_one_coder_has_one_spelling(study: Study) -> None:
    """A name that differs in case or form alone is no second person; nothing is on record."""
    case = waiting(study, "ann\u00e9")[0]
    assert run(study, "give", case, "gone", "--coder", "ann\u00e9").exit_code == 0
    for other in ("Ann\u00e9", "anne\u0301"):
        problem = run(study, "give", case, "gone", "--coder", other).exception
        assert isinstance(problem, InputError)
        assert "spell the name as there" in str(problem)
    assert len(study.folder.store.all(Coding)) == 1


def test_codes_survive_reopening(study: Study) -> None:
    """Another process finds what was coded, and a report that came later leaves the case what it was."""
    run(study, "give", "b03@4", "gone", "--coder", "ann")
    study.folder.store.add([report("b03", report_id="later", reported_at=hour(30), received_at=hour(30))])
    with open_study(study.folder.path) as again:
        assert "b03@4" not in waiting(again, "ann")
        assert "b03@4" in waiting(again, "ben")


def test_a_code_of_two_applies_on_either_database(tmp_path: Path, store_url: str) -> None:
    """The same commands and the same verdicts on SQLite and on PostgreSQL."""
    with written(tmp_path, {"a00": "uu????"}, store=config.StoreAt(url=store_url)) as study:
        for coder in ("ann", "ben"):
            assert run(study, "give", "a00@2", "gone", "--coder", coder).exit_code == 0
        assert [one.state for one in study.conclude().verdicts] == ["up"] * 2 + ["down"] * 4
        assert not waiting(study, "cas")


@pytest.mark.long
def test_a_frozen_study_reproduces_what_was_coded(study: Study, tmp_path: Path) -> None:
    """Codes travel in the package under numbered persons, and the tables made from them are equal elsewhere."""
    for coder in ("ann", "ben"):
        run(study, "give", "b03@4", "gone", "--coder", coder)
    package = str(tmp_path / "package")
    assert CliRunner().invoke(app, ["-C", str(study.folder.path), "freeze", package]).exit_code == 0
    done = CliRunner().invoke(app, ["reproduce", package, str(tmp_path / "again")])
    assert done.exit_code == 0, done.output
    with open_study(tmp_path / "again") as again:
        assert again.conclude().verdicts == study.conclude().verdicts
        assert {one.coder for one in again.folder.store.all(Coding)} == {"person-1", "person-2"}


def test_what_no_server_answered_cannot_be_coded_as_an_answer() -> None:
    """Without a status the codes that say what a server answered are not offered."""
    from waterbed.record.coding.items import OUTCOMES, Item

    silent = Item(queue=OUTCOMES, item_id="a", evidence={"status": ""})
    assert silent.codes == ("no_name", "unreachable", "unsure")
    assert "gone" in Item(queue=OUTCOMES, item_id="a", evidence={"status": "500"}).codes
