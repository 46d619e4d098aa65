"""Groups whose content goes by our looks, not by time.

Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from waterbed.analysis.rankings.takedown import joined_episodes
from waterbed.estimators.paces import PaceTest, pace_test
from waterbed.model.conclusions import Episode
from waterbed.model.paces import PACE, rarely
from waterbed.model.progress import staged
from waterbed.store.settings import Schedule

LEVEL: Final = 0.015
"""Of the test, for each group: about so many honest groups are told to differ."""
_HOUR: Final = timedelta(hours=1)
_SEED: Final = 20_261


def views_differ(groups: Mapping[str, Sequence[Episode]], schedule: Schedule) -> set[str]:
    """The groups whose rarely looked at URLs go later.

    Some URLs, drawn by their keyed ids, are looked at half as often (`schedule.rare_share`). Content that a hoster
    removes goes at the same age among both; what it hides from us after some looks goes later among these (`pace_test`,
    one-sided, at LEVEL). Removals within the schedule's frequent looks count, which are evenly spaced. Empty without
    such a share.
    """
    if not schedule.rare_share:
        return set()

    def rare(url_id: str) -> bool:
        return rarely(url_id, schedule.rare_share)

    tests = ((key, paced(group, rare, schedule, key)) for key, group in staged("paces compared", groups.items()))
    return {key for key, found in tests if found.p is not None and found.p <= LEVEL}


def paced(group: Sequence[Episode], rare: Callable[[str], bool], schedule: Schedule, key: str) -> PaceTest:
    """The test of one group; `key` seeds its permutations."""
    last_h, step_h = schedule.fresh_s / 3600, PACE * _between(schedule)
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in group:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    left, right, label = list[float](), list[float](), list[bool]()
    for url_id, own in by_url.items():
        for episode in joined_episodes(own):
            if episode.reported_at is None:
                continue
            up = max(0.0, (episode.last_up - episode.reported_at) / _HOUR)
            removed = episode.first_down is not None and episode.cause == "removed"
            gone = (episode.first_down - episode.reported_at) / _HOUR if removed and episode.first_down else np.inf
            gone = gone if gone <= last_h else np.inf
            if gone > min(up, last_h) and (up > 0 or np.isfinite(gone)):
                left.append(min(up, last_h))
                right.append(gone)
                label.append(rare(url_id))
    if not left:
        return PaceTest(p=None, rare=0, often=0)
    rng = np.random.default_rng((_SEED, *key.encode()))
    return pace_test(left, right, label, rng, step=step_h)


def _between(schedule: Schedule) -> float:
    """Hours between two regular looks at young content."""
    steps = np.diff((0.0, *schedule.ladder_s)) if schedule.ladder_s else np.array([schedule.young_interval_s])
    return float(np.median(steps)) / 3600
