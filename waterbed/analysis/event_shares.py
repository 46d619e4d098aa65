"""Shares removed before and after an event, by area."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from waterbed.analysis.event_curves import Point, curve_of, parted
from waterbed.analysis.rankings.dependence import labels_of
from waterbed.analysis.rankings.labels import Labels
from waterbed.analysis.rankings.removal import interval_within, removal
from waterbed.analysis.rankings.takedown import REMOVED, WITHIN_H, By, Clock, clocks, episodes_by_key, worth_within
from waterbed.estimators.changes import Change, Share, change_beyond
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import TypedAnswer, answer
from waterbed.graphs.displacement.disclosure import held_back
from waterbed.graphs.displacement.event import Event, PlaceKind
from waterbed.graphs.displacement.summary import LEVEL, Removed
from waterbed.model.conclusions import Episode
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import NOTHING, Message
from waterbed.model.results import EventCurveRow
from waterbed.model.window import Window
from waterbed.study.conclusions import Conclusions
from waterbed.study.windowed import pieces_of

When = Literal["before", "after"]
NO_REPORT: Final = Refusal(Message.of("no report was followed"))
BY: Final[Mapping[PlaceKind, By]] = {"hoster": "hoster", "as": "asn", "country": "country"}
_WHEN: Final[tuple[When, When]] = ("before", "after")
_WHY: Final = {
    "too few followed": Refusal(
        Message.of("fewer than 10 sites were reported and followed for 24 hours"),
        "sites",
    ),
    "unmeasurable": Refusal(
        Message.of("checks are too far apart, or too much was lost from sight, to say what was gone within 24 hours")
    ),
    "too few days": Refusal(
        Message.of("reports span fewer than 7 days, so how it works cannot be told"),
        "days",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Shares of one area, before and after the event."""

    told: tuple[Removed, Removed]
    """With the intervals that the answer states."""
    shares: tuple[Share | None, Share | None]
    """With intervals at 95%; None: refused."""
    curves: tuple[Sequence[Point], Sequence[Point]]
    """Shares removed hour by hour; none where the share is refused."""

    @property
    def why(self) -> Refusal | None:
        """The refusal of a share; None if there is none."""
        return next((one.why for one, share in zip(self.told, self.shares, strict=True) if share is None), None)

    def answers(self, who: str) -> Iterator[TypedAnswer]:
        """Yield both shares."""
        for when, one, share in zip(_WHEN, self.told, self.shares, strict=True):
            yield answer(
                f"removed {when}, {who}",
                "What share of reports was removed within 24 hours, before and after the event?",
                "incidence.share_interval",
                share or _result(one),
                estimate=one.share,
                n=one.n,
                n_of="reports followed",
                unit="share within 24 h",
                scale="share",
                note=Message.of("of these reports alone: {why}", why=one.why.reason)
                if one.share is not None and share is None and one.why
                else NOTHING,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShares:
    """Shares removed within 24 hours, by area and window."""

    target: Area
    controls: Area
    buffer: Area | None
    buffer_controls: Area | None

    def answers(self) -> Iterator[TypedAnswer]:
        """Yield the shares of target and controls, and the changes."""
        yield from self.target.answers("target")
        yield from self.controls.answers("controls")
        for name, who, area, controls in (
            ("removal, change", "target", self.target, self.controls),
            ("removal, change, buffer", "buffer", self.buffer, self.buffer_controls),
        ):
            if area is not None and controls is not None:
                yield answer(
                    name,
                    f"Did the {who} remove more than before, beyond what its controls did?",
                    "changes.change_beyond",
                    _change(area, controls),
                    n=area.told[1].n,
                    n_of="reports followed after",
                    unit="difference of shares",
                    scale="share",
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
    urls: Collection[str],
    disclosure: Disclosure = EVERYTHING,
    *,
    received: Collection[tuple[str, str]] = (),
) -> EventShares:
    """Estimate the shares removed before and after an event.

    Of these URLs, first reported in the event's window, each followed to the window's end: those reported before it to
    the event, so that it changes none of them. Controls are pooled, without what they `received` from the target: URLs
    and places. A share that would tell of too few sites with or without removals is refused.
    """
    start, end = event.window
    first = event.at - event.anticipation * event.period
    pieces = pieces_of(conclusions, [Window(since=start, until=first), Window(since=event.at, until=end)])
    by_place = [
        (piece.until, episodes_by_key([one for one in piece.episodes if one.url_id in urls], BY[event.kind]))
        for piece in pieces
    ]

    labels = labels_of(conclusions)

    def area(keys: Collection[str]) -> Area:
        found = []
        for until, groups in by_place:
            group = pooled_clocks(groups, keys, labels, received)
            told, share = removed_of(group, until, disclosure)
            found.append((told, share, curve_of(group, until, disclosure) if until and told.share is not None else ()))
        (before, share_before, early), (after, share_after, late) = found
        return Area(told=(before, after), shares=(share_before, share_after), curves=(early, late))

    return EventShares(
        target=area([event.target]),
        controls=area(event.controls),
        buffer=area(event.buffer) if event.buffer else None,
        buffer_controls=area(event.buffer_controls) if event.buffer else None,
    )


def pooled_clocks(
    groups: Mapping[str, Sequence[Episode]],
    keys: Collection[str],
    labels: Labels | None = None,
    received: Collection[tuple[str, str]] = (),
) -> list[Clock]:
    """The clocks of several places, each episode once, with the labels that `labels` knows of each.

    Without those of URLs that a place `received` from the target.
    """
    pooled = {
        (one.url_id, one.hoster, one.known_up_at): one
        for key in keys
        for one in groups.get(key, ())
        if (one.url_id, key) not in received
    }
    return clocks(pooled.values(), labels)


def _change(area: Area, controls: Area) -> Change | Refusal:
    shares = [share for share in (*area.shares, *controls.shares) if share is not None]
    if len(shares) < len(area.shares) + len(controls.shares):
        return area.why or _of_controls(controls.why) or NO_REPORT
    return change_beyond(shares)


def _of_controls(why: Refusal | None) -> Refusal | None:
    return why and Refusal(Message.of("of the controls: {why}", why=why.reason), why.kind)


def _result(one: Removed) -> float | Refusal:
    """The share as told, or why there is none."""
    return (one.why or NO_REPORT) if one.share is None else one.share


def removed_of(
    group: Sequence[Clock], until: datetime | None, disclosure: Disclosure = EVERYTHING
) -> tuple[Removed, Share | None]:
    """Share removed by clocks, as told and as tested.

    Followed to `until`; the second has its interval at 95% and its worth, None if it is refused.
    """
    if until is None or not group:
        return Removed(n=0, why=NO_REPORT), None
    found = removal(group, until=until)
    few, n = disclosure.small(len({c.site_id for c in group})), disclosure.rounded(found.clocks)
    share = found.single
    removed = None if share is None else disclosure.share(share)
    if share is None:
        return Removed(n=0 if few else n, why=_WHY[found.estimability]), None
    if any(map(disclosure.small, parted(group, WITHIN_H))):
        return Removed(n=0, why=held_back(disclosure)), None
    ends = interval_within(group, WITHIN_H, until=until, level=LEVEL)
    worth = worth_within(group, WITHIN_H, (REMOVED,), until=until)
    if ends is None or found.low is None or found.high is None or isinstance(worth, Refusal):
        return Removed(n=n, share=removed, why=_WHY["too few days"]), None
    told = Removed(n=n, share=removed, low=ends[0], high=ends[1])
    return told, Share(share=share, low=found.low, high=found.high, worth=worth)
