"""Worlds around an event, of which it is known whether each sentence of an answer is true."""

import random
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from math import exp, log, pi, sin
from statistics import fmean
from typing import Final, Literal

import msgspec

from waterbed.lab.world.addressing import Chances
from waterbed.lab.world.events import Events
from waterbed.lab.world.file import Intervention, Movement, Removal, Sites, World
from waterbed.lab.world.moving import plan_copy, relocate
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.records import HOUR, Leaf, Placement, TrueReport, Truth
from waterbed.lab.world.removing import chance_within
from waterbed.lab.world.truth import truth_of

Kind = Literal[
    "no event",
    "controls slow down",
    "all speed up",
    "trend",
    "common trend",
    "season",
    "mix shifts",
    "movers",
    "searches rise",
    "removal only",
    "speeds up",
    "displaced",
]
KINDS: Final[tuple[Kind, ...]] = (
    "no event",
    "controls slow down",
    "all speed up",
    "trend",
    "common trend",
    "season",
    "mix shifts",
    "movers",
    "searches rise",
    "removal only",
    "speeds up",
    "displaced",
)
"""In the last five the event does something: the target removes all, or speeds up alone."""
TARGET: Final = "moerashost"
CONTROLS: Final = ("polderhost", "dijkserver", "terpdata")
_OTHERS: Final = ("fjordnett", "birkenwald", "grachtweb", "tundrahost")
DAYS, AT, AFTER, BEFORE = 91.0, 56.0, 28, 28
"""Length of a world, the day of the event, and days used after it and before it."""
WITHIN_H: Final = 24.0
NOTHING: Final = 0.02
"""A change of shares that the mix of hosters and times may make."""
_PRESSED: Final = ("movers", "searches rise", "removal only", "displaced")
_ROTATING_DAYS: Final = 21.0
"""For so long after it came up the owner of rotating content puts it elsewhere, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Change of a hoster's speed: its median time is divided by the product of these."""

    step: float = 1.0
    """From the event on."""
    weekly: float = 0.0
    """Growth of the logarithm in a week."""
    season: tuple[float, float, float] = (0.0, 28.0, 0.0)
    """Height of a sine in the logarithm, its length in days, and its phase in turns."""

    def speed(self, day: float, at: float) -> float:
        """The factor on a day of the world, the event being on day `at`."""
        height, length, phase = self.season
        wave = height * sin(2.0 * pi * (day / length + phase)) if height else 0.0
        return (self.step if day >= at else 1.0) * exp(self.weekly * (day - at) / 7.0 + wave)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWorld:
    """A world, and what else happens in it around its event."""

    kind: Kind
    world: World
    courses: Mapping[str, Course] = field(default_factory=dict)
    """By hoster; the others stay as they are."""
    by_category: Mapping[str, float] = field(default_factory=dict)
    """Factors of every hoster's speed by the category of a report."""
    reported: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By category: the share of the target's sites that feeds report, before the event and after."""
    rotating: float = 0.0
    """Chance that the owner of the target's content puts it elsewhere in three days, whatever the hoster does."""
    repointed: float = 0.0
    """Of these moves those of the name itself; the others are copies under a new one."""
    found: tuple[float, float] = (1.0, 1.0)
    """Of the reports of arrivals of the target's content those that are made, before the event and after."""

    @property
    def at(self) -> datetime:
        """When the event is."""
        return self.world.start + timedelta(days=AT)

    def policy(self, hoster: str, day: float, category: str) -> Removal:
        """Treatment of a report of a category by a hoster on a day."""
        (own,) = (one.removal for one in self.world.hoster if one.key == hoster)
        speed = self.courses.get(hoster, Course()).speed(day, AT) * self.by_category.get(category, 1.0)
        return own if speed == 1.0 else msgspec.structs.replace(own, median_hours=own.median_hours / speed)

    def chance(self, hoster: str, when: datetime, category: str) -> float:
        """The chance that a report is acted on within a day."""
        day = (when - self.world.start) / timedelta(days=1)
        for one in self.world.intervention:
            if one.hoster == hoster and day >= one.day and one.within_hours <= WITHIN_H:
                return 1.0
        policy = self.policy(hoster, day, category)
        return float(chance_within(policy, self.world.start, [day * 24.0], [1], WITHIN_H)[0])


