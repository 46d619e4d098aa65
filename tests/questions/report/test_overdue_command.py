"""What is overdue: which content is listed, which is left out with a count, and how it is told."""

import csv
from pathlib import Path

import pytest

from tests.cli.commands.test_notices import notice
from tests.study.copies import copied, kept
from tests.study.facts import hour, written
from tests.study.rig import Run
from waterbed.model.bookkeeping import Forgotten
from waterbed.store.settings import CycleGuard
from waterbed.study.study import open_study

SEEN = {"a0": "u" * 110, "a1": "u" * 108 + "dd", "a2": "u" * 100 + "?" * 9 + "d", "b0": "u" * 108 + "du"}
"""At a one URL stays up, two are down by their last decided checks; at b one is back."""


def make(folder: Path) -> None:
    """A study whose hosters are told of each URL after five hours."""
    with written(folder, SEEN, cycle_guard=CycleGuard(share=1.0)) as study:
        study.folder.store.add([notice(url, 5, "AS64500" if url[0] == "a" else "AS64501") for url in SEEN])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a study, for all tests of this file."""
    return kept(tmp_path_factory.mktemp("overdue"), make)


@pytest.fixture
def study(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    return copied(original, tmp_path, monkeypatch)


def listed(run: Run, study: Path, *words: object) -> list[dict[str, str]]:
    """The rows of what is overdue."""
    return list(csv.DictReader(run("-C", study, "overdue", *words, "--format", "csv")[1].splitlines()))


def test_what_the_last_decided_check_saw_down_gets_no_reminder(run: Run, study: Path) -> None:
    """Content that is down, but not yet for sure, is not listed as overdue; the command says how many there are."""
    assert {row["url_id"] for row in listed(run, study)} == {"a0", "b0"}
    out = " ".join(run("-C", study, "overdue")[1].split())
    assert "2 URLs last seen down, not confirmed yet: no reminder now." in out
    assert "leaving out the study's last 4 hours of checks" in out
    assert "last seen down" not in run("-C", study, "overdue", "AS64501")[1]


def test_a_forgotten_url_gets_no_reminder(run: Run, study: Path) -> None:
    """Nobody can name it to its hoster: it is in no row, and the command says how many there are."""
    with open_study(study) as opened:
        opened.folder.store.add([Forgotten(entry_id="a0", kind="url", forgotten_at=hour(109))])
    assert {row["url_id"] for row in listed(run, study)} == {"b0"}
    assert "1 forgotten URL left out: waterbed reveal opens none." in run("-C", study, "overdue")[1]


def test_what_is_told_of_one_hoster_names_it(run: Run, study: Path) -> None:
    """Where nothing is overdue the sentence is about that hoster; one that only a notice names is told as such."""
    with open_study(study) as opened:
        opened.folder.store.add([notice("a0", 6, "nohoster")])
    out = run("-C", study, "overdue", "nohoster")[1]
    assert "Nothing that nohoster was notified of is up beyond its time." in out
    assert "Nothing that was reported was checked there" in out
    out = run("-C", study, "overdue", "AS64501", "--after", "9999")[1]
    assert ("Nothing that AS64501 was notified of" in out, "checked there" in out) == (True, False)


def test_a_reminder_before_any_notice_is_the_first_word(run: Run, study: Path) -> None:
    """The time that a hoster has runs from what it got first, whatever its sender calls that."""
    with open_study(study) as opened:
        opened.folder.store.add([notice("a0", 3, reminder=True)])
    row = next(row for row in listed(run, study) if row["url_id"] == "a0")
    assert (row["notified_at"], row["reminders"]) == (f"{hour(3):%Y-%m-%dT%H:%M:%SZ}", "1")
