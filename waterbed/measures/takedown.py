"""Takedown clocks of one group, and how fast it removes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import compress
from math import inf
from typing import Annotated, Final, Literal

from waterbed.estimators.calendar_time import Worth, effective_number, least_batches
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import (
    NOTHING,
    Curves,
    cumulative_incidence,
)
from waterbed.measures.labels import Label, Labels, by_kind
from waterbed.model.conclusions import TOLD_BY_REGISTRIES, EndCause, Episode
from waterbed.model.message import Message, Number

By = Literal["hoster", "asn", "country"]

_SEEN: Final[tuple[EndCause, ...]] = ("removed", "moved", "name", "network", "seized", "lost")
CAUSES: Final[tuple[EndCause, ...]] = (*_SEEN, *TOLD_BY_REGISTRIES)
"""Competing ends of a takedown clock. Content put behind a proxy (masked) has moved, as far as can be seen."""

REMOVED, MOVED, LOST = (CAUSES.index(cause) for cause in ("removed", "moved", "lost"))
UNKNOWN_ENDS: Final[tuple[EndCause, ...]] = ("lineage", "lost")
"""Ends of which nobody knows what became of the content there: others have its addresses, or others alone answered."""
WITHIN_H: Final = 24.0
_HOUR: Final = timedelta(hours=1)
FEWEST_SITES: Final = 10
"""Sites below which a share is not given: one site's fate would be read as the hoster's habit."""
MOST_UNSEEN: Final = 0.10
"""Part of the clocks that may be of content that only its report saw up, where one number is given."""
FEW_LOOKS: Final = 2
"""Checks after which content may be hidden from all others: that looks like removal within hours."""
MOST_AFTER_FEW: Final = 0.6
"""Part of all removals in time that follow FEW_LOOKS checks or fewer, from which on these may be hidden content."""
BACK_WITHIN: Final = timedelta(hours=24)
"""Content that is back within this time was not removed: nights, restarts and maintenance are no removals."""

Case = Literal["worst", "best"]
"""What is taken of content whose end nobody saw: that it was not removed in time, or that it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One takedown clock: hours since the URL was reported there."""

    left_h: Annotated[float, "last known up, hours since the origin"]
    right_h: Annotated[float, "first confirmed not, hours since the origin; inf: still up"]
    cause: Annotated[int, "index in CAUSES, -1 while running"]
    site_id: Annotated[str, "the site"]
    origin: Annotated[datetime, "when it was reported"]
    seen: Annotated[bool, "whether anybody but a bare report saw it up there"] = True
    looks: Annotated[float, "checks of ours that saw it up; 0: none did, or too few (`clocks`)"] = inf
    flap_left_h: Annotated[float, "last known up before a first removal that may have lasted a day, hours"] = inf
    flap_right_h: Annotated[float, "first check of that removal, hours since the origin; inf: none"] = inf
    labels: Annotated[tuple[Label, ...], "what the study knows by which outcomes may depend on each other"] = ()
    earlier_h: Annotated[float, "hours before the origin at which another report claims that it was made"] = 0.0

    @property
    def seen_by_check(self) -> bool:
        """True if enough checks of ours saw it up: it can be hidden from us whatever an analyst saw before."""
        return self.seen and self.looks > 0


def episode_keys(episode: Episode, by: By) -> tuple[str, ...]:
    """Name the groups an episode belongs to, as ranking keys."""
    if by == "asn":
        return tuple(f"AS{number}" for number in episode.origins)
    if by == "country":
        return episode.countries
    return tuple(dict.fromkeys((episode.hoster, *episode.hosters)))


def episodes_by_key(episodes: Iterable[Episode], by: By) -> dict[str, list[Episode]]:
    """Sort episodes into the groups they belong to.

    A hoster's own episodes of a URL stand for it; only without one do those that name it beside another.
    """
    groups: dict[str, list[Episode]] = defaultdict(list)
    own: set[tuple[str, str]] = set()
    everything = list(episodes)
    if by == "hoster":
        own = {(episode.url_id, episode.hoster) for episode in everything}
    for episode in everything:
        for key in episode_keys(episode, by):
            if key and (by != "hoster" or episode.hoster == key or (episode.url_id, key) not in own):
                groups[key].append(episode)
    return groups


def clocks(episodes: Iterable[Episode], labels: Labels | None = None) -> list[Clock]:
    """Turn one group's episodes into takedown clocks, of which no check saw up what might be hidden instead of removed.

    They are those of `clocks_as_seen`, but where most removals within WITHIN_H hours followed FEW_LOOKS checks or
    fewer, these count as seen up by none (`enough`).
    """
    return seen_enough(clocks_as_seen(episodes, labels))[0]


def seen_enough(made: Sequence[Clock]) -> tuple[list[Clock], int]:
    """The clocks of one group, of which those removed in time after too few checks were seen up by none.

    With the checks that are enough.
    """
    in_time = [one.cause == REMOVED and one.right_h <= WITHIN_H and one.seen_by_check for one in made]
    least = enough(one.looks for one in compress(made, in_time))
    pairs = zip(made, in_time, strict=True)
    return [replace(one, looks=0.0) if its and one.looks < least else one for one, its in pairs], least


def enough(looks: Iterable[float]) -> int:
    """The checks that must have seen content of a group up for its removal within WITHIN_H hours to be sure.

    `looks` are those of all that was removed in time and seen up by any. One is enough; more than FEW_LOOKS are where
    most went before the next: who hides content after one or two checks looks as quick as who removes it.
    """
    of = list(looks)
    few = sum(number <= FEW_LOOKS for number in of)
    return FEW_LOOKS + 1 if few and few >= MOST_AFTER_FEW * len(of) else 1


def clocks_as_seen(episodes: Iterable[Episode], labels: Labels | None = None) -> list[Clock]:
    """Turn one group's episodes into takedown clocks, with the cluster and the labels that `labels` knows of each.

    The clock starts at `reported_at` and ends in (last_up, first_down]; a URL never reported there has none: nobody was
    asked to remove it. Episodes of one URL that overlap, or that follow a `moved` or `masked` end without a break, are
    one clock: the content never left the group. Episodes at a reverse proxy give none: its operator cannot remove what
    lies elsewhere.
    """
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    joined = (episode for own in by_url.values() for episode in joined_episodes(own))
    return [_clock(episode, episode.reported_at, labels) for episode in joined if episode.reported_at]


def joined_episodes(episodes: Sequence[Episode], *, back_within: timedelta = BACK_WITHIN) -> list[Episode]:
    """One URL's episodes in one group, joined, in time order.

    Episodes that go on without a break are one, and so are those between which it was removed and back within
    `back_within`, as far as the checks tell: the first such removal stays in the fields of a flap.
    """
    if len(episodes) == 1:
        return list(episodes)
    joined: list[Episode] = []
    for episode in sorted(episodes, key=lambda e: (e.known_up_at, e.last_up)):
        before = joined[-1] if joined else None
        if before and _goes_on(before, episode):
            joined[-1] = _union(before, episode)
        elif before and _is_back(before, episode, back_within):
            joined[-1] = _interrupted(before, episode)
        else:
            joined.append(episode)
    return joined


def _goes_on(before: Episode, after: Episode) -> bool:
    if after.known_up_at <= before.last_up or before.first_down is None:
        return True
    return before.cause in ("moved", "masked", "lineage") and after.known_up_at <= before.first_down


def _is_back(before: Episode, after: Episode, within: timedelta) -> bool:
    """True unless it was surely away for longer: between the first check of its removal and the last of its absence."""
    if before.cause not in ("removed", "lost") or before.first_down is None:
        return False
    return max(before.first_down, after.absent_at or before.first_down) - before.first_down < within


def _interrupted(before: Episode, after: Episode) -> Episode:
    """The episode that goes on after a removal that did not last."""
    if (
        before.flap_first_down is None
        and before.reported_at
        and (before.first_down or before.last_up) > before.reported_at
    ):
        before = replace(
            before,
            flap_last_up=before.last_up,
            flap_first_down=before.first_down,
            flap_up_again=after.first_up or after.known_up_at,
        )
    return _union(before, after)


def _union(before: Episode, after: Episode) -> Episode:
    """The episode during which either of two was up.

    It ends when the later one does, and runs while one runs.
    """
    later = max(before, after, key=lambda e: (e.first_down is None, e.first_down or e.last_up))
    apart = after.known_up_at > before.last_up  # else the same looks saw both
    last_up = max(before.last_up, after.last_up)
    lost = (one.first_down for one in (before, after) if one.cause == "lost")
    if later.cause == "removed" and any(down is not None and down > last_up for down in lost):
        later = replace(later, cause="lost")  # nobody knows of one of them that it was removed there
    flapped = before if before.flap_first_down else after if after.flap_first_down else None
    return replace(
        later,
        known_up_at=before.known_up_at,
        reported_at=before.reported_at or after.reported_at,
        claimed_at=(before if before.reported_at else after).claimed_at,
        first_up=before.first_up or after.first_up,
        confirmed_at=before.confirmed_at or after.confirmed_at,
        last_up=last_up,
        looks=before.looks + after.looks if apart else max(before.looks, after.looks),
        unknown_looks=before.unknown_looks + after.unknown_looks
        if apart
        else max(before.unknown_looks, after.unknown_looks),
        looks_until_last=before.looks + after.looks_until_last
        if apart
        else max(before.looks_until_last, after.looks_until_last),
        flap_last_up=flapped.flap_last_up if flapped else None,
        flap_first_down=flapped.flap_first_down if flapped else None,
        flap_up_again=flapped.flap_up_again if flapped else None,
    )


def _clock(episode: Episode, origin: datetime, labels: Labels | None) -> Clock:
    # who answers for the addresses changed: the clock of the one before stops there, and nothing was removed
    ended = episode.first_down is not None and episode.cause != "lineage"
    cause = "moved" if episode.cause == "masked" else episode.cause or "lost"
    flap = flap_after(episode, origin)
    return Clock(
        left_h=max(0.0, _hours(episode.last_up - origin)),
        right_h=_hours(episode.first_down - origin) if ended and episode.first_down else float("inf"),
        cause=CAUSES.index(cause) if ended else NOTHING,
        site_id=episode.site_id,
        origin=origin,
        seen=episode.seen,
        looks=checks_up(episode) if episode.first_up else 0,
        flap_left_h=max(0.0, _hours(flap[0] - origin)) if flap else inf,
        flap_right_h=_hours(flap[1] - origin) if flap else inf,
        labels=labels.of_episode(episode, origin) if labels else (),
        earlier_h=earlier_claim(episode, origin),
    )


def checks_up(episode: Episode) -> int:
    """The checks that saw an episode's content up."""
    return min(episode.looks - episode.unknown_looks, episode.looks_until_last)


