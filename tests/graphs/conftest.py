"""Shared by the room's tests: those on real data are deselected unless it is named."""

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect this room's tests on real data unless WATERBED_REALDATA names where it lies."""
    here = Path(__file__).parent
    real = [item for item in items if here in item.path.parents and item.get_closest_marker("realdata")]
    if real and not os.environ.get("WATERBED_REALDATA"):
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]
