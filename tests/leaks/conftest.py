"""What the searched runs share: a log of everything, at DEBUG."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks.running import everything_logged


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A folder for what is said; it holds a log of everything that any logger says, at DEBUG."""
    folder = tmp_path / "out"
    folder.mkdir()
    with everything_logged(folder / "debug.log"):
        yield folder
