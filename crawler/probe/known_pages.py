"""Marks of pages that say a site is suspended, removed, parked or walled off."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from waterbed.model.urls import Spelled

_LIST = Path(__file__).parent / "known_pages.toml"


class _Known(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    mark: str
    about: str
    path: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    header: dict[str, str] = {}
    phrase: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    known: tuple[_Known, ...]


@cache
def _known() -> tuple[_Known, ...]:
    return msgspec.toml.decode(_LIST.read_bytes(), type=_File).known


@cache
def _headers() -> dict[str, tuple[tuple[str, str], ...]]:
    """By header name: the parts of its value that are known, and their marks."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for entry in _known():
        for name, part in entry.header.items():
            found[name] = (*found.get(name, ()), (part, entry.mark))
    return found


def marks_of_fields(fields: Mapping[str, str]) -> set[str]:
    """What the header fields say; names in lower case."""
    known = _headers()
    return {mark for name in known.keys() & fields.keys() for part, mark in known[name] if part in fields[name].lower()}


def marks_of_redirect(target: Spelled | None) -> set[str]:
    """What a redirect's target says: a panel's or a marketplace's own page."""
    if target is None:
        return set()
    path = target.target.partition("?")[0].lower().rstrip("/") or "/"
    found = set()
    for entry in _known():
        at_host = any(target.host == host or target.host.endswith(f".{host}") for host in entry.host)
        at_path = any(path == known or (known.count("/") > 1 and path.startswith(known)) for known in entry.path)
        if at_host if entry.host else at_path:
            found.add(entry.mark)
    return found


def marks_of_text(title: str, text: str) -> set[str]:
    """What a page's title, or all of a short page, says in so many words.

    A long page may well speak of removed things; only its title counts.
    """
    words = f"{title} {text}" if len(text) < _SHORT else title
    words = words.lower()
    return {entry.mark for entry in _known() if any(phrase in words for phrase in entry.phrase)}


_SHORT = 1_500
"""Characters up to which a page is nothing but its message."""
