"""The PhishTank cohort: how long each id stayed in the feed, known to the dumps around its end."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from waterbed.intake.feed_presence import Delivered
from waterbed.judging.quarantines import GuardRules
from waterbed.measures.feeds import suspect_deliveries

DAY_S = 86_400.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """Days since submission of each id: last seen, first missing (inf: still there), and when it came into sight.

    `new` marks ids submitted since the first dump and absent from it; `platform` is the last two labels of the host.
    Ids in the first dump came into sight with it, all others with their submission. `submitted`, `first_seen` (first
    dump with the id) and `dumps` (those that are believed) are days since 1970.
    """

    left: Floats
    right: Floats
    entry: Floats
    new: npt.NDArray[np.bool_]
    platform: npt.NDArray[np.str_]
    host: npt.NDArray[np.str_]
    submitted: Floats
    first_seen: Floats
    dumps: Floats


def read_cohort(folder: Path) -> Cohort:
    """Read the feed: an end lies in (last dump with the id, next dump that is not quarantined].

    Gaps in presence are repaired: an id was there from its first to its last dump. Which dumps are held as empty or
    much too small is found as in an import. A dump counts as taken at the midnight that begins its day.
    """
    dumps = read_dumps(folder)
    doubted = {one.began_at for one in suspect_deliveries("phishtank", dumps, GuardRules())}
    taken = np.array([dump.received.timestamp() / DAY_S for dump in dumps])
    told = np.flatnonzero([dump.received not in doubted for dump in dumps])
    submitted, first, last, host = [], [], [], []
    with gzip.open(folder / "phishtank-2018-2019.csv.gz", "rt", newline="") as rows:
        for row in csv.DictReader(rows):
            runs = [run.split("-") for run in row["present"].split()]
            submitted.append(datetime.fromisoformat(row["submission_time"]).timestamp() / DAY_S)
            first.append(int(runs[0][0]))
            last.append(int(runs[-1][-1]))
            host.append(_host(row["url"]))
    return _clocks(np.array(submitted), np.array(first), np.array(last), taken, told, host)


def read_dumps(folder: Path) -> list[Delivered]:
    """All dumps in time order."""
    with (folder / "phishtank-dumps.csv").open(newline="") as lines:
        return [
            Delivered(received=datetime.combine(date.fromisoformat(row["date"]), time(), UTC), entries=int(row["rows"]))
            for row in csv.DictReader(lines)
        ]


def invented_cohort(ids: int, rng: np.random.Generator) -> Cohort:
    """Ids submitted over a year, with daily dumps, two gaps and one empty dump: as the feed is, and no one's data."""
    taken = np.delete(np.arange(366.0), np.r_[100:111, 200:213])
    told = np.delete(np.arange(taken.size), 140)
    submitted = np.sort(rng.uniform(0.0, 360.0, ids))
    gone = submitted + rng.lognormal(1.7, 1.6, ids)
    following = np.searchsorted(taken[told], submitted)
    last = np.maximum(np.searchsorted(taken[told], gone) - 1, following)
    return _clocks(submitted, told[following], told[last], taken, told, [f"h{n}.invented.example" for n in range(ids)])


def _clocks(
    submitted: Floats,
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    taken: Floats,
    told: npt.NDArray[np.int64],
    host: Sequence[str],
) -> Cohort:
    place = np.searchsorted(told, last, side="right")
    following = np.append(taken[told], np.inf)[place]
    left = np.maximum(taken[last] - submitted, 0.0)
    since = np.where(first == told[0], taken[told[0]] - submitted, 0.0)
    return Cohort(
        left=left,
        right=following - submitted,
        entry=np.clip(since, 0.0, left),
        new=(submitted >= taken[0]) & (first > 0),
        platform=np.array([".".join(name.rsplit(".", 2)[-2:]) for name in host]),
        host=np.array(host),
        submitted=submitted,
        first_seen=taken[first],
        dumps=taken[told],
    )


def _host(url: str) -> str:
    """The host of a URL; nothing if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
