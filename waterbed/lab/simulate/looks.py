"""Looks at a true world without a network: verdicts and who answered, in virtual time."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from graphs.episodes import Sighting, UrlHistory
from waterbed.judging.judge import confirmed_down
from waterbed.lab.simulate.draw import LATE_HOURS, NAME_ENDS, Hard
from waterbed.lab.world.records import TrueReport, Truth
from waterbed.model.conclusions import Attribution, EndCause, State, Verdict
from waterbed.store.settings import Judge

_HOUR = timedelta(hours=1)
_PAGES: Mapping[str, EndCause] = {"404": "removed", "410": "removed", "suspended": "removed", "parked": "name"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedUrl:
    """What a study has of one URL."""

    known: UrlHistory
    host: str
    sightings: Sequence[Sighting]


class Simulator:
    """Looks at the URLs of a true world as a plan says, and misses what the study is to miss."""

    def __init__(self, truth: Truth, hard: Hard, chance: random.Random) -> None:
        """Take the truth, what is in the way, and the source of chance."""
        self._truth = truth
        self._hard = hard
        self._chance = chance
        self._nameless: dict[str, bool] = {}
        self._judge = Judge()

    def all(self) -> Iterator[SimulatedUrl]:
        """Each reported URL, numbered in the order of first reports."""
        reports: dict[str, list[TrueReport]] = {}
        for report in self._truth.reports:
            reports.setdefault(report.url, []).append(report)
        for number, (url, told) in enumerate(reports.items()):
            yield self._look_at(f"{number}", url, told)

    def name_goes(self, host: str, hoster: str | None) -> bool:
        """Whether a site loses its name where another would be removed."""
        if hoster is None or hoster != self._hard.nameless:
            return False
        if host not in self._nameless:
            self._nameless[host] = self._chance.random() < NAME_ENDS
        return self._nameless[host]

    def _look_at(self, url_id: str, url: str, told: Sequence[TrueReport]) -> SimulatedUrl:
        shown = self._truth.shown[url]
        made = sorted(report.reported_at for report in told)
        is_late = self._chance.random() < self._hard.late
        late = self._chance.uniform(0.0, LATE_HOURS if is_late else 0.5)
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
            verdicts.append(_verdict(url_id, now, state, cause))
            answers.append(answer)
            wait = self._wait(0 if state == "unknown" else streak, now - reported)
            now += wait * (1 + 0.1 * self._chance.uniform(-1, 1))
        down = confirmed_down(verdicts, looks=self._judge.confirm_looks, over_s=self._judge.confirm_s)
        return [
            Sighting(verdict=verdict, down=is_down, attribution=answer)
            for verdict, is_down, answer in zip(verdicts, down, answers, strict=True)
        ]

    def _answer(self, url: str, host: str, now: datetime) -> tuple[State, EndCause | None, Attribution | None]:
        hard, addresses = self._hard, self._truth.hosts[host].at(now)
        hour = (now - self._truth.world.start) / _HOUR
        place = self._truth.places[host].at(now)
        answer = _attribution(place, addresses, self._truth.world.start) if place and addresses else None
        blind = place == hard.blind and hour >= hard.blind_from_hour
        out = bool(hard.outages) and any(begin <= hour < end for begin, end in hard.outages)
        if blind or out or self._chance.random() < hard.missed:
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
        """Confirm a loss soon, then look slowly; backing off looks more rarely at what is old."""
        if 0 < streak < self._judge.confirm_looks:
            return 1.1 * _HOUR
        if streak:
            return 6 * _HOUR
        if self._hard.plan == "backing off" and age > timedelta(hours=12):
            return _HOUR * min(6.0, self._hard.every_hours * (age / timedelta(hours=12)))
        return _HOUR * self._hard.every_hours


def _verdict(url_id: str, now: datetime, state: State, cause: EndCause | None) -> Verdict:
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
def _attribution(hoster: str, addresses: tuple[str, ...], day: datetime) -> Attribution:
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
