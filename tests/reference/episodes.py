"""Episodes: content up at a hoster, with interval-censored ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import comb
from operator import or_

from waterbed.graphs.episodes import EpisodeRules, UrlHistory, _why_without, ended_by, own_addresses, routed
from waterbed.graphs.rotation import RETURNS
from waterbed.graphs.runs import UNATTRIBUTED, Sighting
from waterbed.model.conclusions import Attribution, EndCause, Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The hosters that a name pointed to at one check.

    `stretch` counts the confirmed absences before the URL was up, `number` the resolver's answers since then, -1 where
    it gave none.
    """

    when: datetime
    hosters: tuple[str, ...]
    stretch: int
    number: int
    down: bool


class Rotation:
    """Separates one URL's departures from its DNS rotation, as `waterbed.graphs.rotation` says."""

    def __init__(self, looks: Sequence[Answered], *, soon: timedelta, late: timedelta) -> None:
        """Take the checks whose name gave addresses, in time order."""
        self._looks = looks
        pairs = [
            (key, a, b)
            for key in {(hoster, look.stretch) for look in looks for hoster in look.hosters}
            for a, b in pairwise(self._own(*key))
            if b.number > a.number + 1
        ]
        quick = [b.when - a.when <= soon for _, a, b in pairs]
        usual = [self._usual(*key, b.number - a.number - 1) for key, a, b in pairs]
        self._quick = sum(quick) >= RETURNS
        self._window = late if self._quick else soon
        self._returns = sum(map(or_, quick, usual))
        self.rotates = self._returns >= RETURNS

    def _own(self, hoster: str, stretch: int) -> list[Answered]:
        return [look for look in self._looks if look.stretch == stretch and hoster in look.hosters]

    def _last(self, stretch: int) -> int:
        return max(look.number for look in self._looks if look.stretch == stretch)

    def _usual(self, hoster: str, stretch: int, missing: int) -> bool:
        numbers = {look.number for look in self._own(hoster, stretch)}
        count = self._last(stretch) - min(numbers) + 1
        return 1000 * len(numbers) * comb(count - missing, len(numbers)) >= comb(count, len(numbers))

    def _missing(self, hoster: str, stretch: int, now: datetime) -> tuple[Answered, Answered | None]:
        own = self._own(hoster, stretch)
        return [look for look in own if look.when <= now][-1], next((look for look in own if look.when > now), None)

    def remains(self, hoster: str, stretch: int, now: datetime) -> bool:
        """True if a hoster that is missing now has not left.

        As far as the checks tell.
        """
        last, back = self._missing(hoster, stretch, now)
        if (back or self._quick) and (back.when if back else now) - last.when <= self._window:
            return True
        missing = (back.number if back else self._last(stretch) + 1) - last.number - 1
        return self._returns > 0 and self._usual(hoster, stretch, missing)

    def from_start(self, hoster: str, stretch: int, now: datetime) -> bool:
        """True if a hoster that is first named now was there before."""
        first, others = self._own(hoster, stretch)[0].number, {}
        begun = min(look.when for look in self._looks if look.stretch == stretch)
        if self._own(hoster, stretch)[0].when - begun > timedelta(hours=72):
            return False
        for look in self._looks:
            if look.stretch == stretch:
                for other in look.hosters:
                    others.setdefault(other, set()).add(look.number)
        beside = any(min(numbers) == 0 and max(numbers) > first for numbers in others.values())
        named, count = len(others[hoster]), self._last(stretch) + 1
        again = {look.number for look in self._own(hoster, stretch) if look.when <= now} != {first}
        return self.rotates and beside and not again and 20 * comb(count - first, named) >= comb(count, named)

    def gone_by(self, hoster: str, stretch: int, missing_since: datetime, now: datetime) -> datetime:
        """The time by which a hoster that does not remain had left."""
        last, _ = self._missing(hoster, stretch, now)
        if not self._returns:
            return missing_since
        of_stretch = [look for look in self._looks if look.stretch == stretch]
        ends = [look.when for look in of_stretch if look.down]
        ends += [
            look.when
            for look in of_stretch
            if look.number > last.number and not self._usual(hoster, stretch, look.number - last.number)
        ]
        return max(missing_since, min(ends))


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
    looks_until_last: int = 0
    unknown_looks: int = 0
    flap: tuple[datetime, datetime] | None = None
    flap_up_again: datetime | None = None
    confirmed_at: datetime | None = None


