"""The storage of a lake: a folder or object storage.

Object storage is S3-compatible, through pyarrow.fs.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyarrow import fs

from waterbed.model.errors import InputError, StoreFailure
from waterbed.store.whole.files import refuse_odd_name, sync

_AT_ONCE: Final = 1 << 22
NEW: Final = ".new"
"""End of the name of what is being written."""


class PlaceFailure(StoreFailure):
    """The place of a lake cannot be read or written."""


class Storage:
    """Files under one root, by relative paths with slashes."""

    def __init__(self, location: str, study: Path) -> None:
        """Open a location, a path or a URI.

        A path is relative to the study's folder; a URI is such as s3://bucket/prefix.
        """
        self.local = "://" not in location
        if self.local:
            self._files: fs.FileSystem = fs.LocalFileSystem()
            refuse_odd_name(study / location)
            self.root = os.path.realpath(study / location)
            return
        # a key in the settings would be backed up and shown; what it looked like is not repeated
        if "@" in re.split("[/?#]", location.partition("://")[2], maxsplit=1)[0]:
            raise InputError(
                "[lake] location holds access keys; give them in the environment (AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY) or by the machine's role (docs/lake.md, Object storage)"
            )
        try:
            self._files, self.root = fs.FileSystem.from_uri(location)
            self.local = isinstance(self._files, fs.LocalFileSystem)
            if not self.root:
                raise ValueError
        except (ValueError, OSError):
            raise InputError(
                f"[lake] location {location!r} is neither a folder nor a URI that pyarrow opens, such as "
                "s3://bucket/prefix?region=eu-west-1 (docs/lake.md, Object storage)"
            ) from None

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as problem:
            # the text of an object store may name accounts and hosts
            why = problem.strerror if self.local and problem.strerror else type(problem).__name__
            raise PlaceFailure(f"the lake's place failed at {what} ({why}; docs/lake.md, Where it lies)") from None

    def read(self, path: str) -> bytes:
        """All bytes of a file; FileNotFoundError if there is none."""
        with self._failing(path), self._files.open_input_file(self._at(path)) as file:
            content: bytes = file.read()
            return content

    def checksum(self, path: str) -> tuple[int, str]:
        """Return length and SHA-256 of a file, read back."""
        found, length = hashlib.sha256(), 0
        with self._failing(path), self._files.open_input_stream(self._at(path)) as file:
            while piece := file.read(_AT_ONCE):
                found.update(piece)
                length += len(piece)
        return length, found.hexdigest()

    def opened(self, path: str) -> object:
        """Open a file for random access.

        FileNotFoundError if there is none.
        """
        with self._failing(path):
            return self._files.open_input_file(self._at(path))

    def replace(self, path: str, content: bytes) -> None:
        """Replace a file atomically by these bytes."""
        with self._failing(path):
            if not self.local:  # an object is there when it is closed, whole
                with self._files.open_output_stream(self._at(path)) as out:
                    out.write(content)
                return
            where = Path(self._at(path))
            where.parent.mkdir(parents=True, exist_ok=True)
            part = where.with_name(f"{where.name}.{uuid.uuid4().hex}{NEW}")
            try:
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(where)
            finally:
                part.unlink(missing_ok=True)
            sync(where.parent)

    def take_in(self, made: Path, path: str) -> None:
        """Copy a finished local file into the storage, atomically."""
        with self._failing(path):
            target = self._at(path)
            if not self.local:
                with made.open("rb") as file, self._files.open_output_stream(target) as out:
                    while piece := file.read(_AT_ONCE):
                        out.write(piece)
                return
            where = Path(target)
            where.parent.mkdir(parents=True, exist_ok=True)
            part = where.with_name(f"{where.name}.{uuid.uuid4().hex}{NEW}")
            try:
                with made.open("rb") as file, part.open("wb") as out:
                    while piece := file.read(_AT_ONCE):
                        out.write(piece)
                    out.flush()
                    os.fsync(out.fileno())
                part.replace(where)
            finally:
                part.unlink(missing_ok=True)
            sync(where.parent)

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens if there is none."""
        with self._failing(path):
            try:
                self._files.delete_file(self._at(path))
            except FileNotFoundError:
                return

    def names(self, end: str) -> list[str]:
        """Return the sorted paths of files with this suffix."""
        chosen = fs.FileSelector(self.root, recursive=True, allow_not_found=True)
        with self._failing("listing"):
            found = [info.path for info in self._files.get_file_info(chosen) if info.type == fs.FileType.File]
        return sorted(path[len(self.root) :].lstrip("/") for path in found if path.endswith(end))

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}"
