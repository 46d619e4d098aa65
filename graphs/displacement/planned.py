"""Excess reappearance as it would be under a stated effect.

Windows before the event stand for the one after it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from waterbed.estimators.reappearance import Excess
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import HOUR, READINGS, Gain, Movements, Spell
from waterbed.graphs.displacement.returns import excess_after
from waterbed.graphs.displacement.series import Series, begin_of
from waterbed.model.results import Reading

ELSEWHERE = "elsewhere"
"""Place of content that is displaced in a plan."""
WINDOWS, DRAWS, RESAMPLES = 4, 2, 199
"""Windows before the event at most, draws of the effect in each, and resamples of each estimate."""
LEAST_MOVES = 10
"""Moves below which the part with a known order is taken to be a half."""
_LAG_H = 1.0
"""Least hours from a report to the end of planned content."""
_YOUNG_H = 48.0
"""Age up to which content is looked at often, hours."""
_GONE_H = 24.0
"""Hours within which content goes in a plan, as the fall is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect that is planned for.

    `removed`: share of reported URLs removed within 24 hours after the event; `seen`: share of what ends that is seen
    elsewhere within the horizon because of it; `stock`: what is up at the event goes, too.
    """

    removed: float
    seen: float
    stock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One estimate under a planned effect.

    The planned excess, the standard error of the estimate, contents that end, and their site clusters.
    """

    excess: float
    error: float
    treated: int
    clusters: int


def plan_windows(event: Event, movements: Movements) -> list[tuple[float, float]]:
    """Windows before the event, latest first.

    Each is as long as that after it. They do not overlap, end early enough to be followed for the horizon, and
    begin with the data that are used. Hours.
    """
    length = event.after * event.period_h
    first = begin_of(event, movements)
    starts_at = movements.hours(event.at) - event.anticipation * event.period_h
    last = min(starts_at, movements.end - event.horizon_h)
    count = int((last - first) / length + 1e-9) if last > first else 0
    return [(last - (n + 1) * length, last - n * length) for n in range(min(count, WINDOWS))]


def known_order(movements: Movements) -> tuple[float, int]:
    """Share of moves that surely came later, and all moves.

    Of fewer than ten it is taken to be a half. A name that was pointed elsewhere came at an unknown time between two
    looks, and counts in one reading alone.
    """
    moves = [gain for gain in movements.gains if gain.moved("not parallel")]
    if len(moves) < LEAST_MOVES:
        return 0.5, len(moves)
    return sum(gain.absent >= gain.left_at for gain in moves) / len(moves), len(moves)


def compared(event: Event, movements: Movements) -> Movements:
    """The content at target and controls alone, wherever it went."""
    places = {event.target, *event.controls}
    spells = [spell for spell in movements.spells if spell.place in places]
    contents = {spell.content_id for spell in spells}
    gains = [gain for gain in movements.gains if gain.content_id in contents]
    return replace(movements, spells=spells, gains=gains)


def expected(
    event: Event,
    movements: Movements,
    windows: Sequence[tuple[float, float]],
    effect: Effect,
    *,
    order: float,
    seed: int,
) -> list[tuple[Expected | Refusal, Expected | Refusal]]:
    """The estimates that the report would give under an effect.

    In both readings, for each window and draw; with the stock for draws of the latest window alone, as the stock grows.
    The excess is the planned one, beyond what comes up by itself; `order` is the share of moves of known order.
    """
    rng = np.random.default_rng(seed)
    seen: dict[Reading, float] = {"sequential": effect.seen * order, "not parallel": effect.seen}
    chosen = [window for window in windows for _ in range(DRAWS)]
    if effect.stock:
        chosen = [windows[0]] * len(chosen)
    lags = _lags(movements)
    expectations = []
    for window in chosen:
        planned = _planned(event, movements, window, effect, order, lags, rng)
        estimates = excess_after(Series(event=_at(event, movements, window), movements=planned), RESAMPLES)
        first, other = (_expected(estimates[reading], seen[reading]) for reading in READINGS)
        expectations.append((first, other))
    return expectations


