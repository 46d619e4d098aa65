"""DNS rotation: hosters of one URL that come and go."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, lgamma
from typing import Final

from waterbed.graphs.runs import UNATTRIBUTED, Run

RETURNS: Final = 2
"""Returns of hosters from which on a URL counts as rotating."""
RARE: Final = 0.001
"""A gap that answers in random order show so rarely is a departure."""
LATE: Final = 0.05
"""One that they show so rarely before a hoster's first answer is an arrival: its clock would run from too early."""
FIRST_NAMED: Final = 72 * 3_600_000_000
"""Microseconds after the first answer from which on a hoster that is first named arrived, whatever the odds."""
ONE_ANSWER: Final = 900_000_000
"""Checks at the same hosters that are closer together share an answer of the resolver, microseconds."""


@dataclass(slots=True)
class _Own:
    """The answers that name one hoster: their numbers, and the times of their first and last checks."""

    numbers: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


class Rotation:
    """Separates one URL's departures from its DNS rotation.

    It sees all answers for the URL's name, also those of checks that found nothing. A hoster that is named again within
    `soon` has not left. Where that happened `RETURNS` times, the name's hosters have `late` to come back, for checks
    become rarer with time.

    However rare the checks: where a hoster came back after a gap that is usual for answers in random order, the name
    points to several, and none leaves by a gap that is usual for it. A URL that is up again after a confirmed absence
    begins anew. Times are microseconds.
    """

    def __init__(self, runs: Iterable[Run], *, soon: int, late: int) -> None:
        """Take all runs of the URL, in time order."""
        self._own: dict[tuple[str, int], _Own] = defaultdict(_Own)
        self._answers: dict[int, list[int]] = defaultdict(list)
        """When answers came, by the number of confirmed absences before the URL was up."""
        self._gone: dict[int, int] = {}
        """When it was found gone after that."""
        absences = stretch = 0
        previous: tuple[int, Sequence[str]] | None = None
        for run in runs:
            if run.down:
                self._gone.setdefault(stretch, int(run.at[0]))
                absences += 1
            elif run.state == "up" and run.answered:
                stretch = absences
            if run.answered:
                self._take(run, stretch, same=previous == (stretch, run.hosters))
                previous = stretch, run.hosters
        quick = usual = 0
        for (_, stretch), hoster_answers in self._own.items():
            for last, back in pairwise(range(len(hoster_answers.numbers))):
                gap = hoster_answers.numbers[back] - hoster_answers.numbers[last] - 1
                if gap:
                    is_quick = hoster_answers.begins[back] - hoster_answers.ends[last] <= soon
                    quick += is_quick
                    usual += is_quick or self._is_usual(hoster_answers, stretch, gap)
        self._quick = quick >= RETURNS
        self._window = late if self._quick else soon
        self._several = usual > 0
        self._named: dict[int, list[_Own]] = defaultdict(list)
        """The answers of each hoster, by the same number."""
        for (_, stretch), hoster_answers in self._own.items():
            self._named[stretch].append(hoster_answers)
        self.rotates = usual >= RETURNS
        """True if the name points to several hosters by turns."""

    def _take(self, run: Run, stretch: int, *, same: bool) -> None:
        """Take the answers of a run; `same` as the hosters of the answer before."""
        answers = self._answers[stretch]
        named = [self._own[hoster, stretch] for hoster in run.hosters or (UNATTRIBUTED,)]
        for when in run.at:
            if same and when - answers[-1] < ONE_ANSWER:
                for hoster_answers in named:
                    hoster_answers.ends[-1] = int(when)
                continue
            for hoster_answers in named:
                hoster_answers.numbers.append(len(answers))
                hoster_answers.begins.append(int(when))
                hoster_answers.ends.append(int(when))
            answers.append(int(when))
            same = True

    def remains(self, hoster: str, stretch: int, now: int) -> bool:
        """True if a hoster that is missing now, after so many confirmed absences, has not left.

        As far as the checks tell.
        """
        hoster_answers, place = self._before(hoster, stretch, now)
        returns = place + 1 < len(hoster_answers.begins)
        back = hoster_answers.begins[place + 1] if returns else now
        if (returns or self._quick) and back - hoster_answers.ends[place] <= self._window:
            return True
        return self._several and self._is_usual(
            hoster_answers, stretch, len(self._without(hoster_answers, stretch, place))
        )

    def from_start(self, hoster: str, stretch: int, now: int) -> bool:
        """True if a hoster that is first named now, after so many confirmed absences, was there before.

        The name rotates, one that the first answer named is named again later, and a gap as long as that before its own
        first answer is no wonder. Nor is it longer than `FIRST_NAMED`: of one that is named once, nearly any gap is no
        wonder, and the owner of a name chooses when it is.
        """
        hoster_answers, place = self._before(hoster, stretch, now)
        first, answers = hoster_answers.numbers[0], self._answers[stretch]
        if hoster_answers.begins[0] - answers[0] > FIRST_NAMED:
            return False
        is_accompanied = any(not other.numbers[0] and first < other.numbers[-1] for other in self._named[stretch])
        return (
            self.rotates
            and not place
            and is_accompanied
            and _odds(first, len(hoster_answers.numbers), len(answers)) >= LATE
        )

    def gone_by(self, hoster: str, stretch: int, missing_since: int, now: int) -> int:
        """The time by which a hoster that does not remain had left.

        That of the first check without it, unless the name points to several: it may have been there for as long as its
        gap was usual, and until the URL was gone.
        """
        if not self._several:
            return missing_since
        hoster_answers, place = self._before(hoster, stretch, now)
        without, answers = self._without(hoster_answers, stretch, place), self._answers[stretch]
        gap = bisect_left(
            range(1, len(without)), True, key=lambda gap: not self._is_usual(hoster_answers, stretch, gap)
        )
        by = answers[without[gap]]
        return max(missing_since, min(by, self._gone.get(stretch, by)))

    def _before(self, hoster: str, stretch: int, now: int) -> tuple[_Own, int]:
        """The answers of a hoster, and the place of its last one up to now among them."""
        hoster_answers = self._own[hoster, stretch]
        return hoster_answers, bisect_right(hoster_answers.begins, now) - 1

    def _without(self, own: _Own, stretch: int, place: int) -> range:
        """The answers between one of a hoster and its next, or the end."""
        end = own.numbers[place + 1] if place + 1 < len(own.numbers) else len(self._answers[stretch])
        return range(own.numbers[place] + 1, end)

    def _is_usual(self, hoster_answers: _Own, stretch: int, gap: int) -> bool:
        """True if a hoster's gap of so many answers is no wonder while the name points to it.

        Of `count` answers from its first one on, `named` are its own. By Laplace's rule of succession, so many others
        follow one of them with probability C(count - gap, named) / C(count, named) (Feller 1968, V.2: any share of the
        answers is as likely); each of its gaps may be as long.
        """
        named, count = len(hoster_answers.numbers), len(self._answers[stretch]) - hoster_answers.numbers[0]
        return named * _odds(gap, named, count) >= RARE


def _odds(gap: int, named: int, count: int) -> float:
    """The chance that the first `gap` of `count` answers in random order are none of `named`."""
    odds = lgamma(count - gap + 1) - lgamma(count - gap - named + 1)
    return exp(odds - lgamma(count + 1) + lgamma(count - named + 1))
