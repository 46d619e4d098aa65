"""Verifies all bytes of a lake and compares the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

import pyarrow.parquet as pq

from waterbed.model.errors import StoreFailure
from waterbed.model.progress import stage, staged
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import SEALED, closed_before
from waterbed.store.lake.lake import Lake, lake_of
from waterbed.store.lake.manifest import PATH, File, Manifest
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.storage import NEW, PlaceFailure
from waterbed.store.tables import table_name


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFinding:
    """One thing about a lake that a person should know."""

    severity: Annotated[Literal["problem", "note"], "problem: facts are damaged or missing; note: nothing is lost"]
    path: Annotated[str, "the file or day, below the lake's place"]
    what: Annotated[str, "what was found, and what to do"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The result of a verification."""

    files: int
    facts: int
    sealed: bool = True
    """False if no sealing is on record and no file is there."""
    findings: tuple[LakeFinding, ...]

    @property
    def whole(self) -> bool:
        """True if no fact is damaged or missing."""
        return all(finding.severity != "problem" for finding in self.findings)


def verify(folder: Folder) -> Verified:
    """Compare every file with manifest and store; write nothing.

    StoreFailure if the lake's place cannot be read: it may be whole.
    """
    lake = lake_of(folder)
    try:
        manifest = lake.manifest()
    except PlaceFailure:
        raise
    except StoreFailure as problem:
        return Verified(files=0, facts=0, findings=(_problem(PATH, str(problem)),))
    named = manifest.files()
    found: list[LakeFinding] = []
    for kind, day, file in staged("files of the lake verified", named.values()):
        wrong = amiss(lake, file)
        if wrong and file.path in lake.manifest().files():  # else it was merged away meanwhile
            pruned = manifest.day(kind, day).pruned
            mend = "put it back from a backup: its day was pruned" if pruned else "mend it by waterbed lake rebuild"
            found.append(_problem(file.path, f"{wrong}; {mend}"))
    found += _strays(lake, set(named))
    with stage("comparing the lake with the store"):
        found += _beside_store(folder, manifest)
    return Verified(
        files=len(named),
        facts=sum(file.rows for _, _, file in named.values()),
        sealed=bool(named or manifest.generation or lake.place.names(".parquet")),
        findings=tuple(found),
    )


def amiss(lake: Lake, file: File) -> str | None:
    """Return the fault of one file, None if whole.

    Every byte and the number of rows are compared.
    """
    try:
        length, checksum = lake.place.checksum(file.path)
    except FileNotFoundError:
        return "the file is missing"
    if length != file.bytes:
        return f"the file has {length:,} bytes, {file.bytes:,} were written"
    if checksum != file.sha256:
        return "the file's bytes are not those that were written (SHA-256)"
    with pq.ParquetFile(lake.place.opened(file.path)) as opened:
        rows = opened.metadata.num_rows
    return None if rows == file.rows else f"the file has {rows:,} rows, {file.rows:,} were written"


def _strays(lake: Lake, named: set[str]) -> Iterator[LakeFinding]:
    for path in lake.place.names(".parquet"):
        if path in named:
            continue
        if lake.is_own(path):
            yield _note(path, "no manifest names this file, so nothing reads it; waterbed lake compact merges it in")
        else:
            yield _note(path, "no manifest names this file, and it bears no tag of this study: nothing reads it")
    for path in lake.place.names(NEW):
        yield _note(path, "left half written by a killed process; the next waterbed lake seal removes it")


def _beside_store(folder: Folder, manifest: Manifest) -> Iterator[LakeFinding]:
    end = closed_before(folder.clock(), folder.config.lake.grace_hours)
    for cls in SEALED:
        kind = table_name(cls)
        stored, sealed = days_in(folder.store, cls), manifest.days(kind)
        for day in sorted({*stored, *sealed}):
            rows, its = stored.get(day, 0), sealed.get(day)
            where = f"{kind}/day={day.isoformat()}"
            if its is None or its.pruned:
                if rows and sealed and day < end:
                    yield _note(where, f"{rows:,} facts of a closed day wait for waterbed lake seal")
            elif rows > its.rows:
                yield _note(where, f"{rows - its.rows:,} late facts wait for waterbed lake seal")
            elif rows < its.rows:
                what = f"the store has {rows:,} facts, the lake {its.rows:,}, and the day was not pruned"
                yield _note(where, f"{what}: the store is older than the lake; nothing is lost")


def day_amiss(lake: Lake, manifest: Manifest, kind: str, day: date) -> str | None:
    """Return the first fault among a day's files, else None."""
    for file in manifest.day(kind, day).files:
        wrong = amiss(lake, file)
        if wrong:
            return f"{file.path}: {wrong}"
    return None


def _problem(path: str, what: str) -> LakeFinding:
    return LakeFinding(severity="problem", path=path, what=what)


def _note(path: str, what: str) -> LakeFinding:
    return LakeFinding(severity="note", path=path, what=what)
