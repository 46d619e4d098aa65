"""A folder that is watched: files come, grow, are broken, come again."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.formats import FORMATS
from waterbed.intake.importer import ImportReport
from waterbed.model.bookkeeping import Delivery
from waterbed.model.errors import InputError, KeyProblem, NotNow, ReaderBroke
from waterbed.model.facts import Report
from waterbed.service.watch import REFUSED, WatchedFolder, keep_watching
from waterbed.store import folder as folders
from waterbed.store.config import Config
from waterbed.study.study import Study, create_study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A new study."""
    return create_study(tmp_path / "study", Config(study="0" * 32, name="watched", home="NL"))


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, number: int) -> Path:
    """A file with one report."""
    path = folder / name
    path.write_text(f"http://host{number}.example.com/\n")
    return path


def names(watched: WatchedFolder) -> list[str]:
    """Names of the files that a look took."""
    return [path.name for path, _ in watched.import_new()]


def test_a_file_is_taken_once_it_no_longer_changes(study: Study, incoming: Path) -> None:
    """Not at the first look, nor while it grows; then once."""
    watched = WatchedFolder(study=study, folder=incoming)
    path = put(incoming, "a.txt", 1)
    assert names(watched) == []
    path.write_text("http://host1.example.com/\nhttp://host2.example.com/\n")
    assert names(watched) == []
    assert names(watched) == ["a.txt"]
    assert names(watched) == []
    assert study.folder.store.count(Report) == 2


def test_unfinished_names_and_folders_are_passed_over(study: Study, incoming: Path) -> None:
    """Hidden names and those of files in transfer are left until they are renamed."""
    watched = WatchedFolder(study=study, folder=incoming)
    (incoming / "sub").mkdir()
    for name in (".a.txt", "a.txt.part", "a~"):
        put(incoming, name, 1)
    assert [names(watched) for _ in range(3)] == [[], [], []]
    (incoming / "a.txt.part").rename(incoming / "a.txt")
    assert [names(watched) for _ in range(2)] == [[], ["a.txt"]]


def test_what_was_imported_is_not_imported_again(study: Study, incoming: Path) -> None:
    """Under another name, by the plain command before, or after a restart: one delivery on record."""
    study.import_reports(put(incoming, "a.txt", 1))
    put(incoming, "b.txt", 1)
    watched = WatchedFolder(study=study, folder=incoming)
    assert [names(watched) for _ in range(3)] == [[], [], []]
    assert study.folder.store.count(Delivery) == 1
    put(incoming, "c.txt", 2)
    assert [names(WatchedFolder(study=study, folder=incoming)) for _ in range(2)] == [[], []]
    assert [names(watched) for _ in range(2)] == [[], ["c.txt"]]


def test_a_file_that_cannot_be_read_does_not_stop_the_rest(study: Study, incoming: Path) -> None:
    """It is told once, and again only when it has changed."""
    watched = WatchedFolder(study=study, folder=incoming)
    bad = incoming / "a.csv"
    bad.write_text("<html>not today</html>")
    put(incoming, "b.txt", 1)
    list(watched.import_new())
    outcomes = dict(watched.import_new())
    assert isinstance(outcomes[bad], InputError)
    assert isinstance(outcomes[incoming / "b.txt"], ImportReport)
    assert names(watched) == []
    bad.write_text("url\nhttp://host2.example.com/\n")
    assert [names(watched) for _ in range(2)] == [[], ["a.csv"]]


@pytest.mark.parametrize(
    "content", ['[{"url": ' + "[" * 500_000, "[" * 500_000, '{"type": "bundle", "objects": [' + "[" * 500_000]
)
def test_a_file_that_breaks_a_reader_costs_itself_alone(study: Study, incoming: Path, content: str) -> None:
    """However deep: it is told, moved aside and never read again, and the next file is imported."""
    watched = WatchedFolder(study=study, folder=incoming)
    (incoming / "a.json").write_text(content)
    put(incoming, "b.txt", 1)
    told: list[object] = []
    assert keep_watching(watched, lambda _, outcome: told.append(outcome), every_s=0.01, rounds=3) == 1
    assert [type(outcome) for outcome in told] == [InputError, ImportReport]
    assert (incoming / REFUSED / "a.json").read_text() == content
    assert study.folder.store.count(Report) == 1


