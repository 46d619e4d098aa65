"""A site of lab data, and a Chromium to look at it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.lab import lab_study
from tests.once import made_once
from waterbed.model.window import month_of
from waterbed.publish.release import publish_all
from waterbed.questions.report.page import write_report
from waterbed.questions.report.report import report_of


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of the lab's main world in `study`, its keys in `config`, what it publishes in `out`.

    The report of its first month lies in `report`.
    """
    return made_once(tmp_path_factory, "site", _publish)


def _publish(folder: Path) -> None:
    with lab_study(folder) as study:
        publish_all(study, folder / "out")
        write_report(report_of(study, month_of("2025-04")), folder / "report")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium; only for a module, as no other event loop can run in this process meanwhile."""
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running
