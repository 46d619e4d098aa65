"""A study's files and keys, which no output replaces."""

import os
from pathlib import Path
from typing import Final

import platformdirs

from waterbed.model.errors import InputError

SETTINGS: Final = "waterbed.toml"
OWN: Final = frozenset(
    (
        *(SETTINGS, "waterbed.db", "waterbed.db-wal", "waterbed.db-shm", "waterbed.schema.json", "edition.json"),
        *("lab.toml", "lock", "hosters", "hosters.toml", "tables", "kept", "runs", "unfinished", "lake"),
    )
)
"""Names in a study's folder that are Waterbed's alone."""
KEY_FILE_ENVIRONMENT: Final = "WATERBED_KEY_FILE"


def refuse_own(place: Path) -> None:
    """InputError for a place where an output would replace these.

    A study's folder itself is none, and neither is the folder of keys.
    """
    at = place.expanduser().resolve()
    for folder in (at, *at.parents):
        inner = at.relative_to(folder).parts
        if (folder / SETTINGS).is_file() and (not inner or inner[0] in OWN):
            raise InputError(
                f"{place} is the study's own, and outputs would replace it; name another place "
                "(docs/architecture.md, Storage)"
            )
    named = os.environ.get(KEY_FILE_ENVIRONMENT)
    keys = platformdirs.user_config_path("waterbed").resolve()
    if at.is_relative_to(keys) or (named and at == Path(named).resolve()):
        raise InputError(f"{place} is where keys of studies lie; name another place (docs/operations.md, Keys)")
