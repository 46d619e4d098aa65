"""The commands about notices, compliance and fact sheets: what they print, and how they fail."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.study_folder import made, report
from tests.study.copies import copied, kept
from tests.study.facts import hour, numbered, target, written
from tests.study.facts import report as reported
from tests.study.rig import Run
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.facts import Notice
from waterbed.model.notices import latest_notices
from waterbed.store.machine_settings import StoreAt
from waterbed.store.settings import CycleGuard
from waterbed.study.study import Study, open_study

URL = "http://one.forgetme-example.com/a"


def notice(url_id: str, delivered: float, recipient: str = "AS64500", **other: object) -> Notice:
    """A notice that was sent half an hour before it arrived, so many hours after the start."""
    plain: dict[str, object] = {
        "notice_id": f"{url_id}-{recipient}-{delivered}",
        "url_id": url_id,
        "kind": "ntd",
        "sender": "hotline",
        "recipient": recipient,
        "batch": None,
        "channel": "mail",
        "reminder": False,
        "sent_at": hour(delivered) - timedelta(minutes=30),
        "delivered_at": hour(delivered),
        "bounced": False,
        "acknowledged_at": None,
        "response": None,
        "held_for_police": False,
        "received_at": hour(delivered),
    }
    return Notice(**{**plain, **other})  # type: ignore[arg-type]  # fields by name


SEEN = {
    **numbered("a", 12, "u" * 10 + "d" * 100),
    **numbered("b", 3, "u" * 110),
    "a12": "u" * 3 + "d" * 107,
    "a13": "u" * 110,
}
"""Hoster a removes twelve URLs after ten hours, one after three, and leaves one up; b leaves all of its own up."""


def told(study: Study) -> None:
    """Each hoster is told after five hours, a also of what is b's."""
    found = [notice(f"a{n:02}", 5) for n in range(14)]
    found += [notice(f"b{n:02}", 5, "AS64501") for n in range(3)]
    found += [notice("b00", 20), notice("a13", 50, reminder=True)]
    study.folder.store.add(found)


