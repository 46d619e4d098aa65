"""Known public sources of dated tables, and how to get each."""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from waterbed.model.errors import InputError

_PACKAGES = {
    "npm": re.compile(r"(?:@[a-z0-9][a-z0-9._-]{0,60}/)?[a-z0-9][a-z0-9._-]{0,100}"),
    "apt": re.compile(r"[a-z0-9][a-z0-9+.-]{1,100}"),
}
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~:-]{0,60}")
"""Begins with a digit, so it is never taken for an option; no spaces, ranges or tags."""


class TableFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A file in a package that `routes add` takes."""

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
        """Refuse an entry that could not be fetched safely, or not at all."""
        if self.client is None:
            if not self.how:
                raise ValueError(f"{self.id} has neither client nor how")
            return
        if not _PACKAGES[self.client].fullmatch(self.package) or not self.files:
            raise ValueError(f"{self.id} names no package of {self.client}, or no file in it")
        for version in (*self.versions, *filter(None, [self.version])):
            checked_version(version)

    def day_of(self, text: str) -> date | None:
        """The date of the data, told from a package's version or a file's name."""
        found = re.search(self.day_in, text) if self.day_in else None
        return date(*map(int, found.groups())) if found else None


def checked_version(version: str) -> str:
    """The version, if it is plainly one."""
    if not _VERSION.fullmatch(version):
        shown = re.sub(r"[^!-~]", "?", version)[:40]
        raise InputError(f"version {shown!r} is no plain version like 2.3.2025041118 (docs/tables.md)")
    return version


@cache
def catalogue() -> tuple[Source, ...]:
    """All known sources, in the catalogue's order."""

    class Catalogue(msgspec.Struct, forbid_unknown_fields=True):
        source: tuple[Source, ...]

    return msgspec.toml.decode((Path(__file__).parent / "catalogue.toml").read_bytes(), type=Catalogue).source


def source_of(source_id: str) -> Source:
    """One source; InputError if the catalogue has none of this id."""
    for source in catalogue():
        if source.id == source_id:
            return source
    shown = re.sub(r"[^!-~]", "?", source_id)[:40]
    raise InputError(f"{shown!r} is no source of the catalogue; waterbed data list shows them (docs/tables.md)")
