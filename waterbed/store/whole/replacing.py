"""Replaces all files of ours in a folder.

The folder stays where it is: it may be a mount point, or held open by a server, so it cannot be renamed. SHA256SUMS
says what an edition consists of, and is replaced last. Before the first change a journal in the folder names all that
is ours, old and new: whatever a kill leaves is known by it, and goes with the next edition.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EEXIST, EMLINK, ENOSYS, ENOTSUP, EPERM, EXDEV
from pathlib import Path
from typing import Final, Literal

import msgspec

from waterbed.model.errors import InputError, StoreFailure
from waterbed.store.whole.files import DISK, locked, refuse_odd_name, sync, write_synced
from waterbed.store.whole.unfinished import begun

SUMS: Final = "SHA256SUMS"
"""The file that names all others of an edition, with their checksums."""
JOURNAL: Final = ".waterbed-journal"
"""It lies in the folder while an edition is replaced, and after a kill."""
PUBLISHED: Final = ("index.html", "README.txt", "datapackage.json")
"""Files of every publication, whatever is installed: a list of checksums without them is not one of ours."""
PUBLISH: Final = "publish"
"""The command in its notes."""
_STAGE: Final = re.compile(r"\.waterbed-[0-9a-f]{16}")
_NAME: Final = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)?", re.ASCII)
_SUM: Final = re.compile(rf"([0-9a-f]{{64}})  ({_NAME.pattern})", re.ASCII)
_NO_LINKS: Final = (EPERM, ENOTSUP, EMLINK, ENOSYS, EXDEV)
_SHOWN: Final = 3
_DOCS: Final = "docs/publishing.md, Whole or named"

State = Literal["old", "half", "whole"]
Ours = Mapping[str, Collection[str]]
"""Names of files, each with the checksums by which it is known as ours."""


class _Entry(msgspec.Struct, frozen=True):
    """A line of the journal: one attempt."""

    stage: str
    ours: dict[str, list[str]]


def replace_files(
    folder: Path, contents: Mapping[str, bytes], *, marks: Collection[str], study: Path, ready: Callable[[], None]
) -> None:
    """Replace the edition in a folder by another one.

    What the new one lacks is removed first; then its files come in order, SHA256SUMS last. `marks` are files that every
    edition has: a SHA256SUMS without them is somebody else's. `ready` is called before the first change, under the
    lock. InputError, and nothing is changed, if another process writes there, or if a file that would be replaced or
    removed is not as an edition left it. If a disk fails, one sentence says in which state the folder is.
    """
    new = {**contents, SUMS: sums_of(contents)}
    strange = [name for name in new if not _NAME.fullmatch(name)]
    if strange:
        raise ValueError(f"{len(strange)} names of files have other characters than {_NAME.pattern}")
    refuse_odd_name(folder)
    with _explained(folder) as attempt, _journal(folder) as (place, journal):
        attempt.entries = _entries((place / JOURNAL).read_bytes())
        ours = _known(place, attempt.entries, marks)
        _refuse_strange(folder, place, ours, new)
        with begun(study, PUBLISH, place, place / JOURNAL):
            attempt.replace(place, journal, ours, new, ready)


def sums_of(contents: Mapping[str, bytes]) -> bytes:
    """Return the SHA256SUMS of an edition."""
    return "".join(f"{_sha256(content)}  {name}\n" for name, content in sorted(contents.items())).encode()


def state_of(folder: Path) -> State | None:
    """The state in which a kill left a folder.

    Half or whole; None if no edition was being replaced there.
    """
    try:
        entries = _entries((folder / JOURNAL).read_bytes())
    except OSError:
        return None
    if not entries:
        return None
    listed = _listed(folder) or {}
    beyond = {name for one in entries for name in one.ours} - {*listed, *([SUMS] if listed else [])}
    whole = all(_is_file_of(folder / name, {its}) for name, its in listed.items())
    return "whole" if whole and not any(os.path.lexists(folder / name) for name in beyond) else "half"


def is_published(folder: Path) -> bool:
    """True if a folder holds a publication, whole or half."""
    return os.path.isfile(folder / JOURNAL) or set(PUBLISHED) <= set(_listed(folder) or ())  # noqa: PTH113 (raises never)


def published_files(folder: Path) -> list[str]:
    """The files of a folder's publication, by its SHA256SUMS.

    Empty for a folder without one.
    """
    return sorted(_listed(folder) or ()) if is_published(folder) else []


def published_at(place: Path) -> Path | None:
    """The folder of a publication that holds a place.

    The place is that folder, or lies in it however deep, by its name or behind links; None for any other.
    """
    try:
        ways = (Path(os.path.abspath(place)), Path(os.path.realpath(place)))  # noqa: PTH100 (a link may lie in it)
    except OSError:  # the folder that one is in was removed: nothing can be written there
        return None
    folders = dict.fromkeys(folder for way in ways for folder in (way, *way.parents))
    return next((folder for folder in folders if is_published(folder)), None)


def refuse_published(place: Path) -> None:
    """InputError for a place in a publication's folder."""
    if folder := published_at(place):
        raise InputError(
            f"{folder} holds a publication, and this output was not made for its readers; name another place "
            "(docs/publishing.md, Suppression)"
        )


