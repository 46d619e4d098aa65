"""The published study: made once, read by every consumer."""

from functools import partial
from pathlib import Path

import pytest

from tests.once import made_once
from tests.publish.study import small_study
from waterbed.publish.release import publish_all


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a small study publishes by default: a folder that tests only read."""
    return made_once(tmp_path_factory, "published", _publish) / "out"


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same where cases, addresses and rows about one site are allowed."""
    all_allowed = partial(_publish, cases=True, addresses=True, least=1, tlp="amber+strict")
    return made_once(tmp_path_factory, "everything", all_allowed) / "out"


def _publish(folder: Path, **policy: object) -> None:
    with small_study(folder, **policy) as study:
        publish_all(study, folder / "out")
