"""The truth of a world: a pure function of the world file."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from waterbed.lab.world.events import Events
from waterbed.lab.world.file import World
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

T = TypeVar("T")
_DAY = 24 * HOUR


def simulate(world: World) -> Truth:
    """Let a world happen: the same world gives the same truth.

    Times are aware and whole seconds. The world's end cuts: what would come later has not happened.
    """
    course = Events(world).run()
    first = _first_reports(course)
    episodes = sorted(
        (part for stay in course.stays for part in _handed_over(stay, course)),
        key=lambda episode: (episode.start, episode.url),
    )
    hops = [hop for link in course.links if (hop := _hop(course, link, first))]
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
            for second, leaf in course.reports
        ),
        episodes=tuple(episodes),
        hops=tuple(sorted(hops, key=lambda hop: (max(hop.left, hop.arrived), hop.from_url, hop.to_url))),
        removal=_removal(course),
        hosts={host: _timeline(world, changes) for host, changes in course.hosts.items()},
        places={host: _timeline(world, changes) for host, changes in course.places.items()},
        pages={url: _timeline(world, changes) for url, changes in course.pages.items()},
        traits={host: course.traits[host] for host in course.hosts},
        shown={url: course.shown[url] for url in course.pages},
        moved=course.moved,
        moved_urls=course.moved_urls,
        beside=course.beside,
    )


def _moment(world: World, second: int) -> datetime:
    return world.start + timedelta(seconds=second)


def _timeline(world: World, changes: list[tuple[int, T]]) -> Timeline[T]:
    return Timeline(
        starts=tuple(_moment(world, second) for second, _ in changes), values=tuple(value for _, value in changes)
    )


def _first_reports(course: Events) -> dict[str, int]:
    first: dict[str, int] = {}
    for second, leaf in course.reports:
        first.setdefault(leaf.shown.url, second)
    return first


def _episode(world: World, stay: Placement) -> TrueEpisode:
    return TrueEpisode(
        url=stay.url,
        content_id=stay.content_id,
        hoster=stay.hoster,
        origin=stay.origin,
        start=_moment(world, stay.start),
        end=None if stay.end is None else _moment(world, stay.end),
        cause=stay.cause,
    )


def _handed_over(stay: Placement, course: Events) -> list[TrueEpisode]:
    """A stay as episodes: cut where all its addresses became another hoster's."""
    whole = _episode(course.world, stay)
    moments = [m for m in course.papers.changes() if whole.start < m and (whole.end is None or m < whole.end)]
    host = course.shown[stay.url].host
    parts = [whole]
    for moment in moments:
        addresses = _timeline(course.world, course.hosts[host]).at(moment) or ()
        before, owners = (_owners(course, addresses, at) for at in (moment - timedelta(seconds=1), moment))
        if before == {parts[-1].hoster} != owners and len(owners) == 1 and whole.hoster == whole.origin:
            (new,) = owners
            last = parts.pop()
            parts += [replace(last, end=moment, cause="lineage"), replace(last, start=moment, hoster=new, origin=new)]
    return parts


def _owners(course: Events, addresses: Sequence[str], moment: datetime) -> set[str]:
    return {owner.key for address in addresses if (owner := course.papers.owner(address, moment))}


def _hop(course: Events, link: Link, first: dict[str, int]) -> TrueHop | None:
    """A hop as it was; None where nothing was left: a copy whose original never went is a second place."""
    world, before, after, left = course.world, link.left, link.after, link.left.end
    from_hoster = _handed_over(before, course)[-1].hoster
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


def _removal(course: Events) -> dict[str, RemovalShare]:
    clocks: dict[str, list[bool]] = defaultdict(list)
    for stay in course.stays:
        # A clock that the world's end cuts before its first day could only count removals, never their absence.
        if stay.reported is None or stay.reported > course.end - _DAY:
            continue
        removed = stay.end is not None and stay.cause == "removed" and stay.end - stay.reported <= _DAY
        clocks[stay.hoster].append(removed)
    return {
        key: RemovalShare(share=sum(clocks[key]) / len(clocks[key]), urls=len(clocks[key]), removed=sum(clocks[key]))
        for key in sorted(clocks)
    }
