"""Backups: whole or not at all, in either database, and never the keys."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import waterbed.store.backup.make
from tests.store.study_folder import made, report, url
from tests.store.test_rotation import after, forked
from tests.store.whole_study import contents, fill, tree
from waterbed.governance.keys import escrow, forget, restore
from waterbed.model.bookkeeping import Due, Forgotten, Run, RunEnd, Sealed
from waterbed.model.errors import InputError, KeyProblem, StoreFailure
from waterbed.model.facts import Target
from waterbed.store import leases
from waterbed.store.backup.make import make_backup
from waterbed.store.backup.manifest import FILES, MANIFEST, STORE, SUMS, backups_in, checksum, read_manifest
from waterbed.store.backup.portable import rows_in
from waterbed.store.backup.restore import restore_backup
from waterbed.store.folder import Folder, open_folder
from waterbed.store.vault import key_file, read_keys


@pytest.fixture
def study(store_url: str, tmp_path: Path) -> Folder:
    """A study with facts and files of every kind, in either database."""
    folder = made(tmp_path / "s", store=store_url if store_url.startswith("postgresql") else "sqlite")
    report(folder, [url(n) for n in range(40)])
    fill(folder)
    return folder


def restored(place: Path, folder: Path, **more: object) -> Folder:
    """The study that a backup makes, opened."""
    restore_backup(place, folder, who="me", **more)  # type: ignore[arg-type]  # options by name
    return open_folder(folder)


def test_every_fact_and_file_comes_back_in_either_database(
    study: Folder, store_url: str, tmp_path: Path, postgresql: str
) -> None:
    """From SQLite and from PostgreSQL, into SQLite and into PostgreSQL: each row and each file is equal."""
    rows, kept = contents(study.store), tree(study.path)
    done = make_backup(study.path, tmp_path / "b")
    assert done.rows == sum(map(len, rows.values())) + 1  # the row of the schema's revision
    assert (done.files, done.unrecorded) == (len(kept), "")
    study.close()
    as_file = restored(tmp_path / "b", tmp_path / "file", store="sqlite")
    assert contents(as_file.store) == rows
    assert as_file.store.sqlite
    back = tree(tmp_path / "file")
    assert {name: back[name] for name in kept if name != "waterbed.toml"} == {
        name: data for name, data in kept.items() if name != "waterbed.toml"
    }
    as_file.close()
    as_server = restored(done.backup, tmp_path / "server", store=empty_database(postgresql))
    assert contents(as_server.store) == rows
    assert not as_server.store.sqlite
    assert not (tmp_path / "server" / "waterbed.db").exists()
    assert [as_server.vault.open(entry) for entry in as_server.store.all(Sealed)]
    as_server.close()


def empty_database(server: str) -> str:
    """A new database on the server of the tests."""
    import psycopg

    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, tail = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}?{tail}"


def test_a_backup_never_holds_the_keys(study: Folder, tmp_path: Path) -> None:
    """No key is in any file of a backup; keys that somebody put into the study folder stop it."""
    keys = read_keys(study.config.study, study.path)
    make_backup(study.path, tmp_path / "b")
    unpacked = pa.input_stream(str(backups_in(tmp_path / "b")[0] / STORE), compression="zstd").read()
    data = [path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()] + [unpacked]
    secrets = [keys.id_key, *keys.encryption.values()]
    texts = [line.partition('"')[2].rstrip('"').encode() for line in keys.to_toml().splitlines() if '"' in line]
    assert not [1 for one in [*secrets, *texts] for file in data if one in file]
    shutil.copy(key_file(study.config.study), study.path / "tables" / "copy.txt")
    with pytest.raises(InputError, match="holds keys"):
        make_backup(study.path, tmp_path / "b")
    assert len(backups_in(tmp_path / "b")) == 1
    study.close()


def test_a_machine_with_only_the_escrow_has_the_study_again(study: Folder, tmp_path: Path) -> None:
    """Backup and escrow are enough: without the keys every command says so, with them every URL opens."""
    texts = {study.vault.open(entry) for entry in study.store.all(Sealed)}
    escrow(study, tmp_path / "kept", "a long passphrase")
    make_backup(study.path, tmp_path / "b")
    study.close()
    shutil.rmtree(study.path)
    key_file(study.config.study).unlink()
    restore_backup(tmp_path / "b", tmp_path / "again", who="me", store="sqlite")
    with pytest.raises(KeyProblem, match="restore it from escrow"):
        open_folder(tmp_path / "again")
    restore(tmp_path / "again", tmp_path / "kept", lambda: "a long passphrase")
    folder = open_folder(tmp_path / "again")
    assert {folder.vault.open(entry) for entry in folder.store.all(Sealed)} == texts
    folder.close()


def test_keys_of_another_study_are_refused_before_anything_is_made(study: Folder, tmp_path: Path) -> None:
    """A wrong escrow leaves no folder behind."""
    make_backup(study.path, tmp_path / "b")
    other = made(tmp_path / "other")
    keys = read_keys(other.config.study, other.path)
    for untagged, problem in ((False, InputError), (True, KeyProblem)):
        with pytest.raises(problem, match=r"another study's|not this study's"):
            restore_backup(tmp_path / "b", tmp_path / "again", who="me", store="sqlite", keys=keys, untagged=untagged)
    assert not [path for path in tmp_path.iterdir() if "again" in path.name]
    for folder in (other, study):
        folder.close()


def test_files_that_do_not_change_are_kept_once(tmp_path: Path) -> None:
    """A second backup writes only what is new, and one that has rotted is written anew."""
    folder = made(tmp_path / "s")
    fill(folder, each=1)
    first = make_backup(folder.path, tmp_path / "b")
    assert first.new_files == first.files
    (folder.path / "tables" / "more").write_text("more")
    shared = sorted((tmp_path / "b" / FILES).iterdir())
    shared[0].write_bytes(b"rotten")
    second = make_backup(folder.path, tmp_path / "b")
    assert (second.files, second.new_files) == (first.files + 1, 2)
    restored(tmp_path / "b", tmp_path / "again").close()
    folder.close()


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    """With --keep the oldest go, with the files that they alone had; the others can be restored."""
    folder = made(tmp_path / "s")
    for number in range(4):
        (folder.path / "events").mkdir(exist_ok=True)
        (folder.path / "events" / "e.toml").write_text(f"number = {number}")
        done = make_backup(folder.path, tmp_path / "b", keep=2)
    assert done.removed == 1
    left = backups_in(tmp_path / "b")
    assert len(left) == 2
    needed = {kept.sha256 for backup in left for kept in read_manifest(backup).files}
    assert {path.name for path in (tmp_path / "b" / FILES).iterdir()} == needed
    for number, backup in enumerate(left, 2):
        restored(backup, tmp_path / f"r{number}").close()
        assert (tmp_path / f"r{number}" / "events" / "e.toml").read_text() == f"number = {number}"
    folder.close()


def test_the_checksums_can_be_verified_without_waterbed(tmp_path: Path) -> None:
    """`sha256sum -c SHA256SUMS` within a backup finds every file, and a damaged one."""
    folder = made(tmp_path / "s")
    fill(folder, each=1)
    backup = make_backup(folder.path, tmp_path / "b").backup
    check = ["sha256sum", "--quiet", "-c", SUMS]
    assert subprocess.run(check, cwd=backup, check=False, capture_output=True).returncode == 0
    (backup / STORE).write_bytes(b"x")
    assert subprocess.run(check, cwd=backup, check=False, capture_output=True).returncode == 1
    folder.close()


@pytest.mark.parametrize("damage", ["store", "file", "missing", "manifest", "shorter", "no sums", "path", "form"])
def test_a_damaged_backup_is_refused_and_nothing_is_made(damage: str, tmp_path: Path) -> None:
    """One flipped byte anywhere, a missing file, a manifest that was tampered with: one sentence, no folder."""
    folder = made(tmp_path / "s")
    fill(folder, each=1)
    backup = make_backup(folder.path, tmp_path / "b").backup
    folder.close()
    victim = max((tmp_path / "b" / FILES).iterdir())
    if damage in ("store", "file", "manifest"):
        path = {"store": backup / STORE, "file": victim, "manifest": backup / MANIFEST}[damage]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "missing":
        victim.unlink()
    elif damage == "shorter":
        (backup / STORE).write_bytes((backup / STORE).read_bytes()[:-5])
    elif damage == "no sums":
        (backup / SUMS).unlink()
    else:
        tamper(backup, damage)
    with pytest.raises(InputError):
        restore_backup(backup, tmp_path / "again", who="me")
    assert not [path for path in tmp_path.iterdir() if "again" in path.name]


def tamper(backup: Path, damage: str) -> None:
    """A manifest that leads out of the folder, or of a later form, with a checksum that fits."""
    import hashlib

    manifest = json.loads((backup / MANIFEST).read_bytes())
    if damage == "path":
        manifest["files"][0]["path"] = "../../outside"
    else:
        manifest["form"] = 2
    spelled = json.dumps(manifest).encode()
    (backup / MANIFEST).write_bytes(spelled)
    (backup / SUMS).write_text(f"{hashlib.sha256(spelled).hexdigest()}  {MANIFEST}\n")


@pytest.mark.parametrize(
    "acting",
    [
        "CREATE TRIGGER t AFTER INSERT ON observation BEGIN DELETE FROM observation; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
    ],
)
def test_a_backup_whose_store_acts_by_itself_is_refused(acting: str, tmp_path: Path) -> None:
    """Triggers, views and modules are in no store of ours: what somebody put in would act on all later facts."""
    folder = made(tmp_path / "s")
    backup = make_backup(folder.path, tmp_path / "b").backup
    with pa.input_stream(str(backup / STORE), compression="zstd") as packed:
        (tmp_path / "plain.db").write_bytes(packed.read())
    with closing(sqlite3.connect(tmp_path / "plain.db")) as opened:
        opened.execute(acting)
        opened.commit()
    with pa.CompressedOutputStream(str(backup / STORE), "zstd") as packed:
        packed.write((tmp_path / "plain.db").read_bytes())
    told = json.loads((backup / MANIFEST).read_text())
    told["rows"] = rows_in(tmp_path / "plain.db")
    told["store"] |= dict(zip(("sha256", "size"), checksum(backup / STORE), strict=True))
    (backup / MANIFEST).write_text(json.dumps(told))
    (backup / SUMS).write_text(f"{checksum(backup / MANIFEST)[0]}  {MANIFEST}\n")
    for untagged, why in ((False, "somebody changed"), (True, "is not what its manifest says")):
        with pytest.raises(InputError, match=why):
            restore_backup(tmp_path / "b", tmp_path / "again", who="me", untagged=untagged)
    assert not (tmp_path / "again").exists()


def test_the_folder_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder is refused in one sentence: it cannot be replaced as a whole."""
    folder = made(tmp_path / "s")
    make_backup(folder.path, tmp_path / "b")
    folder.close()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(InputError, match="the folder you are in"):
        restore_backup(tmp_path / "b", Path(), who="me")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "empty", "s"]


