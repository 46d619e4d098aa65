"""Attributions of looks, each set of addresses once.

Once for each stretch of days in which nothing changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeAlias

import numpy as np

from waterbed.attribution.addressees import ReportedOrigins
from waterbed.attribution.attribute import Attributor
from waterbed.judging.columns import NOTHING, Array, Numbered, mixed
from waterbed.judging.walk import words
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution
from waterbed.model.progress import stage
from waterbed.store.spool import Spool
from waterbed.study.looks import Block, Looks

_DAY_US = 86_400_000_000
_START = date(1970, 1, 1)


Asked: TypeAlias = tuple[list[str], list[str | None], list[bool], list[str | None]]
"""Columns: addresses, platform suffix, whether behind a CDN, and the reported address behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """The attributions of all looks, each of equal ones once."""

    made: Sequence[Attribution]
    asked: Asked
    """What each was made of, beside its day."""
    kept: Spool
    """The number of each look's attribution, by block."""

    def numbers(self, block: Block) -> Array:
        """The number of each look's attribution in a block."""
        found: Array = self.kept.get(block.number)["number"]
        return found


def attributed(
    looks: Looks, attributor: Attributor, suffixes: Sequence[str | None], origins: ReportedOrigins
) -> Attributed:
    """Attribute all looks, block by block.

    `suffixes` are the platform suffixes of all URLs, `origins` the reported addresses behind proxies.
    """
    numbered = {url_id: number for number, url_id in enumerate(looks.urls)} if origins.urls else {}
    behind = {numbered[url_id]: partial(_behind, origins, url_id) for url_id in origins.urls if url_id in numbered}
    made, kept = _Attributions(attributor, looks, suffixes, behind), Spool(looks.folder)
    with stage("checks attributed", len(looks)) as advance:
        for block in looks.blocks():
            kept.add(block.number, {"number": made.numbers(block)})
            advance(len(block))
    return Attributed(made=made.made, asked=made.asked, kept=kept)


def hosters_of(attributed: Attributed) -> set[str]:
    """The keys of all hosters in any attribution."""
    return {key for one in attributed.made for key in one.hosters}


def _behind(origins: ReportedOrigins, url_id: str, at: int) -> str | None:
    return origins.behind(url_id, moment(at))


class _Attributions:
    """Attributions by number; those of equal looks are one.

    An attribution has the day of the first look that it was made for.
    """

    def __init__(
        self,
        attributor: Attributor,
        looks: Looks,
        suffixes: Sequence[str | None],
        origins: Mapping[int, Callable[[int], str | None]],
    ) -> None:
        """Start without any.

        `suffixes` are the platform suffixes of all URLs, and `origins` gives the reported address behind a proxy at a
        time, for each URL that has one.
        """
        self.attributor = attributor
        self.made: list[Attribution] = []
        self.asked: Asked = ([], [], [], [])
        self._addresses, self._suffixes = looks.coder.addresses.values, suffixes
        texts: dict[str | None, int] = {}
        self._suffix_of_url = np.array([texts.setdefault(suffix, len(texts)) for suffix in suffixes], np.int32)
        self._cdn = np.array([*("cdn" in words(text) for text in looks.coder.tags.values), False])
        self._behind = origins
        self._with_origin = np.array(sorted(origins), np.int64)
        self._origins: Numbered[str | None] = Numbered()
        self._origins.number(None)
        self._numbers: dict[tuple[object, ...], int] = {}
        self._changes: dict[str, list[int]] = {}
        self._of_all = [_number(day) for day in attributor.changes]

    def numbers(self, block: Block) -> Array:
        """The number of each look's attribution.

        `NOTHING` if its name gave no address.
        """
        found = np.full(len(block), NOTHING, np.int32)
        rows = np.flatnonzero(block.addresses != NOTHING)
        if not len(rows):
            return found
        url, at, origin = block.url[rows], block.at[rows], np.zeros(len(rows), np.int32)
        for behind in self._with_origin[np.isin(self._with_origin, url)].tolist():
            for place in range(*np.searchsorted(url, [behind, behind + 1]).tolist()):
                origin[place] = self._origins.number(self._behind[behind](int(at[place])))
        cdn = self._cdn[block.tags[rows]]
        asked = [block.addresses[rows], self._suffix_of_url[url], cdn.astype(np.int8), origin]
        first, number = mixed(asked)
        known = [
            (self._addresses[address], self._suffixes[of_url], behind_cdn, self._origins.values[told])
            for address, of_url, behind_cdn, told in zip(
                *(column[first].tolist() for column in (asked[0], url, cdn, origin)), strict=True
            )
        ]
        days = at // _DAY_US
        stretch = self._stretches(days, number, [self._changes_around(one[0], one[3]) for one in known])
        of_first = number
        first, number = mixed([of_first.astype(np.int32), stretch])
        self._prepare(first, at, asked[0])
        numbers = [
            self._number((*known[asks], since), when)
            for asks, since, when in zip(*(column[first].tolist() for column in (of_first, stretch, at)), strict=True)
        ]
        found[rows] = np.array(numbers, np.int32)[number]
        return found

    def _prepare(self, first: Array, at: Array, numbers: Array) -> None:
        """Look up all addresses of the days between two changes at once."""
        stretches = np.searchsorted(np.array(self._of_all, np.int64), at[first] // _DAY_US, "right")
        for stretch in np.unique(stretches).tolist():
            mine = first[stretches == stretch]
            texts = {self._addresses[number] for number in np.unique(numbers[mine]).tolist()}
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
            sets, of_suffix, of_cdn, of_origin = self.asked
            sets.append(addresses)
            of_suffix.append(suffix)
            of_cdn.append(behind_cdn)
            of_origin.append(origin)
            self.made.append(
                self.attributor.attribute(words(addresses), suffix, moment(at), origin, behind_cdn=behind_cdn)
            )
        return known


def _number(day: date) -> int:
    return (day - _START).days
