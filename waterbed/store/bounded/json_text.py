"""JSON that others wrote, read value by value.

So a list may have any length.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

import msgspec

from waterbed.model.errors import InputError
from waterbed.store.bounded.limits import KIB, MOST_DEPTH, MOST_JSON

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_HALF_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F]")
_MARK: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"[ \t\n\r]*(:?)|[\[{\]}]', re.DOTALL)
_LEAST: Final = 64 * KIB
_SEE: Final = "docs/intake.md"


class BadJson(Exception):
    """Bytes that are no JSON within bounds.

    The message says why, and quotes nothing.
    """


class KeyTwice(BadJson):
    """A key occurs twice in an object."""


def json_in(data: bytes | str) -> Any:
    """The value of a short text in JSON.

    Such a text is a line or an answer.

    BadJson if it is no JSON, nested deeper than MOST_DEPTH, or holds half a pair of surrogates, KeyTwice if an object
    in it has a key twice: libraries keep the last one in silence.
    """
    whole = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    keys = _written_keys(whole)
    try:
        found = msgspec.json.decode(whole)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        raise BadJson("broken JSON") from None
    if keys > _read_keys(found):
        raise KeyTwice("a key occurs twice")
    return found


def _written_keys(data: bytes) -> int:
    """Count the keys of objects as they are written.

    BadJson if brackets outside texts are nested deeper than MOST_DEPTH.
    """
    depth = keys = 0
    for mark in _MARK.finditer(data):
        first = data[mark.start()]
        keys += mark[1] == b":"
        depth += first in b"[{"
        depth -= first in b"]}"
        if depth > MOST_DEPTH:
            raise BadJson("nested too deeply")
    return keys


def _read_keys(value: Any) -> int:
    """Count the keys of all objects in a value."""
    if isinstance(value, dict):
        return len(value) + sum(map(_read_keys, value.values()))
    return sum(map(_read_keys, value)) if isinstance(value, list) else 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object each of whose keys occurs once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise KeyTwice("a key occurs twice")
    return found


class JsonText:
    """A text in JSON that is stepped through.

    The caller opens a container with `items` or `members` and reads each value in it with one call, as it comes.
    InputError names the text `name` if it is no JSON, or one value is longer than MOST_JSON characters, too deep, or
    holds a key twice.
    """

    def __init__(self, pieces: Iterable[str], name: str) -> None:
        """Begin at the first character."""
        self._pieces, self._name = iter(pieces), name
        self._text, self._at, self._dropped = "", 0, 0
        self._decode = json.JSONDecoder(
            parse_constant=_no_constant, parse_int=_whole, object_pairs_hook=_once
        ).raw_decode

    def kind(self) -> str:
        """The first character of the next value.

        It is `{`, `[` or another; empty at the end.
        """
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing too
            if self._at < len(self._text) or not self._more(_LEAST):
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """Read the value that comes next, whole."""
        self.kind()
        wanted = _LEAST
        while True:
            end, found, bad = self._at, None, True
            try:
                found, end = self._decode(self._text, self._at)
                bad = False
            except RecursionError:
                raise InputError(f"{self._name} is JSON that is nested too deeply ({self._place()}; {_SEE})") from None
            except KeyTwice:
                raise InputError(
                    f"{self._name} holds an object with one key twice ({self._place()}): which counts? ({_SEE})"
                ) from None
            except ValueError:
                pass
            if not bad and end < len(self._text):
                break
            if len(self._text) - self._at > MOST_JSON:
                raise InputError(
                    f"{self._name} is no JSON, or holds a value longer than {MOST_JSON:,} characters "
                    f"({self._place()}; {_SEE})"
                )
            if not self._more(wanted):
                if bad:
                    self._refuse()
                break
            wanted *= 2
        began, self._at = self._at, end
        if "\\u" in self._text[began:end] and _HALF_PAIR.search(self._text, began, end):
            try:
                msgspec.json.decode(self._text[began:end])
            except (msgspec.DecodeError, UnicodeError):
                self._refuse()
        return found

    def items(self) -> Iterator[None]:
        """Step through the values of a list.

        The caller reads each.
        """
        yield from self._within("[", "]", self._nothing)

    def members(self) -> Iterator[str]:
        """Step through the keys of an object.

        The caller reads each value.
        """
        yield from self._within("{", "}", self._key)

    def skip(self) -> None:
        """Pass over a value.

        It may be a long list or object of values.
        """
        kind = self.kind()
        if kind == "[":
            for _ in self.items():
                self.value()
        elif kind == "{":
            for _ in self.members():
                self.value()
        else:
            self.value()

    def end(self) -> None:
        """Refuse what follows the value."""
        if self.kind():
            self._refuse()

    def _within(self, begin: str, close: str, first: Any) -> Iterator[Any]:
        if self.kind() != begin:
            self._refuse()
        self._at += 1
        if self.kind() == close:
            self._at += 1
            return
        while True:
            yield first()
            mark = self.kind()
            self._at += 1
            if mark == close:
                return
            if mark != ",":
                self._refuse()

    def _nothing(self) -> None:
        return None

    def _key(self) -> str:
        key = self.value() if self.kind() == '"' else self._refuse()
        if self.kind() != ":":
            self._refuse()
        self._at += 1
        return str(key)

    def _more(self, wanted: int) -> bool:
        """Add at least as many characters, if there are; drop those that were read."""
        fresh, size = [self._text[self._at :]], 0
        self._dropped, self._at = self._dropped + self._at, 0
        while size < wanted and (piece := next(self._pieces, None)) is not None:
            fresh.append(piece)
            size += len(piece)
        self._text = "".join(fresh)
        return size > 0

    def _place(self) -> str:
        return f"character {self._dropped + self._at}"

    def _refuse(self) -> NoReturn:
        raise InputError(
            f"{self._name} is not JSON ({self._place()}); get the file again, or name its --format ({_SEE})"
        )


def _whole(text: str) -> int | str:
    return int(text) if len(text) < 20 else text  # Python reads no number of thousands of digits


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)
