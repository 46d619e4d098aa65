"""Episodes: content up at a hoster, with interval-censored ends."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final, Protocol, Self

from waterbed.graphs.rotation import Rotation
from waterbed.graphs.runs import UNATTRIBUTED, Run, addresses_at
from waterbed.model.codec import microseconds, moment
from waterbed.model.conclusions import Attribution, EndCause, Episode
from waterbed.model.progress import stage

_MICROSECOND: Final = timedelta(microseconds=1)
_moment: Final = lru_cache(4096)(moment)
"""Equal times are one object in memory: those of an episode often are."""


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
    confirmed: tuple[tuple[datetime, datetime], ...] = ()
    """When analysts and other observers saw it up, and when that was received. A report alone is no such sighting."""
    claimed_at: datetime | None = None
    """The earliest time that a report claims to have been made, if it counts as made later."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """An episode at one hoster that has not ended yet."""

    attribution: Attribution
    latest: Attribution
    """The last one that had the hoster."""
    known_up_at: int
    absent_at: int | None
    first_up: int | None
    confirmed_at: int | None
    last_up: int
    without: int = 0
    without_since: int | None = None
    without_cause: EndCause = "moved"
    looks: int = 0
    looks_until_last: int = 0
    unknown_looks: int = 0
    flap: tuple[int, int] | None = None
    """Last known up before the first unconfirmed removal after a report, and first look of it."""
    flap_up_again: int | None = None


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


def episodes(known: UrlHistory, runs: Sequence[Run], rules: EpisodeRules) -> list[Episode]:
    """Return one URL's episodes from runs in time order.

    A report or an analyst's check counts as known up; a URL that is down at our first check gives an episode that
    ended between that time and the check. Pure.
    """
    machine = _Machine(known, rules, runs)
    for run in runs:
        machine.see(run)
    return machine.finish()


class _Machine:
    """Processes one URL's runs; keeps one open episode a hoster. Times are microseconds."""

    def __init__(self, known: UrlHistory, rules: EpisodeRules, runs: Sequence[Run]) -> None:
        self.known = known
        self.rules = rules
        self.runs = runs
        self.until = microseconds(rules.until)
        self.known_up_at = microseconds(known.known_up_at)
        self.reported = [microseconds(when) for when in known.reported]
        self.confirmed = [(microseconds(when), microseconds(received)) for when, received in known.confirmed]
        self.stretch = 0
        self.place = 0
        """The number of the run that is taken."""
        self.down_at: int | None = None
        """The last check of the latest confirmed absence."""
        self.ended: list[Episode] = []
        self.open: dict[str, _Open] = {}
        self.decided_at: int | None = None
        self.undecided = 0
        self.early: tuple[int, int] | None = None
        """A flap before anything was decided."""

    @cached_property
    def rotation(self) -> Rotation:
        """The comings and goings of the URL's hosters."""
        soon, late = (round(span / _MICROSECOND) for span in (self.rules.soon, self.rules.late))
        return Rotation(self.runs, soon=soon, late=late)

    @cached_property
    def several(self) -> bool:
        """True if answers differ: most URLs have one hoster, and nothing to tell apart."""
        return len({run.hosters for run in self.runs if run.answered}) > 1

    def see(self, run: Run) -> None:
        """Take one run."""
        self.place += 1
        if run.down:
            self.stretch += 1
            self._down(run)
            self.down_at = int(run.at[-1])
        elif run.state == "up" and run.answered:
            self._up_all(run)
        else:
            if run.state == "down" and run.cause == "removed":
                self._flap(int(run.at[0]))
            self.undecided += len(run.at) if not self.open else 0
            for now in self.open.values():
                now.looks += len(run.at)
                now.unknown_looks += len(run.at)
            return
        self.decided_at = int(run.at[-1])

    def _down(self, run: Run) -> None:
        """End what is open by the first check of a run; the others find nothing open."""
        when, answer = int(run.at[0]), run.answer(0) if run.answered else None
        if self.decided_at is None and answer is not None:
            # down at our first decided look: the report knew it up before
            for hoster in answer.hosters or (UNATTRIBUTED,):
                self._start(hoster, min(self.known_up_at, when), answer, seen=None, before=when)
        if not self.open:
            return
        first_answers = self._asked() if answer is not None and self.several and self.rotation.rotates else {}
        for hoster, (checked_at, first) in first_answers.items():
            known_up_at = self._known_up(checked_at, self.down_at)
            if (
                hoster not in self.open
                and known_up_at < checked_at
                and self.rotation.from_start(hoster, self.stretch - 1, checked_at)
            ):
                # it was there all the time, and answered for the first time when the content was gone
                self._start(hoster, known_up_at, first.answer(0), seen=None, before=checked_at)
                self._end(hoster, checked_at, first.cause)
        for hoster, now in list(self.open.items()):
            missing = answer is not None and hoster not in (answer.hosters or (UNATTRIBUTED,))
            stays = missing and self.rotation.rotates and self.rotation.remains(hoster, self.stretch - 1, when)
            checked_at, its = first_answers.get(hoster, (when, None)) if stays else (when, None)
            cause = ended_by(hoster, now.latest, answer, run.cause, rotates=stays, own_cause=its.cause if its else None)
            self._end(hoster, checked_at if its and cause == its.cause else when, cause)

    def _asked(self) -> dict[str, tuple[int, Run]]:
        """The hosters that answer in a confirmed absence from its first run on, with the first check of each."""
        first_answers: dict[str, tuple[int, Run]] = {}
        for run in self.runs[self.place - 1 :]:
            if (run.state == "up" and run.answered) or run.at[0] > self.until:
                break
            if run.down and run.answered:
                for hoster in run.hosters or (UNATTRIBUTED,):
                    first_answers.setdefault(hoster, (int(run.at[0]), run))
        return first_answers

    def _flap(self, when: int) -> None:
        """Keep the first removal after a report that is not confirmed: if it is back, it may have been put back."""
        if when > self.until:
            return
        if self.decided_at is None and self.early is None and any(r < when for r in self.reported):
            self.early = (self.known_up_at, when)
        for now in self.open.values():
            reported_at = self._reported(now, None)
            if now.flap is None and reported_at is not None and when > reported_at:
                now.flap = (now.last_up, when)

    def _up_all(self, run: Run) -> None:
        """Take check by check until the run's hosters alone are open, then the rest at once."""
        hosters = run.hosters or (UNATTRIBUTED,)
        for nth, when in enumerate(run.at):
            if nth and self.open.keys() == set(hosters):
                self._stay(run, nth)
                return
            self._up(int(when), run.answer(nth), hosters)
            self.decided_at = int(when)

    def _stay(self, run: Run, first: int) -> None:
        """Take the checks of a run from one on: its hosters are open, and no other."""
        believed = bisect_right(run.at, self.until)
        if believed <= first:
            return
        when, answer = int(run.at[believed - 1]), run.answer(believed - 1)
        for now in self.open.values():
            now.looks += believed - first
            now.looks_until_last = now.looks
            now.last_up, now.latest, now.without, now.without_since = when, answer, 0, None

    def _up(self, when: int, answer: Attribution, hosters: Sequence[str]) -> None:
        if when > self.until and self.decided_at is not None:
            return
        for hoster, now in list(self.open.items()):
            now.looks += 1
            if hoster in hosters:
                now.looks_until_last = now.looks
                now.last_up, now.latest, now.without, now.without_since = when, answer, 0, None
                now.first_up = now.first_up or when
                if now.flap and now.flap_up_again is None:
                    now.flap_up_again = when
                continue
            missing_cause = _why_without(hoster, now.latest, answer)
            if missing_cause == "lineage":
                self._end(hoster, when, missing_cause)
                continue
            now.without += 1
            if now.without_since is None:
                now.without_since, now.without_cause = when, missing_cause
            has_left = now.without >= self.rules.leave_looks
            if has_left and not self.rotation.remains(hoster, self.stretch, when):
                gone_by = self.rotation.gone_by(hoster, self.stretch, now.without_since, when)
                self._end(hoster, gone_by, now.without_cause)
        for hoster in hosters:
            if hoster not in self.open:
                late = self.decided_at != self.down_at and not self.rotation.from_start(hoster, self.stretch, when)
                absent_at = self.decided_at if late else self.down_at
                self._start(hoster, self._known_up(when, absent_at), answer, seen=when, absent_at=absent_at)

    def _known_up(self, when: int, absent_at: int | None) -> int:
        """Return when it was first known up.

        By this check, or by a report since the last check that saw it elsewhere or down.
        """
        if absent_at is None:
            return min(self.known_up_at, when)
        return min((r for r in self.reported if absent_at < r < when), default=when)

    def _reported(self, now: _Open, first_down: int | None) -> int | None:
        """The first report of it while it was there."""
        return next(
            (
                r
                for r in self.reported
                if (now.absent_at is None or r > now.absent_at) and (first_down is None or r < first_down)
            ),
            None,
        )

    def _start(
        self,
        hoster: str,
        known_up_at: int,
        answer: Attribution,
        *,
        seen: int | None,
        before: int | None = None,
        absent_at: int | None = None,
    ) -> None:
        """Open an episode that a check saw up, or one of which no more than its end `before` was seen.

        It was not there at `absent_at`, by default the last check of the latest confirmed absence.
        """
        confirmed_at = None if before is None else self._confirmed_before(before)
        self.open[hoster] = _Open(
            attribution=answer,
            latest=answer,
            known_up_at=known_up_at,
            absent_at=self.down_at if absent_at is None else absent_at,
            first_up=seen,
            confirmed_at=confirmed_at,
            last_up=max(known_up_at, confirmed_at or known_up_at) if seen is None else seen,
            looks=self.undecided + 1,
            looks_until_last=0 if seen is None else self.undecided + 1,
            unknown_looks=self.undecided,
            flap=self.early if self.decided_at is None else None,
            flap_up_again=seen if self.decided_at is None and self.early else None,
        )
        self.undecided = 0

    def _confirmed_before(self, end: int) -> int | None:
        """The last sighting before an end that was received before it: a source that knows the end could choose."""
        return max((when for when, received in self.confirmed if when < end and received < end), default=None)

    def _end(self, hoster: str, when: int | None, cause: EndCause | None) -> None:
        now = self.open.pop(hoster)
        ended = when is not None and when <= self.until
        # after the measurement's end no check counts but the first decided one, which opens the episode
        latest = max(self.until, now.first_up or now.known_up_at)
        last_up = now.last_up if ended else min(now.last_up, latest)
        reported_at = self._reported(now, when if ended else None)
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
                known_up_at=_moment(now.known_up_at),
                reported_at=None if reported_at is None else _moment(reported_at),
                claimed_at=None if reported_at is None or now.absent_at is not None else self.known.claimed_at,
                absent_at=None if now.absent_at is None else _moment(now.absent_at),
                first_up=None if now.first_up is None else _moment(now.first_up),
                confirmed_at=None if now.confirmed_at is None else _moment(now.confirmed_at),
                last_up=_moment(last_up),
                first_down=_moment(when) if when is not None and ended else None,
                cause=cause if ended else None,
                looks=now.looks,
                looks_until_last=now.looks_until_last,
                unknown_looks=now.unknown_looks,
                flap_last_up=None if flap is None else _moment(flap[0]),
                flap_first_down=None if flap is None else _moment(flap[1]),
                flap_up_again=None if flap is None or now.flap_up_again is None else _moment(now.flap_up_again),
            )
        )

    def finish(self) -> list[Episode]:
        """Censor what is still open."""
        for hoster in list(self.open):
            self._end(hoster, None, None)
        return self.ended


