"""Takedown clocks with an explicit origin.

Origins: first seen, reported, noticed, ordered, or begun. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import compress
from typing import Final

from waterbed.estimators.cluster_shares import worth
from waterbed.estimators.survival.incidence import NOTHING
from waterbed.measures.labels import CONTENT, Label, Labels
from waterbed.measures.takedown import (
    CAUSES,
    WITHIN_H,
    Clock,
    checks_up,
    earlier_claim,
    enough,
    flap_after,
    joined_episodes,
)
from waterbed.model.conclusions import ClockKind, Episode, Timing
from waterbed.model.takedown import BY_NOTICE, AddressedNotice, NoticeContext, TakedownClock, counted_at

CLOCK_WORDS: Final[Mapping[ClockKind, str]] = {
    "first_seen": "anyone first knew it up",
    "reported": "it was reported",
    "notice_sent": "the first notice to the hoster of that time was sent",
    "notice_delivered": "the first notice to the hoster of that time was delivered",
    "legal_order": "the first legal order to the hoster of that time was delivered",
    "episode_start": "it was first known up there",
}
"""Origin of each clock, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledClock(TakedownClock):
    """A takedown clock with its labels and an earlier claim, which stay out of its table."""

    labels: tuple[Label, ...]
    earlier_h: float
    """Hours before the origin at which another report claims that it was made."""


def clocks_of_groups(
    groups: Mapping[str, Iterable[Episode]],
    context: NoticeContext,
    *,
    hosters: bool,
    clock: ClockKind,
    registrars: bool = False,
    labels: Labels | None = None,
) -> dict[str, list[TakedownClock]]:
    """The takedown clocks of each group, with the labels that `labels` knows of each.

    `hosters` says that the keys are those of hosters. Notices to a hoster start that hoster's clocks alone; those of an
    AS or country are started by notices to whoever was the hoster. `registrars` says that they are those of registrars,
    whose clocks the notices to them start.
    """
    return {
        key: takedown_clocks(
            group, context, key=key, hosters=hosters, clock=clock, registrars=registrars, labels=labels
        )
        for key, group in groups.items()
    }


def takedown_clocks(
    episodes: Iterable[Episode],
    context: NoticeContext,
    *,
    key: str,
    hosters: bool = True,
    clock: ClockKind,
    registrars: bool = False,
    labels: Labels | None = None,
) -> list[TakedownClock]:
    """The takedown clocks of one group, by URL and origin.

    Episodes are joined as for any clock (`joined_episodes`); those at a reverse proxy give none. Spells
    without an origin have none either. A clock that a notice starts runs from the first one that reached the hoster of
    that time, whoever sent it. Bounced notices start no clock; those of unknown arrival start `notice_sent` clocks
    alone. The order of the notices given does not matter.
    """
    by_url: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        if not episode.proxy:
            by_url[episode.url_id].append(episode)
    found, looks = list[TakedownClock](), list[int]()
    for url_id, own in by_url.items():
        spells = joined_episodes(own)
        about = [n for n in context.notices.get(url_id, ()) if not n.bounced]
        direct = sorted(
            (n for n in about if reaches(n, key, hosters=hosters, registrars=registrars)),
            key=lambda notice: (counted_at(notice, clock) or notice.sent_at, notice.notice_id),
        )
        sets = _by_spell(direct, spells, clock)
        for place, spell in enumerate(spells):
            starter, origin = _start(spell, sets[place], clock)
            if origin is None:
                continue
            indirect = [n for n in about if n.addressed == "indirect" and n not in direct]
            since = context.known_since.get(url_id, spell.known_up_at)
            seen = context.confirmed.get(url_id, ()) if clock in BY_NOTICE else ()
            ended = _confirmed(spell, seen)
            made = _clock(ended, origin, starter, sets[place], indirect, key=key, clock=clock, since=since)
            earlier_h = 0.0 if clock in BY_NOTICE else earlier_claim(spell, origin)
            found.append(_labelled(made, spell, labels, earlier_h) if labels or earlier_h else made)
            looks.append(checks_up(spell))
    return sorted(_by_looks(found, looks), key=lambda one: (one.url_id, one.origin))