def earlier_claim(episode: Episode, origin: datetime) -> float:
    """The hours by which an earlier time that a report claims lies before an origin."""
    return max(0.0, _hours(origin - episode.claimed_at)) if episode.claimed_at else 0.0


def flap_after(episode: Episode, origin: datetime) -> tuple[datetime, datetime] | None:
    """The interval of an episode's flap after an origin, if it may have lasted for BACK_WITHIN."""
    down, last = episode.flap_first_down, episode.flap_last_up
    if last is None or down is None or down <= origin:
        return None
    back = episode.flap_up_again
    return None if back is not None and back - last <= BACK_WITHIN else (last, down)


def restated(group: Iterable[Clock], case: Case, within_h: float, *, until: datetime) -> list[Clock]:
    """The clocks, each as it was in the worst or the best case.

    Four kinds of clocks leave open whether the content was removed within `within_h` hours: those that stop before
    although the measurement, to `until`, goes on beyond (lost from sight, never decided); those that end as `lost`, for
    nobody asked this hoster; those removed in an interval that holds `within_h`; those of content that no check of
    ours ever saw up. In the best case all of these were removed in time, and so was what may have been away for a
    day. In the worst case none was, and hours count from the earliest time that any report claims: the best case, which
    names rest on, believes no date of a source that reports after another, and the worst case, which quick places rest
    on, believes each.
    """
    found = []
    for clock in group:
        open_until_then = clock.left_h < within_h
        earlier = clock.earlier_h if case == "worst" else 0.0
        lost = clock.cause == NOTHING and open_until_then and _hours(until - clock.origin) + earlier >= within_h
        lost = lost or (clock.cause == LOST and open_until_then)
        straddles = clock.cause == REMOVED and open_until_then and clock.right_h + earlier > within_h
        unseen = clock.cause == REMOVED and open_until_then and not clock.seen_by_check
        if case == "worst":
            taken = (
                replace(clock, left_h=within_h, right_h=inf, cause=NOTHING) if lost or straddles or unseen else clock
            )
        elif clock.flap_left_h < within_h:
            end = min(clock.flap_right_h, within_h)
            taken = replace(clock, left_h=min(clock.flap_left_h, end / 2), right_h=end, cause=REMOVED)
        elif lost or straddles:
            taken = replace(clock, right_h=min(clock.right_h, within_h), cause=REMOVED)
        else:
            taken = clock
        found.append(taken)
    return found