def own_addresses(hoster: str, answer: Attribution) -> tuple[str, ...]:
    """The addresses of an answer that a hoster holds, in their order."""
    addresses = addresses_at(hoster, answer)
    # one tuple for all episodes there
    return (
        answer.addresses
        if len(addresses) == len(answer.addresses)
        else tuple(a for a in answer.addresses if a in addresses)
    )


def routed(answer: Attribution) -> tuple[str, ...]:
    """The distinct routed ranges of an attribution, sorted."""
    prefixes = tuple(sorted({prefix for prefix in answer.prefixes if prefix}))
    return answer.prefixes if prefixes == answer.prefixes else prefixes  # one tuple for all episodes there


def ended_by(
    hoster: str,
    previous: Attribution,
    answer: Attribution | None,
    cause: EndCause | None,
    *,
    rotates: bool,
    own_cause: EndCause | None = None,
) -> EndCause | None:
    """Return why a hoster's episode ends at an absence.

    Where another answered for it, nobody saw this hoster remove anything: its network changed hands, or the name was
    pointed elsewhere, unless it `rotates` through both. Then it is what this hoster's own answer in the same absence
    says, `own_cause`; without one nobody knows.
    """
    if answer is None or hoster in (answer.hosters or (UNATTRIBUTED,)):
        return cause
    missing_cause = _why_without(hoster, previous, answer)
    if missing_cause == "lineage" or cause not in ("removed", "network"):
        return missing_cause if missing_cause == "lineage" else cause
    return (own_cause or "lost") if rotates else missing_cause


def _why_without(hoster: str, previous: Attribution, answer: Attribution) -> EndCause:
    """Return the cause for which a hoster is missing.

    Its own addresses belong to another now, a proxy hides it, or the URL moved.
    """
    if not addresses_at(hoster, previous).isdisjoint(answer.addresses):
        return "lineage"
    return "masked" if answer.proxy and not previous.proxy else "moved"


def all_episodes(
    histories: Mapping[str, UrlHistory], runs: Mapping[str, Sequence[Run]], rules: EpisodeRules
) -> Iterable[Episode]:
    """The episodes of many URLs."""
    with stage("URLs followed", len(histories)) as advance:
        for url_id, url_runs in runs.items():
            yield from episodes(histories[url_id], url_runs, rules)
            advance()
