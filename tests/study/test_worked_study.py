"""The worked study made again from its data, and held against published numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import ROOT
from tests.leaks.names import names_of_feed
from tests.leaks.search import Search

pytestmark = pytest.mark.realdata
FOLDER = Path(os.environ.get("WATERBED_REALDATA", "."))
STUDY = ROOT / "docs/study"
TWO_HUNDREDTHS_D = 0.02


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    """The study's numbers as they are kept."""
    found: dict[str, Any] = json.loads((STUDY / "numbers.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def oracle() -> dict[str, Any]:
    """The numbers to be reached."""
    found: dict[str, Any] = json.loads((FOLDER / "oracles.json").read_text())["phishtank_2018_2019"]
    return found


def close(found: Any, kept: Any, at: str) -> None:
    """Counts and words are equal, other numbers nearly: resamples may be drawn otherwise by another NumPy."""
    if isinstance(kept, dict):
        assert list(found) == list(kept), at
        for key, value in kept.items():
            close(found[key], value, f"{at}.{key}")
    elif isinstance(kept, list):
        assert len(found) == len(kept), at
        for number, value in enumerate(kept):
            close(found[number], value, f"{at}[{number}]")
    elif isinstance(kept, float):
        assert found == pytest.approx(kept, rel=0.02, abs=0.003), at
    else:
        assert found == kept, at


def test_made_again_the_study_has_the_same_numbers(numbers: dict[str, Any], tmp_path: Path) -> None:
    """The whole study, commands and all, gives the numbers that are kept, from data that stay where they are."""
    environment = {**os.environ, "WATERBED_REALDATA": str(FOLDER), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, STUDY / "make.py", "--out", tmp_path / "out"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    close(json.loads((tmp_path / "out" / "numbers.json").read_text()), numbers, "numbers")
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "the private folder is removed"


def test_medians_are_the_published_ones(numbers: dict[str, Any], oracle: dict[str, Any]) -> None:
    """Each published median within 0.02 days, those of the commands too; platforms within 2%."""
    median, cards, told = numbers["listed"]["median"], numbers["commands"]["cards"], oracle["median_days"]
    found = {
        "naive_dropping_censored": numbers["listed"]["median_ended_alone"],
        "km_lower": median["last_seen"],
        "km_midpoint": median["middle"],
        "km_upper": median["first_missing"],
        "all_ids_delayed_entry": cards["all"]["median_high_d"],
        "all_ids_ignoring_entry": cards["all_ignoring_entry"]["median_high_d"],
    }
    for name, value in found.items():
        assert value == pytest.approx(told[name], abs=TWO_HUNDREDTHS_D), name
    assert numbers["listed"]["median_cell"] == pytest.approx(told["npmle"], abs=TWO_HUNDREDTHS_D)
    assert cards["new"]["median_high_d"] == pytest.approx(median["middle"], abs=0.001)
    for name, days in oracle["platform_median_days"].items():
        assert numbers["platforms"]["of"][name]["middle"] == pytest.approx(days, rel=0.02), name


def test_the_curve_is_the_published_one(numbers: dict[str, Any], oracle: dict[str, Any]) -> None:
    """The share still listed on nine days within 0.002."""
    for day, share in oracle["km_midpoint_survival_by_day"].items():
        assert numbers["listed"]["still_listed"][day]["middle"] == pytest.approx(share, abs=0.002), day


def test_counts_are_the_published_ones(numbers: dict[str, Any], oracle: dict[str, Any]) -> None:
    """The cohort, the false pairs of the empty dump, the dump held, and 1,190 labels under several suffixes."""
    data, steps = numbers["data"], numbers["labels"]
    for count in (data["new"], data["new_still_listed"]):
        assert str(count) in oracle["cohort"]
    assert str(data["false_pairs"]) in oracle["empty_dump"]
    assert data["held"] == [oracle["empty_dump"][:10]]
    assert [(one["kind"], one["flipped"]) for one in numbers["commands"]["quarantines"]] == [("feed", 0)]
    assert (steps["several"], steps["published"]["several"], steps["published"]["labels"]) == (1190, 1190, 53717)
    assert steps["hosts"]["first_seen"] == pytest.approx(steps["published"]["first_seen"], rel=0.02)
    assert steps["hosts"]["steps"] == pytest.approx(steps["published"]["pairs"], rel=0.03)


def test_no_name_of_the_data_stands_in_the_study() -> None:
    """Of hosts, domains and labels of the feed only those are there that the published numbers or other pages name."""
    names, _ = names_of_feed(FOLDER / "phishtank-2018-2019.csv.gz")
    search = Search(names)
    search.learn_public([FOLDER / "oracles.json", *sorted((ROOT / "docs").glob("*.md"))])
    found = search.over([STUDY])
    assert found.files > 10
    assert not found.unread
    assert found.by("kind", "where") == {}
