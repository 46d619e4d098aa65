"""Makes a study folder again from a backup.

The backup is verified first; it is restored into either database, whole or not at all.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
import pyarrow as pa

from waterbed.model.bookkeeping import Audit, KeyCheck, Sealed
from waterbed.model.errors import InputError, KeyProblem, StoreFailure
from waterbed.model.progress import stage, staged
from waterbed.store import sealed as entries
from waterbed.store.backup.manifest import FILES, STORE, Manifest, backups_in, not_own, read_manifest, verify
from waterbed.store.backup.portable import acting_in, damage, fill, rows_in
from waterbed.store.bounded.limits import MOST_STORE_RATIO, SMALL
from waterbed.store.bounded.memory import bounded_memory
from waterbed.store.config import read_config, write_toml
from waterbed.store.folder import STORE_ENVIRONMENT, real_clock
from waterbed.store.leases import mark_dead
from waterbed.store.own_files import SETTINGS
from waterbed.store.schema import refuse_unknown, revisions
from waterbed.store.store import Store
from waterbed.store.vault import Keys, Vault, read_keys
from waterbed.store.whole.folders import new_folder

_DOCS: Final = "docs/backup.md"
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result of a restore."""

    backup: Annotated[Path, "the backup it was made from"]
    study: Annotated[str, "id of the study"]
    schema: Annotated[str, "schema of the backup; it was brought forward to this version's"]
    rows: Annotated[int, "rows of the store"]
    files: Annotated[int, "other files"]
    released: Annotated[int, "leases that were given back"]
    forgotten: Annotated[int, "entries that were forgotten after the backup, and are now"]


def chosen(place: Path) -> Path:
    """Return the backup itself, or the newest in a folder."""
    if (place / STORE).exists() or not backups_in(place):
        return place
    return backups_in(place)[-1]


def restore_backup(
    place: Path,
    folder: Path,
    *,
    who: str,
    store: str | None = None,
    keys: Keys | None = None,
    untagged: bool = False,
) -> Restored:
    """Make a new study folder from a backup.

    `store` is sqlite or the URL of an empty PostgreSQL database. With `untagged` a backup is believed that bears no tag
    of the study, made without its keys or by version 0.2.0.

    Nothing appears at `folder` before all of it has been checked. It needs no keys; if some are given or at hand, they
    must be the study's. InputError if the folder exists and is not empty, or the backup is damaged, has not the study's
    tag, or was made by a newer version.
    """
    _refuse_folder(folder)
    with bounded_memory(place, _DOCS):
        return _restored(chosen(place), folder, who, store, keys, untagged)


def _restored(backup: Path, folder: Path, who: str, store: str | None, keys: Keys | None, untagged: bool) -> Restored:
    manifest = read_manifest(backup)
    refuse_unknown(manifest.schema, "the backup")
    with suppress(KeyProblem):
        known = keys or read_keys(manifest.study, folder)
        if not untagged and (why := not_own(backup, Vault(known))):
            raise InputError(f"{backup} {why}. If you trust it, restore it with --untagged ({_DOCS})")
    verify(backup, manifest)
    with _disk(folder), new_folder(folder) as work:
        work.chmod(0o700)
        _files_back(backup, manifest, work)
        with stage("unpacking the store"):
            file = _store_back(backup, manifest, work)
            released, forgotten = _settled(file, backup, manifest, who, keys)
        _into(file, work, store)
    return Restored(
        backup=backup,
        study=manifest.study,
        schema=manifest.schema,
        rows=sum(manifest.rows.values()),
        files=len(manifest.files),
        released=released,
        forgotten=forgotten,
    )


