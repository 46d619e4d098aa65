"""The refusal of an estimator to give a number."""

from dataclasses import dataclass

LEAST_CLUSTERS = 10
"""Fewer independent clusters than this on a side give no number."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, in one sentence, for giving no number."""

    reason: str


def too_few(clusters: int, what: str, least: int = LEAST_CLUSTERS) -> Refusal | None:
    """Return a refusal if clusters are fewer than `least`."""
    return None if clusters >= least else Refusal(f"{clusters} {what} where at least {least} are needed")
