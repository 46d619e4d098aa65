"""Problems of a study's storage.

Its store, its backups, its disk, its lake.
"""

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from waterbed.governance.keys import unwiped
from waterbed.model.errors import InputError, StoreFailure
from waterbed.model.facts import Target
from waterbed.model.redaction import place_told
from waterbed.model.shell import command
from waterbed.store.backup.manifest import KIND, backups_in, not_own, read_manifest
from waterbed.store.backup.manifest import verify as verify_backup
from waterbed.store.integrity import integrity, orphans, unscheduled
from waterbed.store.lake.kinds import PRUNABLE
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.verifying import verify
from waterbed.store.tables import table_name
from waterbed.store.whole.replacing import PUBLISH, state_of
from waterbed.store.whole.unfinished import NOTES, unfinished
from waterbed.study.dated_tables import folder_name
from waterbed.study.study import Study

Severity = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem that a person should know or mend."""

    severity: Annotated[Severity, "problem: results are wrong or missing; warning: they may be; note: nothing to do"]
    what: Annotated[str, "what was found"]
    figures: Annotated[str, "the numbers of it"]
    advice: Annotated[str, "what to do"]

    @property
    def open(self) -> bool:
        """True if something is to be done."""
        return self.severity != "note"


def finding(severity: Severity, what: str, figures: str, advice: str = "") -> Finding:
    """A finding; its parts come in order."""
    return Finding(severity=severity, what=what, figures=figures, advice=advice)


_SEE: Final = "docs/backup.md"
_TABLES: Final = "docs/tables.md, Authentic"
_PUBLISHED: Final = "docs/publishing.md, Whole or named"
_LEAST_FREE: Final = 1 << 30
"""Bytes: with less, no copy of anything can be made."""
_LEAST_DAYS: Final = 30.0
"""Days for which there should be room at the present growth."""
_OVERLAP: Final = timedelta(days=2)
"""A look names answers of up to so long before."""


def store_findings(study: Study) -> Iterator[Finding]:
    """Findings on the integrity of the store."""
    store = study.store
    complaints, by = integrity(store)
    if complaints:
        figures = f"{len(complaints)} complaints of the {by}"
        yield finding("problem", "store is damaged", figures, f"restore a backup: waterbed restore ({_SEE})")
    elif by:
        yield finding("note", "store is whole", f"{by} ok, schema {store.revision()}")
    else:
        yield finding(
            "note",
            "store was not checked",
            f"PostgreSQL without amcheck, schema {store.revision()}",
            "CREATE EXTENSION amcheck",
        )


_MEND: Final = "mend it first: nothing else can be examined"


def written_findings(study: Study) -> Iterator[Finding]:
    """Findings on what the study wrote beside its store, every byte of it: problems alone keep the rest from sight."""
    for name in dict.fromkeys(map(folder_name, study.snapshots())):
        if not study.folder.authentic.is_own(study.folder.tables / name):
            what = "a table is not as the study wrote it"
            yield finding("problem", what, name, f"import its file again: nothing else can be examined ({_TABLES})")
    try:
        for one in verify(study.folder).findings:
            if one.severity == "problem":
                yield finding("problem", "the lake is damaged", f"{one.path}: {one.what}", _MEND)
    except StoreFailure as problem:
        yield finding("problem", "the lake cannot be read", str(problem), _MEND)
    if damaged := study.kept().damaged():
        figures = ", ".join(damaged)
        yield finding("warning", "kept conclusions are not as the study wrote them", figures, "they are made anew")


def backups_findings(study: Study, place: Path) -> Iterator[Finding]:
    """Findings on each backup in a folder: every byte, and whether the study's keys made it."""
    found = backups_in(place)
    for backup in found:
        try:
            verify_backup(backup, read_manifest(backup))
            why = not_own(backup, study.folder.vault)
        except InputError as problem:
            yield finding("problem", "a backup is damaged", str(problem), f"make another one ({_SEE})")
            continue
        if why:
            yield finding("warning", "a backup is not the study's own", f"{backup} {why}", f"make another one ({_SEE})")
    if not found:
        yield finding(
            "problem", "there is no backup in the folder", place_told(place), f"waterbed backup FOLDER ({_SEE})"
        )


