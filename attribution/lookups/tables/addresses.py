"""Addresses as arrays of numbers. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packed:
    """Addresses as numbers, one a row.

    Three arrays of one length. `family` is 4, 6, or 0 for text that is no address; an IPv4 address is in `low` alone.
    An IPv4-mapped IPv6 address counts as the IPv4 address it stands for.
    """

    family: NDArray[np.uint8]
    high: Numbers
    low: Numbers

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.family)

    def taken(self, which: NDArray[np.int64]) -> "Packed":
        """Some of the rows, by position."""
        return Packed(family=self.family[which], high=self.high[which], low=self.low[which])


def pack(addresses: Sequence[str], *, mapped: bool = True) -> Packed:
    """Addresses from text, one a row.

    A scope id or any other text makes the row's family 0.
    With `mapped` false an IPv4-mapped address stays IPv6: a table's own range must not spill over into IPv4.
    """
    binary = list(map(_sixteen, addresses))
    family = np.fromiter((b[0] for b in binary), np.uint8, len(binary))
    pair = np.frombuffer(b"".join([b[1] for b in binary]), ">u8").astype(np.uint64).reshape(-1, 2)
    high, low = np.ascontiguousarray(pair[:, 0]), np.ascontiguousarray(pair[:, 1])
    if mapped:
        stands_for_v4 = (family == 6) & (high == 0) & (low >> np.uint64(32) == 0xFFFF)
        family[stands_for_v4] = 4
        low[stands_for_v4] &= np.uint64(0xFFFF_FFFF)
    return Packed(family=family, high=high, low=low)


_NONE = (0, bytes(16))
_BEFORE_V4 = bytes(12)


def _sixteen(text: str) -> tuple[int, bytes]:
    try:
        if ":" in text:
            return 6, inet_pton(AF_INET6, text)
        return 4, _BEFORE_V4 + inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return _NONE


def canonical(text: str) -> str | None:
    """The canonical form of an address; None if invalid."""
    family = AF_INET6 if ":" in text else AF_INET
    try:
        return inet_ntop(family, inet_pton(family, text))
    except (OSError, ValueError):
        return None