def make(folder: Path, store_url: str = "sqlite") -> None:
    """A study with notices."""
    with written(folder, SEEN, store=StoreAt(url=store_url), cycle_guard=CycleGuard(share=1.0)) as opened:
        told(opened)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a study, for all tests of this file."""
    return kept(tmp_path_factory.mktemp("told"), make)


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


def rows(said: tuple[int, str, str]) -> list[dict[str, object]]:
    """The rows of a JSON answer."""
    assert said[0] == 0, said
    return list(json.loads(said[1])["rows"])


def test_notices_are_imported_and_told(run: Run, tmp_path: Path) -> None:
    """Good lines are counted, bad ones listed without their text; strangers among the recipients are named."""
    folder = made(tmp_path / "s")
    report(folder, [URL])
    folder.close()
    file = tmp_path / "sent.csv"
    file.write_text(f"url,recipient,sent_at\n{URL},AS64500,2026-01-05\n{URL},no.name,2026-01-05\n{URL}x,x,2026-01-05\n")
    code, out, _ = run("-C", tmp_path / "s", "notices", file, "--sender", "hotline", "--kind", "dsa")
    assert (code, "1 notice imported, 0 already known, 2 lines rejected" in out) == (1, True)
    assert "line 3: recipient must be a hoster's key" in out
    assert "line 4: its URL is unknown" in out
    assert ("forgetme" in out, "no.name" in out) == (False, False)
    file.write_text(f"url,recipient,sent_at\n{URL},AS64500,2026-01-05\n")
    assert run("-C", tmp_path / "s", "notices", file, "--sender", "hotline", "--kind", "dsa")[:2] == (
        0,
        "sent.csv: 0 notices imported, 1 already known, 0 lines rejected\n",
    )
    file.write_text(f"url,recipient,sent_at\n{URL},nobody-known,2026-01-05\n")
    code, out, _ = run("-C", tmp_path / "s", "notices", file)
    assert (code, "1 recipient is not in the book of hosters: nobody-known, line 2 (" in out) == (1, True)
    with open_study(tmp_path / "s") as opened:
        kept = {(one.kind, one.sender) for one in opened.folder.store.all(Notice)}
    assert kept == {("dsa", "hotline"), ("ntd", "sent")}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("notices", "missing.csv"), "cannot be read"),
        (("notices", "missing.csv", "--kind", "letter"), "--kind must be one of"),
        (("notices", "missing.csv", "--sender", "a.example"), "--sender must be 1 to 64"),
        (("fact-sheet", "nobody"), "nor its book knows the hoster 'nobody'"),
        (("fact-sheet", "bad.example.com"), "nor its book knows the hoster [not shown]"),
        (("rank", "--table", "places", "--clock", "notice_sent"), "clocks from the report alone"),
    ],
)
def test_wrong_words_are_one_sentence(run: Run, tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    """What cannot be done is said in one sentence with exit code 2."""
    with written(tmp_path, {"a0": "uu"}):
        pass
    code, out, err = run("-C", tmp_path / "study", *words)
    assert (code, out, err.strip().count("\n"), part in err) == (2, "", 0, True), err


def test_a_mistyped_key_is_asked_about(run: Run, tmp_path: Path) -> None:
    """The sentence names the key that it is like, and no sheet is printed."""
    with written(tmp_path, {"a0": "uu"}):
        pass
    study, book = tmp_path / "study", tmp_path / "hosters.toml"
    book.write_text('[[hoster]]\nkey = "moerashost"\nname = "Moerashost"\nasns = [64500]\n')
    assert run("-C", study, "hosters", "add", book)[0] == 0
    for words in (("fact-sheet", "moerashots"), ("event", "init", "moerashots", "--date", "2026-01-05T01:00")):
        code, out, problem = run("-C", study, *words)
        assert (code, out, "moerashots" in problem, "(did you mean moerashost?)" in problem) == (2, "", True, True)


def test_a_mistyped_recipient_is_told_with_its_lines(run: Run, tmp_path: Path) -> None:
    """The first line is named, the others counted, and the key that it is like is asked about."""
    folder = made(tmp_path / "s")
    report(folder, [URL])
    folder.close()
    study, book, sent = tmp_path / "s", tmp_path / "hosters.toml", tmp_path / "sent.csv"
    book.write_text('[[hoster]]\nkey = "moerashost"\nname = "Moerashost"\nasns = [64500]\n')
    assert run("-C", study, "hosters", "add", book)[0] == 0
    days = ("moerashost,2026-01-05", "moerashots,2026-01-05", "moerashots,2026-01-06", "zzz,2026-01-05")
    sent.write_text("url,recipient,sent_at\n" + "".join(f"{URL},{day}\n" for day in days))
    code, out, _ = run("-C", study, "notices", sent)
    assert code == 1
    assert out.splitlines()[-1].strip() == (
        "2 recipients are not in the book of hosters: moerashots, line 3 and 1 more line (did you mean moerashost?); "
        "zzz, line 5 (waterbed hosters show lists the keys)"
    )


def test_compliance_counts_from_the_delivered_notice(run: Run, tmp_path: Path, store_url: str) -> None:
    """Thirteen clocks of hoster a, twelve removed within twelve hours; one was gone before and is no clock."""
    make(tmp_path, store_url)
    study = tmp_path / "study"
    said = run("-C", study, "compliance", "--format", "json")
    heading = json.loads(said[1])
    assert (heading["what"], heading["by"], heading["clock"]) == ("compliance", "hoster", "notice_delivered")
    found = {(row["key"], row["within_h"]): row for row in rows(said)}
    day = found["AS64500", 24.0]
    assert (day["clocks"], day["before"], day["removed_before"], day["class"]) == (13, 1, 1, "too few days")
    assert day["removed"] == pytest.approx(12 / 13, abs=1e-4)
    assert found["AS64500", 1.0]["removed"] == 0.0
    assert (found["AS64501", 24.0]["removed"], found["AS64501", 24.0]["class"]) == (None, "too few")
    code, out, _ = run("-C", study, "compliance")
    assert (code, "16 to the hoster of that time" in out, "1 misaddressed" in out) == (0, False, True)
    assert "18 to the hoster of that time" in out
    assert "1/1" in out


def test_a_withdrawn_notice_counts_nowhere(run: Run, study: Path) -> None:
    """Neither its clock nor its row, nor the overdue content, is left; how many are withdrawn is said."""
    words = ("compliance", "--format", "json"), ("compliance", "--table", "notices", "--format", "json")

    def clocks() -> tuple[int, int]:
        shares, notices = (rows(run("-C", study, *asked)) for asked in words)
        day = next(row for row in shares if (row["key"], row["within_h"]) == ("AS64500", 24.0))
        return int(str(day["clocks"])), len(notices)

    assert clocks() == (13, 19)
    assert "withdrawn" not in run("-C", study, "compliance")[1]
    wrong = [notice("a13", 5), notice("b00", 20)]
    with open_study(study) as opened:
        opened.folder.store.add(
            replace(one, notice_id=f"not-{one.notice_id}", received_at=hour(60), withdrawn=True) for one in wrong
        )
    assert clocks() == (13, 17)  # the reminder starts the clock of a13 now
    for table in ("shares", "trends", "unanswered", "notices", "effect", "returns", "deadlines"):
        for words_ in ((), ("--window", "month")):
            said = run("-C", study, "compliance", "--table", table, *words_)[1]
            assert said.count("2 notices withdrawn: left out everywhere.") == 1, (table, said)
    said = " ".join(run("-C", study, "compliance")[1].split())
    assert "17 notices: 17 to the hoster of that time, 0 to somebody around it, 0 misaddressed" in said
    with open_study(study) as opened:
        latest = latest_notices(opened.folder.store.all(Notice))
        opened.folder.store.add(
            replace(one, notice_id=f"no-{one.notice_id}", received_at=hour(70), withdrawn=True) for one in latest
        )
    said = run("-C", study, "compliance")[1]
    assert ("19 notices withdrawn" in said, "The study has no notices" in said) == (True, True)
    assert rows(run("-C", study, *words[1])) == []
    assert "This study has no notice" in run("-C", study, "overdue")[1]
    assert json.loads(run("-C", study, "fact-sheet", "AS64500", "--format", "json")[1])["clock"] == "reported"


def test_compliance_shows_weeks_trends_silence_and_notices(run: Run, study: Path) -> None:
    """Each table has its rows in every format."""
    weekly = rows(run("-C", study, "compliance", "--weeks", "--format", "json"))
    assert {row["week"] for row in weekly} == {None, "2026-W02"}
    (trend, _) = rows(run("-C", study, "compliance", "--table", "trends", "--format", "json"))
    assert (trend["slope"], trend["weeks"], trend["class"]) == (None, 1, "too few days")
    silent = rows(run("-C", study, "compliance", "--table", "unanswered", "--after", "48", "--format", "json"))
    assert {(row["url_id"], row["reminders"]) for row in silent} == {("a13", 1), ("b00", 0), ("b01", 0), ("b02", 0)}
    notices = rows(run("-C", study, "compliance", "--table", "notices", "--format", "json"))
    assert [row["url_id"] for row in notices if row["addressed"] == "misaddressed"] == ["b00"]
    for what in ("shares", "trends", "unanswered", "notices"):
        assert run("-C", study, "compliance", "--table", what)[0] == 0
        lines = run("-C", study, "compliance", "--table", what, "--weeks", "--format", "csv")[1].splitlines()
        assert len(lines) > 1
    timed = " ".join(run("-C", study, "compliance", "--table", "deadlines")[1].split())
    assert "hours until half was gone, of clocks without one" in timed


def test_other_clocks_can_be_asked_for(run: Run, study: Path) -> None:
    """The ranking runs from the report unless told otherwise, and says what it runs from."""
    plain = json.loads(run("-C", study, "rank", "--format", "json")[1])
    told_ = json.loads(run("-C", study, "rank", "--clock", "notice_delivered", "--format", "json")[1])
    assert (plain["clock"], told_["clock"]) == ("reported", "notice_delivered")
    assert [(one["rows"][0]["key"], one["rows"][0]["episodes"]) for one in (plain, told_)] == [
        ("AS64500", 14),
        ("AS64500", 13),
    ]
    assert "the first notice to the hoster" in run("-C", study, "rank", "--clock", "notice_delivered")[1]
    assert rows(run("-C", study, "compliance", "--clock", "legal_order", "--format", "json")) == []
    settings = study / "waterbed.toml"
    settings.write_text(f'clock = "notice_sent"\n{settings.read_text().replace("clock = ", "# ")}')
    assert json.loads(run("-C", study, "rank", "--format", "json")[1])["clock"] == "notice_sent"


def test_the_sheet_of_a_hoster(run: Run, study: Path) -> None:
    """Numbers, curve by cause, cases by id and misaddressed notices; the other formats have the cases."""
    code, out, _ = run("-C", study, "fact-sheet", "AS64500", "--format", "json")
    whole = json.loads(out)
    assert (code, whole["key"], whole["name"], whole["what"]) == (0, "AS64500", "Hoster a", "sheet")
    assert (whole["ranking"][0]["urls"], whole["size"][0]["announced_v4"]) == (14, 65536)
    shares = {(one["cause"], one["within_h"]): one["share"] for one in whole["curve"]}
    assert shares["removed", 24.0] == pytest.approx(12 / 13, abs=1e-4)
    assert shares["name", 24.0] == 0.0
    (long,) = whole["duration"]
    assert (long["clocks"], long["late"], long["within_h"]) == (13, 0, 168.0)
    assert long["median_h"] is long["median_low"] is long["median_high"] is None  # reports of one day
    cases = {one["url_id"]: one for one in whole["cases"]}
    assert len(cases) == 14
    assert (cases["a12"]["timing"], cases["a12"]["state"]) == ("before", "gone")
    assert (cases["a13"]["state"], cases["a13"]["notices"], cases["a13"]["timing"]) == ("up", 2, "after")
    assert [one["url_id"] for one in whole["misaddressed"]] == ["b00"]
    code, out, _ = run("-C", study, "fact-sheet", "AS64500")
    assert "before: gone before its clock began" in out
    assert re.search(r"removals of content that was seen up came in \d+ batch(es)? or more", out)
    assert "hours until half had ended: " in out
    assert "1 notice to it about what it did not host, 0 to others" in out
    assert "size on 2026-01-09: 65,536 IPv4 announced" in out
    lines = run("-C", study, "fact-sheet", "AS64501", "--clock", "reported", "--format", "csv")[1].splitlines()
    assert len(lines) == 4


def test_a_misaddressed_notice_that_came_back_is_in_no_sheet(run: Run, study: Path) -> None:
    """Nobody got it: neither its recipient's sheet nor that of the hoster has it."""
    before = [run("-C", study, "fact-sheet", key)[1] for key in ("AS64500", "AS64501")]
    with open_study(study) as opened:
        opened.folder.store.add([notice("a01", 30, "AS64501", bounced=True, delivered_at=None)])
    after = [run("-C", study, "fact-sheet", key)[1] for key in ("AS64500", "AS64501")]
    assert after == before
    assert "misaddressed" in after[0]


