"""The specification curve on the command line: what is printed and written, and how it fails."""

import csv
import io
import json
from html import unescape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tests.leaks.names import names_of
from tests.leaks.running import clean
from tests.leaks.search import Search
from tests.publish.freeze.study import HOSTS, named_study
from tests.questions.sensitivity.rig import small_study
from tests.study.copies import copied, kept
from tests.study.facts import numbered, written
from waterbed.cli.app import app
from waterbed.lab.score.specification import true_outcomes
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.errors import InputError
from waterbed.questions.sensitivity.curve import HOME_ABROAD, Curve, Outcomes, curve_of, removed
from waterbed.questions.sensitivity.design import Levels, every_spec
from waterbed.questions.sensitivity.grid import Grid
from waterbed.study.study import open_study


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study of the rig."""

    def make(folder: Path) -> None:
        with small_study(folder):
            pass

    return kept(tmp_path_factory.mktemp("small"), make)


@pytest.fixture
def folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and a terminal in which tables have room."""
    monkeypatch.setenv("COLUMNS", "160")
    return copied(original, tmp_path, monkeypatch)


def run(folder: Path, *words: str) -> Result:
    """One command line on the study."""
    return CliRunner().invoke(app, ["-C", str(folder), "sensitivity", *words])


def whole(done: Result) -> dict[str, Any]:
    """A JSON answer."""
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(done: Result, *parts: str) -> None:
    """An InputError with these parts."""
    assert isinstance(done.exception, InputError), done.output
    assert all(part in str(done.exception) for part in parts), str(done.exception)


def test_people_read_conclusions_and_choices(folder: Path) -> None:
    """The table names each conclusion, the choices, and why some are left out."""
    done = run(folder, "--most", "16")
    assert done.exit_code == 0, done.output
    for part in (
        "a balanced fraction: 16 of 1,944 specifications",
        "Both B.V. removes at least half within 24 h",
        "moved: competing, removed, censored",
        "not upstream: no data tell it",
        "flipped by",
    ):
        assert part in done.stdout, done.stdout
    assert "truth" not in done.stdout


def test_tools_read_every_table(folder: Path) -> None:
    """CSV, JSON and Parquet have the same rows, JSON and Parquet with the envelope that names the fraction."""
    told = whole(run(folder, "--most", "16", "--table", "curve", "--format", "json"))
    assert told["what"] == "sensitivity"
    assert "balanced fraction: 16 of 1,944" in told["method"]
    points = told["rows"]
    assert len(points) == 16
    lines = list(csv.DictReader(io.StringIO(run(folder, "--most", "16", "--table", "curve", "--format", "csv").stdout)))
    assert [line["moved"] for line in lines] == [point["moved"] for point in points]
    packed = run(folder, "--most", "16", "--table", "curve", "--format", "parquet")
    assert pq.read_table(io.BytesIO(packed.stdout_bytes)).num_rows == 16


def test_named_hosters_and_slowest_are_followed(folder: Path) -> None:
    """The first conclusions are about the hosters named, and so many are called the slowest."""
    names = ("--hoster", "AS64501", "--than", "both", "--slowest", "2")
    told = [row["conclusion"] for row in whole(run(folder, "--most", "16", *names, "--format", "json"))["rows"]]
    assert told[:3] == ["half:AS64501", "order:AS64501:both", "slowest:AS64501"]
    assert sum(name.startswith("slowest:") for name in told) == 2


def test_page_and_json_are_whole(folder: Path, tmp_path: Path) -> None:
    """The JSON keeps to its schema; the page loads nothing, draws the curve, and names no URL."""
    from jsonschema import Draft202012Validator

    out = tmp_path / "out"
    assert run(folder, "--most", "16", "--out", str(out)).exit_code == 0
    told = json.loads((out / "sensitivity.json").read_text())
    Draft202012Validator(json.loads((out / "sensitivity.schema.json").read_text())).validate(told)
    assert (len(told["curve"]), told["hoster"]) == (16, "both")
    page = (out / "sensitivity.html").read_text()
    assert 'id="figure-curve"' in page
    assert "default-src 'none'" in unescape(page)
    assert "src=" not in page
    assert "<script" not in page
    assert "Both B.V." in page
    estimated = sum(row["estimate"] is not None for row in told["curve"])
    assert page.count('class="whisker soft"') == 2 * estimated
    assert (out / "sensitivity-curve.csv").read_text().count("\n") == 1 + len(told["curve"])


def test_nothing_that_is_written_names_a_host(tmp_path: Path) -> None:
    """Neither page, JSON nor what is printed holds a host name, domain or label of the study."""
    out = tmp_path / "out"
    with named_study(tmp_path / "named") as study:
        said = run(study.folder.path, "--most", "16", "--out", str(out))
    assert said.exit_code == 0, said.output
    (out / "said.txt").write_text(said.output)
    clean(Search(names_of(HOSTS)), out)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--hoster", "nobody"), ("nobody is not a hoster of this study", "both")),
        (("--hoster", "both", "--than", "both"), ("--than both is --hoster too",)),
        (("--truth", "quiet"), ("not of the lab",)),
        (("--truth", "no-such-world"), ("'no-such-world' is neither a file nor one of the scenarios",)),
    ],
)
def test_wrong_words_are_one_sentence(folder: Path, words: tuple[str, ...], parts: tuple[str, ...]) -> None:
    """A key that is not known, one beside itself, and a truth that nobody knows are refused."""
    refused(run(folder, "--most", "16", *words), *parts)


