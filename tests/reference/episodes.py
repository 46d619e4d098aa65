"""Episodes: content up at a hoster, with interval-censored ends."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

from waterbed.model.conclusions import Attribution, EndCause, Episode, Verdict

RETURNS = 2
"""Quick returns of hosters from which on a URL counts as rotating."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpSighting:
    """The hosters of one check that saw a URL up.

    `stretch` counts the confirmed absences before it.
    """

    when: datetime
    hosters: tuple[str, ...]
    stretch: int


class Rotation:
    """Separates one URL's departures from its DNS rotation.

    It sees all checks of the URL. A hoster that is found again within `soon` has not left. Where that happened
    `RETURNS` times, the name rotates, and its hosters have `late` to come back: two hosters that DNS chooses at random
    for each check seem to be left now and then, and checks become rarer with time. A confirmed absence ends the wait.
    """

    def __init__(self, looks: Sequence[UpSighting], *, soon: timedelta, late: timedelta) -> None:
        """Take the checks that saw it up, in time order."""
        self._seen_up: dict[tuple[str, int], list[datetime]] = defaultdict(list)
        last: dict[tuple[str, int], int] = {}
        returns = 0
        for number, look in enumerate(looks):
            for hoster in look.hosters:
                key = hoster, look.stretch
                before = last.get(key)
                if before is not None and number > before + 1 and look.when - looks[before].when <= soon:
                    returns += 1
                last[key] = number
                self._seen_up[key].append(look.when)
        self.rotates = returns >= RETURNS
        self._window = late if self.rotates else soon

    def remains(self, hoster: str, stretch: int, last_up: datetime, now: datetime) -> bool:
        """True if a hoster missing since `last_up` has not left.

        As far as the checks tell.
        """
        seen_up = self._seen_up.get((hoster, stretch), [])
        place = bisect_right(seen_up, last_up)
        if place < len(seen_up):
            return seen_up[place] - last_up <= self._window
        return self.rotates and now - last_up <= self._window


UNATTRIBUTED = "unknown"
"""The hoster of addresses that no table knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One judged check and the hosters that answered.

    `down` holds only for confirmed absences. `attribution` is None when the name gave no address.
    """

    verdict: Verdict
    down: bool
    attribution: Attribution | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlHistory:
    """The reports of a URL, its site and its content."""

    url_id: str
    content_id: str
    site_id: str
    known_up_at: datetime
    """When a report or an analyst first knew it up."""
    reported: tuple[datetime, ...]
    """When it was reported, in time order: again, if it came back."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """An episode at one hoster that has not ended yet."""

    attribution: Attribution
    latest: Attribution
    """The last one that had the hoster."""
    known_up_at: datetime
    absent_at: datetime | None
    first_up: datetime | None
    last_up: datetime
    without: int = 0
    without_since: datetime | None = None
    without_cause: EndCause = "moved"
    looks: int = 0
    unknown_looks: int = 0


class LeaveSettings(Protocol):
    """Settings that decide when a hoster was left."""

    @property
    def leave_looks(self) -> int:
        """Consecutive checks without a hoster that mean it was left."""

    @property
    def rotation_hours(self) -> float:
        """Hours within which a hoster found again was not left."""

    @property
    def rotation_days(self) -> float:
        """The same in days, for URLs whose DNS rotates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRules:
    """Rules that decide when a hoster was left."""

    leave_looks: int
    """One check is enough if the hoster's address belongs to another hoster in the table of that day."""
    until: datetime
    """Checks after this are too recent to be confirmed; they neither open nor prolong an episode."""
    soon: timedelta = timedelta(hours=24)
    """A hoster that is found again within this time was not left."""
    late: timedelta = timedelta(days=7)
    """The same for URLs whose DNS rotates."""

    @classmethod
    def from_settings(cls, settings: LeaveSettings, until: datetime) -> Self:
        """Return the rules that a study's settings ask for.

        `until` is the end of the measurement.
        """
        return cls(
            leave_looks=settings.leave_looks,
            until=until,
            soon=timedelta(hours=settings.rotation_hours),
            late=timedelta(days=settings.rotation_days),
        )


def censor_from(last_look: datetime, confirmation: timedelta) -> datetime:
    """Return the time after which nothing can be confirmed.

    All episodes are censored there, at the last check minus confirmation: to censor only unconfirmed ones would bias
    shares.
    """
    return last_look - confirmation


def episodes(known: UrlHistory, sightings: Sequence[Sighting], rules: EpisodeRules) -> list[Episode]:
    """Return one URL's episodes from sightings in time order.

    A report or an analyst's check counts as known up; a URL that is down at our first check gives an episode that
    ended between that time and the check. Pure.
    """
    machine = _Machine(known, rules, Rotation(list(_answered(sightings)), soon=rules.soon, late=rules.late))
    for sighting in sightings:
        machine.see(sighting)
    return machine.finish()


def _answered(sightings: Sequence[Sighting]) -> Iterable[UpSighting]:
    stretch = 0
    for sighting in sightings:
        stretch += sighting.down
        if not sighting.down and sighting.verdict.state == "up" and sighting.attribution is not None:
            here = sighting.attribution.hosters or (UNATTRIBUTED,)
            yield UpSighting(when=sighting.verdict.observed_at, hosters=here, stretch=stretch)


