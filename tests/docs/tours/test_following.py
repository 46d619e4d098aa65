"""What a page may leave out of an output, and what may differ."""

import pytest

from tests.docs.markdown import blocks, page, section
from tests.docs.tours.following import PROGRESS, developers_modules, fits, near, normal
from waterbed.cli.progress import figures
from waterbed.model.progress import Stage


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


@pytest.mark.parametrize(
    ("shown", "printed", "right"),
    [
        ("14 to 100% moved", "9 to 97% moved", True),
        ("108 notices", "208 notices", False),
        ("removed 0.9", "kept 0.9", False),
        (" a   7\n ──────\n b  12", " a  10\n ───────\n b   9", True),
        ("5,497 looks…", "5,515 looks in 128 passes", True),
        ("one 1\n…\ntwo 2", "one 1\nand\ntwo 3", True),
    ],
)
def test_another_run_of_a_lab_gives_near_numbers(shown: str, printed: str, right: bool) -> None:
    """Words are the same, and numbers lie near by."""
    assert near(shown, printed) == right


def test_only_what_must_differ_is_made_alike() -> None:
    """Speed and keyed ids are made alike; counts, dates and shares are not."""
    assert normal("in 0.5 s (49 URLs/s) ") == normal("in 12 s (1,049 URLs/s)")
    assert normal(" 15c289c3dbcd  up") == normal(" ffffffffffff  up")
    for one, other in (("25 reports", "24 reports"), ("2026-01-05", "2026-01-06"), ("46-81%", "46-82%")):
        assert normal(one) != normal(other)


def test_each_shown_block_has_a_prompt() -> None:
    """A block either shows commands with prompts and outputs, or commands alone, which are the reader's own."""
    for text in (section(page("../README.md"), "A five-minute tour"), page("first-study.md")):
        for block in blocks(text):
            if not block.startswith(("$ ", "import ")):
                assert all(line.startswith(".venv/bin/waterbed ") for line in block.splitlines()), block


def test_a_page_is_followed_without_development_tools() -> None:
    """What the tests bring is not there for a page's commands; what users have is."""
    assert {"pandas", "pytest", "jsonschema", "hypothesis"} <= developers_modules()
    assert not {"numpy", "pyarrow", "waterbed", "fastapi", "_cffi_backend"} & developers_modules()


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 20.0, 100.0, 10_000.0])
@pytest.mark.parametrize(("done", "total"), [(0, None), (0, 9), (1, None), (1, 9), (9, 9)])
def test_progress_is_no_output(done: int, total: int | None, seconds: float) -> None:
    """However slow the machine is, and whatever it prints of that, pages are held against the rest."""
    stage = Stage("tables", total)
    stage.done = done
    assert PROGRESS.sub("", f"a\ntables: {figures(stage, seconds)}\nb\n") == "a\nb\n"
