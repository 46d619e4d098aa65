"""Simulates the crawler's facts of a world without a network.

Time is virtual.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from waterbed.lab.servers.zones import Names, name_servers_of
from waterbed.lab.simulate.single_facts import PLACE, RUN, SECOND, keyed, look_of, report_of, target_of, url_id_of
from waterbed.lab.world.file import BEYOND, World
from waterbed.lab.world.records import TrueReport, Truth
from waterbed.model.facts import CanaryLook, ControlLook, NameStatus, Observation, Report, Resolution, Target
from waterbed.model.urls import canonicalize, platform_suffix, registrable_domain

_HOUR = timedelta(hours=1)
_OFTEN = 48 * _HOUR
"""For so long after a report a URL is looked at often."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_CANARY = timedelta(minutes=10)
"""Between two looks at our own network; a look is believed within five minutes of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """Times of looks in a virtual study, and obstacles."""

    every_hours: float = 1.0
    late_hours: float = 6.0
    """Between two looks at what is gone, or was not reported within two days."""
    missed: float = 0.0
    """Share of looks that tell nothing."""
    late: float = 0.0
    """Share of reports that come up to a day after they were made."""
    outages: tuple[tuple[float, float], ...] = ()
    """Hours since the start in which nothing can be seen."""
    control_hours: float | None = None
    """A control look serves a host for so long; None: for the whole study."""

    @property
    def slowest(self) -> timedelta:
        """The longest time between two looks at what is up."""
        return timedelta(hours=max(self.every_hours, self.late_hours))


@dataclass(slots=True, kw_only=True, repr=False)
class VirtualFacts:
    """The facts of one virtual study; no URL, no host."""

    targets: dict[str, Target] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    looks: list[Observation] = field(default_factory=list)
    resolutions: dict[str, Resolution] = field(default_factory=dict)
    controls: dict[str, ControlLook] = field(default_factory=dict)
    canaries: list[CanaryLook] = field(default_factory=list)


_name_id = lru_cache(maxsize=2**16)(keyed)
"""The same of names, which come again."""


def virtual_facts(truth: Truth, plan: LookPlan, rng: random.Random) -> VirtualFacts:
    """Return the facts that a study would have recorded.

    The same `rng` state gives the same facts.
    """
    (found,) = facts_in_stretches(truth, plan, rng, truth.world.end - truth.world.start)
    return found


def facts_in_stretches(truth: Truth, plan: LookPlan, rng: random.Random, stretch: timedelta) -> Iterator[VirtualFacts]:
    """Yield the facts of each stretch of time, in order.

    Memory is that of one stretch; what comes after the world's end is in the last. A stretch has a whole number of
    the plan's `control_hours`. The same `rng` state and stretch give the same facts.
    """
    recorder, start = _Recorder(truth, plan, rng), truth.world.start
    while start < truth.world.end:
        is_last = start + stretch >= truth.world.end
        yield recorder.recorded(start, _NEVER if is_last else start + stretch)
        start += stretch


@dataclass(slots=True, kw_only=True, repr=False)
class _Watched:
    """A URL that is looked at, and when next."""

    url_id: str
    url: str
    received: datetime
    reports: list[Report]
    again: list[datetime]
    """When it is reported again, the next time last."""
    anchor: datetime
    """From when on it is looked at often."""
    now: datetime
    gone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The response of a resolver while a name stays as it is."""

    host_id: str
    status: NameStatus
    addresses: tuple[str, ...]
    name_server_ids: tuple[str, ...]
    tags: tuple[str, ...]


