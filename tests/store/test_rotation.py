"""Rotation of keys: whole after a kill at any instant, alone at work, and thorough."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

import waterbed.governance.keys
from tests.store.study_folder import made, report, url
from waterbed.governance.keys import Forgot, forget, rotate
from waterbed.model.bookkeeping import Audit, KeyCheck, Run, Sealed
from waterbed.model.errors import InputError, KeyProblem, StoreFailure
from waterbed.model.progress import Stage, listen
from waterbed.store import leases, sealed, vault
from waterbed.store.audit import audit_entry
from waterbed.store.folder import Folder, open_folder
from waterbed.store.vault import Vault, key_file, read_keys

URLS = 120


def opened_texts(folder: Folder) -> set[str]:
    """Every sealed text: all of them must open."""
    return {folder.vault.open(entry) for entry in folder.store.all(Sealed)}


def test_after_a_rotation_the_old_key_opens_nothing(store_url: str, tmp_path: Path) -> None:
    """Every entry and the check bear the new number, ids and texts are the same, and it is on record."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(n) for n in range(URLS)])
    old, before, ids = read_keys(folder.config.study, folder.path), opened_texts(folder), entry_ids(folder)
    told: list[Stage] = []
    listen(lambda one: nullcontext(told.append(one)))
    done = rotate(folder)
    listen(None)
    assert (done.number, done.resealed, done.wiped) == (2, URLS + 7, True)
    assert [(one.done, one.total) for one in told] == [(URLS + 7, URLS + 7)]
    assert sealed.numbers(folder.store) == {2}
    assert [check.key_number for check in folder.store.all(KeyCheck)] == [2]
    assert (opened_texts(folder), entry_ids(folder)) == (before, ids)
    keys = read_keys(folder.config.study, folder.path)
    assert set(keys.encryption) == {2}
    assert keys.id_key == old.id_key
    for entry in folder.store.all(Sealed):
        with pytest.raises(KeyProblem):
            Vault(old).open(entry)
    assert [(entry.action, entry.subject_id) for entry in folder.store.all(Audit)] == [("rotate", "key 2")]
    folder.close()
    again = open_folder(tmp_path / "s")
    assert opened_texts(again) == before
    assert rotate(again).number == 3
    assert stat_of_keys(again) == 0o600
    again.close()


def entry_ids(folder: Folder) -> set[str]:
    """All ids that have a sealed entry."""
    return {entry.entry_id for entry in folder.store.all(Sealed)}


def stat_of_keys(folder: Folder) -> int:
    """Who may read the key file."""
    return key_file(folder.config.study).stat().st_mode & 0o777


def test_no_old_ciphertext_is_left_in_any_file(tmp_path: Path) -> None:
    """Database, write-ahead log and free pages hold no byte of what the old key sealed."""
    folder = made(tmp_path / "s")
    for start in range(0, 3_000, 500):
        report(folder, [url(n, host=n) for n in range(start, start + 500)])
    old = [entry.ciphertext for entry in folder.store.all(Sealed)]
    assert any(old[7][:24] in data for data in files(folder.path))
    assert rotate(folder).wiped
    left = files(folder.path)
    assert sum(text[:24] in data for text in old[::5] for data in left) == 0
    folder.close()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_page_keeps_a_copy_of_what_moved_to_another(tmp_path: Path, seed: int) -> None:
    """Entries of many lengths split pages when they are sealed anew or shredded, and nothing old is left in them."""
    rng = random.Random(seed)
    lengths = (60, 100, 400)

    def entry(entry_id: str, length: int, number: int) -> Sealed:
        return Sealed(entry_id=entry_id, kind="url", ciphertext=rng.randbytes(length), key_number=number)

    for study in range(8):
        folder = made(tmp_path / str(study))
        first = [entry(rng.randbytes(16).hex(), rng.choice(lengths), 1) for _ in range(1_000)]
        for start in range(0, len(first), 500):
            folder.store.add(first[start : start + 500])
        sealed.reseal(folder.store, lambda one: entry(one.entry_id, len(one.ciphertext), 2), 2)
        assert sealed.wipe(folder.store)
        assert left_of(first, folder.path) == 0
        kept = [one for one in folder.store.all(Sealed) if one.kind == "url"]
        gone = kept[::3]
        sealed.shred(
            folder.store,
            [one.entry_id for one in gone],
            host_id=None,
            now=datetime(2024, 5, 1, tzinfo=UTC),
            audit=audit_entry("forget", gone[0].entry_id, "asked for"),
        )
        assert sealed.wipe(folder.store)
        assert left_of(gone, folder.path) == 0
        assert len(folder.store.all(Sealed)) == len(kept) - len(gone)
        folder.close()


