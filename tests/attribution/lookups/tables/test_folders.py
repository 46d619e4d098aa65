"""Folders of arrays: what a full disk leaves and says."""

import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.faults import command, struck
from tests.store.study_folder import made
from waterbed.attribution.lookups.tables.folders import save_array


def test_a_full_disk_is_named_while_arrays_are_written(tmp_path: Path) -> None:
    """The disk is what `tables add` names, in one sentence, and no part of the table is left."""
    made(tmp_path / "study").close()
    routes = tmp_path / "routes.csv"
    routes.write_text(
        "".join(f"28.{n // 256}.{n % 256}.0,28.{n // 256}.{n % 256}.255,{64500 + n % 9}\n" for n in range(9999))
    )

    def starved() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        command("-C", tmp_path / "study", "tables", "add", routes, "--date", "2026-01-06")()

    found = struck(starved, [])
    assert (found.code, found.said.count("\n")) == (3, 1), found.said
    assert "there is no room left on a disk" in found.said
    assert list((tmp_path / "study" / "tables").glob("*")) == []


@pytest.mark.parametrize("array", [np.zeros((0,), np.uint64), np.arange(3_000_000), np.array(["a", "bc"])])
def test_an_array_comes_back_as_it_was(array: np.ndarray, tmp_path: Path) -> None:
    """The file is the one that NumPy writes."""
    save_array(tmp_path / "ours.npy", array)
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()