class _Around(Events):
    """The events of a world, with those around its event."""

    def __init__(self, plan: EventWorld) -> None:
        self._plan = plan
        self._of_target: set[str] = set()
        self._at = round(AT * 24 * HOUR)
        super().__init__(plan.world)

    def policy(self, leaf: Leaf, now: int) -> Removal:
        return self._plan.policy(leaf.site.operator.key, now / HOUR / 24.0, leaf.site.category)

    def begin(self, leaf: Leaf, now: int) -> Placement:
        placement = super().begin(leaf, now)
        if leaf.site.operator.key == TARGET and placement.content_id not in self._of_target:
            self._of_target.add(placement.content_id)
            if self._plan.rotating:
                self._rotate(leaf, now, now)
        return placement

    def _rotate(self, leaf: Leaf, since: int, now: int) -> None:
        """Plan the next move of content by its owner, at a constant rate."""
        rate = -log(1.0 - self._plan.rotating) / 72.0
        self.later(now + max(1, round(self.rng.expovariate(rate) * HOUR)), partial(self._put_elsewhere, leaf, since))

    def _put_elsewhere(self, leaf: Leaf, since: int, now: int) -> None:
        """Put content elsewhere, up or not, for some weeks after it came up and as long as its name stays."""
        if leaf.site.operator.key != TARGET or now >= since + _ROTATING_DAYS * 24 * HOUR:
            return
        if self.rng.random() < self._plan.repointed:
            relocate(self, leaf.site, leaf.site.moves, now)
        else:
            plan_copy(self, [leaf], now)
        self._rotate(leaf, since, now)

    def report(self, leaf: Leaf, now: int) -> None:
        """Leave out what the feeds do not report, and what nobody finds."""
        share = self._share(leaf)[now >= self._at]
        if share == 1.0 or Chances(self.world, leaf.shown.url).share("around the event") < share:
            super().report(leaf, now)

    def _share(self, leaf: Leaf) -> tuple[float, float]:
        """The share of such reports that are made, before the event and after."""
        if leaf.shown.content_id not in self._of_target:
            return 1.0, 1.0
        at_target = leaf.site.operator.key == TARGET
        return self._plan.reported.get(leaf.site.category, (1.0, 1.0)) if at_target else self._plan.found


def happened(plan: EventWorld) -> Truth:
    """Simulate a world around an event."""
    return truth_of(_Around(plan).run())


def sentences(plan: EventWorld, truth: Truth) -> dict[str, bool]:
    """Say of each sentence of an answer whether it is true of a world, as its reader reads it.

    `removed more`: the target's own expected share within a day rose, at the mix of categories before; `more than
    controls`: it rose, and by more than theirs, at their mix; `by the event`: it would not have without it; `moved`:
    more of its content came up elsewhere soon after its end than would have without the event, detected or not.
    """
    own, other = (_rise(plan, truth, places) for places in ((TARGET,), CONTROLS))
    acts = plan.kind in (*_PRESSED, "speeds up")
    return {
        "removed more": own > NOTHING,
        "more than controls": own > NOTHING and own - other > NOTHING,
        "by the event": acts,
        "moved": acts and plan.world.movement.after_takedown > 0.0,
    }


_Chances = dict[tuple[str, str], list[float]]
"""The chances of a removal within a day, by hoster and category."""


def _rise(plan: EventWorld, truth: Truth, places: Collection[str]) -> float:
    """By how much the expected share rose at the event, at the mix of hosters and categories before."""
    first: dict[str, TrueReport] = {}
    for report in truth.reports:
        first.setdefault(report.url, report)
    chances: tuple[_Chances, _Chances] = defaultdict(list), defaultdict(list)
    for one in truth.episodes:
        if one.hoster not in places or one.url not in first or (report := first[one.url]).reported_at < one.start:
            continue
        when = report.reported_at
        if (one.end is None or when < one.end) and abs(when - plan.at) <= timedelta(days=AFTER):
            chance = plan.chance(one.hoster, when, report.category)
            chances[when >= plan.at][one.hoster, report.category].append(chance)
    before, after = chances
    weight = {one: len(before[one]) for one in before if one in after}
    changes = (weight[one] * (fmean(after[one]) - fmean(before[one])) for one in weight)
    return sum(changes) / max(1, sum(weight.values()))


