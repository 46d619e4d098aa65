"""A real feed through the command line: its empty dump is found, and how long it lists what."""

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.phishtank import read_dumps
from tests.study.rig import Run

pytestmark = pytest.mark.realdata
FOLDER = Path(os.environ.get("WATERBED_REALDATA", "."))
DUMPS = range(129, 136)
"""Five before the empty one of 19 March 2019, itself, and one after it: 133 is empty."""


def rows() -> list[dict[str, str]]:
    """Each id of the feed, with the runs of dumps that held it."""
    with gzip.open(FOLDER / "phishtank-2018-2019.csv.gz", "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def runs(row: dict[str, str]) -> list[tuple[int, int]]:
    """First and last dump of each run."""
    return [(int(run.partition("-")[0]), int(run.rpartition("-")[2])) for run in row["present"].split()]


@pytest.fixture
def study(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study, and a terminal in which tables have room."""
    monkeypatch.setenv("COLUMNS", "160")
    assert run("init", tmp_path / "study")[0] == 0
    return tmp_path / "study"


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print past the capture, which is for the commands."""

    def told(*figures: object) -> None:
        with capsys.disabled():
            print(*figures)

    return told


def test_the_empty_dump_is_quarantined_without_being_told(
    run: Run, study: Path, tmp_path: Path, tell: Callable[..., None]
) -> None:
    """Seven dumps imported as files, one after the other: the one without rows is held, and no other."""
    held = {number: [row for row in rows() if any(a <= number <= b for a, b in runs(row))] for number in DUMPS}
    for number, own in held.items():
        path = tmp_path / f"dump-{number}.csv"
        with path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["url", "submission_time"])
            table.writerows((row["url"], row["submission_time"]) for row in own)
        code, out, _ = run("-C", study, "import", path, "--source", "phishtank")
        tell("dump", number, len(own), "rows, exit code", code)
        assert code in (0, 1), out
    code, out, _ = run("-C", study, "sources", "--format", "json")
    card = json.loads(out)["rows"][0]
    tell(card)
    assert (code, card["source"], card["deliveries"], card["empty"], card["suspect"]) == (0, "phishtank", 7, 1, 1)
    listed = run("-C", study, "quarantine", "list")[1]
    assert (listed.count("feed"), listed.count("phishtank")) == (1, 1)


def test_how_long_the_feed_lists_entries(run: Run, study: Path, tmp_path: Path, tell: Callable[..., None]) -> None:
    """The card's median heeds late entry; to ignore it takes two switches, which reproduce 8.46 days with a warning."""
    dumps, source = read_dumps(FOLDER), ("--source", "phishtank")
    days = [f"{dump.received:%Y-%m-%d}" for dump in dumps]
    (tmp_path / "dumps.csv").write_text((FOLDER / "phishtank-dumps.csv").read_text())
    with (tmp_path / "presence.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["entered", "first_listed", "last_listed"])
        for row in rows():
            own = runs(row)
            last = max(days[own[-1][1]], row["submission_time"])
            table.writerow([row["submission_time"], days[0] if own[0][0] == 0 else "", last])
    report = tmp_path / "one.csv"
    report.write_text("url\nhttp://shop1.lab1-example.com/\n")
    assert run("-C", study, "import", report, *source)[0] == 0
    medians = json.loads((FOLDER / "oracles.json").read_text())["phishtank_2018_2019"]["median_days"]

    def said(*switches: str) -> tuple[float, str]:
        files = ("--presence", tmp_path / "presence.csv", "--deliveries", tmp_path / "dumps.csv")
        code, out, err = run("-C", study, "sources", *source, *files, *switches, "--format", "json")
        card = json.loads(out)["rows"][0]
        tell(*switches, card["listed_median_high_d"], "days", err.strip())
        assert (code, card["retention_day"]) == (1, None)
        return card["listed_median_high_d"], err

    median, err = said("--midpoint")
    assert (median, err) == (pytest.approx(medians["all_ids_delayed_entry"], abs=0.02), "")
    median, err = said("--midpoint", "--ignore-entry")
    assert median == pytest.approx(medians["all_ids_ignoring_entry"], abs=0.02)
    assert "warning: late entry is ignored" in err
    files = ("--presence", tmp_path / "presence.csv", "--deliveries", tmp_path / "dumps.csv")
    code, out, _ = run("-C", study, "sources", *source, *files)
    tell(out)
    assert code == 1
    assert out.count("tells of no absence") == 1
    assert "the delivery of 2019-03-19 00:00 held 0 entries" in out.replace("\n", " ")
