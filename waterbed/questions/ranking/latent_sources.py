"""The trait behind all sources of reports: a second opinion.

Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from waterbed.estimators.latent import latent_trait
from waterbed.estimators.refusal import Refusal
from waterbed.measures.ranking import UNKNOWN
from waterbed.model.conclusions import Size
from waterbed.model.message import Code, Message, Name, Number, joined
from waterbed.model.results import FeedRow


def with_latent(rows: Sequence[FeedRow], frame: Sequence[Size]) -> tuple[list[FeedRow], Message]:
    """The rows with the latent trait of their keys.

    With what each source tells of it, or why nothing is told.

    Over all of `frame` with routed IPv4, zeros included (`latent_trait`). The trait is 0 in the middle of all, with a
    standard deviation of 1; rows of keys without a size have none.
    """
    sized = [row for row in frame if row.key != UNKNOWN and row.announced_v4]
    if not sized:
        wanted = Message.of(
            "what sources have in common needs sizes: {command} ({see})",
            command=Code("waterbed tables add --kind routes"),
            see=Code("docs/ranking.md"),
        )
        return list(rows), wanted
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
    loadings = joined(
        *(
            Message.of(
                "{source} {loading} ({dispersion} of its own)",
                source=Name(source, public=True),
                loading=Number(loading, decimals=2),
                dispersion=Number(dispersion, decimals=2),
            )
            for source, loading, dispersion in zip(sources, found.loading, found.dispersion, strict=True)
            if np.isfinite(loading)
        ),
        by="comma",
    )
    common = Message.of("change of the log count by one unit of what all have in common: {loadings}", loadings=loadings)
    return shown, common
