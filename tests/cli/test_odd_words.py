"""Words and settings that no system call takes: one sentence, exit code 2."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.study_folder import made
from tests.study.rig import Run
from waterbed.store.own_files import SETTINGS
from waterbed.store.vault import key_file


def refused(said: tuple[int, str, str], why: str) -> None:
    """Exit code 2 and one line that says why, without our asking for a report."""
    code, out, err = said
    assert (code, out, err.count("\n")) == (2, "", 1), said
    assert why in err
    assert "please report" not in err


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ('study = "a\\u0000b"', "study may hold no control characters"),
        ('[lake]\nlocation = "a\\u0000b"', "lake.location may hold no control characters"),
        ('geoip = ["a\\u0007b"]', "geoip may hold no control characters"),
        ('[store]\nurl = "postgresql://u:p@[::1/x"', "is not a database URL"),
    ],
)
def test_settings_that_no_system_takes_are_named(setting: str, why: str, run: Run, tmp_path: Path) -> None:
    """Control characters in any text, and an address in a URL that is not closed."""
    made(tmp_path / "s").close()
    settings = tmp_path / "s" / SETTINGS
    head, _, _ = settings.read_text().partition("\n[")
    study = next(line for line in head.splitlines() if line.startswith("study"))
    settings.write_text(f"{setting}\n" if setting.startswith("study") else f"{study}\n{setting}\n")
    refused(run("-C", tmp_path / "s", "status"), why)


def test_a_description_may_have_several_lines(run: Run, tmp_path: Path) -> None:
    """Line breaks and tabs are no control characters here."""
    made(tmp_path / "s").close()
    settings = tmp_path / "s" / SETTINGS
    study = next(line for line in settings.read_text().splitlines() if line.startswith("study"))
    settings.write_text(f'{study}\n[citation]\ndescription = "one\\n\\ttwo"\n')
    assert run("-C", tmp_path / "s", "plugins")[0] == 0


def test_names_that_are_too_long_and_links_to_themselves_are_refused(run: Run, tmp_path: Path) -> None:
    """Given as the study, or as the place of a new one."""
    (tmp_path / "loop").symlink_to("loop")
    for place, why in ((tmp_path / ("x" * 300), "File name too long"), (tmp_path / "loop", "symbolic links")):
        refused(run("-C", place, "rank"), "")
        refused(run("init", place), why)
    refused(run("-C", tmp_path / ("x" * 300), "rank"), "File name too long")


def test_a_current_folder_that_is_gone_is_no_fault_of_ours(tmp_path: Path) -> None:
    """A study cannot be made in a folder that was removed."""
    (tmp_path / "gone").mkdir()
    asked = f"import os; os.rmdir({str(tmp_path / 'gone')!r}); from waterbed.cli.main import main; main()"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", asked, "init", "s"], cwd=tmp_path / "gone", capture_output=True, text=True, check=False,
        env=env,
    )  # fmt: skip
    refused((done.returncode, done.stdout, done.stderr), "cannot be made a study folder")


@pytest.mark.long
@pytest.mark.parametrize(
    ("given", "why"), [("<&-", "standard input is closed"), ("</dev/null", "before a passphrase came")]
)
def test_a_passphrase_without_a_terminal_is_one_line(given: str, why: str, tmp_path: Path) -> None:
    """It is read from standard input, and asked for in one sentence where there is none."""
    made(tmp_path / "s").close()
    program = f'"{sys.executable}" -c "from waterbed.cli.main import program; program()" -C {tmp_path / "s"}'

    def shell(line: str) -> tuple[int, str, str]:
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    refused(shell(f"{program} key escrow {tmp_path / 'e'} --passphrase {given}"), why)
    assert not (tmp_path / "e").exists()
    assert shell(f"echo 'a  phrase ' | {program} key escrow {tmp_path / 'e'} --passphrase")[::2] == (0, "")
    shutil.rmtree(key_file("x").parent)
    assert shell(f"echo 'a phrase' | {program} key restore {tmp_path / 'e'}")[0] == 2
    assert shell(f"echo 'a  phrase ' | {program} key restore {tmp_path / 'e'}")[::2] == (0, "")


PASTED = "http://secret-lab.com/deep"


@pytest.mark.parametrize(
    "words",
    [
        ("overdue", "--source", PASTED),
        ("report", "--month", "2026-03", "--source", PASTED),
        ("report", "--month", PASTED),
        ("rank", "--follow", PASTED, "--until", "2026-03-01"),
        ("rank", "--window", PASTED),
        ("import", "s/waterbed.toml", "--format", PASTED),
        ("import", "s/waterbed.toml", "--zone", PASTED),
        ("notices", "s/waterbed.toml", "--format", PASTED),
        ("graph", "--week", PASTED),
        ("graph", "--kind", PASTED),
        ("data", "fetch", PASTED),
        ("data", "fetch", "ip-location-asn", "--out", "x", "--version", PASTED),
        ("tables", "check", "--kind", PASTED),
        ("docs", PASTED),
        ("docs", "intake", PASTED),
        ("sensitivity", "--truth", PASTED),
        ("lab", "run", PASTED, "--out", "x"),
        ("init", "x", "--home", PASTED),
        ("init", "x", "--resolver", PASTED),
        ("--vantage", PASTED, "rank"),
        ("--network", PASTED, "rank"),
        ("lake", "export", "x", "--to", PASTED),
        ("code", "queue", "--queue", PASTED),
        ("api-key", "x", "--name", PASTED),
        ("api-key", "x", "--name", "x", "--scope", PASTED),
    ],
    ids=" ".join,
)
def test_a_url_in_the_wrong_place_is_not_repeated(
    words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with what was expected, and nothing is made."""
    made(tmp_path / "s").close()
    monkeypatch.chdir(tmp_path)
    said = run("-C", tmp_path / "s", *words)
    refused(said, "[not shown]")
    assert "secret" not in said[2]
    assert [path.name for path in tmp_path.iterdir() if path.name != "keys"] == ["s"]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_an_encoding_lacks_is_shown_as_an_escape(encoding: str, tmp_path: Path) -> None:
    """A terminal or pipe that is not UTF-8 gets every line of a report, which holds dashes that it lacks."""
    made(tmp_path / "s").close()
    program = "from waterbed.cli.main import program; program()"
    done = subprocess.run(
        [sys.executable, "-c", program, "-C", str(tmp_path / "s"), "report", "--month", "2026-03"],
        capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert (done.returncode, done.stderr, b"\\u2013" in done.stdout) == (0, b"", True)
