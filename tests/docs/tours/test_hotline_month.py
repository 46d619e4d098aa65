"""The tutorial of a hotline's month, followed word for word."""

import csv
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import page
from tests.docs.tours.following import environment, follow, near


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder after the last command, each of which printed what the page shows."""
    return follow(page("hotline-month.md"), tmp_path_factory.mktemp("home"), fit=near)


def test_reminders_have_a_line_each(here: Path) -> None:
    """The file for a mail merge has the hoster, the id and the hours, and no URL."""
    lines = (here / "reminders.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("key,name,reference,url_id,")
    assert len(lines) > 10
    assert not any("://" in line for line in lines)


def test_nothing_stands_in_the_way_of_a_lab_that_has_run(here: Path) -> None:
    """Its table of routes is a month old and two URLs are due, but its servers are gone: the next command ranks."""
    done = subprocess.run(
        [".venv/bin/waterbed", "-C", "month", "status"],
        cwd=here,
        env=environment(here.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2 checks due" in done.stdout
    assert "Next: .venv/bin/waterbed -C month rank" in done.stdout
    assert "\n- " not in done.stdout


def test_the_file_for_reminders_can_be_read_as_notices(here: Path) -> None:
    """Its rows name the notices that they are about, and none is rejected; what is overdue stays as it is."""
    commands = (["notices", "reminders.csv"], ["overdue", "--format", "csv"])
    read, after = (
        subprocess.run(
            [".venv/bin/waterbed", "-C", "month", *words],
            cwd=here,
            env=environment(here.parent),
            capture_output=True,
            text=True,
            check=False,
        )
        for words in commands
    )
    assert (read.returncode, "0 lines rejected" in read.stdout + read.stderr) == (0, True)
    rows = [
        [{name: row[name] for name in row if name != "notice_id"} for row in csv.DictReader(text.splitlines())]
        for text in ((here / "reminders.csv").read_text(encoding="utf-8"), after.stdout)
    ]
    assert rows[0] == rows[1]


def test_the_table_of_notices_can_be_read_as_notices(here: Path) -> None:
    """Its rows name hosters by their keys, the imported file did by their ASes: it is known, and none is rejected."""
    month = [".venv/bin/waterbed", "-C", "month"]
    table = subprocess.run(
        [*month, "compliance", "--table", "notices", "--format", "csv"],
        cwd=here,
        env=environment(here.parent),
        capture_output=True,
        check=True,
    ).stdout
    assert {row["recipient"] for row in csv.DictReader(table.decode().splitlines())} >= {"traaghost", "snelhost"}
    (here / "notices.csv").write_bytes(table)
    read = subprocess.run(
        [*month, "notices", "notices.csv"],
        cwd=here,
        env=environment(here.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0 lines rejected" in read.stdout + read.stderr
