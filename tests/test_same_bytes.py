"""The recorder of outputs: a stopped clock, lines that the command line understands, differences that are named."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from waterbed.cli.app import app
from waterbed.cli.former import as_now

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the verbs; its folder is no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("same_bytes")


class _Any(dict[str, str]):
    """A value for each name: a day where one is asked for, else a word."""

    def __missing__(self, name: str) -> str:
        return "2025-04-03" if name == "day" else "file"


@pytest.mark.parametrize("study", ["outside", "demo"])
def test_every_recorded_line_is_one_of_the_command_line(recorder: ModuleType, study: str) -> None:
    """Each line, former spellings too, is a known command with known options and enough arguments."""
    lines = list(recorder.lines_of(study))
    assert len({line.name for line in lines}) == len(lines)
    for line in lines:
        words = line.words if isinstance(line.words, str) else line.words[0]
        left = [*(word.format_map(_Any()) for word in words.split()), *line.also]
        if "--help" in left or line.name.startswith("refused-day"):
            continue
        left = left if left[0].startswith("-") else as_now(left)
        command: Any = typer.main.get_command(app)
        context = command.make_context("waterbed", left)
        while rest := [*getattr(context, "_protected_args", ()), *context.args]:
            command = command.commands[rest[0]]
            context = command.make_context(rest[0], rest[1:], parent=context)


def test_differences_are_named_and_counted(
    recorder: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two recordings that are equal have no difference; else each file is named, with the lines that differ."""
    for name, text in (("one", "a\nb\n"), ("same", "a\nb\n"), ("other", "a\nc\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rank.csv").write_text(text)
    assert recorder.compare(tmp_path / "one", tmp_path / "same") == 0
    (tmp_path / "other" / "more.csv").write_text("")
    assert recorder.compare(tmp_path / "one", tmp_path / "other") == 2
    said = capsys.readouterr().out
    assert "DIFFERS rank.csv" in said
    assert "-b\n" in said.replace("    ", "")
    assert f"only in {tmp_path / 'other'}: more.csv" in said


def test_lines_run_apart_under_one_clock_and_version(tmp_path: Path) -> None:
    """Children of one process see the same time and version, leave nothing to each other, and answer with a status."""
    (tmp_path / "invented.py").write_text(
        "import sys, time\nfrom datetime import UTC, datetime\nfrom importlib.metadata import version\n"
        "seen = []\n"
        "def main():\n"
        "    seen.append(1)\n"
        "    print(datetime.now(UTC).isoformat(), int(time.time()), version('waterbed'), len(seen), *sys.argv[1:])\n"
        "    sys.exit(3)\n"
    )
    jobs = [
        {"words": [word], "stdout": str(tmp_path / word), "stderr": str(tmp_path / "problem")} for word in ("a", "b")
    ]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "same_bytes_driver.py", "invented"],
        env={"PYTHONPATH": str(tmp_path)},
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "3\n3\n"
    for word in ("a", "b"):
        assert (tmp_path / word).read_text() == f"2026-07-01T12:00:00+00:00 1782907200 0 1 {word}\n"