def drawn(kind: Kind, rng: random.Random, sites: tuple[int, int] | None = None) -> EventWorld:
    """Draw a world of eight hosters from stated ranges.

    Hosters act on 60 to 95% of reports, in the median within 12 to 60 hours. What speeds up or slows down does so two
    to five times; a trend doubles speed in one to two and a half weeks; a season has 3 to 8 weeks.
    """
    wanted = {TARGET, *CONTROLS, *_OTHERS}
    base = read_world(scenario_path("waterbed"))
    hosters = tuple(
        msgspec.structs.replace(
            one,
            weight=6.0 if one.key == TARGET else rng.uniform(1.5, 4.0),
            removal=Removal(
                removes=rng.uniform(0.6, 0.95), median_hours=rng.uniform(12.0, 60.0), sigma=rng.uniform(0.6, 1.2)
            ),
            catch_all=False,
        )
        for one in base.hoster
        if one.key in wanted
    )
    pressed = kind in _PRESSED
    world = msgspec.structs.replace(
        base,
        seed=rng.randrange(2**31),
        days=DAYS,
        step_s=3600.0 * 3,
        hoster=hosters,
        sites=Sites(
            count=rng.randint(*(sites or ((500, 700) if pressed else (800, 1_000)))),
            urls_per_site=(1, 3),
            reported_over_days=(0.0, DAYS - 8),
            sources=("hotline", "feed"),
            categories={"phishing": 1.0, "malware": 1.0} if kind == "mix shifts" else {"phishing": 1.0},
        ),
        movement=Movement(
            after_takedown=rng.uniform(0.25, 0.35) if kind == "displaced" else 0.0,
            home_share=rng.uniform(0.3, 0.7),
            copy=2.0,
            reported_home=0.9,
            reported_abroad=rng.uniform(0.7, 0.9),
        ),
        intervention=(Intervention(hoster=TARGET, day=AT, within_hours=12.0),) if pressed else (),
        sale=(),
        renaming=(),
        fronting=(),
        renumbering=(),
        outage=(),
        vantages=(),
        empty_delivery_hours=(),
        beside="nothing",
    )
    plan = EventWorld(kind=kind, world=world)
    return _around(plan, rng)


def _around(plan: EventWorld, rng: random.Random) -> EventWorld:
    kind, times = plan.kind, rng.uniform(2.0, 5.0)
    everybody = [one.key for one in plan.world.hoster]
    weekly = log(2.0) / rng.uniform(1.0, 2.5)
    rotating, repointed = rng.uniform(0.3, 0.5), rng.uniform(0.5, 1.0)
    season = (log(times) / 2.0, rng.uniform(21.0, 56.0), rng.random())
    if kind == "controls slow down":
        return replace(plan, courses=dict.fromkeys(CONTROLS, Course(step=1.0 / times)))
    if kind == "all speed up":
        return replace(plan, courses=dict.fromkeys(everybody, Course(step=times)))
    if kind == "trend":
        return replace(plan, courses={TARGET: Course(weekly=weekly)})
    if kind == "common trend":
        return replace(plan, courses=dict.fromkeys(everybody, Course(weekly=weekly)))
    if kind == "season":
        return replace(plan, courses={TARGET: Course(season=season)})
    if kind == "mix shifts":
        few = 1.0 / rng.uniform(4.0, 6.0)
        reported = {"phishing": (few, 1.0), "malware": (1.0, few)}
        return replace(plan, by_category={"phishing": times, "malware": 1.0 / times}, reported=reported)
    if kind == "movers":
        return replace(plan, rotating=rotating, repointed=repointed)
    if kind == "searches rise":
        return replace(plan, rotating=rotating, repointed=repointed, found=(rng.uniform(0.3, 0.6), 1.0))
    if kind == "speeds up":
        return replace(plan, courses={TARGET: Course(step=2.0 * times)})
    return plan
