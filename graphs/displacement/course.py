"""Periods long enough for their counts to be told."""

from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from waterbed.graphs.displacement.series import Series
from waterbed.model.formatter import Disclosure
from waterbed.model.results import Reading

TOGETHER: Final = (1, 2, 4, 7, 14)
"""How many declared periods are taken together, the least first."""
LEAST_BEFORE: Final = 8
"""Periods before an event at least, as in its file."""
ENOUGH: Final = 0.75
"""Part of the counts of target and controls that must be told."""


def lengthened(series: Series, reading: Reading, disclosure: Disclosure) -> Series:
    """Take declared periods together until enough counts can be told.

    The series itself if they can be told as they are, or if fewer than LEAST_BEFORE longer ones would stand before the
    event. Longer periods are the only ones that are published: two lengths would tell what lies between.
    """
    longer = series
    for factor in TOGETHER if disclosure.least > 1 else ():
        event = series.event
        before_periods, anticipation = event.before + event.anticipation, -(-event.anticipation // factor)
        changes = {
            "period_h": event.period_h * factor,
            "before": before_periods // factor - anticipation,
            "after": event.after // factor,
            "anticipation": anticipation,
        }
        if changes["before"] < LEAST_BEFORE or changes["after"] < 1:
            break
        longer = replace(series, event=msgspec.structs.replace(event, **changes)) if factor > 1 else series
        window = longer.window
        counts = longer.area_counts(reading)[window.first : window.event + window.after, :2]
        if np.mean((counts == 0) | (counts >= disclosure.least)) >= ENOUGH:
            break
    return longer
