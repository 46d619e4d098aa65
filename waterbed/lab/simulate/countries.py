"""Studies of a whole country of hosters as arrays, where removals depend on each other in ways that are hidden.

Times are hours since the study's start.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from waterbed.lab.world.file import Removal
from waterbed.lab.world.removing import chance_within, delays, queue_times, removed_at

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Spread = Literal["wide", "a minority", "at the norm", "just below", "just above", "half and half", "two slow"]
"""How true shares lie about the norm."""
Dependence = Literal["none", "campaigns", "whole campaigns", "queues", "some queues", "a desk", "customers"]
"""Which removals share their fate."""
SPREADS: Final[tuple[Spread, ...]] = get_args(Spread)
DEPENDENCES: Final[tuple[Dependence, ...]] = get_args(Dependence)

HOSTERS: Final = 40
WEEKS: Final = 26
A_WEEK: Final = 60
NAMES: Final = 7.0
"""Reports of a campaign in the mean."""
NORM: Final = 0.5
WITHIN_H: Final = 24.0
_LENGTH_H: Final = 168.0 * WEEKS
_CAMPAIGN_H: Final = 12.0
_QUEUE_H: Final = 30.0
_DESK_H: Final = 168.0
_CUSTOMERS: Final = 10
_REGISTRATIONS: Final = 5
_DELIVERIES: Final = 4
_ALIKE: Final = 0.3
_START: Final = datetime(2025, 4, 2, 7, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Country:
    """The reports of one study, one entry each, and the true expected share of each hoster.

    `surely` and `possibly` are the worst and the best case of its removal within a day; `customer` is whose decision it
    was, where hosters decide once for each. `registration` and `delivery` are labels that nothing depends on.
    """

    hoster: Ints
    at_h: Floats
    site: Ints
    customer: Ints
    registration: Ints
    delivery: Ints
    surely: Bools
    possibly: Bools
    true: Floats


def draw_country(spread: Spread, dependence: Dependence, rng: np.random.Generator, *, unseen: float = 0.0) -> Country:
    """Draw a study of HOSTERS hosters over WEEKS weeks, with A_WEEK reports a week in the mean.

    The size of hoster k is proportional to 1/k (Zipf). Reports come in campaigns of a geometric number of names, each
    at one hoster and within half a day. Every report has a site of its own but for a tenth, on the site before it.

    Shares. `wide`: uniform from 20 to 90%. `a minority`: eight hosters at 10 to 40%, the others at 55 to 95%. `just
    below`: thirty at 48%, ten at the norm of 50%. `just above`: four at 45%, the others at 52%. `half and half`: at 30
    and 52%. `two slow`: at 20%, the others at the norm.

    Dependence. `campaigns`: the outcomes of a campaign have an intra-cluster correlation of 0.3, or are all alike.
    `queues`: worked off every 30 hours in the mean, or more often where the share needs it; `some`: of every other
    hoster. `a desk`: on and off by turns, 7 days each in the mean. `customers`: each hoster has ten, whose sites are
    spread over the study, and decides once for each.

    `unseen` is the part of the removals that only the report had seen up: they are possible, not sure.
    """
    true = _shares(spread, rng)
    hoster, campaign, at = _reports(rng)
    on_the_same = (rng.random(hoster.size) < 0.1) & np.append(False, np.diff(campaign) == 0)
    customer = hoster * _CUSTOMERS + rng.integers(0, _CUSTOMERS, hoster.size)
    removed = _removed(dependence, true, hoster, campaign, at, customer, rng)
    return Country(
        hoster=hoster,
        at_h=at,
        site=np.cumsum(~on_the_same),
        customer=customer,
        registration=rng.integers(0, _REGISTRATIONS, hoster.size),
        delivery=(at / _LENGTH_H * _DELIVERIES).astype(np.int64),
        surely=removed & (rng.random(hoster.size) >= unseen),
        possibly=removed,
        true=true,
    )


def _shares(spread: Spread, rng: np.random.Generator) -> Floats:
    if spread == "wide":
        return rng.uniform(0.2, 0.9, HOSTERS)
    if spread == "a minority":
        found = np.append(rng.uniform(0.1, 0.4, 8), rng.uniform(0.55, 0.95, HOSTERS - 8))
    else:
        others, some, number = {
            "at the norm": (NORM, NORM, 0),
            "just below": (NORM - 0.02, NORM, 10),
            "just above": (NORM + 0.02, NORM - 0.05, 4),
            "half and half": (NORM + 0.02, 0.3, HOSTERS // 2),
            "two slow": (NORM, 0.2, 2),
        }[spread]
        found = np.repeat([some, others], [number, HOSTERS - number])
    return rng.permutation(found)


def _reports(rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """The hoster, campaign and time of each report, by campaign."""
    total = int(rng.poisson(A_WEEK * WEEKS))
    sizes = rng.geometric(1.0 / NAMES, total)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), total)) + 1]
    chances = 1.0 / np.arange(1, HOSTERS + 1)
    whose = rng.choice(HOSTERS, sizes.size, p=chances / chances.sum())
    campaign = np.repeat(np.arange(sizes.size), sizes)
    begun = rng.uniform(0.0, _LENGTH_H, sizes.size)
    return whose[campaign], campaign, begun[campaign] + rng.uniform(0.0, _CAMPAIGN_H, campaign.size)


def _removed(
    dependence: Dependence,
    true: Floats,
    hoster: Ints,
    campaign: Ints,
    at: Floats,
    customer: Ints,
    rng: np.random.Generator,
) -> Bools:
    """Whether each report was removed within a day; in the mean over repetitions its hoster's true share is."""
    own, share = rng.random(hoster.size), true[hoster]
    if dependence == "customers":
        own = rng.random(HOSTERS * _CUSTOMERS)[customer]
    elif "campaigns" in dependence:
        # two reports that both follow the campaign's fate are alike: the correlation is the square of that chance
        follows = rng.random(hoster.size) < (1.0 if "whole" in dependence else _ALIKE**0.5)
        own = np.where(follows, rng.random(campaign.max() + 1)[campaign], own)
    elif dependence == "a desk":
        turns = np.cumsum(rng.exponential(_DESK_H, (HOSTERS, 12 * WEEKS)), axis=1)
        on = np.array([np.searchsorted(turns[h], hour) for h, hour in zip(hoster, at, strict=True)])
        swing = np.minimum(np.minimum(share, 1.0 - share), 0.35)
        share = share + np.where((on + rng.integers(0, 2, HOSTERS)[hoster]) % 2, swing, -swing)
    found = own < share
    if "queues" in dependence:
        for number in range(0, HOSTERS, 2 if dependence == "some queues" else 1):
            its = hoster == number
            found[its] = _queued(float(true[number]), at[its], rng)
    return found


def _queued(share: float, at: Floats, rng: np.random.Generator) -> Bools:
    sizes = np.ones(at.size)
    for step in range(40):
        queue = Removal(removes=1.0, median_hours=1.0, sigma=0.5, batch_hours=_QUEUE_H * 0.8**step)
        chance = float(chance_within(queue, _START, [0.0], [1.0], WITHIN_H)[0])
        if chance >= share:
            break
    gone = removed_at(
        queue, _START, at, delays(queue, rng.standard_normal(at.size), sizes), queue_times(queue, _START, rng)
    )
    found: Bools = (gone - at <= WITHIN_H) & (rng.random(at.size) < share / chance)
    return found