class _Attempt:
    """One edition on its way, and the state of the folder."""

    def __init__(self) -> None:
        self.state: State = "old"
        self.entries: list[_Entry] = []
        """Attempts before this one, which were not finished."""

    def replace(
        self, place: Path, journal: int, ours: Ours, new: Mapping[str, bytes], ready: Callable[[], None]
    ) -> None:
        """Note, stage, remove, replace, and clean up."""
        self.state = "half" if state_of(place) == "half" else "old"
        stage = place / f".waterbed-{secrets.token_hex(8)}"
        known = {name: {*ours.get(name, ()), *_sums_in(new, name)} for name in {*ours, *new}}
        made = [folder for folder in _folders(place, new) if not folder.is_dir()]
        try:
            _note(journal, _Entry(stage.name, {name: sorted(sums) for name, sums in known.items()}))
            sync(place)
            for one in self.entries:
                shutil.rmtree(place / one.stage, ignore_errors=True)
            kept = _staged(place, stage, new)
            ready()
            self._commit(place, stage, known, new, kept)
        except BaseException:
            self._clean(place, stage, made)
            raise
        shutil.rmtree(stage)
        (place / JOURNAL).unlink()
        sync(place)

    def _commit(
        self, place: Path, stage: Path, known: Ours, new: Mapping[str, bytes], kept: Mapping[str, bool]
    ) -> None:
        before, done = self.state, list[str]()
        gone = [name for name in known if name not in new and os.path.lexists(place / name)]
        try:
            for name in gone:
                _refuse_changed(place, name, known)
                self.state = "half"
                (place / name).unlink()
            sync(*{(place / name).parent for name in gone})
            for folder in _folders(place, new):
                if folder != place and not folder.is_dir():  # it may have vanished: it is not made anew elsewhere
                    folder.mkdir()
                    folder.chmod(0o755)
            for number, name in enumerate(new):
                if name == SUMS:
                    sync(*_folders(place, new))
                _refuse_changed(place, name, known)
                self.state = "half"
                done.append(name)
                (stage / f"{number}.new").replace(place / name)
            sync(place)
        except BaseException:
            if all(os.path.lexists(place / name) for name in gone) and all(kept.get(name, True) for name in done):
                _undo(place, stage, [*new], done, kept)
                self.state = before
            raise
        self.state = "whole"

    def _clean(self, place: Path, stage: Path, made: list[Path]) -> None:
        """After a failure: leave the journal where something is left to be named."""
        shutil.rmtree(stage, ignore_errors=True)
        if self.state != "old":
            return
        with suppress(OSError):  # what cannot be removed is named by the journal
            for folder in made:
                if folder.is_dir():
                    folder.rmdir()
            if not self.entries and not stage.exists():
                (place / JOURNAL).unlink()


def _staged(place: Path, stage: Path, new: Mapping[str, bytes]) -> dict[str, bool]:
    """Write all files beside their places, and link what they replace.

    Returns for each file that is replaced whether it could be linked.
    """
    stage.mkdir(mode=0o700)
    kept = {}
    for number, (name, content) in enumerate(new.items()):
        write_synced(stage / f"{number}.new", content, public=True)
        if os.path.lexists(place / name):
            try:
                os.link(place / name, stage / f"{number}.old")
                kept[name] = True
            except OSError as problem:
                if problem.errno not in _NO_LINKS:
                    raise
                kept[name] = False
    sync(stage)
    return kept


def _undo(place: Path, stage: Path, order: list[str], done: list[str], kept: Mapping[str, bool]) -> None:
    for name in reversed(done):
        number = order.index(name)
        if (stage / f"{number}.new").exists():
            continue  # the last one failed: it was not replaced
        if name in kept:
            (stage / f"{number}.old").replace(place / name)
        else:
            (place / name).unlink()
    sync(*{(place / name).parent for name in done})


