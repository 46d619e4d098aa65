"""Names that give now these addresses, now those: who comes back has not left."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RETURNS = 2
"""How often hosters must have come back soon until a URL counts as one that rotates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The hosters of one look that saw a URL up; `stretch` counts the confirmed absences before it."""

    when: datetime
    hosters: tuple[str, ...]
    stretch: int


class Rotation:
    """Tells one URL's leaving from its rotating, with all its looks in view.

    A hoster that is found again within `soon` has not left. Where that happened `RETURNS` times, the name rotates, and
    its hosters have `late` to come back: two places that are drawn anew for each look seem to be left now and then, and
    looks become rarer with time. A confirmed absence ends all waiting.
    """

    def __init__(self, looks: Sequence[Answered], *, soon: timedelta, late: timedelta) -> None:
        """Take the looks that saw the URL up, in time order."""
        self._found: dict[tuple[str, int], list[datetime]] = defaultdict(list)
        last: dict[tuple[str, int], int] = {}
        returns = 0
        for number, look in enumerate(looks):
            for hoster in look.hosters:
                key = hoster, look.stretch
                before = last.get(key)
                if before is not None and number > before + 1 and look.when - looks[before].when <= soon:
                    returns += 1
                last[key] = number
                self._found[key].append(look.when)
        self.rotates = returns >= RETURNS
        self._window = late if self.rotates else soon

    def stays(self, hoster: str, stretch: int, last_up: datetime, now: datetime) -> bool:
        """Whether a hoster that is missing since `last_up` has not left, as far as can be told."""
        found = self._found.get((hoster, stretch), [])
        place = bisect_right(found, last_up)
        if place < len(found):
            return found[place] - last_up <= self._window
        return self.rotates and now - last_up <= self._window
