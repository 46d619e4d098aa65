"""How removals at large platforms share chance, in the PhishTank cohort, and the intervals that follow from it.

Needs the real feed: exit status 2 without it.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.phishtank import Cohort, read_cohort
from benchmarks.shared_chance import version_0_1_0
from waterbed.estimators.survival.incidence import NOTHING, share_within
from waterbed.measures.removal import interval_within
from waterbed.measures.takedown import REMOVED, Clock, incidence

PLATFORMS = ("000webhostapp.com", "wixsite.com", "blogspot.com", "windows.net")
WITHIN_H = (24.0, 168.0)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of a platform's entries that left the feed within some hours, with both intervals."""

    within_h: float
    share: float
    before: tuple[float, float]
    today: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The entries of one platform, one a host."""

    name: str
    entries: int
    ended: int
    dispersion: float
    """Mean squared difference of ends a day from the expected ones, over their mean: 1 if ends are independent."""
    shares: tuple[Share, ...]


def platforms(everyone: Cohort) -> Iterator[Platform]:
    """Yield the platforms; entries are those submitted since the first dump, the first of each host."""
    new = np.flatnonzero(everyone.new)
    new = new[np.argsort(everyone.submitted[new], kind="stable")]
    rows = np.sort(new[np.unique(everyone.host[new], return_index=True)[1]])
    spread = _dispersions(everyone, rows)
    for name in PLATFORMS:
        own = rows[everyone.platform[rows] == name]
        group = [_clock(everyone, row) for row in own.tolist()]
        until = datetime.fromtimestamp(float(everyone.dumps[-1]) * 86_400, UTC)
        yield Platform(
            name=name,
            entries=own.size,
            ended=int(np.isfinite(everyone.right[own]).sum()),
            dispersion=spread[name],
            shares=tuple(_share(group, within, until) for within in WITHIN_H),
        )


def _dispersions(everyone: Cohort, rows: np.ndarray) -> dict[str, float]:
    """Ends a day against the hazard of all entries of that age, in whole days, on that day.

    Only between dumps one day apart.
    """
    at, begun = everyone.dumps, everyone.submitted[rows]
    first = np.searchsorted(at, everyone.first_seen[rows])
    last = np.searchsorted(at, begun + everyone.left[rows] + 1e-9, side="right") - 1
    stays = np.maximum(last - first + 1, 0)
    entry = np.repeat(np.arange(rows.size), stays)
    day = np.arange(entry.size) - np.repeat(np.cumsum(stays) - stays, stays) + first[entry]
    kept = day < at.size - 1
    kept[kept] = np.diff(at)[day[kept]] == 1.0
    entry, day = entry[kept], day[kept]
    ends = (day == last[entry]).astype(float)
    age = (at[day] - begun[entry]).astype(np.int64)
    _, cell = np.unique(age * at.size + day, return_inverse=True)
    hazard = np.bincount(cell, ends) / np.bincount(cell)
    found = {}
    for name in PLATFORMS:
        own = everyone.platform[rows][entry] == name
        seen = np.bincount(day[own], ends[own], at.size)
        expected = np.bincount(day[own], hazard[cell[own]], at.size)
        held = expected > 0
        found[name] = float(np.square(seen - expected)[held].mean() / expected[held].mean())
    return found


def _clock(everyone: Cohort, row: int) -> Clock:
    right = float(everyone.right[row]) * 24.0
    return Clock(
        left_h=float(everyone.left[row]) * 24.0,
        right_h=right,
        cause=REMOVED if np.isfinite(right) else NOTHING,
        site_id=str(row),
        origin=datetime.fromtimestamp(0, UTC) + float(everyone.submitted[row]) * _DAY,
    )


def _share(group: list[Clock], within_h: float, until: datetime) -> Share:
    share = share_within(incidence(group), REMOVED, within_h)
    if share is None:
        raise ValueError(f"no entry was followed for {within_h:g} hours")
    return Share(
        within_h=within_h,
        share=share,
        before=version_0_1_0(group, share, within_h),
        today=interval_within(group, within_h, until=until),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    named = os.environ.get("WATERBED_REALDATA")
    parser.add_argument("--data", type=Path, default=named, help="folder of the real feed, else WATERBED_REALDATA")
    folder = parser.parse_args().data
    if folder is None or not (folder / "phishtank-dumps.csv").is_file():
        print("the folder has no phishtank-dumps.csv")
        return 2
    print(
        f"{'platform':20}{'entries':>8}{'ended':>8}{'var/mean':>9}{'within':>8}{'share':>7}{'0.1.0':>14}{'today':>14}"
    )
    for one in platforms(read_cohort(folder)):
        head = f"{one.name:20}{one.entries:8,}{one.ended:8,}{one.dispersion:9.1f}"
        for share in one.shares:
            spans = [f"{ends[0]:.3f}-{ends[1]:.3f}" if ends else "refused" for ends in (share.before, share.today)]
            print(f"{head:45}{share.within_h:6.0f} h{share.share:7.3f}{spans[0]:>14}{spans[1]:>14}")
            head = ""
    return 0


if __name__ == "__main__":
    sys.exit(main())
