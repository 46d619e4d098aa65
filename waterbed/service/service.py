"""The service: continuous passes until it is stopped."""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import uvloop

from waterbed.attribution.lookups.dns.resolver import resolver_answers
from waterbed.crawler.crew import Channel, Message
from waterbed.crawler.logs import place_of
from waterbed.crawler.probe.prober import HostFacts
from waterbed.crawler.recheck.run import STOPPED, recheck
from waterbed.crawler.recheck.session import Continuous, Session, Stop
from waterbed.crawler.signals import stopped_by_channel, stopped_by_signals
from waterbed.model.errors import InputError, LeaseLost, StoreFailure, StoreGone, WaterbedError
from waterbed.service.chores import REFRESH, Chores
from waterbed.service.helpers import Helpers
from waterbed.service.metrics import Gauges, Looked, State, Why, looked
from waterbed.service.systemd import notify
from waterbed.store.backlog import schedule_lag
from waterbed.store.folder import Folder, unasked
from waterbed.store.leases import machine_s, skew_s
from waterbed.study.condition import condition

if TYPE_CHECKING:
    from waterbed.service.endpoint import Endpoint

_TICK_S = 1.0
_JUMP_S = 60.0
"""After a step of the clock by more than this the service waits, seconds."""
_STEADY_S = 5.0
"""Time for which a clock that was set must be steady, seconds."""
_CHORES_S = 30.0
_log = logging.getLogger("waterbed.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReport:
    """The counts of a service that has ended."""

    passes: int
    looks: int
    seconds: float
    waited_for: Stop | None = None
    """Why the last pass stopped, unless a signal stopped it."""


class Service:
    """Keeps one study on schedule.

    Several services may share a study, on one machine or several.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        seconds: float | None = None,
        helpers: Helpers | None = None,
        channel: Channel | None = None,
    ) -> None:
        """Take a study, whose store need not have been asked yet, and the seconds to run, None: endless.

        `helpers` make passes too. A service with a `channel` is a helper: it makes passes and nothing else.
        """
        self._helpers, self._channel = helpers, channel
        self._beside: dict[int, int] = {}
        self._folder, self._seconds = folder, seconds
        self._config = folder.config.service
        self.state = State()
        self.gauges = Gauges(self.state)
        own = (*self._config.chores, *([] if channel else [REFRESH]))
        self._chores = Chores(folder, own, self.gauges.chore)
        self._session: Session | None = None
        self._undecided = Counter[str]()
        self._tries = 0
        self._stopped: Stop | None = None
        self._jumped = False
        self._reached = asyncio.Event()
        self._rng = random.Random()  # noqa: S311 (spreads tries, nothing secret)

    async def keep(self, began: Callable[["Endpoint | None"], None] | None = None) -> ServiceReport:
        """Run until a signal, `stop`, or the given time.

        A store that fails is waited for, at the beginning too; InputError if it is not the study's. `began` is called
        with the endpoint.
        """
        self._ended, self._gone = asyncio.Event(), asyncio.Event()
        endpoint = None if self._channel else self._endpoint()
        kept = (self._tick,) if self._channel else (self._tick, self._report_health, self._do_chores)
        beats = [asyncio.create_task(beat()) for beat in kept]
        if self._helpers:
            asyncio.get_running_loop().add_reader(self._helpers, self._hear)
        with stopped_by_channel(self._channel, self.stop) if self._channel else stopped_by_signals(self.stop):
            try:
                if began:
                    began(endpoint)
                self._notify("READY=1")
                _log.info("begun", extra={"chores": len(self._config.chores)})
                await self._reach_store()
                while not self._ended.is_set():
                    await self._one_pass()
                await self._helpers_ended()
            finally:
                await self._chores.stop(self._config.stop_s)
                for beat in beats:
                    beat.cancel()
                await asyncio.gather(*beats, return_exceptions=True)
                if endpoint:
                    endpoint.close()
        report = ServiceReport(
            passes=self.state.passes,
            looks=self.state.looks,
            seconds=monotonic() - self.state.began,
            waited_for=self._stopped,
        )
        _log.info("ended", extra={"passes": report.passes, "looks": report.looks})
        return report

    def stop(self) -> None:
        """End in order.

        No new check begins; checks in flight get `service.stop_s` seconds, then their leases are given back.
        """
        if self._ended.is_set():
            return
        self._ended.set()
        self.state.enter("stopping")
        self._notify("STOPPING=1")
        if self._helpers:
            self._helpers.stop()
        _log.info("stopping", extra={"in_flight": self._session.load.in_flight if self._session else 0})
        if self._session:
            self._session.stop("signal")
            asyncio.get_running_loop().call_later(self._config.stop_s, self._session.abandon)

    async def _reach_store(self) -> None:
        while not (self._reached.is_set() or self._ended.is_set()):
            try:
                await asyncio.to_thread(self._folder.check_store)
                self._reached.set()
            except StoreFailure as problem:
                await self._wait("store", str(problem))

    async def _one_pass(self) -> None:
        left = self._config.pass_s
        if self._seconds is not None:
            left = min(left, max(0.0, self._seconds - (monotonic() - self.state.began)))
            if not left:
                self.stop()
                return
        outcome, meaning = "failed", ""
        why: Why = ""
        try:
            continuous = Continuous(seconds=left, on_begin=self._began, on_record=self._recorded)
            report = await recheck(self._folder, continuous=continuous)
            outcome = report.stopped or "finished"
            if report.stopped != "signal":
                why, self._stopped = report.stopped or "", report.stopped
                meaning = STOPPED[report.stopped] if report.stopped else ""
        except Exception as problem:
            why, self._stopped = _cause(problem), None
            meaning = str(problem) if isinstance(problem, WaterbedError) else ""
            _log.warning("a pass failed", extra={"why": why, "place": place_of(problem)})
        finally:
            self._session = None
            self.state.in_flight = 0
        self._passed(outcome)
        if self._ended.is_set():
            return
        if self._jumped:
            await self._let_settle()
        elif why:
            await self._wait(why, meaning)
        else:
            self._tries = 0

    def _began(self, session: Session) -> None:
        self._session, self._undecided = session, Counter()
        self.state.enter("looking")
        if self._ended.is_set():
            session.stop("signal")

    def _recorded(self, batch: Sequence[HostFacts]) -> None:
        self._tries, self._stopped = 0, None
        undecided = Counter(self._session.unknown) if self._session else Counter()
        self._count(looked(batch), undecided - self._undecided)
        self._undecided = undecided

    def _count(self, looks: Sequence[Looked], unknown: Mapping[str, int]) -> None:
        self.state.count_looks(len(looks))
        if self._channel:
            self._channel.tell({"looks": looks, "unknown": unknown})
        else:
            self.gauges.recorded(looks)
            self.gauges.undecided(unknown)

    def _hear(self) -> None:
        """Add up what helpers tell."""
        if self._helpers:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._helpers)  # at the end of the line it is closed
            self._helpers.hear(self._told)
            if self._helpers.busy:
                loop.add_reader(self._helpers, self._hear)
            else:
                self._gone.set()

    def _told(self, number: int, message: Message) -> None:
        if number and "in_flight" in message:
            self._beside[number] = message["in_flight"]
        elif "looks" in message:
            self._count(message["looks"], message["unknown"])
        elif "passed" in message:
            self._passed(message["passed"])
        else:  # its end, or the keeper's
            self._beside.pop(number, None)
            why = message.get("died") or message.get("own") or message.get("input")
            if why:
                _log.warning("a worker ended before its time", extra={"worker": number, "why": why})
            if not number:
                self._beside.clear()

    async def _helpers_ended(self) -> None:
        if self._helpers and self._helpers.busy:
            await self._gone.wait()

    def _passed(self, outcome: str) -> None:
        self.state.passes += 1
        self.gauges.passed(outcome)
        if self._channel:
            self._channel.tell({"passed": outcome})

    def _notify(self, state: str) -> None:
        if not self._channel:
            notify(state)

    async def _wait(self, why: Why, meaning: str) -> None:
        """Wait before the next try, twice as long each time, up to `service.longest_wait_s`.

        The log says what it means the first time.
        """
        longest = self._config.longest_wait_s
        seconds = min(longest, 2.0 ** min(self._tries, 16)) * self._rng.uniform(0.8, 1.0)
        self._tries += 1
        self.state.enter("waiting", why)
        self.gauges.waited(why)
        meant = {"meaning": meaning} if meaning and self._tries == 1 else {}
        _log.warning("waiting", extra={"why": why, "seconds": seconds, "tries": self._tries, **meant})
        await self._pause(seconds)

    async def _let_settle(self) -> None:
        self._jumped = False
        self.state.enter("waiting", "clock")
        self.gauges.waited("clock")
        await self._pause(_STEADY_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return

    async def _tick(self) -> None:
        """Each second: record that the loop runs, detect steps of the clock, end when the time is over."""
        apart = time.time() - machine_s()
        while True:
            await asyncio.sleep(_TICK_S)
            state = self.state
            state.beat = monotonic()
            own = self._session.load.in_flight if self._session else 0
            state.in_flight, state.workers = own + sum(self._beside.values()), 1 + len(self._beside)
            if self._channel:
                self._channel.tell({"in_flight": own})
            now_apart = time.time() - machine_s()
            jumped, apart = now_apart - apart, now_apart
            if abs(jumped) > _JUMP_S:
                self._clock_was_set(jumped)
            if self._seconds is not None and monotonic() - state.began >= self._seconds:
                self.stop()

    def _clock_was_set(self, seconds: float) -> None:
        """Give checks in flight back, as their times are wrong; they are repeated."""
        self._jumped = True
        _log.warning("the clock was set", extra={"seconds": seconds})
        if self._session:
            self._session.abandon()

    async def _report_health(self) -> None:
        """Log health at once and each `service.health_every_s`, and feed systemd's watchdog."""
        while True:
            try:
                self.state.resolver_answers = await self._resolver_answers()
                if self._reached.is_set():
                    self.gauges.succeeded(await asyncio.to_thread(self._chores.successes))
                    self.state.lag = await asyncio.to_thread(schedule_lag, self._folder)
                    self.state.clock_skew_s = await asyncio.to_thread(skew_s, self._folder.store)
                    self.state.study = await asyncio.to_thread(condition, self._folder, self.state.lag)
            except StoreGone:
                pass  # the pass says so, and waits for it
            except Exception as problem:
                _log.warning("the lag cannot be measured", extra={"why": _cause(problem), "place": place_of(problem)})
            notify("WATCHDOG=1")
            _log.info("health", extra=self.state.as_dict())
            await asyncio.sleep(self._config.health_every_s)

    async def _resolver_answers(self) -> bool:
        names, lab = self._folder.config.names, self._folder.lab
        return await resolver_answers(lab.resolver if lab else names.resolver, timeout_s=names.timeout_s, tries=1)

    async def _do_chores(self) -> None:
        await self._reached.wait()
        while not self._ended.is_set():
            try:
                with suppress(StoreFailure):  # a pass says so
                    await self._chores.run_due()
            except Exception as problem:
                _log.warning("a chore could not be run", extra={"place": place_of(problem)})
            await self._pause(_CHORES_S)

    def _endpoint(self) -> "Endpoint | None":
        """Open the endpoint of /health and /metrics; None if it is not configured or the port is taken."""
        if not self._config.listen:
            return None
        from waterbed.service.endpoint import Endpoint  # noqa: PLC0415 (a worker without the extra serves no page)

        try:
            return Endpoint(self._config, self.state, self.gauges.text)
        except OSError as problem:
            _log.warning(
                "no health endpoint: nothing can listen there, which another run may do; see service.listen "
                "(docs/service.md, Health)",
                extra={"listen": self._config.listen, "why": os.strerror(problem.errno or 0)},
            )
            return None


def help_out(study: Path, channel: Channel, seconds: float | None) -> Message:
    """Make passes beside a service, which alone reports health."""
    for log in (_log, logging.getLogger("waterbed.store")):
        log.setLevel(logging.ERROR)
    with closing(unasked(study)) as folder:
        uvloop.run(Service(folder, seconds=seconds, channel=channel).keep())
    return {}


def _cause(problem: BaseException) -> Why:
    if isinstance(problem, StoreFailure):
        return "store"
    if isinstance(problem, LeaseLost):
        return "lease"
    return "input" if isinstance(problem, InputError) else "own"