Outcome = tuple[Clock, bool, bool]
"""A clock, and whether its content was surely removed in time, and possibly."""


def outcomes(group: Sequence[Clock], within_h: float, *, until: datetime, hides: bool = False) -> Iterator[Outcome]:
    """Say of each clock if its content was removed within some hours: surely, and possibly.

    Of the clocks that could be followed so long, to `until`: those that began later are known only if they ended. What
    was out of sight, or seen up by no check of ours, was possibly removed (`restated`); with `hides` nothing was surely
    removed.
    """
    both = (restated(group, case, within_h, until=until) for case in ("worst", "best"))
    for clock, worst, best in zip(group, *both, strict=True):
        followed = _hours(until - clock.origin) >= within_h
        if followed and known_within(worst, within_h) and known_within(best, within_h):
            yield clock, _removed(worst, within_h) and not hides, _removed(best, within_h)


def _removed(clock: Clock, within_h: float) -> bool:
    return clock.right_h <= within_h and clock.cause == REMOVED


def first_down(group: Iterable[Clock]) -> int:
    """Count the clocks that ended before anybody but the report saw the content up."""
    return sum(clock.cause != NOTHING and not clock.seen for clock in group)


def seldom_seen(down: int, clocks: int) -> bool:
    """True if, of some clocks, `down` were first found down: too many for one number of how long content stayed."""
    return down > MOST_UNSEEN * clocks