def test_a_study_is_restored_into_a_new_folder_alone(tmp_path: Path, postgresql: str) -> None:
    """A folder with anything in it, and a database that is not empty, are left as they are."""
    folder = made(tmp_path / "s")
    make_backup(folder.path, tmp_path / "b")
    before = tree(folder.path)
    for into in (folder.path, tmp_path / "b"):
        with pytest.raises(InputError, match="exists already"):
            restore_backup(tmp_path / "b", into, who="me")
    assert tree(folder.path) == before
    database = empty_database(postgresql)
    restored(tmp_path / "b", tmp_path / "one", store=database).close()
    with pytest.raises(InputError, match="not empty"):
        restore_backup(tmp_path / "b", tmp_path / "two", who="me", store=database)
    assert not (tmp_path / "two").exists()
    (tmp_path / "empty").mkdir()
    restored(tmp_path / "b", tmp_path / "empty").close()
    folder.close()


def test_a_backup_is_made_while_a_pass_is_writing(tmp_path: Path, store_url: str) -> None:
    """What is restored is one instant of the store: of each transaction all or nothing."""
    folder = made(tmp_path / "s", store=store_url if store_url.startswith("postgresql") else "sqlite")
    report(folder, [url(0)])
    child = os.fork()
    if not child:
        folder = open_folder(tmp_path / "s")
        for number in range(1, 10_000):
            report(folder, [url(n, host=n) for n in range(number * 3, number * 3 + 3)])
        os._exit(0)
    backups = []
    try:
        for _ in range(3):
            before, deadline = folder.store.count(Target), time.monotonic() + 60
            while folder.store.count(Target) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            backups.append(make_backup(tmp_path / "s", tmp_path / "b").backup)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    counts = []
    for number, backup in enumerate(backups):
        again = restored(backup, tmp_path / f"r{number}", store="sqlite")
        counts.append(again.store.count(Target))
        # a URL comes with its host, its target and its place in the schedule, in one transaction
        assert again.store.count(Due) == counts[-1]
        assert again.store.count(Sealed) == 2 * counts[-1]
        again.close()
    assert counts[0] < counts[2]
    folder.close()


