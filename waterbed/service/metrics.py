"""The service's figures as Prometheus reads them."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from waterbed.crawler.probe.prober import HostFacts
from waterbed.model.version import __version__
from waterbed.store.backlog import ScheduleLag
from waterbed.study.condition import StudyGauges

Phase = Literal["starting", "looking", "waiting", "stopping"]
Why = Literal["", "store", "canary", "resolver", "clock", "lease", "closed", "input", "own"]
"""The cause of waiting; empty while it looks."""

STUCK_S = 120.0
"""An event loop without a tick for longer is stuck; a step that waits for the database may take a lease's time."""


@dataclass(slots=True, kw_only=True)
class State:
    """Phase, counts and the lag as last measured.

    Every field is a number, a fixed word or a time.
    """

    phase: Phase = "starting"
    why: Why = ""
    began: float = field(default_factory=monotonic)
    since: float = field(default_factory=monotonic)
    beat: float = field(default_factory=monotonic)
    passes: int = 0
    looks: int = 0
    in_flight: int = 0
    workers: int = 1
    """Processes that make passes, this one among them."""
    lag: ScheduleLag | None = None
    clock_skew_s: float | None = None
    study: Mapping[str, float] = field(default_factory=dict)
    """The study's state as last measured, by the names of metrics."""
    resolver_answers: bool | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def enter(self, phase: Phase, why: Why = "") -> None:
        """Begin a phase."""
        if (phase, why) != (self.phase, self.why):
            self.since = monotonic()
        self.phase, self.why = phase, why

    def count_looks(self, looks: int) -> None:
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
        """True if it works, even if late."""
        return self.status in ("ok", "late", "starting")

    def as_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, for log and /health."""
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
            "workers": self.workers,
            "due": lag and lag.due,
            "leased": lag and lag.leased,
            "overdue": lag and lag.overdue,
            "oldest_due_s": lag and lag.late_max_s,
            "late_p95_s": lag and lag.taken_p95_s,
            "due_an_hour": lag and lag.due_an_hour,
            "workers_needed": lag and lag.workers,
            "clock_skew_s": self.clock_skew_s,
            "version": __version__,
        }


_LATENESS_S = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)


Looked = tuple[str, str, float]
"""A recorded look: its phase, whether it was answered (yes or no), and how late it was, seconds."""


def looked(batch: Sequence[HostFacts]) -> list[Looked]:
    """The figures of recorded looks that are counted."""
    seen = [result.observations[0] for host in batch for result in host.answered]
    return [
        (
            look.phase,
            "no" if look.failure else "yes",
            max(0.0, (look.observed_at - look.scheduled_at).total_seconds()),
        )
        for look in seen
    ]


class Gauges:
    """One registry for one service.

    Every label is a fixed word.
    """

    def __init__(self, state: State) -> None:
        """Make all figures; they start at zero."""
        self._state = state
        self.registry = CollectorRegistry()
        here = self.registry
        Info("waterbed", "Version of Waterbed.", registry=here).info({"version": __version__})
        ProcessCollector(registry=here)
        self._looks = Counter("waterbed_looks", "Checks recorded.", ("phase", "answered"), registry=here)
        self._lateness = Histogram(
            "waterbed_look_lateness_seconds", "From due time to check.", buckets=_LATENESS_S, registry=here
        )
        self._passes = Counter("waterbed_passes", "Passes that ended.", ("outcome",), registry=here)
        self._waits = Counter("waterbed_waits", "Times that it had to wait.", ("why",), registry=here)
        self._unknown = Counter("waterbed_unknown", "Checks that decided nothing.", ("reason",), registry=here)
        self._chores = Counter("waterbed_chores", "Chores that ended.", ("chore", "outcome"), registry=here)
        self._chore_done = Gauge(
            "waterbed_chore_last_success_timestamp_seconds",
            "When a chore last succeeded; 0: never. Of those of one first word, the one that is most behind.",
            ("chore",),
            registry=here,
        )
        self._chore_every = Gauge(
            "waterbed_chore_interval_seconds", "How often that chore is wanted.", ("chore",), registry=here
        )
        self._study = StudyGauges(here)
        self._gauges = {
            name: Gauge(f"waterbed_{name}", meaning, registry=here)
            for name, meaning in (
                ("healthy", "1 while it checks, 0 while it waits, stops or is stuck."),
                ("in_flight", "Hosts being checked."),
                ("workers", "Processes that check."),
                ("clock_skew_seconds", "The database's clock less this machine's."),
                ("resolver_answers", "1 if the resolver answered when last asked, 0 if not; NaN: not asked yet."),
            )
        }

    def recorded(self, looks: Sequence[Looked]) -> None:
        """Count recorded looks."""
        for phase, answered, late_s in looks:
            self._looks.labels(phase=phase, answered=answered).inc()
            self._lateness.observe(late_s)

    def passed(self, outcome: str) -> None:
        """Count a pass."""
        self._passes.labels(outcome=outcome).inc()

    def waited(self, why: str) -> None:
        """Count a wait."""
        self._waits.labels(why=why).inc()

    def chore(self, chore: str, outcome: str) -> None:
        """Count a chore, by its first word."""
        self._chores.labels(chore=chore, outcome=outcome).inc()

    def undecided(self, reasons: Mapping[str, int]) -> None:
        """Count recorded looks that decide nothing, by reason."""
        for reason, number in reasons.items():
            self._unknown.labels(reason=reason).inc(number)

    def succeeded(self, chores: Iterable[tuple[str, float, float]]) -> None:
        """Take the first word, the time of the last success and the interval of each chore."""
        for chore, last, every_s in sorted(chores, key=lambda one: one[1] + one[2], reverse=True):
            self._chore_done.labels(chore=chore).set(last)
            self._chore_every.labels(chore=chore).set(every_s)

    def text(self) -> bytes:
        """Return all current figures in Prometheus's text format."""
        state = self._state
        known = {"healthy": float(state.healthy), "in_flight": state.in_flight, "workers": state.workers}
        if state.clock_skew_s is not None:
            known["clock_skew_seconds"] = state.clock_skew_s
        known["resolver_answers"] = float("nan" if state.resolver_answers is None else state.resolver_answers)
        for name, value in known.items():
            self._gauges[name].set(value)
        self._study.set(state.study)
        return generate_latest(self.registry)
