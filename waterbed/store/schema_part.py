"""The schema's revisions: which ones there are, and how a study's store is brought forward."""

import time
from functools import cache
from pathlib import Path
from typing import Final

from waterbed.model.errors import InputError
from waterbed.store.schema import held
from waterbed.store.store import Store

_WAIT_S: Final = 10.0
"""How long another command is waited for that may be doing the same."""


@cache
def revisions() -> tuple[str, ...]:
    """All revisions that this version knows, oldest first."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return tuple(sorted(file.name.partition("_")[0] for file in versions.glob("[0-9]*.py")))


def refuse_unknown(revision: str | None, what: str) -> None:
    """InputError if a schema was made by a newer version than this one."""
    if revision not in revisions():
        raise InputError(
            f"{what} has schema {revision}, and this version of Waterbed knows none after {revisions()[-1]}: it was "
            "written by a newer one; install that (docs/backup.md, Upgrades)"
        )


def bring_forward(path: Path, store: Store) -> None:
    """Bring an older store to this version's schema; InputError if a newer version wrote it.

    One transaction: killed in the middle, the old schema stands. A study at work is not touched.
    """
    revision, until = store.revision(), time.monotonic() + _WAIT_S
    while revision != revisions()[-1]:
        refuse_unknown(revision, "the study's store")
        with held(path, store, alone=True) as free:
            if free:
                if store.revision() == revision:
                    store.migrate()
            elif time.monotonic() > until:
                raise InputError(
                    f"the study's store has schema {revision} and must be brought to {revisions()[-1]}, but a run of "
                    "this study is alive; end it first (docs/backup.md, Upgrades)"
                )
        if not free:
            time.sleep(0.1)
        revision = store.revision()