def never_seen(site_id: str, origin: datetime, labels: tuple[Label, ...] = ()) -> Clock:
    """The clock of a URL reported and never seen.

    It is out of sight from the start.
    """
    return Clock(left_h=0.0, right_h=float("inf"), cause=NOTHING, site_id=site_id, origin=origin, labels=labels)


def _hours(time: timedelta) -> float:
    return time / _HOUR


def incidence(group: Sequence[Clock]) -> Curves:
    """Estimate when each cause ends the clocks of a group."""
    return cumulative_incidence(
        [c.left_h for c in group], [c.right_h for c in group], [c.cause for c in group], causes=len(CAUSES)
    )


def worth_within(
    group: Sequence[Clock],
    within_h: float,
    causes: Collection[int],
    *,
    until: datetime,
    level: float = 0.95,
    together: float = 1.0,
    drifts: bool = False,
) -> Worth | Refusal:
    """The worth of a share that some causes ended.

    Within `within_h` hours, of the clocks whose state is known then and that could be followed so long, to `until`:
    those that began later are known only if they ended. Outcomes depend on each other within sites, within what the
    study knows of them by labels, and over time (`effective_number`); with `together` it is what the share is worth if
    decisions are made for so many sites at once (`Worth.together`). With `drifts` a steady trend makes no regimes.
    """
    known = followed(group, within_h, until=until)
    if not known:
        return Refusal(Message.of("no report could be followed for {hours}", hours=Number(within_h, "hour")))
    first = min(c.origin for c in known)
    sites = {site: number for number, site in enumerate(sorted({c.site_id for c in known}))}
    labels, alike = by_kind([c.labels for c in known])
    found = effective_number(
        [c.right_h <= within_h and c.cause in causes for c in known],
        [_hours(c.origin - first) for c in known],
        [sites[c.site_id] for c in known],
        labels=labels,
        pooled=alike,
        level=level,
        drifts=drifts,
    )
    if isinstance(found, Refusal) or together == 1.0:
        return found
    return replace(found, number=found.together(together))


def followed(group: Iterable[Clock], within_h: float, *, until: datetime) -> list[Clock]:
    """The clocks that could be followed for some hours, to `until`, and whose state is known then."""
    return [c for c in group if known_within(c, within_h) and _hours(until - c.origin) >= within_h]


def last_known(group: Sequence[Clock]) -> datetime:
    """The latest time at which any clock is known."""
    return max(c.origin + timedelta(hours=c.left_h if c.cause == NOTHING else c.right_h) for c in group)


def known_within(clock: Clock, within_h: float) -> bool:
    """True if a clock's state is known at `within_h` hours."""
    return clock.left_h >= within_h or clock.right_h <= within_h


def batches_of(group: Sequence[Clock]) -> tuple[int, int]:
    """Count removals of content that somebody but the report saw up, and the fewest times that can hold them."""
    removed = [c for c in group if c.cause == REMOVED and c.seen]
    if not removed:
        return 0, 0
    first = min(c.origin for c in removed)
    at = [_hours(c.origin - first) for c in removed]
    ends = [(begin + c.left_h, begin + c.right_h) for begin, c in zip(at, removed, strict=True)]
    return len(removed), least_batches([begin for begin, _ in ends], [end for _, end in ends])
