"""Whether our own network was healthy at a moment."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from waterbed.judging.features import Canary
from waterbed.model.facts import CanaryLook


class CanaryRecord:
    """What the canary saw over time, for one vantage."""

    def __init__(self, looks: Iterable[CanaryLook], *, within_s: float, need: float) -> None:
        """Take the canary looks of one vantage; a look is healthy if `need` of its targets answered."""
        ordered = sorted(looks, key=lambda look: look.observed_at)
        self._times = [look.observed_at for look in ordered]
        self._healthy = [look.targets > 0 and look.reached >= need * look.targets for look in ordered]
        self._within = timedelta(seconds=within_s)

    def at(self, moment: datetime) -> Canary:
        """`ok` if the nearest canary looks before and after were healthy.

        `failed` if one of them was not, `none` if there is none within reach on either side.
        """
        first = bisect_left(self._times, moment - self._within)
        last = bisect_right(self._times, moment + self._within)
        if first == last:
            return "none"
        at = bisect_right(self._times, moment)
        same = bisect_left(self._times, moment)
        near = self._healthy[max(first, min(same, at - 1)) : min(last, at + 1)]
        return "ok" if all(near) else "failed"
