"""DNS rotation: hosters of one URL that come and go."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from waterbed.graphs.runs import UNATTRIBUTED, Run

RETURNS = 2
"""Quick returns of hosters from which on a URL counts as rotating."""


class Rotation:
    """Separates one URL's departures from its DNS rotation.

    It sees all checks of the URL. A hoster that is found again within `soon` has not left. Where that happened
    `RETURNS` times, the name rotates, and its hosters have `late` to come back: two hosters that DNS chooses at random
    for each check seem to be left now and then, and checks become rarer with time. A confirmed absence ends the wait.
    Times are microseconds.
    """

    def __init__(self, runs: Iterable[Run], *, soon: int, late: int) -> None:
        """Take all runs of the URL, in time order."""
        self._seen_up: dict[tuple[str, int], list[int]] = defaultdict(list)
        last: dict[tuple[str, int], tuple[int, int]] = {}
        returns = number = stretch = 0
        for run in runs:
            if run.down:
                stretch += 1
            elif run.state == "up" and run.answered:
                here = run.hosters or (UNATTRIBUTED,)
                for when in run.at:
                    for hoster in here:
                        key = hoster, stretch
                        before = last.get(key)
                        if before is not None and number > before[0] + 1 and when - before[1] <= soon:
                            returns += 1
                        last[key] = number, when
                        self._seen_up[key].append(when)
                    number += 1
        self.rotates = returns >= RETURNS
        self._window = late if self.rotates else soon

    def remains(self, hoster: str, stretch: int, last_up: int, now: int) -> bool:
        """True if a hoster missing since `last_up` has not left.

        As far as the checks tell.
        """
        seen_up = self._seen_up.get((hoster, stretch), [])
        place = bisect_right(seen_up, last_up)
        if place < len(seen_up):
            return seen_up[place] - last_up <= self._window
        return self.rotates and now - last_up <= self._window
