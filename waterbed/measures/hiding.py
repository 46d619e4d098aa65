"""Groups whose content goes by our looks, not by time.

Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_within
from waterbed.estimators.survival.paces import LookedAt, LookTest, PaceTest, least_unhidden, look_test, pace_test
from waterbed.measures.labels import Labels
from waterbed.measures.takedown import (
    CAUSES,
    REMOVED,
    WITHIN_H,
    Clock,
    checks_up,
    clocks_as_seen,
    incidence,
    joined_episodes,
    restated,
    worth_within,
)
from waterbed.model.conclusions import Episode
from waterbed.model.message import Message
from waterbed.model.paces import PACE, rarely
from waterbed.model.progress import staged
from waterbed.store.settings import Schedule

LEVEL: Final = 0.01
"""Of the test, for each group: no more honest groups are told to differ."""
LEAST_MISSING: Final = 0.1
"""Part of all ends missing among rare looks, below which nothing is told: they miss short absences, too."""
LEAST_AT_ONCE: Final = 0.5
"""The same of the ends in the windows of time in which most clearly some are missing."""
LOOK_LEVEL: Final = 0.1
"""Of the test whether ends come after one number of looks. Hardly any honest group meets its other conditions."""
LEAST_ALIKE: Final = 3
"""URLs that end after that number, below which nothing is told."""
_HOUR: Final = timedelta(hours=1)
_SEED: Final = 20_261


def views_differ(groups: Mapping[str, Sequence[Episode]], schedule: Schedule) -> set[str]:
    """The groups whose rarely looked at URLs go later.

    Some URLs, drawn by their keyed ids, are looked at half as often (`schedule.rare_share`). Content that a hoster
    removes goes at the same age among both; what it hides from us after some looks goes later among these (`pace_test`,
    one-sided, at LEVEL, with LEAST_MISSING or LEAST_AT_ONCE; within the schedule's frequent looks, which are evenly
    spaced), and after the same number of looks (`look_test`, at LOOK_LEVEL, with LEAST_ALIKE). Empty without such a
    share.
    """
    if not schedule.rare_share:
        return set()

    def rare(url_id: str) -> bool:
        return rarely(url_id, schedule.rare_share)

    tests = ((key, paced(group, rare, schedule, key)) for key, group in staged("paces compared", groups.items()))
    return {key for key, found in tests if goes_by_looks(*found)}


def goes_by_looks(paces: PaceTest, looks: LookTest) -> bool:
    """True if many ends are shown to go by looks."""
    many = paces.missing >= LEAST_MISSING or paces.at_once >= LEAST_AT_ONCE
    if paces.p is not None and paces.p <= LEVEL and many:
        return True
    return looks.p is not None and looks.p <= LOOK_LEVEL and looks.alike >= LEAST_ALIKE and looks.outlasting > 0


def shares_if_hiding(
    groups: Mapping[str, Sequence[Episode]],
    schedule: Schedule,
    *,
    until: datetime | None,
    labels: Labels | None = None,
) -> dict[str, float]:
    """Least share of each group removed if it hides content.

    Within WITHIN_H hours of the report, at 95%, if each of our looks may be the last that is answered truly
    (`least_unhidden`): what rarely and often looked at URLs have in common. What no check saw up is no
    removal, nor what was gone too late after the earliest time that a report claims. 0 where the former are too few to
    tell. No entry without rare looks, or where reports span too few days.
    """
    if not schedule.rare_share or until is None:
        return {}
    often_looks = _looks(schedule, WITHIN_H)
    looks = often_looks, 1.0 + (often_looks - 1.0) / PACE
    found = {}
    for key, group in staged("paces of shares", groups.items()):
        often, rare = (
            [
                clock
                if clock.seen_by_check and not clock.earlier_h
                else restated([clock], "worst", WITHIN_H, until=until)[0]
                for clock in clocks_as_seen(
                    (one for one in group if rarely(one.url_id, schedule.rare_share) == rare), labels
                )
            ]
            for rare in (False, True)
        )
        share = if_hiding((often, rare), looks, until=until)
        if share is not None:
            found[key] = share
    return found


def if_hiding(
    paces: tuple[Sequence[Clock], Sequence[Clock]], looks: tuple[float, float], *, until: datetime
) -> float | None:
    """The least share of often and rarely looked at clocks.

    `looks` are those of each until WITHIN_H hours. None where reports span too few days. Ends by other causes are taken
    as if they hid nothing.
    """
    removed, others, numbers = list[float](), list[float](), list[float]()
    for group in paces:
        worth = worth_within(group, WITHIN_H, (REMOVED,), until=until) if group else Refusal(Message.of("no clock"))
        curves = incidence(group) if group else None
        told = [share_within(curves, cause, WITHIN_H) for cause in range(len(CAUSES))] if curves else [None]
        if isinstance(worth, Refusal) or any(share is None for share in told):
            return 0.0 if removed else None
        numbers.append(worth.number)
        removed.append(told[REMOVED] or 0.0)
        others.append(sum(share or 0.0 for share in told) - removed[-1])
    rest = max(1e-9, 1.0 - max(others))
    often, rare = (min(1.0, share / rest) for share in removed)
    return rest * least_unhidden((often, rare), (numbers[0], numbers[1]), looks)


def _looks(schedule: Schedule, within_h: float) -> float:
    """Looks at often looked at content within some hours."""
    if schedule.ladder_s:
        return float(1 + sum(0 < step <= within_h * 3600 for step in schedule.ladder_s))
    young = min(within_h, schedule.young_hours) * 3600
    return 1.0 + young / schedule.young_interval_s + max(0.0, within_h * 3600 - young) / schedule.interval_s


def paced(
    group: Sequence[Episode], rare: Callable[[str], bool], schedule: Schedule, key: str
) -> tuple[PaceTest, LookTest]:
    """The tests of one group; `key` seeds their permutations."""
    last_h, step_h = schedule.fresh_s / 3600, PACE * _between(schedule)
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in group:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    left, right, label = list[float](), list[float](), list[bool]()
    looks, spans = list[tuple[int, int, int]](), list[tuple[float, float]]()
    for url_id, own in by_url.items():
        for episode in joined_episodes(own):
            if episode.reported_at is None:
                continue
            up = max(0.0, (episode.last_up - episode.reported_at) / _HOUR)
            removed = episode.first_down is not None and episode.cause == "removed"
            gone = (episode.first_down - episode.reported_at) / _HOUR if removed and episode.first_down else np.inf
            if gone > up and (up > 0 or np.isfinite(gone)):
                left.append(up)
                right.append(gone)
                label.append(rare(url_id))
                looks.append(_looks_at(episode))
                spans.append(_span(episode, removed=removed))
    if not left or last_h <= 0 or step_h <= 0:
        return PaceTest(p=None, missing=0.0, at_once=0.0, rare=0, often=0), LookTest(p=None, alike=0, outlasting=0)
    rng = np.random.default_rng((_SEED, *key.encode()))
    paces = pace_test(left, right, label, rng, step=step_h, last=last_h)
    running, before, decided = np.array(looks, np.int64).T
    ran, ended = np.array(spans).T
    looked_at = LookedAt(running=running, before=before, decided=decided, ran=ran, ended=ended)
    return paces, look_test(looked_at, label, rng, pace=PACE)


def _looks_at(episode: Episode) -> tuple[int, int, int]:
    """Looks until it was last known up, until its end was seen, and those that saw it up."""
    running = episode.looks_until_last
    before = episode.looks - (episode.first_up is None)  # gone at the first look, which is one of these
    return running, max(before, running), checks_up(episode)


def _span(episode: Episode, *, removed: bool) -> tuple[float, float]:
    """Hours from the first look that saw it up until the last did, and until one saw it removed."""
    down = episode.first_down if removed else None
    first = episode.first_up or down or episode.last_up
    return max(0.0, (episode.last_up - first) / _HOUR), (down - first) / _HOUR if down else np.inf


def _between(schedule: Schedule) -> float:
    """Hours between two regular looks at young content."""
    steps = np.diff((0.0, *schedule.ladder_s)) if schedule.ladder_s else np.array([schedule.young_interval_s])
    return float(np.median(steps)) / 3600
