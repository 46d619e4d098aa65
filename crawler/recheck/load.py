"""Measures how many looks a second a worker can take."""

from time import monotonic

_FEWEST_LOOKS = 100
"""Fewest looks that a rate is computed from."""


class Load:
    """Measures a worker's capacity.

    Counts looks, and seconds in which hosts wait for their turn: without waiting hosts the rate would measure the
    schedule.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.in_flight = 0
        self.waiting = 0
        self._since = 0.0
        self._seconds = 0.0
        self._looks = 0

    def wait(self, hosts: int) -> None:
        """Count hosts that wait for their turn."""
        if not self.waiting:
            self._since = monotonic()
        self.waiting += hosts

    def begins(self) -> None:
        """Count a host whose check begins."""
        self.waiting -= 1
        self.in_flight += 1
        if not self.waiting:
            self._seconds += monotonic() - self._since

    def ends(self, looks: int) -> None:
        """Count a host whose check has ended."""
        self.in_flight -= 1
        if self.waiting:
            self._looks += looks

    @property
    def rate(self) -> float | None:
        """Looks a second while hosts waited; None below 100 looks."""
        seconds = self._seconds + (monotonic() - self._since if self.waiting else 0.0)
        return self._looks / seconds if self._looks >= _FEWEST_LOOKS and seconds > 0 else None
