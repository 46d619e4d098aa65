"""What an estimator answers when the data cannot carry a number."""

from dataclasses import dataclass

LEAST_CLUSTERS = 10
"""Fewer independent clusters than this on a side give no number."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No number, and one sentence that says why."""

    reason: str


def too_few(clusters: int, what: str, least: int = LEAST_CLUSTERS) -> Refusal | None:
    """A refusal where there are fewer clusters than `least`."""
    return None if clusters >= least else Refusal(f"{clusters} {what} where at least {least} are needed")
