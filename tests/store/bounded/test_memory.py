"""Packages, backups, exports and dated tables: whatever they hold, memory stays within its bound."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.bounded.taken_in import Taken
from waterbed.model.errors import InputError, OwnFailure
from waterbed.store.bounded.limits import MIB, MOST_MIB
from waterbed.store.bounded.memory import bounded_memory, bounded_work
from waterbed.store.engine import Duck, opened
from waterbed.study.dated_tables import keep_table

_BOUND = 24
_TAKE = (
    "import json, pathlib, sys; from tests.store.bounded.taken_in import all_taken;"
    "[print(json.dumps([name, *told]), flush=True) for name, told in all_taken(pathlib.Path(sys.argv[1]))]"
)
_TAKEN = {
    "package, many facts",
    "package, results wide",
    "export, many rows",
    "backup, many rows",
    "backup, one text",
    "backup, wish for cache",
}
"""Bombs that are taken in within the bound: what they hold is never held whole."""


@pytest.mark.long
def test_what_is_taken_in_takes_no_more_memory_than_its_bound(tmp_path: Path) -> None:
    """Wide, long, nested, many rows, huge texts: one sentence, or taken within the bound."""
    done = subprocess.run(
        [sys.executable, "-c", _TAKE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, MOST_MIB: str(_BOUND)},
    )
    taken = {name: Taken(*told) for name, *told in map(json.loads, done.stdout.splitlines())}
    assert len(taken) == 21
    most = {name: 170 if name.startswith("export") else _BOUND + 12 for name in taken}  # the SQL engine has a bound
    most["package, many facts"] += 1_500 * _BOUND * 4_096 // MIB  # conclusions may take what its looks need
    assert {name: its.grown for name, its in taken.items() if its.grown > most[name]} == {}
    assert {name for name, its in taken.items() if not its.refused} <= _TAKEN
    for name, its in taken.items():
        assert not its.refused or ("docs/" in its.refused and str(tmp_path) in its.refused), (name, its.refused)


def test_a_stream_that_ends_for_want_of_memory_is_told_as_such(tmp_path: Path) -> None:
    """The SQL engine fails after the first rows, and Arrow says OSError: the file is still what needs too much."""
    text = "SELECT repeat('x', CASE WHEN n > 3000000 THEN 500000000 ELSE 1 END) AS t FROM range(4000000) AS r(n)"
    with (
        pytest.raises(InputError, match="needs more than"),
        bounded_memory(tmp_path, "docs/x.md"),
        opened([], folder=tmp_path, memory_mb=64) as engine,
    ):
        list(Duck(engine).batches(text, 1000))


def test_a_full_table_of_routes_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of all routes of the Internet fits into a quarter of the bound, in which some is always held."""
    path = tmp_path / "routes.dat"
    with path.open("w") as file:
        for n in range(60_000):  # every other prefix lies in the one before
            file.write(f"{1 + n // 65_536}.{n // 256 % 256}.{n % 256}.0/24\t{n % 7_000 + 1}\n")
            file.write(f"{1 + n // 65_536}.{n // 256 % 256}.{n % 256}.128/25\t{n % 7_001 + 1}\n")
    monkeypatch.setenv(MOST_MIB, "64")
    found = keep_table("routes", path, tmp_path / "kept")
    assert found.rows == [(4, 120_000)]


def test_the_limit_is_lifted_again(tmp_path: Path) -> None:
    """After a refusal, and after what is taken in, the process has the memory that it had; other errors stay theirs."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    said = r"needs more than 256 MiB of memory .* WATERBED_MOST_MIB .*\(docs/x\.md\)"
    with pytest.raises(InputError, match=said), bounded_memory(tmp_path, "docs/x.md"):
        bytearray(1 << 30)
    with pytest.raises(InputError, match=said), bounded_memory(tmp_path, "docs/x.md"):
        _wrapped()
    with pytest.raises(OwnFailure), bounded_memory(tmp_path, "docs/x.md"):
        raise OwnFailure("another")
    with bounded_memory(tmp_path, "docs/x.md"):
        bytearray(100 * MIB)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    bytearray(1 << 30)


def _wrapped() -> None:
    try:
        bytearray(1 << 30)
    except MemoryError as problem:
        raise OwnFailure("the SQL engine failed") from problem


def test_work_that_ends_its_process_is_refused(tmp_path: Path) -> None:
    """A library that aborts costs the file alone; a kill from outside is a failure of ours; other failures stay."""
    assert bounded_work(tmp_path, "docs/x.md", lambda: 7) == 7
    with pytest.raises(InputError, match=r"needs more than 256 MiB .*\(docs/x\.md\)"):
        bounded_work(tmp_path, "docs/x.md", os.abort)
    with pytest.raises(InputError, match=r"needs more than 256 MiB .*\(docs/x\.md\)"):
        bounded_work(tmp_path, "docs/x.md", lambda: bytearray(1 << 30))
    with pytest.raises(OwnFailure, match=r"killed from outside \(SIGKILL\).*\(docs/x\.md\)"):
        bounded_work(tmp_path, "docs/x.md", lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(InputError, match=r"is damaged: reading it ended the process .*\(docs/x\.md\)"):
        bounded_work(tmp_path, "docs/x.md", lambda: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(InputError, match="another"):
        bounded_work(tmp_path, "docs/x.md", _another)


def _another() -> None:
    raise InputError("another")
