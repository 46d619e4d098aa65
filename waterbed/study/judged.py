"""Judged and attributed looks, as numbers.

Single looks are made when asked for.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from msgspec.structs import asdict

from graphs.runs import Run
from waterbed.judging.columns import NOTHING, Array, mixed
from waterbed.judging.confirmation import STATES
from waterbed.judging.mass_flips import NOT_SEEN, GuardLooks
from waterbed.judging.quarantines import Faults, GuardRules
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution, State, Verdict
from waterbed.model.urls import network_of
from waterbed.store.config import Config
from waterbed.study.looks import Looks


def states_of(looks: Looks, verdicts: Array) -> Array:
    """The number of each look's state."""
    of_verdicts: Array = np.array([STATES.index(one.state) for one in looks.walk.verdicts] or [0], np.int8)
    return of_verdicts[verdicts]


def guard_rules(config: Config) -> GuardRules:
    """Return the settings' rules of suspect cycles and deliveries."""
    return GuardRules(**asdict(config.cycle_guard))


def guard_looks(
    looks: Looks, verdicts: Array, attributed: Array, made: Sequence[Attribution]
) -> tuple[GuardLooks, list[tuple[str, ...]], list[str]]:
    """Looks for the guard, sets of hosters, and prefixes."""
    columns = looks.columns
    sets: dict[tuple[str, ...], int] = {(): 0}
    of_made = np.array([*(sets.setdefault(one.hosters, len(sets)) for one in made), 0], np.int32)
    prefixes: dict[str, int] = {}
    of_address = [prefixes.setdefault(network_of(address), len(prefixes)) for address in looks.coder.address.values]
    unseen = np.array([one.outcome in NOT_SEEN for one in looks.walk.verdicts] or [False], bool)
    guarded = GuardLooks(
        url=columns.url,
        at=columns.at,
        state=states_of(looks, verdicts),
        unseen=unseen[verdicts],
        hosters=of_made[attributed],
        prefix=np.array([*of_address, NOTHING], np.int32)[columns.address],
        site=looks.sites[columns.url] if len(looks.sites) else columns.url,
    )
    return guarded, list(sets), list(prefixes)


def faults_of(looks: Looks, verdicts: Array, failed: Mapping[str, Mapping[int, bool]], rules: GuardRules) -> Faults:
    """Sites looked at in cycles with a failed canary.

    And those of them with an `our_fault` look.
    """
    columns, found = looks.columns, {}
    ours = np.array([one.outcome == "our_fault" for one in looks.walk.verdicts] or [False], bool)
    cycles = columns.at // int(rules.cycle_s * 1_000_000)
    for vantage, its in failed.items():
        bad = [cycle for cycle, is_failed in its.items() if is_failed]
        if not bad or vantage not in looks.coder.vantages.values:
            continue
        number = looks.coder.vantages.values.index(vantage)
        rows = np.flatnonzero((columns.vantage == number) & np.isin(cycles, bad))
        for cycle in np.unique(cycles[rows]).tolist():
            mine = rows[cycles[rows] == cycle]
            sites = looks.sites[columns.url[mine]]
            found[vantage, cycle] = set(sites.tolist()), set(sites[ours[verdicts[mine]]].tolist())
    return found


