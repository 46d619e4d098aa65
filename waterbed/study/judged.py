"""Judged and attributed looks, as numbers.

Single looks are made when asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from graphs.episodes import Run, Sighting
from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.confirmation import STATES
from waterbed.judging.mass_flips import NOT_SEEN, GuardLooks
from waterbed.judging.quarantines import Faults, GuardRules
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.model.urls import network_of
from waterbed.study.looks import Looks


def states_of(looks: Looks, verdicts: Array) -> Array:
    """The number of each look's state."""
    of_verdicts: Array = np.array([STATES.index(one.state) for one in looks.walk.verdicts] or [0], np.int8)
    return of_verdicts[verdicts]


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

    def sightings(self, url: int) -> list[Sighting]:
        """The checks of one URL, one by one."""
        of_url = self.looks.of_url(url)
        return [
            Sighting(verdict=verdict, down=bool(self.down[place]), attribution=self.shown(place))
            for place, verdict in zip(
                range(of_url.start, of_url.stop), verdicts_in(self.looks, self.verdicts, of_url), strict=True
            )
        ]

    def shown(self, place: int) -> Attribution | None:
        """The attribution shown for one check."""
        if self.looks.walk.verdicts[self.verdicts[place]].cause == "name":
            return None
        return self.attribution(place)

    def attribution(self, place: int) -> Attribution | None:
        """The attribution of one check.

        None if the name gave no address.
        """
        number = int(self.attributed[place])
        if number == NOTHING:
            return None
        return replace(self.made[number], day=moment(int(self.looks.columns.at[place])))

    def runs(self) -> Iterator[tuple[int, list[Run]]]:
        """The runs of each URL that was looked at."""
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
                )
            )
        yield url, own

    def _answer(self, start: int, nth: int) -> Attribution:
        return self.made[int(self.attributed[start + nth])]


class Sightings(Mapping[str, list[Sighting]]):
    """The checks of each URL, made when asked for."""

    def __init__(self, judged: Judged) -> None:
        """Take all judged looks."""
        self._judged = judged
        looks = judged.looks
        seen = np.flatnonzero(np.diff(looks.starts)).tolist()
        self._numbers = {looks.urls[number]: number for number in seen}

    def __getitem__(self, url_id: str) -> list[Sighting]:
        """The checks of a URL; KeyError if it was never looked at."""
        return self._judged.sightings(self._numbers[url_id])

    def __len__(self) -> int:
        """The number of URLs that were looked at."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        """The URLs that were looked at."""
        return iter(self._numbers)


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
