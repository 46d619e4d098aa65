"""A site of lab data, and a Chromium to look at it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.lab import lab_study
from waterbed.publish.release import publish_all


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of the lab's main world in `study`, its keys in `config`, what it publishes in `out`."""
    made = tmp_path_factory.mktemp("site")
    with lab_study(made) as study:
        publish_all(study, made / "out")
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium; only for a module, as no other event loop can run in this process meanwhile."""
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running
