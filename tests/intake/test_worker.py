"""A large file is read by a process of its own: what comes in is the same, and the process ends with its asker."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.store.study_folder import made, url
from waterbed.governance.keys import forget, rotate
from waterbed.intake import worker
from waterbed.intake.formats import Reading
from waterbed.intake.importer import ImportReport
from waterbed.intake.reports import Defaults
from waterbed.intake.worker import Order, WorkerBatches
from waterbed.model.bookkeeping import Delivery, Due, Run, Sealed
from waterbed.model.errors import InputError, OwnFailure
from waterbed.model.facts import Report, Target
from waterbed.store.folder import Folder, open_folder
from waterbed.study.study import Study

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DEFAULTS = Defaults(source="usual", category="phishing")
REPORTS = "url,source,reported_at,category\n" + "".join(
    f'"{url(n % 40)}",{"one" if n % 3 else "two"},2026-03-0{1 + n % 5},{"" if n % 11 else "malware"}\n'
    for n in range(300)
)
KINDS = (Target, Report, Due, Sealed)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read apart, however small they are."""
    monkeypatch.setattr(worker, "LARGE", 0)


def pending(folder: Folder) -> tuple[ImportReport, list[object]]:
    """Import the lines of REPORTS and a bad one, a host of which was forgotten."""
    study, file = Study(folder), folder.path.parent / "r.csv"
    file.write_text("url\n" + f'"{url(1)}"\n')
    folder.clock = lambda: NOON
    study.import_reports(file, source="usual")
    forget(folder, folder.vault.keyed_id("host", "shop1.forgetme-example.com"), "asked to")
    file.write_text(f"{REPORTS}nonsense,one,,\n")
    found = study.import_reports(file, source="usual")
    return found, [sorted(map(repr, folder.store.all(kind))) for kind in KINDS]


def test_what_comes_in_is_the_same(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts, counts, forgotten and rejected lines of one file, read here and read apart."""
    folder = made(tmp_path / "s", store=store_url)
    with monkeypatch.context() as patched:
        patched.setattr(worker, "LARGE", 0)
        found, facts = pending(folder)
    assert (len(found.rejected), found.rejected[0].line) == (1, 302)
    assert found.forgotten > 0
    assert found.imported > 30
    file = folder.path.parent / "r.csv"
    again = Study(folder).import_reports(file, source="usual")
    assert (again.imported, again.forgotten, again.rejected) == (0, found.forgotten, found.rejected)
    assert [sorted(map(repr, folder.store.all(kind))) for kind in KINDS] == facts
    deliveries = [(one.source, one.reports, one.rejected) for one in folder.store.all(Delivery)]
    assert deliveries.count(("one", 200, 1)) == deliveries.count(("two", 100, 0)) == 2
    folder.close()


@pytest.mark.long
@pytest.mark.usefixtures("always")
def test_many_lines_come_in_several_batches(tmp_path: Path) -> None:
    """More lines than one transaction takes: all are counted, told as they come in, and one delivery is on record."""
    folder, told = made(tmp_path / "s"), list[int]()
    (tmp_path / "r.csv").write_text("url\n" + "".join(f"http://a{n % 500}.example.com/{n}\n" for n in range(50_010)))
    found = Study(folder).import_reports(tmp_path / "r.csv", source="usual", progress=told.append)
    assert (found.imported, told) == (50_010, [50_000, 50_010])
    assert [(one.reports, one.new) for one in folder.store.all(Delivery)] == [(50_010, 50_010)]
    assert (folder.store.count(Due), folder.store.count(Sealed)) == (50_010, 50_510)
    folder.close()


@pytest.mark.usefixtures("always")
def test_what_was_opened_before_a_rotation_seals_with_the_new_key(tmp_path: Path) -> None:
    """The other process reads the keys when the import's run has begun."""
    folder = made(tmp_path / "s")
    (tmp_path / "r.csv").write_text(REPORTS)
    elsewhere = open_folder(folder.path)
    rotate(elsewhere)
    elsewhere.close()
    Study(folder).import_reports(tmp_path / "r.csv")
    assert {one.key_number for one in folder.store.all(Sealed)} == {2}
    folder.close()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    ("content", "told"),
    [(b"<html>gone</html>", "is HTML or JSON"), (b"address\nhttp://a.example.com/\n", "lacks a column named url")],
)
def test_a_file_of_the_wrong_kind_is_refused_all_the_same(content: bytes, told: str, tmp_path: Path) -> None:
    """The sentence of the other process is the one that the user sees; nothing is on record."""
    folder = made(tmp_path / "s")
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(InputError, match=told):
        Study(folder).import_reports(tmp_path / "r.csv")
    assert (folder.store.count(Delivery), folder.store.count(Run)) == (0, 0)
    folder.close()


def test_a_mistake_of_ours_names_its_place_alone(tmp_path: Path) -> None:
    """What breaks in the other process is our own failure, told without any value."""
    folder = made(tmp_path / "s")
    (tmp_path / "r.csv").write_text("url\nhttp://shop1.forgetme-example.com/\n")
    broken = WorkerBatches(order(folder, tmp_path / "r.csv", defaults=None))
    with pytest.raises(OwnFailure, match=r"reading the file failed: AttributeError at reports:\d+") as problem:
        broken.next(NOON)
    assert "forgetme" not in str(problem.value)
    broken.close()
    folder.close()


def test_a_killed_reader_ends_the_import_in_one_sentence(tmp_path: Path) -> None:
    """Its exit status is told; Ctrl-C and SIGTERM, which reach it too, do not end it."""
    folder = made(tmp_path / "s")
    (tmp_path / "r.csv").write_text(REPORTS)
    reader = WorkerBatches(order(folder, tmp_path / "r.csv"))
    assert reader.next(NOON).last
    for number in (signal.SIGINT, signal.SIGTERM):
        reader._process.send_signal(number)
    time.sleep(0.2)
    assert reader._process.poll() is None
    reader._process.kill()
    with pytest.raises(OwnFailure, match=r"exit status -9.*import the file again"):
        reader.next(NOON)
    reader.close()
    folder.close()


def test_arguments_say_nothing_and_no_reader_outlives_its_asker(tmp_path: Path) -> None:
    """No path stands in the process list; whoever asked is killed, and the reader is gone."""
    folder = made(tmp_path / "s")
    (tmp_path / "r.csv").write_text(REPORTS)
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, str(folder.path), str(tmp_path / "r.csv")], stdout=subprocess.PIPE, text=True
    )
    assert asker.stdout is not None
    pid = int(asker.stdout.readline())
    said = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"intake.worker" in said
    assert str(tmp_path).encode() not in said
    asker.kill()
    asker.wait()
    asker.stdout.close()
    assert until(lambda: not running(pid))
    folder.close()


ASKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from waterbed.intake.formats import Reading
from waterbed.intake.worker import WorkerBatches, Order
from waterbed.intake.reports import Defaults
from waterbed.store.folder import open_folder
folder = open_folder(Path(sys.argv[1]))
order = Order(path=Path(sys.argv[2]), how=Reading(),
              defaults=Defaults(source="usual", category="phishing"),
              study=folder.config.study, folder=folder.path)
reader = WorkerBatches(order)
reader.next(datetime.now(UTC))
print(reader._process.pid, flush=True)
reader._process.wait()
"""


def order(folder: Folder, path: Path, defaults: Defaults | None = DEFAULTS) -> Order:
    """What is read for a study; without defaults it breaks."""
    study = folder.config.study
    return Order(path=path, how=Reading(), defaults=defaults, study=study, folder=folder.path)  # type: ignore[arg-type]


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()