def test_output_that_cannot_be_written_is_refused(folder: Path) -> None:
    """A file where the folder should be is named, and so is one of the study's own."""
    (folder / "taken").write_text("")
    refused(run(folder, "--most", "16", "--out", str(folder / "taken")), "cannot be written")
    refused(run(folder, "--most", "16", "--out", str(folder / "waterbed.toml")), "is the study's own")


def test_study_without_a_share_is_refused(tmp_path: Path) -> None:
    """Where nobody has a share there is nothing to compare, and the sentence says where to look."""
    with written(tmp_path, numbered("a", 3, "u" * 40)):
        pass
    refused(run(tmp_path / "study"), "no hoster has a share removed within 24 hours yet")


def test_protocol_declares_the_specifications(folder: Path) -> None:
    """A locked protocol's levels are the grid, its primary outcome is the reference."""
    text = """
title = "t"
question = "q"
home = "NL"
clock = "reported"
role = "asn"
primary = "main"
[frame]
sources = ["hotline"]
categories = ["phishing"]
since = 2026-01-01
until = 2026-06-30
[[estimands]]
name = "main"
output = "ranking"
measure = "share"
by = "asn"
clock = "reported"
[stopping]
until = 2026-07-14
rule = "then"
[sensitivity]
clock = ["reported", "episode_start"]
role = ["asn"]
dedup = ["url"]
confirmation = ["3 looks over 2 h", "2 looks over 1 h"]
moved = ["removed", "competing"]
unknown = ["censored"]
proxy = ["own class"]
merges = ["on"]
"""
    (folder / "study.toml").write_text(text)
    lock = CliRunner().invoke(app, ["-C", str(folder), "protocol", "lock", "--reason", "a test"])
    assert lock.exit_code == 0, lock.output
    with open_study(folder) as study:
        curve = curve_of(study)
    levels = curve.grid.levels
    assert (curve.whole, len(curve.outcomes)) == (8, 8)
    assert levels["clock"] == ("reported", "episode_start")
    assert levels["confirmation"] == ("3 looks over 2 h", "2 looks over 1 h")
    assert levels["moved"] == ("competing", "removed")
    assert curve.reference.spec.role == "asn"
    assert "AS64502" in curve.ranked


@pytest.mark.parametrize("wrong", ['moved = ["away"]', 'confirmation = ["often"]', 'colour = ["red"]'])
def test_protocol_with_unknown_levels_is_refused(folder: Path, wrong: str) -> None:
    """A level or dimension that does not exist is refused when the protocol is read."""
    CliRunner().invoke(app, ["-C", str(folder), "protocol", "init"])
    path = folder / "study.toml"
    path.write_text(f"{path.read_text()}\n[sensitivity]\n{wrong}\n")
    done = CliRunner().invoke(app, ["-C", str(folder), "protocol", "check"])
    assert isinstance(done.exception, InputError)
    assert "sensitivity" in str(done.exception)


def test_truth_is_that_of_the_world() -> None:
    """True shares are those of the world's hosters; home less abroad is over all their clocks."""
    truth = simulate(read_world(scenario_path("waterbed")))
    levels: Levels = {
        "clock": ("reported",),
        "role": ("hoster",),
        "dedup": ("url",),
        "confirmation": ("1 look",),
        "moved": ("competing",),
        "unknown": ("censored",),
        "first_down": ("bounds",),
        "proxy": ("own class",),
        "merges": ("on",),
        "assessment": ("decides",),
        "hoster_word": ("counts",),
    }
    (spec,) = every_spec(levels)
    reference = Outcomes(spec=spec, values={}, keys={})
    keys = ("moerashost", "AS64497", "nobody")
    curve = Curve(grid=Grid(levels=levels, why_not={}), whole=1, outcomes=[reference], ranked=keys, names={})
    found = true_outcomes(truth, curve)
    assert found.values[removed("moerashost")].estimate == truth.removal["moerashost"].share
    assert found.values[removed("AS64497")].estimate == truth.removal["polderhost"].share
    assert set(found.keys) == {"moerashost", "AS64497"}
    home = {hoster.key for hoster in truth.world.hoster if hoster.country == truth.world.home}
    shares = [
        sum(share.removed for key, share in truth.removal.items() if (key in home) is at_home)
        / sum(share.urls for key, share in truth.removal.items() if (key in home) is at_home)
        for at_home in (True, False)
    ]
    assert found.values[HOME_ABROAD].estimate == pytest.approx(shares[0] - shares[1])
