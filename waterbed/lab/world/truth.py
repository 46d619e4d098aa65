"""The truth of a world, derived purely from its file."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import TypeVar

from waterbed.lab.world.events import Events
from waterbed.lab.world.file import World
from waterbed.lab.world.hotline import SENT_S
from waterbed.lab.world.records import (
    HOUR,
    Link,
    Placement,
    RemovalShare,
    Timeline,
    TrueEpisode,
    TrueHop,
    TrueReport,
    Truth,
)
from waterbed.lab.world.removing import chance_within

T = TypeVar("T")
_DAY = 24 * HOUR


def simulate(world: World) -> Truth:
    """Simulate a world; equal worlds give equal truths."""
    return truth_of(Events(world).run())


def truth_of(events: Events) -> Truth:
    """Return the truth of events that have run.

    Times are aware and whole seconds. The world's end cuts: what would come later has not happened.
    """
    world = events.world
    first = _first_reports(events)
    episodes = sorted(
        (part for placement in events.placements for part in _handed_over(placement, events)),
        key=lambda episode: (episode.start, episode.url),
    )
    hops = [hop for link in events.links if (hop := _hop(events, link, first))]
    return Truth(
        world=world,
        reports=tuple(
            TrueReport(
                url=leaf.shown.url,
                reported_at=_moment(world, second),
                category=leaf.site.category,
                content_id=leaf.shown.content_id,
                source=leaf.site.source,
            )
            for second, leaf in events.reports
        ),
        episodes=tuple(episodes),
        hops=tuple(sorted(hops, key=lambda hop: (max(hop.left, hop.arrived), hop.from_url, hop.to_url))),
        removal=_removal(events),
        hosts={host: _timeline(world, changes) for host, changes in events.hosts.items()},
        places={host: _timeline(world, changes) for host, changes in events.places.items()},
        pages={url: _timeline(world, changes) for url, changes in events.pages.items()},
        traits={host: events.traits[host] for host in events.hosts},
        shown={url: events.shown[url] for url in events.pages},
        moved=events.moved,
        moved_urls=events.moved_urls,
        further_hosters=events.further_hosters,
        domains={name: _timeline(world, changes) for name, changes in events.domains.items()},
    )


def _moment(world: World, second: int) -> datetime:
    return world.start + timedelta(seconds=second)


def _timeline(world: World, changes: list[tuple[int, T]]) -> Timeline[T]:
    return Timeline(
        starts=tuple(_moment(world, second) for second, _ in changes), values=tuple(value for _, value in changes)
    )


def _first_reports(events: Events) -> dict[str, int]:
    first: dict[str, int] = {}
    for second, leaf in events.reports:
        first.setdefault(leaf.shown.url, second)
    return first


def _episode(world: World, placement: Placement) -> TrueEpisode:
    return TrueEpisode(
        url=placement.url,
        content_id=placement.content_id,
        hoster=placement.hoster,
        origin=placement.origin,
        start=_moment(world, placement.start),
        end=None if placement.end is None else _moment(world, placement.end),
        cause=placement.cause,
    )


def _handed_over(placement: Placement, events: Events) -> list[TrueEpisode]:
    """Cut a placement into episodes where its addresses changed hands.

    All its addresses became another hoster's.
    """
    whole = _episode(events.world, placement)
    moments = [m for m in events.allocations.changes() if whole.start < m and (whole.end is None or m < whole.end)]
    host = events.shown[placement.url].host
    parts = [whole]
    for moment in moments:
        addresses = _timeline(events.world, events.hosts[host]).at(moment) or ()
        before, owners = (_owners(events, addresses, at) for at in (moment - timedelta(seconds=1), moment))
        if before == {parts[-1].hoster} != owners and len(owners) == 1 and whole.hoster == whole.origin:
            (new,) = owners
            last = parts.pop()
            parts += [replace(last, end=moment, cause="lineage"), replace(last, start=moment, hoster=new, origin=new)]
    return parts


def _owners(events: Events, addresses: Sequence[str], moment: datetime) -> set[str]:
    return {owner.key for address in addresses if (owner := events.allocations.owner(address, moment))}


def _hop(events: Events, link: Link, first: dict[str, int]) -> TrueHop | None:
    """Return a true hop, None if nothing was left.

    A copy whose original never went is a second place.
    """
    world, before, after, left = events.world, link.left, link.after, link.left.end
    from_hoster = _handed_over(before, events)[-1].hoster
    if left is None or from_hoster == after.hoster:
        return None
    known_before = before.url in first and first[before.url] < left
    known_after = after.url in first and (after.end is None or first[after.url] < after.end)
    return TrueHop(
        content_id=after.content_id,
        from_url=before.url,
        to_url=after.url,
        from_hoster=from_hoster,
        to_hoster=after.hoster,
        left=_moment(world, left),
        arrived=_moment(world, after.start),
        kind=link.kind,
        parallel=after.start < left,
        reported=after.url in first,
        detectable=known_before and known_after,
        masked=before.hoster != before.origin,
    )


def _removal(events: Events) -> dict[str, RemovalShare]:
    clocks: dict[str, list[Placement]] = defaultdict(list)
    for placement in events.placements:
        # A clock that the world's end cuts before its first day could only count removals, never their absence.
        if placement.reported is not None and placement.reported <= events.end - _DAY:
            clocks[placement.hoster].append(placement)
    sizes = Counter(shown.host for shown in events.shown.values())
    return {key: _share(events, key, clocks[key], sizes) for key in sorted(clocks)}


def _share(events: Events, key: str, placements: list[Placement], sizes: Counter[str]) -> RemovalShare:
    world = events.world
    removed = sum(p.end is not None and p.cause == "removed" and p.end - (p.reported or 0) <= _DAY for p in placements)
    (hoster,) = (hoster for hoster in world.hoster if hoster.key == key)
    reported = [(p.reported or 0) / HOUR for p in placements]
    of = [sizes[events.shown[p.url].host] for p in placements]
    sent = [events.notified.get(p.url, 0) for p in placements]
    notified = [at / HOUR if at == (p.reported or 0) + SENT_S else inf for at, p in zip(sent, placements, strict=True)]
    changed = any(intervention.hoster == key for intervention in world.intervention)
    return RemovalShare(
        share=removed / len(placements),
        expected=None
        if changed
        else float(chance_within(hoster.removal, world.start, reported, of, 24.0, notified).mean()),
        urls=len(placements),
        removed=removed,
    )