def test_a_full_disk_says_what_still_stands_and_forgetting_again_wipes(tmp_path: Path) -> None:
    """What is forgotten stays forgotten, its bytes are named as not wiped, and the same command later wipes them."""
    folder = made(tmp_path / "s")
    report(folder, [url(n, host=n) for n in range(URLS)])
    gone = next(entry for entry in folder.store.all(Sealed) if entry.kind == "url")
    with folder.store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limit = [pages]

    def full(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    event.listen(folder.store.engine, "checkout", full)
    with pytest.raises(StoreFailure, match="could not be wiped from the store's files"):
        forget(folder, gone.entry_id, "asked for")
    limit[0] = 1_000_000
    assert forget(folder, gone.entry_id, "asked for") == Forgot(urls=0, hosts=0, wiped=True)
    assert left_of([gone], folder.path) == 0
    with pytest.raises(InputError, match="was forgotten on"):
        forget(folder, gone.entry_id, "asked for")
    folder.close()


def left_of(entries: list[Sealed], folder: Path) -> int:
    """How many of these ciphertexts begin anywhere in a folder's files."""
    left = files(folder)
    return sum(one.ciphertext[:24] in data for one in entries for data in left)


def files(folder: Path) -> list[bytes]:
    """The bytes of everything below a folder."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def die() -> None:
    """End as if the machine had lost its power, as far as a process can."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(steps: int, real: Callable[..., object]) -> Callable[..., object]:
    """The same function, with death behind its n-th call."""
    left = [steps]

    def call(*args: object, **kwargs: object) -> object:
        result = real(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            die()
        return result

    return call


def forked(work: Callable[[], object], *, alive_s: float | None = None) -> int:
    """Do it in a child process, killed after a while if told so; returns the signal that ended it."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(70)
    if alive_s is not None:
        time.sleep(alive_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


STEPS = {
    "temporary key file written": (vault, "_write", 1),
    "key file has both keys": (waterbed.governance.keys, "replace_keys", 1),
    "second batch": (Stage, "__call__", 2),
    "check replaced": (sealed, "set_check", 1),
    "store wiped": (sealed, "wipe", 1),
    "second temporary key file written": (vault, "_write", 2),
    "key file has the new key alone": (waterbed.governance.keys, "replace_keys", 2),
}
"""What has just happened when the process is killed."""


def rotate_here(path: Path, room: object, name: str, calls: int) -> None:
    """Rotate, and die at a step."""
    sealed._BATCH = 20
    folder = open_folder(path)
    setattr(room, name, after(calls, getattr(room, name)))
    rotate(folder)


@pytest.mark.parametrize("step", STEPS)
def test_a_rotation_killed_at_any_step_is_finished_by_another(step: str, tmp_path: Path) -> None:
    """At each step the key file that is there opens everything, and the next rotation ends well."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(URLS)])
    before = opened_texts(folder)
    folder.close()
    assert forked(lambda: rotate_here(tmp_path / "s", *STEPS[step])) == signal.SIGKILL
    whole_again(tmp_path / "s", before)


def whole_again(path: Path, before: set[str]) -> None:
    """Everything opens, a rotation ends well, and nothing is left of the old keys."""
    folder = open_folder(path)
    assert opened_texts(folder) == before
    assert report(folder, [url(1)]).known == 1  # passes and imports go on with the keys that are there
    number = rotate(folder).number
    assert sealed.numbers(folder.store) == {number}
    assert set(read_keys(folder.config.study, path).encryption) == {number}
    assert [check.key_number for check in folder.store.all(KeyCheck)] == [number]
    assert opened_texts(folder) == before
    folder.close()
    place = key_file(folder.config.study)
    assert [found.name for found in place.parent.iterdir() if folder.config.study in found.name] == [place.name]


def test_a_rotation_killed_at_random_instants_loses_nothing(tmp_path: Path) -> None:
    """Kills at many instants, one after the other, and at the end everything opens."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(4 * URLS)])
    before = opened_texts(folder)
    folder.close()
    began = time.perf_counter()
    assert forked(lambda: rotate_here(tmp_path / "s", sealed, "numbers", 9)) == 0
    takes, chance, killed = time.perf_counter() - began, random.Random(4), 0
    for _ in range(60):
        alive = chance.uniform(0, takes)
        killed += forked(lambda: rotate_here(tmp_path / "s", sealed, "numbers", 9), alive_s=alive) > 0
        folder = open_folder(tmp_path / "s")
        assert opened_texts(folder) == before
        folder.close()
        if killed == 8:
            break
    assert killed > 4
    whole_again(tmp_path / "s", before)


def test_a_rotation_is_refused_while_a_run_is_alive(store_url: str, tmp_path: Path) -> None:
    """A pass or an import holds the study, on another machine too; when it has ended, a rotation may begin."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(1)])
    place = elsewhere(folder)
    with place.run("recheck"), pytest.raises(InputError, match="a run of this study is alive"):
        rotate(folder)
    assert sealed.numbers(folder.store) == {1}
    assert rotate(folder).number == 2
    place.close()
    folder.close()


def elsewhere(folder: Folder) -> Folder:
    """The study opened once more; with a database server, from a copy of the folder as another machine has it."""
    if folder.store.sqlite:
        return open_folder(folder.path)
    return open_folder(Path(shutil.copytree(folder.path, folder.path.with_name("copy"))))


def test_no_run_begins_while_keys_are_rotated(store_url: str, tmp_path: Path) -> None:
    """Imports, passes and further rotations are refused meanwhile, so nothing is sealed with the old key."""
    folder = made(tmp_path / "s", store=store_url)
    report(folder, [url(n) for n in range(5)])
    place = elsewhere(folder)
    refused: list[str] = []

    def try_all() -> None:
        for attempt in (lambda: report(place, [url(99)]), lambda: rotate(place)):
            with pytest.raises(InputError) as caught:
                attempt()
            refused.append(str(caught.value))

    listen(lambda _: nullcontext(try_all()))
    rotate(folder)
    listen(None)
    assert ["start again" in refused[0], "only one at work" in refused[1]] == [True, True]
    assert report(place, [url(99)]).imported == 1  # opened before the rotation, yet it seals with the new key
    assert sealed.numbers(folder.store) == {2}
    place.close()
    folder.close()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_run_on_another_machine_is_not_disturbed(store_url: str, tmp_path: Path) -> None:
    """A run whose lock nobody here can see, but that says in the database that it lives, keeps rotation away."""
    folder = made(tmp_path / "s", store=store_url)
    elsewhere = Run(run_id="e", kind="recheck", vantage="x", started_at=folder.clock(), version="0", config_hash="x")
    leases.begin(folder.store, elsewhere, 90.0)
    with pytest.raises(InputError, match="a run of this study is alive"):
        rotate(folder)
    folder.close()


def test_keys_of_the_environment_are_not_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written back is refused, with what to do."""
    folder = made(tmp_path / "s")
    monkeypatch.setenv("WATERBED_KEYS", read_keys(folder.config.study, folder.path).to_toml())
    with pytest.raises(InputError, match=r"WATERBED_KEYS is set.*WATERBED_KEY_FILE"):
        rotate(folder)
    folder.close()


@pytest.mark.parametrize("killed_before", [False, True], ids=["old keys", "another key of that number"])
def test_a_rotation_begun_elsewhere_is_not_begun_again_here(
    killed_before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose keys do not open what another's killed rotation sealed changes nothing until it has them."""
    folder = made(tmp_path / "s")
    report(folder, [url(n) for n in range(URLS)])
    before, place = opened_texts(folder), key_file(folder.config.study)
    folder.close()
    elsewhere = tmp_path / "elsewhere.keys"
    old = read_keys(folder.config.study, folder.path)
    vault.write_keys(elsewhere, old.with_new() if killed_before else old, folder.path)
    assert forked(lambda: rotate_here(tmp_path / "s", *STEPS["second batch"])) == signal.SIGKILL
    monkeypatch.setenv("WATERBED_KEY_FILE", str(elsewhere))
    folder, theirs = open_folder(tmp_path / "s"), elsewhere.read_text()
    with pytest.raises(KeyProblem, match=r"key 2 sealed: .* finish the rotation there, or copy"):
        rotate(folder)
    assert elsewhere.read_text() == theirs
    assert sealed.numbers(folder.store) == {1, 2}
    folder.close()
    elsewhere.write_bytes(place.read_bytes())
    folder = open_folder(tmp_path / "s")
    assert rotate(folder).number == 2
    assert opened_texts(folder) == before
    folder.close()
