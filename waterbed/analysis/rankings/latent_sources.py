"""The trait behind all sources of reports: a second opinion.

Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from waterbed.analysis.rankings.ranking import UNKNOWN
from waterbed.estimators.latent import latent_trait
from waterbed.estimators.refusal import Refusal
from waterbed.model.conclusions import Size
from waterbed.model.results import FeedRow


def with_latent(rows: Sequence[FeedRow], frame: Sequence[Size]) -> tuple[list[FeedRow], str]:
    """The rows with the latent trait of their keys.

    With what each source tells of it, or why nothing is told.

    Over all of `frame` with routed IPv4, zeros included (`latent_trait`). The trait is 0 in the middle of all, with a
    standard deviation of 1; rows of keys without a size have none.
    """
    sized = [row for row in frame if row.key != UNKNOWN and row.announced_v4]
    if not sized:
        return list(
            rows
        ), "what sources have in common needs sizes: waterbed tables add --kind routes (docs/ranking.md)"
    sources = list(dict.fromkeys(row.source for row in rows))
    at = {row.key: number for number, row in enumerate(sized)}
    counts = np.zeros((len(sized), len(sources)))
    for row in rows:
        if row.key in at:
            counts[at[row.key], sources.index(row.source)] = row.hosts or 0
    found = latent_trait(counts, np.log([row.announced_v4 or 1 for row in sized]))
    if isinstance(found, Refusal):
        return list(rows), found.reason
    traits = np.round(np.column_stack([found.trait, found.low, found.high]), 6).tolist()
    ends = ("latent", "latent_low", "latent_high")
    shown = [
        replace(row, **dict(zip(ends, traits[at[row.key]], strict=True))) if row.key in at else row for row in rows
    ]
    told = (
        f"{source} {loading:.2f} ({dispersion:.2g} of its own)"
        for source, loading, dispersion in zip(sources, found.loading, found.dispersion, strict=True)
        if np.isfinite(loading)
    )
    return shown, f"change of the log count by one unit of what all have in common: {', '.join(told)}"