def test_a_window_without_a_notice_is_not_a_study_without_one(run: Run, study: Path) -> None:
    """The study's notices are not denied where only the window has none."""
    with open_study(study) as opened:
        opened.folder.store.add([target("z0"), reported("z0", reported_at=hour(100), received_at=hour(100))])
    said = " ".join(run("-C", study, "compliance", "--since", "2026-01-08")[1].split())
    assert "No notice is about what was first reported in this window" in said
    assert "The study has no notices" not in said


def test_the_effect_of_notices_is_a_table_with_reasons(study: Path, run: Run) -> None:
    """Each row has a number or says why not; people see how to read it, tools every column."""
    code, out, _ = run("-C", study, "compliance", "--table", "effect")
    assert code == 0
    assert "a notice arrived" in out
    assert "a reminder arrived too: fewer than 10 clusters" in " ".join(out.split())
    found = rows(run("-C", study, "compliance", "--table", "effect", "--format", "json"))
    assert found[0]["what"] == "a notice arrived"
    assert all((row["refusal"] is None) != (row["p"] is None) for row in found)


def test_what_came_back_is_a_table(study: Path, run: Run) -> None:
    """Removed, gone and gone for good side by side; tools get every column."""
    code, out, _ = run("-C", study, "compliance", "--table", "returns")
    assert code == 0
    assert "back nowhere known" in out
    found = rows(run("-C", study, "compliance", "--table", "returns", "--format", "json"))
    assert {row["key"] for row in found} == {"AS64500", "AS64501"}
    assert all(row["durable_30d"] is None for row in found)


def test_of_a_hoster_whose_views_differ_no_removal_is_told(study: Path) -> None:
    """No single share, trend or return where content goes by our checks: in the worst case nothing was removed."""
    with open_study(study) as opened:
        plain = compliance_of(opened)
        told = RankingTables(conclusions=plain.conclusions, kind="hoster", clock="notice_delivered")
        told.__dict__["differing"] = frozenset({"AS64500"})
        told.__dict__["rows"] = told._ranked()  # else those that are kept
        found = replace(plain, tables=told)
        hidden = [row for row in found.shares() if row.key == "AS64500"]
        assert {(row.removed_worst, row.surely, row.rank_class) for row in hidden} == {(0.0, 0, "views differ")}
        assert all(row.removed is None or row.removed_best < 0.1 for row in hidden)
        assert any(row.removed is not None for row in plain.shares() if row.key == "AS64500")
        assert [row for row in found.shares() if row.key != "AS64500"] == [
            row for row in plain.shares() if row.key != "AS64500"
        ]
        assert "AS64500" not in {row.key for row in (*found.trends(), *found.returns())}
        assert plain.differing == frozenset()
