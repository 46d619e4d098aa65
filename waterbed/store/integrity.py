"""Checks that a store is whole and its references resolve."""

import errno
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select, text
from sqlalchemy.exc import ProgrammingError

from waterbed.model.bookkeeping import Due, Forgotten, Run, RunEnd, Sealed
from waterbed.model.errors import InputError, OwnFailure, ReadOnly, WaterbedError
from waterbed.model.facts import ControlLook, Notice, Observation, Report, Resolution, Target
from waterbed.store.own_files import OWN, SETTINGS
from waterbed.store.store import Store
from waterbed.store.tables import TABLES

_BELONGS: Final[dict[str, tuple[type, str, type, str]]] = {
    "checks of unknown URLs": (Observation, "url_id", Target, "url_id"),
    "reports of unknown URLs": (Report, "url_id", Target, "url_id"),
    "notices about unknown URLs": (Notice, "url_id", Target, "url_id"),
    "due checks of URLs that cannot be opened": (Due, "url_id", Sealed, "entry_id"),
    "ends of unknown runs": (RunEnd, "run_id", Run, "run_id"),
}
"""What rows of a table hang on, in words: a table and its column, another table and its column."""

_USED: Final[dict[str, tuple[str, type, str]]] = {
    "checks without their name's answer": ("resolution_id", Resolution, "resolution_id"),
    "checks without their control check": ("control_id", ControlLook, "control_id"),
}
"""What a look names that may have left the store with its day."""


def integrity(store: Store) -> tuple[list[str], str]:
    """Run the database's own check; return complaints and the checker.

    Empty where it may not be run, or cannot.
    """
    by = "integrity check" if store.sqlite else "amcheck"
    try:
        with store.reading() as connection:
            if store.sqlite:
                said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
                return [line for line in said if line != "ok"], by
            if not connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")):
                return [], ""
            return _amcheck(connection), by
    except ProgrammingError:  # this user may not call it
        return [], ""
    except Exception as problem:  # a damaged store makes a driver raise whatever it likes
        return [type(problem).__name__], by


def _amcheck(connection: Connection) -> list[str]:
    """Return the complaints of PostgreSQL's amcheck (manual, F.1).

    It checks all tables and indexes; an index that fails raises.
    """
    ours = "c.relnamespace = 'public'::regnamespace"
    tables = text(f"SELECT c.oid FROM pg_class c WHERE c.relkind = 'r' AND {ours}")  # noqa: S608 (a constant)
    indexes = text(
        "SELECT c.oid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_am a ON a.oid = c.relam "  # noqa: S608 (a constant)
        f"WHERE a.amname = 'btree' AND i.indisvalid AND {ours}"
    )
    found = []
    for oid in connection.scalars(tables).all():
        found += list(connection.execute(text("SELECT msg FROM verify_heapam(CAST(:oid AS regclass))"), {"oid": oid}))
    for oid in connection.scalars(indexes).all():
        connection.execute(text("SELECT bt_index_check(CAST(:oid AS regclass), true)"), {"oid": oid})
    return [str(row[0]) for row in found]


def orphans(store: Store, *, since: datetime | None = None) -> dict[str, int]:
    """Count dangling references by kind; kinds with none are omitted.

    Of looks before `since` it is not asked what they name: their days left the store.
    """
    with store.reading() as connection:
        found = {
            what: _count(connection, TABLES[cls], ~_has(TABLES[cls].c[column], other, key))
            for what, (cls, column, other, key) in _BELONGS.items()
        }
        look = TABLES[Observation]
        for what, (column, other, key) in _USED.items():
            named = look.c[column]
            late = [] if since is None else [look.c.observed_at >= since]
            found[what] = _count(connection, look, named.is_not(None), ~_has(named, other, key), *late)
    return {what: count for what, count in found.items() if count}


def unscheduled(store: Store) -> int:
    """Count reported URLs that are neither scheduled nor forgotten."""
    target = TABLES[Target]
    without = (
        ~_has(target.c.url_id, Due, "url_id"),
        ~_has(target.c.url_id, Forgotten, "entry_id"),
        ~_has(target.c.host_id, Forgotten, "entry_id"),
    )
    with store.reading() as connection:
        return _count(connection, target, *without)


def _has(column: ColumnElement[Any], other: type, key: str) -> ColumnElement[bool]:
    return exists(select(TABLES[other].c[key]).where(TABLES[other].c[key] == column))


def _count(connection: Connection, table: Any, *conditions: ColumnElement[bool]) -> int:
    return int(connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)


_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
_ODD: Final = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR)
UNNAMED: Final = (errno.ENAMETOOLONG, errno.ELOOP)
_FAILED: Final = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EREMOTEIO, errno.ESTALE, errno.EINTR)


def _unreadable(place: Path) -> Path | None:
    """The path itself or the folder above it that this account may not read; None if it may read all."""
    for one in (*reversed(place.parents), place):
        if not os.path.lexists(one):
            return None
        if not os.access(one, os.R_OK if one == place else os.X_OK):
            return one
    return None


def disk_trouble(problem: OSError) -> WaterbedError | None:
    """Return a disk failure as a WaterbedError, else None.

    The file's name is left out, for it may tell, unless it is one that each study has.
    """
    copied = re.search(r"\[Errno (\d+)\]", str(problem)) if problem.errno is None else None  # a tree: failures as text
    number = int(copied[1]) if copied else problem.errno or 0
    why = os.strerror(number)
    place = Path(str(problem.filename)) if problem.filename else Path()
    if number in _ODD and place.name in OWN and (place.parent / SETTINGS).is_file():
        return InputError(
            f"{place.name} in the study's folder is not what was expected ({why}); restore it from a "
            "backup (docs/architecture.md, Storage)"
        )
    if number in UNNAMED:
        return InputError(f"a file or folder that was named cannot exist ({why}); name another one (docs/cli.md)")
    if number in _FULL:
        return OwnFailure(
            f"there is no room left on a disk ({why}): what was recorded before is safe, this step was "
            "not finished; make room and start again (docs/operations.md, Full disk)"
        )
    if number in _CLOSED and problem.filename and (closed := _unreadable(place)):
        own = closed.name in OWN and (closed.parent / SETTINGS).is_file()
        what = f"{closed.name} in the study's folder" if own else "a file or folder that is needed"
        return InputError(
            f"{what} cannot be read ({why}); let this account read it, and start again (docs/operations.md, Read only)"
        )
    if number in _CLOSED:
        return ReadOnly(
            f"the study folder, or the place that was named, cannot be written to ({why}), and nothing "
            "was changed; rankings and other conclusions can be had all the same (docs/operations.md, Read only)"
        )
    if number in _FAILED:
        return OwnFailure(
            f"a disk failed ({why}): what was recorded before is safe, this step was not finished; look "
            "after the disk and start again (docs/operations.md, Full disk)"
        )
    return None
