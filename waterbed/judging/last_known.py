"""Where each URL was last seen, and its last state."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.confirmation import DOWN, UNKNOWN


@dataclass(slots=True, kw_only=True)
class GuardLooks:
    """Looks as the guard sees them.

    `row` numbers them by URL and time; `at` is in microseconds since 1970; `hosters` is a place in the list of hoster
    sets, of which the first is empty; `prefix` is a place in the list of prefixes, `NOTHING` without an address; `site`
    is a number.
    """

    row: Array
    url: Array
    at: Array
    state: Array
    unseen: Array
    """True where the look saw nothing."""
    hosters: Array
    prefix: Array
    site: Array

    def __len__(self) -> int:
        """The number of looks."""
        return len(self.url)

    def named(self) -> dict[str, Array]:
        """The columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def taken(self, order: Array | slice) -> "GuardLooks":
        """The looks at some places."""
        return GuardLooks(**{name: column[order] for name, column in self.named().items()})


class LastKnown:
    """Hosters, prefix and state of each URL before a cycle.

    The state is the last decided one that is not in quarantine; if looks after it are, the first of these is known.
    """

    def __init__(self, urls: int) -> None:
        """Start with nothing known of so many URLs."""
        self._state, self._at = np.full(urls, UNKNOWN, np.int8), np.zeros(urls, np.int64)
        self._hosters, self._prefix = np.zeros(urls, np.int32), np.full(urls, NOTHING, np.int32)
        self._held = np.zeros(urls, np.int64)

    @classmethod
    def of(cls, columns: Mapping[str, Array]) -> Self:
        """Go on with what `columns` gave."""
        found = cls(0)
        found._state, found._at = columns["state"].astype(np.int8), columns["at"].astype(np.int64)
        found._hosters, found._prefix = columns["hosters"].astype(np.int32), columns["prefix"].astype(np.int32)
        found._held = columns["held"].astype(np.int64)
        return found

    def columns(self) -> dict[str, Array]:
        """The knowledge of each URL now."""
        return {
            name: column.copy()
            for name, column in (
                *(("state", self._state), ("at", self._at)),
                *(("hosters", self._hosters), ("prefix", self._prefix), ("held", self._held)),
            )
        }

    def before(self, looks: GuardLooks) -> tuple[Array, Array, Array, Array]:
        """Return what is known at each look of some cycles.

        Looks are in time order. Hosters and prefix that it told, else those last told of its URL; state and time of the
        last decided look before it, `UNKNOWN` without one.
        """
        order = np.argsort(looks.url, kind="stable")
        ordered = looks.taken(order)
        url = ordered.url
        told = _last(url, (ordered.hosters != 0) | (ordered.prefix != NOTHING), itself=True)
        hosters = np.where(told == NOTHING, self._hosters[url], ordered.hosters[told])
        prefix = np.where(told == NOTHING, self._prefix[url], ordered.prefix[told])
        last = _last(url, ordered.state != UNKNOWN, itself=False)
        state = np.where(last == NOTHING, self._state[url], ordered.state[last])
        at = np.where(last == NOTHING, self._at[url], ordered.at[last])
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return hosters[back], prefix[back], state[back], at[back]

    def held_since(self, looks: GuardLooks) -> Array:
        """When the first look of each look's URL was held since it was last believed, microseconds; 0: none."""
        return self._held[looks.url]

    def was_down(self, looks: GuardLooks) -> Array:
        """True at each look whose URL was believed down before the cycle."""
        found: Array = self._state[looks.url] == DOWN
        return found

    def known(self, url: int) -> tuple[int, int] | None:
        """The state of a URL before the cycle."""
        return None if self._state[url] == UNKNOWN else (int(self._state[url]), int(self._at[url]))

    def learn(self, looks: GuardLooks, hosters: Array, prefix: Array, held: Array) -> None:
        """Keep what was known at looks, and states not held."""
        self._hosters[looks.url], self._prefix[looks.url] = hosters, prefix  # of several at one URL the last one stays
        told = np.flatnonzero((looks.state != UNKNOWN) & ~held)
        self._state[looks.url[told]], self._at[looks.url[told]] = looks.state[told], looks.at[told]
        self._held[looks.url[told]] = 0
        first = np.flatnonzero(held & (looks.at > self._at[looks.url]))[::-1]  # of several the first one stays
        first = first[self._held[looks.url[first]] == 0]
        self._held[looks.url[first]] = looks.at[first]


def _last(url: Array, wanted: Array, *, itself: bool) -> Array:
    """For each look, the last wanted look of its URL up to it, or before it; `NOTHING` without one."""
    places = np.where(wanted, np.arange(len(url)), NOTHING)
    if not itself:
        places = np.concatenate(([NOTHING], places[:-1])) if len(url) else places
    starts = np.concatenate(([True], url[1:] != url[:-1])) if len(url) else np.zeros(0, bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(url)), 0)) if len(url) else places
    last = np.maximum.accumulate(places) if len(url) else places
    return np.where(last >= first, last, NOTHING)