@dataclass(slots=True, kw_only=True)
class Judged:
    """All looks with their final verdicts and attributions, by number.

    `down` holds for confirmed absences alone. Where a name is parked nobody is named: its addresses are those of the
    parking service, which never held the content.
    """

    looks: Looks
    verdicts: Array
    attributed: Array
    made: Sequence[Attribution]
    down: Array

    def attribution(self, place: int) -> Attribution | None:
        """The attribution of one check.

        None if the name gave no address.
        """
        number = int(self.attributed[place])
        if number == NOTHING:
            return None
        return replace(self.made[number], day=moment(int(self.looks.columns.at[place])))

    def runs(self) -> Iterator[tuple[int, list[Run]]]:
        """The runs of each URL, by its place.

        Only URLs that were looked at.
        """
        looks, walk = self.looks, self.looks.walk
        if not len(looks):
            return
        columns = looks.columns
        parked = np.array([one.cause == "name" for one in walk.verdicts], bool)
        answers = np.where(parked[self.verdicts], NOTHING, self.attributed)
        sets: dict[tuple[str, ...], int] = {}
        of_made = np.array([*(sets.setdefault(one.hosters, len(sets)) for one in self.made), NOTHING], np.int32)
        hosters = of_made[answers]
        changed = columns.url[1:] != columns.url[:-1]
        for column in (self.verdicts, self.down, hosters):
            changed |= column[1:] != column[:-1]
        starts = np.flatnonzero(np.concatenate(([True], changed)))
        ends = np.append(starts[1:], len(looks))
        names = list(sets)
        url = int(columns.url[0])
        own: list[Run] = []
        rows = zip(
            *(column.tolist() for column in (columns.url[starts], starts, ends, self.verdicts[starts])),
            *(column.tolist() for column in (self.down[starts], hosters[starts])),
            strict=True,
        )
        for of_url, start, end, verdict, down, keys in rows:
            if of_url != url:
                yield url, own
                url, own = of_url, []
            told = walk.verdicts[verdict]
            own.append(
                Run(
                    state=told.state,
                    cause=told.cause,
                    down=down,
                    answered=keys != NOTHING,
                    hosters=() if keys == NOTHING else names[keys],
                    at=columns.at[start:end],
                    answer=partial(self._answer, start),
                    answers=partial(self._answers, start),
                )
            )
        yield url, own

    def _answer(self, start: int, nth: int) -> Attribution:
        return self.made[int(self.attributed[start + nth])]

    def _answers(self, start: int, first: int, last: int) -> list[Attribution]:
        numbers = self.attributed[start + first : start + last].tolist()
        return [self.made[number] for number in dict.fromkeys(numbers)]

    def outcomes(self) -> Counter[tuple[str, State]]:
        """Numbers of looks by outcome, first seen first.

        By outcome and state.
        """
        found: Counter[tuple[str, State]] = Counter()
        for number, looks in _counted(self.verdicts):
            told = self.looks.walk.verdicts[number]
            found[told.outcome, told.state] += looks
        return found

    def answers(self) -> Counter[int]:
        """Numbers of looks by attribution, first seen first.

        By its place in `made`.
        """
        return Counter({number: looks for number, looks in _counted(self.attributed) if number != NOTHING})

    def told_of(self) -> list[tuple[Verdict, Attribution | None, int]]:
        """Numbers of looks by verdict and attribution.

        The first seen first.
        Verdicts are without look, URL and time.
        """
        first, number = mixed([self.verdicts, self.attributed])
        looks = np.bincount(number, minlength=len(first))
        return [
            (
                self.looks.walk.verdicts[int(self.verdicts[at])],
                None if self.attributed[at] == NOTHING else self.made[int(self.attributed[at])],
                int(looks[place]),
            )
            for place in np.argsort(first, kind="stable").tolist()
            for at in [int(first[place])]
        ]

    def beside(self, other: "Judged") -> list[tuple[str, Attribution | None, Attribution | None]]:
        """The distinct pairs of attributions by two attributors.

        Of each URL's looks.
        """
        first, _ = mixed([self.looks.columns.url, self.attributed, other.attributed])
        return [
            (
                self.looks.urls[int(self.looks.columns.url[at])],
                None if self.attributed[at] == NOTHING else self.made[int(self.attributed[at])],
                None if other.attributed[at] == NOTHING else other.made[int(other.attributed[at])],
            )
            for at in np.sort(first).tolist()
        ]


def _counted(numbers: Array) -> Iterator[tuple[int, int]]:
    """Each number with its times, the first seen first."""
    found, first, times = np.unique(numbers, return_index=True, return_counts=True)
    order = np.argsort(first)
    return zip(found[order].tolist(), times[order].tolist(), strict=True)


def verdicts_in(looks: Looks, verdicts: Array, places: slice) -> list[Verdict]:
    """The verdicts on some looks, one by one."""
    columns, told = looks.columns, looks.walk.verdicts
    return [
        replace(told[number], observation_id=look, url_id=looks.urls[url], observed_at=moment(at))
        for number, look, url, at in zip(
            verdicts[places].tolist(),
            columns.id[places.start : places.stop].to_pylist(),
            columns.url[places].tolist(),
            columns.at[places].tolist(),
            strict=True,
        )
    ]
