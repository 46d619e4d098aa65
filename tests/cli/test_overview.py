"""The overview, version, quiet, Ctrl-C, and what each start of the command line loads."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from time import sleep
from typing import get_args

import pytest
import typer.main

import waterbed
from tests.docs.markdown import ROOT
from tests.publish.study import small_study
from tests.study.rig import Run
from waterbed.cli import app as root
from waterbed.cli.commands import COMMANDS
from waterbed.intake import births
from waterbed.intake.formats import FORMATS
from waterbed.intake.notices import NOTICE_FORMATS
from waterbed.measures.keys import KINDS, ROLES
from waterbed.measures.sizes import WINDOW_DAYS
from waterbed.model.conclusions import ClockKind
from waterbed.record.coding.items import OUTCOMES
from waterbed.shown import options
from waterbed.store.config import NETWORK, VANTAGE
from waterbed.study.dated_tables import READERS

GROUPS = (
    "Start", "Collect", "Attribute", "Results", "Displacement", "Publish", "Study record", "Operate", "Lab",
)  # fmt: skip
HEAVY = {
    "numpy", "scipy", "duckdb", "networkx", "pyarrow", "sqlalchemy", "scrapy", "twisted", "jinja2",
    "cryptography", "pydantic", "rich",
}  # fmt: skip
NUMERICAL = {"numpy", "scipy", "duckdb", "networkx", "pyarrow", "jinja2"}
_TOLD = "import sys; from atexit import register; register(lambda: sys.stderr.write('LOADED ' + ' '.join(sys.modules)))"
_START = "from waterbed.cli.main import main; sys.argv[0] = 'waterbed'; main()"
_MAIN = f"{_TOLD}; {_START}"


def loaded(*words: object, **asked: str) -> tuple[int, str, set[str]]:
    """Call the command line in a child process: its exit code, what it printed, and the modules that it loaded."""
    line = [sys.executable, "-c", _MAIN, *map(str, words)]
    done = subprocess.run(line, env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, set(done.stderr.rpartition("LOADED ")[2].split())


def test_commands_stand_in_groups_in_the_order_of_need() -> None:
    """The overview has nine groups, each in one piece, from the first start to the lab."""
    code, said, modules = loaded("--help")
    assert code == 0
    places = [said.index(f"\n{group}:\n") for group in GROUPS]
    assert places == sorted(places)
    assert tuple(dict.fromkeys(one.group for one in COMMANDS.values())) == GROUPS
    assert all(f"\n  {name} " in said for name in COMMANDS)
    assert not modules & HEAVY
    unwanted = ("waterbed.cli.commands.", "waterbed.record.", "waterbed.measures", "waterbed.store", "waterbed.crawler")
    assert not {name for name in modules if name.startswith(unwanted) or name.endswith("command")}


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_the_table_is_there(name: str) -> None:
    """Each command's module and function exist, and its line in the overview is one plain sentence."""
    found = typer.main.get_command(root.app).commands[name]  # type: ignore[attr-defined]  # a group has them
    assert found.name == name
    assert COMMANDS[name].help.endswith(".")
    assert len(COMMANDS[name].help) <= 72


def test_without_a_word_the_overview_is_shown() -> None:
    """The command alone prints the overview, and ends as one that was not understood."""
    code, said, _ = loaded()
    assert (code, "\nStart:\n" in said) == (2, True)


def test_version_is_that_of_the_package() -> None:
    """--version, the package's constant and pyproject say the same; nothing heavy is loaded for it."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    code, said, modules = loaded("--version")
    assert (code, said, waterbed.__version__) == (0, f"waterbed {written}\n", written)
    assert not modules & HEAVY


def test_the_package_is_a_program() -> None:
    """`python -m waterbed` and `python -m waterbed.cli` are the command."""
    for name in ("waterbed", "waterbed.cli"):
        done = subprocess.run([sys.executable, "-m", name, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"waterbed {waterbed.__version__}\n"


def test_linear_algebra_has_one_thread_unless_asked_for_more() -> None:
    """A command's libraries start no threads that would wait for each other; who wants them says so."""
    says = "import atexit, os; atexit.register(lambda: print(os.environ['OPENBLAS_NUM_THREADS']))"
    for asked, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")):
        there = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | asked
        words = [sys.executable, "-c", f"{says}; from waterbed.cli.main import main; main()", "--version"]
        done = subprocess.run(words, env=there, capture_output=True, text=True, check=True)
        assert done.stdout.split()[-1] == threads


