"""The medium of a reported address.

The web, a gateway to IPFS, Tor, a chat or a live stream. Only the web has an address at which Waterbed can look.
"""

import re
from base64 import b32encode
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from waterbed.model.facts import Medium, Report
from waterbed.model.urls import CanonicalUrl

LOOKED_AT: Final = ("web", "ipfs")
"""Mediums whose addresses are looked at; others are counted, never asked for, and at no hoster."""

MEDIUM_WORDS: Final[Mapping[str, str]] = {"tor": "Tor and its like", "chat": "chats", "live": "live streams"}
"""Words for people of what is never looked at."""

_HIDDEN: Final = ("onion", "i2p", "loki")
"""Top-level names that no name server knows (RFC 7686 for the first)."""
_INVITES: Final = {
    "t.me": "/",
    "telegram.me": "/",
    "telegram.dog": "/",
    "discord.gg": "/",
    "discord.com": "/invite/",
    "discordapp.com": "/invite/",
    "chat.whatsapp.com": "/",
    "signal.group": "/",
    "join.skype.com": "/",
    "wire.com": "/join/",
    "matrix.to": "/",
}
"""Hosts and paths of invitations to chats, by the services' own documentation; checked 2026-11-27."""

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_V0: Final = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")
_V1: Final = re.compile(r"b[a-z2-7]{50,110}")
_PATH: Final = re.compile(r"/ipfs/([^/?#]+)(.*)", re.DOTALL)


def medium_of(canonical: CanonicalUrl, site_type: str | None = None, live: Collection[str] = ()) -> Medium:
    """The medium of an address.

    `live` are the reporter's words for live streams, lower case.
    """
    if canonical.host.rpartition(".")[2] in _HIDDEN:
        return "tor"
    if site_type is not None and site_type.lower() in live:
        return "live"
    host = canonical.host.removeprefix("www.")
    if host in _INVITES and canonical.target.startswith(_INVITES[host]) and canonical.target != "/":
        return "chat"
    return "ipfs" if ipfs_content(canonical) else "web"


def mediums_without_address(reports: Iterable[Report]) -> dict[str, Medium]:
    """Return the medium of each URL without an address.

    No report puts it on the web.
    """
    found: dict[str, Medium] = {}
    web: set[str] = set()
    for report in reports:
        if report.medium in LOOKED_AT:
            web.add(report.url_id)
        else:
            found[report.url_id] = report.medium
    return {url_id: medium for url_id, medium in found.items() if url_id not in web}


def ipfs_content(canonical: CanonicalUrl) -> str | None:
    """Return the content that a gateway to IPFS shows.

    Alike for all gateways: a content identifier (CID) in its version 1 and base 32, and the path below it; None for
    other addresses. Forms:
    https://GATEWAY/ipfs/CID/PATH and https://CID.ipfs.GATEWAY/PATH (specs.ipfs.tech, path and subdomain gateways).
    """
    label, _, rest = canonical.host.partition(".")
    path = canonical.target.partition("?")[0]
    if rest.startswith("ipfs.") and (cid := _version_1(label)):
        return f"{cid}{path.rstrip('/')}"
    if (found := _PATH.match(path)) and (cid := _version_1(found[1])):
        return f"{cid}{found[2].rstrip('/')}"
    return None


def _version_1(text: str) -> str | None:
    if _V1.fullmatch(text):
        return text
    if not _V0.fullmatch(text):
        return None
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    try:
        hashed = number.to_bytes(34, "big")
    except OverflowError:
        return None
    # version 1, the codec dag-pb, then the hash with its own head (github.com/multiformats/cid)
    return "b" + b32encode(b"\x01\x70" + hashed).decode().lower().rstrip("=") if hashed[:2] == b"\x12\x20" else None