def _refuse_folder(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise InputError(f"{folder} exists already; a backup is restored into a new folder alone ({_DOCS})")
    if folder.resolve() == Path.cwd():
        raise InputError(f"{folder} is the folder you are in, and cannot be replaced; name a new one ({_DOCS})")


def _files_back(backup: Path, manifest: Manifest, work: Path) -> None:
    for kept in staged("files restored", manifest.files):
        into = work / kept.path
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(backup.parent / FILES / kept.sha256, into)
    config, _ = read_config(work / SETTINGS)
    if config.study != manifest.study:
        raise InputError(f"the settings in {backup} are of another study than its manifest; take another one ({_DOCS})")


def _store_back(backup: Path, manifest: Manifest, work: Path) -> Path:
    """Unpack and check the store, then migrate its schema."""
    file = work / "waterbed.db"
    with pa.input_stream(str(backup / STORE), compression="zstd") as packed, file.open("wb") as out:
        most, size = SMALL + MOST_STORE_RATIO * manifest.store.size, 0
        while piece := packed.read(_PIECE):
            size += len(piece)
            if size > most:
                raise InputError(
                    f"the store in {backup} unpacks to more than {MOST_STORE_RATIO} times its size; take another "
                    f"backup ({_DOCS})"
                )
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    if damage(file) or acting_in(file) or rows_in(file) != manifest.rows:
        raise InputError(f"the store in {backup} is not what its manifest says; take another backup ({_DOCS})")
    if manifest.schema != revisions()[-1]:
        store = Store(f"sqlite:///{file}")
        store.migrate()
        store.close()
    return file


def _settled(file: Path, backup: Path, manifest: Manifest, who: str, keys: Keys | None) -> tuple[int, int]:
    """End interrupted runs and repeat later forgetting.

    Runs were going on when the backup was made; entries may have been forgotten since.
    """
    store = Store(f"sqlite:///{file}")
    try:
        if keys:
            for check in store.all(KeyCheck):
                Vault(keys).verify(check)
        released = mark_dead(store, store.unfinished_runs(), real_clock())
        forgotten = _forget_again(store, backup, manifest, who)
        entries.wipe(store)
    finally:
        store.close()
    return released, forgotten


def _forget_again(store: Store, backup: Path, manifest: Manifest, who: str) -> int:
    since: dict[str, str] = {}
    for other in backups_in(backup.parent):
        if other.name > backup.name:
            newer = _newer(other)
            since |= newer.forgotten if newer.study == manifest.study else {}
    gone = {entry_id: kind for entry_id, kind in since.items() if entry_id not in manifest.forgotten}
    if not gone:
        return 0
    before = store.count(Sealed)
    groups: list[tuple[list[str], str | None]] = [
        ([entry_id for entry_id, kind in gone.items() if kind == "url"], None),
        *(([], entry_id) for entry_id, kind in gone.items() if kind == "host"),
    ]
    for urls, host_id in groups:
        audit = Audit(
            audit_id=secrets.token_hex(16),
            done_at=real_clock(),
            who=who,
            action="forget",
            subject_id=host_id or f"{len(urls)} urls",
            reason="forgotten after the backup that was restored",
        )
        entries.shred(store, urls, host_id=host_id, now=real_clock(), audit=audit)
    return before - store.count(Sealed)


def _newer(backup: Path) -> Manifest:
    try:
        return read_manifest(backup)
    except InputError as problem:
        raise InputError(
            f"{problem}. It is newer than the backup to restore, and tells what was forgotten since; to restore "
            f"without it, move {backup} elsewhere, then forget again what people asked for"
        ) from None


def _into(file: Path, work: Path, url: str | None) -> None:
    """Write the store's settings; copy rows into PostgreSQL if named."""
    config, _ = read_config(work / SETTINGS)
    named = url or os.environ.get(STORE_ENVIRONMENT) or "sqlite"
    if (url or not os.environ.get(STORE_ENVIRONMENT)) and config.store.url != named:
        store_at = msgspec.structs.replace(config.store, url=named)
        write_toml(work / SETTINGS, msgspec.structs.replace(config, store=store_at))
    if named == "sqlite":
        return
    store = Store(named)
    try:
        if store.sqlite:
            raise InputError(
                f"--store is sqlite or a postgresql:// URL; a file of its own is not restored into ({_DOCS})"
            )
        store.revision()  # one that cannot be reached is the user's to mend, and is reported as such
        fill(store, file)
    finally:
        store.close()
    for end in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StoreFailure(
            f"{folder} cannot be restored ({problem.strerror or 'the packed store cannot be read'}); nothing of it is "
            f"left ({_DOCS})"
        ) from None
