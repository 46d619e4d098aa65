"""The service's figures as Prometheus reads them."""

from collections.abc import Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from crawler.probe.look import HostFacts
from waterbed.service.state import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENESS_S = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)


class Gauges:
    """One registry for one service; no label is anything but a word of ours."""

    def __init__(self, state: State) -> None:
        """Make all figures; they start at zero."""
        self._state = state
        self.registry = CollectorRegistry()
        here = self.registry
        Info("waterbed", "Version of Waterbed.", registry=here).info({"version": version("waterbed")})
        ProcessCollector(registry=here)
        self._looks = Counter("waterbed_looks", "Looks recorded.", ("phase", "answered"), registry=here)
        self._lateness = Histogram(
            "waterbed_look_lateness_seconds", "From due time to look.", buckets=_LATENESS_S, registry=here
        )
        self._passes = Counter("waterbed_passes", "Passes that ended.", ("outcome",), registry=here)
        self._waits = Counter("waterbed_waits", "Times that it had to wait.", ("why",), registry=here)
        self._chores = Counter("waterbed_chores", "Chores that ended.", ("chore", "outcome"), registry=here)
        self._gauges = {
            name: Gauge(f"waterbed_{name}", meaning, registry=here)
            for name, meaning in (
                ("healthy", "1 while it looks, 0 while it waits, stops or is stuck."),
                ("in_flight", "Hosts being looked at."),
                ("due", "Looks that are due."),
                ("leased", "Due looks that runs hold."),
                ("overdue", "Looks due for longer than schedule.late_s."),
                ("oldest_due_seconds", "How long the oldest due look has been due."),
                ("due_next_hour", "Looks that fall due within an hour."),
                ("worker_looks_per_second", "Looks a second of one worker."),
                ("workers_needed", "Workers that keep up with what falls due."),
                ("clock_skew_seconds", "The database's clock less this machine's."),
            )
        }

    def recorded(self, batch: Sequence[HostFacts]) -> int:
        """Count recorded looks; how many they were."""
        looks = 0
        for done in batch:
            for looked in done.answered:
                seen = looked.seen[0]
                looks += 1
                self._looks.labels(phase=seen.phase, answered="no" if seen.failure else "yes").inc()
                self._lateness.observe(max(0.0, (seen.observed_at - seen.scheduled_at).total_seconds()))
        return looks

    def passed(self, outcome: str) -> None:
        """Count a pass."""
        self._passes.labels(outcome=outcome).inc()

    def waited(self, why: str) -> None:
        """Count a wait."""
        self._waits.labels(why=why).inc()

    def chore(self, chore: str, outcome: str) -> None:
        """Count a chore, by its first word."""
        self._chores.labels(chore=chore, outcome=outcome).inc()

    def text(self) -> bytes:
        """All figures as of now, in Prometheus's text format."""
        state, lag = self._state, self._state.lag
        known = {"healthy": float(state.healthy), "in_flight": state.in_flight}
        if lag:
            known |= {
                "due": lag.due,
                "leased": lag.leased,
                "overdue": lag.overdue,
                "oldest_due_seconds": lag.late_max_s or 0.0,
                "due_next_hour": lag.due_an_hour,
                "worker_looks_per_second": float("nan") if lag.rate is None else lag.rate,
                "workers_needed": float("nan") if lag.workers is None else lag.workers,
            }
        if state.clock_skew_s is not None:
            known["clock_skew_seconds"] = state.clock_skew_s
        for name, value in known.items():
            self._gauges[name].set(value)
        return generate_latest(self.registry)
