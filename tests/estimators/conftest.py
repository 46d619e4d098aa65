"""Real data are used only where the environment names them."""

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect this room's tests on real data unless WATERBED_REALDATA names the folder."""
    if os.environ.get("WATERBED_REALDATA"):
        return
    here = Path(__file__).parent
    real = [item for item in items if here in item.path.parents and item.get_closest_marker("realdata")]
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]
