"""The worked study in docs/study: its figures and text are what its numbers give."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from waterbed.governance.protocol.deviations import place_of
from waterbed.governance.protocol.file import checksum, read_protocol

STUDY = ROOT / "docs/study"
FIGURES = sorted(path.name for path in STUDY.glob("*.svg"))
SAID = {"95%", "24 hours"}
"""Numbers in the text that are no results."""


def make(*words: object) -> subprocess.CompletedProcess[str]:
    """The study's own command, without real data."""
    return subprocess.run(
        [sys.executable, STUDY / "make.py", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "WATERBED_REALDATA"},
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Figures and text, made anew from the numbers."""
    out = tmp_path_factory.mktemp("study")
    done = make("--draw", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_text_and_figures_are_what_the_numbers_give(drawn: Path) -> None:
    """The page and each figure are the same bytes when made anew; if not: make study, or make.py --draw."""
    assert sorted(path.name for path in drawn.iterdir()) == sorted(["README.md", *FIGURES])
    for path in drawn.iterdir():
        assert path.read_bytes() == (STUDY / path.name).read_bytes(), path.name


def test_no_result_is_written_by_hand() -> None:
    """Outside code, links and what is filled in, the template holds no number."""
    text = (STUDY / "README.md.j2").read_text(encoding="utf-8")
    for block in blocks(text):
        text = text.replace(block, "")
    text = re.sub(r"\{[{%].*?[}%]\}|`[^`]*`|\]\([^)]*\)|google\.com|azurewebsites\.net", "", text, flags=re.DOTALL)
    for said in SAID:
        text = text.replace(said, "")
    text = text.replace("SHA-256", "")
    assert re.findall(r".*\d.*", text) == []


def test_every_figure_is_shown() -> None:
    """Each figure stands in the page, with words for those who do not see it."""
    page = (STUDY / "README.md").read_text(encoding="utf-8")
    assert len(FIGURES) == 5
    for name in FIGURES:
        assert re.search(rf"!\[[^\]]{{20,}}\]\({name}\)", page), name


def test_the_protocol_is_the_one_that_was_locked() -> None:
    """The file can be locked, and has the checksum that the page gives."""
    protocol, text = read_protocol(STUDY / "study.toml")
    numbers = json.loads((STUDY / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["commands"]["protocol_sha256"] == checksum(text)
    assert place_of(protocol, what="survival in a feed", by="source", clock="reported") == "primary outcome"
    assert place_of(protocol, what="feeds", by="source", clock="reported").startswith("exploratory")


def test_data_that_are_missing_are_named(tmp_path: Path) -> None:
    """Without a folder, or with one that lacks a file, one sentence says so, and nothing is written."""
    done = make("--out", tmp_path / "out")
    assert (done.returncode, "WATERBED_REALDATA" in done.stderr) == (2, True)
    done = make("--data", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "phishtank-dumps.csv" in done.stderr
    assert not list(tmp_path.rglob("*.svg"))
