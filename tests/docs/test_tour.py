"""The tour in README.md and the tutorials, followed word for word: each command prints what the page shows."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks, section

HOME = "~"
"""Where the page's reader is at home."""
LEFT_OUT = "…"
"""Stands for whatever is printed there: within a line for part of it, alone for any number of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, and what the page says that it prints."""

    command: str
    shown: str


def steps(text: str) -> list[Step]:
    """The commands that have a prompt, in order."""
    prompted = [block for block in blocks(text) if block.startswith("$ ")]
    found = [part.partition("\n") for block in prompted for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [Step(command=command, shown=shown) for command, _, shown in found]


def normal(text: str, *homes: Path) -> str:
    """A text without what must differ: speed, keyed ids, ids of studies, where the reader is; no space at line ends."""
    for home in homes:
        text = text.replace(str(home), HOME)
    text = re.sub(r"in [\d.]+ s \([\d,]+ URLs/s\)", "in N s (N URLs/s)", text)
    text = re.sub(r"\b(?:[0-9a-f]{32}|[0-9a-f]{12})\b", "ID", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def fits(shown: str, printed: str) -> bool:
    """Whether a text is what the page shows, with anything where that leaves something out."""
    pattern = re.escape(shown)
    pattern = re.sub(rf"(^|\n){LEFT_OUT}(?=\n|$)", r"\1(?:.*(?:\n.*)*?)", pattern.replace("\\\n", "\n"))
    return re.fullmatch(pattern.replace(LEFT_OUT, ".*"), printed) is not None


def tour() -> list[Step]:
    """The steps of the page."""
    return steps(section((ROOT / "README.md").read_text(encoding="utf-8"), "A five-minute tour"))


def tutorial() -> list[Step]:
    """The steps of the first study."""
    return steps((ROOT / "docs" / "first-study.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("found", [tour(), tutorial()], ids=["tour", "tutorial"])
def test_every_command_prints_what_the_page_shows(tmp_path: Path, found: list[Step]) -> None:
    """In a fresh copy the commands run in order, as typed, and print what stands below them."""
    here = tmp_path / "waterbed"
    (here / "docs").mkdir(parents=True)
    (here / "docs/examples").symlink_to(ROOT / "docs/examples")
    (here / ".venv").symlink_to(sys.prefix)
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    assert len(found) > 4
    for step in found:
        done = subprocess.run(
            step.command, shell=True, cwd=here, env=environment, capture_output=True, text=True, check=False
        )
        printed = normal(done.stdout + done.stderr, tmp_path.resolve(), tmp_path)
        shown = normal(step.shown)
        assert fits(shown, printed), f"$ {step.command}\n--- README\n{shown}\n--- printed\n{printed}"


@pytest.mark.parametrize(
    ("shown", "printed", "right"),
    [
        ("one\ntwo", "one\ntwo", True),
        ("one\ntwo", "one\n2", False),
        ("one\n…\ntwo", "one\nand\nmore\ntwo", True),
        ("one\n…\ntwo", "one\nand\nmore", False),
        ("one,…,two\n3", "one,1,2,two\n3", True),
        ("one,…,two\n3", "one,1\n2,two\n3", False),
        ("1 file (all)", "1 file (all)", True),
        ("1.5", "125", False),
        ("one\n…", "one\ntwo\nthree", True),
    ],
)
def test_what_is_left_out_may_be_anything(shown: str, printed: str, right: bool) -> None:
    """Only where the page says that it leaves something out may something else stand."""
    assert fits(shown, printed) == right


def test_only_what_must_differ_is_made_alike() -> None:
    """Speed and keyed ids are made alike; counts, dates and shares are not."""
    assert normal("in 0.5 s (49 URLs/s) ") == normal("in 12 s (1,049 URLs/s)")
    assert normal(" 15c289c3dbcd  up") == normal(" ffffffffffff  up")
    for one, other in (("25 reports", "24 reports"), ("2026-01-05", "2026-01-06"), ("46-81%", "46-82%")):
        assert normal(one) != normal(other)


def test_each_shown_block_has_a_prompt() -> None:
    """A block of the tour either shows commands with prompts and outputs, or commands alone."""
    text = section((ROOT / "README.md").read_text(encoding="utf-8"), "A five-minute tour")
    for block in blocks(text):
        if not block.startswith(("$ ", "import ")):
            assert all(line.startswith(".venv/bin/waterbed ") for line in block.splitlines()), block
