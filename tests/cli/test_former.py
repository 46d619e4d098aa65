"""Spellings of the version before are understood for one more version, and shown nowhere."""

import pytest
from typer.testing import CliRunner

from tests.docs.cli import cli_text
from tests.docs.test_commands import problem
from waterbed.cli.app import app
from waterbed.cli.former import OPTIONS, TABLES, as_now
from waterbed.model.errors import InputError


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("rank --volume --by asn", "rank --by asn --table volume"),
        ("rank --date 2026-01-05 --volume", "rank --as-of 2026-01-05 --table volume"),
        ("rank --feeds", "rank --table sources"),
        ("rank --table feeds", "rank --table sources"),
        ("routes add routes.csv --date 2026-01-05", "tables add routes.csv --date 2026-01-05"),
        ("feeds --midpoint", "sources --midpoint"),
        ("sheet AS64500", "fact-sheet AS64500"),
        ("hops --labels --near", "hops --table near-labels"),
        ("hops --near --labels --format csv", "hops --format csv --table near-labels"),
        ("hops --told", "hops --table external"),
        ("episodes --told", "episodes --table external"),
        ("enrich --compare", "enrich --table origins"),
        ("compliance --show trends", "compliance --table trends"),
        ("compliance --show=trends", "compliance --table=trends"),
        ("graph --by as --measures", "graph --by asn --table measures"),
        ("graph --by=as", "graph --by=asn"),
        ("explain AS64500 --date 2026-01-05", "explain AS64500 --as-of 2026-01-05"),
        ("attribute --csv t.csv --date=2026-01-05", "attribute --csv t.csv --as-of=2026-01-05"),
        ("sizes --date 2026-01-05", "sizes --as-of 2026-01-05"),
        ("hosters show acme --on 2026-01-05 --changes", "hosters show acme --as-of 2026-01-05 --table changes"),
    ],
)
def test_former_spellings_are_read_as_those_of_today(before: str, now: str) -> None:
    """A former spelling becomes one that the command line has."""
    assert " ".join(as_now(before.split())) == now
    assert problem(now.split()) is None


@pytest.mark.parametrize(
    "words",
    [
        "sizes add domains.csv --date 2026-01-05",
        "tables add routes.csv --date 2026-01-05",
        "compliance --weeks",
        "rank --by asn",
        "explain as --as-of 2026-01-05",
        "reveal 0f --reason --volume",
        "hosters add hosters.toml",
        "lag",
    ],
)
def test_words_that_mean_the_same_as_ever_stay(words: str) -> None:
    """What no former spelling is about is left as it is."""
    assert as_now(words.split()) == words.split()


@pytest.mark.parametrize("words", ["rank --volume --places", "graph --table weeks --table flows", "hops --told --near"])
def test_two_tables_are_refused(words: str) -> None:
    """Two tables at once are refused, whatever their spelling."""
    with pytest.raises(InputError, match="name one of them"):
        as_now(words.split())


def test_former_spellings_are_shown_nowhere() -> None:
    """The page of the command line names none of them as an option of its command."""
    sections = {part.partition("\n")[0]: part for part in cli_text().split("\n### ")}
    for command, options in [*TABLES.items(), *OPTIONS.items()]:
        assert not [name for name in options if f"| `{name}` |" in sections[command]]


def test_a_former_spelling_works_on_the_command_line() -> None:
    """The command line itself reads them: an unknown value of --show is told of as one of --table."""
    done = CliRunner().invoke(app, ["compliance", "--show", "planets"])
    assert done.exit_code == 2
    assert "--table" in done.output
