"""Hoster entities: which ASes and platform suffixes are one company."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from waterbed.model.errors import InputError

HosterKind = Literal["hoster", "proxy", "platform"]
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SUFFIX = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_UNKNOWN_KEY = re.compile(r"AS([1-9]\d{0,9})")
_MAX_AS = (1 << 32) - 1
_SEE = "see docs/attribution.md, Hosters"


class Hoster(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One company, as people have decided it.

    `country` is its legal seat, not where its machines stand.
    """

    key: str
    name: str
    asns: tuple[int, ...] = ()
    country: str | None = None
    kind: HosterKind = "hoster"
    suffixes: tuple[str, ...] = ()


class _BookFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    hoster: tuple[Hoster, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterBook:
    """The aliases in force.

    Each AS and each suffix belongs to one hoster at most. Nothing is ever matched by name: two companies may share one,
    and one company may have many. `checksum` is the SHA-256 of the file, so that a conclusion can say which book it was
    drawn with.
    """

    by_key: Mapping[str, Hoster]
    by_as: Mapping[int, Hoster]
    by_suffix: Mapping[str, Hoster]
    checksum: str

    def key_of(self, asn: int) -> str:
        """The hoster's key for an AS; `AS64500` if unclaimed."""
        hoster = self.by_as.get(asn)
        return hoster.key if hoster else f"AS{asn}"

    def is_proxy(self, key: str) -> bool:
        """Whether a hoster is a reverse proxy."""
        hoster = self.by_key.get(key)
        return hoster is not None and hoster.kind == "proxy"


def as_of_key(key: str) -> int | None:
    """The AS number in an unclaimed AS's key, else None."""
    found = _UNKNOWN_KEY.fullmatch(key)
    return int(found[1]) if found else None


def read_hosters(path: Path) -> HosterBook:
    """The book in a TOML file of `[[hoster]]` tables.

    Raises InputError if it cannot be read or contradicts itself.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/attribution.md") from None
    return book_from(data, str(path))


def book_from(data: bytes, where: str = "hosters") -> HosterBook:
    """The book in TOML text.

    Empty text is an empty book; `where` names the text in errors.
    """
    try:
        read = msgspec.toml.decode(data, type=_BookFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{where}: {problem}; {_SEE}") from None
    by_key: dict[str, Hoster] = {}
    by_as: dict[int, Hoster] = {}
    by_suffix: dict[str, Hoster] = {}
    for hoster in read.hoster:
        _check(hoster, where)
        _claim(by_key, hoster.key, hoster, f"{where}: key {hoster.key!r}")
        for asn in hoster.asns:
            _claim(by_as, asn, hoster, f"{where}: AS{asn}")
        for suffix in hoster.suffixes:
            _claim(by_suffix, suffix, hoster, f"{where}: suffix {suffix!r}")
    return HosterBook(
        by_key=MappingProxyType(by_key),
        by_as=MappingProxyType(by_as),
        by_suffix=MappingProxyType(by_suffix),
        checksum=hashlib.sha256(data).hexdigest(),
    )


def _check(hoster: Hoster, where: str) -> None:
    if not hoster.name.isprintable():
        raise InputError(f"{where}: the name of {hoster.key!r} holds control characters; {_SEE}")
    if not _SLUG.fullmatch(hoster.key):
        raise InputError(f"{where}: key {hoster.key!r} is not lower-case letters, digits and hyphens; {_SEE}")
    if hoster.country is not None and not _COUNTRY.fullmatch(hoster.country):
        raise InputError(f"{where}: country {hoster.country!r} of {hoster.key!r} is not an ISO code like NL; {_SEE}")
    for asn in hoster.asns:
        if not 0 < asn <= _MAX_AS:
            raise InputError(f"{where}: AS {asn} of {hoster.key!r} is not from 1 to {_MAX_AS}; {_SEE}")
    for suffix in hoster.suffixes:
        if not _SUFFIX.fullmatch(suffix):
            raise InputError(f"{where}: suffix {suffix!r} of {hoster.key!r} is not like pages.example; {_SEE}")


def _claim(held: dict, thing: object, hoster: Hoster, what: str) -> None:  # type: ignore[type-arg]
    if thing in held:
        both = " and ".join(repr(h.key) for h in (held[thing], hoster))
        raise InputError(f"{what} is claimed twice, by {both}; give it to one of them; {_SEE}")
    held[thing] = hoster
