"""Tells the files that a study wrote from all others."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete

from waterbed.model.bookkeeping import Written
from waterbed.model.errors import ReadOnly
from waterbed.store.store import Store
from waterbed.store.tables import TABLES
from waterbed.store.vault import Vault

LAKE: Final = "lake"
TABLE: Final = "tables"
"""What a table's folder is called in a study, and before its name on record."""
_SINCE: Final = "study"
_KIND: Final = "written"


def tag_of(vault: Vault, name: str, digest: str) -> str:
    """Return the tag of a name and its content's SHA-256.

    Nobody without the study's keys can make one: HMAC-SHA-256, 32 hex digits (RFC 2104).
    """
    return vault.keyed_id(_KIND, f"{name} {digest}")


def digest_of(folder: Path) -> str:
    """SHA-256 over the names, lengths and bytes of a folder's files, but hidden ones, which nothing reads.

    OSError if one cannot be read.
    """
    found = hashlib.sha256()
    for path in sorted(one for one in folder.iterdir() if not one.name.startswith(".")):
        found.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Authentic:
    """The files of a study beside its store: its database says which, its keys that they are its own."""

    store: Store
    vault: Vault

    def of_table(self, folder: Path) -> Written:
        """The record of a table's folder as it is now."""
        name = f"{TABLE}/{folder.name}"
        return Written(name=name, generation=0, tag=tag_of(self.vault, name, digest_of(folder)))

    def is_own(self, folder: Path) -> bool:
        """True if a table's folder is as the study wrote it."""
        recorded = self._recorded(f"{TABLE}/{folder.name}")
        if recorded is None:
            # only in a study of 0.2.0 that could not be written to since: nothing is on record
            return self._recorded(_SINCE) is None
        try:
            return compare_digest(recorded.tag, self.of_table(folder).tag)
        except OSError:
            return False

    def record(self, written: Written, facts: Iterable[Any] = ()) -> None:
        """Put on record what was written, in place of what had its name; facts that tell of it are added too."""
        table = TABLES[Written]
        with self.store.writing() as connection:
            connection.execute(delete(table).where(table.c.name == written.name))
            self.store.add([written, *facts], connection)

    def tag_of_lake(self, digest: str) -> str:
        """The tag of a lake's manifest."""
        return tag_of(self.vault, LAKE, digest)

    def tag_of_file(self, where: str, digest: str) -> str:
        """The tag of a file of the lake, of a kind of fact and a day."""
        return tag_of(self.vault, f"{LAKE}/{where}", digest)

    def generation(self) -> int:
        """The number of changes of the lake that are on record; 0: none."""
        found = self._recorded(LAKE)
        return found.generation if found else 0

    def begin(self, tables: Path) -> None:
        """Put a study on record that is new, or of a version that recorded nothing: its tables as they are.

        Once. A study that cannot be written to stays as it is; a table that cannot be read is refused later.
        """
        if self._recorded(_SINCE) is not None:
            return
        folders = sorted(tables.iterdir()) if tables.is_dir() else []
        found = list[Written]()
        for one in folders:
            with suppress(OSError):
                found.append(self.of_table(one))
        with suppress(ReadOnly):
            self.store.add([*found, Written(name=_SINCE, generation=0, tag=tag_of(self.vault, _SINCE, ""))])

    def _recorded(self, name: str) -> Written | None:
        return next(iter(self.store.all(Written, TABLES[Written].c.name == name)), None)