def _by_looks(made: Sequence[TakedownClock], looks: Sequence[int]) -> list[TakedownClock]:
    """The clocks, of which those removed in time after too few checks were seen up by none (`clocks`)."""
    in_time = [
        one.seen_by_check and _counts(one) and one.cause == "removed" and (one.right_h or 0.0) <= WITHIN_H
        for one in made
    ]
    least = enough(compress(looks, in_time))
    return [
        replace(one, seen_by_check=False) if its and number < least else one
        for one, its, number in zip(made, in_time, looks, strict=True)
    ]


def _labelled(clock: TakedownClock, spell: Episode, labels: Labels | None, earlier_h: float) -> LabelledClock:
    its = {one.name: getattr(clock, one.name) for one in fields(TakedownClock)}
    found = labels.of_episode(spell, clock.origin) if labels else ()
    return LabelledClock(**its, labels=found, earlier_h=earlier_h)


def labels_on(clock: TakedownClock) -> tuple[Label, ...]:
    """The labels of a takedown clock, if it has any."""
    return clock.labels if isinstance(clock, LabelledClock) else ()


def site_of(clock: TakedownClock) -> str:
    """The content id with which a takedown clock's URL was first reported, or its site."""
    return next((label.value for label in labels_on(clock) if label.kind == CONTENT), clock.site_id)


def reaches(notice: AddressedNotice, key: str, *, hosters: bool, registrars: bool = False) -> bool:
    """True if a notice reached those a key names."""
    if registrars:
        return notice.role == "registrar" and notice.recipient == key
    return notice.addressed == "direct" and (not hosters or notice.recipient == key)


def running_clocks(clocks: Iterable[TakedownClock]) -> list[Clock]:
    """The clocks in the form that estimators take.

    Clocks that started while the content was up and that were under study from the start. An end in an interval that
    holds the origin is taken to lie after it, in (0, R]. Late entries are left out: to count them as if they had been
    watched from the origin makes removal look slow. Clusters are sites or batches, whichever are worth fewer.
    """
    kept = counted(clocks)
    return [
        Clock(
            left_h=max(0.0, one.left_h),
            right_h=float("inf") if one.right_h is None else one.right_h,
            cause=_cause(one),
            site_id=cluster,
            origin=one.origin,
            seen=one.seen,
            looks=float("inf") if one.seen_by_check else 0.0,
            flap_left_h=float("inf") if one.flap_left_h is None else max(0.0, one.flap_left_h),
            flap_right_h=float("inf") if one.flap_right_h is None else one.flap_right_h,
            labels=labels_on(one),
            earlier_h=one.earlier_h if isinstance(one, LabelledClock) else 0.0,
        )
        for one, cluster in zip(kept, clusters_of(kept), strict=True)
    ]


def counted(clocks: Iterable[TakedownClock]) -> list[TakedownClock]:
    """The clocks that `running_clocks` takes, in the same order."""
    return [one for one in clocks if _counts(one)]


def _counts(one: TakedownClock) -> bool:
    return one.timing != "before" and one.entered_h == 0


def clusters_of(clocks: Sequence[TakedownClock]) -> list[str]:
    """The cluster of each clock: its site or its batch.

    A clock without a batch keeps its site. Of the two labellings the one with fewer effective clusters is taken.
    """
    sites = [one.site_id for one in clocks]
    batches = [f"batch {one.batch}" if one.batch else site for one, site in zip(clocks, sites, strict=True)]
    return min((batches, sites), key=effective)


def effective(labels: Iterable[str]) -> float:
    """The number of independent clusters that labels are worth.

    Clocks with the same label count as agreeing wholly.
    """
    sizes = list(Counter(labels).values())
    return worth(sizes, 1.0) if sizes else 0.0


