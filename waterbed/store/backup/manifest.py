"""The layout of backups, their manifests and shared files.

A backup is a folder with a manifest and the store as one file; other files are shared by all backups.

BACKUPS/
  20260105T120000.000000Z/   one backup: manifest.json, store.db.zst, SHA256SUMS, TAG
  files/<sha256>             the other files of the study; what does not change is kept once
  lock
"""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hmac import compare_digest
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import msgspec

from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.store.audit import after
from waterbed.store.authentic import tag_of
from waterbed.store.bounded.files import content, opened
from waterbed.store.bounded.limits import MOST_ABOUT, MOST_MANIFEST
from waterbed.store.vault import Vault
from waterbed.store.whole.files import DISK, sync

MANIFEST: Final = "manifest.json"
STORE: Final = "store.db.zst"
SUMS: Final = "SHA256SUMS"
TAG: Final = "TAG"
FILES: Final = "files"
KIND: Final = "backup"
"""What a backup is on record as, among the runs, and before its name where it is tagged."""
FORM: Final = 1
"""The form of backups that this version writes."""
_TIME: Final = "%Y%m%dT%H%M%S.%fZ"
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_UNFINISHED: Final = (".new-", ".old-")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_PIECE: Final = 1 << 20


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup."""

    path: Annotated[str, "where it belongs in the study folder"]
    sha256: Annotated[str, "checksum, and the name it is kept under"]
    size: Annotated[int, "bytes"]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a backup."""

    form: Annotated[int, "form of the backup"]
    study: Annotated[str, "id of the study: its keys are named after it"]
    name: Annotated[str, "what the study is called"]
    made_at: Annotated[datetime, "when (real clock)"]
    version: Annotated[str, "version of Waterbed that made it"]
    schema: Annotated[str, "revision of the store's schema"]
    engine: Annotated[str, "where the store lay: sqlite or postgresql"]
    rows: Annotated[dict[str, int], "rows of each table"]
    store: Annotated[Kept, "the store, an SQLite file packed with zstd"]
    files: Annotated[tuple[Kept, ...], "all other files of the study"]
    forgotten: Annotated[dict[str, str], "ids that bear a tombstone: url or host"]


def backups_in(place: Path) -> list[Path]:
    """Return the finished backups in a folder, oldest first."""
    if not place.is_dir():
        return []
    return sorted(found for found in place.iterdir() if _NAME.fullmatch(found.name) and (found / MANIFEST).is_file())


def name_for(place: Path, made_at: datetime) -> str:
    """Return a new backup's name, later than all others.

    It is the time of making, or just after the last backup where the clock was set back.
    """
    earlier = (datetime.strptime(f"{one.name}+0000", f"{_TIME}%z") for one in backups_in(place))
    return after(made_at, earlier).strftime(_TIME)


def read_manifest(backup: Path) -> Manifest:
    """Read a backup's manifest.

    InputError if it is damaged or of an unknown form.
    """
    path = backup / MANIFEST
    try:
        data = content(path, "the manifest of a backup that waterbed backup wrote", MOST_MANIFEST, _DOCS)
        sums = content(backup / SUMS, "the checksums of a backup", MOST_MANIFEST, _DOCS).decode()
    except UnicodeDecodeError:
        raise InputError(f"{backup / SUMS} is not a list of checksums; {_SEE}") from None
    if f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}" not in sums.splitlines():
        raise InputError(f"{path} is damaged: it has not the checksum that {SUMS} says; take another backup ({_DOCS})")
    try:
        read = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path} is not a manifest of a backup that this version of Waterbed knows; {_SEE}") from None
    if read.form != FORM:
        raise InputError(
            f"{path} is of form {read.form}, and this version of Waterbed reads form {FORM}: it was written by a newer "
            f"one; install that ({_DOCS})"
        )
    for kept in (read.store, *read.files):
        parts = PurePosixPath(kept.path).parts
        if not _SHA256.fullmatch(kept.sha256) or not parts or kept.path.startswith("/") or ".." in parts:
            raise InputError(
                f"{path} names a file that lies in no study folder; it is not a manifest of ours ({_DOCS})"
            )
    return read


_DOCS: Final = "docs/backup.md"
_SEE: Final = f"a backup that waterbed backup wrote was expected ({_DOCS})"


def verify(backup: Path, manifest: Manifest) -> None:
    """Verify the checksum of every file of a backup.

    InputError names the first that is missing or damaged.
    """
    pool = backup.parent / FILES
    wanted = {pool / kept.sha256: kept for kept in manifest.files} | {backup / STORE: manifest.store}
    for path, kept in staged("files verified", wanted.items()):
        try:
            with opened(path, "a file of a backup", _DOCS):
                found = checksum(path)
        except (InputError, OSError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it cannot be read"
            raise InputError(
                f"the backup lacks {path} ({why}), which is {kept.path}; take another one ({_DOCS})"
            ) from None
        if found != (kept.sha256, kept.size):
            raise InputError(f"{path} is damaged, which is {kept.path}; take another backup ({_DOCS})")


def not_own(backup: Path, vault: Vault) -> str:
    """Say why a backup is not the study's own, by the tag of its name and of all that its manifest says; else empty."""
    if not (backup / TAG).is_file():
        return "bears no tag of this study: it was made without its keys or by version 0.2.0, or somebody changed it"
    digest = hashlib.sha256(content(backup / MANIFEST, "the manifest of a backup", MOST_MANIFEST, _DOCS)).hexdigest()
    tag = content(backup / TAG, "the tag of a backup", MOST_ABOUT, _DOCS)
    if compare_digest(tag, tag_of(vault, f"{KIND}/{backup.name}", digest).encode()):
        return ""
    return "has a tag that these keys did not make: they are another study's, or somebody changed or renamed it"


def checksum(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def sums_of(manifest: Manifest, text: bytes) -> str:
    """Return the text of SHA256SUMS for `sha256sum -c`.

    It is read inside the backup's folder.
    """
    lines = [f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}", f"{manifest.store.sha256}  {STORE}"]
    shared = sorted({kept.sha256 for kept in manifest.files})
    return "\n".join([*lines, *(f"{name}  ../{FILES}/{name}" for name in shared)]) + "\n"


@contextmanager
def alone_in(place: Path) -> Iterator[None]:
    """Hold the lock for writing backups into a folder.

    Remains of a killed backup are removed first.
    """
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (place / "lock").open("a")
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{place} cannot be written to ({problem.strerror}); name another folder ({_DOCS})") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another backup is being written into {place}; wait for its end ({_DOCS})") from None
        for found in place.iterdir():
            if found.name.startswith(_UNFINISHED):
                shutil.rmtree(found, ignore_errors=True)
        for part in (place / FILES).glob(".*"):
            part.unlink(missing_ok=True)
        yield


def drop_old(place: Path, keep: int) -> list[Path]:
    """Remove and return all but the newest backups.

    Each is removed whole; shared files that no backup needs go too.
    """
    old = backups_in(place)[:-keep]
    for backup in old:
        doomed = place / f".old-{backup.name}"
        backup.rename(doomed)
        sync(place)
        shutil.rmtree(doomed)
    sweep(place)
    return old


def sweep(place: Path) -> None:
    """Remove shared files that no backup needs.

    None is removed while any manifest cannot be read.
    """
    try:
        needed = {kept.sha256 for backup in backups_in(place) for kept in read_manifest(backup).files}
    except InputError:
        return
    for path in (place / FILES).glob("*"):
        if path.name not in needed:
            path.unlink(missing_ok=True)
