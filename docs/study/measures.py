"""The study's numbers: how long entries are listed, by platform, by quarter, and under other choices."""

from collections import Counter
from itertools import pairwise, product
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from listings import Listings, Mask, Runs, first_end

from waterbed.estimators.survival.logrank import log_rank
from waterbed.estimators.survival.npmle import kaplan_meier, turnbull
from waterbed.estimators.survival.resampling import Resampled, resample
from waterbed.measures.feeds import FeedRetention

PLATFORMS: Final = (
    "000webhostapp.com",
    "azurewebsites.net",
    "blogspot.com",
    "google.com",
    "16mb.com",
    "sharepoint.com",
    "bit.ly",
    "duckdns.org",
)
"""Those that a table of medians was published of; public names of companies' services."""
DAYS: Final = (1, 2, 3, 7, 14, 30, 60, 90, 180)
GRID: Final = (*np.arange(0.25, 14.01, 0.25), *np.arange(15.0, 60.1, 1.0), *np.arange(65.0, 300.1, 5.0))
HOUR: Final = 1 / 24
LEAST_CLUSTERS: Final = 10
"""Below these no interval is given: docs/survival.md, Limits."""
RESAMPLES: Final = 400
SEED: Final = 20_191_026
_INSTANT: Final = 1e-6
"""Days: an exact time is an interval of this length before it."""

Ends = Literal["last seen", "middle", "first missing", "interval"]
Whose = Literal["new", "all, given entry", "all, entry ignored"]


def counts(listings: Listings) -> dict[str, Any]:
    """What the data are: entries, dumps, gaps, the empty dump and what believing it would make."""
    days = [one.received.date() for one in listings.dumps]
    gaps = [(after - before).days for before, after in pairwise(days)]
    new, began = listings.new, listings.dumps[0].received
    empty = min(listings.held, default=-1)
    late = [one.submitted < began and one.runs[0][0] > 0 for one in listings.entries]
    return {
        "entries": len(listings.entries),
        "dumps": len(listings.dumps),
        "first_day": str(days[0]),
        "last_day": str(days[-1]),
        "rows": sum(one.entries for one in listings.dumps),
        "gaps_d": sorted(gap for gap in gaps if gap > 7),
        "held": [str(days[number]) for number in sorted(listings.held)],
        "false_pairs": sum(_across(one.runs, empty) for one in listings.entries),
        "in_first_dump": sum(one.runs[0][0] == 0 for one in listings.entries),
        "came_late": int(np.sum(late)),
        "new": int(new.sum()),
        "new_still_listed": int(np.isinf(listings.retention_ages(new).right).sum()),
        "new_with_gaps": sum(
            first_end(one.runs, listings.held) < one.runs[-1][1]
            for one, chosen in zip(listings.entries, new, strict=True)
            if chosen
        ),
        "unusable": sum(not one.usable for one in listings.entries),
        "new_hosts": int(np.unique(listings.codes("host")[new]).size),
        "new_sites": int(np.unique(listings.codes("site")[new]).size),
        "hours_after_midnight": _hours(listings),
        "sizes": [[str(day), one.entries] for day, one in zip(days, listings.dumps, strict=True)],
    }


def listed(listings: Listings) -> dict[str, Any]:
    """How long new entries are listed: medians by treatment of the interval, and the curve."""
    its = listings.retention_ages(listings.new)
    middle, low, high = (_product_limit(its, ends) for ends in ("middle", "last seen", "first missing"))
    between, ended = turnbull(its.left, its.right), np.isfinite(its.right)
    sure = _resampled(its, listings.codes("site")[listings.new])

    def still(day: float) -> dict[str, float]:
        band = sure.at(day)
        return {
            "middle": round(middle.at(day).middle, 4),
            "low": round(band.low, 4),
            "high": round(band.high, 4),
            "last_seen": round(low.at(day).middle, 4),
            "first_missing": round(high.at(day).middle, 4),
            "interval": round(between.at(day).middle, 4),
        }

    return {
        "median": _median_row(its, sure),
        "median_cell": [round(end, 3) for end in between.median],
        "median_ended_alone": round(float(np.median((its.left + its.right)[ended] / 2)), 3),
        "still_listed": {str(day): still(float(day)) for day in DAYS},
        "curve": [[float(day), *still(float(day)).values()] for day in GRID],
        "clusters": sure.clusters,
        "resamples": RESAMPLES,
    }


def platforms(listings: Listings) -> dict[str, Any]:
    """The same for each platform, hosts drawn together, and whether they differ."""
    named = np.array([one.platform for one in listings.entries])
    hosts = listings.codes("host")
    found = {name: _platform(listings, listings.new & (named == name), hosts) for name in PLATFORMS}
    which = listings.new & np.isin(named, PLATFORMS)
    its = listings.retention_ages(which)
    group = np.unique(named[which], return_inverse=True)[1]
    test = log_rank(its.left, its.right, group, hosts[which], np.random.default_rng(SEED), step=HOUR)
    return {
        "of": found,
        "log_rank": {
            "distance": round(test.distance, 1),
            "groups": len(PLATFORMS),
            "p": test.p,
            "permutations": test.permutations,
            "hosts": test.clusters,
        },
    }


