"""MMDB files: networks with AS, country or use."""

import io
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import maxminddb
import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers, Packed
from attribution.lookups.tables.contents import (
    MAX_AS,
    SEE,
    FileRows,
    Gathered,
    Kind,
    country_number,
    plain_text,
    refuse,
    span,
)
from waterbed.model.errors import InputError

_SPARE = 1024
_DEPTHS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leaves:
    """Networks with a record: address, length and record.

    Addresses are in two words.
    """

    high: Numbers
    low: Numbers
    length: NDArray[np.uint8]
    record: NDArray[np.uint32]


def leaves_of(data: bytes, nodes: int, record_bits: int, ip_version: int) -> Leaves:
    """All networks of a tree that have a record.

    Those of IPv4 lie under ::/96 in a tree of IPv6.

    The IPv4 tree is often repeated under 6to4, Teredo and mapped prefixes; it is read once. Raises ValueError if this
    is no tree: if a way does not end within an address's bits, or parts are met again and again.
    """
    depth = _DEPTHS.get(ip_version, 0)
    if not depth or record_bits not in (24, 28, 32) or not 0 < nodes * record_bits // 4 <= len(data):
        raise ValueError("no tree")
    tree = np.frombuffer(data, np.uint8, nodes * (record_bits // 4)).reshape(nodes, -1)
    v4_root = _v4_root(tree, nodes) if depth == 128 else 0
    node, high, low = np.zeros(1, np.uint32), np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    parts: list[Leaves] = []
    met = 0
    for bit in range(depth):
        place = depth - 1 - bit
        child = _children(tree[node]).ravel()
        high, low = (np.repeat(word, 2) for word in (high, low))
        (high if place >= 64 else low)[1::2] |= np.uint64(1 << place % 64)
        leaf = child > nodes
        length = np.full(int(leaf.sum()), bit + 1, np.uint8)
        parts.append(Leaves(high=high[leaf], low=low[leaf], length=length, record=child[leaf]))
        inner = child < nodes
        if v4_root:
            inner &= (child != v4_root) | ((bit == 95) & (high == 0) & (low == 0))
        node, high, low = child[inner], high[inner], low[inner]
        met += len(node)
        if met > nodes + _SPARE:
            break
        if not len(node):
            return Leaves(
                high=np.concatenate([part.high for part in parts]),
                low=np.concatenate([part.low for part in parts]),
                length=np.concatenate([part.length for part in parts]),
                record=np.concatenate([part.record for part in parts]),
            )
    raise ValueError("no tree")


def _children(nodes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Both records of some nodes, shape (nodes, 2)."""
    size = nodes.shape[1] // 2  # whole bytes of a record: of 7 bytes, both share the one in the middle
    found = np.zeros((len(nodes), 2), np.uint32)
    for side, first in enumerate((0, nodes.shape[1] - size)):
        for at in range(first, first + size):
            found[:, side] = found[:, side] << np.uint32(8) | nodes[:, at]
    if nodes.shape[1] == 7:
        found[:, 0] |= (nodes[:, 3] >> 4).astype(np.uint32) << np.uint32(24)
        found[:, 1] |= (nodes[:, 3] & 15).astype(np.uint32) << np.uint32(24)
    return found


def _v4_root(tree: NDArray[np.uint8], nodes: int) -> int:
    """The node under ::/96, 0 if there is none."""
    node = 0
    for _ in range(96):
        node = int(_children(tree[node : node + 1])[0, 0])
        if node >= nodes:
            return 0
    return node


_MARK = b"\xab\xcd\xefMaxMind.com"
_MARK_WITHIN = 128 * 1024
_FLAGS = (
    "is_anonymous",
    "is_anonymous_proxy",
    "is_anonymous_vpn",
    "is_anycast",
    "is_hosting_provider",
    "is_public_proxy",
    "is_residential_proxy",
    "is_satellite_provider",
    "is_tor_exit_node",
)
_USER_TYPE = re.compile("[a-z][a-z_]{1,39}")
_DAMAGED = (
    maxminddb.InvalidDatabaseError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    OSError,
    RecursionError,
    struct.error,
)
"""Errors of the library on damaged files, and our own."""


def is_mmdb(data: bytes) -> bool:
    """True if a file ends with an MMDB marker section."""
    return _MARK in data[-_MARK_WITHIN:]


def read_mmdb(data: bytes, path: Path, wanted: Kind) -> FileRows:
    """The networks of an MMDB that carry what is wanted.

    The tree is walked here and each distinct record decoded once: the library's own iterator in C ends the process on
    some damaged files, the one in Python takes nine seconds for a million networks. Raises InputError if the file is
    damaged or no network carries what is wanted.
    """
    numbers = _Numbers(wanted)
    try:
        with maxminddb.open_database(io.BytesIO(data), maxminddb.MODE_FD) as reader:
            about = reader.metadata()
            built_at = datetime.fromtimestamp(about.build_epoch, UTC)
            leaves = leaves_of(data, about.node_count, about.record_size, about.ip_version)
            family, packed, length = _as_networks(leaves, about.ip_version)
            carried = _carried(reader, family, packed, leaves.record, numbers)
    except _DAMAGED:
        raise InputError(f"{path} is a damaged MMDB; fetch it again ({SEE})") from None
    _, which = np.unique(leaves.record, return_inverse=True)
    sizes = np.array([len(found) for found in carried], np.int64)
    if not sizes.any():
        refuse(path, f"an MMDB of type {_shown(about.database_type)}", wanted)
    first, last = span(packed, length)
    gathered = Gathered()
    for place in range(int(sizes.max())):  # each network's first number, then the second ones, ...
        number = np.array([found[place] if place < len(found) else 0 for found in carried], np.uint64)
        row = np.flatnonzero(sizes[which] > place)
        gathered.add(family[row], (first[0][row], first[1][row]), (last[0][row], last[1][row]), number[which[row]])
    v4, v6 = gathered.rows()
    return FileRows(
        form="mmdb",
        v4=v4,
        v6=v6,
        rows_v4=int((sizes[which[family == 4]] > 0).sum()),
        rows_v6=int((sizes[which[family == 6]] > 0).sum()),
        names=numbers.names,
        built_at=built_at,
    )


def _as_networks(leaves: Leaves, ip_version: int) -> tuple[NDArray[np.uint8], Packed, NDArray[np.uint8]]:
    """Family, address and prefix length of each network."""
    v4 = np.full(len(leaves.record), ip_version == 4)
    if ip_version == 6:
        v4 = (leaves.length >= 96) & (leaves.high == 0) & (leaves.low >> np.uint64(32) == 0)
    family = np.where(v4, 4, 6).astype(np.uint8)
    length = np.where(v4 & (ip_version == 6), leaves.length - np.uint8(96), leaves.length)
    return family, Packed(family=family, high=leaves.high, low=leaves.low), length


def _carried(
    reader: maxminddb.Reader,
    family: NDArray[np.uint8],
    packed: Packed,
    record: NDArray[np.uint32],
    numbers: "_Numbers",
) -> list[tuple[int, ...]]:
    """The numbers of each distinct record, in the order of the records."""
    _, where = np.unique(record, return_index=True)
    found = []
    for place in where.tolist():
        address = int(packed.high[place]) << 64 | int(packed.low[place])
        asked = IPv4Address(address) if family[place] == 4 else IPv6Address(address)
        found.append(numbers.of(reader.get(asked)))
    return found


class _Numbers:
    """The numbers that a record stands for, and names of numbers."""

    def __init__(self, wanted: Kind) -> None:
        self.names: dict[int, str] = {}
        self._tags: dict[str, int] = {}
        self.of = {"routes": self._origins, "places": self._countries, "hosting": self._tagged}[wanted]

    def _origins(self, record: Any) -> tuple[int, ...]:
        asn = _in(record, "autonomous_system_number")
        if not isinstance(asn, int) or not 0 < asn <= MAX_AS:
            return ()
        name = _in(record, "autonomous_system_organization")
        if isinstance(name, str) and asn not in self.names:
            self.names[asn] = plain_text(name)
        return (asn,)

    def _countries(self, record: Any) -> tuple[int, ...]:
        for names in (("country", "iso_code"), ("country_code",), ("registered_country", "iso_code")):
            code = _in(record, *names)
            if isinstance(code, str) and re.fullmatch("[A-Za-z]{2}", code):
                number = country_number(code.upper())
                return (number,) if number else ()
        return ()

    def _tagged(self, record: Any) -> tuple[int, ...]:
        tags: set[str] = set()
        for held in (record, _in(record, "traits")):
            tags.update(flag.removeprefix("is_") for flag in _FLAGS if _in(held, flag) is True)
            user_type = _in(held, "user_type")
            if isinstance(user_type, str) and _USER_TYPE.fullmatch(user_type):
                tags.add(f"user_type:{user_type}")
        for tag in tags - self._tags.keys():
            self._tags[tag] = len(self._tags) + 1
            self.names[self._tags[tag]] = tag
        return tuple(self._tags[tag] for tag in tags)


def _in(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _shown(text: object) -> str:
    return re.sub("[^A-Za-z0-9 ._-]", "?", str(text))[:60] or "none"
