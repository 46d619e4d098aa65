"""Takedown clocks with an explicit origin: first seen, reported, noticed, ordered, or begun. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from waterbed.analysis.rankings.takedown import CAUSES, Clock, joined_episodes
from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.incidence import NOTHING
from waterbed.model.conclusions import ClockKind, Episode, Timing
from waterbed.model.takedown import BY_NOTICE, AddressedNotice, NoticeContext, TakedownClock, counted_at

LEGAL_H: Final = 12.0
"""The time that a legal order allows, hours."""

CLOCK_WORDS: Final[Mapping[ClockKind, str]] = {
    "first_seen": "anyone first knew it up",
    "reported": "it was reported",
    "notice_sent": "the first notice to the hoster of that time was sent",
    "notice_delivered": "the first notice to the hoster of that time was delivered",
    "legal_order": "the first legal order to the hoster of that time was delivered",
    "episode_start": "it was first known up there",
}
"""What a clock runs from, for people."""


def clocks_of_groups(
    groups: Mapping[str, Iterable[Episode]], context: NoticeContext, *, hosters: bool, clock: ClockKind
) -> dict[str, list[TakedownClock]]:
    """The takedown clocks of each group; `hosters` says that the keys are those of hosters.

    Notices to a hoster start that hoster's clocks alone; those of an AS or country are started by notices to whoever
    was the hoster.
    """
    return {
        key: takedown_clocks(group, context, key=key, hosters=hosters, clock=clock) for key, group in groups.items()
    }


def takedown_clocks(
    episodes: Iterable[Episode], context: NoticeContext, *, key: str, hosters: bool = True, clock: ClockKind
) -> list[TakedownClock]:
    """The takedown clocks of one group's episodes, by URL and origin.

    Episodes are joined as for any clock (`joined_episodes`); those at a reverse proxy give none. What nothing started
    has no clock. A clock that a notice starts runs from the first one that reached the hoster of that time, whoever
    sent it; bounced ones start nothing, nor does one of which nobody knows that it arrived, unless the clock is
    `notice_sent`. Notices are a matter of time: the same in any order.
    """
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    found = []
    for url_id, own in by_url.items():
        stays = joined_episodes(own)
        about = [n for n in context.notices.get(url_id, ()) if not n.bounced]
        direct = sorted(
            (n for n in about if n.addressed == "direct" and (not hosters or n.recipient == key)),
            key=lambda notice: (counted_at(notice, clock) or notice.sent_at, notice.notice_id),
        )
        sets = _by_stay(direct, stays, clock)
        for place, stay in enumerate(stays):
            starter, origin = _start(stay, sets[place], clock)
            if origin is None:
                continue
            indirect = [n for n in about if n.addressed == "indirect"]
            since = context.known_since.get(url_id, stay.known_up_at)
            seen = context.confirmed.get(url_id, ()) if clock in BY_NOTICE else ()
            ended = _confirmed(stay, seen)
            found.append(_clock(ended, origin, starter, sets[place], indirect, key=key, clock=clock, since=since))
    return sorted(found, key=lambda one: (one.url_id, one.origin))


def running_clocks(clocks: Iterable[TakedownClock]) -> list[Clock]:
    """The clocks as estimators take them: those that started while it was up, and were under study from the start.

    An end in an interval that holds the origin is taken to lie after it, in (0, R]. Late entries are left out: to
    count them as if they had been watched from the origin makes removal look slow. Clusters are sites or batches,
    whichever are worth fewer.
    """
    kept = counted(clocks)
    return [
        Clock(
            left_h=max(0.0, one.left_h),
            right_h=float("inf") if one.right_h is None else one.right_h,
            cause=_cause(one),
            site_id=cluster,
            origin=one.origin,
        )
        for one, cluster in zip(kept, clusters_of(kept), strict=True)
    ]


def counted(clocks: Iterable[TakedownClock]) -> list[TakedownClock]:
    """The clocks that `running_clocks` takes, in the same order."""
    return [one for one in clocks if one.timing != "before" and one.entered_h == 0]


def clusters_of(clocks: Sequence[TakedownClock]) -> list[str]:
    """The cluster of each clock: its site, or its batch (else its site), whichever makes fewer effective clusters."""
    sites = [one.site_id for one in clocks]
    batches = [f"batch {one.batch}" if one.batch else one.site_id for one in clocks]
    return min((batches, sites), key=effective)


def effective(labels: Iterable[str]) -> float:
    """How many independent clusters the labels of some clocks are worth, if those of one agree wholly."""
    sizes = list(Counter(labels).values())
    return worth(sizes, 1.0) if sizes else 0.0


def _cause(clock: TakedownClock) -> int:
    if clock.right_h is None:
        return NOTHING
    cause = "moved" if clock.cause == "masked" else clock.cause or "lost"
    return CAUSES.index(cause)


def _by_stay(
    notices: Sequence[AddressedNotice], stays: Sequence[Episode], clock: ClockKind
) -> list[list[AddressedNotice]]:
    """The notices that are about each stay, in time order."""
    sets: list[list[AddressedNotice]] = [[] for _ in stays]
    for notice in notices:
        place = _stay_at(counted_at(notice, clock) or notice.sent_at, stays)
        if place is not None:
            sets[place].append(notice)
    return sets


def _stay_at(when: datetime, stays: Sequence[Episode]) -> int | None:
    """The stay that a notice of that time is about: the one that may go on then, else the last one that is over."""
    for place, stay in enumerate(stays):
        begun = stay.absent_at is None or stay.absent_at < when
        if begun and (stay.first_down is None or when < stay.first_down):
            return place
    over = [place for place, stay in enumerate(stays) if stay.first_down is not None and stay.first_down <= when]
    return over[-1] if over else None


def _confirmed(stay: Episode, seen: Iterable[datetime]) -> Episode:
    """A stay that ended, last known up when an analyst last saw it so before the end."""
    if stay.first_down is None:
        return stay
    up = (when for when in seen if stay.known_up_at <= when < stay.first_down)
    return replace(stay, last_up=max((stay.last_up, *up)))


def _start(
    stay: Episode, notices: Sequence[AddressedNotice], clock: ClockKind
) -> tuple[AddressedNotice | None, datetime | None]:
    """What starts a stay's clock, and when."""
    if clock == "reported":
        return None, stay.reported_at
    if clock == "first_seen":
        return None, stay.known_up_at if stay.absent_at is None else None
    if clock == "episode_start":
        return None, stay.known_up_at
    for notice in notices:
        when = counted_at(notice, clock)
        if when is not None and (notice.kind == "legal_order") == (clock == "legal_order"):
            return notice, when
    return None, None