def quarters(listings: Listings) -> list[dict[str, Any]]:
    """The median of new entries by quarter of submission."""
    named = np.array([f"{one.submitted:%Y}-Q{(one.submitted.month + 2) // 3}" for one in listings.entries])
    sites, rows = listings.codes("site"), []
    for name in sorted(set(named[listings.new])):
        which = listings.new & (named == name)
        its = listings.retention_ages(which)
        row = _median_row(its, _resampled(its, sites[which]))
        rows.append({"quarter": str(name), "entries": int(which.sum()), **row})
    return rows


def specifications(listings: Listings) -> list[dict[str, Any]]:
    """The median under every choice of cohort, end, empty dump, gaps and hour of the dumps, lowest first.

    Product limits that put ends where entries were last seen are left out where entry is heeded: who was seen in the
    first dump alone would end at its own entry.
    """
    cohorts: dict[Whose, Mask] = {name: np.ones(len(listings.entries), dtype=bool) for name in get_args(Whose)}
    cohorts["new"] = listings.new
    hours = {"midnight": listings, "latest entry": listings.at_latest_entry()}
    rows = []
    for hour, whose, empty, gaps in product(hours, cohorts, ("held", "believed"), ("repaired", "first absence")):
        its = hours[hour].retention_ages(cohorts[whose], repaired=gaps == "repaired", believed=empty == "believed")
        entry = its.entry if whose == "all, given entry" else None
        choice = {"whose": whose, "empty": empty, "gaps": gaps, "hour": hour}
        for ends in get_args(Ends):
            if entry is None or ends != "last seen":
                rows.append({**choice, "ends": ends, "median": round(_median(its, ends, entry), 3)})
    return sorted(rows, key=lambda row: row["median"])


def _platform(listings: Listings, which: Mask, hosts: npt.NDArray[np.int64]) -> dict[str, Any]:
    its = listings.retention_ages(which)
    sure = _resampled(its, hosts[which])
    row = _median_row(its, sure)
    if sure.clusters < LEAST_CLUSTERS:
        row |= {"low": None, "high": None}
    largest = Counter(hosts[which].tolist()).most_common(1)[0][1]
    return {
        "entries": int(which.sum()),
        "hosts": sure.clusters,
        "largest_host": round(largest / int(which.sum()), 4),
        "still_listed": int(np.isinf(its.right).sum()),
        **row,
    }


def _resampled(its: FeedRetention, cluster: npt.NDArray[np.int64]) -> Resampled:
    """The product limit of middles on an hour grid, with resamples of whole clusters."""
    ended = np.isfinite(its.right)
    middle = np.where(ended, (its.left + its.right) / 2, its.left)
    before = np.where(ended, np.maximum(middle - _INSTANT, 0.0), middle)
    after = np.where(ended, middle, np.inf)
    return resample(before, after, cluster, np.random.default_rng(SEED), step=HOUR, resamples=RESAMPLES)


def _median_row(its: FeedRetention, sure: Resampled) -> dict[str, Any]:
    """The median in days: of middles with its interval, and with ends where they can be at most; interval estimate."""
    band = sure.median()
    return {
        "middle": round(_median(its, "middle"), 3),
        "low": round(band.low, 3),
        "high": round(band.high, 3),
        "last_seen": round(_median(its, "last seen"), 3),
        "first_missing": round(_median(its, "first missing"), 3),
        "interval": round(_median(its, "interval"), 3),
    }


def _median(its: FeedRetention, ends: Ends, entry: npt.NDArray[np.float64] | None = None) -> float:
    """The end of the cell in which half has left; of the interval estimate its middle."""
    if ends == "interval":
        return sum(turnbull(its.left, its.right, entry, step=HOUR).median) / 2
    return _product_limit(its, ends, entry).median[1]


def _product_limit(its: FeedRetention, ends: Ends, entry: npt.NDArray[np.float64] | None = None) -> Any:
    ended = np.isfinite(its.right)
    if ends == "middle":
        return kaplan_meier(its.left, its.right, entry, midpoint=True)
    if ends == "last seen":
        return kaplan_meier(its.left, np.where(ended, its.left, its.right), entry)
    return kaplan_meier(np.where(ended, its.right, its.left), its.right, entry)


def _hours(listings: Listings) -> dict[str, float]:
    """How long after the midnight that begins its day each dump was taken at least: its latest entry; quartiles."""
    latest = listings.at_latest_entry().dumps
    hours = [
        (late.received - dump.received).total_seconds() / 3600
        for late, dump in zip(latest, listings.dumps, strict=True)
        if late.received > dump.received
    ]
    low, middle, high = (round(float(hour), 2) for hour in np.quantile(hours, (0.25, 0.5, 0.75)))
    return {"dumps": len(hours), "low": low, "middle": middle, "high": high}


def _across(runs: Runs, empty: int) -> bool:
    """Whether an entry was in the dump before an empty one, and listed again later."""
    return runs[-1][1] > empty and any(last == empty - 1 for _, last in runs)
