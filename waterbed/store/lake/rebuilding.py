"""Rebuilds a lake from the store and whole pruned files."""

from dataclasses import dataclass
from datetime import date

from waterbed.model.errors import InputError, StoreFailure
from waterbed.model.progress import staged
from waterbed.store.folder import Folder
from waterbed.store.lake.lake import CLASSES, Lake, changing
from waterbed.store.lake.manifest import Day, File, Manifest
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.sealing import Sealing, kind_and_day, merged, scratch_of, seal
from waterbed.store.lake.verifying import amiss

_Where = tuple[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """The result of a rebuild."""

    dropped: int
    """Damaged or missing files, whose facts were taken from the store again."""
    adopted: int
    """Whole files that no manifest named."""
    sealed: Sealing


def rebuild(folder: Folder, *, untagged: bool = False) -> Rebuilt:
    """Rebuild the lake: keep whole files, seal the rest again.

    With `untagged` files are taken in that bear no tag of the study, as version 0.2.0 left them. InputError, and
    nothing changed, if a file is damaged whose facts the store no longer has, or if the manifest is lost and a file has
    no tag.
    """
    with changing(folder) as lake:
        lake.sweep()
        try:
            manifest, known = lake.manifest(), True
        except StoreFailure:
            manifest, known = Manifest(study=lake.study, generation=lake.authentic.generation()), False
        others = set() if untagged else _untagged(lake, manifest)
        if others and not known:
            raise InputError(
                f"{min(others)} and {len(others) - 1:,} other files of the lake bear no tag of this study, and no "
                "manifest names them: version 0.2.0 or somebody else wrote them. Take them in by waterbed lake rebuild "
                "--untagged, or move them elsewhere (docs/lake.md, Is it whole)"
            )
        good, bad = _sorted(lake, manifest, others)
        _refuse_lost(folder, manifest, bad, known=known)
        named = set(manifest.files())
        strays = {where for where, files in good.items() if any(file.path not in named for file in files)}
        changes: dict[_Where, Day] = {}
        with scratch_of(folder) as scratch:
            for kind, day in sorted({*strays, *bad}):
                files = good.get((kind, day), [])
                if (kind, day) in strays:
                    files = [merged(lake, kind, day, files, scratch)]
                changes[kind, day] = Day(files=tuple(files), pruned=manifest.day(kind, day).pruned)
        if not known:
            changes = {where: _pruned_if_missing(folder, where, its) for where, its in changes.items()}
        if changes or not known:
            lake.commit(manifest.changed(changes))
        kept = set(lake.manifest().files())
        for path in lake.place.names(".parquet"):
            if kind_and_day(path) and path not in kept and path not in others:
                lake.place.remove(path)
    return Rebuilt(
        dropped=sum(map(len, bad.values())),
        adopted=sum(file.path not in named for files in good.values() for file in files),
        sealed=seal(folder),
    )


def _untagged(lake: Lake, manifest: Manifest) -> set[str]:
    named = manifest.files()
    return {
        path
        for path in lake.place.names(".parquet")
        if kind_and_day(path) and path not in named and not lake.is_own(path)
    }


def _sorted(
    lake: Lake, manifest: Manifest, others: set[str]
) -> tuple[dict[_Where, list[File]], dict[_Where, list[str]]]:
    """Sort files by day into whole, and damaged or missing."""
    good: dict[_Where, list[File]] = {}
    bad: dict[_Where, list[str]] = {}
    named = manifest.files()
    for path in staged("files of the lake verified", sorted({*named, *lake.place.names(".parquet")} - others)):
        where = kind_and_day(path)
        if where is None:
            continue
        file = named[path][2] if path in named else _unnamed(path)
        if (path in named and amiss(lake, file)) or not _readable(lake, file):
            bad.setdefault(where, []).append(path)
        else:
            good.setdefault(where, []).append(file)
    return good, bad


def _readable(lake: Lake, file: File) -> bool:
    try:
        lake.table(file)
    except (StoreFailure, FileNotFoundError):
        return False
    return True


def _unnamed(path: str) -> File:
    return File(path=path, rows=0, bytes=0, sha256="", first=0, last=0)


def _refuse_lost(folder: Folder, manifest: Manifest, bad: dict[_Where, list[str]], *, known: bool) -> None:
    named = manifest.files()
    for (kind, day), paths in sorted(bad.items()):
        lost = [path for path in paths if path in named or not known]
        its = manifest.day(kind, day)
        if lost and (not known or its.pruned or days_in(folder.store, CLASSES[kind]).get(day, 0) < its.rows):
            why = "the store no longer has its facts" if known else "the manifest that names it is lost too"
            raise InputError(
                f"{lost[0]} of the lake is damaged or missing, and {why}; put it back from a backup, then rebuild "
                "(docs/lake.md)"
            )


def _pruned_if_missing(folder: Folder, where: _Where, its: Day) -> Day:
    kind, day = where
    rows = days_in(folder.store, CLASSES[kind]).get(day, 0)
    return Day(files=its.files, pruned=rows < its.rows)