def _clock(
    stay: Episode,
    origin: datetime,
    starter: AddressedNotice | None,
    notices: Sequence[AddressedNotice],
    indirect: Sequence[AddressedNotice],
    *,
    key: str,
    clock: ClockKind,
    since: datetime,
) -> TakedownClock:
    def hours(when: datetime) -> float:
        return (when - origin) / timedelta(hours=1)

    # a hoster that sold the network removed nothing: its clock stops at the last look that saw it there
    ended = stay.first_down if stay.cause != "lineage" else None
    entered = max(0.0, hours(since if stay.absent_at is None else stay.known_up_at))
    left, right = hours(stay.last_up), None if ended is None else hours(ended)
    if right is not None and right <= entered:
        entered = 0.0  # gone before it came under study: known all the same, so nothing was cut off
    arrived = [when for n in notices if n is not starter and (when := counted_at(n, clock))]
    answers = [hours(n.acknowledged_at) for n in notices if n.acknowledged_at]
    return TakedownClock(
        url_id=stay.url_id,
        site_id=stay.site_id,
        key=key,
        clock=clock,
        origin=origin,
        known_up_at=stay.known_up_at,
        entered_h=entered,
        left_h=max(left, entered) if entered else left,
        right_h=right,
        cause=stay.cause if ended else None,
        timing=_timing(left, right),
        notice_id=starter.notice_id if starter else None,
        batch=starter.batch if starter else None,
        acknowledged_h=min(answers, default=None),
        reminders_h=tuple(sorted(map(hours, arrived))),
        indirect_h=tuple(sorted(hours(when) for n in indirect if (when := counted_at(n, clock)))),
        citizens_before=sum(
            n.kind == "citizen" and n is not starter and (counted_at(n, clock) or origin) < origin for n in notices
        ),
        held_for_police=any(n.held_for_police for n in notices),
    )


def _timing(left: float, right: float | None) -> Timing:
    if right is None or left >= 0:
        return "after"
    return "before" if right <= 0 else "open"
