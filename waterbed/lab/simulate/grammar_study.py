"""Studies of drawn worlds as plain columns.

Times are hours since the study's start.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from waterbed.lab.simulate.grammar import WEEK_H, World
from waterbed.lab.simulate.grammar_checks import FRONT, GONE, LATER, YOUNG_H, Checks, Fates, checks_of, is_night
from waterbed.lab.simulate.grammar_process import (
    NEVER,
    NORM,
    Flags,
    Floats,
    Ints,
    draw_policies,
    queues_worked_off,
    states_of_desks,
)
from waterbed.lab.world.arrivals import site_sizes
from waterbed.lab.world.file import Sites
from waterbed.model.paces import RARE_SHARE, rarely

START: Final = datetime(2025, 4, 2, 7, 30, tzinfo=UTC)
NOBODY: Final = -1
"""In place of a number: nothing is known."""
FEWEST_URLS: Final = 10
"""Reported URLs of the smallest hoster."""
HIDING, CLOAKED, FAKED, AT_NIGHT = 1 / 3, 1 / 3, 1 / 2, 1 / 2
"""Parts of the hosters that hide, have a cloak, of which fakes are reported, or whose sites are away at night, in
worlds where any does; one at least."""
HIDDEN: Final = (0.0, 0.95)
"""Share of its URLs that a hiding hoster hides."""
FAKE: Final = (0.05, 0.6)
"""Share of fakes among the reports of such a hoster."""
NIGHTLY: Final = (0.3, 1.0)
"""Share of the URLs of such a hoster."""
VERIFIED: Final = (0.2, 0.9)
"""Share of the first source's reports that an analyst verified, where some are."""
VERIFYING_H: Final = 1.0
"""Most hours from a report until that."""
ASSESSING: Final = {"none": 0, "some": 1, "all": 2}
"""Sources whose analysts assess all reports, and date some sightings or all, the first ones."""
BACK_H: Final = (24.0, 120.0)
"""From a removal until the content is put back."""
MOVING_H: Final = (2.0, 48.0)
"""From a removal until the content is up elsewhere."""
MOVE_REPORTED: Final = 0.7
"""Part of such content that is reported there."""
MOVE_REPORTED_H: Final = (1.0, 24.0)
"""From then until that report."""
LAG_H: Final = {"minutes": (0.1, 0.5), "hours": (1.0, 6.0), "many hours": (6.0, 20.0), "files": (0.1, 0.5)}
"""Range of the median hours from a report until it comes here, by source; in files beside the wait for the file."""
LAG_SIGMA, MOST_LAG_H = 0.7, 72.0
QUEUED_H: Final = 0.25
"""Most hours from then until the first check."""
SITE_H: Final = 12.0
"""Hours in which the URLs of a site are reported."""
CUSTOMER_H: Final = 3.0
"""The same of a customer whose reports are one delivery."""
BURST_D, BURST_H = 5.0, 12.0
"""Days between bursts of reports on average, and the standard deviation of the times in one."""
SERVERS: Final = (4, 41)
"""Shared servers of a hoster."""
RANGE, BLOCK, SPACE = 8, 64, 1 << 16
"""Addresses of a /29, of a block registered for a customer, and of a hoster."""
_PLAIN, _LARGE = Sites(urls_per_site=(1, 3)), Sites(urls_per_site=(1, 30), tail=1.2)
_FILES_BEFORE: Final = 8
_ALWAYS: Final = np.iinfo(np.int64).max