def test_importing_the_package_loads_next_to_nothing() -> None:
    """`import waterbed` loads its version, and no module of others."""
    code = "import sys; before = set(sys.modules); import waterbed; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = {name for name in done.stdout.split() if name.startswith("waterbed.") or name in HEAVY}
    assert found == {"waterbed.model", "waterbed.model.version"}


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("bash", {"COMP_WORDS": "waterbed -C study re", "COMP_CWORD": "3"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "waterbed -C study re"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "waterbed -C study re", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_a_tab_for_a_command_is_answered_from_the_table(shell: str, asked: dict[str, str]) -> None:
    """Each shell gets the names that fit, zsh and fish with their helps; no typer, no module of a command."""
    code, said, modules = loaded(_WATERBED_COMPLETE=f"complete_{shell}", **asked)
    named = {name for name in COMMANDS if name.startswith("re")}
    assert code == 0
    assert all(name in said for name in named)
    assert "rank" not in said
    assert (COMMANDS["recheck"].help in said) is (shell != "bash")
    assert "typer" not in modules


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_other_completions_are_typers(shell: str) -> None:
    """After a command its own options are completed; only its module is loaded, and none of what it needs to run."""
    line = {"COMP_WORDS": "waterbed rank --t", "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": "waterbed rank --t"}
    code, said, modules = loaded(_WATERBED_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_FISH_ACTION="get-args", **line)
    assert code == 0
    assert "--top" in said
    assert "--table" in said
    assert "waterbed.questions.ranking.command" in modules
    assert not modules & (HEAVY - {"pydantic", "rich"})


@pytest.mark.parametrize("words", [["rank", "--help"], ["lab", "--help"], ["graph", "--help"], ["import", "--help"]])
def test_help_of_a_command_loads_none_of_its_work(words: list[str]) -> None:
    """The help of a command needs neither a database nor numerical libraries."""
    code, said, modules = loaded(*words)
    assert (code, "Usage: waterbed" in said) == (0, True)
    assert not modules & (HEAVY - {"pydantic", "rich"})


def test_passes_and_lag_load_no_numerical_library(tmp_path: Path) -> None:
    """`recheck` loads no numpy, scipy, DuckDB, NetworkX or dialect of another database; `lag` no Scrapy either."""
    with small_study(tmp_path) as study:
        folder = study.folder.path
        code, said, modules = loaded("-C", folder, "lag")
        assert (code in (0, 1), "due now" in said) == (True, True)
        assert not modules & (NUMERICAL | {"scrapy", "twisted"})
        _, _, modules = loaded("-C", folder, "recheck", "--limit", "1")
    assert "waterbed.crawler.recheck.session" in modules
    assert not modules & (NUMERICAL | {"rich.progress", "sqlalchemy.dialects.postgresql"})


def test_quiet_leaves_results_and_errors(run: Run, tmp_path: Path) -> None:
    """With --quiet a table is printed without its notes, and an error as ever."""
    with small_study(tmp_path) as study:
        folder = study.folder.path
        whole, quiet = run("-C", folder, "rank")[1], run("-C", folder, "--quiet", "rank")[1]
    assert "half: hours until half was gone" in whole
    assert "half: hours until half was gone" not in quiet
    assert quiet.splitlines()[:4] == whole.splitlines()[:4]
    assert run("-C", tmp_path / "none", "--quiet", "rank")[2].startswith("waterbed: ")


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
def test_ctrl_c_at_any_time_ends_with_130(tmp_path: Path, seconds: float) -> None:
    """A signal while modules load or a command runs ends it with code 130 and one sentence."""
    code = f"import sys; print('on', flush=True); {_START}"
    line = [sys.executable, "-c", code, "lab", "simulate", "waterbed", "--studies", "500"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sleep(seconds)
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "waterbed: stopped\n")


def test_words_of_the_options_are_those_of_the_code() -> None:
    """What options name without loading the code behind them is what that code knows."""
    assert tuple(FORMATS) == options.REPORT_FORMS
    assert options.NOTICE_FORMS == NOTICE_FORMATS
    kinds = (kind.replace("_", "-") for kind in KINDS if kind not in set(ROLES.values()) - {"hoster", "upstream"})
    assert tuple(kinds) == options.RANKED
    assert (*READERS, births.KIND) == options.TABLE_KINDS
    assert (options.WINDOW_DAYS, options.OUTCOMES) == (WINDOW_DAYS, OUTCOMES)
    assert {str(clock) for clock in options.Clock} <= set(get_args(ClockKind))
    assert (root._VANTAGE, root._NETWORK) == (VANTAGE, NETWORK)


def test_quiet_leaves_out_confirmations(run: Run, tmp_path: Path) -> None:
    """With --quiet an import, an escrow and a backup confirm nothing; a backup prints its folder alone."""
    feed = tmp_path / "feed.txt"
    feed.write_text("http://a.example/x\n")
    with small_study(tmp_path) as study:
        folder = study.folder.path
        imported = run("-C", folder, "--quiet", "import", feed, "--source", "feed", "--format", "urls")
        escrowed = run("-C", folder, "--quiet", "key", "escrow", tmp_path / "escrow.txt")
        code, backed_up, _ = run("-C", folder, "--quiet", "backup", tmp_path / "backups")
    assert (imported, escrowed) == ((0, "", ""), (0, "", ""))
    assert (code, len(backed_up.splitlines())) == (0, 1)
