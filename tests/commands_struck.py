"""Commands that make new folders, and what is promised of each at every strike."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.faults import Struck, command, struck
from tests.publish.study import small_study
from tests.store.whole.editions import MEMORY, held, remains
from waterbed.governance.reply import record
from waterbed.model.errors import WaterbedError
from waterbed.publish.freeze.bag import damages
from waterbed.publish.release import publish_all
from waterbed.publish.sharing.pool import pool
from waterbed.store.backup.manifest import backups_in, read_manifest, verify
from waterbed.store.config import read_config, write_toml
from waterbed.store.folder import open_folder
from waterbed.store.integrity import integrity
from waterbed.store.own_files import SETTINGS
from waterbed.store.whole.files import NEW
from waterbed.store.whole.folders import new_folder
from waterbed.store.whole.replacing import JOURNAL, SUMS, state_of
from waterbed.store.whole.unfinished import NOTES, unfinished


@dataclass
class Making:
    """One command that makes a folder, on a copy of a study."""

    place: Path
    words: Sequence[str]
    whole: Callable[[Path, Path], Iterator[str]]
    """Complaints about what is at the place, if anything is; of the study, too."""

    def __post_init__(self) -> None:
        """Say where strikes count: all but the study's store."""
        self.study, self.out = self.place / "study", self.place / "made" / "out"
        self.out.parent.mkdir(exist_ok=True)
        self.below = [self.out.parent, self.study / NOTES]

    def work(self) -> None:
        """Run the command."""
        command("-C", self.study, *(self.out if word == "OUT" else word for word in self.words))()

    def complaints(self, struck: Struck) -> Iterator[str]:
        """Whole or not there, and what is left is named, and gone with the next one."""
        if struck.code not in (None, 0, 2, 3) and "made but not recorded: " not in struck.said:
            yield f"exit code {struck.code}: {struck.said}"
        if struck.code in (2, 3) and struck.said.count("\n") != 1:
            yield f"not one sentence: {struck.said}"
        if struck.code == 0 and not self.out.exists():
            yield "exit code 0, and nothing is there"
        yield from self.whole(self.study, self.out)
        if self._left() and not (unfinished(self.study) or self.words[0] == "backup"):
            yield f"{self._left()} is left, and named by nobody"
        with new_folder(self.out.parent / "next", "next", self.study):
            pass
        if self._left() or unfinished(self.study):
            yield f"the next one leaves {self._left()}"

    def _left(self) -> list[str]:
        places = [self.out.parent, *([self.out] if self.out.is_dir() and self.words[0] == "reply" else [])]
        return [path.name for place in places for path in place.iterdir() if path.name.endswith(NEW)]


def frozen(study: Path, out: Path) -> Iterator[str]:
    """A package is whole by its own manifests."""
    if out.exists():
        yield from (f"{one.path} {one.what}" for one in damages(out))


def exported(study: Path, out: Path) -> Iterator[str]:
    """An export can be pooled."""
    if out.exists():
        try:
            pool(out.parent / "pooled", [out])
        except WaterbedError as problem:
            yield str(problem)


def backed_up(study: Path, out: Path) -> Iterator[str]:
    """Each backup is whole by its manifest."""
    for backup in backups_in(out):
        try:
            verify(backup, read_manifest(backup))
        except WaterbedError as problem:
            yield str(problem)


def previewed(study: Path, out: Path) -> Iterator[str]:
    """Each preview has all its files, and is on record, or its command is named."""
    folders = [path for path in out.iterdir() if not path.name.startswith(".")] if out.exists() else []
    for one in folders:
        if {path.name for path in one.iterdir()} != {"sheet.txt", "sheet.json", "cases.csv", "README.txt"}:
            yield f"{one.name} is half"
    folder = open_folder(study)
    shown = {one.hoster for one in record(folder).previews}
    folder.close()
    if shown - {path.name for path in folders}:
        yield "a preview is on record that nobody can send"
    if {path.name for path in folders} - shown and not unfinished(study):
        yield "a preview is there, not on record, and named by nobody"


