"""The refusal of an estimator to give a number."""

from waterbed.model.message import Message, Number, Refusal

__all__ = ["LEAST_CLUSTERS", "Refusal", "too_few"]

LEAST_CLUSTERS = 10
"""Fewer independent clusters than this on a side give no number."""


def too_few(clusters: int, count: Message, least: int = LEAST_CLUSTERS) -> Refusal | None:
    """Return a refusal if clusters are fewer than `least`; `count` says how many there are, and of what."""
    if clusters >= least:
        return None
    reason = Message.of("{found} where at least {least} are needed", found=count, least=Number(least))
    return Refusal(reason, "sites")
