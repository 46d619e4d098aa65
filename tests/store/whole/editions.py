"""Editions in a folder where users have files too, and what is promised of them at every strike."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import faults
from tests.faults import Struck
from waterbed.model.errors import WaterbedError
from waterbed.store.whole.replacing import SUMS, replace_files, state_of
from waterbed.store.whole.unfinished import unfinished

MARKS = ("README.txt", "index.html")
MINE = {
    "notes.csv": b"mine\n",
    "misp/list.txt": b"mine too\n",
    ".htaccess": b"Options -Indexes\n",
    "own/index.html": b"x",
}
"""Files of users in the folder."""
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where nothing waits for a disk: kills keep what was written."""
Contents = Mapping[str, bytes]


def edition(word: str, *, cases: bool, hosters: str = "ab") -> dict[str, bytes]:
    """A small edition, as a publication is laid out."""
    names = [*MARKS, "ranking.csv", "misp/manifest.json", *(f"hosters/{one}.html" for one in hosters)]
    names += ["episodes.csv", "hops.csv"] if cases else []
    return {name: f"{word} {name}\n".encode() * 50 for name in names}


def replace(out: Path, contents: Contents, study: Path, marks: tuple[str, ...] = MARKS) -> None:
    """Put an edition into a folder."""
    replace_files(out, contents, marks=marks, study=study, ready=lambda: None)


def held(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listed(contents: Contents) -> bytes:
    """The SHA256SUMS of an edition."""
    return "".join(f"{sha256(its).hexdigest()}  {name}\n" for name, its in sorted(contents.items())).encode()


@dataclass
class Replacing:
    """An edition in place is replaced by another; if that is struck, by a last one under a stricter policy."""

    place: Path
    before: Contents
    then: Contents
    last: Contents
    marks: tuple[str, ...] = MARKS
    again: int | None = None
    """The call at which the last one is killed too, before it is made in peace."""

    def __post_init__(self) -> None:
        """Lay out the folder: what was published before, and files of users."""
        self.out, self.study, self.linked = self.place / "out", self.place / "study", self.place / "linked"
        self.below = [self.out, self.study]
        self.study.mkdir()
        if self.before:
            files = {**self.before, SUMS: listed(self.before), **MINE}
            for name, content in files.items():
                (self.out / name).parent.mkdir(parents=True, exist_ok=True)
                (self.out / name).write_bytes(content)
            os.link(self.out / next(iter(self.before)), self.linked)
            self.inode = self.out.stat().st_ino
            self.mine = {name: _marks(self.out / name) for name in MINE}

    def work(self) -> None:
        """Publish."""
        replace(self.out, self.then, self.study, self.marks)

    def complaints(self, struck: Struck) -> Iterator[str]:
        """Whole or named; then the last one is whole, and nothing else is left."""
        state, named = state_of(self.out), [one.place for one in unfinished(self.study)]
        found = self._ours()
        if struck.code not in (None, 0, 2, 3):
            yield f"exit code {struck.code}: {struck.said}"
        if struck.code == 0 and found != self._whole(self.then):
            yield "exit code 0, and the edition is not there"
        if struck.code in (2, 3) and struck.said.count("\n") != 1:
            yield f"not one sentence: {struck.said}"
        if found not in (self._whole(self.before), self._whole(self.then)):
            if state != "half" or named != [str(self.out)]:
                yield f"half, and named by nobody: {state}, {named}"
            if struck.code is not None and "half replaced" not in struck.said:
                yield f"half, and it says: {struck.said}"
        elif state == "half":
            yield "whole, and called half"
        yield from self._of_users()
        if self.again:
            again = partial(replace, self.out, self.last, self.study, self.marks)
            found_again = faults.struck(again, self.below, faults.Strike(self.again))
            if found_again.code not in (None, 0):
                yield f"the second one fails: {found_again.said}"
        try:
            replace(self.out, self.last, self.study, self.marks)
        except WaterbedError as problem:
            yield f"the next one fails: {problem}"
            return
        if self._ours() != self._whole(self.last):
            yield "the next one is not whole, or left what it withholds"
        if any(path.name.startswith(".waterbed") for path in self.out.iterdir()) or unfinished(self.study):
            yield "the next one left remains"
        yield from self._of_users()

    def _whole(self, contents: Contents) -> dict[str, bytes]:
        return {**contents, SUMS: listed(contents)} if contents else {}

    def _ours(self) -> dict[str, bytes]:
        """All that is public: without files of users, and what nobody else can read."""
        if not self.out.exists():
            return {}
        found = {name: its for name, its in held(self.out).items() if not self.before or name not in MINE}
        return {name: its for name, its in found.items() if not name.startswith(".waterbed-")}

    def _of_users(self) -> Iterator[str]:
        """Files of users that were touched, and whether the folder is the same."""
        if not self.before:
            return
        if self.out.stat().st_ino != self.inode:
            yield "the folder is another one"
        if self.linked.read_bytes() != next(iter(self.before.values())):
            yield "a link elsewhere was written to"
        for name, content in MINE.items():
            path = self.out / name
            if not path.exists() or path.read_bytes() != content or _marks(path) != self.mine[name]:
                yield f"{name} of a user was touched"


def _marks(path: Path) -> tuple[int, ...]:
    its = path.stat()
    return its.st_ino, its.st_mode, its.st_nlink, its.st_mtime_ns


@contextmanager
def replacing(
    before: Contents,
    then: Contents,
    last: Contents,
    marks: tuple[str, ...] = MARKS,
    again: Callable[[], int | None] = lambda: None,
) -> Iterator[Replacing]:
    """One case, on new folders; `again` says for each where the last one is killed."""
    with TemporaryDirectory(dir=MEMORY) as name:
        yield Replacing(Path(name), before, then, last, marks, again())


def remains(out: Path) -> list[str]:
    """Names of what a killed one left."""
    return sorted(path.name for path in out.iterdir() if path.name.startswith(".waterbed"))