def unfinished_findings(study: Study) -> Iterator[Finding]:
    """Findings on what commands did not finish outside the study."""
    for one in unfinished(study.folder.path):
        if one.what == PUBLISH:
            seen, half = Path(one.place).is_dir(), state_of(Path(one.place)) == "half"
            gone = "" if seen else f", or if it is gone for good remove {NOTES}/"
            yield finding(
                "problem" if half else "warning",
                "a publication is half replaced" if half else "a publication was cut short",
                one.place if seen else f"{one.place} cannot be seen now",
                f"{command('publish', one.place, study=study.folder.path)}{gone} ({_PUBLISHED})",
            )
        else:
            yield finding("warning", f"{one.what} was cut short", one.place, f"remove {one.remains}")


def forgotten_findings(study: Study) -> Iterator[Finding]:
    """Findings on what was forgotten and not overwritten, as where `forget` was killed."""
    if left := unwiped(study.folder):
        yield finding(
            "warning",
            "a forget was cut short: its remains were not overwritten, as far as is on record",
            f"forgotten {left.done_at:%Y-%m-%d %H:%M}",
            command("forget", left.subject_id, "--reason", left.reason, study=study.folder.path),
        )


def privacy_findings(study: Study) -> Iterator[Finding]:
    """Findings on who can read the study folder."""
    path = study.folder.path
    if not path.stat().st_mode & 0o077:
        yield finding("note", "the folder is its owner's alone", f"mode {path.stat().st_mode & 0o777:o}")
        return
    shown = sum(1 for file in path.iterdir() if file.is_file() and file.stat().st_mode & 0o077)
    figures = f"mode {path.stat().st_mode & 0o777:o}, {shown} files in it too"
    yield finding(
        "warning", "others on this machine can read the study", figures, shlex.join(["chmod", "-R", "go=", str(path)])
    )


def orphan_findings(study: Study) -> Iterator[Finding]:
    """Findings on rows that refer to missing rows."""
    found = orphans(study.store, since=_whole_since(study))
    if found:
        figures = ", ".join(f"{count:,} {what}" for what, count in sorted(found.items()))
        yield finding(
            "warning", "facts hang in the air", figures, f"something removed rows: compare with a backup ({_SEE})"
        )
    never = 0 if study.folder.frozen else unscheduled(study.store)
    if never:
        yield finding("note", "reported URLs are never due again", f"{never:,}")


def _whole_since(study: Study) -> datetime | None:
    """The time since which the store holds all referred rows.

    From then on everything that looks name is in the store; None: from the beginning.
    """
    manifest = lake_of(study.folder).manifest()
    gone = [day for cls in PRUNABLE for day, its in manifest.days(table_name(cls)).items() if its.pruned]
    if not gone:
        return None
    return datetime.combine(max(gone), time(), study.clock().tzinfo) + _OVERLAP


def backup_findings(study: Study) -> Iterator[Finding]:
    """Findings on the age of the last backup."""
    store, now = study.store, study.clock()
    allowed = timedelta(days=study.config.retention.backup_days)
    last = store.newest_runs(KIND, 1)
    advice = f"waterbed backup FOLDER, from a timer or as a chore of the service ({_SEE})"
    if last:
        age = now - last[0].started_at
        said = f"{last[0].started_at:%Y-%m-%d %H:%M}, {age / timedelta(days=1):.1f} days ago"
        if age > allowed:
            yield finding("warning", "the last backup is old", said, advice)
        else:
            yield finding("note", "last backup", said)
        return
    began = store.first(Target, "added_at")
    if began is not None and now - began > allowed:
        yield finding("warning", "there is no backup", f"facts since {began:%Y-%m-%d}", advice)
    else:
        yield finding("note", "no backup was made yet", f"facts since {began:%Y-%m-%d}" if began else "no facts yet")


def disk_findings(study: Study) -> Iterator[Finding]:
    """Findings on the room left on the disk."""
    folder = study.folder
    free = shutil.disk_usage(folder.path).free
    used = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    began = folder.store.first(Target, "added_at")
    days = (folder.clock() - began) / timedelta(days=1) if began else 0.0
    left = free / (used / days) if days >= 1 and used else None
    said = f"{free / 1e9:,.1f} GB free, study {used / 1e9:,.2f} GB" + (f", room for {left:,.0f} days" if left else "")
    if free < _LEAST_FREE or (left is not None and left < _LEAST_DAYS):
        yield finding("warning", "the disk is nearly full", said, "make room, or waterbed lake seal and waterbed prune")
    else:
        yield finding("note", "the disk has room", said)
