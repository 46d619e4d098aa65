"""Facts wherever they lie: sealed days from the lake, all others from the store."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, TypeVar

from sqlalchemy import select

from waterbed.model.codec import moment
from waterbed.model.errors import StoreFailure
from waterbed.model.facts import Observation, Resolution
from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.lake import Lake, lake_of
from waterbed.store.lake.manifest import File, Manifest
from waterbed.store.lake.rows import facts_in
from waterbed.store.lake.stored import days_in, in_days
from waterbed.store.tables import TABLES, table_name

Fact = TypeVar("Fact")
_TRIES: Final = 5


def facts_of(folder: Folder, cls: type[Fact], *, order: Sequence[str] = ()) -> list[Fact]:
    """All facts of a kind, each once, sorted by `order` and then by key.

    A day of which the lake has as many facts as the store, or which was pruned, is read from the lake.
    """
    by = attrgetter(*dict.fromkeys((*order, *cls.KEY)))  # type: ignore[attr-defined]
    lake = lake_of(folder)
    for _ in range(_TRIES):
        manifest = lake.manifest()
        if cls not in PRUNABLE or not manifest.days(table_name(cls)):
            return sorted(folder.store.all(cls), key=by)
        try:
            found = _both(folder, lake, manifest, cls)
        except FileNotFoundError:  # merged away meanwhile
            continue
        if lake.manifest().generation == manifest.generation:  # else a day may have left the store meanwhile
            return sorted(found, key=by)
    raise StoreFailure("the lake was changed whenever it was read; see waterbed lake verify (docs/lake.md)")


def _both(folder: Folder, lake: Lake, manifest: Manifest, cls: type[Fact]) -> list[Fact]:
    sealed, stored = manifest.days(table_name(cls)), days_in(folder.store, cls)
    whole = {day for day, its in sealed.items() if stored.get(day, 0) == (0 if its.pruned else its.rows)}
    from_store = folder.store.all(cls, in_days(cls, set(stored) - whole)) if set(stored) - whole else []
    (key,) = cls.KEY  # type: ignore[attr-defined]
    known = {getattr(fact, key) for fact in from_store}
    found = list(from_store)
    for day, its in sealed.items():
        for file in its.files:
            facts = facts_in(cls, lake.table(file))
            if day not in whole or len(its.files) > 1:
                facts = [fact for fact in facts if getattr(fact, key) not in known]
                known.update(getattr(fact, key) for fact in facts)
            found += facts
    return found


def observed_span(folder: Folder) -> tuple[datetime | None, datetime | None]:
    """When the first and the last look were taken, sealed ones too."""
    ends = [when for when in folder.store.observed_span() if when is not None]
    for file in _files(lake_of(folder).manifest(), Observation):
        ends += [moment(file.first), moment(file.last)]
    return min(ends, default=None), max(ends, default=None)


def count_of(folder: Folder, cls: type) -> int:
    """How many facts of a kind there are, those that left the store too."""
    lake = lake_of(folder)
    pruned = {day: its for day, its in lake.manifest().days(table_name(cls)).items() if its.pruned}
    count, stored = folder.store.count(cls), days_in(folder.store, cls) if pruned else {}
    for day, its in pruned.items():
        count += its.rows
        if day in stored:  # late facts, of which the lake may have some by now
            (key,) = cls.KEY  # type: ignore[attr-defined]
            late: list[Any] = folder.store.all(cls, in_days(cls, [day]))
            there = {getattr(fact, key) for fact in late}
            count -= len(there & lake.keys(cls, its.files))
    return count


def known_resolved(folder: Folder) -> set[str]:
    """Every address that a host was ever resolved to, as the lake and the store have it."""
    lake = lake_of(folder)
    column = TABLES[Resolution].c.addresses
    with folder.store.reading() as connection:
        found = {address for addresses in connection.scalars(select(column).distinct()) for address in addresses}
    for file in _files(lake.manifest(), Resolution, pruned=True):
        found.update(lake.table(file, ["addresses"]).column("addresses").combine_chunks().flatten().to_pylist())
    return found


def _files(manifest: Manifest, cls: type, *, pruned: bool = False) -> Iterable[File]:
    for its in manifest.days(table_name(cls)).values():
        if its.pruned or not pruned:
            yield from its.files
