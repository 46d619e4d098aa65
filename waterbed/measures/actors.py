"""Shares that each actor ended, competing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Final

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.survival.incidence import NOTHING, cumulative_incidence, share_interval, share_within
from waterbed.measures.constancy import Part
from waterbed.measures.removal import removals
from waterbed.measures.takedown import CAUSES, FEWEST_SITES, REMOVED, Clock, known_within, worth_within
from waterbed.model.actors import ACTED, ACTORS, Actor
from waterbed.model.takedown import ActorShare

ACTORS_H: Final = (24.0, 168.0)
"""Hours at which shares by actor are given."""
EVERYTHING: Final = "all"
"""Key of all clocks together."""
OF_NAMES: Final[tuple[Actor, ...]] = ("registrar", "registry")
"""Actors whose acts only a registry of names tells."""
_ACTOR: Final = tuple(ACTORS.index(ACTED[cause]) for cause in CAUSES)
"""By the number of a cause, the number of its actor."""

ACTORS_METHOD = (
    "who ended it: cumulative incidence of each actor, competing (discrete-time NPMLE, hour grid); one table says "
    "which cause is whose act; 95% intervals over repetitions of the process, see docs/ranking.md"
)


def actor_shares(
    parts: Mapping[str, Part],
    names: Mapping[str, str],
    *,
    until: datetime,
    withheld: Collection[str] = (),
    unasked: Mapping[str, Collection[Actor]] = MappingProxyType({}),
    within_h: Sequence[float] = ACTORS_H,
    ranked: Actor = "hoster",
) -> list[ActorShare]:
    """The share that each actor ended, by key.

    Most clocks first. Actors compete: the cumulative incidence of each, causes put together by `ACTED`. No number where
    fewer than FEWEST_SITES sites are known at those hours, where the share of those who are `ranked` is withheld
    (`Removal.withheld`), or for keys in `withheld`, and no interval where reports span too few days. `parts` are the
    clocks of each key, `until` is the end of the measurement. `unasked` are, by key, actors of whose acts nobody was
    asked. The share of those who are `ranked` is that of the ranking, with its interval (`removal`): each of these acts
    by one cause alone.
    """
    found: list[ActorShare] = []
    for key, part in sorted(parts.items(), key=lambda item: (item[0] != EVERYTHING, -len(item[1].clocks), item[0])):
        if part.clocks:
            found += _of_key(
                key,
                names.get(key, key),
                part,
                until,
                within_h,
                unasked=ACTORS if key in withheld else unasked.get(key, ()),
                ranked=ranked,
            )
    return found


def _of_key(
    key: str,
    name: str,
    part: Part,
    until: datetime,
    within_h: Sequence[float],
    *,
    unasked: Collection[Actor],
    ranked: Actor,
) -> Iterator[ActorShare]:
    group = part.clocks
    of_ranked = removals([_credited(one, ranked) for one in group], within_h, until=until, hidden=part.hidden)
    own = [one if one.cause == NOTHING else replace(one, cause=_ACTOR[one.cause]) for one in group]
    ends = ([getattr(one, name) for one in own] for name in ("left_h", "right_h", "cause"))
    curves = cumulative_incidence(*ends, causes=len(ACTORS))
    for hours in within_h:
        enough = len({one.site_id for one in own if known_within(one, hours)}) >= FEWEST_SITES
        enough = enough and not of_ranked[hours].withheld
        for number, actor in enumerate(ACTORS):
            share, low, high = (
                share_within(curves, number, hours) if enough and actor not in unasked else None,
                None,
                None,
            )
            if share is not None and actor == ranked:
                share, low, high = of_ranked[hours].removed, of_ranked[hours].low, of_ranked[hours].high
            elif share is not None and isinstance(worth := worth_within(own, hours, (number,), until=until), Worth):
                low, high = share_interval(share, worth.number)
            yield ActorShare(
                key=key,
                name=name,
                actor=actor,
                within_h=hours,
                clocks=len(own),
                ended=sum(one.cause == number for one in own),
                share=_rounded(share),
                low=_rounded(low),
                high=_rounded(high),
            )


def _credited(clock: Clock, ranked: Actor) -> Clock:
    """The clock as the ranking of an actor has it: its act stands for a removal, which is one more competing end."""
    if ranked == "hoster":
        return clock
    (act,) = (number for number, cause in enumerate(CAUSES) if ACTED[cause] == ranked)
    cause = {act: REMOVED, REMOVED: act}.get(clock.cause, clock.cause)
    return replace(clock, cause=cause, flap_left_h=inf, flap_right_h=inf)


def _rounded(share: float | None) -> float | None:
    """Round to a millionth, as rankings do."""
    return None if share is None else round(share, 6)