MAKING = {
    "freeze": (("freeze", "OUT"), frozen),
    "lake export": (("lake", "export", "OUT", "--to", "partner"), exported),
    "backup": (("backup", "OUT", "--keep", "1"), backed_up),
    "reply preview": (("reply", "preview", "OUT"), previewed),
}
"""By command: its words, and what is asked of what it made."""


@contextmanager
def making(study: Path, what: str) -> Iterator[Making]:
    """One case, on a copy of a study."""
    words, whole = MAKING[what]
    with TemporaryDirectory(dir=MEMORY) as name:
        shutil.copytree(study, Path(name) / "study")
        yield Making(Path(name), words, whole)


@dataclass
class Publishing:
    """A publication is replaced by one that withholds single cases, by the command; its study is struck."""

    place: Path

    def __post_init__(self) -> None:
        """Say where strikes count: in the study."""
        self.study, self.out = self.place / "study", self.place / "out"
        self.below = [self.study]

    def work(self) -> None:
        """Publish."""
        command("-C", self.study, "publish", self.out, "--override", "they agreed")()

    def complaints(self, found: Struck) -> Iterator[str]:
        """Whole or named, and its edition on record; the next one is whole and leaves nothing that is withheld."""
        if found.code not in (None, 0, 2, 3):
            yield f"exit code {found.code}: {found.said}"
        if found.code in (2, 3) and sum(line.startswith("waterbed: ") for line in found.said.splitlines()) != 1:
            yield f"not one sentence: {found.said}"
        if state_of(self.out) == "half" and str(self.out) not in [one.place for one in unfinished(self.study)]:
            yield "half, and named by nobody"
        if state_of(self.out) is None or found.code == 0:
            yield from self._whole(withheld=found.code == 0)
        again = struck(self.work, self.below)
        if again.code != 0:
            yield f"the next one ends with {again.code}: {again.said}"
        yield from self._whole(withheld=True)
        if remains(self.out) or unfinished(self.study):
            yield f"the next one leaves {remains(self.out)}, {unfinished(self.study)}"

    def _whole(self, *, withheld: bool) -> Iterator[str]:
        files = held(self.out)
        if files.get(JOURNAL) == b"":  # nothing was changed: it says nothing, and the next one removes it
            del files[JOURNAL]
        sums = {name: sha256(its).hexdigest() for name, its in files.items() if name != SUMS}
        listed = dict(reversed(line.split("  ", 1)) for line in files.get(SUMS, b"").decode().splitlines())
        if sums != listed:
            yield f"{SUMS} does not tell what is there: {sorted(sums.keys() ^ listed.keys())}"
        if withheld and {"episodes.csv", "hops.csv"} & files.keys():
            yield "single cases stay public"
        folder = open_folder(self.study)
        try:
            numbers = [one.number for one in record(folder).editions]
            told = integrity(folder.store)[0]
        finally:
            folder.close()
        if numbers != [*range(1, len(numbers) + 1)] or told:
            yield f"the store is not whole: {told}, editions {numbers}"


@contextmanager
def publishing(home: Path) -> Iterator[Publishing]:
    """One case, on a copy of a study that was published with single cases and now withholds them."""
    with TemporaryDirectory(dir=MEMORY) as name:
        shutil.copytree(home, Path(name) / "home")
        yield Publishing(Path(name) / "home")


def published(place: Path) -> Path:
    """A home with such a study, whose keys lie in it."""
    with small_study(place, tlp="clear", cases=True) as study:
        publish_all(study, place / "out", override="they agreed")
    config = read_config(place / "study" / SETTINGS)[0]
    policy = msgspec.structs.replace(config.publish, cases=False)
    write_toml(place / "study" / SETTINGS, msgspec.structs.replace(config, publish=policy))
    return place
