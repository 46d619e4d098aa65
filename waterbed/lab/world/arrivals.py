"""First reports of sites, and the number of their URLs."""

import numpy as np
import numpy.typing as npt

from waterbed.lab.world.file import FeedChange, Sites

Floats = npt.NDArray[np.float64]


def site_sizes(sites: Sites, uniform: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """URLs of sites, from numbers uniform in 0..1.

    Uniform between the two of `urls_per_site`, or Pareto, truncated there.
    """
    least, most = sites.urls_per_site
    u = np.asarray(uniform, dtype=float)
    if sites.tail:
        beyond = (least / (most + 1.0)) ** sites.tail
        drawn = least * (1.0 - u * (1.0 - beyond)) ** (-1.0 / sites.tail)
    else:
        drawn = least + u * (most + 1 - least)
    whole: npt.NDArray[np.int64] = np.clip(np.floor(drawn), least, most).astype(np.int64)
    return whole


def report_days(first: float, last: float, change: FeedChange | None, uniform: npt.ArrayLike) -> Floats:
    """Days of first reports, from numbers uniform in 0..1.

    Uniform from `first` to `last`; from a change of the feed on, `factor` times as dense as before.
    """
    u = np.asarray(uniform, dtype=float)
    if change is None or not first < change.day < last:
        return first + u * (last - first)
    before, after = change.day - first, change.factor * (last - change.day)
    x = u * (before + after)
    late = change.day + (x - before) / max(change.factor, 1e-12)
    return np.where(x <= before, first + x, late)