class Columns:
    """Columns of one length."""

    def only(self, which: npt.NDArray[np.bool_]) -> Self:
        """Some of the rows."""
        return type(self)(**{one.name: getattr(self, one.name)[which] for one in fields(self)})  # type: ignore[arg-type]

    def and_then(self, later: Self) -> Self:
        """These rows, and others."""
        names = [one.name for one in fields(self)]  # type: ignore[arg-type]
        return type(self)(**{name: np.concatenate((getattr(self, name), getattr(later, name))) for name in names})


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Reported(Columns):
    """The reported URLs of a study, one entry for each."""

    site: Ints
    hoster: Ints
    customer: Ints
    content: Ints
    """The content id that the hotline gives it."""
    source: Ints
    delivery: Ints
    reported: Floats
    received: Floats
    checked: Floats
    """Time of the first check."""
    fake: Flags
    second: Ints
    """Another hoster that its name points to, NOBODY without one."""
    turns: Flags
    """Whether it points to both all the time."""
    leaves: Floats
    """From when on it points to the second alone."""
    removed: Floats
    back: Floats
    expected: Floats
    """The chance of a removal within WITHIN_H hours of the report, over repetitions of the process."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Labels(Columns):
    """Labels of each URL beside its site."""

    address: Ints
    """Place in the hoster's space."""
    second_address: Ints
    registration: Ints
    """Number of the block that is registered for a customer."""
    verified: Floats
    """When an analyst saw it up; nan: nobody did."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Study:
    """One study of a world, with its truth."""

    world: World
    url_id: list[str]
    reported: Reported
    labels: Labels
    checks: Checks
    hidden: Flags
    """The URLs that hide from us after some checks, or have a cloak."""
    regimes: list[Floats]
    """The times at which each hoster's regimes begin."""

    def columns(self) -> dict[str, Any]:
        """All that the study may know, for a file.

        Plain columns and numbers; times are microseconds since 1970, -1 where there is none.
        """
        given, checks, world = self.reported, self.checks, self.world
        names = ("site", "hoster", "second", "content", "source", "delivery")
        labels = ("address", "second_address", "registration")
        return {
            "start": int(moments(np.zeros(1))[0]),
            "hosters": world.hosters,
            "every_h": world.every_h,
            "later_h": min(LATER * world.every_h, 24.0),
            "young_h": YOUNG_H,
            "rare_share": RARE_SHARE,
            "norm": NORM,
            "url_id": np.array(self.url_id),
            **{name: getattr(given, name) for name in names},
            **{name: getattr(self.labels, name) for name in labels},
            **{name: moments(getattr(given, name)) for name in ("reported", "received")},
            "verified": moments(self.labels.verified),
            "assessed": (given.source < ASSESSING[world.verified]),
            "check_url": checks.url,
            "check_at": moments(checks.at),
            "check_seen": checks.seen,
            "check_second": checks.second,
        }


