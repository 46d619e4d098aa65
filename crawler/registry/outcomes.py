"""What becomes of each answer: a fact, one more try, another registry, or the end of asking."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from attribution.lookups.rdap.answers import Registered
from attribution.lookups.rdap.bootstrap import Bootstrap
from attribution.lookups.rdap.plan import Answered
from attribution.lookups.rdap.whois import ask_whois
from crawler.registry.clock import Clock
from crawler.registry.facts import Recorded, renewed, said, unsaid
from crawler.registry.hierarchy import Climb, encloses
from crawler.registry.pace import LONGEST_PATIENCE, backoff
from crawler.registry.queue import GIVE_UP, Queue, RdapTask
from crawler.registry.response import Found, Moved, Permanent, RdapResponse, Retry, Unchanged, meaning
from waterbed.model.facts import Registration, RegistrationStatus
from waterbed.store.settings import Registry

_MOST_MOVES = 3
_WORTH_WHOIS: frozenset[RegistrationStatus] = frozenset({"unreachable", "timeout", "bad_answer", "server_error"})


class Outcomes:
    """Takes in answers; whatever comes, each piece of work ends in a fact or waits at a desk."""

    def __init__(
        self,
        *,
        settings: Registry,
        bootstrap: Bootstrap,
        answered: Answered,
        desk_of: Callable[[str], Queue],
        recorded: Recorded,
        clock: Clock,
        chance: random.Random,
        done: Callable[[], None],
        whois: bool,
    ) -> None:
        """Take what a crawl holds; `done` is called for each address or AS that came to its end."""
        self._settings, self._bootstrap, self._answered = settings, bootstrap, answered
        self._desk_of, self._recorded, self._clock, self._chance = desk_of, recorded, clock, chance
        self._done, self._may_whois = done, whois
        self._climb = Climb(bootstrap, answered, settings.most_levels)

    def is_covered(self, desk: Queue, work: RdapTask) -> bool:
        """Whether another answer covers by now what is to be asked for; then it is done."""
        if work.level or not self._answered.covers(work.ask.asked):
            return False
        desk.covered += 1
        self._done()
        return True

    def known(self, work: RdapTask) -> Registration | None:
        """The last answer to this very question, with whose ETag may be asked whether it still holds."""
        known = work.ask.known
        return known if known and not work.level and not work.trail and known.registry == work.registry else None

    async def take_in(self, desk: Queue, work: RdapTask, heard: RdapResponse) -> None:
        """Do what an answer asks for."""
        now = self._clock.now()
        found = meaning(heard, work.ask.kind, work.registry, work.url, now)
        match found:
            case Found():
                desk.well()
                self._take_found(desk, work, found, now)
            case Unchanged():
                known = self.known(work)
                if known is None:
                    await self._give_up(desk, work, "bad_answer", "unchanged, but nothing was known", now)
                    return
                desk.well()
                self._keep(desk, work, renewed(known, now), now)
            case Moved():
                await self._take_moved(desk, work, found, now)
            case Retry():
                await self._take_again(desk, work, found, now)
            case Permanent():
                await self._give_up(desk, work, found.status, found.reason, now)
                if found.status == "not_found":
                    desk.well()
                elif desk.badly():
                    reason = f"given up after {GIVE_UP} failures in a row: {found.reason}"
                    await self._close(desk, found.status, reason, now)

    def _take_found(self, desk: Queue, work: RdapTask, found: Found, now: datetime) -> None:
        registered = found.registered
        if not encloses(registered, work):
            reason = "it does not enclose what was asked" if not work.level else "it is not above the other"
            self._end(desk, work, unsaid(work.ask, work.level, work.registry, "bad_answer", reason, now))
        elif self._climb.is_nobodys(work, registered):
            if not work.level:
                reason = "only the registry's own block"
                self._end(desk, work, unsaid(work.ask, 0, work.registry, "not_found", reason, now))
        else:
            self._keep(
                desk, work, said(work.ask, work.level, work.registry, registered, found.etag, now), now, registered
            )

    def _keep(
        self, desk: Queue, work: RdapTask, fact: Registration, now: datetime, registered: Registered | None = None
    ) -> None:
        """Record a good answer, and go on to the network above it."""
        self._end(desk, work, fact, registered.abuse if registered else None)
        self._answered.add(fact)
        if registered is None:
            registered = self._climb.as_registered(fact)
        above = self._climb.above(work, registered)
        if above is not None:
            up = self._desk_of(above.registry)
            if up.closed:
                self._end(up, above, unsaid(above.ask, above.level, above.registry, *up.closed, now))
            else:
                up.put(above)

    def _end(self, desk: Queue, work: RdapTask, fact: Registration, abuse: str | None = None) -> None:
        """Record the outcome of one piece of work."""
        self._recorded.put(fact, abuse)
        if fact.status != "ok":
            desk.failed[f"{fact.status}: {fact.reason}"] += 1
        elif not work.level:
            desk.answered += 1
        if not work.level:
            self._done()

    async def _take_moved(self, desk: Queue, work: RdapTask, found: Moved, now: datetime) -> None:
        there = self._bootstrap.of_url(found.url)
        if there is None:
            await self._give_up(desk, work, "bad_answer", "redirect to no known registry", now)
        elif len(work.trail) >= _MOST_MOVES or there[1] in (*work.trail, work.url):
            await self._give_up(desk, work, "bad_answer", "redirects without end", now)
        else:
            other = self._desk_of(there[0])
            if other.closed:
                await self._give_up(desk, work, *other.closed, now)
                return
            if not work.level and other is not desk:
                desk.asked, other.asked = desk.asked - 1, other.asked + 1
            other.put(work.moved(*there))

    async def _take_again(self, desk: Queue, work: RdapTask, found: Retry, now: datetime) -> None:
        tried = work.once_more()
        patient = not found.enough or desk.pace.leave_alone(now, found.wait, self._chance)
        if not patient:
            hours = LONGEST_PATIENCE.total_seconds() / 3600
            await self._close(desk, "limited", f"it asked to wait longer than {hours:g} h", now, work)
        elif tried.tries < self._settings.tries:
            desk.put_back(tried, now if found.enough else now + backoff(tried.tries, self._chance))
        else:
            await self._give_up(desk, tried, found.status, found.reason, now)
        if desk.badly():
            await self._close(desk, found.status, f"given up after {GIVE_UP} failures in a row: {found.reason}", now)

    async def _give_up(
        self, desk: Queue, work: RdapTask, status: RegistrationStatus, reason: str, now: datetime
    ) -> None:
        """A network without registration, with its dated reason; WHOIS is asked first where the settings allow it."""
        if self._may_whois and not work.level and work.ask.kind == "network" and status in _WORTH_WHOIS:
            found = await self._whois(desk, work)
            if found is not None:
                now = self._clock.now()
                fact = said(work.ask, 0, work.registry, found, None, now, source="ipwhois")
                self._end(desk, work, fact)
                self._answered.add(fact)
                return
        self._end(desk, work, unsaid(work.ask, work.level, work.registry, status, reason, now))

    async def _whois(self, desk: Queue, work: RdapTask) -> Registered | None:
        server = self._bootstrap.whois_of(work.registry)
        if server is None:
            return None
        await self._clock.sleep_until(desk.pace.next_at(self._clock.now()))
        desk.requests += 1
        try:
            return await asyncio.to_thread(
                ask_whois, work.ask.asked, work.registry, server=server, timeout_s=self._settings.timeout_s
            )
        finally:
            desk.pace.answered(self._clock.now())

    async def _close(
        self, desk: Queue, status: RegistrationStatus, reason: str, now: datetime, work: RdapTask | None = None
    ) -> None:
        """Ask a registry no more in this crawl: what waits there ends with the reason."""
        desk.closed = (status, reason)
        for one in [*([work] if work else []), *desk.take_all()]:
            if not self.is_covered(desk, one):
                self._end(desk, one, unsaid(one.ask, one.level, one.registry, status, reason, now))
