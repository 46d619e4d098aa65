"""What a crawl of registries needs of the store."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from waterbed.model.bookkeeping import RunEnd
from waterbed.model.facts import Registration, Report
from waterbed.store.folder import Folder
from waterbed.store.lake.reading import known_resolved
from waterbed.store.store import Store
from waterbed.store.tables import TABLES


def known_addresses(folder: Folder) -> set[str]:
    """Every address that a host was ever resolved to, or that a reporter knew behind a proxy."""
    found, reported = known_resolved(folder), TABLES[Report].c.origin_address
    with folder.store.reading() as connection:
        found.update(connection.scalars(select(reported).where(reported.is_not(None)).distinct()))
    return found


def registrations(store: Store) -> Iterator[Registration]:
    """All registrations, in the order in which they were fetched."""
    yield from store.all(Registration, order=("fetched_at", "registration_id"))


def last_asked(store: Store, kind: str) -> datetime | None:
    """When registries were last asked, as far as facts tell: the end of the last crawl, or its last answer."""
    runs = store.newest_runs(kind, 5)
    ends = [end.finished_at for end in store.by_ids(RunEnd, "run_id", [run.run_id for run in runs])]
    return max([*ends, *(run.started_at for run in runs)], default=None)