def test_what_was_going_on_when_a_backup_was_made_is_ended(study: Folder, tmp_path: Path) -> None:
    """A restored study has no leases and no living runs: its next pass takes up everything."""
    with study.run("recheck") as run:
        late = max(due.due_at for due in study.store.all(Due))
        assert leases.lease(study.store, run.run_id, due_by=late, limit=7)
        make_backup(study.path, tmp_path / "b")
    again = restored(tmp_path / "b", tmp_path / "again", store="sqlite")
    assert again.store.count(Due) > 0
    assert {due.lease_run_id for due in again.store.all(Due)} == {None}
    ended = {end.run_id: end.outcome for end in again.store.all(RunEnd)}
    assert ended[run.run_id] == "killed"
    assert again.store.unfinished_runs() == []
    for folder in (again, study):
        folder.close()


def test_what_was_forgotten_since_does_not_come_back(tmp_path: Path) -> None:
    """An older backup is restored without what the newer ones beside it know to be forgotten."""
    folder = made(tmp_path / "s")
    report(folder, [url(n, host=n) for n in range(6)])
    older = make_backup(folder.path, tmp_path / "b").backup
    ids = [
        folder.vault.seal("url", url(0, host=0)).entry_id,
        folder.vault.keyed_id("host", "shop1.forgetme-example.com"),
    ]
    for entry_id in ids:
        forget(folder, entry_id, "case 1")
    make_backup(folder.path, tmp_path / "b")
    again = restored(older, tmp_path / "again")
    assert {stone.entry_id for stone in again.store.all(Forgotten)} >= set(ids)
    assert {entry.entry_id for entry in again.store.all(Sealed)} == {
        entry.entry_id for entry in folder.store.all(Sealed)
    }
    assert {due.url_id for due in again.store.all(Due)} == {due.url_id for due in folder.store.all(Due)}
    for one in (folder, again):
        one.close()


