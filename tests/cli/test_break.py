"""What a person at the keyboard can do wrong, and what may never come back."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.study_folder import made, report, url
from tests.study.rig import Run, feed, lab_study, reports_csv
from waterbed.crawler.probe.prober import HostFacts, HostResult
from waterbed.crawler.recheck.recorder import Recorder
from waterbed.crawler.recheck.run import run_recheck
from waterbed.governance.keys import escrow, forget, restore
from waterbed.governance.quarantines import decide
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.errors import InputError, KeyProblem
from waterbed.model.facts import Observation
from waterbed.model.urls import canonicalize
from waterbed.store.vault import key_file
from waterbed.study.study import Study


def waterbed(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "waterbed.cli", *words], capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str, tmp_path: Path) -> None:
    """What nobody reads goes nowhere, and the exit code says what became of the command."""
    for words, code in (("--version", 0), (f"-C {tmp_path / 'none'} rank", 2), (f"init {tmp_path / 's'}", 0)):
        asked = f'exec "{sys.executable}" -c "from waterbed.cli.main import program; program()" {words} {closed}'
        home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
        done = subprocess.run(["/bin/sh", "-c", asked], capture_output=True, text=True, check=False, env=home)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert (tmp_path / "s" / "waterbed.toml").is_file()


def test_a_closed_standard_input_is_no_empty_file(tmp_path: Path) -> None:
    """Nothing is recorded of a delivery that never was."""
    home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    program = f'"{sys.executable}" -c "from waterbed.cli.main import program; program()"'
    for words in (f"init {tmp_path / 's'}", f"-C {tmp_path / 's'} import - --source hotline <&-"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{program} {words}"], capture_output=True, text=True, check=False, env=home
        )
    assert (done.returncode, done.stdout, "standard input is closed" in done.stderr) == (2, "", True)


def test_a_pipe_that_nobody_reads_stops_no_work(tmp_path: Path) -> None:
    """All files are imported though their lines go nowhere, and the exit code is the command's own."""
    home = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for name in "abcd":
        (tmp_path / f"{name}.csv").write_text(f"url\nhttp://{name}.example.com/x\n")

    def unread(*words: object) -> int:
        reader, writer = os.pipe()
        os.close(reader)
        asked = [sys.executable, "-m", "waterbed.cli", *map(str, words)]
        done = subprocess.run(asked, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, env=home)
        os.close(writer)
        assert done.stderr == ""
        return done.returncode

    assert unread("init", tmp_path / "s") == 0
    study = ("-C", tmp_path / "s")
    assert unread(*study, "import", *sorted(tmp_path.glob("*.csv")), "--source", "hotline") == 0
    with closing(sqlite3.connect(tmp_path / "s" / "waterbed.db")) as opened:
        assert opened.execute("SELECT count(*) FROM report").fetchone() == (4,)
    assert [unread(*study, "lag"), unread(*study, "sources", "--format", "csv"), unread("--help")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rank", "-C", "s"), "No such option: -C: it stands before the command, as in waterbed -C ... rank"),
        (("event", "init", "x", "--quiet"), "--quiet: it stands before the command, as in waterbed --quiet event init"),
        (("rank", "http://secret.example.com/x"), "([redacted]); see waterbed rank --help"),
        (("rank", "--format", "xlsx"), "'xlsx' is not one of"),
        (("rnak",), "Did you mean 'rank'; see waterbed --help"),
        (("rank", "--since"), "'--since' requires an argument; see waterbed rank --help"),
        (("--vantage",), "'--vantage' requires an argument; see waterbed --help"),
    ],
)
def test_wrong_words_are_one_sentence(words: tuple[str, ...], says: str) -> None:
    """With what was meant or where to look, and without what names an address; exit code 2."""
    program = "import sys; sys.argv[0] = 'waterbed'; from waterbed.cli.main import program; program()"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert says in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("follow", [False, True])
