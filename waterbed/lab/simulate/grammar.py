"""A grammar of worlds of hosters, reports and checks.

A world combines one choice of each part: no list of worlds is kept, so that the next one is not outside it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np

Dependence = Literal["independent", "sites", "customers", "weekly", "queue", "desk"]
"""What makes removals depend on each other. `sites`: all URLs of a site are decided on as one; `customers`: all sites
of a customer; `weekly`: all reports of a week; `queue`: it is worked off now and then; `desk`: on and off for days."""
Label = Literal["content", "address", "range", "registration", "delivery", "none"]
"""How the study could know that sites are one customer's; `range` is a /29, `none` nothing."""
Hiding = Literal["none", "from the first check", "after a few checks", "after many checks"]
Fakes = Literal["none", "some"]
Drift = Literal["constant", "step", "trend"]
Lag = Literal["minutes", "hours", "many hours", "files"]
"""From a report to our first check. `files`: reports come in deliveries, every 6 or 24 hours."""
Verified = Literal["none", "some", "all"]
"""Reports with the time at which an analyst saw the content up."""
Mover = Literal["none", "rotation", "displaced", "round robin"]
"""`rotation`: owners point names elsewhere at a constant rate; `displaced`: the content is reported elsewhere after a
removal; `round robin`: a name points to two hosters all the time."""
Returns = Literal["none", "nights", "put back"]
"""`nights`: away for 3 to 8 hours each night; `put back`: up again a day or more after a removal."""
Cloak = Literal["none", "agent", "redirect"]
"""`agent`: our checks alone get 404; `redirect`: after one honest check every path leads to another site."""
Answer = Literal["404", "front page"]
"""What a removed URL answers: `front page` redirects there."""
Shares = Literal["equal", "at the norm", "different"]
"""True shares of a study's hosters."""
Servers = Literal["own", "shared"]
"""Whether each site has an address of its own, or shares one of the hoster's servers with others."""
Arrivals = Literal["steady", "bursts"]
Kind = TypeVar("Kind")

WEIGHTS: Final[Mapping[str, Mapping[str, float]]] = {
    "dependence": {
        "independent": 0.25,
        "sites": 0.15,
        "customers": 0.25,
        "weekly": 0.08,
        "queue": 0.12,
        "desk": 0.15,
    },
    "label": {"content": 0.2, "address": 0.2, "range": 0.15, "registration": 0.15, "delivery": 0.1, "none": 0.2},
    "hiding": {
        "none": 0.64,
        "from the first check": 0.2,
        "after a few checks": 0.08,
        "after many checks": 0.08,
    },
    "fakes": {"none": 0.7, "some": 0.3},
    "drift": {"constant": 0.6, "step": 0.2, "trend": 0.2},
    "lag": {"minutes": 0.35, "hours": 0.25, "many hours": 0.15, "files": 0.25},
    "verified": {"none": 0.5, "some": 0.3, "all": 0.2},
    "mover": {"none": 0.55, "rotation": 0.15, "displaced": 0.15, "round robin": 0.15},
    "returns": {"none": 0.6, "nights": 0.2, "put back": 0.2},
    "cloak": {"none": 0.8, "agent": 0.1, "redirect": 0.1},
    "answer": {"404": 0.85, "front page": 0.15},
    "shares": {"equal": 0.25, "at the norm": 0.15, "different": 0.6},
    "servers": {"own": 0.5, "shared": 0.5},
    "arrivals": {"steady": 0.75, "bursts": 0.25},
}
"""Weights of the choices of each part; parts are drawn independently."""
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "customers": (12.0, 80.0),
    "customer_tail": (0.0, 1.0),
    "queue_h": (6.0, 72.0),
    "desk_h": (24.0, 336.0),
    "few_checks": (1.0, 3.0),
    "many_checks": (4.0, 16.0),
    "faked": (0.05, 0.6),
    "stay_d": (2.0, 20.0),
    "displaced": (0.3, 0.8),
    "turning": (0.1, 0.6),
    "night_h": (3.0, 8.0),
    "put_back": (0.3, 0.9),
    "hosters": (3.0, 8.0),
    "clocks": (20.0, 400.0),
    "zipf": (0.2, 1.2),
    "days": (10.0, 200.0),
    "tail_h": (0.0, 48.0),
    "every_h": (1.0, 4.0),
    "missed": (0.0, 0.15),
    "second_category": (0.3, 1.0),
}
"""Ranges of numbers; those of LOGARITHMIC evenly in their logarithm, the others evenly. `desk_h` is a mean of 1 to 14
days, `tail_h` the time from the last report to the end of the study, `second_category` what the hoster removes of a
second category beside the first."""
LOGARITHMIC: Final = frozenset({"customers", "queue_h", "desk_h", "stay_d", "clocks", "days"})
SECOND_SOURCE: Final = 0.6
"""Probability of a second source, with a category, a lag and a habit of verifying of its own."""
WEEK_H: Final = 168.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One choice of each part of the grammar.

    Each study draws its hosters anew.
    """

    dependence: Dependence
    label: Label
    """Of customers; `none` in all other worlds."""
    customers: int
    """Customers of a hoster with as many sites as the largest has; smaller ones have fewer."""
    customer_tail: float
    """Exponent of Zipf's law of customers' sizes."""
    regime_h: float
    """Mean hours of a regime: of a state of the desk, between two ends of the queue, of a week; 0: none."""
    hiding: Hiding
    checks_before: int
    """Checks that are answered truly before a URL is hidden; the mean, if `hides_at_random`."""
    hides_at_random: bool
    fakes: Fakes
    drift: Drift
    lag: Lag
    delivery_h: float
    """Hours between deliveries; 0: each report comes alone."""
    sources: int
    second_category: float
    """What hosters remove of the second source's category, as a part of what they remove of the first."""
    verified: Verified
    mover: Mover
    moves: float
    """Rotation: mean days until an owner leaves; displaced: part of removed content that is up elsewhere later; round
    robin: part of the sites."""
    returns: Returns
    night_h: float
    put_back: float
    """Part of removed content that is put back."""
    cloak: Cloak
    answer: Answer
    shares: Shares
    servers: Servers
    arrivals: Arrivals
    hosters: int
    clocks: int
    """Reported URLs at the largest hoster."""
    zipf: float
    """Exponent of Zipf's law of hosters' sizes."""
    days: float
    tail_h: float
    every_h: float
    """Hours between two checks in the two days after a report; half as often for URLs that are checked rarely."""
    missed: float
    """Share of checks that decide nothing."""

    @property
    def shown(self) -> bool:
        """True if the data can show the dependence.

        They do by a label, or by at least FEWEST_REGIMES regimes on average.
        """
        if self.dependence == "customers":
            return self.label != "none"
        return self.regime_h <= 24.0 * self.days / FEWEST_REGIMES

    @property
    def honest(self) -> bool:
        """True if nothing there seems removed that is not.

        Nobody hides, fakes, or takes pages away for a night.
        """
        return self.hiding == self.fakes == self.cloak == "none" and self.returns != "nights"

    @property
    def seen_up(self) -> bool:
        """True if somebody sees most content up soon after its report.

        A check within minutes, or an analyst who dated it: else the data of honest hosters, too, leave open much.
        """
        return self.lag == "minutes" or self.verified == "all"

    @property
    def label_matters(self) -> bool:
        """True if outcomes depend on a label beside the site."""
        return self.dependence == "customers" and self.label != "none"

    def parts(self) -> dict[str, Any]:
        """The parts by name, for a file."""
        return asdict(self)


