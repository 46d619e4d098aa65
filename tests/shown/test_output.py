"""What is printed for people: tables as wide as they must be, values spelled; words taken as typer takes them."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.main import get_command

from waterbed.cli.plain import read_plainly
from waterbed.model.results import FeedCard
from waterbed.questions.sources import command as sources
from waterbed.questions.sources.command import print_cards
from waterbed.shown import output
from waterbed.shown.output import minute, new_table, number, page_of, percent, points, print_table, short


@dataclass(frozen=True)
class _Row:
    url_id: str
    began: datetime
    ended: datetime
    hoster: str
    note: str


@given(columns=st.lists(st.integers(1, 40), min_size=1, max_size=12), width=st.integers(20, 120))
def test_no_table_loses_its_last_column(columns: list[int], width: int) -> None:
    """However narrow the terminal, the last cell of each row stands there whole."""
    text = io.StringIO()
    made = new_table("a table")
    for n, least in enumerate(columns):
        made.add_column(f"c{n}", no_wrap=True, min_width=max(least, len(f"c{n}")))
    made.add_row(*("x" * least for least in columns[:-1]), "z" * columns[-1])
    print_table(made, page_of(text, width))
    assert "z" * columns[-1] in text.getvalue()


_CARD = FeedCard(
    source="hotline", reports=123_456, urls=98_765, hosts=54_321, sites=43_210, days=1_400, days_covered=1_399,
    first_day=None, last_day=None, undated=0,
    delay_median_h=12.3, delay_p90_h=123.4, shared=0.25, first_here=0.5, retention_day=None,
    listed_median_low_d=None, listed_median_high_d=None, deliveries=1_400, empty=12, suspect=3,
)  # fmt: skip


def test_cards_of_sources_are_whole_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of sources, which needs more than 80 columns, shows its last column."""
    print_cards([_CARD])
    shown = capsys.readouterr().out
    assert "deliveries" in shown
    assert "1,400, 12 empty, 3 held" in shown


@pytest.mark.parametrize("width", [40, 80])
def test_ids_and_times_stand_in_one_line(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other columns of a table give way to them, and the table is wider than the terminal if it must be."""
    monkeypatch.setattr(output.console, "_width", width)
    when = datetime(2026, 1, 12, 2, 42, tzinfo=UTC)
    rows = [_Row("158b6ab5ae0f" + "0" * 20, when, when, "a-hoster-of-a-long-name", "n" * 50)]
    info: Any = None
    output.print_rows(_Row, rows, info, "table", cell=lambda one: minute(one) if one is when else short(one))
    shown = capsys.readouterr().out
    assert (" 158b6ab5ae0f " in shown, shown.count(" 2026-01-12 02:42 ")) == (True, 2), shown
    assert " a-host" in shown


@pytest.mark.parametrize(("hours", "told"), [(2110.4, "2,110"), (99.96, "100"), (1.474, "1.5"), (None, "-")])
def test_hours_of_delay_are_plain_numbers(hours: float | None, told: str) -> None:
    """Many hours are whole ones, not powers of ten."""
    assert sources._card_cells(replace(_CARD, delay_median_h=hours))[6] == told


@pytest.mark.parametrize("columns", ["0", "00", "²", "wide"])
def test_a_width_of_no_columns_is_none(columns: str) -> None:
    """A `COLUMNS` that is no width counts as unset, so that tables are printed."""
    asked = (
        "from waterbed.shown.output import *; made = new_table('', 'name'); made.add_row('value'); print_table(made)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "COLUMNS": columns},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.strip() for line in done.stdout.split("\n") if line.strip()][::2] == ["name", "value"]


@pytest.mark.parametrize(("terminal", "lines"), [(True, 3), (False, 1)])
def test_a_sentence_breaks_between_words_on_a_terminal_alone(
    terminal: bool, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that read a pipe get each sentence as one line."""
    shown = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=shown, width=40, force_terminal=terminal, color_system=None))
    sentence = "Of the 44 contents that ended there, 11 were surely seen elsewhere within 3 days, as reports tell."
    output.say(sentence, broken=True)
    printed = shown.getvalue().splitlines()
    assert " ".join(line.rstrip() for line in printed) == sentence
    assert len(printed) == lines


def test_values_are_spelled_for_people() -> None:
    """Nothing is a dash; ids are shortened; shares and points have their digits."""
    assert [short(None), short(("a", "b")), short("0" * 32), short("AS64500")] == ["-", "a b", "0" * 12, "AS64500"]
    assert [percent(None), percent(0.125), percent(0.125, 0)] == ["-", "12.5%", "12%"]
    assert [points(None), points(0.1), points(0.1, 2)] == ["-", "10.0 points", "10.00 points"]
    assert [number(None, ".1f"), number(1.25, ".1f"), minute(None)] == ["-", "1.2", "-"]


def _reading(plainly: bool, words: list[str], into: dict[str, Any]) -> None:
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(
        path: Annotated[Path, typer.Argument()],
        text: Annotated[str, typer.Option()] = "of its own",
        several: Annotated[list[str] | None, typer.Option()] = None,
        many: Annotated[int, typer.Option(min=1)] = 3,
        file: Annotated[Path | None, typer.Option(dir_okay=False)] = None,
        flag: Annotated[bool, typer.Option("--flag/--no-flag")] = False,
    ) -> None:
        into.update(path=path, text=text, several=several, many=many, file=file, flag=flag)

    made: Any = get_command(app)
    if plainly:
        read_plainly(made.get_params(typer.Context(made)))
    made(words, standalone_mode=False)


@pytest.mark.parametrize(
    "words",
    [
        ["x"],
        [".", "--text", "é", "--several", "a", "--several", "b"],
        ["x", "--many", "7", "--flag"],
        ["x", "--file", "nothing", "--no-flag"],
    ],
)
def test_plain_words_are_read_as_typer_reads_them(words: list[str]) -> None:
    """Values are those that typer alone would give."""
    ours: dict[str, Any] = {}
    typers: dict[str, Any] = {}
    _reading(True, words, ours)
    _reading(False, words, typers)
    assert ours == typers
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in typers.items()}


@pytest.mark.parametrize("words", [["x", "--many", "0"], ["x", "--many", "few"], ["x", "--file", "."]])
def test_words_that_typer_refuses_are_refused(words: list[str]) -> None:
    """A value out of its range, of another kind, or a folder in place of a file is refused, with it in plain words."""
    said = []
    for plainly in (True, False):
        with pytest.raises(typer.BadParameter) as refused:
            _reading(plainly, words, {})
        said.append(str(refused.value))
    expected = f"'{words[-1]}' does not fit; a whole number from 1 was expected"
    assert said[0] == (said[1] if "--file" in words else expected)
