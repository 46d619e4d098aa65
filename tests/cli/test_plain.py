"""The plain installation, a worker that crawls: what it does, and what it says of a command that needs an extra."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT
from tests.study.rig import Run
from waterbed.cli.app import _EXTRAS
from waterbed.model.shell import installs

_PROGRAM = """
import sys
for name in sys.argv.pop(1).split():
    sys.modules[name] = None  # as if it were not installed
sys.argv[0] = "waterbed"
from waterbed.cli.main import main
main()
"""
EVERY = " ".join(_EXTRAS.values())


def plainly(folder: Path, *words: object, without: str = EVERY) -> tuple[int, str]:
    """Run a command where these modules are missing: its exit code, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, without, *map(str, words)],
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with a report, made and filled by the plain installation."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "r.csv").write_text("url\nhttp://a.example.com/x\n")
    assert plainly(folder, "init", folder / "s", "--resolver", "127.0.0.1:1")[0] == 0
    assert plainly(folder, "-C", folder / "s", "import", folder / "r.csv")[0] == 0
    return folder


def test_a_worker_needs_no_extra(folder: Path) -> None:
    """Status, lag and a pass run; the pass stops as its resolver does not answer."""
    for words, code in ((("status",), 0), (("lag",), 0), (("audit",), 0), (("recheck",), 1)):
        done, said = plainly(folder, "-C", folder / "s", *words)
        assert (done, "failed" in said) == (code, False), said


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        *(
            (words, "analysis")
            for words in ("verdicts", "rank", "hops", "publish out", "tables list", "graph", "enrich")
        ),
        ("serve", "analysis,serve"),
        ("run --for 1", "serve"),
    ],
)
def test_a_command_says_which_extra_it_needs(folder: Path, words: str, extra: str) -> None:
    """One sentence with the command and what to install, and the exit code of misuse."""
    without = _EXTRAS["serve"] if extra == "serve" else EVERY
    code, said = plainly(folder, "-C", folder / "s", *words.split(), without=without)
    assert (code, said.startswith(f"waterbed: waterbed {words.split(maxsplit=1)[0]} needs ")) == (2, True), said
    assert f"; {installs(extra)} (docs/operations.md, Installation)" in said
    assert ('or set service.listen = ""' in said) == words.startswith("run")


def test_the_command_that_lacks_something_is_named_whatever_the_folder(folder: Path) -> None:
    """A study's folder may have the name of a command."""
    said = plainly(folder, "-C", "demo", "rank")[1]
    assert said.startswith("waterbed: waterbed rank needs "), said


def test_a_worker_lists_the_plug_ins_that_it_can_use(folder: Path) -> None:
    """Where parts are left out, the kinds that need them are named, and the others are looked for."""
    code, said = plainly(folder, "plugins")
    assert (code, "tables, rankings, exports and pages are not listed" in said) == (0, True), said
    assert installs("analysis") in said


def test_scrapy_says_which_extra_registries_need(tmp_path: Path) -> None:
    """`scrapy crawl registry` names the missing part in a sentence of its log."""
    program = _PROGRAM.partition('sys.argv[0] = "waterbed"')[0] + "from scrapy.cmdline import execute\nexecute()\n"
    done = subprocess.run(
        [sys.executable, "-c", program, _EXTRAS["analysis"], "crawl", "registry", "-a", f"study={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "scrapy crawl registry needs ipwhois" in done.stderr
    assert installs("analysis") in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rank", "--as-of", "yesterday"), "'yesterday' is not a date; one like 2026-03-01 was expected"),
        (("overdue", "--after", "48h"), "'48h' does not fit; a number from 0 was expected"),
        (("serve", "--port", "99999"), "'99999' does not fit; a whole number from 0 to 65,535 was expected"),
    ],
)
def test_days_and_numbers_that_do_not_fit_are_told_with_their_values(
    words: tuple[str, ...], told: str, run: Run, tmp_path: Path
) -> None:
    """The value, and what was expected in its place."""
    code, _, err = run("-C", tmp_path, *words)
    assert (code, told in err) == (2, True), err
