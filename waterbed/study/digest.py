"""The digest of all that a study's conclusions come from."""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from waterbed.governance.hosters import ACTION, VERSIONS
from waterbed.model.bookkeeping import STORED, Audit, Beat, Due, KeyCheck, Reserved, Sealed, Written
from waterbed.model.codec import microseconds
from waterbed.model.decisions import HosterChange
from waterbed.model.facts import Origin, Snapshot
from waterbed.model.governance import DeviationNote, Edition
from waterbed.model.registrations import Registration
from waterbed.store.config import Config
from waterbed.store.folder import Folder
from waterbed.store.frozen import FROZEN
from waterbed.store.lake.lake import lake_of
from waterbed.store.tables import TABLES
from waterbed.study.facts import Facts

_NO_FACTS: Final = (Audit, Beat, Due, Edition, KeyCheck, Origin, Reserved, Sealed, DeviationNote, Written)
"""Kinds of records from which nothing is concluded."""
_HOME: Final = Path(__file__).parents[1]
_LIBRARIES: Final = ("numpy", "scipy", "pyarrow", "duckdb", "networkx", "pyspark")


class StudyDigest:
    """The digest of all that a study's conclusions come from.

    Facts, settings, tables, code and libraries, as hex. Facts are only added, or forgotten on record: the number of
    each kind and its newest times tell whether anything changed. They are counted again only after a commit.
    """

    def __init__(self, folder: Folder) -> None:
        """Digest a study's folder whenever called."""
        self._folder = folder
        self._counted: tuple[str | None, bytes] = (None, b"")

    def __call__(self) -> str:
        """Digest everything as it is now."""
        folder, found = self._folder, hashlib.sha256()
        for part in (_code(), msgspec.json.encode(folder.config), *_of_lake(folder), *_of_folder(folder)):
            found.update(hashlib.sha256(part).digest())
        found.update(self._facts())
        return found.hexdigest()

    def _facts(self) -> bytes:
        store = self._folder.store
        version = store.version()  # before they are counted: what is committed meanwhile changes the next one
        if version is None or version != self._counted[0]:
            counts = [repr((cls.__name__, store.newest_of(cls))) for cls in STORED if cls not in _NO_FACTS]
            counts.append(repr(store.newest_of(Audit, TABLES[Audit].c.action == ACTION)))
            self._counted = version, "".join(counts).encode()
        return self._counted[1]


def of_rules(facts: Facts, config: Config, folder: Folder | None) -> bytes:
    """The digest of all that concerns every URL.

    Code, settings, and what people decided of looks.
    """
    found = hashlib.sha256(_code())
    frozen = folder.path / FROZEN if folder else None
    for part in (config, facts.decisions, facts.codings):
        found.update(hashlib.sha256(msgspec.json.encode(part)).digest())
    found.update(frozen.read_bytes() if frozen and frozen.is_file() else b"")
    return found.digest()


def of_tables(folder: Folder | None, until: int) -> bytes:
    """The digest of all that attributes before a time, microseconds.

    Tables, registrations, books.
    """
    found = hashlib.sha256()
    if folder is not None:
        snapshots = folder.store.all(Snapshot, order=("data_date", "imported_at", "snapshot_id"))
        first = {
            key: min(one.data_date for one in snapshots if _kind(one) == key) for key in set(map(_kind, snapshots))
        }
        for one in snapshots:
            if one.data_date == first[_kind(one)] or microseconds(one.data_date) < until:
                found.update(repr((one.snapshot_id, one.data_date)).encode())
        told = [folder.store.newest_of(cls) for cls in (Registration, HosterChange)]
        found.update(repr([*told, folder.store.newest_of(Audit, TABLES[Audit].c.action == ACTION)]).encode())
    return found.digest()


def _of_lake(folder: Folder) -> Iterator[bytes]:
    """The manifest of the lake, and where its files are at hand their sizes and times: damage is not hidden."""
    lake = lake_of(folder)
    manifest = lake.manifest()
    yield msgspec.json.encode(manifest)
    for name in sorted(manifest.files()) if lake.place.local else ():
        path = Path(lake.place.root) / name
        yield f"{path.stat().st_size} {path.stat().st_mtime_ns}".encode() if path.is_file() else b"missing"


def _of_folder(folder: Folder) -> Iterator[bytes]:
    """What lies beside the database: settings, books of hosters, the frozen study, and the compact tables."""
    yield folder.world.encode()
    for path in sorted([*folder.path.glob("*.toml"), folder.path / FROZEN]):
        yield path.read_bytes() if path.is_file() else b""
    for path in sorted([*(folder.path / VERSIONS).glob("*"), *folder.tables.rglob("*")]):
        yield f"{path.relative_to(folder.path)} {path.stat().st_size} {path.stat().st_mtime_ns}".encode()


@cache
def _code() -> bytes:
    """The files of the program by their checksums, and the versions of the libraries that compute."""
    files = [
        f"{path.relative_to(_HOME)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for folder, _, names in sorted(os.walk(_HOME, followlinks=True))  # a checkout has links to three packages
        for path in sorted(Path(folder, name) for name in names)
        if path.suffix != ".pyc"
    ]
    return "\n".join([*files, *map(_version, _LIBRARIES)]).encode()


def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return library


def _kind(one: Snapshot) -> tuple[str, int]:
    return one.kind, one.family
