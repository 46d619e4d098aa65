"""Many studies of drawn worlds, measured without a network: how often intervals hold the truth."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from multiprocessing import get_context

import numpy as np

from graphs.episodes import EpisodeRules, all_episodes, censor_from
from waterbed.analysis.rankings.durations import half_gone
from waterbed.analysis.rankings.keys import Appearance, keys_of
from waterbed.analysis.rankings.ranking import rank
from waterbed.analysis.rankings.takedown import REMOVED, WITHIN_H, Clock, clocks, episodes_by_key, removal
from waterbed.estimators.incidence import NOTHING
from waterbed.lab.simulate.draw import MOST_HOSTERS, NAME_ENDS, Hard, draw, true_median, true_share
from waterbed.lab.simulate.looks import SimulatedUrl, Simulator
from waterbed.lab.world.file import World
from waterbed.lab.world.records import TrueEpisode, Truth
from waterbed.lab.world.truth import simulate as happen
from waterbed.model.conclusions import Episode, RankingRow
from waterbed.store.settings import Judge

_CHUNK = 4
"""Studies that a worker takes at a time."""
_EXACT_H = 1e-6
"""Width of an interval that stands for an exact time, hours."""
_HOUR = timedelta(hours=1)
LATEST_MEDIAN_H = 72.0
"""True median above which a study is too short for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One interval of one study, the true value, and what exact times would have given."""

    what: str
    plan: str
    late: bool
    """Whether some reports come late."""
    big: bool
    sites: int
    role: str
    true: float
    value: float
    low: float
    high: float
    exact: tuple[float, float] | None

    @property
    def covered(self) -> bool:
        """Whether the interval holds the true value."""
        return self.low <= self.true <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """What one study found, against its world."""

    trials: tuple[Trial, ...]
    shares: int
    """Plain hosters with a share."""
    hosters: int
    blind: str
    """What became of the hoster that let us hang, among those with a share; none: there was no such hoster."""
    size_speed: float | None
    """Rank correlation of size and measured share; None unless all hosters have one policy."""
    naive: float | None
    """Of the hoster whose names go: the share that all its ends together would give it."""
    looks: int


def simulate_studies(
    world: World, studies: int, *, seed: int, workers: int = 1, told: Callable[[int], None] = lambda done: None
) -> list[StudyResult]:
    """Draw, measure and compare many studies; the same seed gives the same results with any number of workers."""
    numbers = [(world, seed, number) for number in range(studies)]
    if workers <= 1:
        return list(_counted(map(one_study, numbers), told))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(_counted(pool.map(one_study, numbers, chunksize=_CHUNK), told))


def _counted(results: Iterable[StudyResult], told: Callable[[int], None]) -> Iterator[StudyResult]:
    for done, result in enumerate(results, 1):
        told(done)
        yield result


def one_study(which: tuple[World, int, int]) -> StudyResult:
    """Draw one world, let it happen, look at it, conclude with the production's code, compare."""
    base, seed, number = which
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - a simulation must be repeatable
    world, hard = draw(base, chance)
    truth = happen(world)
    looker = Simulator(truth, hard, chance)
    looked = list(looker.all())
    judge = Judge()
    last = max((look.verdict.observed_at for one in looked for look in one.sightings), default=world.start)
    until = censor_from(last, timedelta(seconds=judge.freeze_s))
    found = episodes_of(looked, judge, until)
    rows = rank(list(_appearances(looked)), found, by="hoster", names={}, until=until)
    exact = _exact(truth, looker)
    trials = [*_share_trials(world, hard, rows, exact), *_median_trials(world, hard, rows, exact)]
    shown = {row.key for row in rows if row.removed_24h is not None}
    return StudyResult(
        trials=tuple(trials),
        shares=len(shown - {hard.blind}),
        hosters=len(world.hoster) - (hard.blind is not None),
        blind=_blind(world, hard, rows),
        size_speed=_size_speed(world, hard, rows),
        naive=_naive(hard, found, until),
        looks=sum(len(one.sightings) for one in looked),
    )


def episodes_of(looked: Sequence[SimulatedUrl], judge: Judge, until: datetime) -> list[Episode]:
    """The episodes that the production's rules make of virtual looks."""
    rules = EpisodeRules.from_settings(judge, until)
    known = {one.known.url_id: one.known for one in looked}
    return list(all_episodes(known, {one.known.url_id: one.sightings for one in looked}, rules))


def _appearances(looked: Sequence[SimulatedUrl]) -> Iterator[Appearance]:
    for one in looked:
        yield Appearance.of(
            one.known.url_id,
            host_id=one.host,
            site_id=one.known.site_id,
            sightings=one.sightings,
            keys=lambda answers: keys_of(answers, "hoster"),
            since=one.known.reported[0],
        )


def _exact(truth: Truth, looker: Simulator) -> dict[str, list[Clock]]:
    """By hoster: its clocks as one would have them who knew all times."""
    reports: dict[str, list[datetime]] = {}
    for report in truth.reports:
        reports.setdefault(report.url, []).append(report.reported_at)
    found: dict[str, list[Clock]] = {}
    for stay in truth.episodes:
        origin = min((r for r in reports.get(stay.url, ()) if _during(r, stay)), default=None)
        if origin is not None:
            found.setdefault(stay.hoster, []).append(_exact_clock(truth, looker, stay, origin))
    return found