STEPS = {
    "store copied": (waterbed.store.backup.make, "copy_out", 1),
    "store packed": (waterbed.store.backup.make, "_packed", 1),
    "first shared file": (waterbed.store.backup.make, "_keep", 1),
    "checksums written": (waterbed.store.backup.make, "_write", 1),
    "manifest written": (waterbed.store.backup.make, "_write", 2),
    "renamed": (Path, "rename", 1),
    "older one put aside": (Path, "rename", 2),
}
"""What has just happened when the process is killed."""


@pytest.mark.parametrize("step", STEPS)
def test_a_backup_killed_at_any_step_leaves_those_before_it(step: str, tmp_path: Path) -> None:
    """Every backup that is there can be restored, and the next one leaves nothing of the one that was killed."""
    folder = made(tmp_path / "s")
    fill(folder, each=2)
    rows = contents(folder.store)
    make_backup(folder.path, tmp_path / "b")
    (folder.path / "tables" / "new").write_text("new")
    room, name, calls = STEPS[step]

    def killed() -> None:
        setattr(room, name, after(calls, getattr(room, name)))
        make_backup(folder.path, tmp_path / "b", keep=1)

    assert forked(killed) == signal.SIGKILL
    for number, backup in enumerate(backups_in(tmp_path / "b")):
        again = restored(backup, tmp_path / f"r{number}")
        found = contents(again.store)
        assert {name: found[name] for name in rows if name not in ("Run", "RunEnd")} == {
            name: rows[name] for name in rows if name not in ("Run", "RunEnd")
        }
        again.close()
    make_backup(folder.path, tmp_path / "b", keep=1)
    left = sorted(path.name for path in (tmp_path / "b").iterdir())
    assert left == sorted([backups_in(tmp_path / "b")[0].name, FILES, "lock"])
    assert len(list((tmp_path / "b" / FILES).iterdir())) == len(tree(folder.path))
    folder.close()