def test_a_failure_of_a_reader_of_ours_does_not_end_the_watch(
    study: Study, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a parser raises, its place is told and it costs one file; two files of one name are both kept."""

    def broken(lines: Iterable[str], name: str) -> Iterator[ReportLine]:
        for line in lines:
            raise MemoryError(line)
        yield from ()

    monkeypatch.setitem(FORMATS, "jsonl", replace(FORMATS["jsonl"], parse=broken))
    watched = WatchedFolder(study=study, folder=incoming)
    for _ in range(2):
        (incoming / "a.json").write_text('{"url": "http://secret.example/"}\n')
        put(incoming, "b.txt", 1)
        outcomes = [outcome for _ in range(2) for _, outcome in watched.import_new()]
        assert isinstance(outcomes[0], ReaderBroke)
        assert "MemoryError at test_watch:" in str(outcomes[0])
        assert "secret" not in str(outcomes[0])
    assert sorted(path.name for path in (incoming / REFUSED).iterdir()) == ["a.json", "a.json.1"]


def test_a_folder_that_cannot_be_written_to_keeps_what_is_refused(study: Study, incoming: Path) -> None:
    """The file stays, and is not read again until it changes."""
    (incoming / REFUSED).write_text("in the way\n")
    watched = WatchedFolder(study=study, folder=incoming)
    (incoming / "a.csv").write_text("<html>")
    assert [sorted(names(watched)) for _ in range(4)] == [[], ["a.csv", REFUSED], [], []]
    assert (incoming / "a.csv").exists()


def test_a_failure_of_the_study_ends_the_watch(study: Study, incoming: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is missing is no fault of the file: it stays where it is."""
    monkeypatch.setattr(Study, "import_reports", lambda *_, **__: (_ for _ in ()).throw(KeyProblem("no key")))
    watched = WatchedFolder(study=study, folder=incoming)
    put(incoming, "a.txt", 1)
    assert names(watched) == []
    with pytest.raises(KeyProblem):
        names(watched)
    assert (incoming / "a.txt").exists()


@pytest.mark.parametrize("trouble", ["keys", "clock"])
def test_files_wait_while_the_study_takes_in_nothing(
    study: Study, incoming: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a rotation, or with a clock that is off, each stays where it is, and is imported afterwards."""
    watched = WatchedFolder(study=study, folder=incoming)
    for number, name in enumerate(("a.txt", "b.txt")):
        put(incoming, name, number)
    assert names(watched) == []
    with monkeypatch.context() as patched:
        patched.setattr(folders, "skew_s", lambda _: 73.0 if trouble == "clock" else None)
        with study.folder.alone("a rotation") if trouble == "keys" else nullcontext():
            for _ in range(2):
                ((_, outcome),) = watched.import_new()
                assert isinstance(outcome, NotNow)
    assert sorted(path.name for path in incoming.iterdir()) == ["a.txt", "b.txt"]
    assert sorted(names(watched)) == ["a.txt", "b.txt"]
    assert study.folder.store.count(Report) == 2


def test_a_signal_ends_the_watch_in_order(study: Study, incoming: Path) -> None:
    """SIGTERM while it waits: it returns with what it found, and the handlers are as before."""
    before = signal.getsignal(signal.SIGTERM)
    put(incoming, "a.txt", 1)
    told: list[str] = []

    def note(path: Path, outcome: ImportReport | InputError) -> None:
        told.append(path.name)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()

    watched = WatchedFolder(study=study, folder=incoming)
    assert keep_watching(watched, note, every_s=0.2, rounds=50) == 0
    assert told == ["a.txt"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_watch_needs_a_folder(study: Study, tmp_path: Path) -> None:
    """A file or nothing in its place is one sentence."""
    with pytest.raises(InputError, match="is not a folder"):
        WatchedFolder(study=study, folder=tmp_path / "none")


def test_a_folder_that_goes_away_ends_the_watch(study: Study, incoming: Path) -> None:
    """One sentence names it and says what is needed."""
    watched = WatchedFolder(study=study, folder=incoming)
    incoming.rmdir()
    with pytest.raises(InputError, match=r"cannot be listed .* needs a folder that stays"):
        keep_watching(watched, lambda *_: None, every_s=0.01, rounds=3)
