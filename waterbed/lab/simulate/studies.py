"""Coverage of intervals over many simulated studies of drawn worlds."""

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from multiprocessing import get_context

import numpy as np

from waterbed.estimators.survival.incidence import NOTHING
from waterbed.graphs.episodes import EpisodeRules, all_episodes, censor_from
from waterbed.graphs.runs import runs_of
from waterbed.lab.simulate.draw import MOST_HOSTERS, NAME_ENDS, Obstacles, draw, true_median, true_share
from waterbed.lab.simulate.looks import SimulatedUrl, Simulator
from waterbed.lab.world.file import World
from waterbed.lab.world.records import TrueEpisode, Truth
from waterbed.lab.world.truth import simulate as happen
from waterbed.measures.durations import half_gone
from waterbed.measures.keys import Appearance, keys_of
from waterbed.measures.ranking import rank
from waterbed.measures.removal import removal
from waterbed.measures.takedown import REMOVED, WITHIN_H, Clock, clocks, episodes_by_key
from waterbed.measures.totals import single_share
from waterbed.model.conclusions import Episode, RankingRow
from waterbed.model.progress import staged
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
    """One interval of one study, beside the true value.

    Also the interval that exact times would have given.
    """

    what: str
    plan: str
    late: bool
    """True if some reports come late."""
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
        """True if the interval holds the true value."""
        return self.low <= self.true <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """The results of one study and the truth."""

    trials: tuple[Trial, ...]
    shares: int
    """Plain hosters with a share."""
    hosters: int
    blind: str
    """Rank of the hanging hoster; none: there is none."""
    size_speed: float | None
    """Rank correlation of size and measured share; None unless all hosters have one policy."""
    naive: float | None
    """Naive share of the hoster whose names go."""
    looks: int


def simulate_studies(world: World, studies: int, *, seed: int, workers: int = 1) -> list[StudyResult]:
    """Draw, measure and compare many studies.

    The same seed gives the same results with any number of workers.
    """
    numbers = [(world, seed, number) for number in range(studies)]
    if workers <= 1:
        return list(staged("studies simulated", map(one_study, numbers), studies))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(staged("studies simulated", pool.map(one_study, numbers, chunksize=_CHUNK), studies))


def one_study(which: tuple[World, int, int]) -> StudyResult:
    """Draw and simulate one world, measure it, conclude, compare."""
    base, seed, number = which
    rng = random.Random(f"{seed} {number}")  # noqa: S311 - a simulation must be repeatable
    world, obstacles = draw(base, rng)
    truth = happen(world)
    simulator = Simulator(truth, obstacles, rng)
    looked = list(simulator.all())
    judge = Judge()
    last = max((look.verdict.observed_at for one in looked for look in one.sightings), default=world.start)
    until = censor_from(last, timedelta(seconds=judge.freeze_s))
    episodes = episodes_of(looked, judge, until)
    rows = rank(list(_appearances(looked)), episodes, by="hoster", names={}, until=until)
    exact = _exact(truth, simulator)
    trials = [*_share_trials(truth, obstacles, rows, exact), *_median_trials(world, obstacles, rows, exact)]
    shown = {row.key for row in rows if row.rank_class == "ranked"}
    return StudyResult(
        trials=tuple(trials),
        shares=len(shown - {obstacles.blind}),
        hosters=len(world.hoster) - (obstacles.blind is not None),
        blind=_blind(truth, obstacles, rows),
        size_speed=_size_speed(world, obstacles, rows),
        naive=_naive(obstacles, episodes, until),
        looks=sum(len(one.sightings) for one in looked),
    )


def episodes_of(looked: Sequence[SimulatedUrl], judge: Judge, until: datetime) -> list[Episode]:
    """The episodes that the production's rules make of virtual looks."""
    rules = EpisodeRules.from_settings(judge, until)
    known = {one.known.url_id: one.known for one in looked}
    return list(all_episodes(known, {one.known.url_id: runs_of(one.sightings) for one in looked}, rules))


def _appearances(looked: Sequence[SimulatedUrl]) -> Iterator[Appearance]:
    for one in looked:
        yield Appearance.of(
            one.known.url_id,
            host_id=one.host,
            site_id=one.known.site_id,
            answers=[seen.attribution for seen in one.sightings if seen.attribution],
            decided=any(seen.verdict.state != "unknown" for seen in one.sightings),
            keys=lambda answers: keys_of(answers, "hoster"),
            since=one.known.reported[0],
        )


def _exact(truth: Truth, simulator: Simulator) -> dict[str, list[Clock]]:
    """The clocks of each hoster with all times known exactly."""
    reports: dict[str, list[datetime]] = {}
    for report in truth.reports:
        reports.setdefault(report.url, []).append(report.reported_at)
    exact: dict[str, list[Clock]] = {}
    for episode in truth.episodes:
        origin = min((r for r in reports.get(episode.url, ()) if _during(r, episode)), default=None)
        if origin is not None:
            exact.setdefault(episode.hoster, []).append(_exact_clock(truth, simulator, episode, origin))
    return exact


