"""Finds secret names in files, whatever they are packed or encoded in, and never repeats them.

Where a name stands is decided by these rules. A *name character* is a letter, a digit or `-`; in labels also `_`.

| name | in text | in packed bytes (anything with a NUL), and in hex and base64 |
| --- | --- | --- |
| host or domain of LOOSE (8) characters or more | no name character before it or behind it | anywhere |
| host or domain of SHORT (6) or 7 characters | the same | the same |
| host or domain below SHORT | between delimiters, as it is or in UTF-16 | the same as in text; not in hex and base64 |
| label (MIN_LABEL characters or more) | no name character before it or behind it | the same |
| any, in DNS wire form | anywhere: its lengths bound it | anywhere |

- In text, `.` and more letters behind a name make it another name only where a longer public suffix begins: a secret
  `example.co` is not in `example.co.uk`, but is in `example.co.log`. A dot before it makes it no other name.
- Packed bytes have no delimiters (a row's columns lie side by side), hence "anywhere". A longer name that holds a
  secret one is then a hit too: rather one too many.
- Read backwards, by letters or by labels, a name counts by the same rules, save that of the longer suffix.
- Names below SHORT would be hit by chance in a gigabyte of random bytes: hence the delimiters.

Not found: names that are encrypted, cut short or folded over lines outside hex and base64, spelled in yet other
character sets (UTF-7, EBCDIC), or encoded in more than two ways on top of each other.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ahocorasick

from tests.leaks.forms import REACH, Reading, readings
from tests.leaks.names import Kind, Names, patterns
from tests.leaks.pieces import Piece, pieces
from waterbed.model.urls import registrable_domain

SHORT = 6
"""Hosts and domains below this length are searched between delimiters only."""

LOOSE = 8
"""Hosts and domains from this length on are found in packed bytes whatever stands beside them."""

_AT_ONCE = 12 << 21
"""Bytes searched at once: a multiple of 12, so that groups of hex and base64 begin alike in each part."""

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_LABEL = _NAME | {"_"}
_ORDER_MARKS = ("\xff\xfe", "\xfe\xff")
_DELIMITERS = frozenset("\t\n\r \"'()*,/:;<=>@[\\]`{|}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A name in the clear: where, how, and its number; never the name."""

    where: str
    offset: int
    form: str
    number: int
    kind: Kind


