"""Attributions of looks, each set of addresses once.

Once for each stretch of days in which nothing changes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np

from attribution.attribute import Attributor
from waterbed.judging.columns import NOTHING, Array, Columns, mixed
from waterbed.judging.walk import words
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution

_DAY_US = 86_400_000_000
_START = date(1970, 1, 1)


class Attributions:
    """Attributions by number; those of equal looks are one.

    An attribution has the day of the first look that it was made for.
    """

    def __init__(self, attributor: Attributor) -> None:
        """Start without any."""
        self.attributor = attributor
        self.made: list[Attribution] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._changes: dict[str, list[int]] = {}
        self._of_all = [_number(day) for day in attributor.changes]

    def numbers(
        self,
        columns: Columns,
        addresses: Sequence[str],
        tags: Sequence[str],
        suffixes: Sequence[str | None],
        origins: Mapping[int, Callable[[int], str | None]],
    ) -> Array:
        """The number of each look's attribution.

        `NOTHING` if its name gave no address.
        `addresses` and `tags` are the texts that the columns number, `suffixes` the platform suffix of each URL, and
        `origins` gives the reported address behind a proxy at a time, for each URL that has one.
        """
        found = np.full(len(columns), NOTHING, np.int32)
        rows = np.flatnonzero(columns.addresses != NOTHING)
        if not len(rows):
            return found
        origin = np.zeros(len(rows), np.int32)
        known_origins: list[str | None] = [None]
        for url, behind in origins.items():
            for place in np.flatnonzero(columns.url[rows] == url).tolist():
                address = behind(int(columns.at[rows[place]]))
                if address not in known_origins:
                    known_origins.append(address)
                origin[place] = known_origins.index(address)
        texts: dict[str | None, int] = {}
        suffix_of_url = np.array([texts.setdefault(suffix, len(texts)) for suffix in suffixes], np.int32)
        cdn = np.array([*("cdn" in words(text) for text in tags), False])[columns.tags[rows]]
        asked = [columns.addresses[rows], suffix_of_url[columns.url[rows]], cdn.astype(np.int8), origin]
        first, number = mixed(asked)
        days = columns.at[rows] // _DAY_US
        stretch = self._stretches(
            days,
            number,
            [self._changes_around(addresses[asked[0][at]], known_origins[origin[at]]) for at in first.tolist()],
        )
        first, number = mixed([number.astype(np.int32), stretch])
        self._prepare(first, columns.at[rows], asked[0], addresses)
        numbers = np.array(
            [
                self._number(
                    (
                        addresses[asked[0][at]],
                        suffixes[columns.url[rows[at]]],
                        bool(cdn[at]),
                        known_origins[origin[at]],
                        int(stretch[at]),
                    ),
                    int(columns.at[rows[at]]),
                )
                for at in first.tolist()
            ],
            np.int32,
        )
        found[rows] = numbers[number]
        return found

    def _prepare(self, first: Array, at: Array, numbers: Array, addresses: Sequence[str]) -> None:
        """Look up all addresses of the days between two changes at once."""
        stretches = np.searchsorted(np.array(self._of_all, np.int64), at[first] // _DAY_US, "right")
        for stretch in np.unique(stretches).tolist():
            mine = first[stretches == stretch]
            texts = {addresses[number] for number in np.unique(numbers[mine]).tolist()}
            self.attributor.prepare(sorted({one for text in texts for one in words(text)}), moment(int(at[mine[0]])))

    def _stretches(self, days: Array, asked: Array, changes: Sequence[Sequence[int]]) -> Array:
        """For each look, how many changes there were by its day, for all addresses and for its own."""
        stretch = np.searchsorted(np.array(self._of_all, np.int64), days, "right").astype(np.int64)
        if not any(changes):
            return stretch
        order = np.argsort(asked, kind="stable")
        bounds = np.searchsorted(asked[order], np.arange(len(changes) + 1))
        for number, own in enumerate(changes):
            if own:
                mine = order[bounds[number] : bounds[number + 1]]
                stretch[mine] += np.searchsorted(np.array(own, np.int64), days[mine], "right")
        return stretch

    def _changes_around(self, addresses: str, origin: str | None) -> list[int]:
        every = words(addresses) if origin is None else (*words(addresses), origin)
        own: set[int] = set()
        for address in every:
            if address not in self._changes:
                self._changes[address] = sorted(map(_number, self.attributor.changes_of(address)))
            own.update(self._changes[address])
        return sorted(own)

    def _number(self, asked: tuple[str, str | None, bool, str | None, int], at: int) -> int:
        known = self._numbers.get(asked)
        if known is None:
            addresses, suffix, behind_cdn, origin, _ = asked
            known = self._numbers[asked] = len(self.made)
            self.made.append(
                self.attributor.attribute(words(addresses), suffix, moment(at), origin, behind_cdn=behind_cdn)
            )
        return known


def _number(day: date) -> int:
    return (day - _START).days
