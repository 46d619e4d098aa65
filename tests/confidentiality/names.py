"""Host names in all the forms in which they could hide in a file."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ahocorasick
import idna

from waterbed.model.canonical import registrable_domain

LONG = 10
"""Names of this length or more are searched in every form and without boundaries: chance does not spell them."""

SHORTEST = 4
"""Shorter names are left out: they would be found everywhere."""

LABEL = 8
"""Shortest second-level label that is searched; shorter ones are words."""

_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True, slots=True)
class Needle:
    """One form of one name; the name itself is only a number."""

    number: int
    kind: str
    form: str
    bounded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Where a name was found, without saying which."""

    file: str
    part: str
    offset: int
    kind: str
    form: str
    number: int


class Secrets:
    """Hosts, their registrable domains and their labels, ready to be searched."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Take host names; address literals are no names and are left out."""
        wanted = {host.lower().rstrip(".") for host in hosts}
        named = sorted(host for host in wanted if not _literal(host))
        sites = sorted({registrable_domain(host) for host in named} - set(named))
        labels = sorted({registrable_domain(host).partition(".")[0] for host in named})
        self.left_out = {
            "address literals": len(wanted) - len(named),
            "names shorter than 4": sum(len(name) < SHORTEST for name in (*named, *sites)),
            "labels shorter than 8": sum(len(label) < LABEL for label in labels),
            "found in the reference": 0,
        }
        self.names = [("host", name) for name in named if len(name) >= SHORTEST]
        self.names += [("site", name) for name in sites if len(name) >= SHORTEST]
        self.names += [("label", label) for label in labels if len(label) >= LABEL]
        self._automaton = self._made(self.names)

    def without(self, reference: Iterable[bytes]) -> None:
        """Leave out names that stand in public reference data: their presence tells nothing."""
        public = {hit.number for data in reference for hit in self.search(data, "", "") if hit.form == "plain"}
        self.left_out["found in the reference"] = len(public)
        self._automaton = self._made([n if at not in public else None for at, n in enumerate(self.names)])

    def _made(self, names: Iterable[tuple[str, str] | None]) -> ahocorasick.Automaton:
        automaton = ahocorasick.Automaton()
        for number, named in enumerate(names):
            if named is None:
                continue
            kind, name = named
            for form, data, bounded in _forms(kind, name):
                key = data.lower().decode("latin-1")
                known = automaton.get(key, None)
                if known is None:
                    automaton.add_word(key, (Needle(number, kind, form, bounded), len(key)))
        automaton.make_automaton()
        return automaton

    def search(self, data: bytes, file: str, part: str) -> Iterator[Hit]:
        """All occurrences of any name in some bytes."""
        if not len(self._automaton):
            return
        text = data.lower()
        for end, (needle, length) in self._automaton.iter(text.decode("latin-1")):
            start = end - length + 1
            if needle.bounded and not _stands_alone(text, start, end):
                continue
            yield Hit(file=file, part=part, offset=start, kind=needle.kind, form=needle.form, number=needle.number)


def _stands_alone(text: bytes, start: int, end: int) -> bool:
    before = text[start - 1] if start else 0
    after = text[end + 1] if end + 1 < len(text) else 0
    return before not in _NAME_BYTES and after not in _NAME_BYTES


def _literal(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _forms(kind: str, name: str) -> Iterator[tuple[str, bytes, bool]]:
    """Each form: its name, its bytes, whether it must stand alone."""
    plain = name.encode()
    if kind == "label" or len(name) < LONG:
        yield "plain", plain, True
        return
    yield "plain", plain, False
    yield "utf-16-le", name.encode("utf-16-le"), False
    yield "utf-16-be", name.encode("utf-16-be"), False
    yield "utf-32-le", name.encode("utf-32-le"), False
    yield "hex", plain.hex().encode(), False
    yield "percent, whole", "".join(f"%{byte:02x}" for byte in plain).encode(), False
    yield "percent, dots", name.replace(".", "%2e").encode(), False
    yield "dns wire", b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")), False
    for shift in range(3):
        for form in _base64(plain, shift):
            yield f"base64, shifted {shift}", form, False
    unicode = _unicode(name)
    if unicode:
        yield "idna", unicode.encode(), False
        yield "idna utf-16", unicode.encode("utf-16-le"), False


def _base64(plain: bytes, shift: int) -> set[bytes]:
    """The part of a base64 text that depends on these bytes alone."""
    whole = base64.b64encode(bytes(shift) + plain)
    first = (shift * 8 + 5) // 6
    last = (shift + len(plain)) * 8 // 6
    inner = whole[first:last]
    return {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}


def _unicode(name: str) -> str | None:
    if "xn--" not in name:
        return None
    try:
        return idna.decode(name)
    except idna.IDNAError:
        return None