def episodes(known: UrlHistory, sightings: Sequence[Sighting], rules: EpisodeRules) -> list[Episode]:
    """Return one URL's episodes from sightings in time order.

    A report or an analyst's check counts as known up; a URL that is down at our first check gives an episode that
    ended between that time and the check. Pure.
    """
    machine = _Machine(known, rules, Rotation(list(_answered(sightings)), soon=rules.soon, late=rules.late))
    machine.rest = list(sightings)
    for sighting in sightings:
        machine.see(sighting)
        machine.rest = machine.rest[1:]
    return machine.finish()


def _answered(sightings: Sequence[Sighting]) -> Iterable[Answered]:
    absences = stretch = 0
    began: Answered | None = None
    for sighting in sightings:
        absences += sighting.down
        when, answer = sighting.verdict.observed_at, sighting.attribution
        if answer is None:
            if sighting.down:
                yield Answered(when=when, hosters=(), stretch=stretch, number=-1, down=True)
            continue
        if not sighting.down and sighting.verdict.state == "up":
            stretch = absences
        here = answer.hosters or (UNATTRIBUTED,)
        if began is None or began.stretch != stretch:
            number = 0
        elif began.hosters == here and when - began.when < timedelta(minutes=15):
            number = began.number
        else:
            number = began.number + 1
        one = Answered(when=when, hosters=here, stretch=stretch, number=number, down=sighting.down)
        if began is None or (began.stretch, began.number) != (stretch, number):
            began = one
        yield one


