"""The package for a partner: what can be worked out of the shared form, and what cannot."""

import shutil
from pathlib import Path
from typing import Final

from waterbed.model.shared import PooledHoster
from waterbed.publish.sharing.pool import Pooled, heading, pool
from waterbed.study.formats import as_csv, as_json

SHARED_TABLE: Final = "shared-hosters"
"""The one table that is worked out of looks and episodes by day and prefix alone."""


def shared_results(export: Path, scratch: Path) -> dict[str, bytes]:
    """The hosters in an export, as files; InputError if the export is damaged."""
    try:
        return _files(pool(scratch, [export]))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _files(pooled: Pooled) -> dict[str, bytes]:
    rows = pooled.hosters
    return {
        f"{SHARED_TABLE}.csv": as_csv(PooledHoster, rows).encode(),
        f"{SHARED_TABLE}.json": as_json(PooledHoster, rows, heading(pooled)).encode(),
    }
