"""How many looks a second a pass takes while more wait than it may begin."""

from time import monotonic

_LEAST = 100
"""Looks without which a rate says nothing."""


class Load:
    """Counts looks and seconds in which hosts wait for their turn: what a worker can do, not what there was to do."""

    def __init__(self) -> None:
        """Nothing waits yet."""
        self.in_flight = 0
        self._waiting = 0
        self._since = 0.0
        self._seconds = 0.0
        self._looks = 0

    def waits(self) -> None:
        """A host waits for its turn."""
        if not self._waiting:
            self._since = monotonic()
        self._waiting += 1

    def begins(self) -> None:
        """A host has waited and is looked at."""
        self._waiting -= 1
        self.in_flight += 1
        if not self._waiting:
            self._seconds += monotonic() - self._since

    def ends(self, looks: int) -> None:
        """A host's looks are done."""
        self.in_flight -= 1
        if self._waiting:
            self._looks += looks

    @property
    def rate(self) -> float | None:
        """Looks a second while hosts waited; None if that were fewer than 100 looks."""
        seconds = self._seconds + (monotonic() - self._since if self._waiting else 0.0)
        return self._looks / seconds if self._looks >= _LEAST and seconds > 0 else None
