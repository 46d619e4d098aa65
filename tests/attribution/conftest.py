"""Shared by the room's tests: real data deselected unless named, a real DNS server."""

import os
from collections.abc import Iterator

import pytest

from tests.attribution.nameserver import NameServer


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect this room's tests on real data unless both variables name where it lies."""
    if os.environ.get("WATERBED_REALDATA") and os.environ.get("WATERBED_ROUTES"):
        return
    here = os.path.dirname(__file__)
    real = [i for i in items if i.get_closest_marker("realdata") and str(i.path).startswith(here)]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


@pytest.fixture
def server() -> Iterator[NameServer]:
    """A DNS server on loopback, over UDP and TCP."""
    with NameServer() as running:
        yield running
