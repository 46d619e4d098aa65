"""One frozen study for all tests that only read it."""

from pathlib import Path

import pytest

from tests.publish.freeze.study import named_study
from waterbed.publish.freeze.freeze import freeze


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the named study; beside it lies the study."""
    place = tmp_path_factory.mktemp("frozen")
    with named_study(place) as study:
        freeze(study, place / "package")
    return place / "package"
