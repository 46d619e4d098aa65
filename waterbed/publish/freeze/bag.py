"""Packages as bags (BagIt 1.0, RFC 8493), with two checksums.

The payload lies under `data`.
Two, because a file that a manifest says is damaged may be whole, and the manifest damaged: only one of the two says so.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.model.redaction import place_told, refuse_address
from waterbed.store.bounded.files import content, raw_pieces
from waterbed.store.bounded.limits import MOST_FILE, MOST_MANIFEST

DATA: Final = "data"
ALGORITHMS: Final = ("sha256", "sha512")
_DECLARATION: Final = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LINE: Final = re.compile(r"([0-9a-f]{64,128})  (\S.*)")

Sums = Mapping[str, tuple[str, ...]]
"""Path in the package to its checksums, in the order of `ALGORITHMS`."""


@dataclass(frozen=True, slots=True, order=True)
class Damage:
    """A file that differs from its frozen state."""

    path: Annotated[str, "in the package"]
    what: Annotated[str, "what is wrong with it"]


def seal(package: Path, about: Mapping[str, str], made_on: date) -> str:
    """Write declaration, information and manifests beside the payload.

    Returns the SHA-256 that names the package.
    """
    payload = sums_of(package, sorted(_files(package)))
    size = sum((package / name).stat().st_size for name in payload)
    facts = {"Bagging-Date": made_on.isoformat(), "Payload-Oxum": f"{size}.{len(payload)}", **about}
    texts = {"bagit.txt": _DECLARATION, "bag-info.txt": "".join(f"{key}: {_line(facts[key])}\n" for key in facts)}
    texts |= {f"manifest-{name}.txt": _manifest(_each(payload, place)) for place, name in enumerate(ALGORITHMS)}
    for name, text in texts.items():
        (package / name).write_bytes(text.encode())
    tags = sums_of(package, sorted(texts))
    for place, name in enumerate(ALGORITHMS):
        (package / f"tagmanifest-{name}.txt").write_bytes(_manifest(_each(tags, place)).encode())
    return name_of(package)


def name_of(package: Path) -> str:
    """The SHA-256 of the tag manifest, which names a package."""
    return hashlib.sha256(_manifest_bytes(package / f"tagmanifest-{ALGORITHMS[0]}.txt")).hexdigest()


def damages(package: Path) -> list[Damage]:
    """List all damaged files; InputError if this is no package.

    Sorted.
    A file counts as damaged if both manifests say so; if one does, that manifest is.
    """
    if not any((package / f"tagmanifest-{name}.txt").is_file() for name in ALGORITHMS):
        refuse_address(package, "a package")
        raise InputError(
            f"{place_told(package)} is not a package of waterbed freeze: the manifests are missing (docs/freeze.md)"
        )
    found = {*_held(package, "tagmanifest", _tag_files()), *_held(package, "manifest", _files(package))}
    known = {one.path for one in found}
    own = {"bagit.txt", "bag-info.txt", *_tag_files(), *(f"tagmanifest-{name}.txt" for name in ALGORITHMS)}
    strange = {path.relative_to(package).as_posix() for path in package.rglob("*") if _is_file(path)}
    beside = {name for name in strange - own if not name.startswith(f"{DATA}/")}
    found |= {Damage(name, "does not belong to the package") for name in beside - known}
    return sorted({one.path: one for one in sorted(found)}.values())


def _held(package: Path, kind: str, on_disk: Iterator[str] | list[str]) -> Iterator[Damage]:
    """Damage found by comparing manifests, files and each other."""
    manifests = [_read(package / f"{kind}-{name}.txt", name) for name in ALGORITHMS]
    for name, sums in zip(ALGORITHMS, manifests, strict=True):
        path = f"{kind}-{name}.txt"
        if sums is None:
            yield Damage(path, "is missing or not a manifest")
        elif _manifest(sums).encode() != _manifest_bytes(package / path):
            yield Damage(path, "has its lines in another order")
    entries = [sums or {} for sums in manifests]
    names = {*entries[0], *entries[1]}
    for path in staged("files verified", sorted({*names, *on_disk})):
        plain = PurePosixPath(path)
        there = not plain.is_absolute() and ".." not in plain.parts and (package / path).is_file()
        found = sums_of(package, [path])[path] if there else ("", "")
        fits = [sums.get(path) == sum_ for sums, sum_ in zip(entries, found, strict=True)]
        yield from _judged(path, kind, there, fits, [path in sums for sums in entries], manifests)


def _judged(
    path: str,
    kind: str,
    there: bool,
    fits: list[bool],
    named: list[bool],
    manifests: Sequence[Mapping[str, str] | None],
) -> Iterator[Damage]:
    readable = [sums is not None for sums in manifests]
    if all(fit or not can for fit, can in zip(fits, readable, strict=True)) and any(readable):
        return
    if any(fits):
        yield Damage(f"{kind}-{ALGORITHMS[fits.index(False)]}.txt", "contradicts the other manifest")
    elif not any(named):
        yield Damage(path, "is in no manifest")
    elif there:
        yield Damage(path, "differs from its checksums")
    elif all(one or not can for one, can in zip(named, readable, strict=True)):
        yield Damage(path, "is missing")
    else:  # a name that only one manifest has, and no file: that line is damaged
        yield Damage(f"{kind}-{ALGORITHMS[named.index(True)]}.txt", "contradicts the other manifest")


def sums_of(package: Path, names: list[str]) -> dict[str, tuple[str, ...]]:
    """The checksums of some files."""
    return {name: _checksums(package / name) for name in staged("files summed up", names)}


def _checksums(path: Path) -> tuple[str, ...]:
    digests = [hashlib.new(name) for name in ALGORITHMS]
    for piece in raw_pieces(path, "a file of a package", MOST_FILE, "docs/freeze.md"):
        for digest in digests:
            digest.update(piece)
    return tuple(digest.hexdigest() for digest in digests)


def _each(sums: Sums, place: int) -> dict[str, str]:
    """The checksums by one algorithm."""
    return {name: its[place] for name, its in sums.items()}


def _manifest(sums: Mapping[str, str]) -> str:
    """The one way to write checksums: a package has one name."""
    return "".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums.items()))


def _read(path: Path, algorithm: str) -> dict[str, str] | None:
    """Lines of a manifest; None if missing or malformed."""
    length, sums = hashlib.new(algorithm).digest_size * 2, dict[str, str]()
    try:
        text = _manifest_bytes(path).decode("utf-8")
    except (InputError, UnicodeDecodeError):
        return None
    if not text.endswith("\n"):
        return None
    for line in text[:-1].split("\n"):
        found = _LINE.fullmatch(line)
        if found is None or len(found[1]) != length or "\0" in line or found[2] in sums:
            return None
        sums[found[2]] = found[1]
    return sums


def _manifest_bytes(path: Path) -> bytes:
    return content(path, "a manifest", MOST_MANIFEST, "docs/freeze.md")


def _files(package: Path) -> Iterator[str]:
    for path in (package / DATA).rglob("*"):
        if _is_file(path):
            yield path.relative_to(package).as_posix()


def _is_file(path: Path) -> bool:
    """True unless it is a folder inside the package.

    A link to a folder leads out of the package and counts as a file.
    """
    return path.is_symlink() or not path.is_dir()


def _tag_files() -> list[str]:
    return ["bagit.txt", "bag-info.txt", *(f"manifest-{name}.txt" for name in ALGORITHMS)]


def _line(text: str) -> str:
    return " ".join(text.split())
