"""Whether each clause of an event's answer is true of a simulated study."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

from waterbed.graphs.displacement.event import Event
from waterbed.lab.simulate.event_worlds import EventWorld, sentences
from waterbed.lab.world.file import Removal, World
from waterbed.lab.world.records import TrueEpisode, TrueReport, Truth
from waterbed.lab.world.removing import chance_within

WITHIN_H = 24.0
NOTHING = 0.02
"""A change that the mix of controls may make."""
_SPAN = r"(\d+)%?(?: to (\d+))?%"
_SHARE = rf"\d+% \({_SPAN}\)"
"""A share with its ends; one of these reports alone has none, and claims no more than them."""
_AFTER = re.compile(rf"removed {_SHARE} of [\d,]+ reports? within 24 hours")
_BEFORE = re.compile(rf"before it {_SHARE} of [\d,]+")
_CONTROLS = re.compile(rf"controls without the event {_SHARE} after it, {_SHARE} before")
_SURELY = re.compile(r"(?:At least ([\d,]+) of the|The) ([\d,]+) items? that went offline there reappeared elsewhere")
_MOVED = re.compile(rf"find as much as declared, {_SPAN} moved")
_AT_MOST = re.compile(r"find as much as declared, at most (\d+)% moved")
_AT_LEAST = re.compile(r"find as much as declared, at least (\d+)% moved")
_ABROAD = re.compile(rf"{_SPAN} went abroad")
_FELL = re.compile("It removed more than before")
_BEYOND = re.compile("Its share rose by more than that of its controls")
_EARLIER = re.compile("So large a change did not come between")
_DISPLACED = re.compile("Content moved")
CLAIMS = (_AFTER, _BEFORE, _CONTROLS, _FELL, _BEYOND, _EARLIER, _SURELY, _MOVED, _ABROAD, _DISPLACED)
"""All of which a report of a displacement abroad has: a test holds them against its words."""


Chance = Callable[[str, datetime, str], float]
"""The chance that a hoster acts within a day on a report of some time and category."""


def clauses(
    text: str, truth: Truth, event: Event, sources: Sequence[str], plan: EventWorld | None = None
) -> dict[str, bool]:
    """Say of each clause that the text states whether it is true.

    Shares removed are tested against the chance over repetitions of each hoster's process, what moved against what
    did. `sources` are those whose reports the answer counts, `plan` what else happens around the event. Shares of these
    reports alone claim no more.
    """
    world = truth.world
    chance = plan.chance if plan else partial(_chance, world)
    before = _expected(truth, event, event.window[0], event.at, sources, chance)
    after = _expected(truth, event, event.at, event.window[1], sources, chance)
    said: dict[str, bool] = {}
    if "Of these reports alone" not in text:
        for name, pattern, true in (
            ("after", _AFTER, after[0]),
            ("before", _BEFORE, before[0]),
        ):
            if found := pattern.search(text):
                said[name] = _holds(found[1], found[2], true)
        if found := _CONTROLS.search(text):
            said["controls after"] = _holds(found[1], found[2], after[1])
            said["controls before"] = _holds(found[3], found[4], before[1])
    own = after[0] - before[0]
    true = {
        "removed more": own > NOTHING,
        "more than controls": own > NOTHING and own - (after[1] - before[1]) > NOTHING,
        "by the event": any(one.hoster == event.target for one in world.intervention),
        "moved": world.movement.after_takedown > 0,
    }
    if plan:
        true = sentences(plan, truth)
    for name, pattern in (
        ("removed more", _FELL),
        ("more than controls", _BEYOND),
        ("by the event", _EARLIER),
        ("moved", _DISPLACED),
    ):
        if pattern.search(text):
            said[name] = true[name]
    said |= _of_moves(text, truth, event)
    if "the benefit spread" in text:
        spread = _change(truth, event, event.buffer, event.buffer_controls, sources, chance)
        said["spread"] = spread > NOTHING
    return said


def _of_moves(text: str, truth: Truth, event: Event) -> dict[str, bool]:
    """The same of the clauses that say how much moved, and where."""
    moved, abroad, ended = _moved(truth, event)
    said: dict[str, bool] = {}
    if found := _SURELY.search(text):
        said["surely"] = int((found[1] or found[2]).replace(",", "")) <= moved
    if (found := _MOVED.search(text)) and ended:
        said["part moved"] = _holds(found[1], found[2], moved / ended)
    if (found := _AT_MOST.search(text)) and ended:
        said["moved at most"] = moved / ended <= int(found[1]) / 100 + 1e-9
    if (found := _AT_LEAST.search(text)) and ended:
        said["moved at least"] = moved / ended >= int(found[1]) / 100 - 1e-9
    if (found := _ABROAD.search(text)) and moved:
        said["abroad"] = _holds(found[1], found[2], abroad / moved)
    return said


def _holds(low: str, high: str | None, true: float) -> bool:
    return int(low) / 100 - 1e-9 <= true <= int(high or low) / 100 + 1e-9


def _expected(
    truth: Truth, event: Event, since: datetime, until: datetime, sources: Sequence[str], chance: Chance
) -> tuple[float, float]:
    """Expected shares of target and pooled controls, for the reports of a window."""
    return (
        _pooled(truth, [event.target], since, until, sources, chance),
        _pooled(truth, event.controls, since, until, sources, chance),
    )


def _change(
    truth: Truth, event: Event, places: Sequence[str], controls: Sequence[str], sources: Sequence[str], chance: Chance
) -> float:
    ends = ((event.at, event.window[1]), (event.window[0], event.at))
    (after, before), (other_after, other_before) = (
        [_pooled(truth, group, since, until, sources, chance) for since, until in ends] for group in (places, controls)
    )
    return (after - before) - (other_after - other_before)


def _pooled(
    truth: Truth, places: Sequence[str], since: datetime, until: datetime, sources: Sequence[str], chance: Chance
) -> float:
    found = [
        chance(one.hoster, report.reported_at, report.category)
        for report, one in _reported(truth, sources)
        if one.hoster in places and since <= report.reported_at < until
    ]
    return sum(found) / max(1, len(found))


def _reported(truth: Truth, sources: Sequence[str]) -> Iterator[tuple[TrueReport, TrueEpisode]]:
    first: dict[str, TrueReport] = {}
    for report in truth.reports:
        if report.source in sources:
            first.setdefault(report.url, report)
    for one in truth.episodes:
        at = first.get(one.url)
        if at is not None and one.start <= at.reported_at and (one.end is None or at.reported_at < one.end):
            yield at, one


@cache
def _chance_of(policy: Removal, start: datetime) -> float:
    return float(chance_within(policy, start, [0.0], [1], WITHIN_H)[0])


def _chance(world: World, place: str, when: datetime, category: str) -> float:
    """The chance that a report to a hoster is acted on within a day, of any category."""
    for one in world.intervention:
        if one.hoster == place and when >= world.start + timedelta(days=one.day) and one.within_hours <= WITHIN_H:
            return 1.0
    (hoster,) = (one for one in world.hoster if one.key == place)
    return _chance_of(hoster.removal, world.start)


def _moved(truth: Truth, event: Event) -> tuple[int, int, int]:
    """Contents of the target that moved within the horizon, those that went abroad, and all that ended."""
    world, horizon = truth.world, timedelta(hours=event.horizon_h)
    countries = {one.key: one.country for one in world.hoster}
    ended = {
        one.content_id
        for _, one in _reported(truth, world.sites.sources)
        if one.hoster == event.target
        and one.end is not None
        and event.at <= one.end < event.window[1]
        and one.cause == "removed"
    }
    hops = [
        hop
        for hop in truth.hops
        if hop.from_hoster == event.target
        and hop.content_id in ended
        and not hop.parallel
        and event.at <= hop.left < event.window[1]
        and hop.arrived - hop.left <= horizon
    ]
    moved = {hop.content_id for hop in hops}
    abroad = {hop.content_id for hop in hops if countries[hop.to_hoster] != world.home}
    return len(moved), len(abroad), len(ended)
