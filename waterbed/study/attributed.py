"""Attributions of looks, each set of addresses once.

Once for each stretch of days in which nothing changes. Of hosters that share a name, those count that responded.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeAlias

import numpy as np

from attribution.addressees import ReportedOrigins
from attribution.attribute import Attributor
from waterbed.judging.columns import NOTHING, Array, Numbered, mixed
from waterbed.judging.walk import words
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution
from waterbed.model.progress import stage
from waterbed.store.spool import Spool
from waterbed.study.looks import Block, Looks

_DAY_US = 86_400_000_000
_START = date(1970, 1, 1)


Asked: TypeAlias = tuple[str, str | None, bool, str | None]
"""Addresses, platform suffix, whether behind a CDN, and the reported address behind it."""
_Key: TypeAlias = tuple[str, str | None, bool, str | None, int]
"""The same, and how many changes of tables there were by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """The attributions of all looks, each of equal ones once."""

    made: Sequence[Attribution]
    asked: Sequence[Asked]
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
        self.asked: list[Asked] = []
        self._addresses, self._suffixes = looks.coder.addresses.values, suffixes
        texts: dict[str | None, int] = {}
        self._suffix_of_url = np.array([texts.setdefault(suffix, len(texts)) for suffix in suffixes], np.int32)
        self._cdn = np.array([*("cdn" in words(text) for text in looks.coder.tags.values), False])
        self._behind = origins
        self._with_origin = np.array(sorted(origins), np.int64)
        self._origins: Numbered[str | None] = Numbered()
        self._origins.number(None)
        self._found: dict[_Key, Attribution] = {}
        self._numbers: dict[_Key, int] = {}
        self._changes: dict[str, list[int]] = {}
        self._of_all = [_number(day) for day in attributor.changes]
        self._texts = looks.coder.address.values
        self._up = np.array([one.state == "up" for one in looks.walk.verdicts], bool)

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
        keys = [
            (*known[asks], since) for asks, since in zip(of_first[first].tolist(), stretch[first].tolist(), strict=True)
        ]
        made = [self._answer(key, when) for key, when in zip(keys, at[first].tolist(), strict=True)]
        shared = np.array([len(set(one.address_hosters)) > 1 for one in made], bool)
        places = np.flatnonzero(np.isin(asked[0], np.unique(asked[0][first[shared]])))
        of_one = [NOTHING if one else self._number(keys[at], made[at]) for at, one in enumerate(shared.tolist())]
        found[rows] = np.array(of_one, np.int32)[number]
        if len(places):
            found[rows[places]] = self._of_shared(block, rows[places], number[places], keys, made)
        return found

    def _of_shared(
        self, block: Block, rows: Array, number: Array, keys: Sequence[_Key], made: Sequence[Attribution]
    ) -> Array:
        """The numbers where a name's addresses have several hosters: of these, those count that responded.

        That is told for one URL and one set of addresses together.
        """
        first, group = mixed([block.url[rows], block.addresses[rows]])
        heard: list[set[str]] = [set() for _ in first]
        up = np.flatnonzero(self._up[block.verdicts[rows]] & (block.address[rows] != NOTHING))
        if len(up):
            for place in up[mixed([group[up], block.address[rows[up]]])[0]].tolist():
                heard[group[place]].add(self._texts[block.address[rows[place]]])
        first, which = mixed([group, number])
        found = []
        for of_url, asks, when in zip(*(c[first].tolist() for c in (group, number, block.at[rows])), strict=True):
            key, answer = keys[asks], made[asks]
            kept = reached(answer, heard[of_url])
            if kept != answer.addresses:
                fewer, day = (" ".join(kept), *key[1:4]), when // _DAY_US
                own = self._changes_around(fewer[0], fewer[3])
                key = (*fewer, bisect_right(self._of_all, day) + bisect_right(own, day))
                answer = self._answer(key, when)
            found.append(self._number(key, answer))
        return np.array(found, np.int32)[which]

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

    def _answer(self, key: _Key, at: int) -> Attribution:
        known = self._found.get(key)
        if known is None:
            addresses, suffix, behind_cdn, origin, _ = key
            known = self._found[key] = self.attributor.attribute(
                words(addresses), suffix, moment(at), origin, behind_cdn=behind_cdn
            )
        return known

    def _number(self, key: _Key, answer: Attribution) -> int:
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = len(self.made)
            self.asked.append(key[:4])
            self.made.append(answer)
        return known


def reached(answer: Attribution, heard: Collection[str]) -> tuple[str, ...]:
    """Return the addresses of hosters that answered.

    `heard` are the addresses at which the URL was found up; all count if none of them is the attribution's.
    """
    by_address = dict(zip(answer.addresses, (keys.split("+") for keys in answer.address_hosters), strict=True))
    its = {key for address in heard for key in by_address.get(address, ())}
    return (
        tuple(one for one, keys in by_address.items() if one in heard or not its.isdisjoint(keys)) or answer.addresses
    )


def _number(day: date) -> int:
    return (day - _START).days
