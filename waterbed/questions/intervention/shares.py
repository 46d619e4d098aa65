"""Shares removed before and after an event, by area."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from waterbed.estimators.calendar_time import LEAST_DAYS
from waterbed.estimators.changes import Beyond, Change, Share, beyond_earlier, change_beyond, own_change
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import TypedAnswer, answer
from waterbed.graphs.displacement.event import Event, PlaceKind
from waterbed.graphs.displacement.known import LEVEL, Removed
from waterbed.graphs.displacement.sequence import BEYOND, EARLIER, FALL
from waterbed.measures.dependence import labels_of, pooled_over_times
from waterbed.measures.labels import Labels
from waterbed.measures.removal import WIDEST_GAP
from waterbed.measures.takedown import By, Clock, episodes_by_key
from waterbed.model.conclusions import Episode
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import NOTHING, Message, Number
from waterbed.model.message import Share as Percent
from waterbed.model.results import EventCurveRow
from waterbed.model.window import Window
from waterbed.questions.intervention.curves import Point, curve_of, worth_of
from waterbed.questions.intervention.removed import NO_REPORT, Group, at_mix, grouped, mixed, removed_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.windowed import pieces_of

When = Literal["before", "after"]
_ByKey = dict[str, list[Episode]]
BY: Final[Mapping[PlaceKind, By]] = {"hoster": "hoster", "as": "asn", "country": "country"}
_WHEN: Final[tuple[When, When]] = ("before", "after")
_SAME_MIX: Final = "removed after, same mix, "
SAME_MIX: Final = f"{_SAME_MIX}target"
"""The answer that gives the target's share after at the mix before."""
_FEWEST_STRETCHES, _MOST_STRETCHES = 3, 8
"""Stretches before an event, between which there are changes: their number and length decide what a trend explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Shares of one area, before and after the event."""

    told: tuple[Removed, Removed]
    """With the intervals that the answer states."""
    shares: tuple[Share | None, Share | None]
    """With intervals at 95%; None: refused."""
    curves: tuple[Sequence[Point], Sequence[Point]]
    """Shares removed hour by hour; none where the share is refused."""
    same_mix: Share | Refusal
    """The share after at the mix of categories and sources before, which is tested."""
    same_told: Removed | None
    """The same with the interval that the answer states."""

    @property
    def why(self) -> Refusal:
        """The refusal of a share."""
        refused = next((one.why for one, share in zip(self.told, self.shares, strict=True) if share is None), None)
        return refused or (self.same_mix if isinstance(self.same_mix, Refusal) else NO_REPORT)

    @property
    def tested(self) -> tuple[Share, Share] | Refusal:
        """The shares that are compared: before, and after at the mix of before."""
        before, _ = self.shares
        if before is None or isinstance(self.same_mix, Refusal):
            return self.why
        return before, self.same_mix

    def answers(self, who: str) -> Iterator[TypedAnswer]:
        """Yield both shares, and the second at the mix of the first."""
        for when, one, share in zip(_WHEN, self.told, self.shares, strict=True):
            yield answer(
                f"removed {when}, {who}",
                "What share of reports was removed within 24 hours, before and after the event?",
                "incidence.share_interval",
                share or (_why(one) if one.share is None else one.share),
                estimate=None if one.open else one.share,
                n=one.n,
                n_of="reports followed",
                unit="share within 24 h",
                scale="share",
                note=Message.of("of these reports alone: {why}", why=_why(one).reason)
                if one.share is not None and share is None
                else NOTHING,
            )
        yield answer(
            f"{_SAME_MIX}{who}",
            "What share would it be at the mix of categories and sources of the time before?",
            "incidence.share_interval",
            self.same_mix,
            estimate=self.same_mix.share if isinstance(self.same_mix, Share) and not _apart(self.same_mix) else None,
            n=self.told[1].n,
            n_of="reports followed",
            unit="share within 24 h",
            scale="share",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShares:
    """Shares removed within 24 hours, by area and window."""

    target: Area
    controls: Area
    buffer: Area | None
    buffer_controls: Area | None
    earlier: Beyond | Refusal
    """The target's change beyond those between earlier stretches."""
    stretch: timedelta
    """The length of these stretches."""

    def answers(self) -> Iterator[TypedAnswer]:
        """Yield the shares of target and controls, and the changes."""
        yield from self.target.answers("target")
        yield from self.controls.answers("controls")
        change = partial(
            answer, n=self.target.told[1].n, n_of="reports followed after", unit="difference of shares", scale="share"
        )
        tested = self.target.tested
        yield change(
            FALL,
            "Did the target remove more than before, at the mix of categories and sources of then?",
            "changes.own_change",
            tested if isinstance(tested, Refusal) else own_change(tested),
        )
        yield change(
            BEYOND,
            "Did its share rise by more than that of its controls?",
            "changes.change_beyond",
            _beyond(self.target, self.controls),
        )
        yield change(
            EARLIER,
            "Did its share rise by more than it changed between earlier stretches?",
            "changes.beyond_earlier",
            self.earlier,
            note=NOTHING if isinstance(self.earlier, Refusal) else _largest(self.earlier, self.stretch),
        )
        if self.buffer is not None and self.buffer_controls is not None:
            yield change(
                "removal, change, buffer",
                "Did the buffer remove more than before, beyond what its controls did?",
                "changes.change_beyond",
                _also_own(self.buffer, self.buffer_controls),
                n=self.buffer.told[1].n,
            )

    def curves(self) -> Iterator[EventCurveRow]:
        """Yield the removal curves of target and controls."""
        areas: tuple[tuple[Literal["target", "controls"], Area], ...] = (
            ("target", self.target),
            ("controls", self.controls),
        )
        for name, area in areas:
            for when, points in zip(_WHEN, area.curves, strict=True):
                for hour, removed, low, high in points:
                    yield EventCurveRow(area=name, when=when, hour=hour, removed=removed, low=low, high=high)


def event_shares(
    conclusions: Conclusions,
    event: Event,
    urls: Mapping[str, Collection[str]],
    disclosure: Disclosure = EVERYTHING,
    *,
    begin: datetime | None = None,
    received: Collection[tuple[str, str]] = (),
) -> EventShares:
    """Estimate the shares removed before and after an event.

    Of these URLs, each with its sources, first reported in the event's window, each followed to the window's end: those
    reported before it to the event, so that it changes none of them. Controls are pooled, without what they `received`
    from the target: URLs and places. A share that would tell of too few sites with or without removals is refused.
    Earlier stretches reach back to `begin`, by default the beginning of the window.
    """
    start, end = event.window
    first = event.at - event.anticipation * event.period
    mix = mixed(conclusions.facts.reports, {source for by in urls.values() for source in by})

    def reported(windows: Sequence[Window]) -> list[tuple[list[Episode], datetime | None]]:
        return [
            ([one for one in piece.episodes if one.url_id in urls], piece.until)
            for piece in pieces_of(conclusions, windows)
        ]

    def groups_of(times: Sequence[tuple[list[Episode], datetime | None]]) -> list[tuple[datetime | None, _ByKey]]:
        return [(until, episodes_by_key(episodes, BY[event.kind])) for episodes, until in times]

    around = reported([Window(since=start, until=first), Window(since=event.at, until=end)])
    by_place, labels = groups_of(around), labels_of(conclusions)
    # over the time before and after apart: what the event changed would make outcomes of one delivery alike
    labels = labels.with_(pooled_over_times(((some, until) for some, until in around if until), labels))

    def group_of(keys: Collection[str], by_key: Mapping[str, Sequence[Episode]], until: datetime | None) -> Group:
        return grouped(by_key, keys, mix, received, until, labels)

    def area(keys: Collection[str]) -> Area:
        found = []
        groups = tuple(group_of(keys, by_key, until) for until, by_key in by_place)
        for group in groups:
            told, share = removed_of(group.clocks, group.until, disclosure)
            curve = curve_of(group.clocks, group.until, disclosure) if group.until and told.share is not None else ()
            found.append((told, share, curve))
        (before, share_before, early), (after, share_after, late) = found
        same = _why(after) if share_after is None else at_mix(groups[0], groups[1], share_after)
        return Area(
            told=(before, after),
            shares=(share_before, share_after),
            curves=(early, late),
            same_mix=same,
            same_told=_told_at_mix(groups[0], groups[1], after, disclosure),
        )

    target, first_day = area([event.target]), min(filter(None, (begin, start)))
    windows = stretches(event, first_day)
    earlier: Beyond | Refusal = too_short(event, first_day)
    if windows:
        its = [group_of([event.target], by_key, until) for until, by_key in groups_of(reported(windows))]
        after = group_of([event.target], by_place[1][1], by_place[1][0])
        earlier = _beyond_earlier(its, after, target.shares[1] or target.why, disclosure)
    return EventShares(
        target=target,
        controls=area(event.controls),
        buffer=area(event.buffer) if event.buffer else None,
        buffer_controls=area(event.buffer_controls) if event.buffer else None,
        earlier=earlier,
        stretch=_length(event, first_day),
    )


def _length(event: Event, begin: datetime) -> timedelta:
    """The length of each stretch."""
    last = event.at - event.anticipation * event.period
    return min(event.after * event.period, (last - begin) / _FEWEST_STRETCHES)


def stretches(event: Event, begin: datetime) -> list[Window]:
    """Stretches of one length before an event, and one after it.

    As long as the window after it, or a third of the time from `begin` to the event, if that is shorter; anticipation
    is left out. None if that is below LEAST_DAYS.
    """
    last, length = event.at - event.anticipation * event.period, _length(event, begin)
    if length < timedelta(days=LEAST_DAYS):
        return []
    count = min(_MOST_STRETCHES, int((last - begin) / length + 1e-9))
    before = [Window(since=last - n * length, until=last - (n - 1) * length) for n in range(count, 0, -1)]
    return [*before, Window(since=event.at, until=event.at + length)]


def too_short(event: Event, begin: datetime) -> Refusal:
    """The reason if no earlier stretches fit."""
    days = max(0.0, _length(event, begin) / timedelta(days=1))
    reason = Message.of(
        "its {stretches} would have {days} each, at least {least} are needed",
        stretches=Number(_FEWEST_STRETCHES, "stretch"),
        days=Number(round(days, 1), "day"),
        least=Number(LEAST_DAYS),
    )
    return Refusal(reason, "windows")


def _largest(earlier: Beyond, stretch: timedelta) -> Message:
    return Message.of(
        "largest of {changes} between stretches of {length} before the event: {largest}",
        changes=Number(earlier.changes),
        length=Number(round(stretch / timedelta(days=1)), "day"),
        largest=Percent(earlier.largest),
    )


def _apart(share: Share) -> bool:
    """True if worst and best case are too far apart for one number."""
    worst, best = share.cases
    return best - worst > WIDEST_GAP


def _why(one: Removed) -> Refusal:
    return one.why or NO_REPORT


def _told_at_mix(before: Group, after: Group, told: Removed, disclosure: Disclosure) -> Removed | None:
    """What the answer states of the share after at the mix before; None if it has no interval."""
    if told.share is None or told.low is None or told.high is None or after.until is None:
        return None
    worth = worth_of(after.clocks, after.until, level=LEVEL)
    if isinstance(worth, Refusal):
        return None
    stated = Share(share=told.share, low=told.low, high=told.high, worth=worth)
    same = at_mix(before, after, stated, level=LEVEL)
    if isinstance(same, Refusal):
        return None
    number = disclosure.share(same.share)
    return Removed(n=told.n, share=number, low=same.low, high=same.high, open=_apart(same) or told.open)


def _beyond_earlier(
    groups: Sequence[Group], after: Group, share_after: Share | Refusal, disclosure: Disclosure
) -> Beyond | Refusal:
    """The last change between stretches beyond the earlier ones.

    A stretch is worth its part of all before the event, or after: what shares chance is told by the whole, which has
    more days. Stretches are taken back from the event to the first whose share is refused.
    """
    told = [removed_of(group.clocks, group.until, disclosure) for group in groups]
    unknown = [number for number, (_, share) in enumerate(told) if share is None]
    first = max((number + 1 for number in unknown), default=0)
    *before, last = groups[first:] or [groups[-1]]
    if len(before) < _FEWEST_STRETCHES:
        why = _why(told[unknown[-1]][0])
        reason = Message.of(
            "stretch {number} of {all}: {why}", number=Number(unknown[-1] + 1), all=Number(len(groups)), why=why.reason
        )
        return Refusal(reason, why.kind)
    every = [clock for group in before for clock in group.clocks]
    worth = worth_of(every, before[-1].until) if before[-1].until else NO_REPORT
    if isinstance(worth, Refusal):
        return worth
    if isinstance(share_after, Refusal):
        return share_after
    *earlier, share = (share for _, share in told[first:] if share is not None)
    numbers = [max(0.5, worth.number * len(group.clocks) / len(every)) for group in before]
    number = max(0.5, share_after.worth.number * len(last.clocks) / len(after.clocks))
    same = at_mix(before[-1], last, replace(share, worth=replace(share_after.worth, number=number)))
    if isinstance(same, Refusal):
        return same
    return beyond_earlier([*(one.cases for one in earlier), same.cases], [*numbers, same.worth.number])


def pooled_clocks(
    groups: Mapping[str, Sequence[Episode]],
    keys: Collection[str],
    labels: Labels | None = None,
    received: Collection[tuple[str, str]] = (),
) -> list[Clock]:
    """The clocks of several places, each episode once, with the labels that `labels` knows of each.

    Without those of URLs that a place `received` from the target.
    """
    return grouped(groups, keys, {}, received, None, labels).clocks


def _beyond(area: Area, controls: Area) -> Change | Refusal:
    own, other = area.tested, controls.tested
    if isinstance(own, Refusal):
        return own
    if isinstance(other, Refusal):
        return Refusal(Message.of("of the controls: {why}", why=other.reason), other.kind)
    return change_beyond([*own, *other])


def _also_own(area: Area, controls: Area) -> Change | Refusal:
    """A change beyond that of controls, which is shown only if its own is, in the same direction."""
    found, own = _beyond(area, controls), area.tested
    if isinstance(found, Refusal) or isinstance(own, Refusal):
        return found
    alone = own_change(own)
    return replace(found, p=max(found.p, alone.p) if found.estimate * alone.estimate > 0 else 1.0)
