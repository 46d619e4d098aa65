"""Canonical members of hosters: ASes, registrants, ranges and suffixes."""

import hashlib
import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something, shown

MAX_AS = (1 << 32) - 1
SUFFIX = "suffix:"
"""Prefix of a platform suffix member."""

_SEE = "docs/hosters.md, Members"
_AS = re.compile(r"AS([1-9]\d{0,9})", re.IGNORECASE)
_HOLDER = re.compile(r"([a-z][a-z0-9-]{0,31}):([A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NO_REGISTRY = (SUFFIX[:-1], "http", "https", "hxxp", "hxxps", "ftp", "mailto")
"""Words before a colon that are not registries; names after them must not get into keys, files and the audit."""

_IN_HANDLE = re.compile(r"[^A-Z0-9._/-]+")
_LONGEST_HANDLE = 64
_UNKNOWN_AS = re.compile(r"AS([1-9]\d{0,9})")


def member_of(text: str) -> str:
    """The canonical form of a member.

    One of AS64500, registry:HANDLE, 192.0.2.0/24 or suffix:pages.example.

    InputError if it is none of these.
    """
    word = text.strip()
    if match := _AS.fullmatch(word):
        return as_member(int(match[1]))
    if word.lower().startswith(SUFFIX):
        return suffix_member(word[len(SUFFIX) :])
    if "/" in word and (word[:1].isdigit() or "::" in word or word.count(":") > 1):
        return prefix_member(word)
    return holder_member(word)


def as_member(asn: int) -> str:
    """The member that an AS number is."""
    if not 0 < asn <= MAX_AS:
        raise InputError(f"AS {asn} is not from 1 to {MAX_AS} ({_SEE})")
    return f"AS{asn}"


def holder_member(text: str) -> str:
    """The member of a registrant's handle.

    Registry in lower case, handle in upper case.
    """
    match = _HOLDER.fullmatch(text)
    if match is None or match[1].lower() in _NO_REGISTRY or names_something(match[2]):
        raise InputError(
            f"{shown(text)} is not a member such as AS64500, ripe:ORG-AB1-RIPE, 192.0.2.0/24 or a suffix ({_SEE})"
        )
    return f"{match[1].lower()}:{match[2].upper()}"


def holder_key(holder: str) -> str:
    """The key of an unclaimed registrant.

    Registry in lower case, handle in upper case.

    A registry may write anything: a handle that no key can have, with spaces say, gets hyphens and a mark of its own.
    So everybody can name it, and no two of them become one.
    """
    registry, _, handle = holder.partition(":")
    key = f"{registry.lower()}:{handle.upper()}"
    if _HOLDER.fullmatch(key):
        return key
    word = _IN_HANDLE.sub("-", handle.upper())[: _LONGEST_HANDLE - 9].strip("._/-") or "X"
    return f"{registry.lower()}:{word}-{hashlib.sha256(handle.upper().encode()).hexdigest()[:8].upper()}"


def prefix_member(text: str) -> str:
    """The member that a range of addresses is."""
    try:
        network = ip_network(text)
    except ValueError:
        raise InputError(
            f"{shown(text)} is not a range such as 192.0.2.0/24, without bits beyond its length ({_SEE})"
        ) from None
    if network.prefixlen == 0:
        raise InputError(f"{shown(text)} is every address there is; name a smaller range ({_SEE})")
    return str(network)


def suffix_member(suffix: str) -> str:
    """The member that a platform's suffix is."""
    if not _SUFFIX.fullmatch(suffix):
        raise InputError(f"suffix {shown(suffix)} is not like pages.example ({_SEE})")
    return f"{SUFFIX}{suffix}"


def is_key(text: str) -> bool:
    """True if a text can be an entity's key."""
    return _SLUG.fullmatch(text) is not None


def stands_alone(key: str) -> bool:
    """True for the key of an unclaimed AS or registrant.

    Such a member is its own hoster.
    """
    return _UNKNOWN_AS.fullmatch(key) is not None or _HOLDER.fullmatch(key) is not None


def as_of_key(key: str) -> int | None:
    """The AS number in an unclaimed AS's key, else None."""
    match = _UNKNOWN_AS.fullmatch(key)
    return int(match[1]) if match else None


def packed_address(address: str | bytes | IPv4Address | IPv6Address) -> tuple[int, int] | None:
    """IP version and number of an address, or None.

    Bytes are in network order, 4 or 16 of them. An IPv4-mapped IPv6 address is the IPv4 address it stands for.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return parsed.version, int(parsed)
