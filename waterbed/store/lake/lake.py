"""A study's lake: manifest, files, and the lock of writers."""

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from waterbed.model.bookkeeping import Written
from waterbed.model.errors import InputError, OwnFailure, StoreFailure
from waterbed.store.authentic import LAKE, Authentic
from waterbed.store.folder import Folder
from waterbed.store.lake import manifest as manifests
from waterbed.store.lake.kinds import PRUNABLE, SEALED, stamp
from waterbed.store.lake.manifest import Day, File, Manifest
from waterbed.store.lake.removed_days import removed_days
from waterbed.store.lake.storage import NEW, Storage
from waterbed.store.store import Store
from waterbed.store.tables import table_name

LOCK = "lake.lock"
_NUMBER = 0x6C616B65
"""The number of the lock of a PostgreSQL database that its writers hold."""


class Lake:
    """The lake of one study."""

    def __init__(self, location: str, path: Path, study: str, authentic: Authentic) -> None:
        """Open the lake; nothing is created yet."""
        self.study = study
        self.place = Storage(location, path)
        self._authentic: Authentic | None = authentic

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to read files: neither the store nor keys."""
        return {**self.__dict__, "_authentic": None}

    @property
    def authentic(self) -> Authentic:
        """The tags of the study's own files; OwnFailure in a process that only reads files."""
        if self._authentic is None:
            raise OwnFailure("a process that only reads files of the lake was asked which are the study's own")
        return self._authentic

    def manifest(self) -> Manifest:
        """Read the current manifest.

        InputError if it is another study's, StoreFailure if it is lost or not as the study wrote it.
        """
        authentic = self.authentic
        removed = removed_days(authentic.store)  # before the manifest: a day is sealed before it leaves the store
        since = authentic.generation()  # the same: it is put on record last
        try:
            found = manifests.read(self.place.read(manifests.PATH), self.study, authentic.tag_of_lake, since)
        except FileNotFoundError:
            if self.place.names(".parquet"):
                raise StoreFailure(manifests.LOST) from None
            found = Manifest(study=self.study)
        _refuse_lacking(found, removed)
        if found.generation < since:
            what = "is older than it was, or another one" if found.generation else "is gone"
            raise StoreFailure(
                f"the lake at [lake] location {what}: its generation is {found.generation}, and {since} is on record. "
                "Name its place, put it back from a backup, or make it anew with waterbed lake rebuild (docs/lake.md, "
                "Is it whole)"
            )
        return found

    def commit(self, manifest: Manifest) -> None:
        """Write a new manifest.

        StoreFailure if it lacks a day that left the store.
        """
        authentic = self.authentic
        _refuse_lacking(manifest, removed_days(authentic.store))
        self.place.replace(manifests.PATH, manifests.to_json(manifest, authentic.tag_of_lake))
        authentic.record(Written(name=LAKE, generation=manifest.generation, tag=""))

    def table(self, file: File, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the rows of one file; StoreFailure if damaged.

        A file that no manifest names has no checksum but those of its pages.
        """
        content = self.place.read(file.path)
        try:
            if file.sha256 and hashlib.sha256(content).hexdigest() != file.sha256:
                raise OSError
            with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as opened:
                there = None if columns is None else [name for name in columns if name in opened.schema_arrow.names]
                return opened.read(columns=there)
        except (OSError, pa.ArrowException):
            raise StoreFailure(
                f"{file.path} of the lake is damaged; see waterbed lake verify, and mend it by waterbed lake rebuild "
                "or from a backup (docs/lake.md)"
            ) from None

    def path_of(self, where: str, checksum: str) -> str:
        """The path of a file of a kind of fact and a day: named so, the study wrote it."""
        return f"{where}/{self.authentic.tag_of_file(where, checksum)[:20]}.parquet"

    def is_own(self, path: str) -> bool:
        """True if the study wrote a file, by its name and content, whether a manifest names it or not."""
        return path == self.path_of(path.rpartition("/")[0], self.place.checksum(path)[1])

    def keys(self, cls: Any, files: Sequence[File]) -> set[str]:
        """Return the keys of all facts in some files."""
        (key,) = cls.KEY
        return {one for file in files for one in self.table(file, [key]).column(key).to_pylist()}

    def put(self, cls: type, day: date, made: Path, span: tuple[int, int]) -> File:
        """Put a finished file of a day into the lake.

        It is read back and compared; the manifest does not name it yet.
        """
        length, checksum = _checksum(made)
        with pq.ParquetFile(made, page_checksum_verification=True) as opened:
            rows = sum(batch.num_rows for batch in opened.iter_batches())
        path = self.path_of(f"{table_name(cls)}/day={day.isoformat()}", checksum)
        self.place.take_in(made, path)
        if self.place.checksum(path) != (length, checksum):
            raise StoreFailure(f"{path} does not read back as it was written; nothing was sealed (docs/lake.md)")
        return File(path=path, rows=rows, bytes=length, sha256=checksum, first=span[0], last=span[1])

    def begin(self) -> Manifest:
        """Clean up after a killed process and return the manifest.

        Only the holder of the lock may call this.

        A first file is never there without a manifest.
        """
        manifest = self.manifest()
        if not manifest.facts and not manifest.generation:
            self.commit(manifest)
        self.sweep()
        return manifest

    def sweep(self) -> None:
        """Remove files that a killed process left half written.

        Only the holder of the lock may call this.
        """
        for path in self.place.names(NEW):
            self.place.remove(path)


def lake_of(folder: Folder) -> Lake:
    """The lake of an opened study."""
    return Lake(folder.config.lake.location, folder.path, folder.config.study, folder.authentic)


@contextmanager
def changing(folder: Folder) -> Iterator[Lake]:
    """Open the lake for changes; InputError if it is locked.

    The lock holds on this machine and others.
    """
    with unchanged(folder.path, folder.store):
        yield lake_of(folder)


@contextmanager
def unchanged(path: Path, store: Store) -> Iterator[None]:
    """Lock the lake of a study folder; InputError if locked."""
    with (path / LOCK).open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy() from None
        with store.locked(alone=True, number=_NUMBER) as free:
            if not free:
                raise _busy()
            yield


def replaced(manifest: Manifest, kind: str, day: date, files: Sequence[File]) -> dict[tuple[str, date], Day]:
    """Return a manifest change that replaces a day's files.

    The day stays pruned if it was.
    """
    return {(kind, day): Day(files=tuple(files), pruned=manifest.day(kind, day).pruned)}


CLASSES: dict[str, type] = {table_name(cls): cls for cls in SEALED}
"""The class of each kind of fact, by the name of its folder."""


def sorted_table(cls: type, table: pa.Table) -> pa.Table:
    """Rows in the order of the lake."""
    return table.sort_by([(name, "ascending") for name in stamp(cls)])


def _refuse_lacking(manifest: Manifest, removed: set[date]) -> None:
    sealed = {day for cls in PRUNABLE for day in manifest.days(table_name(cls))}
    lacking = sorted(removed - sealed)
    if lacking:
        raise StoreFailure(
            f"facts of {len(lacking):,} days, the first {lacking[0]}, left the store for the lake, and no lake with "
            "them is at [lake] location: name its place, put it back from a backup or, if its files are there, mend it "
            "by waterbed lake rebuild (docs/lake.md, Is it whole)"
        )


def _checksum(made: Path) -> tuple[int, str]:
    return Storage(".", made.parent).checksum(made.name)


def _busy() -> InputError:
    return InputError("another process is changing the lake at this moment; start again when it has ended")
