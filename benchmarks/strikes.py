"""Every kill and error of a disk: what is published is whole or named, what is withheld is gone, users' files stay.

What a study holds is neither lost nor doubled, and the next run of a struck command ends where an undisturbed one does.

Usage: python benchmarks/strikes.py [--only WORD] [--seed N]. Each call that changes files is struck once in each way;
of commands that take long, one of each kind. Bounded; loopback only; exit 1 if a promise is broken.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from errno import EINTR, EIO, ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from fault_bench import Server

from tests.campaigns import Campaign, campaign, classes, edges
from tests.commands_changing import CHANGING, changing
from tests.commands_struck import MAKING, making, published, publishing
from tests.faults import SHORT
from tests.libc_faults import NO_COMPILER, c_library, started_anew
from tests.publish.study import small_study
from tests.store.whole.editions import MEMORY, Contents, edition, held, replacing
from waterbed.publish.release import publish_all
from waterbed.store.whole.replacing import PUBLISHED, SUMS

SERVED = ("import", "import in batches", "recheck", "key rotate", "lake seal", "prune")
"""Commands that are struck on PostgreSQL too."""
IN_C = (
    "import",
    "import in batches",
    "recheck",
    "lake seal",
    "prune",
    "forget",
    "hosters add",
    "tables add",
    "backup",
    "publish",
)
"""Commands that are struck at calls of the C library too."""


def contents(place: Path, **policy: object) -> Contents:
    """The files of a real publication, without its list of checksums."""
    with small_study(place, **policy) as study:
        publish_all(study, place / "out")
    found = held(place / "out")
    return {name: found[name] for name in (*sorted(found.keys() - {SUMS, "index.html"}), "index.html")}


def editions(seed: int) -> Iterator[tuple[str, Callable[[], Campaign]]]:
    """Editions that replace each other: small ones struck everywhere, then a real one."""
    a, b, strict = edition("a", cases=True), edition("b", cases=True, hosters="bc"), edition("c", cases=False)
    for name, before, then in (("update", a, b), ("withhold", a, strict), ("first", {}, a), ("allow", strict, a)):
        yield f"publish: {name}", partial(campaign, partial(replacing, before, then, strict))
    chance = random.Random(seed)
    twice = partial(replacing, a, b, strict, again=lambda: chance.randint(1, 70))
    yield "publish: killed twice", lambda: sum_of(campaign(twice, errors=()) for _ in range(3))
    yield "publish: 120 files", real


def real() -> Campaign:
    """A real publication with cases and addresses is replaced by one without."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        cases = contents(Path(name) / "one", cases=True, addresses=True, least=1)
        less = contents(Path(name) / "two")
        case = partial(replacing, cases, less, less, PUBLISHED)
        return sum_of([campaign(case, errors=()), campaign(case, chosen=classes)])


def folder(what: str) -> Campaign:
    """A command makes a new folder."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        os.environ["XDG_CONFIG_HOME"] = str(Path(name) / "config")
        with small_study(Path(name), cases=True) as study:
            path = study.folder.path
        return campaign(partial(making, path, what), chosen=classes)


def changed(what: str) -> Campaign:
    """A command changes a study: each kind of call on files, statement and commit is struck in each way."""
    with changing(what) as doing:
        return campaign(doing.copied, errors=(EIO, ENOSPC, EINTR, SHORT), chosen=classes)


def on_server(what: str) -> Campaign:
    """The same on PostgreSQL, each time on a copy of the database."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        try:
            with changing(what, server.fresh(), copy=server.copy) as doing:
                return campaign(doing.copied, errors=(EIO, ENOSPC), chosen=classes)
        finally:
            server.stop()


def in_c(what: str) -> Campaign:
    """Calls of the C library are struck: SQLite's and Parquet's too."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, ExitStack() as kept:
        os.environ["XDG_CONFIG_HOME"] = str(Path(name) / "config")
        case: Callable[[], AbstractContextManager[Any]]
        ways: tuple[int, ...] = (EIO, ENOSPC, EINTR, SHORT)
        if what in CHANGING:
            case = kept.enter_context(changing(what)).copied
        elif what == "publish":  # what it writes elsewhere is Python's, and struck above
            case, ways = partial(publishing, published(Path(name))), (EIO, ENOSPC)
        else:
            study = kept.enter_context(small_study(Path(name), cases=True))
            case = partial(everywhere, partial(making, study.folder.path, what))
        return campaign(case, errors=ways, chosen=edges, by=c_library)


@contextmanager
def everywhere(fresh: Callable[[], AbstractContextManager[Any]]) -> Iterator[Any]:
    """A case that is struck in all that lies in its place."""
    with fresh() as case:
        case.below = [case.place]
        yield case


def sum_of(made: Iterator[Campaign] | list[Campaign]) -> Campaign:
    """Several campaigns as one."""
    whole = Campaign()
    for one in made:
        whole.calls = max(whole.calls, one.calls)
        whole.kills, whole.errors = whole.kills + one.kills, whole.errors + one.errors
        whole.complaints += one.complaints
    return whole


def main() -> int:
    """Strike everywhere, and print what came of it."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", default="", help="campaigns whose names hold this")
    words.add_argument("--seed", type=int, default=int(time.time()))
    asked = words.parse_args()
    in_front = started_anew()
    print(f"seed {asked.seed}", flush=True)
    if not in_front:
        print(NO_COMPILER)
    made, began = [], time.monotonic()
    kinds = ((folder, MAKING), (changed, CHANGING))
    commands = [(what, partial(make, what)) for make, names in kinds for what in names]
    commands += [(f"PostgreSQL: {what}", partial(on_server, what)) for what in SERVED]
    commands += [(f"C library: {what}", partial(in_c, what)) for what in IN_C] if in_front else []
    for name, strike in (*editions(asked.seed), *commands):
        if asked.only in name:
            started = time.monotonic()
            made.append(strike())
            print(f"{name}: {made[-1]} ({time.monotonic() - started:.0f} s)", flush=True)
    total = sum_of(made)
    print(f"all: {total.kills:,} kills, {total.errors:,} errors, {len(total.complaints):,} promises broken", end="")
    print(f", {time.monotonic() - began:.0f} s")
    return 1 if total.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