def _during(report: datetime, episode: TrueEpisode) -> bool:
    return episode.start <= report and (episode.end is None or report < episode.end)


def _exact_clock(truth: Truth, simulator: Simulator, episode: TrueEpisode, origin: datetime) -> Clock:
    host = truth.shown[episode.url].host
    if episode.end is None:
        left, right, cause = (truth.world.end - origin) / _HOUR, float("inf"), NOTHING
    else:
        right = (episode.end - origin) / _HOUR
        left, named = max(0.0, right - _EXACT_H), simulator.name_goes(host, episode.hoster)
        cause = REMOVED if episode.cause == "removed" and not named else _OTHER
    return Clock(left_h=left, right_h=right, cause=cause, site_id=host, origin=origin)


_OTHER = REMOVED + 1
"""Any cause that is not removal: an oracle of the share needs no other."""


def _share_trials(
    truth: Truth, obstacles: Obstacles, rows: Sequence[RankingRow], exact: Mapping[str, Sequence[Clock]]
) -> Iterator[Trial]:
    for row in rows:
        if row.removed_24h_low is None or row.removed_24h_high is None:
            continue
        if row.key == obstacles.blind:
            continue
        oracle = removal(exact.get(row.key, ()), until=truth.world.end)
        yield _trial(
            "removed within 24 h",
            row,
            obstacles,
            true=_true_share(truth, obstacles, row.key),
            value=single_share(row) or 0.0,
            ends=(row.removed_24h_low, row.removed_24h_high),
            exact=None if oracle.low is None or oracle.high is None else (oracle.low, oracle.high),
        )


def _true_share(truth: Truth, obstacles: Obstacles, key: str) -> float:
    """How a hoster works: the expected share for the reports of this study."""
    (policy,) = (hoster.removal for hoster in truth.world.hoster if hoster.key == key)
    own = truth.removal.get(key)
    expected = own.expected if own and own.expected is not None else true_share(policy, WITHIN_H)
    return expected * (1.0 - NAME_ENDS if key == obstacles.nameless else 1.0)


def _median_trials(
    world: World, obstacles: Obstacles, rows: Sequence[RankingRow], exact: Mapping[str, Sequence[Clock]]
) -> Iterator[Trial]:
    """Yield trials of the median time to any end.

    Of each hoster with a share whose median lies within the follow-up.
    """
    medians = {hoster.key: true_median(hoster.removal) for hoster in world.hoster if hoster.key != obstacles.blind}
    for row in rows:
        if row.median_h_low is None or medians.get(row.key, inf) >= LATEST_MEDIAN_H:
            continue
        oracle = half_gone(exact.get(row.key, ()), until=world.end)
        yield _trial(
            "median",
            row,
            obstacles,
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
    obstacles: Obstacles,
    *,
    true: float,
    value: float,
    ends: tuple[float, float],
    exact: tuple[float, float] | None,
) -> Trial:
    return Trial(
        what=what,
        plan=obstacles.plan,
        late=obstacles.late > 0,
        big=obstacles.big,
        sites=row.sites,
        role="names go" if row.key == obstacles.nameless else "plain",
        true=true,
        value=value,
        low=ends[0],
        high=ends[1],
        exact=exact,
    )


def _blind(truth: Truth, obstacles: Obstacles, rows: Sequence[RankingRow]) -> str:
    """The rank of the hoster that lets us hang.

    A first place is wrong if even its interval misses its own true share.
    """
    if obstacles.blind is None:
        return "none"
    ranked = [row for row in rows if row.rank_class == "ranked" and row.removed_24h_low is not None]
    shares = {row.key: row.removed_24h_worst or 0.0 for row in ranked}
    if obstacles.blind not in shares:
        return "no share"
    if shares[obstacles.blind] < max(shares.values()):
        return "a share, not first"
    true = {key: _true_share(truth, obstacles, key) for key in shares}
    if true[obstacles.blind] >= max(true.values()):
        return "first, as it is"
    (row,) = (row for row in rows if row.key == obstacles.blind)
    held = (row.removed_24h_low or 0.0) <= true[obstacles.blind] <= (row.removed_24h_high or 0.0)
    return "first, by chance" if held else "first, wrongly"


def _size_speed(world: World, obstacles: Obstacles, rows: Sequence[RankingRow]) -> float | None:
    shown = [(row.hosts, single_share(row)) for row in rows if row.rank_class == "ranked"]
    if not obstacles.equal or len(shown) < min(3, MOST_HOSTERS, len(world.hoster)):
        return None
    sizes, shares = (np.argsort(np.argsort(column)) for column in zip(*shown, strict=True))
    return float(np.corrcoef(sizes, shares)[0, 1])


def _naive(obstacles: Obstacles, episodes: Sequence[Episode], until: datetime) -> float | None:
    """Its share if every end were taken for a removal."""
    if obstacles.nameless is None:
        return None
    own = clocks(episodes_by_key(episodes, "hoster").get(obstacles.nameless, ()))
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