class _Machine:
    """Processes one URL's sightings; keeps one open episode a hoster."""

    def __init__(self, known: UrlHistory, rules: EpisodeRules, rotation: Rotation) -> None:
        self.known = known
        self.rules = rules
        self.rotation = rotation
        self.stretch = 0
        self.ended: list[Episode] = []
        self.open: dict[str, _Open] = {}
        self.decided_at: datetime | None = None
        self.undecided = 0

    def see(self, sighting: Sighting) -> None:
        """Take one sighting."""
        when, answer = sighting.verdict.observed_at, sighting.attribution
        if sighting.down:
            self.stretch += 1
            self._down(when, sighting.verdict.cause, answer)
        elif sighting.verdict.state == "up" and answer is not None:
            self._up(when, answer)
        else:
            self.undecided += not self.open
            for now in self.open.values():
                now.looks += 1
                now.unknown_looks += 1
            return
        self.decided_at = when

    def _down(self, when: datetime, cause: EndCause | None, answer: Attribution | None) -> None:
        if self.decided_at is None and answer is not None:
            # down at our first decided look: the report knew it up before
            for hoster in answer.hosters or (UNATTRIBUTED,):
                self._start(hoster, self.known.known_up_at, answer, seen=None)
        for hoster, now in list(self.open.items()):
            self._end(hoster, when, "lineage" if _handed_over(hoster, now.latest, answer) else cause)

    def _up(self, when: datetime, answer: Attribution) -> None:
        if when > self.rules.until and self.decided_at is not None:
            return
        here = answer.hosters or (UNATTRIBUTED,)
        for hoster, now in list(self.open.items()):
            now.looks += 1
            if hoster in here:
                now.last_up, now.latest, now.without, now.without_since = when, answer, 0, None
                now.first_up = now.first_up or when
                continue
            why = _why_without(hoster, now.latest, answer)
            if why == "lineage":
                self._end(hoster, when, why)
                continue
            now.without += 1
            if now.without_since is None:
                now.without_since, now.without_cause = when, why
            left = now.without >= self.rules.leave_looks
            if left and not self.rotation.remains(hoster, self.stretch, now.last_up, when):
                self._end(hoster, now.without_since, now.without_cause)
        for hoster in here:
            if hoster not in self.open:
                self._start(hoster, self._known_up(when), answer, seen=when)

    def _known_up(self, when: datetime) -> datetime:
        """Return when it was first known up.

        By this check, or by a report since the last check that saw it elsewhere or down.
        """
        if self.decided_at is None:
            return min(self.known.known_up_at, when)
        return min((r for r in self.known.reported if self.decided_at < r < when), default=when)

    def _reported(self, now: _Open, first_down: datetime | None) -> datetime | None:
        """The first report of it while it was there."""
        return next(
            (
                r
                for r in self.known.reported
                if (now.absent_at is None or r > now.absent_at) and (first_down is None or r < first_down)
            ),
            None,
        )

    def _start(self, hoster: str, known_up_at: datetime, answer: Attribution, *, seen: datetime | None) -> None:
        self.open[hoster] = _Open(
            attribution=answer,
            latest=answer,
            known_up_at=known_up_at,
            absent_at=self.decided_at,
            first_up=seen,
            last_up=seen or known_up_at,
            looks=self.undecided + 1,
            unknown_looks=self.undecided,
        )
        self.undecided = 0

    def _end(self, hoster: str, when: datetime | None, cause: EndCause | None) -> None:
        now = self.open.pop(hoster)
        ended = when is not None and when <= self.rules.until
        last_up = now.last_up if ended else min(now.last_up, max(self.rules.until, now.known_up_at))
        self.ended.append(
            Episode(
                url_id=self.known.url_id,
                content_id=self.known.content_id,
                site_id=self.known.site_id,
                hoster=hoster,
                hosters=now.attribution.hosters,
                origins=now.attribution.origins,
                countries=now.attribution.countries,
                addresses=now.attribution.addresses,
                prefixes=routed(now.attribution),
                proxy=now.attribution.proxy,
                known_up_at=now.known_up_at,
                reported_at=self._reported(now, when if ended else None),
                absent_at=now.absent_at,
                first_up=now.first_up,
                last_up=last_up,
                first_down=when if ended else None,
                cause=cause if ended else None,
                looks=now.looks,
                unknown_looks=now.unknown_looks,
            )
        )

    def finish(self) -> list[Episode]:
        """Censor what is still open."""
        for hoster in list(self.open):
            self._end(hoster, None, None)
        return self.ended


def routed(answer: Attribution) -> tuple[str, ...]:
    """The distinct routed ranges of an attribution, sorted."""
    return tuple(sorted({prefix for prefix in answer.prefixes if prefix}))


def _handed_over(hoster: str, before: Attribution, answer: Attribution | None) -> bool:
    """True if the hoster's addresses belong to another by then.

    Content is first seen gone there: it is unknown which of the two removed it. It is unknown which of the two removed
    it.
    """
    if answer is None or hoster in (answer.hosters or (UNATTRIBUTED,)):
        return False
    return _why_without(hoster, before, answer) == "lineage"


def _why_without(hoster: str, before: Attribution, answer: Attribution) -> EndCause:
    """Return the cause for which a hoster is missing.

    Its own addresses belong to another now, a proxy hides it, or the URL moved.
    """
    its = {a for a, keys in zip(before.addresses, before.address_hosters, strict=False) if hoster in keys.split("+")}
    if any(address in its for address in answer.addresses):
        return "lineage"
    return "masked" if answer.proxy and not before.proxy else "moved"


def all_episodes(
    known: Mapping[str, UrlHistory], sightings: Mapping[str, Sequence[Sighting]], rules: EpisodeRules
) -> Iterable[Episode]:
    """The episodes of many URLs."""
    for url_id, seen in sightings.items():
        yield from episodes(known[url_id], seen, rules)
