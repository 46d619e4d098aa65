"""A study's files and keys, which no output replaces."""

import os
from pathlib import Path
from typing import Final

from waterbed.model.errors import InputError
from waterbed.model.redaction import place_told
from waterbed.model.shell import command

SETTINGS: Final = "waterbed.toml"
OWN: Final = frozenset(
    (
        *(SETTINGS, "waterbed.db", "waterbed.db-wal", "waterbed.db-shm", "waterbed.db-journal", "waterbed.schema.json"),
        *("study.toml", "link-checks.toml", "frozen.json", "edition.json", "chores.json", "hosters.toml", "lab.toml"),
        *("lock", "registry.lock", "hosters", "tables", "kept", "runs", "unfinished", "lake", "lake.new"),
        *("lab-tables", "lab-deliveries"),
    )
)
"""Names in a study's folder that are Waterbed's alone."""
KEY_FILE_ENVIRONMENT: Final = "WATERBED_KEY_FILE"


def holds_study(path: Path) -> bool:
    """True for a study's folder, also a damaged one."""
    return any(os.path.lexists(path / name) for name in (SETTINGS, "waterbed.db"))


def no_study(path: Path) -> str:
    """The reason why a folder is no study, with remedy."""
    if path.is_file():
        return f"{path} is a file; the folder of a study was expected (docs/architecture.md, Storage)"
    if path.is_symlink() and not path.exists():
        return f"no study in {path}: it is a link to a place that is not there; mount it, or name another (docs/cli.md)"
    if os.path.lexists(path / SETTINGS):
        return (
            f"no study in {path}: its {SETTINGS} is no file, or a link to one that is not there; restore it from a "
            "backup (docs/backup.md)"
        )
    if place_told(path) != str(path):
        return f"no study in {place_told(path)}; a folder's name was expected, no host's (docs/cli.md)"
    anew = command("init", path)
    if any((path / name).exists() for name in ("waterbed.db", "tables")):
        return (
            f"no study in {path}: its {SETTINGS} is missing; restore that from a backup (docs/backup.md), or, if an "
            f"init was killed there, begin anew with: {anew}"
        )
    return f"no study in {path}: {SETTINGS} is missing; make one with: {anew}"


def refuse_own(place: Path) -> None:
    """InputError for a place where an output would replace these.

    A study's folder itself is none, an event file is none, and neither is the folder of keys. OSError for a place that
    cannot be looked at.
    """
    import platformdirs  # noqa: PLC0415 (help needs none of it)

    at = Path(os.path.realpath(place))
    for folder in (at, *at.parents):
        inner = at.relative_to(folder).parts
        own = not inner or inner[0] in OWN or (inner[0] == "events" and at.is_file())
        if own and (folder / SETTINGS).is_file():
            raise InputError(
                f"{place} is the study's own, and outputs do not go there; name another place, as a new folder in it "
                "(docs/architecture.md, Storage)"
            )
    named = os.environ.get(KEY_FILE_ENVIRONMENT)
    keys = Path(os.path.realpath(platformdirs.user_config_path("waterbed")))
    if at.is_relative_to(keys) or (named and at == Path(os.path.realpath(named))):
        raise InputError(f"{place} is where keys of studies lie; name another place (docs/operations.md, Keys)")
