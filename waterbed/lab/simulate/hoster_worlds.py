"""Drawn worlds of one hoster, by kind.

In each something else makes removals depend on each other, or hides them.
"""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import numpy as np

from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.processes import HosterWorld
from waterbed.lab.world.file import FeedChange, Hoster, Removal, Sites

Kind = Literal[
    "independent",
    "batches 6 h",
    "batches 30 h",
    "batches 72 h",
    "office hours",
    "informative size",
    "whole sites",
    "put back once",
    "put back often",
    "outages",
    "feed",
    "hiding",
    "mixture",
    "notices",
    "sizes",
]
KINDS: Final[tuple[Kind, ...]] = Kind.__args__  # type: ignore[attr-defined]  # a literal's values
Parts = dict[str, Any]

START: Final = datetime(2025, 4, 2, 7, 30, tzinfo=UTC)


def draw_hoster_world(kind: Kind, days: float, rng: np.random.Generator, *, sites: int | None = None) -> HosterWorld:
    """Draw a world of a kind, from stated ranges.

    With so many sites, if they are given.

    30 to 400 sites of 1 to 3 URLs, reported all through the study; the hoster acts on 50 to 98% of reports, ready after
    3 to 40 hours in the middle (sigma 0.5 to 1.2); looks every 1 to 3 hours, 5 to 20% of them undecided, up to 30% of
    reports up to a day late. Batches: ready after 0.2 to 2 hours, 85 to 100% acted on, queue intervals of 6, 30 or 72 h
    in the mean. Office: Monday to Friday, 8 or 9 to 16 to 18 h, ready after 1 to 10 working hours. Informative size: 1
    to 30 URLs a site, Pareto with exponent 0.8 to 1.5, slower by size to the power 0.3 to 0.8. Whole sites: 1 to 200
    URLs, Pareto with exponent 1 to 1.5, decided once. Put back: 30 to 90% after 1 to 48 hours, once or up to five
    times. Outages: one for each five days at the worst moment, of 6 to 12 hours, with batches of 12 to 30 h in half of
    the studies. Feed: stops or doubles at a third to two thirds of the study, with batches of 12 to 30 h in half of
    them. Hiding: 404 to us alone after 4 to 16 looks, fixed or random, looked at for 60 hours. Mixture: batches in
    office hours, whole sites. Notices: of 30 to 90% of reports, an hour later or in a daily round; removed 1 to 8 hours
    after it in the middle. Sizes: 1 to 5,000 sites.
    """
    policy: Parts = {
        "removes": rng.uniform(0.5, 0.98),
        "median_hours": 3.0 * (40.0 / 3.0) ** rng.random(),
        "sigma": rng.uniform(0.5, 1.2),
    }
    drawn = round(30.0 * (400 / 30) ** rng.random())
    layout: Parts = {"count": sites or drawn, "urls_per_site": (1, 3)}
    hoster: Parts = {}
    _removing(kind, rng, policy, layout)
    around = _around(kind, days, rng, hoster)
    if kind == "sizes" and not sites:
        layout.update(count=round(5_000.0 ** rng.random()))
    return HosterWorld(
        hoster=Hoster(key="one", name="One", asn=64_500, country="NL", removal=Removal(**policy), **hoster),
        sites=Sites(**layout),
        start=START,
        days=days,
        plan=LookPlan(
            every_hours=rng.uniform(1.0, 3.0), missed=rng.uniform(0.05, 0.20), late=float(rng.choice([0.0, 0.3]))
        ),
        **around,
    )


def _removing(kind: Kind, rng: np.random.Generator, policy: Parts, layout: Parts) -> None:
    """Draw how the hoster removes, and of which sites."""
    if kind.startswith("batches"):
        _batches(policy, rng, float(kind.split()[1]))
    elif kind == "office hours":
        _office(policy, rng)
    elif kind == "informative size":
        layout.update(urls_per_site=(1, 30), tail=rng.uniform(0.8, 1.5))
        policy.update(slower_by_size=rng.uniform(0.3, 0.8))
    elif kind == "whole sites":
        layout.update(urls_per_site=(1, 200), tail=rng.uniform(1.0, 1.5))
        policy.update(whole_sites=True)
    elif kind.startswith("put back"):
        policy.update(put_back=rng.uniform(0.3, 0.9), put_back_most=1 if kind == "put back once" else 5)
    elif kind in ("outages", "feed"):
        if rng.random() < 0.5:
            _batches(policy, rng, rng.uniform(12.0, 30.0))
    elif kind == "mixture":
        layout.update(urls_per_site=(1, 30), tail=1.2)
        _office(policy, rng)
        policy.update(whole_sites=True, batch_hours=rng.uniform(2.0, 10.0))
    elif kind == "notices":
        policy.update(on_notice_hours=rng.uniform(1.0, 8.0))


def _around(kind: Kind, days: float, rng: np.random.Generator, hoster: Parts) -> Parts:
    """Draw what happens around it: outages of ours, feeds, hiding, notices."""
    if kind == "outages":
        return {"worst_outages": max(1, round(days / 5))}
    if kind == "feed":
        day, factor = days * rng.uniform(1 / 3, 2 / 3), float(rng.choice([0.0, 2.0]))
        return {"feed": FeedChange(hoster="one", day=day, factor=factor)}
    if kind == "hiding":
        hoster.update(blind_to=("first",), blind_after_looks=int(rng.integers(4, 17)), blind_how="404")
        hoster.update(blind_at_random=bool(rng.random() < 0.5))
        return {"follow_h": 60.0}  # 16 looks take up to 48 hours, and an end is confirmed by others
    if kind == "notices":
        return {"notified": rng.uniform(0.3, 0.9), "rounds_h": float(rng.choice([0.0, 24.0]))}
    return {}


def _batches(policy: Parts, rng: np.random.Generator, hours: float) -> None:
    middle, removes = rng.uniform(0.2, 2.0), float(rng.uniform(0.85, 1.0))
    policy.update(batch_hours=hours, median_hours=middle, sigma=0.5, removes=removes)


def _office(policy: Parts, rng: np.random.Generator) -> None:
    hours = float(rng.integers(8, 10)), float(rng.integers(16, 19))
    policy.update(office_hours=hours, weekdays=True, median_hours=10.0 ** rng.random())
