"""The page of the command line, the help of each command, completion, and what goes into a pipe."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.docs.cli import FOUND, cli_text, example, finds, leaves
from tests.docs.markdown import ROOT, page
from tests.docs.test_commands import commands, problem
from tests.publish.study import small_study
from waterbed.cli.app import app

LEAVES = dict(leaves())
WATERBED = (sys.executable, "-m", "waterbed.cli")
_COLOUR = re.compile(r"\x1b\[[\d;]*\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a study in `study` and its keys in `config`."""
    folder = tmp_path_factory.mktemp("pipes")
    with small_study(folder):
        yield folder


def _environment(room: Path, **further: str) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_CONFIG_HOME": str(room / "config"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        **further,
    }


@cache
def _piped(room: Path, *words: str, **further: str) -> "subprocess.CompletedProcess[str]":
    """What a command line says with both outputs in pipes, asked once."""
    whole = [*WATERBED, "-C", str(room / "study"), *words]
    return subprocess.run(whole, env=_environment(room, **further), capture_output=True, text=True, check=False)


def _on_terminal(
    environment: Mapping[str, str], *words: str, out: int | None = None, program: Sequence[str] = WATERBED
) -> tuple[str, str]:
    """What a command line writes into a pipe (if `out` is PIPE) and onto a terminal behind all else."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*program, *words], env=environment, stdin=theirs, stdout=theirs if out is None else out, stderr=theirs
    )
    os.close(theirs)
    shown = b"".join(_chunks(ours))
    piped = process.stdout.read().decode() if process.stdout else ""
    process.wait()
    os.close(ours)
    return piped, shown.decode()


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # Linux says so when the other side is closed
            return
        if not chunk:
            return
        yield chunk


def test_the_page_is_what_its_generator_writes() -> None:
    """docs/cli.md is up to date: python -m tests.docs.cli > docs/cli.md."""
    assert page("cli.md") == cli_text()


def test_the_page_is_the_same_on_any_terminal() -> None:
    """Neither width, colour nor language of the terminal change the page."""
    loud = {"COLUMNS": "40", "FORCE_COLOR": "1", "LANG": "C", "WATERBED_STUDY": "elsewhere"}
    made = subprocess.run(
        [sys.executable, "-m", "tests.docs.cli"],
        env={**os.environ, **loud},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == page("cli.md")


@pytest.mark.parametrize("words", LEAVES)
def test_help_of_each_command_has_an_example(words: str) -> None:
    """The help shows an example of this very command, with options and values that exist."""
    line = example(LEAVES[words])
    assert line is not None
    (said,) = commands(f"```\n{line}\n```")
    assert problem(said) is None
    assert re.search(rf"^waterbed (-C \S+ )?{words}( |$)", line)
    shown = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "200"}, terminal_width=200)
    assert shown.exit_code == 0
    assert line in " ".join(shown.output.split())


@pytest.mark.parametrize("words", LEAVES)
def test_examples_give_what_is_required(words: str) -> None:
    """An example has every required option and enough arguments."""
    line = example(LEAVES[words]) or ""
    for one in LEAVES[words].params:
        if one.required and one.param_type_name == "option":
            assert one.opts[-1] in line


@pytest.mark.parametrize("words", LEAVES)
def test_the_page_names_all_that_a_command_takes(words: str) -> None:
    """An option that many commands share is described once, and named by each."""
    told = page("cli.md").partition(f"\n### {words}\n")[2].partition("\n### ")[0]
    for one in LEAVES[words].params:
        if one.param_type_name == "option":
            assert all(f"`{name}`" in told for name in (*one.opts, *one.secondary_opts))
        else:
            assert f"- `{(one.metavar or one.name).upper().strip('_.')}" in told


def test_commands_that_find_something_say_what() -> None:
    """The page tells of exit code 1 exactly for the commands that choose their exit code."""
    assert {words for words, command in LEAVES.items() if finds(command)} == set(FOUND)


def test_completion_is_shown_for_bash(tmp_path: Path) -> None:
    """Called from bash, --show-completion prints a script that bash itself takes."""
    line = f'"{sys.executable}" -m waterbed.cli --show-completion bash; true'
    environment = _environment(tmp_path, SHELL="/bin/bash")
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=True)
    assert "complete -o default -F" in done.stdout
    subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)


@pytest.mark.parametrize(
    ("line", "expected"), [("waterbed ra", {"rank"}), ("waterbed key ", {"rotate", "escrow", "restore"})]
)
def test_bash_completes_commands(tmp_path: Path, line: str, expected: set[str]) -> None:
    """What the script asks for at a tab is answered with the commands that fit."""
    asked = {"_WATERBED_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    code = "import sys; sys.argv = ['waterbed']; from waterbed.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(tmp_path, **asked), capture_output=True, text=True, check=False
    )
    assert set(done.stdout.split()) == expected


def test_completion_is_printed_for_the_shell_that_is_named(tmp_path: Path) -> None:
    """_WATERBED_COMPLETE=source_bash prints the script, whatever shell is in use."""
    code = "import sys; sys.argv = ['waterbed']; from waterbed.cli.main import main; main()"
    environment = _environment(tmp_path, _WATERBED_COMPLETE="source_bash")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "complete -o default -F _waterbed_completion waterbed" in done.stdout


@pytest.mark.parametrize("words", [["rank"], ["hops", "--format", "csv"], ["--help"], ["explain", "planet"]])
def test_no_escape_code_goes_into_a_pipe(room: Path, words: list[str]) -> None:
    """Tables, files, help and errors are plain text in a pipe."""
    done = _piped(room, *words)
    assert done.stdout or done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout.replace("\r\n", "\n")


def test_width_of_tables_in_a_pipe_is_80_or_as_asked(room: Path) -> None:
    """COLUMNS sets the width of a table in a pipe; 80 otherwise."""
    narrow, wide = _piped(room, "rank").stdout, _piped(room, "rank", COLUMNS="160").stdout
    assert max(map(len, narrow.splitlines()[:8])) <= 80
    assert "worst-best " in wide.splitlines()[2]
    assert "worst-best " not in narrow.splitlines()[2]


@pytest.mark.long
def test_bars_are_drawn_on_a_terminal_only(room: Path) -> None:
    """A bar goes to the terminal behind standard error, and nothing of it to standard output or a pipe."""
    eager = "import sys; from waterbed.cli import main, progress; progress._PATIENCE_S, progress._TICK_S = 0.0, 0.01"
    line = (sys.executable, "-c", f"{eager}; main.main()", "lab", "simulate", "waterbed", "--studies", "3")
    quiet = subprocess.run(line, env=_environment(room), capture_output=True, text=True, check=True)
    assert quiet.stderr == ""
    piped, shown = _on_terminal(_environment(room), *line[1:], out=subprocess.PIPE, program=line[:1])
    assert "of 3" in shown
    assert shown.endswith("\x1b[2K")
    assert piped == quiet.stdout != ""


def test_a_quick_command_draws_nothing(room: Path) -> None:
    """A command that is done at once writes to its output alone, on a terminal too."""
    piped, shown = _on_terminal(_environment(room), "-C", str(room / "study"), "lag", out=subprocess.PIPE)
    assert ("due now" in piped, shown) == (True, "")


def test_no_color_turns_colour_off_on_a_terminal(room: Path) -> None:
    """An error is red on a terminal, and plain with NO_COLOR."""
    words = ("-C", str(room / "none"), "lag")
    _, red = _on_terminal(_environment(room), *words)
    _, plain = _on_terminal(_environment(room, NO_COLOR="1"), *words)
    assert "no study in" in plain
    assert _COLOUR.search(red)
    assert not _COLOUR.search(plain)


def test_help_on_a_terminal_heeds_no_color(room: Path) -> None:
    """Help has colours on a terminal, and none with NO_COLOR."""
    _, bright = _on_terminal(_environment(room), "rank", "--help")
    _, plain = _on_terminal(_environment(room, NO_COLOR="1"), "rank", "--help")
    assert _COLOUR.search(bright)
    assert not _COLOUR.search(plain)