def test_a_restore_killed_at_random_instants_leaves_no_study(tmp_path: Path) -> None:
    """Either the folder is there and whole, or it is not there, and the next restore makes it."""
    folder = made(tmp_path / "s")
    fill(folder, each=60)
    rows = contents(folder.store)
    make_backup(folder.path, tmp_path / "b")
    folder.close()
    began = time.perf_counter()
    restore_backup(tmp_path / "b", tmp_path / "first", who="me")
    takes, chance, killed = time.perf_counter() - began, random.Random(3), 0
    for number in range(10):
        into = tmp_path / f"r{number}"
        alive = chance.uniform(0, takes)
        killed += forked(lambda into=into: restore_backup(tmp_path / "b", into, who="me"), alive_s=alive) > 0
        if not into.exists():
            restore_backup(tmp_path / "b", into, who="me")
        again = open_folder(into)
        assert {name: found for name, found in contents(again.store).items() if "Run" not in name} == {
            name: found for name, found in rows.items() if "Run" not in name
        }
        again.close()
        shutil.rmtree(into)
    assert killed > 3


def test_a_damaged_store_is_not_backed_up(tmp_path: Path) -> None:
    """The sentence says so, and the good backup before it stays although only one was to be kept."""
    folder = made(tmp_path / "s")
    report(folder, [url(n, host=n) for n in range(400)])
    make_backup(folder.path, tmp_path / "b")
    folder.close()
    data = bytearray((tmp_path / "s" / "waterbed.db").read_bytes())
    for page in range(len(data) // 8192 * 4096, len(data) - 4096, 4096):
        data[page : page + 64] = bytes(range(64))
    (tmp_path / "s" / "waterbed.db").write_bytes(data)
    with pytest.raises(StoreFailure, match="damaged"):
        make_backup(tmp_path / "s", tmp_path / "b", keep=1)
    restored(tmp_path / "b", tmp_path / "again").close()
    assert len(backups_in(tmp_path / "b")) == 1


def test_a_place_that_is_no_place_for_backups_is_refused(tmp_path: Path) -> None:
    """The study itself, a file, another study's backups, and a folder that another backup is being written into."""
    folder, other = made(tmp_path / "s"), made(tmp_path / "o")
    (tmp_path / "file").write_text("x")
    make_backup(other.path, tmp_path / "theirs")
    for place, said in (
        (tmp_path / "s" / "b", "inside the study"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "theirs", "another study"),
    ):
        with pytest.raises(InputError, match=said):
            make_backup(folder.path, place)
    with waterbed.store.backup.make.alone_in(tmp_path / "b"), pytest.raises(InputError, match="another backup"):
        make_backup(folder.path, tmp_path / "b")
    with folder.alone("this test"), pytest.raises(InputError, match="at this moment"):
        make_backup(folder.path, tmp_path / "b")
    with pytest.raises(InputError, match="that waterbed backup wrote"):
        restore_backup(tmp_path / "nowhere", tmp_path / "again", who="me")
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"lock"}
    for one in (folder, other):
        one.close()


def test_a_backup_is_on_record(study: Folder, tmp_path: Path) -> None:
    """The study knows when it was last backed up."""
    make_backup(study.path, tmp_path / "b")
    found = study.store.newest_runs("backup", 5)
    assert [isinstance(run, Run) for run in found] == [True]
    study.close()


def test_a_clock_set_back_makes_no_backup_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest is the one that was made last, whatever the clock says: it is kept, and restored."""
    folder = made(tmp_path / "s")
    with monkeypatch.context() as ahead:
        ahead.setattr(waterbed.store.backup.make, "real_clock", lambda: datetime(2036, 1, 5, tzinfo=UTC))
        make_backup(folder.path, tmp_path / "b", keep=1)
    report(folder, [url(1)])
    done = make_backup(folder.path, tmp_path / "b", keep=1)
    assert (done.removed, backups_in(tmp_path / "b")) == (1, [done.backup])
    assert read_manifest(done.backup).made_at.year < 2036
    assert restored(tmp_path / "b", tmp_path / "again").store.count(Target) == 1
    folder.close()


def test_a_damaged_manifest_stops_neither_later_backups_nor_those_before_it(tmp_path: Path) -> None:
    """An older one is restored once the damaged one is out of the way: it would have told what was forgotten."""
    folder = made(tmp_path / "s")
    older, damaged = (make_backup(folder.path, tmp_path / "b").backup for _ in range(2))
    (damaged / MANIFEST).write_bytes(b"")
    with pytest.raises(InputError, match="tells what was forgotten since; to restore without it, move"):
        restored(older, tmp_path / "again")
    make_backup(folder.path, tmp_path / "b")
    damaged.rename(tmp_path / "elsewhere")
    restored(older, tmp_path / "again").close()
    folder.close()
