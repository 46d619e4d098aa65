"""Link checks: hosters' endpoints that say if a file exists.

An adapter is data, `link-checks.toml` in the study folder (docs/link-checks.md): which hosts, which path names the
file, and which path of the same registrable domain is requested by HEAD in place of the file. Only the status of the
response counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from waterbed.model.errors import BadUrl, InputError
from waterbed.model.plugins import DataFile, named
from waterbed.model.urls import CanonicalUrl, canonicalize, registrable_domain
from waterbed.store.bounded.toml import decode, toml_bytes

LINK_CHECKS = "link-checks.toml"
_SEE = "see docs/link-checks.md"


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    suffix: str
    path: str
    ask: str
    exists: tuple[int, ...] = (200, 204)
    missing: tuple[int, ...] = (404, 410)
    host: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    link_check: tuple[_Entry, ...] = ()
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheck:
    """One hoster's endpoint and the meaning of its statuses."""

    name: str
    suffix: str
    path: re.Pattern[str]
    ask: str
    host: str | None
    exists: frozenset[int]
    missing: frozenset[int]

    def url_for(self, canonical: CanonicalUrl) -> CanonicalUrl | None:
        """Return the endpoint's URL for a file.

        None if the URL is not a file of this hoster.
        """
        if canonical.host != self.suffix and not canonical.host.endswith(f".{self.suffix}"):
            return None
        found = self.path.search(canonical.target)
        if not found:
            return None
        target = re.sub(r"\{(\d)\}", lambda part: found.group(int(part.group(1))), self.ask)
        if self.host is None:
            return replace(canonical, target=target)
        try:
            asked = canonicalize(f"https://{self.host}{target}")
        except BadUrl:
            return None
        return asked if registrable_domain(asked.host) == registrable_domain(canonical.host) else None

    def file_exists(self, status: int | None) -> bool | None:
        """True if a status means that the file exists.

        None if unclear.
        """
        return True if status in self.exists else False if status in self.missing else None


def read_link_checks(folder: Path) -> tuple[LinkCheck, ...]:
    """Read the study's link checks, none without a file.

    Its own come first, then those of the plug-ins that it names. InputError for a file that cannot be used.
    """
    path = folder / LINK_CHECKS
    if not path.exists():
        return ()
    own = _read(path)
    files = [named("link_checks", DataFile, {}, name, f"{path}: plugins", "docs/plugins.md") for name in own.plugins]
    return tuple(_checked(entry, at) for at in (path, *(file.path for file in files)) for entry in _read(at).link_check)


def _read(path: Path) -> _File:
    try:
        return decode(toml_bytes(path, "a file of link checks", _SEE.removeprefix("see ")), type=_File)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path}: {problem}; {_SEE}") from None


def _checked(entry: _Entry, path: Path) -> LinkCheck:
    suffix = entry.suffix.lower().strip(".")
    try:
        pattern = re.compile(entry.path)
    except re.error as problem:
        raise InputError(f"{path}: link check {entry.name}: path {entry.path!r}: {problem}; {_SEE}") from None
    parts = [int(part) for part in re.findall(r"\{(\d)\}", entry.ask)]
    if not suffix or not entry.ask.startswith("/") or max(parts, default=0) > pattern.groups:
        raise InputError(
            f"{path}: link check {entry.name}: a suffix, and an ask that begins with / and names only groups of path, "
            f"were expected; {_SEE}"
        )
    if set(entry.exists) & set(entry.missing):
        raise InputError(f"{path}: link check {entry.name}: a status cannot mean both there and missing; {_SEE}")
    return LinkCheck(
        name=entry.name,
        suffix=suffix,
        path=pattern,
        ask=entry.ask,
        host=entry.host,
        exists=frozenset(entry.exists),
        missing=frozenset(entry.missing),
    )


def link_check_for(checks: Iterable[LinkCheck], canonical: CanonicalUrl) -> tuple[LinkCheck, CanonicalUrl] | None:
    """Return the first link check that matches, and its URL."""
    for check in checks:
        asked = check.url_for(canonical)
        if asked is not None:
            return check, asked
    return None
