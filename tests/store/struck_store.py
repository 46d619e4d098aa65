"""A store that is struck at calls of the C library, as SQLite makes them; run by a test in a process of its own."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import EINTR, EIO, ENOSPC
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.campaigns import campaign, edges
from tests.faults import SHORT, Struck
from tests.libc_faults import NO_COMPILER, c_library, started_anew
from tests.store.whole.editions import MEMORY
from waterbed.model.bookkeeping import Audit
from waterbed.store.integrity import integrity
from waterbed.store.store import Store

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EACH = 200
"""Rows of a transaction: some pages."""


@dataclass
class Adding:
    """Two transactions, each of which is told of when it is done."""

    place: Path

    def __post_init__(self) -> None:
        """Say where strikes count."""
        self.below = [self.place]

    @contextmanager
    def _store(self) -> Iterator[Store]:
        store = Store(f"sqlite:///{self.place / 'store.db'}")
        try:
            yield store
        finally:
            store.close()

    def work(self) -> None:
        """Add rows, and tell of them."""
        self._add(partial(print, "added", flush=True))

    def _add(self, tell: Callable[[], None]) -> None:
        with self._store() as store:
            for first in (0, EACH):
                ids = [f"{number:032x}" for number in range(first, first + EACH)]
                store.add(
                    Audit(audit_id=one, done_at=NOON, who="a", action="b", subject_id="c", reason="d" * 99)
                    for one in ids
                )
                tell()

    def complaints(self, found: Struck) -> Iterator[str]:
        """Each transaction is there or not, those that were told of are, and the next run does the rest."""
        if found.code not in (None, 0, 2, 3):
            yield f"exit code {found.code}: {found.said}"
        with self._store() as store:
            there, told = store.count(Audit), found.said.count("added") * EACH
            if there % EACH or there < told or integrity(store)[0]:
                yield f"{there} rows, {told} told of, {integrity(store)[0]}"
        self._add(lambda: None)
        with self._store() as store:
            if store.count(Audit) != 2 * EACH or integrity(store)[0]:
                yield f"the next one leaves {store.count(Audit)} rows, {integrity(store)[0]}"


@contextmanager
def adding(empty: Path) -> Iterator[Adding]:
    """One case, on a copy of an empty store."""
    with TemporaryDirectory(dir=MEMORY) as name:
        shutil.copyfile(empty, Path(name) / "store.db")
        yield Adding(Path(name))


def main() -> int:
    """Strike, and print what came of it."""
    if not started_anew():
        sys.stdout.write(f"{NO_COMPILER}\n")
        return 0
    with TemporaryDirectory(dir=MEMORY) as name:
        empty = Store(f"sqlite:///{name}/empty.db")
        empty.migrate()
        empty.close()
        case = partial(adding, Path(name) / "empty.db")
        made = campaign(case, errors=(EIO, ENOSPC, EINTR, SHORT), chosen=edges, by=c_library)
    sys.stdout.write(f"{made}\n")
    return bool(made.complaints)


if __name__ == "__main__":
    sys.exit(main())
