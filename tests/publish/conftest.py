"""The published study: made once, read by every consumer."""

from pathlib import Path

import pytest

from tests.publish.study import small_study
from waterbed.publish.release import publish_all


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a small study publishes by default: a folder that tests only read."""
    return _published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same where cases, addresses and rows about one site are allowed."""
    return _published(tmp_path_factory.mktemp("everything"), cases=True, addresses=True, least=1, tlp="amber+strict")


def _published(folder: Path, **policy: object) -> Path:
    with small_study(folder, **policy) as study:
        publish_all(study, folder / "out")
    return folder / "out"
