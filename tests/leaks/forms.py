"""Encodings undone: every reading of some bytes in which a name could stand."""

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

REACH = 4096
"""No written form of a name is longer than this, bytes: 253 characters, each as `\\u0000`, take 1,518."""

_NESTED = 2
"""How many encodings on top of each other are undone, hex and base64 aside, which are undone after any of them."""

_NOTHING = ord("\n")
"""Stands in a reading where the bytes are not of its encoding: never part of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Some bytes read in one way; `place` gives the offset in the original of a byte here."""

    form: str
    data: bytes
    place: Callable[[int], int]


def readings(data: bytes, *, encoded: bool = True) -> Iterator[Reading]:
    """The bytes as they are, then with encodings undone; `encoded` says whether hex and base64 are tried too."""
    yield from _readings(Reading(form="", data=data, place=lambda at: at), encoded=encoded, depth=0)


def _readings(given: Reading, *, encoded: bool, depth: int) -> Iterator[Reading]:
    yield given
    if encoded:
        yield from _hex(given)
        yield from _base64(given)
    if depth < _NESTED:
        for form, (mark, undo) in _MARKS.items():
            for start, end in _windows(given.data, mark):
                undone = _undone(given, f"{given.form} {form}".strip(), mark, undo, start, end)
                yield from _readings(undone, encoded=encoded, depth=depth + 1)


def _nibbles() -> np.ndarray:
    table = np.full(256, 255, np.uint8)
    for value, digit in enumerate(b"0123456789abcdef"):
        table[[digit, digit - 32 * (digit > 57)]] = value
    return table


def _sextets() -> np.ndarray:
    table = np.full(256, 255, np.uint8)
    letters = bytes([*range(65, 91), *range(97, 123), *range(48, 58)])
    for value, letter in enumerate(letters):
        table[letter] = value
    table[[ord("+"), ord("-")]] = 62
    table[[ord("/"), ord("_")]] = 63
    return table


_NIBBLE, _SEXTET = _nibbles(), _sextets()


def _hex(given: Reading) -> Iterator[Reading]:
    """Pairs of hex digits of either case, from even and from odd places."""
    digits = _NIBBLE[np.frombuffer(given.data, np.uint8)]
    for start in range(2):
        pairs = digits[start : start + (len(digits) - start) // 2 * 2].reshape(-1, 2)
        high, low = pairs[:, 0], pairs[:, 1]
        read = np.where((high < 16) & (low < 16), (high << 4) | low, _NOTHING).astype(np.uint8)
        yield Reading(
            form=f"{given.form} hex".strip(), data=read.tobytes(), place=lambda at, s=start: given.place(s + 2 * at)
        )


def _base64(given: Reading) -> Iterator[Reading]:
    """Groups of four base64 letters, standard or for URLs, from all four places a group can start at."""
    letters = _SEXTET[np.frombuffer(given.data + b"\n\n\n", np.uint8)]  # the last group may be short of its padding
    for start in range(4):
        groups = letters[start : start + (len(letters) - start) // 4 * 4].reshape(-1, 4)
        read = np.empty((len(groups), 3), np.uint8)
        for column, (left, right) in enumerate(((2, 4), (4, 2), (6, 0))):
            first, second = groups[:, column], groups[:, column + 1]
            both = (first << left) | (second >> right)
            read[:, column] = np.where((first < 64) & (second < 64), both, _NOTHING)
        yield Reading(
            form=f"{given.form} base64".strip(),
            data=read.tobytes(),
            place=lambda at, s=start: given.place(s + at // 3 * 4),
        )


def _escape(match: re.Match[bytes]) -> bytes:
    units, byte, letter = match.groups()
    if units:
        return bytes.fromhex(units.replace(b"\\u", b"").decode()).decode("utf-16-be", "replace").encode()
    return bytes.fromhex(byte.decode()) if byte else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(letter, letter)


_MARKS: dict[str, tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]]] = {
    "percent": (re.compile(rb"%([0-9a-fA-F]{2})"), lambda m: bytes.fromhex(m[1].decode())),
    # JSON, and what Python's repr makes of bytes
    "escaped": (re.compile(rb"((?:\\u[0-9a-fA-F]{4})+)|\\x([0-9a-fA-F]{2})|\\([nrt\"'/\\])"), _escape),
    "entities": (
        re.compile(rb"&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});"),
        lambda m: html.unescape(m[0].decode()).encode(),
    ),
    "coloured": (re.compile(rb"\x1b\[[0-9;]*[A-Za-z]"), lambda _: b""),
    "defanged": (re.compile(rb"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)", re.IGNORECASE), lambda _: b"."),
    # long words on both sides of a line's end: hex or base64 in lines
    "folded": (re.compile(rb"(?<=[A-Za-z0-9+/_=-]{16})\r?\n(?=[A-Za-z0-9+/_-]{16})"), lambda _: b""),
}
"""Encodings whose marks stand between ordinary text: what they look like, and what they mean."""


def _windows(data: bytes, mark: re.Pattern[bytes]) -> list[tuple[int, int]]:
    """The parts within reach of a mark."""
    windows: list[tuple[int, int]] = []
    for match in mark.finditer(data):
        start, end = max(0, match.start() - REACH // 2), min(len(data), match.end() + REACH // 2)
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _undone(
    given: Reading,
    form: str,
    mark: re.Pattern[bytes],
    undo: Callable[[re.Match[bytes]], bytes],
    start: int,
    end: int,
) -> Reading:
    parts: list[bytes] = []
    here, there = [0], [start]  # where each part begins in the reading, and in the given bytes
    done = start
    for match in mark.finditer(given.data, start, end):
        for part, source in ((given.data[done : match.start()], match.start()), (undo(match), match.end())):
            parts.append(part)
            here.append(here[-1] + len(part))
            there.append(source)
        done = match.end()
    parts.append(given.data[done:end])

    def place(at: int) -> int:
        part = bisect_right(here, at) - 1
        limit = there[part + 1] - 1 if part + 1 < len(there) else end
        return given.place(min(there[part] + at - here[part], max(limit, there[part])))

    assert all(a <= b for a, b in pairwise(here))
    return Reading(form=form, data=b"".join(parts), place=place)