@dataclass(slots=True, kw_only=True)
class Found:
    """What a search found, and how much it read."""

    hits: list[Hit] = field(default_factory=list)
    public: int = 0
    """Hits on names that the reference files hold too; not counted as hits."""
    files: int = 0
    size: int = 0
    pieces: int = 0
    searched: int = 0
    """Bytes searched: files as they are and unpacked, before encodings are undone."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """What could not be read or unpacked, and the class of the failure."""

    def by(self, *parts: str) -> Counter[tuple[str, ...]]:
        """Hits counted by some of their fields."""
        return Counter(tuple(str(getattr(hit, part)) for part in parts) for hit in self.hits)


class Search:
    """Names made ready to be searched for."""

    def __init__(self, names: Names) -> None:
        """Build the automaton: seconds for some ten thousand names."""
        self.names = names
        self.public: frozenset[int] = frozenset()
        self._automaton = ahocorasick.Automaton()
        for number, (text, kind) in enumerate(zip(names.texts, names.kinds, strict=True)):
            for form, pattern in patterns(text, kind):
                self._automaton.add_word(pattern.decode("latin-1"), (number, form, len(pattern)))
        self._automaton.make_automaton()

    def learn_public(self, paths: Iterable[Path]) -> Found:
        """Take the names that public reference files hold: from now on they are counted apart.

        They are found by the same rules, save that hex and base64 are not undone, and that names within names count.
        """
        found = self._over(paths, encoded=False)
        self.public = self.public | {hit.number for hit in found.hits}
        return found

    def over(self, paths: Iterable[Path]) -> Found:
        """Search the files, and all files below the folders."""
        return self._over(paths, encoded=True)

    def _over(self, paths: Iterable[Path], *, encoded: bool) -> Found:
        found = Found()
        refused = lambda where, problem: found.unread.append((self._shown(where), type(problem).__name__))  # noqa: E731 (it only fills a list)
        for root in paths:
            files = sorted(_files(root))
            entries = Piece(where=f"{root}: names of files", data=_listing(root))
            self._take(entries, found, encoded=encoded)
            for path in files:
                found.files += 1
                for number, piece in enumerate(pieces(path, refused)):
                    found.size += 0 if number else len(piece.data)
                    self._take(piece, found, encoded=encoded)
        return found

    def _take(self, piece: Piece, found: Found, *, encoded: bool) -> None:
        found.pieces += 1
        found.searched += len(piece.data)
        where = ""
        for offset, form, number in self.in_bytes(piece.data, encoded=encoded):
            if number in self.public:
                found.public += 1
                continue
            where = where or self._shown(piece.where)
            kind = self.names.kinds[number]
            found.hits.append(Hit(where=where, offset=offset, form=form, number=number, kind=kind))

    def _shown(self, where: str) -> str:
        """Where a hit is, fit to be printed: a path that holds a secret itself is not."""
        for _, _, number in self.in_bytes(os.fsencode(where)):
            return f"(a path that holds name {number})"
        return where

    def in_bytes(self, data: bytes, *, encoded: bool = True) -> Iterator[tuple[int, str, int]]:
        """Offset, form and number of each name in some bytes, each place once, in the plainest form."""
        packed = b"\0" in data
        for start in range(0, len(data), _AT_ONCE):
            begin = start - min(start, 3 * REACH)
            part = data[begin : start + _AT_ONCE + 3 * REACH]
            seen: set[tuple[int, int]] = set()
            for reading in readings(part, encoded=encoded):
                for at, form, number in self._in_reading(reading, packed=packed, nested=not encoded):
                    offset = begin + reading.place(at)
                    if start <= offset < start + _AT_ONCE and (offset, number) not in seen:
                        seen.add((offset, number))
                        yield offset, form, number

    def _in_reading(self, reading: Reading, *, packed: bool, nested: bool) -> Iterator[tuple[int, str, int]]:
        """Names that stand in a reading; of those that lie within each other the longest, unless all are wanted."""
        text = reading.data.lower().decode("latin-1")
        binary = reading.form.endswith(("hex", "base64"))
        standing = []
        for last, (number, form, length) in self._automaton.iter(text):
            start, end = last + 1 - length, last + 1
            if self._stands(text, start, end, number, form, packed=packed or binary, binary=binary):
                standing.append((start, -end, number, form))
        reached = 0
        for start, minus_end, number, form in sorted(standing):
            if nested or -minus_end > reached:
                reached = -minus_end
                yield start, _form(reading.form, form), number

    def _stands(self, text: str, start: int, end: int, number: int, form: str, *, packed: bool, binary: bool) -> bool:
        """Whether a name found is that name, by the rules above."""
        name, kind = self.names.texts[number], self.names.kinds[number]
        if form == "dns":
            return not (binary and len(name) < SHORT)
        wide = 2 if form.startswith("utf-16") else 1
        begin = 2 if wide == 2 and text[:2] in _ORDER_MARKS else 0
        before = text[start - wide] if start - begin >= wide else ""
        behind = text[end + wide - 1] if end + wide <= len(text) else ""
        if kind == "label":
            return before not in _LABEL and behind not in _LABEL
        if len(name) < SHORT:
            return not binary and all(not beside or beside in _DELIMITERS for beside in (before, behind))
        if packed and len(name) >= LOOSE:
            return True
        if before in _NAME or behind in _NAME:
            return False
        if form.endswith("reversed"):
            return True  # what stands beside it is of another order
        return behind != "." or not _goes_on(name, text[end + wide - 1 : end + wide * 254 : wide])


def _form(undone: str, written: str) -> str:
    return undone if undone and written == "plain" else f"{undone} {written}".strip()


def _goes_on(name: str, rest: str) -> bool:
    """Whether a name is only the beginning of another one with a longer public suffix."""
    more = next((at for at, letter in enumerate(rest) if letter not in _NAME and letter != "."), len(rest))
    whole = (name + rest[:more]).rstrip(".")
    if whole == name:
        return False
    try:
        theirs = len(whole) - len(registrable_domain(whole))
    except (ValueError, UnicodeError):
        return False
    return theirs <= len(name) - len(registrable_domain(name))


def _entries(root: Path) -> Iterator[Path]:
    """All folders, files and links below a folder; links are not followed."""
    for folder, folders, files in os.walk(root):
        for entry in (*folders, *files):
            yield Path(folder) / entry


def _listing(root: Path) -> bytes:
    """What is below a folder is called, and what links point to."""
    lines = [str(entry.relative_to(root)) for entry in _entries(root)]
    lines += [str(entry.readlink()) for entry in _entries(root) if entry.is_symlink()]
    return os.fsencode("\n".join(lines))


def _files(root: Path) -> Iterator[Path]:
    """Regular files: the path itself, or all below it."""
    if not root.is_dir():
        yield root
    else:
        yield from (entry for entry in _entries(root) if entry.is_file() and not entry.is_symlink())