def test_a_forgotten_host_does_not_come_back_by_a_redirect(follow: bool, tmp_path: Path) -> None:
    """A redirect to a URL on a forgotten host that was never seen before is not sealed, and not checked."""
    pairs = feed(2)
    with lab_study(pairs, tmp_path, look_at_redirect_targets=follow) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        run_recheck(study.folder)
        folder = study.folder
        looks, dues = folder.store.all(Observation), folder.store.all(Due)
        away = canonicalize(pairs[1][0])
        forget(folder, str(folder.vault.ids(away)["host_id"]), "case 1")
        due = next(due for due in dues if due.url_id == folder.vault.ids(canonicalize(pairs[0][0]))["url_id"])
        target = canonicalize(f"http://{away.host}/never/seen")
        ids = folder.vault.ids(target)
        before = next(look for look in looks if look.url_id == due.url_id)
        seen = replace(
            before,
            observation_id="0" * 32,
            status=301,
            redirect="other",
            redirect_url_id=ids["url_id"],
            redirect_site_id=ids["site_id"],
        )
        result = HostResult(due=due, observations=(seen,), control=None, fingerprint="f", target=target)
        with folder.run("recheck") as run:
            facts = (folder.vault.seal("url", target.url), seen)
            Recorder(folder).write(run.run_id, [HostFacts(host_id=due.host_id, facts=facts, answered=(result,))])
        sealed = {entry.entry_id for entry in folder.store.all(Sealed)}
        assert not sealed & {ids["url_id"], ids["host_id"]}
        assert {one.host_id for one in folder.store.all(Due)} == {due.host_id}


@pytest.mark.parametrize("damage", [b"", b"id_key = 'x'", b"\xff\xfe\x00"])
def test_restore_says_that_a_broken_key_file_is_in_the_way(damage: bytes, tmp_path: Path) -> None:
    """Restoring over a key file that was cut short names the remedy; it does not send the user to restore."""
    folder = made(tmp_path / "s")
    escrow(folder, tmp_path / "kept")
    place = key_file(folder.config.study)
    place.write_bytes(damage)
    with pytest.raises(KeyProblem, match="move it away first"):
        restore(tmp_path / "s", tmp_path / "kept", lambda: "")
    assert place.read_bytes() == damage
    place.unlink()
    restore(tmp_path / "s", tmp_path / "kept", lambda: "")
    folder.close()


def test_what_is_no_quarantine_is_not_repeated_if_it_could_be_an_address(tmp_path: Path) -> None:
    """An address given where an id belongs is not printed."""
    folder = made(tmp_path / "s")
    with Study(folder) as study, pytest.raises(InputError) as told:
        decide(folder, study.conclude().quarantines, "https://secret.forgetme-example.com/x", "release", "case 1")
    assert "forgetme" not in str(told.value)


def test_doctor_tells_of_a_damaged_store(tmp_path: Path, run: Run) -> None:
    """A store with bad pages is a finding of the doctor with an advice, not a failure to be reported."""
    folder = made(tmp_path / "s")
    report(folder, [url(n, host=n) for n in range(400)])
    folder.close()
    with closing(sqlite3.connect(tmp_path / "s" / "waterbed.db")) as store:
        (roots,) = store.execute("SELECT MAX(rootpage) FROM sqlite_master").fetchone()
    data = bytearray((tmp_path / "s" / "waterbed.db").read_bytes())
    for page in range(4096 * roots, len(data) - 4096, 4096):
        data[page : page + 64] = bytes(range(64))
    (tmp_path / "s" / "waterbed.db").write_bytes(data)
    done = waterbed("-C", str(tmp_path / "s"), "doctor")
    assert (done.returncode, done.stderr) == (1, "")
    assert "damaged" in done.stdout
    assert "please report" not in run("-C", tmp_path / "s", "episodes")[2]


def test_a_pass_that_cannot_begin_is_one_sentence(tmp_path: Path) -> None:
    """A lab whose servers have stopped is told once, without an error of the pass's end beside it."""
    pairs = feed(2)
    with lab_study(pairs, tmp_path) as (study, _):
        study.import_reports(reports_csv(pairs, tmp_path))
        path = str(study.folder.path)
    done = waterbed("-C", path, "recheck")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