def _cause(clock: TakedownClock) -> int:
    if clock.right_h is None:
        return NOTHING
    cause = "moved" if clock.cause == "masked" else clock.cause or "lost"
    return CAUSES.index(cause)


def _by_spell(
    notices: Sequence[AddressedNotice], spells: Sequence[Episode], clock: ClockKind
) -> list[list[AddressedNotice]]:
    """The notices about each spell, in time order."""
    sets: list[list[AddressedNotice]] = [[] for _ in spells]
    for notice in notices:
        place = _spell_at(counted_at(notice, clock) or notice.sent_at, spells)
        if place is not None:
            sets[place].append(notice)
    return sets


def _spell_at(when: datetime, spells: Sequence[Episode]) -> int | None:
    """The index of the spell that a notice is about.

    The spell that may go on at that time, else the last one that is over; None if there is neither.
    """
    for place, spell in enumerate(spells):
        begun = spell.absent_at is None or spell.absent_at < when
        if begun and (spell.first_down is None or when < spell.first_down):
            return place
    over = [place for place, spell in enumerate(spells) if spell.first_down is not None and spell.first_down <= when]
    return over[-1] if over else None


def _confirmed(spell: Episode, seen: Iterable[tuple[datetime, datetime]]) -> Episode:
    """The spell with the last sighting by an analyst.

    A spell that ended counts as up until an analyst last saw it up before the end, if that was received before it.
    """
    end = spell.first_down
    if end is None:
        return spell
    up = [when for when, received in seen if spell.known_up_at <= when < end and received < end]
    return replace(spell, last_up=max((spell.last_up, *up)), confirmed_at=max(up, default=spell.confirmed_at))


def _start(
    spell: Episode, notices: Sequence[AddressedNotice], clock: ClockKind
) -> tuple[AddressedNotice | None, datetime | None]:
    """The notice and the time that start a spell's clock."""
    if clock == "reported":
        return None, spell.reported_at
    if clock == "first_seen":
        return None, spell.known_up_at if spell.absent_at is None else None
    if clock == "episode_start":
        return None, spell.known_up_at
    for notice in notices:
        when = counted_at(notice, clock)
        if when is not None and notice.order == (clock == "legal_order"):
            return notice, when
    return None, None


def _clock(
    spell: Episode,
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
    ended = spell.first_down if spell.cause != "lineage" else None
    entered = max(0.0, hours(since if spell.absent_at is None else spell.known_up_at))
    left, right = hours(spell.last_up), None if ended is None else hours(ended)
    if right is not None and left >= right:
        left = min(0.0, right)  # first known when it was gone already: nobody saw it up
    if right is not None and right <= entered:
        entered = 0.0  # gone before it came under study: known all the same, so nothing was cut off
    arrived = [when for n in notices if n is not starter and (when := counted_at(n, clock))]
    answers = [hours(n.acknowledged_at) for n in notices if n.acknowledged_at]
    flap = flap_after(spell, origin)
    return TakedownClock(
        url_id=spell.url_id,
        site_id=spell.site_id,
        key=key,
        clock=clock,
        origin=origin,
        known_up_at=spell.known_up_at,
        entered_h=entered,
        left_h=max(left, entered) if entered else left,
        right_h=right,
        cause=spell.cause if ended else None,
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
        seen=spell.seen,
        seen_by_check=spell.first_up is not None,
        flap_left_h=hours(flap[0]) if flap else None,
        flap_right_h=hours(flap[1]) if flap else None,
        kind=starter.kind if starter else None,
        due_h=hours(starter.deadline[0]) if starter and starter.deadline else None,
    )


def _timing(left: float, right: float | None) -> Timing:
    if right is not None and right <= 0:
        return "before"
    return "after" if right is None or left >= 0 else "open"
