"""Places that may serve as an event's controls or buffer.

Chosen by likeness with the target, from data before the event alone.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Annotated, Final, Literal

from waterbed.graphs.displacement.movements import Gain, Movements
from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.model.message import NOTHING, Count, Message, Number, Share

Role = Literal["control", "buffer", "buffer control", ""]

FEWEST_SITES: Final = 10
"""Sites in the window below which a place is not compared."""
MOST_PLACES: Final = 60
"""Largest places that are compared."""
MOST_APART: Final = 0.5
"""Largest part of a control's reports that may be of other feeds, or categories, than the target's."""
RECEIVES: Final = 0.1
"""Largest part of a clean control's arrivals that come from the target: half of what an event file allows."""
SINK, LEAST_SINK = 0.2, 0.1
"""Part of what leaves the target from which a place is proposed as buffer rather than control, and is at all."""
MOST_CONTROLS, MOST_BUFFER, MOST_SPARED = 8, 2, 2
_FEWEST_CLEAN: Final = 3
"""Clean places from which one is spared as the buffer's control."""
_DAY_H: Final = 24.0
RECEIVES_CONTENT: Final = Message.of("receives the target's content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place beside the target, before the event.

    Differences are 0, alike, to 1; null where one of both has too little.
    """

    key: Annotated[str, "key of the place"]
    role: Annotated[Role, "what it is proposed for; empty: nothing"]
    sites: Annotated[int, "site clusters that came up there"]
    size: Annotated[float, "difference in size: 1 less the smaller number of sites over the larger"]
    categories: Annotated[float, "part of its reports that are of other categories than the target's"]
    feeds: Annotated[float, "part of its reports that are of other feeds than the target's"]
    course: Annotated[float, "difference of the parts that came up in the later half"]
    removal: Annotated[float | None, "difference of the changes, between both halves, of the part removed in a day"]
    apart: Annotated[float, "mean of these differences"]
    arrivals: Annotated[int, "appearances of content there"]
    received: Annotated[int, "of them those of content that had left the target; parallel ones are left out"]
    why: Annotated[Message, "what speaks against it as a control; empty: nothing"]
    receives: Annotated[bool, "whether it is that it receives the target's content"] = False

    @property
    def part(self) -> float:
        """The part of its arrivals that came from the target."""
        return self.received / self.arrivals if self.arrivals else 0.0


def candidates(
    movements: Movements, target: str, window: tuple[float, float], *, least: float, proxies: Collection[str] = ()
) -> list[Candidate]:
    """Compare a study's places with the target; give roles.

    By what came up in a window (hours). An area that receives the target's content is no control: with fewer than two
    clean ones, places are taken of whose arrivals at most `least` came from the target. `proxies` remove nothing and
    are left out. The likest places come first.
    """
    mixes = _Mixes(movements, window)
    target_sites = mixes.sites[target]
    keys = [key for key, _ in Counter({k: len(v) for k, v in mixes.sites.items()}).most_common(MOST_PLACES + 1)]
    compared = [
        _compared(mixes, target, key, target_sites, proxies) for key in keys if key not in (target, "", UNATTRIBUTED)
    ]
    return sorted(
        _placed(compared, target, mixes, least),
        key=lambda candidate: (not candidate.role, candidate.apart, candidate.key),
    )


class _Mixes:
    """What came up at each place in a window."""

    def __init__(self, movements: Movements, window: tuple[float, float]) -> None:
        self.window, self.half = window, sum(window) / 2
        self.gains: dict[str, list[Gain]] = defaultdict(list)
        self.sites: dict[str, set[int]] = defaultdict(set)
        self.left: Counter[str] = Counter()
        for gain in movements.gains:
            if window[0] <= gain.seen < window[1]:
                self.gains[gain.place].append(gain)
                self.sites[gain.place].add(gain.cluster)
                if gain.moved("not parallel"):
                    self.left[gain.left or ""] += 1
        self.categories: dict[str, Counter[str]] = defaultdict(Counter)
        self.feeds: dict[str, Counter[str]] = defaultdict(Counter)
        for place, gains in self.gains.items():
            for gain in gains:
                self.categories[place][gain.category] += 1
                self.feeds[place].update(movements.sources_of[gain.url_id])
        self.removed: dict[str, list[list[bool]]] = defaultdict(lambda: [[], []])
        for spell in movements.spells:
            if window[0] <= spell.started < window[1] - _DAY_H:
                quick = spell.taken_down and spell.gone - spell.started <= _DAY_H
                self.removed[spell.place][spell.started >= self.half].append(quick)

    def later(self, key: str) -> float:
        """Part of a place's sites from the later half."""
        early = {gain.cluster for gain in self.gains[key] if gain.seen < self.half}
        late = {gain.cluster for gain in self.gains[key] if gain.seen >= self.half}
        return len(late) / max(1, len(early) + len(late))

    def change(self, key: str) -> float | None:
        """Change of the part removed in a day."""
        early, late = self.removed[key]
        if min(len(early), len(late)) < FEWEST_SITES:
            return None
        return sum(late) / len(late) - sum(early) / len(early)

    def received(self, key: str, target: str) -> int:
        """Content that came from the target."""
        return sum(gain.left == target and gain.moved("not parallel") for gain in self.gains[key])


def _compared(mixes: _Mixes, target: str, key: str, own: set[int], proxies: Collection[str]) -> Candidate:
    sites = mixes.sites[key]
    changes = mixes.change(key), mixes.change(target)
    removal = None if None in changes else min(1.0, abs((changes[0] or 0.0) - (changes[1] or 0.0)))
    differences = {
        "size": 1.0 - min(len(sites), len(own)) / max(len(sites), len(own), 1),
        "categories": _apart(mixes.categories[key], mixes.categories[target]),
        "feeds": _apart(mixes.feeds[key], mixes.feeds[target]),
        "course": abs(mixes.later(key) - mixes.later(target)),
    }
    distances = [*differences.values(), *([] if removal is None else [removal])]
    candidate = Candidate(
        key=key,
        role="",
        sites=len(sites),
        removal=removal,
        apart=sum(distances) / len(distances),
        arrivals=len(mixes.gains[key]),
        received=mixes.received(key, target),
        why=NOTHING,
        size=differences["size"],
        categories=differences["categories"],
        feeds=differences["feeds"],
        course=differences["course"],
    )
    reason = _why(candidate, proxies)
    if reason == NOTHING and candidate.part > RECEIVES:
        return replace(candidate, why=_receiving(candidate), receives=True)
    return replace(candidate, why=reason)


def _why(candidate: Candidate, proxies: Collection[str]) -> Message:
    if candidate.key in proxies:
        return Message.of("a reverse proxy removes nothing")
    if candidate.sites < FEWEST_SITES:
        return Message.of("fewer than {least} sites", least=Number(FEWEST_SITES))
    if candidate.feeds > MOST_APART:
        return Message.of("{share} of its reports are of other feeds", share=Share(candidate.feeds))
    if candidate.categories > MOST_APART:
        return Message.of("{share} of its reports are of other categories", share=Share(candidate.categories))
    return NOTHING


def _receiving(candidate: Candidate) -> Message:
    received, arrivals = Count(candidate.received), Count(candidate.arrivals, "arrival")
    return Message.of("{why}: {received} of {arrivals}", why=RECEIVES_CONTENT, received=received, arrivals=arrivals)


def _apart(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Total variation between two mixes: 0 alike, 1 nothing in common."""
    sums = sum(one.values()) or 1, sum(other.values()) or 1
    return sum(abs(one.get(k, 0) / sums[0] - other.get(k, 0) / sums[1]) for k in {*one, *other}) / 2


def _placed(compared: Sequence[Candidate], target: str, mixes: _Mixes, least: float) -> Iterator[Candidate]:
    """Give roles: the likest clean places are controls, those that receive most the buffer."""
    clean = sorted(
        (candidate for candidate in compared if candidate.why == NOTHING),
        key=lambda candidate: (candidate.apart, candidate.key),
    )
    if len(clean) < 2:
        near = [candidate for candidate in compared if candidate.receives and candidate.part <= least]
        clean += sorted(near, key=lambda candidate: (candidate.part, candidate.apart, candidate.key))
    chosen = {candidate.key for candidate in clean}
    most = sorted(
        (candidate for candidate in compared if candidate.received >= max(3.0, LEAST_SINK * mixes.left[target])),
        key=lambda candidate: (-candidate.received, candidate.key),
    )
    for least_part in (SINK, inf):  # clean places are the buffer only if enough others are left
        buffer = [
            candidate
            for candidate in most
            if candidate.key not in chosen or candidate.received >= least_part * mixes.left[target]
        ]
        buffer = buffer[:MOST_BUFFER]
        rest = [candidate for candidate in clean if candidate not in buffer]
        if len(rest) >= _FEWEST_CLEAN:
            break
    spared: list[Candidate] = []
    if buffer and len(rest) >= _FEWEST_CLEAN:
        clean, size = rest, sum(candidate.sites for candidate in buffer) / len(buffer)
        by_size = sorted(clean[1:], key=lambda candidate: (abs(candidate.sites - size), candidate.key))
        spared = by_size[: min(MOST_SPARED, len(clean) // _FEWEST_CLEAN)]
    else:
        buffer = []
    controls = [candidate for candidate in clean if candidate not in spared][:MOST_CONTROLS]
    roles: dict[str, Role] = {}
    role_places: tuple[tuple[Role, Sequence[Candidate]], ...] = (
        ("control", controls),
        ("buffer", buffer),
        ("buffer control", spared),
    )
    for role, places in role_places:
        roles |= dict.fromkeys((candidate.key for candidate in places), role)
    yield from (replace(candidate, role=roles.get(candidate.key, "")) for candidate in compared)
