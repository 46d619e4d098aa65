"""What deviates is told whatever the clock says, on all that is written, and never with an address in it."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.governance.protocol.test_protocol import LOCK, TEXT, protocol, run, status
from tests.publish.study import small_study
from waterbed.governance.protocol.deviations import deviations
from waterbed.governance.protocol.file import PROTOCOL, read_protocol
from waterbed.governance.protocol.lock import explain, first_text, lock, locked_protocol
from waterbed.model.errors import InputError
from waterbed.model.governance import DeviationNote
from waterbed.model.redaction import names_something
from waterbed.publish.release import publish_all
from waterbed.questions.fact_sheet.command import sheet_json, sheet_text
from waterbed.questions.fact_sheet.sheet import own_rows, sheet_of
from waterbed.store.config import Config
from waterbed.study.study import Study, create_study, open_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A new study with a locked protocol, and a level that was changed since."""
    found = create_study(tmp_path / "study", Config(study="deviations"))
    path = found.folder.path / PROTOCOL
    path.write_text(first_text(path, found.folder.config, ["hotline"], ["phishing"]), encoding="utf-8")
    lock(found.folder)
    path.write_text(path.read_text(encoding="utf-8").replace("level = 0.05", "level = 0.1"), encoding="utf-8")
    return found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('question = "see https://victim-bank.com/login"', "question: q -> see [redacted]"),
        ('question = "q\\u001b[31m at victim-bank.com"', "question: q -> q\N{REPLACEMENT CHARACTER}[31m at [redacted]"),
        ('"victim-bank.com" = 1\nquestion = "q"', "[redacted]: none -> 1"),
        ('victim-bank.com.path = 1\nquestion = "q"', "[redacted]: none -> 1"),
        ('more = ["victim-bank.com"]\nquestion = "q"', "more: none -> [redacted]"),
    ],
)
def test_a_change_brings_no_address_to_outputs(line: str, told: str) -> None:
    """What is written into the file after its lock was checked by nobody: names in values and keys are left out."""
    found = deviations(LOCK, protocol(), status(text=TEXT.replace('question = "q"', line)))
    assert [one.text for one in found] == [told]
    assert not any(names_something(one.text) or names_something(one.subject) for one in found)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ('exclusions = ["see https://victim-bank.com/x"]', "frame.exclusions"),
        ("# as at https://victim-bank.com/x", "line 13"),
        ("# made by make.py, see docs/protocol.md, not www.victim-bank.md", "line 13"),
    ],
)
def test_lists_and_comments_name_nothing_either(tmp_path: Path, line: str, where: str) -> None:
    """The whole text is kept in the clear: an address anywhere in it is refused by its place, a page of ours is not."""
    (tmp_path / PROTOCOL).write_text(TEXT.replace("until = 2026-02-01\n", f"until = 2026-02-01\n{line}\n"))
    with pytest.raises(InputError, match=f"{where} holds what looks like") as problem:
        read_protocol(tmp_path / PROTOCOL)
    assert "victim" not in str(problem.value)


def test_keys_of_a_protocol_are_told_whole() -> None:
    """A key that ends like a domain of a country is told as it is."""
    found = deviations(LOCK, protocol(), status(text=TEXT.replace('name = "main"', 'name = "main"\nby = "asn"')))
    assert [one.text for one in found] == ["estimands.main.by: none -> asn"]


def test_a_clock_that_was_set_back_hides_nothing(study: Study) -> None:
    """A lock that comes second is second, whatever the clock says then, and outputs are held against the first."""
    first = locked_protocol(study.folder).first  # type: ignore[union-attr]
    study.folder.clock = lambda: first.locked_at - timedelta(days=30)
    lock(study.folder, "again")
    now = locked_protocol(study.folder)
    assert now is not None
    assert now.first == first
    assert "estimands.removed-24h.level" in [one.subject for one in now.deviations]


def test_the_newest_reason_stands_though_the_clock_was_set_back(study: Study) -> None:
    """The reason that was given last is printed."""
    explain(study.folder, "estimands.removed-24h.level", "a slip")
    before = study.folder.clock()
    study.folder.clock = lambda: before - timedelta(days=30)
    explain(study.folder, "estimands.removed-24h.level", "fewer sites came")
    assert any("(fewer sites came)" in told for told in locked_protocol(study.folder).sentences)  # type: ignore[union-attr]


def test_a_deviation_is_put_on_record_once(tmp_path: Path) -> None:
    """However often one process draws conclusions."""
    with small_study(tmp_path) as study:
        path = study.folder.path / PROTOCOL
        path.write_text(first_text(path, study.config, ["hotline", "second"], ["phishing", "malware"]))
        lock(study.folder, "a pilot")
        for _ in range(2):
            study.conclude()
        noted = [(note.subject, note.deviation) for note in study.folder.store.all(DeviationNote)]
        assert len(noted) == len(set(noted)) > 0


def test_what_others_saw_is_held_too(study: Study) -> None:
    """A change of [testimony] deviates; a lock of before it was held does not deviate by that."""
    path = study.folder.path / "waterbed.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("in_series = true", "in_series = false"), encoding="utf-8")
    with open_study(study.folder.path) as again:
        assert "settings.testimony.in_series" in [one.subject for one in again.protocol.deviations]  # type: ignore[union-attr]
    now = {"judge.confirm_looks": 3, "testimony.in_series": True}
    assert deviations(LOCK, protocol(), status(settings=now)) == []


def test_files_for_people_tell_deviations(tmp_path: Path) -> None:
    """README of a publication, a graph and a hoster's sheet say them; a sheet for its hoster names no other place."""
    with small_study(tmp_path) as study:
        path = study.folder.path / PROTOCOL
        text = first_text(path, study.folder.config, ["hotline", "second"], ["phishing", "malware"])
        path.write_text(text, encoding="utf-8")
        lock(study.folder, "a pilot")
        changed = text.replace("level = 0.05", "level = 0.1").replace("targets = []", 'targets = ["AS64501"]')
        path.write_text(changed, encoding="utf-8")
        publish_all(study, tmp_path / "out")
        for name in ("hops.gexf", "hops.graphml", "hops.json"):
            run(study.folder.path, "graph", "--out", str(tmp_path / name))
            assert "removed-24h.level: 0.05 -" in (tmp_path / name).read_text(encoding="utf-8"), name
        told = "deviates from it: estimands.removed-24h.level: 0.05 -> 0.1 (no reason given)"
        assert told in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
        assert study.protocol is not None
        own = own_rows(sheet_of(study, "AS64500"), study.protocol.for_hosters)
        assert told in sheet_text(own)
        assert "areas.targets: other places than were declared" in sheet_text(own)
        assert "AS64501" not in sheet_text(own) + sheet_json(own)
        assert "areas.targets:  -> AS64501" in [note.deviation for note in study.folder.store.all(DeviationNote)]
