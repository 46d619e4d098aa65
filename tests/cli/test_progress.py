"""How far a command is: bars on a terminal, a line a minute in a log, nothing of it on standard output."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from rich.console import Console

from tests.publish.study import small_study
from tests.study.rig import Run
from waterbed.cli import progress
from waterbed.cli.progress import Shown, figures
from waterbed.model.progress import Stage, listen, stage
from waterbed.shown.output import page_of

_END = b"\x04end"


class Time:
    """A clock that tells `shown` of each second."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.shown: Shown

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.shown.tick()


@contextmanager
def heard_by(console: Console) -> Iterator[Time]:
    """Show stages on a console, in time of its own."""
    time = Time()
    time.shown = Shown(console, time, alone=False)
    listen(time.shown)
    try:
        yield time
    finally:
        listen(None)
        time.shown.close()


@pytest.fixture
def log() -> Iterator[tuple[Time, Callable[[], list[str]]]]:
    """A log: time, and the lines so far."""
    text = io.StringIO()
    with heard_by(page_of(text, 40)) as time:
        yield time, lambda: text.getvalue().splitlines()


@contextmanager
def pseudo_terminal() -> Iterator[tuple[Console, Callable[[], str]]]:
    """A console on a terminal, and what arrived there since it was last asked for."""
    ours, theirs = os.openpty()

    def read() -> str:
        os.write(theirs, _END)
        found = b""
        while not found.endswith(_END):
            found += os.read(ours, 65_536)
        return found.removesuffix(_END).decode()

    with os.fdopen(theirs, "w") as file:
        yield Console(file=file, width=100, _environ={"TERM": "xterm"}), read
    os.close(ours)


def test_a_log_gets_a_line_a_minute(log: tuple[Time, Callable[[], list[str]]]) -> None:
    """After each minute the stage, how much of it is done, how fast, and how long it still takes; none wraps."""
    time, lines = log
    with stage("looks", 3_600) as advance:
        for _ in range(150):
            time.pass_by(1)
            advance(10)
    assert lines() == [
        "looks: 590 of 3,600, 9.8/s, about 5 min left",
        "looks: 1,190 of 3,600, 9.9/s, about 4 min left",
    ]


def test_a_short_command_logs_nothing(log: tuple[Time, Callable[[], list[str]]]) -> None:
    """Under a minute there is no line; nor where short work comes after idle time."""
    time, lines = log
    with stage("looks", 10):
        time.pass_by(59)
    for _ in range(5):
        time.pass_by(30)
        with stage("looks", 10):
            time.pass_by(40)
    assert lines() == []


def test_stages_one_after_the_other_are_one_work(log: tuple[Time, Callable[[], list[str]]]) -> None:
    """Many short stages that take minutes together give lines, of the stage that is open then."""
    time, lines = log
    for number in range(1, 131):
        with stage(f"stage {number}"):
            time.pass_by(1)
    assert lines() == ["stage 60: 1 s so far", "stage 120: 1 s so far"]


def test_stages_within_a_stage_are_told_once_they_last(log: tuple[Time, Callable[[], list[str]]]) -> None:
    """A line has the outer stage first, and inner ones that go on for two seconds."""
    time, lines = log
    with stage("outer", 3) as outer:
        time.pass_by(50)
        outer()
        with stage("inner") as inner:
            inner(50)
            time.pass_by(9)
            with stage("innermost"):
                time.pass_by(1)
    assert lines() == ["outer: 1 of 3, 1.0/min, about 2 min left; inner: 50 done, 5.0/s"]


def test_a_terminal_gets_bars_that_vanish(capsys: pytest.CaptureFixture[str]) -> None:
    """After two seconds each stage that lasts has a bar; what is printed meanwhile goes where it always goes."""
    with pseudo_terminal() as (console, read), heard_by(console) as time:
        with stage("looks", 1_200) as looks:
            time.pass_by(1)
            assert read() == ""
            looks(100)
            time.pass_by(1)
            shown = read()
            assert "looks" in shown
            assert "━" in shown
            assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")  # a kill leaves the cursor visible
            assert "100 of 1,200, 50/s, about 22 s left" in shown
            with stage("rows"):
                time.pass_by(1)
                assert "rows" not in read()
                time.pass_by(2)
                assert "rows" in read()
            sys.stdout.write("a result\n")
            time.pass_by(1)
            shown = read()
            assert "looks" in shown
            assert "rows" not in shown.rpartition("looks")[2]
            assert "a result" not in shown
        assert read().endswith("\x1b[2K")  # the last line is erased
        time.pass_by(10)
        assert read() == ""
        with suppress(ZeroDivisionError), stage("fails"):
            time.pass_by(3)
            raise ZeroDivisionError
        assert read().endswith("\x1b[2K")
    assert capsys.readouterr() == ("a result\n", "")


def test_work_goes_on_when_its_terminal_is_gone() -> None:
    """A window that is closed while a bar stands there does not fail the work."""
    ours, theirs = os.openpty()
    file = os.fdopen(theirs, "w")
    with heard_by(Console(file=file, _environ={"TERM": "xterm"})) as time, stage("looks", 10):
        time.pass_by(3)
        os.close(ours)
    file.write("x")
    with pytest.raises(OSError, match="Input/output"):
        file.flush()


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [
        (0, None, 5.0, "5 s so far"),
        (0, 0, 0.0, "0 s so far"),
        (0, 10, 200.0, "0 of 10, 3 min so far"),
        (7, None, 7_200.0, "7 done, 3.5/h"),
        (10, 10, 0.0, "10 of 10, 0.0/s"),
        (1, 3, 7_200.0, "1 of 3, 0.5/h, about 4.0 h left"),
        (12, 10, 1.0, "12 of 10, 12/s"),
    ],
)
def test_figures_fit_any_stage(done: int, total: int | None, seconds: float, said: str) -> None:
    """Unknown totals, no unit yet, no time yet and more than was expected are told as far as they are known."""
    one = Stage("a stage", total)
    one.done = done
    assert figures(one, seconds) == said


def test_results_are_the_same_beside_a_bar(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command prints to standard output does not change where bars are drawn; --quiet draws none."""
    with small_study(tmp_path) as study, pseudo_terminal() as (console, read):
        folder = study.folder.path

        drawn: list[str] = []

        class Eager(Shown):
            """Draws each stage as soon as it begins."""

            def __init__(self) -> None:
                self.time = Time()
                self.time.shown = self
                super().__init__(console, self.time, alone=False)

            def _begin(self, one: Stage) -> None:
                super()._begin(one)
                self.time.pass_by(3)
                drawn.append(read())

        for words in (["lake", "seal"], ["lake", "verify"], ["rank", "--format", "csv"]):
            if "seal" in words:
                run("-C", folder, *words)  # what there is to seal is sealed once
            plain = run("-C", folder, *words)
            with monkeypatch.context() as patched:
                patched.setattr(progress, "Shown", Eager)
                assert run("-C", folder, *words) == plain
                assert "━" in "".join(drawn)
                drawn.clear()
                assert run("-C", folder, "--quiet", *words)[0] == 0
                assert drawn == []