FEWEST_REGIMES: Final = 4
"""Regimes in a window below which no data can show them."""


def draw_world(rng: np.random.Generator) -> World:
    """Draw a world by WEIGHTS and RANGES."""
    made: dict[str, Any] = {name: _choice(name, rng) for name in WEIGHTS}
    number = {name: _number(name, rng) for name in RANGES}
    if made["dependence"] != "customers":
        made["label"] = "none"
    elif made["label"] == "delivery":
        made["lag"] = "files"  # each customer's reports are a file of their own
    regimes = {"weekly": WEEK_H, "queue": number["queue_h"], "desk": number["desk_h"]}
    before = {"after a few checks": "few_checks", "after many checks": "many_checks"}.get(made["hiding"])
    moves = {"rotation": "stay_d", "displaced": "displaced", "round robin": "turning"}.get(made["mover"])
    at_random, every, second = rng.random() < 0.5, rng.random() < 0.5, rng.random() < SECOND_SOURCE
    files = made["lag"] == "files" and made["label"] != "delivery"
    return World(
        **made,
        customers=round(number["customers"]),
        customer_tail=number["customer_tail"],
        regime_h=regimes.get(made["dependence"], 0.0),
        checks_before=round(number[before]) if before else 0,
        hides_at_random=bool(before) and at_random,
        delivery_h=(6.0 if every else 24.0) if files else 0.0,
        sources=2 if second else 1,
        second_category=number["second_category"] if second and made["shares"] != "at the norm" else 1.0,
        moves=number[moves] if moves else 0.0,
        night_h=number["night_h"] if made["returns"] == "nights" else 0.0,
        put_back=number["put_back"] if made["returns"] == "put back" else 0.0,
        hosters=round(number["hosters"]),
        clocks=round(number["clocks"]),
        zipf=number["zipf"],
        days=number["days"],
        tail_h=number["tail_h"],
        every_h=number["every_h"],
        missed=number["missed"],
    )


def numbered_world(seed: int, number: int) -> World:
    """The world of a number, the same for a seed."""
    return draw_world(np.random.default_rng([seed, number]))


def _choice(part: str, rng: np.random.Generator) -> str:
    weights = WEIGHTS[part]
    return str(rng.choice(list(weights), p=list(weights.values())))


def _number(name: str, rng: np.random.Generator) -> float:
    low, high = RANGES[name]
    if name in LOGARITHMIC:
        return float(low * (high / low) ** rng.random())
    return float(low + (high - low) * rng.random())
