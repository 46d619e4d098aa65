"""Makes a backup of a study while runs are alive.

It is whole or not made at all, and never holds the study's keys.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Annotated, Final

import msgspec
import pyarrow as pa

from waterbed.model.bookkeeping import Forgotten
from waterbed.model.errors import InputError, KeyProblem, ReadOnly, StoreFailure
from waterbed.model.progress import stage, staged
from waterbed.store.authentic import tag_of
from waterbed.store.backup.manifest import (
    FILES,
    FORM,
    KIND,
    MANIFEST,
    STORE,
    SUMS,
    TAG,
    Kept,
    Manifest,
    alone_in,
    backups_in,
    checksum,
    drop_old,
    name_for,
    read_manifest,
    sums_of,
)
from waterbed.store.backup.portable import copy_out
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.config import Config, read_config, read_lab
from waterbed.store.folder import LAB, Clock, open_store, real_clock
from waterbed.store.kept import FOLDER as KEPT
from waterbed.store.lake.lake import LOCK, unchanged
from waterbed.store.lake.sealing import SCRATCH
from waterbed.store.own_files import SETTINGS
from waterbed.store.runs import record_done
from waterbed.store.schema import held
from waterbed.store.store import Store
from waterbed.store.vault import Vault, read_keys
from waterbed.store.whole.files import refuse_odd_name, sync
from waterbed.store.whole.unfinished import NOTES

_LEFT_OUT: Final = ("waterbed.db", "waterbed.db-wal", "waterbed.db-shm", "lock", "runs", KEPT, NOTES, LOCK, SCRATCH)
_PIECE: Final = 1 << 20
_KEYS_AT_MOST: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """The result of a backup."""

    backup: Annotated[Path, "its folder"]
    rows: Annotated[int, "rows of the store in it"]
    files: Annotated[int, "other files in it"]
    new_files: Annotated[int, "of these, not in any backup before"]
    size: Annotated[int, "bytes that were written"]
    removed: Annotated[int, "older backups that were removed"]
    lake: Annotated[bool, "whether the lake is in it: not if it lies outside the study folder"]
    tagged: Annotated[bool, "whether it bears the study's tag: not where its keys were missing"]
    unrecorded: Annotated[str, "why the study does not know of it, a sentence; empty: it does"]


def make_backup(study: Path, place: Path, *, keep: int | None = None) -> BackedUp:
    """Write a backup of a study into a backup folder.

    `keep` is the number of newest backups that stay; all others are removed.

    Needs no keys; with them it bears the study's tag. InputError if the folder is inside the study, holds another
    study's backups, or if the study folder has keys in it; StoreFailure if the store is damaged or a disk is full.
    Then nothing is left of it.
    """
    for one in (study, place):
        refuse_odd_name(one)
    config, _ = read_config(study / SETTINGS)
    _refuse_place(study, place, config)
    clock, store = _clock(study), open_store(study, config)
    began = clock()
    try:
        with alone_in(place), held(study, store, alone=False) as free:
            if not free:
                raise InputError(
                    "keys are being changed, URLs forgotten or days pruned at this moment; start again when that has "
                    "ended (docs/backup.md)"
                )
            work = place / f".new-{secrets.token_hex(8)}"
            try:
                work.mkdir(mode=0o700)
                name, manifest, new, size = _written(study, store, config, work)
                backup, tagged = place / name, (work / TAG).exists()
                work.rename(backup)
            except OSError as problem:
                raise StoreFailure(
                    f"the backup cannot be written to {place} ({problem.strerror}); older backups are as they were "
                    "(docs/backup.md)"
                ) from None
            finally:
                shutil.rmtree(work, ignore_errors=True)
            sync(place)
            removed = drop_old(place, keep) if keep else []
        rows = sum(manifest.rows.values())
        unrecorded = _record(store, config, study, began, clock(), rows)
    finally:
        store.close()
    return BackedUp(
        backup=backup,
        rows=rows,
        files=len(manifest.files),
        new_files=new,
        size=size,
        removed=len(removed),
        lake=_lake(study, config) is not None,
        tagged=tagged,
        unrecorded=unrecorded,
    )


def _refuse_place(study: Path, place: Path, config: Config) -> None:
    if place.resolve().is_relative_to(study.resolve()):
        raise InputError(f"{place} lies inside the study folder; keep backups on another disk (docs/backup.md)")
    if place.exists() and not place.is_dir():
        raise InputError(f"{place} is a file; a folder for backups was expected (docs/backup.md)")
    for backup in reversed(backups_in(place)):
        try:
            other = read_manifest(backup).study
        except InputError:  # damaged: no reason to make none any more
            continue
        if other != config.study:
            raise InputError(f"{place} holds backups of another study; each needs a folder of its own (docs/backup.md)")
        return


def _written(study: Path, store: Store, config: Config, work: Path) -> tuple[str, Manifest, int, int]:
    """Write all of a backup.

    Returns the name it is to have, the manifest, the number of new files, and the bytes written.
    """
    made_at, revision = real_clock(), store.revision()
    backup = name_for(work.parent, made_at)
    plain = work / "store.db"
    with stage("copying the store"):
        rows = copy_out(store, plain)
    with stage("packing the store"):
        packed = _packed(plain, work / STORE)
    # the store comes first: the files that its facts name are there by now
    forgotten = {stone.entry_id: stone.kind for stone in store.all(Forgotten)}
    pool = work.parent / FILES
    pool.mkdir(exist_ok=True, mode=0o700)
    kept, new, size = [], 0, packed.size
    with _lake_at_rest(study, store):
        for path in staged("files kept", list(_files(study, _lake(study, config)))):
            with suppress(FileNotFoundError):  # a temporary file that is gone again
                one, fresh = _keep(path, path.relative_to(study).as_posix(), pool)
                kept.append(one)
                new, size = new + fresh, size + fresh * one.size
    manifest = Manifest(
        form=FORM,
        study=config.study,
        name=config.name,
        made_at=made_at,
        version=version("waterbed"),
        schema=revision or "",
        engine="sqlite" if store.sqlite else "postgresql",
        rows=rows,
        store=packed,
        files=tuple(kept),
        forgotten=forgotten,
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    _write(work / SUMS, sums_of(manifest, text).encode())
    _write(work / MANIFEST, text)
    with suppress(KeyProblem):
        tag = tag_of(Vault(read_keys(config.study, study)), f"{KIND}/{backup}", hashlib.sha256(text).hexdigest())
        _write(work / TAG, tag.encode())
    sync(pool, work)
    return backup, manifest, new, size


@contextmanager
def _lake_at_rest(study: Path, store: Store) -> Iterator[None]:
    """Lock the lake so that its files match its manifest.

    Where nothing can be written, nobody changes them and no lock is needed.
    """
    if not os.access(study, os.W_OK):
        yield
        return
    with unchanged(study, store):
        yield


def _packed(plain: Path, into: Path) -> Kept:
    """Pack a file with zstd and remove the plain one."""
    with plain.open("rb") as source, pa.CompressedOutputStream(str(into), "zstd") as packed:
        while piece := source.read(_PIECE):
            packed.write(piece)
    plain.unlink()
    into.chmod(0o600)
    sync(into)
    digest, size = checksum(into)
    return Kept(path="waterbed.db", sha256=digest, size=size)


def _files(study: Path, lake: Path | None) -> Iterator[Path]:
    """Yield all files of a study that a backup copies.

    Its store, locks and temporary files are left out; links to folders are followed.

    The lake is among them, whatever its folder is called.
    """
    spared = {lake, *lake.parents} if lake else set()
    for name, folders, files in os.walk(study, followlinks=True):
        here = Path(name)
        if here.resolve() in (above.resolve() for above in here.parents if above.is_relative_to(study)):
            folders.clear()  # a link to where it lies in
            continue
        top = here == study
        folders[:] = sorted(
            one
            for one in folders
            if here / one in spared or not (one.startswith((".", "sql-")) or (top and one in _LEFT_OUT))
        )
        for one in sorted(files):
            path = here / one
            if path.is_file() and not one.startswith(".") and not (top and one in _LEFT_OUT):
                _refuse_keys(path)
                yield path


def _refuse_keys(path: Path) -> None:
    """InputError if a file holds keys, which backups never contain."""
    with suppress(OSError, msgspec.DecodeError):
        if path.stat().st_size < _KEYS_AT_MOST:
            read = decode(toml_bytes(path, "a file of the study", "docs/backup.md"))
            if "id_key" in read or {"cost", "salt", "sealed"} <= set(read):
                raise InputError(f"{path} holds keys; move it out of the study folder, then back up (docs/backup.md)")


def _keep(path: Path, name: str, pool: Path) -> tuple[Kept, bool]:
    """Add a file to the pool; True if new."""
    part = pool / f".{secrets.token_hex(8)}"
    digest, size = checksum(path)
    with suppress(FileNotFoundError):
        if checksum(pool / digest) == (digest, size):  # read in full: one that has rotted is written anew
            return Kept(path=name, sha256=digest, size=size), False
    try:
        with path.open("rb") as source, _new(part) as out:
            shutil.copyfileobj(source, out, _PIECE)
        digest, size = checksum(part)  # of what was copied: the file may have changed meanwhile
        sync(part)
        part.replace(pool / digest)
    finally:
        part.unlink(missing_ok=True)
    return Kept(path=name, sha256=digest, size=size), True


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _write(path: Path, content: bytes) -> None:
    with _new(path) as out:
        out.write(content)
    sync(path)


def _record(store: Store, config: Config, study: Path, began: datetime, ended: datetime, rows: int) -> str:
    """Record a backup among the runs; return why not, else nothing.

    A store that cannot take the record is no failure of the backup.
    """
    _, config_hash = read_config(study / SETTINGS)
    try:
        record_done(store, config, config_hash, KIND, began=began, ended=ended, done=rows)
    except (ReadOnly, StoreFailure) as problem:
        return str(problem)
    return ""


def _lake(study: Path, config: Config) -> Path | None:
    """Return the lake's folder below the study's, else None.

    A link to it counts as below.
    """
    if "://" in config.lake.location:
        return None
    place = study / config.lake.location
    for lake, base in ((place, study), (place.resolve(), study.resolve())):
        below = Path(os.path.relpath(lake, base))
        if os.pardir not in below.parts:
            return study / below
    return None


def _clock(study: Path) -> Clock:
    lab = read_lab(study / LAB)
    return (lambda: lab.clock) if lab else real_clock
