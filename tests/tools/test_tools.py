"""Programs for the tests: a machine's own where it serves, otherwise one with a hash."""

import re
from pathlib import Path

import pytest

from tests.tools.__main__ import HERE, JAVA, NODE, _runs


@pytest.mark.parametrize(
    ("script", "versions", "serves"),
    [
        ("echo v20.1.0", NODE, True),
        ("echo v18.19.1", NODE, False),
        ("echo 'openjdk version \"21.0.8\"' >&2", JAVA, True),
        ("echo 'openjdk version \"25.0.2\"' >&2", JAVA, False),
        ("echo 'java version \"1.8.0_402\"' >&2", JAVA, False),
        ("echo v20.1.0; exit 1", NODE, False),
        ("echo get one elsewhere", NODE, False),
    ],
)
def test_a_program_of_the_machine_serves_if_it_starts_and_is_new_enough(
    script: str, versions: range, serves: bool, tmp_path: Path
) -> None:
    """What cannot be started, says no version or is too old is not used."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert _runs("program", str(tmp_path), versions) == serves


def test_a_program_that_is_not_there_does_not_serve(tmp_path: Path) -> None:
    """A path without it says so."""
    assert not _runs("program", str(tmp_path))


def test_each_lock_has_hashes_and_names_no_registry() -> None:
    """What is got is the same wherever it comes from."""
    locks = sorted(HERE.parent.rglob("tools/*/*lock*"))
    assert [path.parent.name for path in locks] == ["chromium", "java", "node", "r"]
    for path in locks:
        text = path.read_text()
        assert re.search(r"--hash=sha256:|\"integrity\": \"sha512-", text)
        assert "://" not in text
