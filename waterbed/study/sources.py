"""Fetches a source's package and extracts its tables.

With the package's ordinary client.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.store.whole.files import DISK

if TYPE_CHECKING:
    from waterbed.study.study import Study

_PACKAGES = {
    "npm": re.compile(r"(?:@[a-z0-9][a-z0-9._-]{0,60}/)?[a-z0-9][a-z0-9._-]{0,100}"),
    "apt": re.compile(r"[a-z0-9][a-z0-9+.-]{1,100}"),
}
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~:-]{0,60}")
"""Begins with a digit, so it is never taken for an option; no spaces, ranges or tags."""


class TableFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A file in a package that `tables add` takes."""

    name: str
    kind: Literal["routes", "places", "organisations", "hosting"]


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One public source of tables."""

    id: str
    what: str
    kinds: tuple[str, ...]
    forms: tuple[str, ...]
    licence: str
    checked: date
    day: str
    registration: bool = False
    client: Literal["npm", "apt"] | None = None
    package: str = ""
    version: str | None = None
    versions: tuple[str, ...] = ()
    day_in: str | None = None
    files: tuple[TableFile, ...] = ()
    how: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an entry that cannot be fetched safely."""
        if self.client is None:
            if not self.how:
                raise ValueError(f"{self.id} has neither client nor how")
            return
        if not _PACKAGES[self.client].fullmatch(self.package) or not self.files:
            raise ValueError(f"{self.id} names no package of {self.client}, or no file in it")
        for version in (*self.versions, *filter(None, [self.version])):
            checked_version(version)

    def day_of(self, text: str) -> date | None:
        """Return the data's date from a version or file name."""
        found = re.search(self.day_in, text) if self.day_in else None
        return date(*map(int, found.groups())) if found else None


def checked_version(version: str) -> str:
    """Return the version; InputError if it is not plain."""
    if not _VERSION.fullmatch(version):
        raise InputError(
            f"version {shown(version)} is not plain; one like 2.3.2025041118 was expected (docs/tables.md)"
        )
    return version


@cache
def catalogue() -> tuple[Source, ...]:
    """All known sources, in the catalogue's order."""

    class Catalogue(msgspec.Struct, forbid_unknown_fields=True):
        source: tuple[Source, ...]

    return msgspec.toml.decode((Path(__file__).parent / "catalogue.toml").read_bytes(), type=Catalogue).source


def source_of(source_id: str) -> Source:
    """Return one source of the catalogue.

    InputError if the catalogue does not hold this id.
    """
    for source in catalogue():
        if source.id == source_id:
            return source
    raise InputError(f"the catalogue does not list {shown(source_id)}; waterbed data list shows them (docs/tables.md)")


MAX_BYTES = 1 << 30
"""Largest file taken out of a package."""

_PATIENCE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One fetched table file, with its kind and day.

    As `tables add` needs them.
    """

    path: Path
    kind: str
    day: date | None


def fetch(source: Source, out: Path, version: str | None = None) -> list[Fetched]:
    """Fetch a source's package and extract its tables.

    Nothing of the package is run. Raises InputError if a person has to get it, the client is missing or fails, or the
    package lacks a file; then `out` has no new file.
    """
    if source.client is None:
        raise InputError(f"{source.id} comes with no package client: {source.how} (docs/tables.md)")
    chosen = checked_version(version) if version else source.version
    with tempfile.TemporaryDirectory(prefix="waterbed-") as work:
        package = _CLIENTS[source.client](source.package, chosen, Path(work))
        taken = _taken(package, source.files, Path(work))
        try:
            out.mkdir(parents=True, exist_ok=True)
            paths = [Path(shutil.move(path, out / path.name)) for path in taken]
        except OSError as problem:
            if problem.errno in DISK:
                raise
            raise InputError(f"{out} cannot be written ({problem.strerror}); name another folder") from None
    days = [source.day_of(path.name) or source.day_of(chosen or "") for path in paths]
    return [
        Fetched(path=path, kind=file.kind, day=day) for path, file, day in zip(paths, source.files, days, strict=True)
    ]


def add_source(study: "Study", source: Source, out: Path, version: str | None = None) -> Iterator[Fetched]:
    """Fetch a source and add its tables to a study.

    A table that tells no day is of today.
    """
    for one in fetch(source, out, version):
        day = one.day or study.clock().date()
        study.add_table(one.path, day, kind=one.kind, licence=source.licence)
        yield replace(one, day=day)


def _npm(package: str, version: str | None, work: Path) -> Path:
    spec = f"{package}@{version}" if version else package
    _run(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(work), "--", spec], work, spec)
    return _only(work, "*.tgz", spec)


def _apt(package: str, version: str | None, work: Path) -> Path:
    spec = f"{package}={version}" if version else package
    _run(["apt-get", "-q", "download", spec], work, spec)
    whole = _only(work, "*.deb", spec)
    with (work / "data.tar").open("wb") as tar:
        _run(["dpkg-deb", "--fsys-tarfile", str(whole)], work, spec, tar.fileno())
    return work / "data.tar"


_CLIENTS: dict[str, Callable[[str, str | None, Path], Path]] = {"npm": _npm, "apt": _apt}


def _run(words: list[str], work: Path, spec: str, stdout: int = subprocess.DEVNULL) -> None:
    client = words[0]
    try:
        result = subprocess.run(  # noqa: S603 (a list of words, no shell; package and version are checked patterns)
            words,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
            # keys and passwords of ours are none of its business
            env={name: value for name, value in os.environ.items() if not name.startswith("WATERBED_")}
            | {"LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise InputError(f"{client} is not on this machine; install it to fetch {spec} (docs/tables.md)") from None
    except OSError as problem:
        raise InputError(f"{client} cannot be started ({problem.strerror}; docs/tables.md)") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{client} did not get {spec} within {_PATIENCE_S} s; try again (docs/tables.md)") from None
    if result.returncode:
        raise InputError(
            f"{client} could not get {spec} (exit code {result.returncode}); run it by hand to see why, or choose "
            "another --version (docs/tables.md)"
        )


def _only(work: Path, pattern: str, spec: str) -> Path:
    found = list(work.glob(pattern))
    if len(found) != 1:
        raise InputError(f"the client left {len(found)} packages for {spec}, one was expected (docs/tables.md)")
    return found[0]


def _taken(package: Path, files: tuple[TableFile, ...], work: Path) -> list[Path]:
    """The wanted files of a tar archive, by their names alone: no path in it is followed."""
    wanted = {file.name: work / "taken" / file.name for file in files}
    (work / "taken").mkdir()
    try:
        with tarfile.open(package) as tar:
            for member in tar:
                path = wanted.get(member.name.rpartition("/")[2])
                content = tar.extractfile(member) if path and member.isreg() and member.size <= MAX_BYTES else None
                if path and content:
                    with path.open("wb") as copy:
                        shutil.copyfileobj(content, copy)
    except (tarfile.TarError, OSError, EOFError):
        raise InputError(f"{package.name} is a damaged package; fetch it again (docs/tables.md)") from None
    missing = [name for name, path in wanted.items() if not path.is_file()]
    if missing:
        raise InputError(
            f"{package.name} does not hold {', '.join(missing)}; choose another --version (docs/tables.md)"
        )
    return list(wanted.values())
