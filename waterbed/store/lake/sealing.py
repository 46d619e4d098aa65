"""Seals closed days into the lake and merges small files."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
from sqlalchemy import Connection, func, select

from waterbed.model.errors import InputError, OwnFailure, StoreFailure
from waterbed.model.progress import stage, staged
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import SEALED, closed_before
from waterbed.store.lake.lake import CLASSES, Lake, changing, lake_of, replaced
from waterbed.store.lake.manifest import Day, File, Manifest
from waterbed.store.lake.reading import days_in, in_days, tables_of
from waterbed.store.lake.writing import DayFiles, as_now, days_of, without
from waterbed.store.runs import record_done
from waterbed.store.tables import TABLES, table_name

SCRATCH: Final = "lake.new"
KIND: Final = "seal"
"""The kind of a run that sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """The result of a sealing."""

    days: int
    facts: int
    late: int
    """Of the facts, those of days that were sealed already."""
    files: int


def seal(folder: Folder) -> Sealing:
    """Seal all unsealed facts of closed days.

    Sealed facts stay as they are.

    May be killed at any instant: the lake is what it was before, or all of what it is after. Facts that came after
    their day was sealed become a further file of that day. It is on record among the runs, also if all was sealed.
    """
    began = folder.clock()
    with changing(folder) as lake:
        manifest = lake.begin()
        end = closed_before(folder.clock(), folder.config.lake.grace_hours)
        changes: dict[tuple[str, date], Day] = {}
        late = 0
        for cls in staged("kinds of facts sealed", SEALED):
            for day, file in _new_files(folder, lake, manifest, cls, end).items():
                kind = table_name(cls)
                before = manifest.day(kind, day).files
                late += file.rows if before else 0
                changes |= replaced(manifest, kind, day, [*before, file])
        if changes:
            lake.commit(manifest.changed(changes))
    made = [its.files[-1] for its in changes.values()]
    facts = sum(file.rows for file in made)
    record_done(folder.store, folder.config, folder.config_hash, KIND, began=began, ended=folder.clock(), done=facts)
    return Sealing(days=len({day for _, day in changes}), facts=facts, late=late, files=len(made))


def _new_files(folder: Folder, lake: Lake, manifest: Manifest, cls: type, end: date) -> dict[date, File]:
    """Write a file for each closed day with unsealed facts."""
    sealed = manifest.days(table_name(cls))
    # a day that was not pruned lies in the lake whole if both have as many; of a pruned one the store has late facts
    due = {
        day
        for day, rows in days_in(folder.store, cls).items()
        if day < end and (day not in sealed or sealed[day].pruned or sealed[day].rows != rows)
    }
    if not due:
        return {}
    known = lake.keys(cls, [file for day in due & set(sealed) for file in sealed[day].files])
    with scratch_of(folder) as scratch, folder.store.reading() as connection:
        files = DayFiles(lake, cls, scratch)
        counted = _count(cls, due, connection)
        with stage("facts sealed", counted) as advance:
            for table in tables_of(cls, due, connection):
                files.add(without(cls, table, known))
                advance(table.num_rows)
        if advance.done < counted:
            raise OwnFailure(
                f"the store gave {advance.done} of {counted} rows of {table_name(cls)}; nothing was sealed"
            )
        return files.close()


def _count(cls: type, days: Iterable[date], connection: Connection) -> int:
    query = select(func.count()).select_from(TABLES[cls]).where(in_days(cls, list(days)))
    return connection.scalar(query) or 0


def compact(folder: Folder) -> int:
    """Merge the files of each day; return the number removed.

    Files of the study's own that no manifest names, as a killed sealing leaves them, are merged in too: facts are only
    ever added, so what they hold is right.
    """
    with changing(folder) as lake, scratch_of(folder) as scratch:
        manifest = lake.begin()
        unnamed = _unnamed(lake, manifest)
        several = {
            (kind, day)
            for kind, days in manifest.facts.items()
            for day, its in days.items()
            if len(its.files) > 1 or (kind, day) in unnamed
        } | set(unnamed)
        changes: dict[tuple[str, date], Day] = {}
        gone: list[str] = []
        for kind, day in staged("days merged", sorted(several)):
            old = [*manifest.day(kind, day).files, *unnamed.get((kind, day), [])]
            one = merged(lake, kind, day, old, scratch)
            changes |= replaced(manifest, kind, day, [one])
            gone += [file.path for file in old if file.path != one.path]
        if changes:
            lake.commit(manifest.changed(changes))
        for path in gone:
            lake.place.remove(path)
    return len(gone)


def merged(lake: Lake, kind: str, day: date, old: Iterable[File], scratch: Path) -> File:
    """Merge several files of one day, each row once.

    StoreFailure if a file has no place among them.
    """
    cls = CLASSES[kind]
    files = DayFiles(lake, cls, scratch)
    files.add(without(cls, pa.concat_tables([_rows_of(lake, cls, day, file) for file in old]), set()))
    return files.close()[day]


def _rows_of(lake: Lake, cls: type, day: date, file: File) -> pa.Table:
    table = lake.table(file)
    with suppress(pa.ArrowException, TypeError, ValueError):  # columns of something else
        table = as_now(cls, [table])
        if days_of(cls, table) == {day}:
            return table
    raise StoreFailure(
        f"{file.path} of the lake holds other facts than its place says, so nothing was merged; move it elsewhere "
        "(docs/lake.md)"
    )


def _unnamed(lake: Lake, manifest: Manifest) -> dict[tuple[str, date], list[File]]:
    named = manifest.files()
    found: dict[tuple[str, date], list[File]] = {}
    for path in lake.place.names(".parquet"):
        where = kind_and_day(path)
        if where and path not in named and lake.is_own(path):
            found.setdefault(where, []).append(File(path=path, rows=0, bytes=0, sha256="", first=0, last=0))
    return found


def kind_and_day(path: str) -> tuple[str, date] | None:
    """Return kind and day of a lake path, else None."""
    parts = path.split("/")
    if len(parts) != 3 or parts[0] not in CLASSES or not parts[1].startswith("day="):
        return None
    try:
        return parts[0], date.fromisoformat(parts[1].removeprefix("day="))
    except ValueError:
        return None


@contextmanager
def scratch_of(folder: Folder) -> Iterator[Path]:
    """Make an empty folder for files in the making.

    What a killed process left in it is removed first.
    """
    scratch = folder.path / SCRATCH
    place = lake_of(folder).place
    if place.local and Path(place.root).is_relative_to(scratch.resolve()):
        raise InputError(
            f"[lake] location is {SCRATCH} in the study folder, which is emptied at each sealing; name another place "
            "(docs/lake.md, Where it lies)"
        )
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
