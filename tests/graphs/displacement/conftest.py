"""Shared by the tests of displacement."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _fewer_permutations() -> Iterator[None]:
    """What is tested here is what becomes of p-values, not their last digit."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("waterbed.graphs.displacement.pairs.PERMUTATIONS", 99)
        yield
