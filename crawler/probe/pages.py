"""Page features: hashes of title and words, and known marks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from lxml.etree import HTMLParser, LxmlError

from waterbed.model.urls import CanonicalUrl

_UNSEEN = ("script", "style", "noscript", "template", "svg")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CHARSET = re.compile(rb"""charset=["']?([a-z0-9_-]{2,20})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeatures:
    """The features that are kept of a page.

    Its text is dropped.
    """

    title_id: str | None
    page_id: str
    marks: frozenset[str]
    size: int


class _Reader:
    """Collects title and visible words as the parser finds them; no tree is built."""

    def __init__(self) -> None:
        self.title: list[str] = []
        self.text: list[str] = []
        self._unseen = 0
        self._in_title = False

    def start(self, tag: str, _: object) -> None:
        self._unseen += tag in _UNSEEN
        self._in_title = tag == "title"

    def end(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._in_title = False

    def data(self, text: str) -> None:
        if not self._unseen:
            (self.title if self._in_title else self.text).append(text)

    def close(self) -> None:
        """End; the collected text stays."""


def page_features(page: bytes, page_url: CanonicalUrl, keyed_id: Callable[[str, str], str]) -> PageFeatures:
    """Return the features of an HTML page (first 40 KiB).

    Numbers, and words of the URL that the page repeats, are left out of the hashes: a page that echoes its path or
    shows a counter is still the same page.
    """
    reader = _Reader()
    parser = _parser(reader, page)
    try:
        parser.feed(page)
        parser.close()
    except LxmlError:  # beyond the parser's repair: the text before counts
        pass
    title, text = " ".join(reader.title), " ".join(reader.text)
    echoed = set(_WORD.findall(page_url.url.lower()))
    page_words = [word for word in _WORD.findall(f"{title} {text}".lower()) if word not in echoed]
    named = " ".join(word for word in _WORD.findall(title.lower()) if word not in echoed)
    return PageFeatures(
        title_id=keyed_id("title", named) if named else None,
        page_id=keyed_id("page", " ".join(page_words)),
        marks=frozenset(marks_of_text(title, text)),
        size=len(page),
    )


def _parser(reader: _Reader, page: bytes) -> HTMLParser:
    """Return a parser for the page's declared charset, UTF-8 without a valid one."""
    match = _CHARSET.search(page[:1024])
    try:
        return HTMLParser(target=reader, encoding=match.group(1).decode() if match else "utf-8", no_network=True)
    except LookupError:
        return HTMLParser(target=reader, encoding="utf-8", no_network=True)


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
    """By header name: the known parts of its value, and their marks."""
    headers: dict[str, tuple[tuple[str, str], ...]] = {}
    for entry in _known():
        for name, part in entry.header.items():
            headers[name] = (*headers.get(name, ()), (part, entry.mark))
    return headers


def marks_of_fields(fields: Mapping[str, str]) -> set[str]:
    """Return the marks of header fields; names in lower case."""
    headers = _headers()
    return {
        mark for name in headers.keys() & fields.keys() for part, mark in headers[name] if part in fields[name].lower()
    }


def marks_of_redirect(target: CanonicalUrl | None) -> set[str]:
    """Return the marks of a redirect's target.

    Known targets are the own pages of panels and marketplaces.
    """
    if target is None:
        return set()
    path = target.target.partition("?")[0].lower().rstrip("/") or "/"
    marks = set()
    for entry in _known():
        at_host = any(target.host == host or target.host.endswith(f".{host}") for host in entry.host)
        at_path = any(
            path == known_path or (known_path.count("/") > 1 and path.startswith(known_path))
            for known_path in entry.path
        )
        if at_host if entry.host else at_path:
            marks.add(entry.mark)
    return marks


def marks_of_text(title: str, text: str) -> set[str]:
    """Return the marks of known phrases in a page.

    Only the title of a long page counts, as its text may mention removals of other content.
    """
    searched = f"{title} {text}" if len(text) < _SHORT else title
    searched = searched.lower()
    return {entry.mark for entry in _known() if any(phrase in searched for phrase in entry.phrase)}


_SHORT = 1_500
"""Characters up to which a page consists of its message alone."""
