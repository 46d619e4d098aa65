"""Scores hops by kind against the truth. Pure."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from waterbed.lab.world.records import TrueEpisode, TrueHop, Truth
from waterbed.model.conclusions import Hop, HopKind, Verdict
from waterbed.model.urls import registrable_domain
from waterbed.store.settings import Judge

Looked = tuple[datetime, bool]
"""Time of a look, True if the page was up."""

KINDS: Final[tuple[HopKind, ...]] = get_args(HopKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Looks that confirm a change, and the end of observation."""

    until: datetime
    """Observations after this are not used."""
    confirm_looks: int = 3
    confirm_over: timedelta = timedelta(hours=2)
    leave_looks: int = 2
    rotation: timedelta = timedelta(hours=24)
    """A return within this time cancels the leaving."""


def sight_of(judge: Judge, until: datetime | None) -> Sight:
    """Return the confirmation rules of a study's settings.

    Without a look nothing is visible.
    """
    return Sight(
        until=until or datetime.min.replace(tzinfo=UTC),
        confirm_looks=judge.confirm_looks,
        confirm_over=timedelta(seconds=judge.confirm_s),
        leave_looks=judge.leave_looks,
        rotation=timedelta(hours=judge.rotation_hours),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTally:
    """Measured, correct, detectable and found hops of one kind.

    Shares are None where the count below is 0.
    """

    measured: int = 0
    right: int = 0
    detectable: int = 0
    found: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the measured ones that are right."""
        return self.right / self.measured if self.measured else None

    @property
    def recall(self) -> float | None:
        """Share of the detectable ones that were found."""
        return self.found / self.detectable if self.detectable else None

    def __add__(self, other: "KindTally") -> "KindTally":
        """Both together, as of two worlds."""
        return KindTally(
            measured=self.measured + other.measured,
            right=self.right + other.right,
            detectable=self.detectable + other.detectable,
            found=self.found + other.found,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePath:
    """A true path of content between two episodes.

    Episodes between the two may have been invisible.
    """

    left: TrueEpisode
    arrived: TrueEpisode
    kinds: tuple[HopKind, ...]
    """Possible kinds. After a short absence a return resembles re-pointing."""
    detectable: bool


def score_hops(
    truth: Truth,
    hops: Iterable[Hop],
    looked: Mapping[str, Sequence[Looked]],
    sight: Sight,
    url_id: Callable[[str], str],
) -> dict[HopKind, KindTally]:
    """Return precision and recall of each kind.

    `looked` gives by URL id the decided looks, in order.

    A measured hop is right if content truly went that way: same URL and hoster left, same URL and hoster reached, same
    kind, each arrival once. Ways lead over places that nobody could see, because their URL was not reported or not
    looked at while it was there (a report alone is no sight); and of several places that content had left, any may be
    named as that of a copy.
    Looks that saw what was not so count for nothing. A true arrival is detectable when, by the truth and the times of
    the looks alone,

    - the place left was looked at while the content was there, and did not stand behind a reverse proxy,
    - its loss could be seen: three looks over two hours found the URL away, or two found it at its new place,
    - the place reached was looked at while the content was there,
    - the URL was not back at the place left within a day: who comes back so soon has not left,
    - no other URL of the content was seen up at the hoster reached just then: that would be no gain,
    - every place between the two was never reported or never looked at while the content was there.
    """
    judge = _Judge(truth, looked, sight, url_id)
    ways = list(judge.paths())
    by_ends: dict[tuple[str, str, str, str], list[TruePath]] = defaultdict(list)
    for path in ways:
        by_ends[judge.ends(path)].append(path)
    asked = {(path.arrived.url, path.arrived.start): path.kinds[0] for path in ways if path.detectable}
    measured, right, found = (dict.fromkeys(KINDS, 0) for _ in range(3))
    used: set[tuple[str, datetime]] = set()
    for hop in sorted(hops, key=lambda hop: hop.arrived_before):
        measured[hop.kind] += 1
        same = by_ends[hop.from_url_id, hop.from_hoster, hop.to_url_id, hop.to_hoster]
        fitting = [
            path for path in same if hop.kind in path.kinds and (path.arrived.url, path.arrived.start) not in used
        ]
        if not fitting:
            continue
        best = min(fitting, key=lambda path: (abs(path.arrived.start - hop.arrived_before), not path.detectable))
        arrival = best.arrived.url, best.arrived.start
        used.add(arrival)
        right[hop.kind] += 1
        if arrival in asked:
            found[asked[arrival]] += 1
    return {
        kind: KindTally(
            measured=measured[kind],
            right=right[kind],
            detectable=sum(one == kind for one in asked.values()),
            found=found[kind],
        )
        for kind in KINDS
    }


def looked_at(verdicts: Iterable[Verdict]) -> dict[str, list[Looked]]:
    """Return the decided looks of each URL id, in order."""
    looked: dict[str, list[Looked]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.state != "unknown":
            looked[verdict.url_id].append((verdict.observed_at, verdict.state == "up"))
    return {url_id: sorted(times) for url_id, times in looked.items()}


class _Judge:
    """Knows which true events were visible at given look times."""

    def __init__(
        self, truth: Truth, looked: Mapping[str, Sequence[Looked]], sight: Sight, url_id: Callable[[str], str]
    ) -> None:
        self._truth, self._sight = truth, sight
        self._ids = {url: url_id(url) for url in truth.shown}
        self._looks = {
            url: [when for when, up in looked.get(self._ids[url], ()) if up == truth.is_up(url, when)]
            for url in truth.shown
        }
        self._episodes: dict[str, list[TrueEpisode]] = defaultdict(list)
        self._of_content: dict[str, list[TrueEpisode]] = defaultdict(list)
        for episode in truth.episodes:
            self._episodes[episode.url].append(episode)
            self._of_content[episode.content_id].append(episode)
        self._first = {report.url: report.reported_at for report in reversed(truth.reports)}
        self._into = {(hop.to_url, hop.arrived): hop for hop in truth.hops}

    def ends(self, path: TruePath) -> tuple[str, str, str, str]:
        """URL id and hoster of both ends."""
        return self._ids[path.left.url], path.left.hoster, self._ids[path.arrived.url], path.arrived.hoster

    def paths(self) -> Iterator[TruePath]:
        """Yield all true paths of content to a reported URL.

        Direct paths, and paths over places that could not be seen.
        """
        for episodes in self._episodes.values():
            if episodes[0].url in self._first and (episodes[0].url, episodes[0].start) not in self._into:
                yield from self._others(episodes[0], None)  # a copy of what stayed up, which nobody can know
        for last in self._truth.hops:
            arrived = self._started(last.to_url, last.arrived)
            if arrived is None or last.to_url not in self._first:
                continue
            if not any(self._seen(episode) for episode in self._episodes[arrived.url] if episode.start < arrived.start):
                yield from self._others(arrived, last)
            hop: TrueHop | None = last
            sure = True
            while hop is not None:
                left = self._ended(hop.from_url, hop.left)
                if left is None:
                    break
                if left.url in self._first and left.hoster != arrived.hoster:
                    yield self._path(hop, left, arrived, sure=sure)
                if self._seen(left) > 1:
                    break  # it was seen there: nobody would think of a place before
                sure = sure and self._seen(left) == 0
                hop = self._into.get((left.url, left.start))

    def _others(self, arrived: TrueEpisode, hop: TrueHop | None) -> Iterator[TruePath]:
        """Yield paths from every other place that the content left.

        Nobody can see from which of them a copy was made.
        """
        known = max(arrived.start, self._first[arrived.url])
        led = hop.from_url if hop and hop.kind == "redirect" else ""
        for left in self._of_content[arrived.content_id]:
            elsewhere = left.url not in (arrived.url, led) and left.hoster != arrived.hoster
            if elsewhere and left.end is not None and left.url in self._first and left.start < known:
                yield TruePath(left=left, arrived=arrived, kinds=(self._label_kind(left, arrived),), detectable=False)

    def _path(self, first: TrueHop, left: TrueEpisode, arrived: TrueEpisode, *, sure: bool) -> TruePath:
        kinds = self._kinds(first, left, arrived)
        least = self._sight.leave_looks if kinds[0] == "relocation" else 1
        detectable = (
            sure
            and not first.masked
            and self._seen(left) > 0
            and self._loss_seen(left)
            and self._seen(arrived) >= least
            and not self._had_it(arrived)
            and not self._back_soon(left, arrived)
        )
        return TruePath(left=left, arrived=arrived, kinds=kinds, detectable=detectable)

    def _kinds(self, first: TrueHop, left: TrueEpisode, arrived: TrueEpisode) -> tuple[HopKind, ...]:
        """Return the kinds that a path may have.

        The first is its kind if all of it was seen.
        """
        if left.url == arrived.url:
            if left.end is None or self._away(left.url, left.end, arrived.start):
                return ("reappearance",)
            return ("relocation",) if first.kind == "relocation" else ("relocation", "reappearance")
        if first.kind == "redirect" and first.to_url == arrived.url:
            return ("redirect",)
        return (self._label_kind(left, arrived),)

    def _label_kind(self, left: TrueEpisode, arrived: TrueEpisode) -> HopKind:
        labels = [registrable_domain(self._truth.shown[episode.url].host) for episode in (left, arrived)]
        same = labels[0] != labels[1] and labels[0].partition(".")[0] == labels[1].partition(".")[0]
        return "tld" if same else "copy"

    def _started(self, url: str, moment: datetime) -> TrueEpisode | None:
        return next((episode for episode in self._episodes[url] if episode.start == moment), None)

    def _ended(self, url: str, moment: datetime) -> TrueEpisode | None:
        return next((episode for episode in self._episodes[url] if episode.end == moment), None)

    def _within(self, url: str, begin: datetime, end: datetime) -> list[datetime]:
        looks = self._looks[url]
        return looks[bisect_left(looks, begin) : bisect_left(looks, end)]

    def _seen(self, episode: TrueEpisode) -> int:
        """Looks at a stay that decided something and are believed."""
        looks = self._looks[episode.url]
        end = len(looks) if episode.end is None else bisect_left(looks, episode.end)
        return max(0, min(end, bisect_right(looks, self._sight.until)) - bisect_left(looks, episode.start))

    def _away(self, url: str, begin: datetime, end: datetime) -> bool:
        """True if looks could confirm that a URL was away."""
        looks = self._within(url, begin, end)
        return (
            len(looks) >= self._sight.confirm_looks
            and looks[-1] - looks[0] >= self._sight.confirm_over
            and looks[0] <= self._sight.until
        )

    def _loss_seen(self, episode: TrueEpisode) -> bool:
        if episode.end is None:
            return False
        later = min((other.start for other in self._episodes[episode.url] if other.start >= episode.end), default=None)
        if self._away(episode.url, episode.end, later or self._truth.world.end):
            return True
        following = self._started(episode.url, later) if later else None
        return following is not None and self._seen(following) >= self._sight.leave_looks

    def _back_soon(self, left: TrueEpisode, arrived: TrueEpisode) -> bool:
        """True if the URL soon returned to the place left.

        Also true if it came from the place reached just before.
        """
        own = self._episodes[left.url] if left.url == arrived.url else []
        soon = self._sight.rotation
        back = any(s.hoster == left.hoster and left.end and left.end <= s.start <= left.end + soon for s in own)
        return back or any(s.hoster == arrived.hoster and s.end and s.end <= arrived.start <= s.end + soon for s in own)

    def _had_it(self, arrived: TrueEpisode) -> bool:
        """True if the hoster showed another URL of the content."""
        return any(
            episode.url != arrived.url
            and episode.hoster == arrived.hoster
            and episode.start < (arrived.end or self._truth.world.end)
            and (episode.end is None or episode.end > arrived.start)
            and self._seen(episode) > 0
            for episode in self._of_content[arrived.content_id]
        )
