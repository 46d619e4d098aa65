"""Commands that change a study, struck: nothing is lost or doubled, and the next run goes on."""

from errno import EIO

import pytest

from tests.commands_changing import changing
from tests.faults import Strike, struck


@pytest.mark.parametrize(
    ("command", "strikes"),
    [
        ("hosters merge", [("INSERT INTO audit", 1, None)]),
        ("key rotate", [("open", 1, EIO), ("write", 2, None)]),
    ],
)
def test_the_next_run_ends_where_an_undisturbed_one_does(
    command: str, strikes: list[tuple[str, int, int | None]]
) -> None:
    """Killed between two rows, or as old keys are dropped, nothing doubles; a disk's error is one sentence."""
    with changing(command) as doing:
        for what, number, errno in strikes:
            with doing.copied() as case:
                strike = Strike(number, errno, among=lambda call, path, what=what: call == what)  # type: ignore[misc]
                found = struck(case.work, case.below, strike)
                assert found.code == (None if errno is None else 3)
                assert errno is None or found.said.startswith("waterbed: a disk failed (Input/output error)")
                assert list(case.complaints(found)) == []
