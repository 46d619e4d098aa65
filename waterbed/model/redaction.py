"""Redaction of URLs and host names in texts."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

from waterbed.model.errors import BadUrl, InputError
from waterbed.model.urls import canonicalize, in_suffix_list

REDACTED = "[redacted]"

_REST = r"[^\s\"'<>]*+"
_URL = re.compile(rf"[a-z][\w+.*-]{{0,30}}+(?:\[?:\]?//|\[://\]|:\[//\]|%3a%2f%2f|:\\?/\\?/){_REST}", re.IGNORECASE)
"""Anything with a scheme: URLs with names or addresses, refanged or percent-encoded ones, database URLs."""

_LITERAL = re.compile(
    rf"(?<![\w.])(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\[[0-9a-f:.]{{2,45}}\])(?::\d{{1,5}})?/(?!\d{{1,3}}(?![\w./?&=%-])){_REST}",
    re.IGNORECASE,
)
"""An address with a path, a prefix like 192.0.2.0/24 aside: addresses by themselves are kept in the clear."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.*-]*:/", re.IGNORECASE)
"""How an address begins, also as a path, whose slashes are one."""

_DOT = r"(?:[.\u3002\uff0e\uff61]|\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|%2e)"
_NAME = re.compile(rf"(?<![\w-])[\w-]++(?:{_DOT}[\w-]++)++(?:(?=[:/?#]){_REST})?", re.IGNORECASE)
_PAGE = re.compile(r"[a-z0-9-]+\.md(?:#[a-z0-9-]*)?[:?]?")
"""A page that messages name, behind `docs/`: no name of Moldova."""
_IPV6 = re.compile(r"[0-9a-f]{0,4}:[0-9a-f:.]*(?:[0-9a-f]|::)", re.IGNORECASE)
_DOTTED = re.compile(_DOT, re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]*")

_SPACED = re.compile(rf"\s?(?:{_DOT}|\{{dot\}}|\sdot\s)\s?", re.IGNORECASE)
_LABELS = [
    re.compile(rf"(?<!{letter})(?<!-)(?:{letter}|-)++(?:\.(?:{letter}|-)++)++")
    for letter in (r"\w", r"[^\W_]", r"[A-Za-z0-9]")
]
"""Names as they stand in texts: with underscores, between such, and between letters of other scripts."""
_MOST_LABELS = 127
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_AUTHORITY = re.compile(r"(?:.*?/{2}\]?)?(?:[^/?#@]*@)?(\[[0-9a-f:.]+\]|[\w.]+)", re.IGNORECASE)


def redact(text: str) -> str:
    """The text with every URL and host name replaced.

    A host name is any name below a known public suffix. Rather too much than too little: file names like `a.py` look
    like names of Paraguay.
    """
    return _NAME.sub(_unless_harmless, _LITERAL.sub(REDACTED, _URL.sub(REDACTED, text)))


def redact_dotted(text: str) -> str:
    """The same for a text of a stranger.

    Addresses without a path and names that no list knows are replaced too, and with them whatever has a dot inside, but
    no page of ours.
    """
    return _NAME.sub(_unless_page, _IPV6.sub(_unless_time, redact(text)))


def names_something(text: str) -> bool:
    """True if a text seems to name an address.

    A URL, or a host name.
    """
    return redact(text) != text


def hosts_in(text: str) -> Iterator[str]:
    """Every host that a text may name, in canonical spelling.

    However `redact` knows it: defanged, percent-encoded, between underscores, in letters beyond ASCII; also what a
    longer name begins with. An address by itself is none, one in a URL is.
    """
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", _unescaped(text)))
    for form in {plain, _SPACED.sub(".", plain)}:
        for name in {one for labels in _LABELS for one in labels.findall(form)}:
            yield from _beginnings(name)
        for match in (*_URL.finditer(form), *_LITERAL.finditer(form)):
            host = _AUTHORITY.match(match[0].replace("[//]", "//").replace("\\", ""))
            if host and (spelled := _canonical(host[1], literal=True)):
                yield spelled


def _unescaped(text: str) -> str:
    """A text without percent-encoding and without escapes of letters, also of such."""
    for _ in range(3):
        text = unquote(_ESCAPED.sub(_letter, text))
    return text


def _letter(match: re.Match[str]) -> str:
    number = int(match[1] or match[2], 16)
    return chr(number) if number <= 0x10FFFF else match[0]


def _beginnings(name: str) -> Iterator[str]:
    """A name, and what it begins with that could be one, in canonical spelling."""
    before, *labels = name.strip("-").lower().split(".", _MOST_LABELS)
    for label in labels:
        for end in {label, *(_ends(label) if len(label) < 64 else ())} - {""}:
            if spelled := _canonical(f"{before}.{end}", literal=False):
                yield spelled
        before = f"{before}.{label}"


def _canonical(host: str, *, literal: bool) -> str | None:
    """A host in canonical spelling, None if it is none, or one of the other kind."""
    if host.isascii() and not literal:
        return None if host.rpartition(".")[2][0].isdigit() else host
    try:
        found = canonicalize(f"http://{host}/")
    except BadUrl:
        return None
    return found.host if found.literal == literal else None


def shown(text: str) -> str:
    """User text as messages can quote it.

    Text that looks like a URL or a host name is replaced.
    """
    return "[not shown]" if names_something(text) or len(text) > 100 else repr(text)


def refuse_address(place: object, what: str) -> None:
    """InputError for an address in place of a path.

    It is not repeated; `what` of this machine was expected.
    """
    if _ADDRESS.match(str(place)):
        raise InputError(
            f"an address was given where {what} of this machine was expected: download it first (docs/intake.md)"
        )


def place_told(place: Path) -> str:
    """A place as messages can name it.

    The first part of it that does not exist may be a host's name, given where a file was expected: it is not repeated.
    """
    for part in (*reversed(place.parents), place):
        if part.name and not os.path.lexists(part):
            return "[not shown]" if names_something(part.name) else str(place)
    return str(place)


def meant(text: str, known: Collection[str]) -> str:
    """The question whether a like known key was meant.

    It begins with a space; empty if it is like none, or a number.
    """
    spelled = {key.lower(): key for key in known}
    alike = [] if text[-1:].isdigit() else get_close_matches(text.lower(), spelled, 1, 0.7)
    return f" (did you mean {redact(spelled[alike[0]])}?)" if alike else ""


def _unless_page(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 6) : match.start()]
    return match[0] if before.lstrip(" (") == "docs/" and _PAGE.fullmatch(match[0]) else REDACTED


def _unless_time(match: re.Match[str]) -> str:
    try:
        ip_address(match[0])
    except ValueError:
        return match[0]
    return REDACTED


def _unless_harmless(match: re.Match[str]) -> str:
    if _unless_page(match) != REDACTED:
        return match[0]
    name = re.split(r"[:/?#]", match[0], maxsplit=1)[0]
    _, *labels = _DOTTED.sub(".", name).strip("-_").lower().split(".")
    ends = {end for label in labels if len(label) < 64 for end in _ends(label)}
    # `a.com.log` gives `a.com` away, and so do `a.com_1`, `a.com-x` and `a.com2`
    return REDACTED if any(in_suffix_list(f"a.b.{end}") for end in ends if end) else match[0]


def _ends(label: str) -> Iterable[str]:
    """What a label may begin with that ends a host name: its first letters; if encoded, any of its beginnings."""
    if label.startswith("xn--"):
        return (label[:end] for end in range(5, len(label) + 1))
    return [_LETTERS.match(label)[0]]  # type: ignore[index]  # it matches anything