def moments(hours: Floats) -> Ints:
    """Microseconds since 1970; -1 for nan."""
    begin = (START - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    told = np.isfinite(hours)
    found: Ints = np.where(told, begin + np.round(np.where(told, hours, 0.0) * 3.6e9).astype(np.int64), -1)
    return found


def draw_study(world: World, rng: np.random.Generator) -> Study:
    """Draw one study of a world."""
    return _Draw(world, rng).study()


class _Draw:
    """Draws one study."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng
        self.window_h = 24.0 * world.days
        self.end_h = self.window_h + world.tail_h
        self.policies = draw_policies(world, rng)
        self.desks = states_of_desks(self.policies, self.end_h, rng)
        self.queues = queues_worked_off(self.policies, self.end_h, rng)
        weeks = int(self.end_h // WEEK_H) + 1
        self.weekly = rng.random((world.hosters, weeks)), rng.standard_normal((world.hosters, weeks))
        self.faked = np.where(self._some(FAKED), rng.uniform(*FAKE, world.hosters), 0.0) * (world.fakes == "some")
        self.lags_h, self.phases_h = rng.uniform(*LAG_H[world.lag], 2), rng.uniform(0.0, 24.0, 2)

    def study(self) -> Study:
        """Draw it."""
        world, rng = self.world, self.rng
        made = self._first()
        if world.mover == "displaced":
            made = made.and_then(self._displaced(made))
        made = made.only(made.checked < self.end_h)
        n = made.site.size
        ids = [f"{number:08x}{place:016x}" for place, number in enumerate(rng.integers(0, 1 << 32, n).tolist())]
        fates = self._fates(made)
        rare = np.array([rarely(one, RARE_SHARE) for one in ids], bool)
        checks = checks_of(
            fates, made.checked, rare, every_h=world.every_h, missed=world.missed, end_h=self.end_h, rng=rng
        )
        return Study(
            world=world,
            url_id=ids,
            reported=made,
            labels=self._labels(made, fates),
            checks=checks,
            hidden=np.minimum(fates.truly, fates.truly_led) < _ALWAYS,
            regimes=self._regimes(),
        )

    def _some(self, part: float) -> Flags:
        """Some of the hosters, one at least."""
        chosen: Flags = self.rng.random(self.world.hosters) < part
        chosen[self.rng.integers(self.world.hosters)] = True
        return chosen

    def _regimes(self) -> list[Floats]:
        if self.world.dependence == "desk":
            return [np.append(0.0, changes[changes < self.end_h]) for changes, _ in self.desks]
        weeks = np.arange(0.0, self.end_h, WEEK_H) if self.world.dependence == "weekly" else np.zeros(0)
        return self.queues if self.world.dependence == "queue" else [weeks] * self.world.hosters

    def _first(self) -> Reported:
        """The sites that are reported first."""
        world, rng = self.world, self.rng
        layout = _LARGE if world.dependence == "sites" else _PLAIN
        hosters, sites, customers = list[Ints](), list[Ints](), list[Ints]()
        met_sites = met_customers = 0
        for number in range(world.hosters):
            n = max(FEWEST_URLS, round(world.clocks / (number + 1) ** world.zipf))
            site = np.repeat(np.arange(n), site_sizes(layout, rng.random(n)))[:n]
            several = max(2, round(world.customers * n / world.clocks))
            weights = np.arange(1.0, several + 1) ** -world.customer_tail
            customer = rng.choice(several, n, p=weights / weights.sum())[site]
            hosters.append(np.full(n, number))
            sites.append(met_sites + site)
            customers.append(met_customers + customer)
            met_sites, met_customers = met_sites + n, met_customers + several
        hoster, site, customer = np.concatenate(hosters), np.concatenate(sites), np.concatenate(customers)
        content = np.full(site.size, NOBODY)
        if world.label == "content" or world.mover == "displaced":
            content = customer if world.label == "content" else site
        reported = self._times(site, customer)
        fake = rng.random(site.size) < self.faked[hoster]
        return self._happened(site, hoster, customer, content, reported, fake)

    def _times(self, site: Ints, customer: Ints) -> Floats:
        """When each URL is reported: sites one by one, in bursts, or each customer's at once."""
        world, rng = self.world, self.rng
        group, spread = (customer, CUSTOMER_H) if world.label == "delivery" else (site, SITE_H)
        begun = rng.uniform(0.0, self.window_h, int(group.max()) + 1)
        if world.arrivals == "bursts" and world.label != "delivery":
            bursts = rng.uniform(0.0, self.window_h, max(2, round(world.days / BURST_D)))
            begun = rng.choice(bursts, begun.size) + BURST_H * rng.standard_normal(begun.size)
        return np.clip(begun[group] + rng.uniform(0.0, spread, site.size), 0.0, self.window_h)

    def _displaced(self, first: Reported) -> Reported:
        """What is reported elsewhere after removals, under names of their own."""
        world, rng = self.world, self.rng
        n = first.site.size
        at = first.removed + rng.uniform(*MOVING_H, n) + rng.uniform(*MOVE_REPORTED_H, n)
        moves = (rng.random(n) < world.moves * MOVE_REPORTED) & (at < self.window_h)
        old = first.only(moves)
        new = np.arange(old.site.size)
        return self._happened(
            int(first.site.max()) + 1 + new,
            self._others(old.hoster),
            int(first.customer.max()) + 1 + new,
            old.content,
            at[moves],
            np.zeros(new.size, bool),
        )

    def _others(self, hoster: Ints) -> Ints:
        found: Ints = (hoster + self.rng.integers(1, self.world.hosters, hoster.size)) % self.world.hosters
        return found

    def _happened(
        self, site: Ints, hoster: Ints, customer: Ints, content: Ints, reported: Floats, fake: Flags
    ) -> Reported:
        """Draw how reports come here, and the fate of what they report."""
        world, rng = self.world, self.rng
        n = site.size
        source = rng.integers(0, world.sources, int(site.max(initial=0)) + 1)[site]
        delivery, received = self._arrived(customer, source, reported)
        checked = received + rng.uniform(0.0, QUEUED_H, n)
        second, turns, leaves = np.full(n, NOBODY), np.zeros(n, bool), np.full(n, NEVER)
        if world.mover == "round robin":
            turns = (rng.random(int(site.max()) + 1) < world.moves)[site] & ~fake
            second = np.where(turns, self._others(hoster), NOBODY)
        height = self.policies.heights(hoster, reported) * np.where(source > 0, world.second_category, 1.0)
        removed = self._removed(site, hoster, customer, reported, height)
        if world.mover == "rotation":
            leaves = checked + rng.exponential(24.0 * world.moves, n)
            leaves = np.where((leaves < removed) & ~fake, leaves, NEVER)
            second = np.where(np.isfinite(leaves), self._others(hoster), NOBODY)
        expected = np.where(fake, 0.0, self.policies.chances(hoster, checked - reported) * height)
        removed = np.where(fake | (leaves < removed), NEVER, removed)
        back = removed + rng.uniform(*BACK_H, n)
        return Reported(
            site=site,
            hoster=hoster,
            customer=customer,
            content=content,
            source=source,
            delivery=delivery,
            reported=reported,
            received=received,
            checked=checked,
            fake=fake,
            second=second,
            turns=turns,
            leaves=leaves,
            removed=removed,
            back=np.where(rng.random(n) < world.put_back, back, NEVER),
            expected=expected,
        )

    def _arrived(self, customer: Ints, source: Ints, reported: Floats) -> tuple[Ints, Floats]:
        """The delivery that each report comes with, NOBODY alone, and when."""
        world, rng = self.world, self.rng
        n = reported.size
        lag = self.lags_h[source] * np.exp(LAG_SIGMA * rng.standard_normal(n))
        at = reported + np.minimum(lag, MOST_LAG_H)
        if world.label == "delivery":
            last = np.zeros(int(customer.max(initial=0)) + 1)
            np.maximum.at(last, customer, reported)
            return customer, last[customer] + self.lags_h[0]
        if not world.delivery_h:
            return np.full(n, NOBODY), at
        file = np.ceil((at - self.phases_h[source]) / world.delivery_h).astype(np.int64)
        # files of the second source have odd numbers; the first came before the study's start
        return 2 * (file + _FILES_BEFORE) + source, self.phases_h[source] + world.delivery_h * file

    def _removed(self, site: Ints, hoster: Ints, customer: Ints, reported: Floats, height: Floats) -> Floats:
        """When each report is acted on, if its owner stays; NEVER if it is not."""
        policies = self.policies
        uniform, normal = self._decided(site, hoster, customer, reported)
        removed = reported + policies.median_h[hoster] * np.exp(policies.sigma[hoster] * normal)
        for number, ((changes, on), queue) in enumerate(zip(self.desks, self.queues, strict=True)):
            own = np.flatnonzero(hoster == number)
            if changes.size:
                passed = np.searchsorted(changes, reported[own], side="right")
                waits = (passed % 2 == 1) == on
                removed[own] += np.where(waits, changes[passed] - reported[own], 0.0)
            if policies.queue_h[number]:
                removed[own] = np.append(queue, NEVER)[np.searchsorted(queue, removed[own])]
        return np.where(uniform < policies.acts[hoster] * height, removed, NEVER)

    def _decided(self, site: Ints, hoster: Ints, customer: Ints, reported: Floats) -> tuple[Floats, Floats]:
        """Whether each is acted on, 0..1, and how late, a normal number: one for all that is decided on as one."""
        world, rng = self.world, self.rng
        if world.dependence == "weekly":
            week = (reported // WEEK_H).astype(np.int64)
            return self.weekly[0][hoster, week], self.weekly[1][hoster, week]
        unit = {"sites": site, "customers": customer}.get(world.dependence, np.arange(site.size))
        units = int(unit.max(initial=0)) + 1
        return rng.random(units)[unit], rng.standard_normal(units)[unit]

    def _fates(self, made: Reported) -> Fates:
        """The fate of each URL as our checks meet it."""
        world, rng = self.world, self.rng
        n, hoster = made.site.size, made.hoster
        hiding = self._some(HIDING) & (world.hiding != "none")
        hidden = rng.random(n) < np.where(hiding, rng.uniform(*HIDDEN, world.hosters), 0.0)[hoster]
        cloaked = self._some(CLOAKED) & (world.cloak != "none")
        before = np.full(n, world.checks_before)
        if world.hides_at_random:
            before = rng.geometric(1.0 / world.checks_before, n)
        truly = np.where(hidden, before, _ALWAYS)
        led = np.full(n, _ALWAYS)
        if world.cloak == "agent":
            truly = np.where(cloaked[hoster], 0, truly)
        if world.cloak == "redirect":
            led = np.where(cloaked[hoster], 1, led)
        nightly = self._some(AT_NIGHT) * rng.uniform(*NIGHTLY, world.hosters) * bool(world.night_h)
        night_h = np.where(rng.random(n) < nightly[hoster], world.night_h, 0.0)
        night_from = rng.uniform(0.0, 24.0, world.hosters)[hoster]
        # a report was made of what was up
        night_from = np.where(is_night(made.reported, night_from, night_h), made.reported % 24.0 + 1.0, night_from)
        return Fates(
            gone=made.removed,
            back=made.back,
            leaves=made.leaves,
            turns=made.turns,
            night_from=night_from,
            night_h=night_h,
            truly=truly,
            truly_led=led,
            answer=GONE if world.answer == "404" else FRONT,
            fake=made.fake,
        )

    def _labels(self, made: Reported, fates: Fates) -> Labels:
        """The addresses, registrations and analysts' times of each URL."""
        world, rng = self.world, self.rng
        sites = int(made.site.max()) + 1
        of_customer = rng.permutation(SPACE // BLOCK)[made.customer % (SPACE // BLOCK)] * BLOCK
        if world.label == "address":
            address = of_customer
        elif world.label == "range":
            address = of_customer + rng.integers(0, RANGE, sites)[made.site]
        elif world.label == "registration":
            address = of_customer + rng.integers(0, BLOCK, sites)[made.site]
        elif world.servers == "shared":
            servers = rng.integers(0, SPACE, (world.hosters, int(rng.integers(*SERVERS))))
            address = servers[made.hoster, rng.integers(0, servers.shape[1], sites)[made.site]]
        else:
            address = rng.integers(0, SPACE, sites)[made.site]
        seen = made.reported + rng.uniform(0.0, VERIFYING_H, made.site.size)
        seen = np.minimum(seen, made.received)
        up = (seen < made.removed) & ~is_night(seen, fates.night_from, fates.night_h)
        part = {"none": 0.0, "all": 1.0, "some": rng.uniform(*VERIFIED)}[world.verified]
        verifies = (rng.random(made.site.size) < part) & ~made.fake
        verifies &= made.source < ASSESSING[world.verified]
        return Labels(
            address=address,
            second_address=rng.integers(0, SPACE, sites)[made.site],
            registration=made.customer if world.label == "registration" else np.full(made.site.size, NOBODY),
            verified=np.where(verifies, np.where(up, seen, made.reported), np.nan),
        )
