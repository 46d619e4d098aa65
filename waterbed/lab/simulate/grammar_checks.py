"""Checks of a drawn study's URLs, and their answers.

Times are hours since the study's start.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from waterbed.lab.simulate.grammar_process import Flags, Floats, Ints
from waterbed.model.paces import PACE

Seen = Literal["unknown", "up", "gone", "away", "front"]
SEEN: Final[tuple[Seen, ...]] = ("unknown", "up", "gone", "away", "front")
"""What a check was answered: nothing that decides, the page, 404, a redirect of every path to another site, a redirect
to the front page of its site."""
UNKNOWN, UP, GONE, AWAY, FRONT = range(len(SEEN))
YOUNG_H: Final = 48.0
"""For so long after its first check a URL is checked often."""
LATER: Final = 6.0
"""Times the interval of young URLs, between two checks of older ones; 24 hours at most."""
FOLLOWED_H: Final = 240.0
"""For so long a URL is checked at all."""
_CONFIRM_H: Final = np.array([1 / 6, 1 / 2, 2.0, 2.0, 6.0, 6.0, 6.0, 24.0])
"""After one, two, ... checks in a row that did not find it."""
_JITTER: Final = 0.1
_DAY_H: Final = 24.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fates:
    """The fate of each URL, and what we are told.

    It is gone from `gone` until `back`, at its second hoster from `leaves` on, or at either of both (`turns`). It is
    away for `night_h` hours from `night_from` o'clock. After `truly` checks we alone get 404, after `truly_led` ones
    all are led to another site.
    """

    gone: Floats
    back: Floats
    leaves: Floats
    turns: Flags
    night_from: Floats
    night_h: Floats
    truly: Ints
    truly_led: Ints
    answer: int
    """What a removed URL answers: GONE or FRONT."""
    fake: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Checks:
    """Checks by URL and time.

    Number of the URL, time, what was seen (a place in SEEN), and whether its second hoster answered.
    """

    url: Ints
    at: Floats
    seen: npt.NDArray[np.int8]
    second: Flags


def is_night(at_h: Floats, night_from: Floats, night_h: Floats) -> Flags:
    """True where a time lies in a night.

    It begins at `night_from` o'clock, and lasts `night_h` hours.
    """
    found: Flags = (at_h - night_from) % _DAY_H < night_h
    return found


def checks_of(
    fates: Fates,
    first_h: Floats,
    rare: Flags,
    *,
    every_h: float,
    missed: float,
    end_h: float,
    rng: np.random.Generator,
) -> Checks:
    """Check URLs as a study's schedule does.

    All URLs are stepped on together; each leaves after FOLLOWED_H hours, or at the study's end.
    """
    n = first_h.size
    every = every_h * np.where(rare, PACE, 1.0)
    later = np.minimum(LATER * every, _DAY_H)
    at, streak, made = first_h.copy(), np.zeros(n, np.int64), np.zeros(n, np.int64)
    stop = np.minimum(first_h + FOLLOWED_H, end_h)
    alive, found = np.flatnonzero(at < stop), []
    while alive.size:
        now = at[alive]
        seen, second = _seen(fates, alive, now, made[alive], missed, rng)
        found.append((alive, now, seen, second))
        made[alive] += 1
        absent = seen >= GONE
        streak[alive] = np.where(seen == UP, 0, streak[alive] + absent)
        steps = streak[alive]
        usual = np.where(now - first_h[alive] < YOUNG_H, every[alive], later[alive])
        wait = np.where(steps > 0, _CONFIRM_H[np.clip(steps - 1, 0, _CONFIRM_H.size - 1)], usual)
        at[alive] = now + wait * (1.0 + _JITTER * rng.uniform(-1.0, 1.0, alive.size))
        alive = alive[at[alive] < stop[alive]]
    if not found:
        return Checks(url=np.zeros(0, np.int64), at=np.zeros(0), seen=np.zeros(0, np.int8), second=np.zeros(0, bool))
    url, when, states, places = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((when, url))
    return Checks(url=url[order], at=when[order], seen=states[order], second=places[order])


def _seen(
    fates: Fates, url: Ints, now: Floats, made: Ints, missed: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int8], Flags]:
    left = now >= fates.leaves[url]
    gone = (now >= fates.gone[url]) & (now < fates.back[url]) & ~left
    dark = is_night(now, fates.night_from[url], fates.night_h[url]) & ~left
    seen = np.where(gone, fates.answer, UP)
    seen = np.where(dark | fates.fake[url], GONE, seen)
    seen = np.where(made >= fates.truly[url], GONE, seen)
    seen = np.where(made >= fates.truly_led[url], AWAY, seen)
    seen = np.where(rng.random(url.size) < missed, UNKNOWN, seen).astype(np.int8)
    turned: Flags = fates.turns[url] & (rng.random(url.size) < 0.5)
    return seen, left | turned