class _Machine:
    """Processes one URL's sightings; keeps one open episode a hoster."""

    def __init__(self, known: UrlHistory, rules: EpisodeRules, rotation: Rotation) -> None:
        self.known = known
        self.rules = rules
        self.rotation = rotation
        self.stretch = 0
        self.rest: list[Sighting] = []
        """The sighting that is taken, and those after it."""
        self.down_at: datetime | None = None
        self.ended: list[Episode] = []
        self.open: dict[str, _Open] = {}
        self.decided_at: datetime | None = None
        self.undecided = 0
        self.early: tuple[datetime, datetime] | None = None

    def see(self, sighting: Sighting) -> None:
        """Take one sighting."""
        when, answer = sighting.verdict.observed_at, sighting.attribution
        if sighting.down:
            self.stretch += 1
            self._down(when, sighting.verdict.cause, answer)
            self.down_at = when
        elif sighting.verdict.state == "up" and answer is not None:
            self._up(when, answer)
        else:
            if sighting.verdict.state == "down" and sighting.verdict.cause == "removed":
                self._flap(when)
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
                self._gone(hoster, min(self.known.known_up_at, when), answer, when)
        rotates = bool(self.open) and answer is not None and self.rotation.rotates
        own: dict[str, Sighting] = {}
        for sighting in self.rest if rotates else []:
            if sighting.attribution is None:
                continue
            if sighting.verdict.state == "up" or sighting.verdict.observed_at > self.rules.until:
                break
            if sighting.down:
                for hoster in sighting.attribution.hosters or (UNATTRIBUTED,):
                    own.setdefault(hoster, sighting)
        for hoster, sighting in own.items():
            at, its = sighting.verdict.observed_at, sighting.attribution
            known_up_at = self._known_up(at, self.down_at)
            there = hoster not in self.open and known_up_at < at
            if its is not None and there and self.rotation.from_start(hoster, self.stretch - 1, at):
                self._gone(hoster, known_up_at, its, at)
                self._end(hoster, at, sighting.verdict.cause)
        for hoster, now in list(self.open.items()):
            missing = answer is not None and hoster not in (answer.hosters or (UNATTRIBUTED,))
            stays = missing and rotates and self.rotation.remains(hoster, self.stretch - 1, when)
            said = own[hoster].verdict if stays and hoster in own else None
            why = ended_by(hoster, now.latest, answer, cause, rotates=stays, own_cause=said.cause if said else None)
            self._end(hoster, said.observed_at if said and said.cause == why else when, why)

    def _gone(self, hoster: str, known_up_at: datetime, answer: Attribution, when: datetime) -> None:
        """Start an episode of which no more than its end was seen."""
        self._start(hoster, known_up_at, answer, seen=None, absent_at=self.down_at)
        sightings = [seen for seen, received in self.known.confirmed if seen < when and received < when]
        if sightings:
            now = self.open[hoster]
            now.confirmed_at = max(sightings)
            now.last_up = max(now.last_up, now.confirmed_at)

    def _flap(self, when: datetime) -> None:
        if when > self.rules.until:
            return
        if self.decided_at is None and self.early is None and any(r < when for r in self.known.reported):
            self.early = (self.known.known_up_at, when)
        for now in self.open.values():
            reported_at = self._reported(now, None)
            if now.flap is None and reported_at is not None and when > reported_at:
                now.flap = (now.last_up, when)

    def _up(self, when: datetime, answer: Attribution) -> None:
        if when > self.rules.until and self.decided_at is not None:
            return
        here = answer.hosters or (UNATTRIBUTED,)
        for hoster, now in list(self.open.items()):
            now.looks += 1
            if hoster in here:
                now.looks_until_last = now.looks
                now.last_up, now.latest, now.without, now.without_since = when, answer, 0, None
                now.first_up = now.first_up or when
                if now.flap and now.flap_up_again is None:
                    now.flap_up_again = when
                continue
            why = _why_without(hoster, now.latest, answer)
            if why == "lineage":
                self._end(hoster, when, why)
                continue
            now.without += 1
            if now.without_since is None:
                now.without_since, now.without_cause = when, why
            left = now.without >= self.rules.leave_looks
            if left and not self.rotation.remains(hoster, self.stretch, when):
                gone_by = self.rotation.gone_by(hoster, self.stretch, now.without_since, when)
                self._end(hoster, gone_by, now.without_cause)
        for hoster in here:
            if hoster not in self.open:
                since = self.down_at if self.rotation.from_start(hoster, self.stretch, when) else self.decided_at
                self._start(hoster, self._known_up(when, since), answer, seen=when, absent_at=since)

    def _known_up(self, when: datetime, since: datetime | None) -> datetime:
        """Return when it was first known up.

        By this check, or by a report since the last check that saw it elsewhere or down.
        """
        if since is None:
            return min(self.known.known_up_at, when)
        return min((r for r in self.known.reported if since < r < when), default=when)

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

    def _start(
        self,
        hoster: str,
        known_up_at: datetime,
        answer: Attribution,
        *,
        seen: datetime | None,
        absent_at: datetime | None,
    ) -> None:
        self.open[hoster] = _Open(
            attribution=answer,
            latest=answer,
            known_up_at=known_up_at,
            absent_at=absent_at,
            first_up=seen,
            last_up=seen or known_up_at,
            looks=self.undecided + 1,
            looks_until_last=self.undecided + 1 if seen else 0,
            unknown_looks=self.undecided,
            flap=self.early if self.decided_at is None else None,
            flap_up_again=seen if self.decided_at is None and self.early else None,
        )
        self.undecided = 0

    def _end(self, hoster: str, when: datetime | None, cause: EndCause | None) -> None:
        now = self.open.pop(hoster)
        ended = when is not None and when <= self.rules.until
        last_up = now.last_up if ended else min(now.last_up, max(self.rules.until, now.first_up or now.known_up_at))
        flap = now.flap if now.flap and now.flap[1] < last_up else None
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
                own_addresses=own_addresses(hoster, now.attribution),
                prefixes=routed(now.attribution),
                proxy=now.attribution.proxy,
                known_up_at=now.known_up_at,
                reported_at=(reported_at := self._reported(now, when if ended else None)),
                claimed_at=self.known.claimed_at if reported_at and now.absent_at is None else None,
                absent_at=now.absent_at,
                first_up=now.first_up,
                confirmed_at=now.confirmed_at,
                last_up=last_up,
                first_down=when if ended else None,
                cause=cause if ended else None,
                looks=now.looks,
                looks_until_last=now.looks_until_last,
                unknown_looks=now.unknown_looks,
                flap_last_up=flap[0] if flap else None,
                flap_first_down=flap[1] if flap else None,
                flap_up_again=now.flap_up_again if flap else None,
            )
        )

    def finish(self) -> list[Episode]:
        """Censor what is still open."""
        for hoster in list(self.open):
            self._end(hoster, None, None)
        return self.ended


def all_episodes(
    known: Mapping[str, UrlHistory], sightings: Mapping[str, Sequence[Sighting]], rules: EpisodeRules
) -> Iterable[Episode]:
    """The episodes of many URLs."""
    for url_id, seen in sightings.items():
        yield from episodes(known[url_id], seen, rules)
