"""The search tree of an MMDB, walked a level at a time: which networks lead to which records."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.addresses import Numbers

_SPARE = 1024
_DEPTHS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leaves:
    """Networks that have a record: address in two words, length, and what the tree says there (one a record)."""

    high: Numbers
    low: Numbers
    length: NDArray[np.int64]
    record: NDArray[np.int64]


def leaves_of(data: bytes, nodes: int, record_bits: int, ip_version: int) -> Leaves:
    """All networks of a tree that have a record; those of IPv4 lie under ::/96 in a tree of IPv6.

    The IPv4 tree is often repeated under 6to4, Teredo and mapped prefixes; it is read once. Raises ValueError if this
    is no tree: if a way does not end within an address's bits, or parts are met again and again.
    """
    depth = _DEPTHS.get(ip_version, 0)
    if not depth or record_bits not in (24, 28, 32) or not 0 < nodes * record_bits // 4 <= len(data):
        raise ValueError("no tree")
    children = _children(data, nodes, record_bits)
    v4_root = _v4_root(children, nodes) if depth == 128 else 0
    node, high, low = np.zeros(1, np.int64), np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    parts: list[Leaves] = []
    met = 0
    for bit in range(depth):
        place = depth - 1 - bit
        child = children[node].ravel()
        high, low = (np.repeat(word, 2) for word in (high, low))
        (high if place >= 64 else low)[1::2] |= np.uint64(1 << place % 64)
        leaf = child > nodes
        parts.append(
            Leaves(high=high[leaf], low=low[leaf], length=np.full(int(leaf.sum()), bit + 1), record=child[leaf])
        )
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


def _children(data: bytes, nodes: int, record_bits: int) -> NDArray[np.int64]:
    """Both records of each node, shape (nodes, 2)."""
    size = record_bits // 4
    octets = np.frombuffer(data, np.uint8, nodes * size).reshape(nodes, size).astype(np.int64)
    if record_bits == 32:
        parts = octets.reshape(nodes, 2, 4)
        return parts[:, :, 0] << 24 | parts[:, :, 1] << 16 | parts[:, :, 2] << 8 | parts[:, :, 3]
    sides = octets[:, :3], octets[:, -3:]
    found = np.stack([side[:, 0] << 16 | side[:, 1] << 8 | side[:, 2] for side in sides], axis=1)
    if record_bits == 28:
        found[:, 0] |= (octets[:, 3] >> 4) << 24
        found[:, 1] |= (octets[:, 3] & 15) << 24
    return found


def _v4_root(children: NDArray[np.int64], nodes: int) -> int:
    """The node under ::/96, 0 if there is none."""
    node = 0
    for _ in range(96):
        node = int(children[node, 0])
        if node >= nodes:
            return 0
    return node
