"""What a running service knows of itself; the loop writes it, the endpoint's threads read it."""

from collections import deque
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic
from typing import Any, Literal

from waterbed.store.lag import ScheduleLag

Phase = Literal["starting", "looking", "waiting", "stopping"]
Why = Literal["", "store", "canary", "resolver", "clock", "lease", "input", "own"]
"""What is waited for; nothing while it looks."""

STUCK_S = 120.0
"""An event loop that was silent for longer is stuck; a step that waits for the database may take a lease's time."""


@dataclass(slots=True, kw_only=True)
class State:
    """Phase, counts and the lag as last measured. Every field is a number, a word of ours or a time."""

    phase: Phase = "starting"
    why: Why = ""
    began: float = field(default_factory=monotonic)
    since: float = field(default_factory=monotonic)
    beat: float = field(default_factory=monotonic)
    passes: int = 0
    looks: int = 0
    in_flight: int = 0
    lag: ScheduleLag | None = None
    clock_skew_s: float | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def enter(self, phase: Phase, why: Why = "") -> None:
        """Begin a phase."""
        if (phase, why) != (self.phase, self.why):
            self.since = monotonic()
        self.phase, self.why = phase, why

    def looked(self, looks: int) -> None:
        """Count recorded looks."""
        now = monotonic()
        self.looks += looks
        self._recent.append((now, looks))
        while self._recent and self._recent[0][0] < now - 60:
            self._recent.popleft()

    def last_minute(self) -> int:
        """Looks recorded in the last 60 seconds."""
        oldest = monotonic() - 60
        return sum(looks for when, looks in list(self._recent) if when >= oldest)

    @property
    def status(self) -> str:
        """In a word: ok, late, starting, waiting, stopping or stuck."""
        if monotonic() - self.beat > STUCK_S:
            return "stuck"
        if self.phase != "looking":
            return self.phase
        return "late" if self.lag and self.lag.overdue else "ok"

    @property
    def healthy(self) -> bool:
        """Whether it does what it should: it may be late, but it looks."""
        return self.status in ("ok", "late", "starting")

    def told(self) -> dict[str, Any]:
        """All of it as plain values, for the health line and /health."""
        lag = self.lag
        return {
            "status": self.status,
            "why": self.why,
            "since_s": round(monotonic() - self.since, 1),
            "up_s": round(monotonic() - self.began, 1),
            "passes": self.passes,
            "looks": self.looks,
            "looks_last_minute": self.last_minute(),
            "in_flight": self.in_flight,
            "due": lag and lag.due,
            "leased": lag and lag.leased,
            "overdue": lag and lag.overdue,
            "oldest_due_s": lag and lag.late_max_s,
            "late_p95_s": lag and lag.taken_p95_s,
            "due_an_hour": lag and lag.due_an_hour,
            "workers_needed": lag and lag.workers,
            "clock_skew_s": self.clock_skew_s,
            "version": version("waterbed"),
        }