@contextmanager
def _journal(folder: Path) -> Iterator[tuple[Path, int]]:
    """Make the folder, and open its journal under the lock.

    Yields where the folder really is, and the open journal.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    place = folder.resolve()
    while True:
        try:
            handle = locked(place / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except BlockingIOError:
            raise InputError(
                f"another publication is being written into {folder} at this moment; start again when it has ended "
                f"({_DOCS})"
            ) from None
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # it was removed by the one that ended just now
    try:
        yield place, handle
    finally:
        if not os.fstat(handle).st_size and os.fstat(handle).st_nlink:
            with suppress(OSError):  # an empty one says nothing
                (place / JOURNAL).unlink()
        os.close(handle)


def _note(journal: int, entry: _Entry) -> None:
    """Append a line; one before that was cut short stays without effect."""
    line = b"\n" + msgspec.json.encode(entry) + b"\n"
    while line:
        line = line[os.write(journal, line) :]
    os.fsync(journal)


def _entries(content: bytes) -> list[_Entry]:
    """The whole lines of a journal; after one that is not, nothing was changed."""
    found = []
    for line in content.split(b"\n")[:-1]:
        with suppress(msgspec.DecodeError):
            entry = msgspec.json.decode(line, type=_Entry)
            if _STAGE.fullmatch(entry.stage) and all(_NAME.fullmatch(name) for name in entry.ours):
                found.append(entry)
    return found


def _known(place: Path, entries: list[_Entry], marks: Collection[str]) -> dict[str, set[str]]:
    """Each file of ours with its checksums, by SHA256SUMS and by the journal."""
    known: dict[str, set[str]] = {}
    for one in entries:
        for name, sums in one.ours.items():
            known.setdefault(name, set()).update(sums)
    listed = _listed(place)
    if listed is not None and set(marks) <= set(listed):
        for name, its in {**listed, SUMS: _sum_of(place / SUMS)}.items():
            known.setdefault(name, set()).add(its)
    return known


def _listed(place: Path) -> dict[str, str] | None:
    """Names and checksums in SHA256SUMS; None if there is none as we write it, sorted."""
    if not os.path.isfile(place / SUMS):  # noqa: PTH113 (raises never)
        return None
    try:
        lines = (place / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = [one for line in lines if (one := _SUM.fullmatch(line))]
    names = [one[2] for one in found]
    if len(found) < len(lines) or names != sorted(set(names)):
        return None
    return {one[2]: one[1] for one in found}


def _refuse_strange(folder: Path, place: Path, ours: Ours, new: Mapping[str, bytes]) -> None:
    """InputError if a file in the way is not as an edition left it."""
    strange = [
        name
        for name in sorted({*ours, *new})
        if _in_the_way(place, name) and not _is_file_of(place / name, {*ours.get(name, ()), *_sums_in(new, name)})
    ]
    if strange:
        shown = ", ".join(strange[:_SHOWN]) + (f" and {len(strange) - _SHOWN:,} more" if len(strange) > _SHOWN else "")
        raise InputError(
            f"{folder} holds files that would be replaced or removed, and that no publication left like this: {shown}; "
            f"nothing was changed: move them elsewhere, then publish again ({_DOCS})"
        )


def _refuse_changed(place: Path, name: str, known: Ours) -> None:
    """FileExistsError if somebody has changed a file since it was looked at."""
    if _in_the_way(place, name) and not _is_file_of(place / name, known[name]):
        raise FileExistsError(EEXIST, f"{name} was changed meanwhile")


def _in_the_way(place: Path, name: str) -> bool:
    """True if there is anything at a name, or a link or file where its folder should be."""
    parent = (place / name).parent
    return os.path.lexists(place / name) or (os.path.lexists(parent) and not _is_folder(parent))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_file_of(path: Path, sums: Collection[str]) -> bool:
    """True for a plain file, in a plain folder, that has one of the checksums."""
    if path.is_symlink() or not path.is_file() or path.parent.is_symlink():
        return False
    return _sum_of(path) in sums


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sums_in(new: Mapping[str, bytes], name: str) -> list[str]:
    return [_sha256(new[name])] if name in new else []


def _folders(place: Path, new: Mapping[str, bytes]) -> list[Path]:
    return sorted({(place / name).parent for name in new})


_WORDS: Final[Mapping[State, str]] = {
    "old": "what was published there is as it was",
    "half": "an edition is half replaced there now, and publishing again finishes it",
    "whole": f"the new edition is there whole, and {JOURNAL} is left: publish again",
}


@contextmanager
def _explained(folder: Path) -> Iterator[_Attempt]:
    """Turn a failure of the disk into one sentence about the folder."""
    attempt = _Attempt()
    try:
        yield attempt
    except OSError as problem:
        why = f"{folder} cannot be written ({problem.strerror or type(problem).__name__}): {_WORDS[attempt.state]}"
        if attempt.state != "old" or problem.errno in DISK:
            raise StoreFailure(f"{why} ({_DOCS})") from None
        raise InputError(f"{why}; name another place ({_DOCS})") from None