def _at(event: Event, movements: Movements, window: tuple[float, float]) -> Event:
    """The event as if it were at a window's beginning."""
    when = movements.zero + window[0] * HOUR
    return msgspec.structs.replace(event, date=when, chosen_until=min(when, event.chosen_until), read=())


def _lags(movements: Movements) -> tuple[list[float], list[float]]:
    """Hours between the last look that saw content and the first that did not.

    Of what was taken down: young, and older than `_YOUNG_H`, which is looked at less often.
    """
    young: list[float] = []
    old: list[float] = []
    for spell in movements.spells:
        if spell.taken_down:
            (young if spell.last_up - spell.started <= _YOUNG_H else old).append(spell.gone - spell.last_up)
    return young or old or [_LAG_H], old or young or [_LAG_H]


def _expected(estimate: Excess | Refusal, seen: float) -> Expected | Refusal:
    """The estimate at the planned excess.

    A draw has somewhat more or fewer arrivals than planned, and its error with them: that of a share s is as the root
    of s(1 - s). A draw without any has the error of so many clusters.
    """
    if isinstance(estimate, Refusal):
        return estimate
    planned = estimate.control_share + seen * (1.0 - estimate.control_share)
    drawn_spread = estimate.treated_share * (1.0 - estimate.treated_share)
    variance = float(np.square(estimate.reach).mean())
    planned_spread = planned * (1.0 - planned)
    return Expected(
        excess=planned - estimate.control_share,
        error=math.sqrt(
            variance * planned_spread / drawn_spread
            if drawn_spread > 0 and variance > 0
            else planned_spread / estimate.clusters
        ),
        treated=estimate.treated,
        clusters=estimate.clusters,
    )


def _planned(
    event: Event,
    movements: Movements,
    window: tuple[float, float],
    effect: Effect,
    order: float,
    lags: tuple[list[float], list[float]],
    rng: np.random.Generator,
) -> Movements:
    """Movements with the effect put into a window, known until it was followed.

    Sites are removed as a whole; contents move one by one.
    """
    start, end = window
    spells: list[Spell] = []
    gains: list[Gain] = []
    fates: dict[int, bool] = {}
    for spell in movements.spells:
        if spell.started >= end or spell.gone < start:
            continue
        its = spell
        if spell.place == event.target and (effect.stock or spell.started >= start):
            removed = fates.setdefault(spell.cluster, rng.random() < effect.removed)
            gone_at = max(start, spell.started) + rng.uniform(_LAG_H, _GONE_H)
            if removed and gone_at < spell.gone:
                lag = rng.choice(lags[gone_at - spell.started > _YOUNG_H])
                its = replace(spell, gone=gone_at, last_up=max(spell.started, gone_at - lag), taken_down=True)
            if its.taken_down and its.gone < end and rng.random() < effect.seen:
                gains.append(_arrival(its, event.horizon_h, rng, has_known_order=rng.random() < order))
        spells.append(its)
    until = movements.zero + (end + event.horizon_h) * HOUR
    return replace(movements, spells=spells, gains=[*movements.gains, *gains], until=until)


def _arrival(spell: Spell, horizon_h: float, rng: np.random.Generator, *, has_known_order: bool) -> Gain:
    seen = spell.gone + rng.uniform(0.1, 0.9) * horizon_h
    return Gain(
        content_id=spell.content_id,
        url_id=ELSEWHERE,
        site_id=ELSEWHERE,
        cluster=spell.cluster,
        place=ELSEWHERE,
        side="unknown",
        category=spell.category,
        seen=seen,
        absent=seen - 0.05 * horizon_h if has_known_order else float("-inf"),
        first_ever=False,
        left=spell.place,
        left_at=spell.gone,
        order="sequential" if has_known_order else "unknown",
    )
