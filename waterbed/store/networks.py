"""Networks reserved by locks on one file, on one machine."""

import fcntl
import os
import secrets
import struct
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final

NETWORKS: Final = "networks"
"""The file of the locks, among those of the runs."""
_PLACES: Final = 1 << 14
"""Places in the file; networks that share one are taken for one network."""
_MARK: Final = 8
"""Bytes of a mark."""
_FREE: Final = bytes(_MARK)


class NetworkLocks:
    """Reserves networks for one pass, by locks on a file.

    The kernel drops the locks when the process dies, however it dies. Whoever has a lock leaves a mark until it gives
    it back. So a network of a pass that died is known, and left alone for a pause more, since it may just have been
    asked. A pass that stands still keeps its locks: the next one takes a second lock on the network in its stead, once
    the same mark has stood for longer than any pass keeps a network that could still send a request.
    """

    def __init__(self, file: Path, place: Callable[[str], int], pause_s: float, patience_s: float) -> None:
        """Open the file, made if it is missing.

        `place` is a network's number: a keyed one, as locks can be listed by everybody on the machine. `pause_s` is the
        longest pause between two requests to a network, `patience_s` the longest time that a pass keeps one, with that
        after which a pass that stands still has lost its leases.
        """
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self._handle, 0, 2 * _PLACES * _MARK)  # no mark fails later for want of room
        except BaseException:
            os.close(self._handle)
            raise
        self._place, self._pause_s, self._patience_s = place, pause_s, patience_s
        self._held: dict[int, tuple[set[str], int]] = {}
        self._seen: dict[tuple[int, bool], tuple[bytes, float]] = {}
        self._marks = (b"%4s%4s" % (own, n.to_bytes(4, "big")) for own in [secrets.token_bytes(4)] for n in count(1))

    def claim(self, networks: Collection[str]) -> set[str]:
        """Reserve networks; return those that are held now."""
        return {network for network in networks if self._claimed(network)}

    def _claimed(self, network: str) -> bool:
        place = self._place(network) % _PLACES
        if place not in self._held:
            lock = self._taken(place)
            if lock is None:
                return False
            self._held[place] = (set(), lock)
        self._held[place][0].add(network)
        return True

    def _taken(self, place: int) -> int | None:
        """Take a place's lock while nobody has its second one, or the second one if the first's holder stands still."""
        second = place + _PLACES
        if self._take(place):
            if self._take(second):
                self._drop(second)
                return place
            self._drop(place)
        elif self._same_for(place, self._patience_s, locked=True) and self._take(second):
            return second
        return None

    def _take(self, place: int) -> bool:
        if not self._lock(fcntl.F_WRLCK, place):
            return False
        if self._mark(place) != _FREE and not self._same_for(place, self._pause_s, locked=False):
            self._lock(fcntl.F_UNLCK, place)
            return False
        self._seen.pop((place, True), None)
        self._seen.pop((place, False), None)
        os.pwrite(self._handle, next(self._marks), place * _MARK)
        return True

    def _same_for(self, place: int, seconds: float, *, locked: bool) -> bool:
        """True if one and the same mark has stood for so long, while the place was locked or was not."""
        mark, now = self._mark(place), monotonic()
        known = self._seen.get((place, locked))
        if known is None or known[0] != mark:
            self._seen[place, locked] = known = (mark, now)
        return now - known[1] >= seconds

    def _mark(self, place: int) -> bytes:
        return os.pread(self._handle, _MARK, place * _MARK).ljust(_MARK, b"\0")

    def give_back(self, networks: Collection[str]) -> None:
        """Let other passes reserve networks.

        Those that are not held are left out.
        """
        for network in networks:
            place = self._place(network) % _PLACES
            networks_there, lock = self._held.get(place, (set(), -1))
            networks_there.discard(network)
            if not networks_there and place in self._held:
                del self._held[place]
                self._drop(lock)

    def close(self) -> None:
        """Drop all locks.

        Others leave a network that was not given back alone for a pause.
        """
        os.close(self._handle)

    def _drop(self, place: int) -> None:
        os.pwrite(self._handle, _FREE, place * _MARK)
        self._lock(fcntl.F_UNLCK, place)

    def _lock(self, kind: int, place: int) -> bool:
        """Set or drop the lock of an open file on one place; False if another one has it."""
        # a lock of the file as it is open here, not of the process: two passes in one process exclude each other too
        wanted = struct.pack("hhqqi4x", kind, os.SEEK_SET, place * _MARK, _MARK, 0)
        try:
            fcntl.fcntl(self._handle, fcntl.F_OFD_SETLK, wanted)
        except BlockingIOError:
            return False
        return True
