"""Stores, and commands that change a study, struck: nothing is lost or doubled, and the next run goes on."""

import os
import re
import subprocess
import sys
from errno import EIO
from functools import partial
from pathlib import Path

import pytest

from tests.commands_changing import changing
from tests.faults import ROOT, Strike, command, struck
from tests.libc_faults import NO_COMPILER, compiler
from tests.store.study_folder import made, report, url
from waterbed.model.bookkeeping import Sealed
from waterbed.model.errors import InputError
from waterbed.store.audit import audit_entry
from waterbed.store.folder import open_folder
from waterbed.store.own_files import SETTINGS
from waterbed.store.vault import key_file
from waterbed.store.whole.files import NEW


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "strikes"),
    [
        ("hosters merge", [("INSERT INTO audit", 1, None)]),
        ("hosters add", [("COMMIT", 1, None)]),
        ("tables add", [("rename", 2, None), ("rename", 2, EIO)]),
        ("data renew", [("rename", 1, None)]),
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
                # a killed process of its own, which takes a table in, is told by the command
                assert found.code == (3 if errno or command == "tables add" else None)
                assert errno is None or found.said.startswith("waterbed: a disk failed (Input/output error)")
                assert list(case.complaints(found)) == []


def _store_struck(**environment: str) -> str:
    words = [sys.executable, "-m", "tests.store.struck_store"]
    start = {**os.environ, **environment}
    done = subprocess.run(words, cwd=ROOT, env=start, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_transaction_is_whole_at_each_kind_of_strike_within_sqlite() -> None:
    """Kills, errors and short writes at pages, journal and syncs; where nothing can be compiled, that is said."""
    said = _store_struck()
    if not compiler():
        assert said.strip() == NO_COMPILER
        return
    calls, kills, errors, broken = map(int, re.findall(r"\d+", said))
    assert broken == 0, said
    assert calls > 60
    assert kills > 20
    assert errors > 4 * kills


def test_without_a_compiler_that_part_is_left_out_and_said() -> None:
    """The campaign goes on without the C library's calls."""
    assert _store_struck(CC="no-such-compiler").strip() == NO_COMPILER


def test_a_killed_forget_is_told_by_doctor_and_finished_by_the_same_command(tmp_path: Path) -> None:
    """Forgotten but not overwritten: doctor names the command, which ends with 0; afterwards it has nothing to do."""
    folder = made(tmp_path / "study")
    report(folder, [url(1), url(2)])
    gone = next(entry for entry in folder.store.all(Sealed) if entry.kind == "url")
    folder.close()
    words = ("-C", folder.path, "forget", gone.entry_id, "--reason", "they asked")
    doctor = command("-C", folder.path, "doctor", "--format", "csv")
    killed = Strike(among=lambda what, path: what == "CREATE TABLE")
    assert struck(command(*words), [folder.path], killed).code is None
    for _ in range(2):  # opening the store again settles nothing
        assert "a forget was cut short: its remains were not overwritten, as far as is on record" in (
            said := struck(doctor, []).said
        )
        assert f"forget {gone.entry_id} --reason 'they asked'" in said
    again = struck(command(*words), [])
    assert (again.code, "forgotten before; what remained is overwritten" in again.said) == (0, True)
    assert not any(gone.ciphertext in one.read_bytes() for one in folder.path.glob("waterbed.db*"))
    assert "cut short" not in struck(doctor, []).said
    assert struck(command(*words), []).code == 2


@pytest.mark.parametrize("where", ["/keys/", f"/.{SETTINGS}."])
def test_an_init_that_was_killed_is_made_again(where: str, tmp_path: Path) -> None:
    """Before the keys or the settings were there; a store that has facts is never taken for that."""
    place = tmp_path / "study"
    killed = Strike(among=lambda what, path: what == "open" and where in path)
    assert struck(partial(made, place), [tmp_path, key_file("x").parent], killed).code is None
    made(place).close()
    folder = open_folder(place)
    folder.store.add([audit_entry("reveal", "id", "there was something")])
    folder.close()
    assert [path.name for path in place.rglob("*") if path.name.endswith(NEW)] == []
    (place / SETTINGS).unlink()
    with pytest.raises(InputError, match="holds a study already"):
        made(place)
