"""Verdicts and attributions of a true world without a network.

Time is virtual.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.runs import Sighting
from waterbed.judging.confirmation import STATES, confirmed
from waterbed.lab.simulate.draw import LATE_HOURS, NAME_ENDS, Obstacles
from waterbed.lab.world.records import TrueReport, Truth
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Attribution, EndCause, State, Verdict
from waterbed.store.settings import Judge

_HOUR = timedelta(hours=1)
_PAGES: Mapping[str, EndCause] = {
    "404": "removed",
    "410": "removed",
    "suspended": "removed",
    "parked": "name",
    "seized": "seized",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedUrl:
    """The observations and attributions of one URL."""

    known: UrlHistory
    host: str
    sightings: Sequence[Sighting]


class Simulator:
    """Looks at a world's URLs as a plan says."""

    def __init__(self, truth: Truth, obstacles: Obstacles, rng: random.Random) -> None:
        """Take the truth, the obstacles and the random generator."""
        self._truth = truth
        self._obstacles = obstacles
        self._rng = rng
        self._nameless: dict[str, bool] = {}
        self._judge = Judge()

    def all(self) -> Iterator[SimulatedUrl]:
        """Each reported URL, numbered in the order of first reports."""
        by_url: dict[str, list[TrueReport]] = {}
        for report in self._truth.reports:
            by_url.setdefault(report.url, []).append(report)
        for number, (url, reports) in enumerate(by_url.items()):
            yield self._look_at(f"{number}", url, reports)

    def name_goes(self, host: str, hoster: str | None) -> bool:
        """True if a site loses its name at a removal."""
        if hoster is None or hoster != self._obstacles.nameless:
            return False
        if host not in self._nameless:
            self._nameless[host] = self._rng.random() < NAME_ENDS
        return self._nameless[host]

    def _look_at(self, url_id: str, url: str, reports: Sequence[TrueReport]) -> SimulatedUrl:
        shown = self._truth.shown[url]
        made = sorted(report.reported_at for report in reports)
        is_late = self._rng.random() < self._obstacles.late
        late = self._rng.uniform(0.0, LATE_HOURS if is_late else 0.5)
        known = UrlHistory(
            url_id=url_id,
            content_id=shown.content_id,
            site_id=shown.host,
            known_up_at=made[0],
            reported=tuple(made),
        )
        return SimulatedUrl(
            known=known, host=shown.host, sightings=self._seen(url_id, url, shown.host, made[0], late * _HOUR)
        )

    def _seen(self, url_id: str, url: str, host: str, reported: datetime, late: timedelta) -> list[Sighting]:
        now, streak, end = reported + late, 0, self._truth.world.end
        verdicts: list[Verdict] = []
        answers: list[Attribution | None] = []
        while now < end:
            state, cause, answer = self._answer(url, host, now)
            streak = {"up": 0, "down": streak + 1, "unknown": streak}[state]
            verdicts.append(verdict_of(url_id, now, state, cause))
            answers.append(answer)
            wait = self._wait(0 if state == "unknown" else streak, now - reported)
            now += wait * (1 + 0.1 * self._rng.uniform(-1, 1))
        down = self._confirmed(verdicts)
        return [
            Sighting(verdict=verdict, down=is_down, attribution=answer)
            for verdict, is_down, answer in zip(verdicts, down, answers, strict=True)
        ]

    def _confirmed(self, verdicts: list[Verdict]) -> list[bool]:
        one = np.zeros(len(verdicts), np.int32)
        found: list[bool] = confirmed(
            one,
            np.array([microseconds(verdict.observed_at) for verdict in verdicts], np.int64),
            np.array([STATES.index(verdict.state) for verdict in verdicts], np.int8),
            one,
            looks=self._judge.confirm_looks,
            over_s=self._judge.confirm_s,
            within_s=0.0,
        ).tolist()
        return found

    def _answer(self, url: str, host: str, now: datetime) -> tuple[State, EndCause | None, Attribution | None]:
        obstacles, addresses = self._obstacles, self._truth.hosts[host].at(now)
        hour = (now - self._truth.world.start) / _HOUR
        place = self._truth.places[host].at(now)
        answer = attribution_of(place, addresses, self._truth.world.start) if place and addresses else None
        blind = place == obstacles.blind and hour >= obstacles.blind_from_hour
        out = bool(obstacles.outages) and any(begin <= hour < end for begin, end in obstacles.outages)
        if blind or out or self._rng.random() < obstacles.missed:
            return "unknown", None, answer
        if addresses is None:
            return "down", "name", None
        page = self._truth.pages[url].at(now)
        if page == "up":
            return "up", None, answer
        cause = "moved" if page is None or page == "moved" else _PAGES[page]
        if cause == "removed" and self.name_goes(host, place):
            return "down", "name", answer
        return "down", cause, answer

    def _wait(self, streak: int, age: timedelta) -> timedelta:
        """Confirm a loss soon, then look slowly.

        Backing off looks more rarely at old URLs.
        """
        if 0 < streak < self._judge.confirm_looks:
            return 1.1 * _HOUR
        if streak:
            return 6 * _HOUR
        if self._obstacles.plan == "backing off" and age > timedelta(hours=12):
            return _HOUR * min(6.0, self._obstacles.every_hours * (age / timedelta(hours=12)))
        return _HOUR * self._obstacles.every_hours


def verdict_of(url_id: str, now: datetime, state: State, cause: EndCause | None) -> Verdict:
    """A verdict that is the truth of its time."""
    return Verdict(
        observation_id="",
        url_id=url_id,
        observed_at=now,
        ruleset="simulated",
        rule="truth",
        outcome=state,
        state=state,
        cause=cause,
        layer="",
    )


@lru_cache(maxsize=4096)
def attribution_of(hoster: str, addresses: tuple[str, ...], day: datetime) -> Attribution:
    """An attribution to one hoster, whatever the table."""
    return Attribution(
        addresses=addresses,
        suffix_id=None,
        day=day,
        origins=(),
        organisations=(),
        countries=(),
        hosters=(hoster,),
        proxy=False,
        rule="truth",
        routes_date=None,
        stale=False,
        address_hosters=(hoster,) * len(addresses),
    )
