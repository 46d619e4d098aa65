"""Determines which facts may leave the store for the lake."""

from collections.abc import Iterable
from datetime import date

from waterbed.store.folder import Folder
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.manifest import Day
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.verifying import day_amiss
from waterbed.store.tables import table_name


def ready(folder: Folder, day: date) -> str | None:
    """Return the reason against pruning a day, None without one.

    They may if every fact of PRUNABLE that the store has of that day lies in the lake, and every byte of its files was
    just read back as it was written.
    """
    lake = lake_of(folder)
    manifest = lake.manifest()
    for cls in PRUNABLE:
        kind = table_name(cls)
        stored, its = days_in(folder.store, cls).get(day, 0), manifest.day(kind, day)
        if not stored:
            continue
        if not its.files:
            return f"{kind} of {day} is not sealed; first: waterbed lake seal"
        if not its.pruned and stored > its.rows:
            return f"{stored - its.rows:,} late facts of {kind} of {day} are not sealed; first: waterbed lake seal"
        wrong = day_amiss(lake, manifest, kind, day)
        if wrong:
            return wrong
    return None


def keys(folder: Folder, cls: type, day: date) -> list[str]:
    """Return the keys of a day's facts in the lake.

    These rows, and no others, may be removed from the store.
    """
    lake = lake_of(folder)
    return sorted(lake.keys(cls, lake.manifest().day(table_name(cls), day).files))


def mark_pruned(folder: Folder, days: Iterable[date]) -> None:
    """Mark days as pruned, before their facts leave the store."""
    lake = lake_of(folder)
    manifest = lake.manifest()
    kinds = [table_name(cls) for cls in PRUNABLE]
    changes = {
        (kind, day): Day(files=manifest.day(kind, day).files, pruned=True)
        for day in days
        for kind in kinds
        if manifest.day(kind, day).files and not manifest.day(kind, day).pruned
    }
    if changes:
        lake.commit(manifest.changed(changes))