class _Recorder:
    """Walks through each reported URL's looks, up to a time and on."""

    def __init__(self, truth: Truth, plan: LookPlan, rng: random.Random) -> None:
        self._truth, self._plan, self._rng = truth, plan, rng
        self._world: World = truth.world
        self._names = Names(truth)
        self._hosters = {hoster.key: hoster for hoster in truth.world.hoster}
        self._facts = VirtualFacts()
        self._controls: dict[str, ControlLook] = {}
        self._answers: dict[tuple[str, str, tuple[str, ...] | None, str], _Answer] = {}
        self._watched: list[_Watched] | None = None
        self._looked = 0

    def recorded(self, start: datetime, end: datetime) -> VirtualFacts:
        """Return what is recorded from a time up to another."""
        self._facts = VirtualFacts()
        if self._plan.control_hours is not None:
            self._controls = {}
        for one in self._urls() if self._watched is None else self._watched:
            while one.reports and one.reports[0].received_at < end:
                self._facts.reports.append(one.reports.pop(0))
            if start <= one.received < end:
                self._facts.targets[one.url_id] = target_of(one.url_id, one.url, one.received)
            self._look(one, min(end, self._world.end))
        self._facts.canaries = list(self._canaries(start, end))
        return self._facts

    def _urls(self) -> Iterator[_Watched]:
        reports: dict[str, list[TrueReport]] = {}
        for report in self._truth.reports:
            reports.setdefault(report.url, []).append(report)
        self._watched = []
        for url_id, url in sorted((url_id_of(url), url) for url in reports):
            came = self._reported(url_id, reports[url])
            first, *again = [one.received_at for one in came]
            self._watched.append(
                _Watched(
                    url_id=url_id, url=url, received=first, reports=came, again=again[::-1], anchor=first, now=first
                )
            )
            yield self._watched[-1]

    def _reported(self, url_id: str, reports: list[TrueReport]) -> list[Report]:
        """A URL's reports, in the order in which they were received."""
        came = []
        for report in sorted(reports, key=lambda one: one.reported_at):
            is_late = self._rng.random() < self._plan.late
            received = report.reported_at + self._rng.uniform(0.0, 24.0 if is_late else 0.5) * _HOUR
            came.append(report_of(url_id, report, received))
        return sorted(came, key=lambda one: one.received_at)

    def _look(self, one: _Watched, end: datetime) -> None:
        while one.now < end:
            look = self._seen(one.url_id, one.url, one.now)
            self._facts.looks.append(look)
            if look.redirect:  # a crawler checks from its other vantage points what is not up
                again = replace(look, observation_id=f"{look.observation_id}2", vantage=SECOND, network=SECOND)
                self._facts.looks.append(again)
            absent = look.status in (301, 404, 410) or look.failure == "nxdomain" or bool(look.marks)
            one.gone = one.gone + 1 if absent else 0 if look.status == 200 else one.gone
            one.now += self._wait(one.gone, one.now - one.anchor) * (1 + 0.1 * self._rng.uniform(-1, 1))
            if one.again and one.again[-1] <= one.now:
                self._report_again(one)

    def _report_again(self, one: _Watched) -> None:
        """A look is due at once, and frequent looks begin anew where they had ended."""
        one.now = one.again.pop()
        if one.now - one.anchor > _OFTEN:
            one.anchor = one.now

    def _wait(self, gone: int, age: timedelta) -> timedelta:
        if 0 < gone < 3:
            return 1.1 * _HOUR
        return _HOUR * (self._plan.late_hours if gone or age > _OFTEN else self._plan.every_hours)

    def _seen(self, url_id: str, url: str, now: datetime) -> Observation:
        host = self._truth.shown[url].host
        self._looked += 1
        resolution = self._resolved(host, now)
        out = self._is_out(now)
        if out or resolution.status != "ok":
            failure = "timeout" if out else resolution.status
            return look_of(url_id, now, resolution, phase="dns", failure=failure)
        if self._rng.random() < self._plan.missed:
            return look_of(url_id, now, resolution, status=503)
        page = self._truth.pages[url].at(now)
        control = self._control(host, moved=page == "moved", now=now)
        if page == "moved":
            return self._led(url_id, url, now, resolution, control)
        marks = ("parked",) if "parking" in resolution.tags else ("suspended",) if page == "suspended" else ()
        status = {"404": 404, "410": 410, None: 404}.get(page, 200)
        return look_of(url_id, now, resolution, status=status, control=control, marks=marks)

    def _led(self, url_id: str, url: str, now: datetime, resolution: Resolution, control: ControlLook) -> Observation:
        """Record a URL whose site permanently redirects elsewhere."""
        new = self._truth.moved_urls.get(url)
        site = registrable_domain(canonicalize(self._truth.moved[self._truth.shown[url].host]).host)
        return look_of(
            url_id,
            now,
            resolution,
            status=301,
            control=control,
            led=(url_id_of(new) if new else None, keyed("site", site)),
        )

    def _resolved(self, host: str, now: datetime) -> Resolution:
        trouble, addresses = self._names.trouble(host, now), self._names.addresses(host, now)
        place = self._truth.places[host].at(now) or ""
        key = host, trouble, addresses, place
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._answer(*key)
        made = Resolution(
            resolution_id=f"{self._looked:024x}",
            host_id=answer.host_id,
            run_id=RUN,
            vantage=PLACE,
            status=answer.status,
            addresses=answer.addresses,
            cname_ids=(),
            ttl_s=60,
            ede=(),
            resolver="127.0.0.1:53",
            resolved_at=now,
            name_server_ids=answer.name_server_ids,
            tags=answer.tags,
        )
        self._facts.resolutions[made.resolution_id] = made
        return made

    def _answer(self, host: str, trouble: str, addresses: tuple[str, ...] | None, place: str) -> _Answer:
        status: NameStatus = "ok"
        if trouble == "servfail":
            status, addresses = "servfail", ()
        elif not addresses:
            status, addresses = ("nxdomain" if addresses is None else "nodata"), ()
        hoster = self._hosters.get(place)
        servers = name_servers_of(hoster) if hoster and status == "ok" and not platform_suffix(host) else ()
        return _Answer(
            host_id=keyed("host", host),
            status=status,
            addresses=tuple(sorted(addresses or ())),
            name_server_ids=tuple(sorted(keyed("host", name) for name in servers)),
            tags=(place,) if place in BEYOND and status == "ok" else (),
        )

    def _control(self, host: str, *, moved: bool, now: datetime) -> ControlLook:
        """Return the response to a random path.

        It is 404, or the site-wide redirect.
        """
        since = self._control_from(now)
        control_id = _name_id("control", f"{host} {moved}" + (f" {since.isoformat()}" if since else ""))
        if control_id in self._controls:
            return self._controls[control_id]
        site = registrable_domain(canonicalize(self._truth.moved[host]).host) if moved else ""
        made = ControlLook(
            control_id=control_id,
            host_id=keyed("host", host),
            run_id=RUN,
            vantage=PLACE,
            observed_at=since or now,
            failure=None,
            status=301 if moved else 404,
            media_type="text/html",
            content_length=None,
            etag_id=None,
            redirect="other" if moved else None,
            redirect_site_id=keyed("site", site) if moved else None,
        )
        self._controls[control_id] = self._facts.controls[control_id] = made
        return made

    def _control_from(self, now: datetime) -> datetime | None:
        """The start of the span in which one control look serves."""
        if self._plan.control_hours is None:
            return None
        span = timedelta(hours=self._plan.control_hours)
        return self._world.start + (now - self._world.start) // span * span

    def _canaries(self, start: datetime, end: datetime) -> Iterator[CanaryLook]:
        """Look at our own network from a time up to another, and at the world's end."""
        begin, last = self._world.start, round((self._world.end - self._world.start) / _CANARY)
        for number in range(-((begin - start) // _CANARY), last + 1):
            if begin + number * _CANARY >= end:
                return
            now = begin + number * _CANARY
            for place in (PLACE, SECOND) if self._truth.moved else (PLACE,):
                yield CanaryLook(
                    canary_id=keyed("canary", f"{number}" if place == PLACE else f"{number} {place}"),
                    run_id=RUN,
                    vantage=place,
                    observed_at=now,
                    targets=2,
                    reached=0 if self._is_out(now) else 2,
                )

    def _is_out(self, now: datetime) -> bool:
        """Whether nothing can be seen."""
        outages = self._plan.outages
        if not outages:
            return False
        hour = (now - self._world.start) / _HOUR
        return any(begin <= hour < end for begin, end in outages)
