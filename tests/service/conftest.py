"""Shared by the tests of the service."""

from collections.abc import Iterator

import pytest

from tests.service.rig import STARTED


@pytest.fixture(autouse=True)
def _nothing_outlives_its_test() -> Iterator[None]:
    """Services that a failed test left behind are ended."""
    yield
    while STARTED:
        running = STARTED.pop()
        if running.poll() is None:
            running.kill()
            running.communicate()