def _during(report: datetime, stay: TrueEpisode) -> bool:
    return stay.start <= report and (stay.end is None or report < stay.end)


def _exact_clock(truth: Truth, looker: Simulator, stay: TrueEpisode, origin: datetime) -> Clock:
    host = truth.shown[stay.url].host
    if stay.end is None:
        left, right, cause = (truth.world.end - origin) / _HOUR, float("inf"), NOTHING
    else:
        right = (stay.end - origin) / _HOUR
        left, named = max(0.0, right - _EXACT_H), looker.name_goes(host, stay.hoster)
        cause = REMOVED if stay.cause == "removed" and not named else _OTHER
    return Clock(left_h=left, right_h=right, cause=cause, site_id=host, origin=origin)


_OTHER = REMOVED + 1
"""Any cause that is not removal: an oracle of the share needs no other."""


def _share_trials(
    world: World, hard: Hard, rows: Sequence[RankingRow], exact: Mapping[str, Sequence[Clock]]
) -> Iterator[Trial]:
    for row in rows:
        if row.removed_24h is None or row.removed_24h_low is None or row.removed_24h_high is None:
            continue
        if row.key == hard.blind:
            continue
        oracle = removal(exact.get(row.key, ()), until=world.end)
        yield _trial(
            "removed within 24 h",
            row,
            hard,
            true=_true_share(world, hard, row.key),
            value=row.removed_24h,
            ends=(row.removed_24h_low, row.removed_24h_high),
            exact=None if oracle.low is None or oracle.high is None else (oracle.low, oracle.high),
        )


def _true_share(world: World, hard: Hard, key: str) -> float:
    (policy,) = (hoster.removal for hoster in world.hoster if hoster.key == key)
    return true_share(policy, WITHIN_H) * (1.0 - NAME_ENDS if key == hard.nameless else 1.0)


def _median_trials(
    world: World, hard: Hard, rows: Sequence[RankingRow], exact: Mapping[str, Sequence[Clock]]
) -> Iterator[Trial]:
    """The median time to any end of each hoster with a share whose median lies within the follow-up."""
    medians = {hoster.key: true_median(hoster.removal) for hoster in world.hoster if hoster.key != hard.blind}
    for row in rows:
        if row.median_h_low is None or medians.get(row.key, inf) >= LATEST_MEDIAN_H:
            continue
        oracle = half_gone(exact.get(row.key, ()))
        yield _trial(
            "median",
            row,
            hard,
            true=medians[row.key],
            value=_or_inf(row.median_h),
            ends=(row.median_h_low, _or_inf(row.median_h_high)),
            exact=(oracle.low, _or_inf(oracle.high)) if oracle else None,
        )


def _or_inf(hours: float | None) -> float:
    return inf if hours is None else hours


def _trial(
    what: str,
    row: RankingRow,
    hard: Hard,
    *,
    true: float,
    value: float,
    ends: tuple[float, float],
    exact: tuple[float, float] | None,
) -> Trial:
    return Trial(
        what=what,
        plan=hard.plan,
        late=hard.late > 0,
        big=hard.big,
        sites=row.sites,
        role="names go" if row.key == hard.nameless else "plain",
        true=true,
        value=value,
        low=ends[0],
        high=ends[1],
        exact=exact,
    )


def _blind(world: World, hard: Hard, rows: Sequence[RankingRow]) -> str:
    """What became of the hoster that lets us hang; first is wrong where even its interval misses its own true share."""
    if hard.blind is None:
        return "none"
    shares = {row.key: row.removed_24h for row in rows if row.removed_24h is not None}
    if hard.blind not in shares:
        return "no share"
    if shares[hard.blind] < max(shares.values()):
        return "a share, not first"
    true = {key: _true_share(world, hard, key) for key in shares}
    if true[hard.blind] >= max(true.values()):
        return "first, as it is"
    (row,) = (row for row in rows if row.key == hard.blind)
    held = (row.removed_24h_low or 0.0) <= true[hard.blind] <= (row.removed_24h_high or 0.0)
    return "first, by chance" if held else "first, wrongly"


def _size_speed(world: World, hard: Hard, rows: Sequence[RankingRow]) -> float | None:
    shown = [(row.hosts, row.removed_24h) for row in rows if row.removed_24h is not None]
    if not hard.equal or len(shown) < min(3, MOST_HOSTERS, len(world.hoster)):
        return None
    sizes, shares = (np.argsort(np.argsort(column)) for column in zip(*shown, strict=True))
    return float(np.corrcoef(sizes, shares)[0, 1])


def _naive(hard: Hard, found: Sequence[Episode], until: datetime) -> float | None:
    """Its share if every end were taken for a removal."""
    if hard.nameless is None:
        return None
    own = clocks(episodes_by_key(found, "hoster").get(hard.nameless, ()))
    ended = [
        Clock(
            left_h=clock.left_h,
            right_h=clock.right_h,
            cause=NOTHING if clock.cause == NOTHING else REMOVED,
            site_id=clock.site_id,
            origin=clock.origin,
        )
        for clock in own
    ]
    return removal(ended, until=until).removed if ended else None
